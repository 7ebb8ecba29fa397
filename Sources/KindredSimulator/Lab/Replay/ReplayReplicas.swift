import KindredModel

/// The replicas of one key in a replay: one for each node that coordinates writes of it. They hear of each other's writes as late as the
/// recording shows, or after a given time.
struct ReplayReplicas {
    private let strategy: ConflictStrategy
    private let lag: UInt64?
    /// Those who coordinate writes of the key; the others' state does not matter.
    private let coordinators: Set<Int>
    var objects: [CausalObject]
    /// All changes, and for each replica the places of those that have not reached it.
    private var changes: [Change] = []
    private var pending: [[Int]]

    private struct Change {
        let dot: Dot
        /// Whether the dot is one that recorded contexts can speak of.
        let isRecorded: Bool
        let moment: UInt64
        let object: CausalObject
    }

    /// - Parameter lag: in milliseconds; nil for "as recorded".
    init(_ strategy: ConflictStrategy, coordinators: Set<Int>, count: Int, lag: UInt64?) {
        self.strategy = strategy
        self.coordinators = coordinators
        self.lag = lag
        objects = Array(repeating: CausalObject(), count: count)
        pending = Array(repeating: [], count: count)
    }

    /// Lets all of them know.
    mutating func joinEverywhere(_ object: CausalObject) {
        for replica in coordinators { _ = strategy.merge(object, into: &objects[replica]) }
    }

    /// A replica has applied a write, of which the others are to hear.
    mutating func publish(_ dot: Dot, of write: ReplayWrite, from replica: Int) {
        guard coordinators.count > 1 else { return }
        changes.append(
            Change(dot: dot, isRecorded: write.dot != nil, moment: write.moment, object: objects[replica]))
        for other in coordinators where other != replica { pending[other].append(changes.count - 1) }
    }

    /// Brings what has reached a replica by the time when a write comes to it.
    mutating func deliver(to replica: Int, for write: ReplayWrite) {
        guard !pending[replica].isEmpty else { return }
        var rest: [Int] = []
        for index in pending[replica] {
            let change = changes[index]
            let hasArrived: Bool
            if let lag {
                hasArrived = change.moment + lag <= write.moment
            } else if let reflected = write.reflected, change.isRecorded {
                hasArrived = reflected.contains(change.dot)
            } else {
                hasArrived = true
            }
            if hasArrived {
                _ = strategy.merge(change.object, into: &objects[replica])
            } else {
                rest.append(index)
            }
        }
        pending[replica] = rest
    }
}
