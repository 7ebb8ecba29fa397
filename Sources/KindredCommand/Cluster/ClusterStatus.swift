import ArgumentParser
import KindredNode

/// `kindred cluster status`
struct ClusterStatus: ClusterCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show how the cluster is, the alarming things first.",
        discussion: """
            Asks one node for the cluster, and every node for itself. It ends with 0 if all is well, with 1 if there is \
            something to look at, and with 69 if no node answers.

            EXAMPLES
              kindred cluster status
              kindred cluster status --node http://10.0.0.7:8098,http://10.0.0.8:8098
              kindred cluster status --json | jq .health.warnings
            """)

    @OptionGroup var common: OperatorOptions

    func run(_ cluster: ClusterClient, _ console: Console) async throws -> ExitCode {
        let report = try await cluster.report().value
        let answers = await cluster.ask(of: report)
        let page = StatusPage(report, answers)
        if common.json {
            try console.print(json: page.document)
        } else {
            console.print(page.lines)
        }
        return page.health.isHealthy ? .success : .failure
    }
}

/// How a cluster is, for people and for programs.
struct StatusPage {
    let report: ClusterReport
    let answers: NodeAnswers
    let health: ClusterHealth

    init(_ report: ClusterReport, _ answers: NodeAnswers) {
        self.report = report
        self.answers = answers
        health = ClusterHealth(report, answers)
    }

    /// More of them say no more.
    private static let warningsShown = 20

    var lines: [StyledLine] { verdict + [""] + facts + [""] + nodeTable }

    private var verdict: [StyledLine] {
        let title =
            StyledLine("cluster \(Page.name(report.cluster))", .strong)
            + StyledLine(", as \(Page.name(report.answeredBy)) sees it: ")
        guard !health.isHealthy else { return [title + StyledLine("OK", .good)] }
        let shown = health.warnings.prefix(Self.warningsShown).map {
            StyledLine("  ! ", .bad) + StyledLine(Page.name($0))
        }
        let hidden = health.warnings.count - shown.count
        return [title + StyledLine("\(Page.count(health.warnings.count, "thing")) to look at", .bad)] + shown
            + (hidden > 0 ? [StyledLine("    … and \(hidden) more")] : [])
    }

    private var locals: [LocalReport] { report.nodes.compactMap { answers.report(of: $0.name)?.local } }

    private var facts: [StyledLine] {
        var rows = [["nodes", nodes]]
        if report.isCreated { rows += [["partitions", partitions], ["changes", changes]] }
        let hints = locals.reduce(0) { $0 + $1.hints }
        rows.append([
            "hints", hints == 0 ? "none" : "\(TextLayout.grouped(hints)) writes are kept for nodes that were away",
        ])
        let behind = locals.map(\.clockBehindMilliseconds).max() ?? 0
        rows.append([
            "clocks",
            "\(behind == 0 ? "none is" : "up to \(Page.time(milliseconds: behind))") behind the cluster's time\(furthest)",
        ])
        return TextLayout.table(rows).map { StyledLine($0) }
    }

    /// The two clocks that are furthest from each other, if any have been compared.
    private var furthest: String {
        let offsets = locals.flatMap(\.clocks.peers).compactMap(\.offsetMilliseconds).map(\.magnitude)
        guard let most = offsets.max() else { return "" }
        return ", and no two are more than \(Page.time(milliseconds: UInt64(min(most, 1e15).rounded(.up)))) apart"
    }

    private var nodes: String {
        let states = ["member", "joining", "leaving", "waiting", "lost"]
        let counts = states.map { state in (state, report.nodes.count { $0.state == state }) }.filter { $0.1 > 0 }
        let text = counts.map { "\($0.1) \($0.0)\($0.0 == "member" && $0.1 != 1 ? "s" : "")" }.joined(separator: ", ")
        return "\(report.nodes.count): \(text.isEmpty ? "none" : text)"
    }

    private var partitions: String {
        let counts = health.partitions
        return
            "\(counts.total) with \(Page.count(report.replicas, "replica")): \(counts.complete) have all their voters, "
            + "\(counts.changing) \(counts.changing == 1 ? "is" : "are") changing, \(counts.leaderless) without a leader"
    }

    private var changes: String {
        var parts: [String] = []
        if !report.staged.isEmpty {
            parts.append("staged: \(Page.names(report.staged)) ('kindred cluster plan' tells more)")
        }
        if !report.transfers.isEmpty { parts.append("under way ('kindred cluster transfers' tells more)") }
        let idle = report.nodes.filter { $0.state == "joining" }.map(\.name)
        if !idle.isEmpty, report.staged.isEmpty {
            parts.append("\(Page.names(idle)) can join ('kindred cluster join NAME')")
        }
        return parts.isEmpty ? "none" : parts.joined(separator: "; ")
    }

    private var nodeTable: [StyledLine] {
        let rows = report.nodes.map { node -> [String] in
            let fixed = [Page.name(node.name), node.state]
            guard let local = answers.report(of: node.name)?.local else {
                return fixed + ["\(node.replicas)", "\(node.leads)", "–", "–", "–", "–", silence(of: node.name)]
            }
            var arriving = "\(local.transfersUnderWay)"
            if local.transferBytesPerSecond >= 1 {
                arriving += " (\(Page.bytes(UInt64(local.transferBytesPerSecond)))/s)"
            }
            return fixed + [
                "\(node.replicas)", "\(node.leads)", TextLayout.grouped(local.hints), "\(local.waitingRequests)",
                arriving,
                "\(local.clockBehindMilliseconds) ms", Page.name(local.state),
            ]
        }
        let heading = ["NODE", "STATE", "REPLICAS", "LEADS", "HINTS", "REQUESTS", "TRANSFERS", "CLOCK", "SAYS"]
        return Page.table([heading] + rows)
    }

    /// What a node's line has instead of what the node says.
    private func silence(of name: String) -> String {
        switch answers.answers[name] {
        case .failure(let failure): "no answer: \(failure.reason)"
        case .noAddress: "no address"
        case .report(let other): "\(Page.name(other.answeredBy)) answers in its place"
        case nil: "not asked"
        }
    }

    // MARK: For programs

    struct Document: Encodable {
        var healthy: Bool
        var health: ClusterHealth
        var report: ClusterReport
        var nodes: [Node]

        struct Node: Encodable {
            var name: String
            var url: String?
            /// What the node says of itself; nil if it does not answer.
            var local: LocalReport?
            var problem: String?
        }
    }

    var document: Document {
        let nodes = report.nodes.map { node in
            let local = answers.report(of: node.name)?.local
            return Document.Node(
                name: node.name, url: node.url?.text, local: local, problem: local == nil ? silence(of: node.name) : nil
            )
        }
        return Document(healthy: health.isHealthy, health: health, report: report, nodes: nodes)
    }
}
