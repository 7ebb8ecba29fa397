import ArgumentParser
import Foundation
import KindredClient

/// What every command that talks to a node takes.
struct CommonOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The node to talk to, where it speaks protocol buffers. (default: 127.0.0.1:8087, or KINDRED_SERVER)",
            valueName: "host:port"))
    var server: ServerAddress?

    @Option(help: ArgumentHelp("How many seconds to wait for the node.", valueName: "seconds"))
    var timeout = 10

    @Flag(help: "Write JSON, for programs.")
    var json = false

    func validate() throws {
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout is 1 to 86400 seconds") }
    }

    /// The node to talk to: the flag, or the environment, or the usual place.
    func address(_ environment: [String: String]) throws(CommandFailure) -> ServerAddress {
        if let server { return server }
        guard let named = environment["KINDRED_SERVER"], !named.isEmpty else { return .usual }
        guard let address = ServerAddress(argument: named) else {
            throw CommandFailure(.usage, "KINDRED_SERVER is '\(named)', which is not of the form HOST:PORT")
        }
        return address
    }

    /// Connects to the node.
    func connect() async throws -> Client {
        let address = try address(ProcessInfo.processInfo.environment)
        var configuration = ClientConfiguration()
        configuration.connectTimeout = .seconds(timeout)
        configuration.requestTimeout = .seconds(timeout)
        // A hundred siblings of the largest size do not fit in one answer of the protocol in any case.
        configuration.maximumAnswerBytes = 1 << 30
        return try await Client.connect(host: address.host, port: address.port, configuration: configuration)
    }
}

/// `host:port`, `[v6 address]:port`, or a host alone.
struct ServerAddress: Hashable, Sendable, ExpressibleByArgument {
    static let usual = ServerAddress(host: "127.0.0.1", port: 8087)

    let host: String
    let port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    init?(argument: String) {
        var host = argument[...]
        var port = Self.usual.port
        // Without brackets, more than one colon is a version 6 address without a port.
        let isBareVersion6 = !argument.hasPrefix("[") && argument.filter { $0 == ":" }.count > 1
        if !isBareVersion6, let colon = argument.lastIndex(of: ":"), !argument[colon...].contains("]") {
            guard let number = UInt16(argument[argument.index(after: colon)...]), number > 0 else { return nil }
            port = Int(number)
            host = argument[..<colon]
        }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.contains(where: { "[]/ ".contains($0) }) else { return nil }
        self.init(host: String(host), port: port)
    }
}
