import ArgumentParser
import Foundation
import KindredServer

/// `kindred conflicts restore`
struct ConflictsRestore: ConflictCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Write a value again that a conflict has cost.",
        discussion: """
            The value becomes a new version that has seen what the key has now, and so replaces it. With --beside it has \
            seen nothing, and stands beside what the key has, where the strategy keeps siblings. What was done is in the \
            conflict log, too.

            A conflict that has cost several values, as one that was resolved, needs --value-of: whose value is to come \
            back. What an immutable key has refused can only be put under another key.

            EXAMPLES
              kindred conflicts restore 17-3.a7-lost
              kindred conflicts restore 17-3.a7-lost --beside --as support
              kindred conflicts restore 17-3.b2-resolved --value-of 3.a9 --beside
            """)

    @Argument(help: ArgumentHelp("The conflict's name.", valueName: "id"))
    var id: String
    @Flag(help: "Put it beside what the key has now, instead of replacing that.")
    var beside = false
    @Option(
        help: ArgumentHelp("The write whose value is to come back, as 'conflicts show' names it.", valueName: "dot"))
    var valueOf: String?
    @OptionGroup var writer: WriterOptions
    @OptionGroup var common: OperatorOptions

    func run(_ client: ConflictClient, _ console: Console) async throws -> ExitCode {
        let name = writer.client(ProcessInfo.processInfo.environment)
        let answer = try await client.restore(id, valueOf: valueOf, isBeside: beside, as: name)
        if common.json {
            console.print(json: answer.text)
        } else {
            console.print(
                ResolutionWords.line(
                    answer.value, done: "\(ConflictWords.safe(id)) restored", nothing: "The key has it already"))
        }
        return .success
    }
}

/// What became of a resolving write, in words.
enum ResolutionWords {
    /// - Parameter expected: how many values the key has if nobody else writes.
    static func line(_ report: ResolutionReport, done: String, nothing: String, expected: Int = 1) -> String {
        guard report.isNew else { return "\(nothing): nothing was written." }
        let dot = report.dot.map { " as \(ConflictWords.safe($0))" } ?? ""
        guard report.values > expected else { return "\(done)\(dot)." }
        guard report.values > 1 else { return "\(done)\(dot). The key has a value that was written meanwhile." }
        return "\(done)\(dot). The key has \(Page.count(report.values, "value")) side by side."
    }
}
