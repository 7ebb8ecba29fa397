import ArgumentParser
import Foundation

/// What every command takes that asks nodes over HTTP.
struct OperatorOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The node to ask, where it speaks HTTP; of several, the first that answers. "
                + "(default: http://127.0.0.1:8098, or KINDRED_NODE)",
            valueName: "url,…"))
    var node: NodeURLs?

    @Option(help: ArgumentHelp("How many seconds to wait for an answer.", valueName: "seconds"))
    var timeout = 10

    @Flag(help: "Write JSON, for programs.")
    var json = false

    func validate() throws {
        guard (1...86_400).contains(timeout) else { throw ValidationError("--timeout is 1 to 86400 seconds") }
    }

    /// The nodes to ask: the flag, or the environment, or the usual place.
    func nodes(_ environment: [String: String]) throws(CommandFailure) -> [NodeURL] {
        if let node { return node.urls }
        guard let named = environment["KINDRED_NODE"], !named.isEmpty else { return [.usual] }
        guard let nodes = NodeURLs(argument: named) else {
            throw CommandFailure(.usage, "KINDRED_NODE is '\(named)', which is not of the form http://HOST:PORT")
        }
        return nodes.urls
    }

    /// The command that a person types next, at the same node.
    func next(_ words: String) -> String {
        "  kindred cluster \(words)" + (node.map { " --node \($0.text)" } ?? "")
    }
}

/// Where a node speaks HTTP.
struct NodeURL: Hashable, Sendable {
    static let usual = NodeURL(host: "127.0.0.1", port: 8098)
    static let usualPort = 8098

    /// A name, or an address without brackets.
    var host: String
    var port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `http://host:port`; the scheme and the port may be left out.
    init?(_ text: some StringProtocol) {
        var rest = Substring(text)
        if rest.hasPrefix("http://") { rest = rest.dropFirst("http://".count) }
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        // The usual port of `ServerAddress` is that of protocol buffers.
        let isBareVersion6 = !rest.hasPrefix("[") && rest.filter { $0 == ":" }.count > 1
        let hasPort = !isBareVersion6 && rest.lastIndex(of: ":").map { !rest[$0...].contains("]") } ?? false
        guard let address = ServerAddress(argument: String(rest)) else { return nil }
        self.init(host: address.host, port: hasPort ? address.port : Self.usualPort)
    }

    /// `host:port`; an IPv6 address stands in brackets.
    var address: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    var text: String { "http://\(address)" }

    /// Whether this is where a process listens on all addresses, which leads others nowhere.
    var isUnspecified: Bool { ["0.0.0.0", "::", "0:0:0:0:0:0:0:0"].contains(host) }
}

/// One node or several, separated by commas.
struct NodeURLs: ExpressibleByArgument, Hashable, Sendable {
    /// More are a slip of the pen.
    private static let most = 64

    let urls: [NodeURL]

    init?(argument: String) {
        let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
        let urls = parts.compactMap { NodeURL($0) }
        guard urls.count == parts.count, urls.count <= Self.most else { return nil }
        self.urls = urls
    }

    var text: String { urls.map(\.text).joined(separator: ",") }
}
