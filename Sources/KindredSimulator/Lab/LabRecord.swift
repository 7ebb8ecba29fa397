/// A replica has dropped a write that nobody had replaced knowingly.
package struct LabDrop: Hashable, Sendable {
    package let time: VirtualTime
    package let node: Int
    package let write: Int
    /// What the replica had of the key afterwards, tombstones included: what the write was lost to.
    package let holding: [Int]
}

/// What became of a write.
package enum LabFate: String, Hashable, Sendable, Codable, CaseIterable {
    /// It is there in the end, alone.
    case kept
    /// It is there in the end, with others.
    case sibling
    /// A writer that had seen it has replaced or deleted it.
    case replaced
    /// It was acknowledged and is gone, and the system said so.
    case lostAndReported
    /// It was acknowledged and is gone, and nobody was told.
    case lostSilently
    /// Somebody who had seen it has deleted it, and once all replicas were equal, after the healing or in the end, it
    /// was there.
    case resurrected
    /// The strategy did not allow it.
    case refused
    /// Its client was told that it could not be done, or never knew.
    case unavailable
    /// A delete that took effect.
    case deleted
}

/// What happened in a run, for stories and drawings.
package struct LabRecord: Sendable {
    /// A replica's values of a key have changed.
    package struct Change: Hashable, Sendable {
        package let time: VirtualTime
        package let node: Int
        package let key: Int
        package let values: [Int]
    }

    /// A message between nodes.
    package struct Message: Hashable, Sendable {
        package let from: Int
        package let to: Int
        package let keys: [Int]
        package let sent: VirtualTime
        /// Nil if a cut has swallowed it.
        package let arrived: VirtualTime?
    }

    /// What a client asked and was told.
    package struct Answer: Hashable, Sendable {
        package enum Outcome: String, Hashable, Sendable, Codable {
            case shown
            case acknowledged
            case unchanged
            case refused
            case unavailable
        }

        package let operation: Int
        package let isWrite: Bool
        package let time: VirtualTime
        package let outcome: Outcome
        /// What a read has shown.
        package let values: [Int]
    }

    /// A read has shown a value beside one that had replaced it knowingly.
    package struct FalseSibling: Hashable, Sendable {
        package let write: Int
        package let shown: [Int]
        package let operation: Int
        package let time: VirtualTime
    }

    /// Whether messages and answers are kept. Drops and changes always are.
    let isKept: Bool
    package private(set) var drops: [LabDrop] = []
    package private(set) var changes: [Change] = []
    package private(set) var messages: [Message] = []
    package private(set) var answers: [Answer] = []
    package private(set) var falseSiblings: [FalseSibling] = []
    /// When each write was asked for, in order.
    package private(set) var asked: [(operation: Int, time: VirtualTime)] = []
    /// The writes that the system says were dropped in ignorance of them. Only looked up.
    package internal(set) var reported: Set<Int> = []
    /// Values that were there, although they had been deleted, when all replicas were equal. Only looked up.
    package internal(set) var resurrected: Set<Int> = []
    /// By write. Only looked up.
    package internal(set) var fates: [Int: LabFate] = [:]

    init(isKept: Bool) {
        self.isKept = isKept
    }

    mutating func dropped(_ drop: LabDrop) { drops.append(drop) }

    mutating func changed(_ key: Int, at node: Int, _ values: [Int], _ time: VirtualTime) {
        changes.append(Change(time: time, node: node, key: key, values: values))
    }

    mutating func foundFalse(_ write: Int, among shown: [Int], _ operation: LabOperation, at time: VirtualTime) {
        falseSiblings.append(FalseSibling(write: write, shown: shown, operation: operation.id, time: time))
    }

    mutating func asked(_ operation: LabOperation, at time: VirtualTime) {
        if isKept { asked.append((operation.id, time)) }
    }

    mutating func delivered(_ keys: [Int], from: Int, to: Int, sent: VirtualTime, at time: VirtualTime) {
        guard isKept, !keys.isEmpty else { return }
        messages.append(Message(from: from, to: to, keys: keys, sent: sent, arrived: time))
    }

    mutating func blocked(_ keys: [Int], from: Int, to: Int, at time: VirtualTime) {
        guard isKept, !keys.isEmpty else { return }
        messages.append(Message(from: from, to: to, keys: keys, sent: time, arrived: nil))
    }

    mutating func answered<Context>(
        _ operation: LabOperation, isWrite: Bool, _ answer: LabAnswer<Context>, at time: VirtualTime
    ) {
        guard isKept else { return }
        var values: [Int] = []
        let outcome: Answer.Outcome
        switch answer {
        case .shown(let shown):
            outcome = .shown
            values = shown.values
        case .acknowledged: outcome = .acknowledged
        case .unchanged: outcome = .unchanged
        case .refused: outcome = .refused
        case .unavailable: outcome = .unavailable
        }
        answers.append(
            Answer(operation: operation.id, isWrite: isWrite, time: time, outcome: outcome, values: values))
    }
}
