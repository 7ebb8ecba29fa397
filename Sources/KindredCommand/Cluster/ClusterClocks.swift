import ArgumentParser
import KindredNode

/// `kindred cluster clocks`
struct ClusterClocks: ClusterCommand {
    static let configuration = CommandConfiguration(
        commandName: "clocks",
        abstract: "Show how far apart the nodes' clocks are.",
        discussion: """
            Every node is asked how far it finds the others' clocks from its own. A number says by how many milliseconds the \
            clock of the node above is ahead of that of the node on the left, and how sure that is. It ends with 0 if \
            all clocks are close, with 1 if some are not, and with 69 if no node answers.

            EXAMPLES
              kindred cluster clocks
              kindred cluster clocks --json | jq '.nodes[] | select(.clocks.refusesLastWriteWins) | .name'
            """)

    @OptionGroup var common: OperatorOptions

    func run(_ cluster: ClusterClient, _ console: Console) async throws -> ExitCode {
        let report = try await cluster.report().value
        let page = ClocksPage(report, await cluster.ask(of: report))
        if common.json {
            try console.print(json: page.document)
        } else {
            console.print(page.lines(width: console.isTerminal ? console.width : .max))
        }
        return page.warnings.isEmpty ? .success : .failure
    }
}

/// How far apart the clocks are, for people and for programs.
struct ClocksPage {
    let report: ClusterReport
    let answers: NodeAnswers
    let warnings: [String]

    init(_ report: ClusterReport, _ answers: NodeAnswers) {
        self.report = report
        self.answers = answers
        warnings = Self.warnings(report, answers)
    }

    /// What a person should look at. A pair is spoken of by the node that is ahead; if that node does not answer, by the other.
    static func warnings(_ report: ClusterReport, _ answers: NodeAnswers) -> [String] {
        report.nodes.flatMap { node -> [String] in
            guard let clocks = answers.report(of: node.name)?.local.clocks else { return [] }
            return clocks.warnings(of: node.name)
                + clocks.peers.filter { answers.report(of: $0.node) == nil }.compactMap {
                    $0.warning(seenBy: node.name, limit: clocks.limitMilliseconds, isAhead: true)
                }
        }
    }

    // MARK: For people

    /// A table of all against all, or a line for each pair where that is too wide.
    func lines(width: Int) -> [StyledLine] {
        guard report.isCreated else {
            return [
                "The nodes compare their clocks once the cluster has been created: 'kindred cluster create' does it."
            ]
        }
        let matrix = Page.table(self.matrix)
        let isTooWide = (matrix.map { TextLayout.width($0.plain) }.max() ?? 0) > width
        return verdict + [""] + (isTooWide ? Page.table(pairs) : matrix) + [""] + legend
    }

    private var verdict: [StyledLine] {
        let title = StyledLine("cluster \(Page.name(report.cluster)): ", .strong)
        guard !warnings.isEmpty else { return [title + StyledLine("no clock is known to be far from another", .good)] }
        return [title + StyledLine("\(Page.count(warnings.count, "thing")) to look at", .bad)]
            + warnings.map { StyledLine("  ! ", .bad) + StyledLine(Page.name($0)) }
    }

    private var legend: [StyledLine] {
        let limit = answers.report(of: report.answeredBy)?.local.clocks.limitMilliseconds ?? 0
        return [
            StyledLine(
                "milliseconds by which the clock of the node above is ahead, ± what that may be wrong by", .faint),
            StyledLine(
                "! more than half of \(limit) ms   !! more: last-write-wins writes are refused   ? unknown", .faint),
        ]
    }

    private var matrix: [[String]] {
        let names = report.nodes.map(\.name)
        let rows = names.map { name in
            [Page.name(name)] + names.map { $0 == name ? "–" : cell(entry(of: $0, seenBy: name)) }
        }
        return [["AHEAD OF ↓"] + names.map(Page.name)] + rows
    }

    private var pairs: [[String]] {
        let names = report.nodes.map(\.name)
        let rows = names.flatMap { name in
            names.filter { $0 != name }.map { other in
                [Page.name(other), Page.name(name), cell(entry(of: other, seenBy: name))]
            }
        }
        return [["NODE", "AHEAD OF", "BY"]] + rows
    }

    private func entry(of peer: String, seenBy name: String) -> PeerClockReport? {
        answers.report(of: name)?.local.clocks.peers.first { $0.node == peer }
    }

    private func cell(_ entry: PeerClockReport?) -> String {
        guard let entry, let offset = entry.offsetMilliseconds, let uncertainty = entry.uncertaintyMilliseconds else {
            return "?"
        }
        let mark = ["warning": " !", "refused": " !!"][entry.state] ?? ""
        let sign = offset.magnitude < 0.05 ? "" : offset < 0 ? "−" : "+"
        return "\(sign)\(decimal(offset)) ± \(decimal(uncertainty))\(mark)"
    }

    /// Whatever a node may have sent.
    private func decimal(_ milliseconds: Double) -> String {
        SimulationProgress.decimal(min(milliseconds.magnitude, 1e15))
    }

    // MARK: For programs

    struct Document: Encodable {
        var healthy: Bool
        var warnings: [String]
        var nodes: [Node]

        struct Node: Encodable {
            var name: String
            /// How far it finds the others' clocks from its own; nil if it does not answer.
            var clocks: ClockReport?
        }
    }

    var document: Document {
        Document(
            healthy: warnings.isEmpty, warnings: warnings,
            nodes: report.nodes.map {
                Document.Node(name: $0.name, clocks: answers.report(of: $0.name)?.local.clocks)
            })
    }
}
