import ArgumentParser
import KindredNode

/// `kindred cluster create`
struct ClusterCreate: ClusterCommand {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a cluster of the nodes that have registered.",
        discussion: """
            Nodes that run with the same --etcd and --cluster have registered, and wait for this. How many partitions \
            there are can never be changed; how many replicas, neither. Others can join later.

            EXAMPLES
              kindred cluster create
              kindred cluster create --partitions 256 --wait 5
              kindred cluster create --replicas 3 --node-names a,b,c
            """)

    @Option(help: ArgumentHelp("How many partitions the key space has, 1 to 4096.", valueName: "n"))
    var partitions: UInt16 = 64
    @Option(help: ArgumentHelp("How many replicas each key has, if there are as many nodes.", valueName: "n"))
    var replicas: UInt8 = 3
    @Option(help: ArgumentHelp("Only these nodes. (default: all that have registered)", valueName: "name,…"))
    var nodeNames: String?
    @Option(help: ArgumentHelp("Wait until so many nodes have registered.", valueName: "n"))
    var wait: Int?
    @OptionGroup var common: OperatorOptions

    private var names: [String]? {
        nodeNames?.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }

    func validate() throws {
        guard (1...4_096).contains(partitions) else { throw ValidationError("--partitions is 1 to 4096") }
        guard (1...15).contains(replicas) else { throw ValidationError("--replicas is 1 to 15") }
        if let wait, !(1...1_024).contains(wait) { throw ValidationError("--wait is for 1 to 1024 nodes") }
        guard let names else { return }
        if names.contains("") || Set(names).count != names.count {
            throw ValidationError("--node-names are different names, separated by commas")
        }
        if let wait, wait < names.count { throw ValidationError("--wait is for fewer nodes than --node-names names") }
    }

    func run(_ cluster: ClusterClient, _ console: Console) async throws -> ExitCode {
        if let wait { try await waitForNodes(wait, cluster, console) }
        try await cluster.create(partitions: partitions, replicas: replicas, nodes: names)
        try await waitUntilTheyServe(cluster)
        let answer = try await cluster.report()
        if common.json {
            console.print(json: answer.text)
        } else {
            console.print(Self.lines(answer.value, common))
        }
        return .success
    }

    /// The nodes learn of their cluster within a moment. Those that do not until then, `status` shows.
    private func waitUntilTheyServe(_ cluster: ClusterClient) async throws {
        let deadline = ContinuousClock.now + cluster.timeout
        while ContinuousClock.now < deadline {
            let report = try await cluster.report().value
            let answers = await cluster.ask(of: report)
            let members = report.nodes.filter { $0.state == "member" }
            if members.allSatisfy({ answers.report(of: $0.name)?.local.state == "serving" }) { return }
            // The node tells only who asks: often enough to look prompt to a person.
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    private func waitForNodes(_ count: Int, _ cluster: ClusterClient, _ console: Console) async throws {
        let clock = SampleClock()
        var line = ProgressLine(console: console, isSilent: common.json)
        defer { line.end() }
        var patience = Patience(cluster.timeout)
        while true {
            let report = try await patience.ask { () async throws(CommandFailure) in try await cluster.report().value }
            let registered = report?.nodes.map(\.name) ?? []
            let missing = (names ?? []).filter { !registered.contains($0) }
            if report?.isCreated == true || (registered.count >= count && missing.isEmpty) { return }
            let text = Self.waiting(registered, count, missing: missing)
            line.show(elapsed: clock.now, line: { TextLayout.cut(text, to: $0) }, facts: { text })
            // The node tells only who asks; nodes take a second or two to come.
            try await Task.sleep(for: .milliseconds(250))
        }
    }

    // MARK: For people

    static func waiting(_ registered: [String], _ count: Int, missing: [String]) -> String {
        var text =
            "\(registered.count) of \(Page.count(count, "node")) \(registered.count == 1 ? "has" : "have") registered"
        if !registered.isEmpty { text += ": \(Page.names(registered))" }
        if !missing.isEmpty { text += "; missing: \(Page.names(missing))" }
        return text
    }

    static func lines(_ report: ClusterReport, _ common: OperatorOptions) -> [StyledLine] {
        let members = report.nodes.filter { $0.state == "member" }
        let zones = Set(members.map(\.zone)).count
        let replicas = min(report.replicas, members.count)
        var lines = [
            StyledLine("created ", .good) + StyledLine("cluster \(Page.name(report.cluster)): ")
                + StyledLine(
                    "\(Page.count(report.partitions, "partition")) with \(Page.count(replicas, "replica")) each, on "
                        + "\(Page.count(members.count, "node")) in \(Page.count(zones, "zone"))")
        ]
        if replicas < report.replicas {
            lines.append(
                StyledLine(
                    "For \(report.replicas) replicas there are not enough nodes; there will be as soon as others join.")
            )
        }
        lines.append("")
        let rows = members.map {
            [
                Page.name($0.name), Page.zone($0.zone), "\($0.weight)", "\($0.replicas)", Page.name($0.pb),
                Page.name($0.http),
            ]
        }
        lines += Page.table([["NODE", "ZONE", "WEIGHT", "REPLICAS", "PROTOCOL BUFFERS", "HTTP"]] + rows)
        return lines + ["", "See how it is:", StyledLine(common.next("status"))]
    }
}
