import ArgumentParser
import KindredNode

/// A command that stages a change.
protocol StagingCommand: ClusterCommand {
    var change: ClusterClient.StagedChange { get }
}

extension StagingCommand {
    func run(_ cluster: ClusterClient, _ console: Console) async throws -> ExitCode {
        try await cluster.stage(change)
        try await showStaged(cluster, console)
        return .success
    }
}

extension ClusterCommand {
    /// Shows what waits for a commit, and what to do with it.
    func showStaged(_ cluster: ClusterClient, _ console: Console) async throws {
        let report = try await cluster.report().value
        if common.json { return try console.print(json: StagedChanges(report)) }
        console.print(StagedChanges(report).lines(common))
    }
}

/// What waits for a commit.
struct StagedChanges: Encodable, Hashable {
    var staged: [String]
    var membershipEpoch: UInt64

    init(_ report: ClusterReport) {
        staged = report.staged
        membershipEpoch = report.membershipEpoch
    }

    func lines(_ common: OperatorOptions) -> [StyledLine] {
        guard !staged.isEmpty else { return ["Nothing is staged."] }
        return ["Staged, and not done yet:"] + staged.map { StyledLine("  \(Page.name($0))") } + [
            "See what it would do, then do it ('kindred cluster clear' forgets it):", StyledLine(common.next("plan")),
            StyledLine(common.next("commit")),
        ]
    }
}

/// `kindred cluster join`
struct ClusterJoin: StagingCommand {
    static let configuration = CommandConfiguration(
        commandName: "join",
        abstract: "Stage that a node gets replicas.",
        discussion: """
            The node must run ('kindred serve' with the cluster's --etcd and --cluster), so that it has registered. \
            Nothing moves before 'kindred cluster commit'. A node that is leaving stays after all.

            EXAMPLES
              kindred cluster join d
              kindred cluster join d && kindred cluster join e && kindred cluster plan
            """)

    @Argument(help: "The node's name.")
    var name: String
    @OptionGroup var common: OperatorOptions

    var change: ClusterClient.StagedChange { .init(change: "join", node: name) }
}

/// `kindred cluster leave`
struct ClusterLeave: StagingCommand {
    static let configuration = CommandConfiguration(
        commandName: "leave",
        abstract: "Stage that a node gives all its replicas away.",
        discussion: """
            Nothing moves before 'kindred cluster commit', and the node must run until its replicas are elsewhere: it is \
            no longer among the members then. For a node that does not come back there is 'kindred cluster lost'.

            EXAMPLES
              kindred cluster leave b
            """)

    @Argument(help: "The node's name.")
    var name: String
    @OptionGroup var common: OperatorOptions

    var change: ClusterClient.StagedChange { .init(change: "leave", node: name) }
}

/// `kindred cluster replace`
struct ClusterReplace: StagingCommand {
    static let configuration = CommandConfiguration(
        commandName: "replace",
        abstract: "Stage that a new node takes over another one's replicas.",
        discussion: """
            If both have the same zone and weight, the new node gets exactly the old one's replicas, and nothing else \
            moves. The old one leaves, if it has not been declared lost.

            EXAMPLES
              kindred cluster replace b d
            """)

    @Argument(help: "The node that goes.")
    var old: String
    @Argument(help: "The node that comes; it must have registered and be no member.")
    var new: String
    @OptionGroup var common: OperatorOptions

    func validate() throws {
        if old == new { throw ValidationError("a node is replaced by another one") }
    }

    var change: ClusterClient.StagedChange { .init(change: "replace", node: old, with: new) }
}

/// `kindred cluster reweigh`
struct ClusterReweigh: StagingCommand {
    static let configuration = CommandConfiguration(
        commandName: "reweigh",
        abstract: "Stage that a node's share of the replicas changes.",
        discussion: """
            A node of weight 2 gets about twice the replicas of a node of weight 1.

            EXAMPLES
              kindred cluster reweigh a 2
            """)

    @Argument(help: "The node's name.")
    var name: String
    @Argument(help: "Its weight, 1 to 65535.")
    var weight: UInt16
    @OptionGroup var common: OperatorOptions

    func validate() throws {
        if weight == 0 {
            throw ValidationError("a weight is 1 to 65535; 'kindred cluster leave' takes all replicas away")
        }
    }

    var change: ClusterClient.StagedChange { .init(change: "reweigh", node: name, weight: weight) }
}

/// `kindred cluster clear`
struct ClusterClear: ClusterCommand {
    static let configuration = CommandConfiguration(
        commandName: "clear",
        abstract: "Forget the staged changes.",
        discussion: """
            What has been committed goes on; 'kindred cluster cancel' gives that up.

            EXAMPLES
              kindred cluster clear
            """)

    @OptionGroup var common: OperatorOptions

    func run(_ cluster: ClusterClient, _ console: Console) async throws -> ExitCode {
        try await cluster.clearStaged()
        try await showStaged(cluster, console)
        return .success
    }
}
