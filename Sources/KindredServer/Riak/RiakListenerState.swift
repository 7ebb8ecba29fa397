import KindredReplication

/// What the connections of the protocol-buffers listener share: how many there are, and how much memory they have been promised for
/// messages that are still coming. Belongs to the data loop's event loop.
final class RiakListenerState {
    private(set) var connections = 0
    private var promisedBytes = 0
    private let maximumConnections: Int

    init(maximumConnections: Int = Limits.connections) {
        self.maximumConnections = maximumConnections
    }

    /// Counts a connection in, unless there are too many.
    func admit() -> Bool {
        guard connections < maximumConnections else { return false }
        connections += 1
        return true
    }

    func leave() {
        connections -= 1
    }

    /// Promises memory for a large message, unless too much of it has been promised.
    func reserve(_ bytes: Int) -> Bool {
        guard promisedBytes + bytes <= Limits.partialMessageBytes else { return false }
        promisedBytes += bytes
        return true
    }

    func release(_ bytes: Int) {
        promisedBytes -= bytes
    }
}
