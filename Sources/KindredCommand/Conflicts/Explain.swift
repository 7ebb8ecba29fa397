import ArgumentParser
import Foundation
import KindredDiagrams
import KindredServer

/// `kindred explain`
struct Explain: ConflictCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Draw how a key came to be what it is.",
        usage: """
            kindred explain [TYPE/]BUCKET/KEY [options]
            kindred explain [--type TYPE] BUCKET KEY [options]
            """,
        discussion: """
            Every write that is still known, from the key itself and from the conflict log: the newest on top, a line from \
            each write down to those that its writer had seen. Two writes without a way from one to the other were \
            concurrent. It ends with 2 if nothing is known of the key.

            EXAMPLES
              kindred explain siblings/carts/anna
              kindred explain fruit/basket --svg basket.svg
              kindred explain fruit/basket --html basket.html
              kindred explain --json fruit/basket | jq '.events[] | select(.fate == "lost")'
            """)

    @Argument(help: ArgumentHelp("What to explain.", valueName: "words"))
    var words: [String]
    @Option(help: ArgumentHelp("The bucket type, if it is not in the path.", valueName: "type"))
    var type: String?
    @Option(help: ArgumentHelp("Write the drawing as SVG into this file, too.", valueName: "file"))
    var svg: String?
    @Option(
        help: ArgumentHelp(
            "Write a page with the drawing and all that is known into this file, too.", valueName: "file"))
    var html: String?
    @Flag(help: "Draw with the characters of ASCII.")
    var ascii = false
    @OptionGroup var common: OperatorOptions

    func validate() throws { _ = try ObjectAddress(words, type: type) }

    func run(_ client: ConflictClient, _ console: Console) async throws -> ExitCode {
        let answer = try await client.explain(try ObjectAddress(words, type: type))
        let explanation = Explanation(report: answer.value)
        if let svg { try write(explanation.drawing.svg(), to: svg) }
        if let html { try write(explanation.page.html(), to: html) }
        if common.json {
            console.print(json: answer.text)
        } else {
            let lines = explanation.lines(
                style: console.style, width: console.width, charset: ascii ? .ascii : .unicode)
            for line in lines { console.print(line) }
        }
        return explanation.isEmpty ? .notFound : .success
    }

    private func write(_ text: String, to path: String) throws(CommandFailure) {
        do {
            try Data(text.utf8).write(to: URL(filePath: path))
        } catch {
            throw CommandFailure(.failure, "cannot write '\(path)': \(error.localizedDescription)")
        }
    }
}
