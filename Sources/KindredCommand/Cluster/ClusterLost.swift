import ArgumentParser
import KindredNode

/// `kindred cluster lost`
struct ClusterLost: ClusterCommand {
    static let configuration = CommandConfiguration(
        commandName: "lost",
        abstract: "Declare that a node will not come back.",
        discussion: """
            For a machine whose disk is gone. What only that node had is lost: writes that no other replica had yet, and \
            the hints it kept for others. Nobody waits for it any more; the next plan moves its replicas to other nodes. \
            It cannot be taken back: if the machine returns, it joins as a new node with an empty data directory.

            A node that is only away needs nothing of this, and one that still runs leaves with 'kindred cluster leave'.

            EXAMPLES
              kindred cluster lost b
              kindred cluster lost b --yes && kindred cluster replace b d && kindred cluster commit
            """)

    @Argument(help: "The node's name.")
    var name: String
    @Flag(help: "Do not ask.")
    var yes = false
    @OptionGroup var common: OperatorOptions

    private struct Declared: Encodable {
        var lost: String
        var membershipEpoch: UInt64
    }

    func run(_ cluster: ClusterClient, _ console: Console) async throws -> ExitCode {
        let confirmation = Confirmation(console: console, isGiven: yes, isSilent: common.json)
        try confirmation.check()
        let report = try await cluster.report().value
        guard let node = report.nodes.first(where: { $0.name == name }) else {
            throw CommandFailure(
                .failure, "there is no node '\(name)'; there are: \(report.nodes.map(\.name).joined(separator: ", "))")
        }
        if !common.json { console.print(Self.explanation(node, report)) }
        guard try confirmation.ask("Declare \(Page.name(name)) lost?") else {
            console.complain("kindred: nothing was done")
            return .failure
        }
        try await cluster.declareLost(name)
        let after = try await cluster.report().value
        if common.json {
            try console.print(json: Declared(lost: name, membershipEpoch: after.membershipEpoch))
        } else {
            console.print([
                StyledLine("\(Page.name(name)) is declared lost. Its replicas go to other nodes with the next commit:"),
                StyledLine(common.next("plan")), "or to a new node, which has registered:",
                StyledLine(common.next("replace \(Page.name(name)) NEW")),
            ])
        }
        return .success
    }

    /// What it means to declare this node lost.
    static func explanation(_ node: NodeReport, _ report: ClusterReport) -> [StyledLine] {
        let name = Page.name(node.name)
        var lines: [StyledLine] = []
        if node.isReachable == true || (node.isPresent && node.isReachable == nil) {
            lines.append(
                StyledLine("\(name) runs. ", .bad)
                    + StyledLine("A node that runs leaves without losing anything: 'kindred cluster leave \(name)'."))
        } else if node.isPresent {
            lines.append(
                StyledLine("\(name) may run: ", .bad)
                    + StyledLine("it cannot be reached, but it was heard of a moment ago. Is only the network gone?"))
        }
        let partitions = report.partitionStates.filter { partition in
            partition.members.contains { $0.node == node.name }
        }
        let alone = partitions.filter { $0.members.count == 1 }
        lines.append(
            StyledLine("\(name) has \(Page.count(partitions.count, "replica")), and is to be given up for good:"))
        lines.append("  · what only it had is gone: writes that no other replica had yet, and hints it kept for others")
        if !alone.isEmpty {
            let count = Page.count(alone.count, "partition")
            lines.append(StyledLine("  · it is the only replica of \(count): their data is gone", .bad))
        }
        lines.append("  · nobody waits for it any more, and its replicas go elsewhere with the next commit")
        lines.append("  · it cannot come back: the same machine joins as a new node, with an empty data directory")
        return lines
    }
}
