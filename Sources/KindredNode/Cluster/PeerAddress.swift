/// Where a node listens for its peers.
package struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    /// A host's name or a literal address.
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// `host:port`; an IPv6 address stands in brackets.
    package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
