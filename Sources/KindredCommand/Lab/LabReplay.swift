import ArgumentParser
import Foundation
import KindredDiagrams
import KindredModel
import KindredSimulator

extension ConflictStrategy {
    /// Reads a strategy from a command line.
    fileprivate init(argument: String) throws {
        guard let strategy = ConflictStrategy(rawValue: argument) else {
            let names = ConflictStrategy.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("there is no strategy '\(argument)'; there are: \(names)")
        }
        self = strategy
    }
}

/// `kindred lab replay`: what each strategy would have made of a recording.
struct LabReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Tell what each strategy would have lost, kept, refused or left to merge.",
        discussion: """
            The recorded writes run again, each with what its writer had seen, through the strategies that nodes run: \
            on one replica for each node that was recorded, which hear of each other as late as the recording shows, \
            or as --lag says. No node is needed.

            EXAMPLES
              kindred lab replay load.jsonl
              kindred lab replay load.jsonl --strategy last-write-wins --strategy version-vectors
              kindred lab replay load.jsonl --lag 200 --report load.html
              kindred lab replay load.jsonl --json | jq '.strategies[] | {strategy, lost}'
            """)

    @Argument(
        help: ArgumentHelp("What 'kindred lab record' has written.", valueName: "file"),
        completion: .file(extensions: ["jsonl"]))
    var file: String
    @Option(
        help: ArgumentHelp(
            "Only this strategy; can be given again. (default: all of them)",
            valueName: "strategy"),
        transform: ConflictStrategy.init(argument:))
    var strategy: [ConflictStrategy] = []
    @Option(
        help: ArgumentHelp(
            "Replicas hear of each other's writes after so many milliseconds. (default: as recorded)",
            valueName: "milliseconds"))
    var lag: UInt64?
    @Option(
        help: ArgumentHelp("Write a page for browsers, too.", valueName: "file"),
        completion: .file(extensions: ["html"]))
    var report: String?
    @Flag(help: "Write JSON, for programs.")
    var json = false

    func validate() throws {
        if let lag, lag > 86_400_000 { throw ValidationError("--lag is 0 to 86400000 milliseconds") }
    }

    func run() throws {
        let code = perform(.standard)
        if code != .success { throw code }
    }

    /// Does what the command says, and says what went wrong.
    func perform(_ console: Console) -> ExitCode {
        do throws(CommandFailure) {
            var builder = RecordingBuilder()
            try builder.read(path: file)
            guard builder.writeCount > 0 else { throw CommandFailure(.failure, "\(file) has no writes") }
            let figures = figures(builder)
            if let report {
                do {
                    try Data(figures.page(of: file).html().utf8).write(to: URL(fileURLWithPath: report))
                } catch {
                    throw CommandFailure(.failure, "\(report) cannot be written")
                }
                console.complain("a page is in \(report)")
            }
            if json { try console.print(json: figures.document) } else { console.print(figures.lines) }
            return .success
        } catch {
            return console.complain(error)
        }
    }

    private func figures(_ builder: RecordingBuilder) -> ReplayFigures {
        let workload = builder.workload()
        let replay = WorkloadReplay(workload, lag: lag)
        var wanted: [ConflictStrategy] = []
        for one in strategy.isEmpty ? ConflictStrategy.allCases : strategy where !wanted.contains(one) {
            wanted.append(one)
        }
        return ReplayFigures(
            workload, recordedUnder: builder.strategies, wanted.map { replay.run($0) }, lag: lag)
    }
}
