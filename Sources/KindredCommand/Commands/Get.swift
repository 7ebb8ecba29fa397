import ArgumentParser
import KindredClient
import KindredModel

/// `kindred get`: reads a key.
struct Get: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read a key.",
        usage: """
            kindred get [TYPE/]BUCKET/KEY [options]
            kindred get [--type TYPE] BUCKET KEY [options]
            """,
        discussion: """
            In a terminal it shows the value and who wrote it when; into a pipe or a file it writes the bytes of the \
            value and nothing else. A key with several concurrent values shows them side by side, with the context \
            that replaces them all.

            It ends with 0 if there is one value, with 2 if the key does not exist, and with 4 if there are siblings.

            EXAMPLES
              kindred get fruit/basket
              kindred get --type immutable photos 2026/summer.jpg > summer.jpg
              kindred get siblings/carts/anna --sibling 3.a7
              kindred get --json siblings/carts/anna | jq '.siblings[].value'
            """)

    @Argument(help: ArgumentHelp("What to read.", valueName: "words"))
    var words: [String]
    @Option(help: ArgumentHelp("The bucket type, if it is not in the path.", valueName: "type"))
    var type: String?
    @Option(help: ArgumentHelp("Of several siblings, only the one with this version tag.", valueName: "tag"))
    var sibling: String?
    @OptionGroup var common: CommonOptions

    func validate() throws { _ = try ObjectAddress(words, type: type) }

    func run(_ client: Client, _ console: Console) async throws -> ExitCode {
        let address = try ObjectAddress(words, type: type)
        var object = try await client.get(address.key, in: address.bucket)
        if let sibling {
            object.siblings.removeAll { $0.version.description != sibling }
        }
        return show(object, at: address, console)
    }

    func show(_ object: StoredObject, at address: ObjectAddress, _ console: Console) -> ExitCode {
        let rendering = ObjectRendering(address: address, object: object)
        let code: ExitCode = object.siblings.count > 1 ? .siblings : object.exists ? .success : .notFound
        if common.json {
            console.print(JSONText.encode(rendering.json))
            return code
        }
        if object.siblings.count > 1 {
            for line in rendering.sideBySide(style: console.style, width: console.width) { console.print(line) }
        } else if let only = object.siblings.first {
            if console.isTerminal {
                for line in rendering.single(only, style: console.style, width: console.width) { console.print(line) }
            } else {
                console.write(only.content.value)
            }
        } else {
            let version = sibling.map { " in version \($0)" } ?? ""
            console.complain("kindred: \(address.description) does not exist\(version).")
        }
        return code
    }
}
