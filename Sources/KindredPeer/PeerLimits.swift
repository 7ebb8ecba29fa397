package import KindredReplication

extension Limits {
    // MARK: Connections between nodes

    /// The longest message between nodes: twice the largest object, for what its siblings and its context add. A longer
    /// one is not sent, and one that is announced is not read.
    package static let peerMessageBytes = 128 << 20
    /// A frame of messages ends once it has so many bytes: small enough that a heartbeat behind it is not late, large
    /// enough that its head costs nothing.
    package static let peerBatchBytes = 1 << 20
    /// The longest frame: one message of the largest size that was added to a batch which was almost full.
    package static let peerFrameBytes = peerMessageBytes + peerBatchBytes
    /// So many bytes wait for a connection that is slower than what is to be sent; messages beyond are dropped, and
    /// sent again by whoever misses their answer. One message alone may be larger.
    package static let peerWaitingBytes = 64 << 20
    /// A frame of the handshake; whoever has not introduced itself gets no more memory.
    package static let peerHandshakeBytes = 1 << 10
    /// A connection whose handshake takes longer is closed.
    package static let peerHandshakeMilliseconds: Int64 = 5_000
    /// The text of a refusal; the rest is cut off.
    package static let peerRefusalBytes = 512
    /// Simultaneous incoming connections, those in the handshake included.
    package static let peerConnections = 1_000
    /// Nodes whose generation is remembered: many more than a cluster has, in all its life.
    package static let peerNodes = 10_000
    /// So many exchanges of times are kept of each peer, and the shortest of them is believed: long enough for one that met no queue, short
    /// enough (1.6 s) to follow a clock that is set.
    package static let clockSamples = 8
    /// A certificate, a key or a list of authorities is not read from a file that is longer.
    package static let peerPEMBytes = 1 << 20
}
