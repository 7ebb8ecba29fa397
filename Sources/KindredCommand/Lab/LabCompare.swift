import ArgumentParser
import Foundation
import KindredDiagrams
import KindredSimulator

extension LabQuorum: ExpressibleByArgument {}
extension LabStrategy: ExpressibleByArgument {}

/// `kindred lab compare`: one workload, every strategy, and a table of what became of it.
struct LabCompare: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Run one workload through every strategy, and through the classic mistakes, and compare.",
        discussion: """
            The first rows are the strategies of the real core; the others are baselines: mistakes that systems have \
            made, each as a small model over the same network and clocks. For a baseline that fails, the smallest \
            history in which it does is shown. The same options give the same output, to the last byte.

            EXAMPLES
              kindred lab compare
              kindred lab compare --clients 16 --contention 80 --quorum majority
              kindred lab compare --history wall-clock
              kindred lab compare --report lab.html
              kindred lab compare --json | jq '.strategies[] | {strategy, lostSilently}'
            """)

    @OptionGroup var options: LabOptions

    @Option(
        help: ArgumentHelp("Only this strategy or baseline. Can be given several times.", valueName: "name"))
    var strategy: [LabStrategy] = []

    @Option(
        help: ArgumentHelp(
            "Show only the smallest history in which this strategy or baseline fails.", valueName: "name"))
    var history: LabStrategy?

    @Option(
        help: ArgumentHelp(
            "Write a page with the tables, charts, and diagrams to step through, to this file.", valueName: "file"),
        completion: .file(extensions: ["html"]))
    var report: String?

    @Flag(help: "Write JSON, and no progress.")
    var json = false

    func validate() throws {
        if history != nil, !strategy.isEmpty { throw ValidationError("choose --strategy or --history") }
    }

    func run() throws {
        let code = perform(.standard)
        if code != .success { throw code }
    }

    /// Does what the command says.
    ///
    /// - Returns: the exit code.
    func perform(_ console: Console) -> ExitCode {
        let comparison = compare(console)
        if json {
            console.print(JSONText.encode(comparison.json))
        } else if let history {
            for line in LabTable(comparison).history(of: history, console.style) { console.print(line) }
        } else {
            for line in LabTable(comparison).lines(console.style) { console.print(line) }
        }
        return writeReport(of: comparison, console)
    }

    /// Writes the page, if one was asked for.
    private func writeReport(of comparison: LabComparison, _ console: Console) -> ExitCode {
        guard let report else { return .success }
        let page = LabPage(comparison).page.html()
        do {
            try Data(page.utf8).write(to: URL(fileURLWithPath: report))
            return .success
        } catch {
            console.complain(
                "kindred: \(TextLayout.harmless(report)) cannot be written: \(error.localizedDescription)")
            return .failure
        }
    }

    private func compare(_ console: Console) -> LabComparison {
        var line = ProgressLine(console: console, isSilent: json)
        let begun = ContinuousClock.now
        let chosen = LabStrategy.allCases.filter { strategy.isEmpty || strategy.contains($0) }
        let comparison = LabComparison(
            options.settings, strategies: history.map { [$0] } ?? chosen, seeds: options.seeds,
            skews: history == nil ? LabComparison.sweepSkews : []
        ) { done, total, strategy in
            let text = "\(done) of \(TextLayout.count(total, "run"))  \(strategy.rawValue)"
            line.show(
                elapsed: (ContinuousClock.now - begun) / .seconds(1), line: { TextLayout.cut(text, to: $0) },
                facts: { text })
        }
        line.end()
        return comparison
    }
}
