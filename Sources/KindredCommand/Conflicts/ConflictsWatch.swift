import ArgumentParser
import Foundation
import Synchronization
import UnixSignals

/// `kindred conflicts watch`
struct ConflictsWatch: ConflictCommand {
    static let configuration = CommandConfiguration(
        commandName: "watch",
        abstract: "Follow conflicts as they are noticed.",
        discussion: """
            It goes on until Control-C, over restarts of the node, and from one node to the next if several are named. \
            In the end it prints the cursor from which it can go on; with --cursor-file the file always has it, and the \
            next watch with the same file goes on there, at any node of the cluster. Each conflict is told at least once: \
            one that was printed right before the power failed may come again, under the same id.

            With --json each conflict is one line, and nothing else is on the standard output.

            EXAMPLES
              kindred conflicts watch
              kindred conflicts watch --kind lost --type default
              kindred conflicts watch --from-beginning --json >> conflicts.jsonl
              kindred conflicts watch --cursor-file ./cursor --json | while read -r line; do notify "$line"; done
            """)

    @OptionGroup var filter: ConflictFilterOptions
    @Flag(help: "Begin with everything the log has, not with what comes now.")
    var fromBeginning = false
    @Option(help: ArgumentHelp("Go on behind this cursor.", valueName: "cursor"))
    var after: String?
    @Option(
        help: ArgumentHelp(
            "Go on behind the cursor in this file, if there is one, and keep the file up to date.", valueName: "file"))
    var cursorFile: String?
    @OptionGroup var common: OperatorOptions

    var silence: Duration? { ConflictFeedReader.silence }

    func validate() throws {
        guard after == nil || (cursorFile == nil && !fromBeginning) else {
            throw ValidationError("--after goes without --cursor-file and --from-beginning")
        }
        guard after.map({ !$0.isEmpty && $0.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } }) ?? true else {
            throw ValidationError("--after is what an earlier watch has printed in the end")
        }
    }

    func run(_ client: ConflictClient, _ console: Console) async throws -> ExitCode {
        let file = cursorFile.map { CursorFile(path: $0) }
        let saved = try file?.read()
        let start: ConflictFeedReader.Start =
            if let cursor = after ?? saved { .cursor(cursor) } else { fromBeginning ? .beginning : .now }
        let last = LastCursor()
        let reader = ConflictFeedReader(client.http, filter.query, from: start)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in await UnixSignalsSequence(trapping: .sigint, .sigterm) { return }
            }
            group.addTask {
                var reader = reader
                do {
                    try await reader.run { try tell($0, last, file, console) }
                } catch is CancellationError {}
            }
            defer { group.cancelAll() }
            try await group.next()
        }
        if file == nil, let cursor = last.cursor.withLock({ $0 }) {
            console.complain("To go on from here: kindred conflicts watch --after \(ConflictWords.safe(cursor))")
        }
        return .success
    }

    private final class LastCursor: Sendable {
        let cursor = Mutex<String?>(nil)
    }

    private func tell(
        _ news: ConflictFeedReader.News, _ last: LastCursor, _ file: CursorFile?, _ console: Console
    ) throws {
        switch news {
        case .conflict(let json, let report):
            if common.json { return console.print(json: json) }
            console.print(
                ConflictsPage.lines(ofOne: report, width: console.isTerminal ? console.width : .max))
        case .cursor(let cursor):
            last.cursor.withLock { $0 = cursor }
            // What came before it has been written.
            try file?.write(cursor)
        case .remark(let text):
            console.complain("kindred: \(ConflictWords.safe(text))")
        }
    }
}
