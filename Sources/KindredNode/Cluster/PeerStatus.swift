package import KindredReplication
package import NIOCore

/// What a node knows of its connections with one peer.
package struct PeerStatus: Sendable {
    package var node: NodeID
    /// Where it is dialled.
    package var address: PeerAddress
    package var connection: Connection
    /// What the failure detector says.
    package var isReachable: Bool
    /// When `isReachable` became what it is; or the peer was made known.
    package var since: NIODeadline
    /// The time between a heartbeat and its answer, averaged over the last few; nil before the first answer.
    package var roundTripMicroseconds: UInt64?
    /// Why the last outgoing connection has ended.
    package var lastFailure: String?
    package var traffic: PeerTraffic

    package init(
        node: NodeID, address: PeerAddress, connection: Connection, isReachable: Bool, since: NIODeadline,
        roundTripMicroseconds: UInt64?, lastFailure: String?, traffic: PeerTraffic
    ) {
        self.node = node
        self.address = address
        self.connection = connection
        self.isReachable = isReachable
        self.since = since
        self.roundTripMicroseconds = roundTripMicroseconds
        self.lastFailure = lastFailure
        self.traffic = traffic
    }

    /// How far the outgoing connection is.
    package enum Connection: String, Sendable {
        /// There is none; the next try is some time away.
        case resting
        case dialling
        /// It waits for the peer's welcome.
        case greeting
        case open
    }
}

/// What has gone to a peer and come from it since it was made known. Bytes are those of frames, before encryption.
package struct PeerTraffic: Hashable, Sendable {
    package var messagesOut: UInt64
    package var bytesOut: UInt64
    package var messagesIn: UInt64
    package var bytesIn: UInt64
    /// Messages that were not sent: no connection, too much waiting, too long, or waiting when the connection ended.
    package var dropped: UInt64

    package init(
        messagesOut: UInt64 = 0, bytesOut: UInt64 = 0, messagesIn: UInt64 = 0, bytesIn: UInt64 = 0, dropped: UInt64 = 0
    ) {
        self.messagesOut = messagesOut
        self.bytesOut = bytesOut
        self.messagesIn = messagesIn
        self.bytesIn = bytesIn
        self.dropped = dropped
    }
}

/// The other end of a `PeerNetwork`: whoever takes what the peers say.
///
/// It is called on the network's event loop only, and must not call `setPeers` or `close` from within.
package protocol PeerObserver: AnyObject {
    /// Takes the messages of one read of one connection, in order.
    func received(_ messages: [PeerMessage], from node: NodeID)
    /// The failure detector has changed its mind. Before its first word a peer is neither reachable nor unreachable.
    func reachabilityChanged(of node: NodeID, isReachable: Bool)
}
