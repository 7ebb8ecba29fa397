package import KindredReplication

/// Carries messages to the other nodes. Like everything that a data loop owns, it is used on that loop's event loop only.
///
/// It promises nothing: a message may be lost, and whoever sent it sends it again.
package protocol PeerTransport: AnyObject {
    /// Queues a message until `flush`.
    func send(_ message: PeerMessage, to node: NodeID)
    /// Sends what is queued.
    func flush()
    /// Who the others are, and where.
    func setPeers(_ peers: [NodeID: PeerAddress])
    /// How the connections to the others are.
    func status() -> [PeerStatus]
    /// How far the clocks are of those that can be reached, as far as that has been measured.
    func clocks() -> [NodeID: ClockMeasurement]
}
