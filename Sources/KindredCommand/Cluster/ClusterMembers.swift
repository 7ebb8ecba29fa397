import ArgumentParser
import KindredNode

/// `kindred cluster members`
struct ClusterMembers: ClusterCommand {
    static let configuration = CommandConfiguration(
        commandName: "members",
        abstract: "List the nodes, and where they are.",
        discussion: """
            Whether a node can be reached, and how fast it answers, is as the asked node sees it.

            EXAMPLES
              kindred cluster members
              kindred cluster members --json | jq -r '.nodes[] | select(.isPresent | not) | .name'
            """)

    @OptionGroup var common: OperatorOptions

    func run(_ cluster: ClusterClient, _ console: Console) async throws -> ExitCode {
        let answer = try await cluster.report()
        if common.json {
            console.print(json: answer.text)
        } else {
            console.print(MembersPage(report: answer.value).lines(width: console.isTerminal ? console.width : .max))
        }
        return .success
    }
}

/// The nodes of a cluster, for people.
struct MembersPage {
    let report: ClusterReport

    private static let stateHeading = [
        "NAME", "STATE", "PRESENT", "REACHABLE", "ROUND TRIP", "ZONE", "WEIGHT", "REPLICAS", "LEADS",
    ]
    private static let addressHeading = ["PROTOCOL BUFFERS", "HTTP", "PEERS"]

    /// One table, or two where one is too wide.
    func lines(width: Int) -> [StyledLine] {
        guard !report.nodes.isEmpty else { return ["No node has registered."] }
        let states = [Self.stateHeading] + report.nodes.map(state)
        let addresses =
            [Self.addressHeading] + report.nodes.map { [Page.name($0.pb), Page.name($0.http), Page.name($0.peer)] }
        let whole = Page.table(zip(states, addresses).map { $0 + $1 })
        if (whole.map { TextLayout.width($0.plain) }.max() ?? 0) <= width { return whole }
        return Page.table(states) + [""] + Page.table(zip(states, addresses).map { [$0[0]] + $1 })
    }

    private func state(_ node: NodeReport) -> [String] {
        let isSelf = node.name == report.answeredBy
        let reachable = node.isReachable.map { $0 ? "yes" : "no" } ?? (isSelf ? "(asked)" : "–")
        return [
            Page.name(node.name), node.state, node.isPresent ? "yes" : "no", reachable,
            node.roundTripMicroseconds.map(Page.time(microseconds:)) ?? "–", Page.zone(node.zone), "\(node.weight)",
            "\(node.replicas)",
            "\(node.leads)",
        ]
    }
}

/// `kindred cluster partitions`
struct ClusterPartitions: ClusterCommand {
    static let configuration = CommandConfiguration(
        commandName: "partitions",
        abstract: "Show who replicates what, and who leads.",
        discussion: """
            The number behind a member is the incarnation of its replica: what is in front of the dot in the version tags \
            of the writes it has accepted, there in base 36.

            EXAMPLES
              kindred cluster partitions
              kindred cluster partitions --partition 17
              kindred cluster partitions --json | jq '.[] | select(.leader == null) | .partition'
            """)

    @Option(help: ArgumentHelp("Only this one.", valueName: "number"))
    var partition: UInt16?
    @OptionGroup var common: OperatorOptions

    func run(_ cluster: ClusterClient, _ console: Console) async throws -> ExitCode {
        let report = try await cluster.report().value
        let shown = report.partitionStates.filter { partition == nil || $0.partition == partition }
        if let partition, shown.isEmpty {
            let reason =
                report.isCreated ? "they are 0 to \(report.partitions - 1)" : "the cluster has not been created yet"
            throw CommandFailure(.failure, "there is no partition \(partition): \(reason)")
        }
        if common.json {
            try console.print(json: shown)
        } else if !report.isCreated {
            console.print("The cluster has not been created yet: 'kindred cluster create' does it.")
        } else if partition != nil, let only = shown.first {
            console.print(PartitionsPage.details(of: only))
        } else {
            console.print(PartitionsPage.table(of: shown))
        }
        return .success
    }
}

/// Partitions, for people.
enum PartitionsPage {
    static func table(of partitions: [PartitionReport]) -> [StyledLine] {
        let rows = partitions.map { partition in
            [
                "\(partition.partition)", "\(partition.epoch)", partition.leader.map(Page.name) ?? "none",
                partition.members.map(member).joined(separator: ", "),
                partition.closing > 0 ? "\(partition.closing)" : "",
            ]
        }
        return Page.table([["PARTITION", "EPOCH", "LEADER", "MEMBERS", "CLOSING"]] + rows)
    }

    /// Voters are what members usually are.
    private static func member(_ member: MemberReport) -> String {
        "\(Page.name(member.node)) #\(member.actor)" + (member.role == "voter" ? "" : " \(member.role)")
    }

    static func details(of partition: PartitionReport) -> [StyledLine] {
        let facts = [
            ["epoch", "\(partition.epoch)"], ["leader", partition.leader.map(Page.name) ?? "none"],
            ["closing", partition.closing == 0 ? "no incarnation" : Page.count(partition.closing, "incarnation")],
            ["closed", partition.closed == 0 ? "none" : Page.count(Int(clamping: partition.closed), "incarnation")],
        ]
        let rows = partition.members.map { [Page.name($0.node), $0.role, "\($0.actor)"] }
        return [StyledLine("partition \(partition.partition)", .strong)]
            + TextLayout.table(facts).map { StyledLine("  \($0)") } + [""]
            + Page.table([["MEMBER", "ROLE", "INCARNATION"]] + rows)
    }
}
