import ArgumentParser
import KindredClient
import KindredModel

/// `kindred delete`: deletes a key.
struct Delete: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Delete a key.",
        usage: """
            kindred delete [TYPE/]BUCKET/KEY [options]
            kindred delete [--type TYPE] BUCKET KEY [options]
            """,
        discussion: """
            With the context of a read, it deletes exactly what that read has shown, and what was written since stays. \
            Without one, it deletes all there is. That the key does not exist is no error.

            EXAMPLES
              kindred delete fruit/basket
              kindred delete siblings/carts/anna --context "$CONTEXT"
            """)

    @Argument(help: ArgumentHelp("What to delete.", valueName: "words"))
    var words: [String]
    @Option(help: ArgumentHelp("The bucket type, if it is not in the path.", valueName: "type"))
    var type: String?
    @Option(help: ArgumentHelp("The causal context of what is to be deleted.", valueName: "base64"))
    var context: ContextArgument?
    @OptionGroup var common: CommonOptions

    func validate() throws { _ = try ObjectAddress(words, type: type) }

    func run(_ client: Client, _ console: Console) async throws -> ExitCode {
        let address = try ObjectAddress(words, type: type)
        try await client.delete(address.key, in: address.bucket, context: context?.context)
        if common.json {
            console.print(JSONText.encode(.object(address.members + [Property("deleted", true)])))
        } else {
            console.print("deleted \(address.description)")
        }
        return .success
    }
}
