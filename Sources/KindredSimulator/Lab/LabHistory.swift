/// What has truly happened: the lab's oracle. There are no vectors, numbers or clocks in it. Each write has the set of
/// writes whose effects its client had been shown, closed under "had been shown", and what is lost or false follows
/// from these sets alone.
///
/// (As `KeyHistory` is for the simulator. This one names writes by their place in the workload, because baselines have
/// no dots, and takes a client to have seen what it was *shown*: what a context covers beyond that, last-write-wins has
/// dropped unseen.)
package struct LabHistory: Sendable {
    /// A write that has happened.
    package struct Event: Sendable {
        package let operation: LabOperation
        /// Everything that its client had been shown, directly or through what it was shown.
        package let seen: EventBits
        /// When a replica applied it first, and which.
        package let time: VirtualTime
        package let node: Int
        package internal(set) var isAcknowledged = false
    }

    /// By the operation's place in the workload.
    private var events: [Event?]
    /// The writes that have happened, in the order of time.
    package private(set) var order: [Int] = []
    /// Everything that some later write had seen.
    private var seenBySomebody = EventBits()

    init(operations: Int) {
        events = Array(repeating: nil, count: operations)
    }

    package subscript(write: Int) -> Event? {
        events.indices.contains(write) ? events[write] : nil
    }

    mutating func happened(_ operation: LabOperation, seen: EventBits, at time: VirtualTime, node: Int) {
        guard events[operation.id] == nil else { return }
        events[operation.id] = Event(operation: operation, seen: seen, time: time, node: node)
        order.append(operation.id)
        seenBySomebody.formUnion(seen)
    }

    mutating func acknowledged(_ write: Int) {
        events[write]?.isAcknowledged = true
    }

    /// What somebody has seen who was shown the effects of these writes.
    func closure(of shown: [Int]) -> EventBits {
        var bits = EventBits()
        for write in shown {
            bits.insert(write)
            if let event = self[write] { bits.formUnion(event.seen) }
        }
        return bits
    }

    /// Whether a write that has happened had seen this one: then it has been replaced knowingly.
    package func isReplacedKnowingly(_ write: Int) -> Bool { seenBySomebody.contains(write) }

    /// Those of some values of one key that another one of them had replaced knowingly.
    package func falseSiblings(_ values: [Int]) -> [Int] {
        guard values.count > 1 else { return [] }
        return values.filter { value in values.contains { self[$0]?.seen.contains(value) ?? false } }
    }

    /// The acknowledged delete that had seen this value and must have removed it; nil if there is none.
    package func deleter(of write: Int) -> Int? {
        order.first { delete in
            guard let event = events[delete], event.operation.kind == .delete, event.isAcknowledged else {
                return false
            }
            return event.seen.contains(write)
        }
    }

    /// What a write's client had been shown itself: its seen writes without those that others of them had seen.
    package func shown(to write: Int) -> [Int] {
        guard let event = self[write] else { return [] }
        let seen = event.seen.positions
        return seen.filter { candidate in !seen.contains { self[$0]?.seen.contains(candidate) ?? false } }
    }
}
