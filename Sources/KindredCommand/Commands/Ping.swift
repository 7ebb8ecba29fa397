import ArgumentParser
import KindredClient
import KindredModel

/// `kindred ping`: asks whether a node is there.
struct Ping: NodeCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask whether a node is there, and which.",
        discussion: """
            It ends with 0 if the node answers, and with 69 if there is none.

            EXAMPLES
              kindred ping
              kindred ping --server 10.0.0.7:8087 --timeout 2
            """)

    @OptionGroup var common: CommonOptions

    func run(_ client: Client, _ console: Console) async throws -> ExitCode {
        let clock = ContinuousClock()
        let time = try await clock.measure { try await client.ping() }
        let server = try await client.serverInfo()
        let microseconds = time.components.seconds * 1_000_000 + time.components.attoseconds / 1_000_000_000_000
        if common.json {
            console.print(
                JSONText.encode(
                    .object([
                        Property("node", .text(server.node)), Property("version", .text(server.version)),
                        Property("microseconds", .integer(microseconds)),
                    ])))
        } else {
            console.print(
                "\(TextLayout.name(Array(server.node.utf8))) (version \(TextLayout.name(Array(server.version.utf8)))) "
                    + "at \(client.host):\(client.port) answered after \(microseconds) µs")
        }
        return .success
    }
}
