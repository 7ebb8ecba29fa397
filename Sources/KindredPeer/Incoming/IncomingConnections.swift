import KindredReplication

/// The incoming connections: how many there are, and which is a node's.
struct IncomingConnections {
    private var all: [ObjectIdentifier: IncomingHandler] = [:]
    private var current: [NodeID: IncomingHandler] = [:]
    private let maximum: Int

    init(maximum: Int = Limits.peerConnections) {
        self.maximum = maximum
    }

    /// A copy, for what each of them is told may change which there are.
    var handlers: [IncomingHandler] { Array(all.values) }

    var count: Int { all.count }

    func of(_ node: NodeID) -> IncomingHandler? { current[node] }

    /// Counts a connection in, unless there are too many.
    mutating func add(_ handler: IncomingHandler) -> Bool {
        guard all.count < maximum else { return false }
        all[ObjectIdentifier(handler)] = handler
        return true
    }

    /// A node has introduced itself.
    ///
    /// - Returns: its connection so far, which it must have given up.
    mutating func setCurrent(_ handler: IncomingHandler, of node: NodeID) -> IncomingHandler? {
        current.updateValue(handler, forKey: node)
    }

    mutating func remove(_ handler: IncomingHandler, _ node: NodeID?) {
        all[ObjectIdentifier(handler)] = nil
        if let node, current[node] === handler { current[node] = nil }
    }
}
