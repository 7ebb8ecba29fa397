import KindredReplication

/// The highest generation that has been seen of each node: a process that was replaced by a later one is a zombie,
/// whose messages must not be taken for those of the node.
struct Generations {
    private var highest: [NodeID: UInt64] = [:]
    private let capacity: Int

    init(capacity: Int = Limits.peerNodes) {
        self.capacity = capacity
    }

    /// Takes note of a process.
    ///
    /// - Returns: why it is not to be talked with; nil if it may be.
    mutating func admit(_ node: NodeID, _ generation: UInt64) -> String? {
        guard let known = highest[node] else {
            guard highest.count < capacity else { return "too many nodes" }
            highest[node] = generation
            return nil
        }
        guard generation >= known else {
            return "generation \(generation) of node \(node) has been replaced by generation \(known)"
        }
        highest[node] = generation
        return nil
    }
}
