package import KindredNode
package import KindredReplication
package import NIOCore

/// Who a node is to its peers, and how it talks to them.
package struct PeerConfiguration: Sendable {
    /// Which cluster the node belongs to: 16 bytes. Nodes of other clusters are refused.
    package var clusterID: [UInt8]
    /// Which node this is.
    package var node: NodeID
    /// How many times the node has been started, as the configuration service counts. A node that is seen with a higher
    /// one is not listened to any more under a lower one.
    package var generation: UInt64
    /// Where to listen for peers. Port 0 lets the system choose one.
    package var listen: PeerAddress
    /// The local address, in digits, that outgoing connections leave from; nil lets the system choose.
    package var sourceHost: String?
    /// Nil talks in plain text.
    package var tls: PeerTLS?
    /// How often a peer is asked whether it is there.
    package var heartbeat: TimeAmount
    /// A peer that has not answered for so long is unreachable. A multiple of the heartbeat; at least twice as long.
    package var silence: TimeAmount
    /// The first pause before a peer is dialled again. Each pause is twice as long as the one before.
    package var firstPause: TimeAmount
    /// The longest of these pauses.
    package var longestPause: TimeAmount

    package init(
        clusterID: [UInt8], node: NodeID, generation: UInt64, listen: PeerAddress, sourceHost: String? = nil,
        tls: PeerTLS? = nil, heartbeat: TimeAmount = .milliseconds(200), silence: TimeAmount = .milliseconds(1_000),
        firstPause: TimeAmount = .milliseconds(50), longestPause: TimeAmount = .seconds(1)
    ) {
        self.clusterID = clusterID
        self.node = node
        self.generation = generation
        self.listen = listen
        self.sourceHost = sourceHost
        self.tls = tls
        self.heartbeat = heartbeat
        self.silence = silence
        self.firstPause = firstPause
        self.longestPause = longestPause
    }
}

extension PeerConfiguration {
    /// Checks what a person has written.
    ///
    /// - Returns: the address that outgoing connections leave from.
    func checked() throws(PeerNetworkError) -> SocketAddress? {
        guard clusterID.count == Hello.clusterIDBytes else { throw .clusterID(byteCount: clusterID.count) }
        let durations = [
            ("heartbeat", heartbeat), ("silence", silence), ("first pause", firstPause),
            ("longest pause", longestPause),
        ]
        for (name, duration) in durations where duration < .milliseconds(1) || duration > .hours(24) {
            throw .duration(name)
        }
        guard let sourceHost else { return nil }
        do {
            return try SocketAddress(ipAddress: sourceHost, port: 0)
        } catch {
            throw .sourceHost(sourceHost)
        }
    }

    /// How many heartbeats make up a duration.
    func heartbeats(in duration: TimeAmount, atLeast minimum: Int) -> Int {
        guard heartbeat > .zero else { return minimum }
        let (whole, rest) = duration.nanoseconds.quotientAndRemainder(dividingBy: heartbeat.nanoseconds)
        return max(minimum, Int(whole) + (rest > 0 ? 1 : 0))
    }
}

/// Why a node's network does not start.
package enum PeerNetworkError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The cluster's id has not 16 bytes.
    case clusterID(byteCount: Int)
    /// The address that outgoing connections are to leave from is none.
    case sourceHost(String)
    /// A duration is not between a millisecond and a day.
    case duration(String)
    /// It runs already, or has been closed.
    case alreadyStarted

    package var description: String {
        switch self {
        case .clusterID(let count): "a cluster's id has 16 bytes, not \(count)"
        case .sourceHost(let host): "\(host) is not an IP address that connections to peers could leave from"
        case .duration(let name): "\(name) is not between a millisecond and a day"
        case .alreadyStarted: "the network of the node was started before"
        }
    }
}
