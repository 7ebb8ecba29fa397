import ArgumentParser
import Foundation
import KindredDiagrams
import KindredSimulator

/// `kindred sim scenario`: runs readable histories through the replication core.
struct SimScenario: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scenario",
        abstract: "Run readable histories through the replication core, and compare what comes out.",
        discussion: """
            Each scenario of each file is run with each of its strategies: the replicas, their messages and their \
            storage are the real ones, on virtual clocks and a virtual network. What a file expects is compared: the \
            command ends with 1 if something differs, and shows the history up to there. The format is in \
            docs/formats/scenarios.md.

            EXAMPLES
              kindred sim scenario IntegrationTests/scenarios/*.json
              kindred sim scenario --strategy lww --out results.json cart.json
              kindred sim scenario --json cart.json | jq '.results[].final'
              kindred sim scenario --id ABC --strategy lww --svg abc.svg IntegrationTests/scenarios/three-replicas.json
            """)

    @Argument(help: ArgumentHelp("Files of scenarios.", valueName: "file"), completion: .file(extensions: ["json"]))
    var files: [String]

    @Option(
        help: ArgumentHelp(
            "Only this strategy: lww, immutable, version-numbers, version-vectors or crdt. Can be given several times.",
            valueName: "strategy"))
    var strategy: [ScenarioStrategy] = []

    @Option(help: ArgumentHelp("Only the scenario of this name.", valueName: "name"))
    var id: String?

    @Option(
        help: ArgumentHelp(
            "Draw the one scenario with the one strategy that are chosen, as a space-time diagram.", valueName: "file"),
        completion: .file())
    var svg: String?

    @Option(
        help: ArgumentHelp("The same as a page on which one can step through what happens.", valueName: "file"),
        completion: .file())
    var html: String?

    @Option(help: ArgumentHelp("Write the results to this file, as JSON.", valueName: "file"), completion: .file())
    var out: String?

    @Flag(help: "Write the results to the standard output, as JSON.")
    var json = false

    @Flag(help: "Write nothing but what is wrong.")
    var quiet = false

    func run() throws {
        let code = perform(.standard)
        if code != .success { throw code }
    }

    /// Does what the command says.
    ///
    /// - Returns: the exit code.
    func perform(_ console: Console) -> ExitCode {
        var read: [ScenarioFile] = []
        for path in files {
            do throws(ScenarioFileError) {
                read.append(try ScenarioFile(path: path))
            } catch {
                console.complain(TextLayout.harmless("kindred: \(path): \(error.description)"))
                return .usage
            }
        }
        var report = ScenarioReport()
        for file in read {
            report.run(file, only: strategy, id: id) { entry in
                let isWrong = !entry.differences.isEmpty
                for line in ScenarioReport.lines(about: entry, console.style) where isWrong || !(quiet || json) {
                    // With JSON on the standard output, what is wrong goes to the other one.
                    if json { console.complain(line) } else { console.print(line) }
                }
            }
        }
        if !json, !quiet || !report.passed { console.print(report.summary(console.style)) }
        do {
            try draw(report)
            if json || out != nil {
                let bytes = try report.json()
                if json { console.write(bytes) }
                if let out { try Data(bytes).write(to: URL(fileURLWithPath: out)) }
            }
        } catch {
            let reason = (error as? CommandFailure)?.message ?? "they cannot be written: \(error.localizedDescription)"
            console.complain("kindred: the results: \(reason)")
            return (error as? CommandFailure)?.code ?? .failure
        }
        return report.passed ? .success : .failure
    }

    private func draw(_ report: ScenarioReport) throws {
        guard svg != nil || html != nil else { return }
        guard report.entries.count == 1, let entry = report.entries.first, let result = entry.result else {
            throw CommandFailure(
                .usage, "one scenario and one strategy can be drawn: choose them with --id and --strategy")
        }
        let diagram = ScenarioDrawing(entry.scenario, result).diagram
        if let svg { try Data(diagram.svg().utf8).write(to: URL(fileURLWithPath: svg)) }
        if let html {
            let page = HTMLPage(
                title: entry.scenario.title, lead: ["What \(entry.strategy.rawValue) makes of it, step by step."],
                sections: [.init("What happens", [.spaceTime(diagram)])])
            try Data(page.html().utf8).write(to: URL(fileURLWithPath: html))
        }
    }
}

extension ScenarioStrategy: ExpressibleByArgument {}
