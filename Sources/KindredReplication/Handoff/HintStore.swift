import KindredModel
package import KindredStorage

/// What a node keeps, as a fallback, for replicas that could not be reached: for each of them and each key one update,
/// until it has been delivered.
///
/// **A dumb box.** It never answers a read, least of all with "not found": what is absent here says nothing about the
/// key. It never fills an object, because no clock stands behind it: hints keep the context they came with, and two for
/// the same key are merged like two replicas' objects, their events put together. So replaying one twice, late or after
/// a newer one does no harm.
///
/// **Durable** together with everything else that is staged in the same tick. After a failed commit the memory here is
/// ahead of the storage: the shell drops it and loads a new one.
///
/// **Bounded** in number and bytes; beyond that, hints are refused, and the write must find its acknowledgements
/// elsewhere.
///
/// Delivering is the caller's: it asks for the `next` ones, sends them, and says which were `delivered`. A hint for a
/// node that has left the cluster can be delivered to any other replica of the partition.
package struct HintStore: Sendable {
    /// For each target the keys in the order in which they are due.
    private var queues: [HintQueue] = []
    /// What is kept for each target and key. Only ever looked up, never walked.
    private(set) var entries: [HintBox: Entry] = [:]
    /// The revision of the last change. In memory only: a ticket does not outlive the process.
    private var revision: UInt64 = 0
    private let byteLimit: Int
    private let countLimit: Int
    /// The bytes of all keys and records, with what each costs in memory beside.
    package private(set) var byteCount = 0
    /// How many different contents of one dot have been seen in merging. Any is a sign of damage.
    package private(set) var divergenceCount = 0

    struct Entry: Sendable {
        var update: ObjectUpdate
        var bytes: Int
        /// Changes with the update.
        var revision: UInt64
        /// Where in the queue it is: the entry of the queue that has this number. Older ones are void.
        var turn: UInt64
    }

    /// Loads what an earlier run has kept.
    ///
    /// - Throws: `corrupt` if a record cannot be read. What was acknowledged must not be forgotten in silence.
    package init(
        loadingFrom engine: any StorageEngine, byteLimit: Int = Limits.hintBytes, countLimit: Int = Limits.hints
    ) throws(StorageError) {
        self.byteLimit = byteLimit
        self.countLimit = countLimit
        var loaded: [(HintBox, ObjectUpdate, Int)] = []
        var failure: MalformedBytes?
        let range = HintRecord.range
        try engine.scan(.metadata, from: range.lower, to: range.upper) { key, value in
            do throws(MalformedBytes) {
                let hint = try HintRecord.decode(key: key, value: value)
                loaded.append((hint.box, hint.update, key.count + value.count))
                return .next
            } catch {
                failure = error
                return .stop
            }
        }
        if let failure { throw .corrupt("hint: \(failure.reason)") }
        for (box, update, bytes) in loaded { insert(update, in: box, bytes: bytes + Limits.hintOverhead) }
    }

    // MARK: What there is

    /// How many hints there are.
    package var count: Int { entries.count }

    /// The nodes for which there are hints, in ascending order.
    package var targets: [NodeID] { queues.map(\.target) }

    /// How many hints there are for a node.
    package func count(for target: NodeID) -> Int {
        queue(of: target).map { queues[$0].count } ?? 0
    }

    // MARK: Keeping

    /// Keeps a hint, merged with what there is for the same target and key, and stages it.
    ///
    /// - Parameter closed: the closed actors of the partition. Two hints may reflect different closings; merged without
    ///   knowing them, a version that one has seen replaced would come back from the other.
    /// - Returns: `overload` if there is no room, `unknownEpoch` if the hints speak of closings that this node has not
    ///   heard of yet; nothing has changed then.
    package mutating func keep(_ hint: Hint, closed: ClosedActors, in store: ObjectStore) -> ReplicaRefusal? {
        let box = HintBox(target: hint.target, partition: hint.partition, address: hint.update.address)
        let old = entries[box]
        guard old != nil || entries.count < countLimit else { return .overload }
        var update = hint.update
        var divergences = 0
        if let old {
            let epoch = max(old.update.object.context.closedEpoch, hint.update.object.context.closedEpoch)
            guard epoch <= closed.epoch else { return .unknownEpoch }
            update.object = old.update.object
            // Every strategy's merge is this one and then a rule of its own, which the target applies.
            divergences = closed.merge(hint.update.object, into: &update.object, by: .versionVectors).count
            update.events += old.update.events
            update.isComposed = update.object.versions.count > 1
        }
        update.object = update.object.detached
        update.events = HintStore.sortedUnique(update.events)
        let key = HintRecord.key(box)
        let record = HintRecord.encode(update)
        let bytes = key.count + record.count + Limits.hintOverhead
        guard byteCount - (old?.bytes ?? 0) + bytes <= byteLimit else { return .overload }
        divergenceCount += divergences
        insert(update, in: box, bytes: bytes)
        store.stage(.metadata, key: key, value: record)
        return nil
    }

    // MARK: Delivering

    /// The hints for a node that are due first.
    package func next(for target: NodeID, limit: Int) -> [DueHint] {
        guard let index = queue(of: target) else { return [] }
        var due: [DueHint] = []
        for (turn, box) in queues[index].turns[queues[index].head...] {
            guard due.count < limit else { break }
            guard let entry = entries[box], entry.turn == turn else { continue }
            due.append(
                DueHint(
                    partition: box.partition, update: entry.update,
                    ticket: HintTicket(box: box, revision: entry.revision)))
        }
        return due
    }

    /// Forgets a hint which its target has made durable, unless it has changed since it was sent: then the rest is
    /// still to be delivered.
    package mutating func delivered(_ ticket: HintTicket, in store: ObjectStore) {
        guard let entry = entries[ticket.box], entry.revision == ticket.revision else { return }
        entries[ticket.box] = nil
        byteCount -= entry.bytes
        store.stageDelete(.metadata, key: HintRecord.key(ticket.box))
        guard let index = queue(of: ticket.box.target) else { return }
        queues[index].count -= 1
        if queues[index].count == 0 { queues.remove(at: index) } else { tidy(index) }
    }

    /// Puts a hint behind the others for the same node: its target would not take it now, and the others should not
    /// have to wait for it.
    package mutating func postpone(_ ticket: HintTicket) {
        guard let index = queue(of: ticket.box.target), var entry = entries[ticket.box],
            entry.revision == ticket.revision
        else { return }
        entry.turn = queues[index].append(ticket.box)
        entries[ticket.box] = entry
        tidy(index)
    }

    // MARK: Helpers

    private mutating func insert(_ update: ObjectUpdate, in box: HintBox, bytes: Int) {
        revision += 1
        if var entry = entries[box] {
            byteCount += bytes - entry.bytes
            entry.update = update
            entry.bytes = bytes
            entry.revision = revision
            entries[box] = entry
            return
        }
        var index = queues.count
        while index > 0, queues[index - 1].target >= box.target { index -= 1 }
        if index == queues.count || queues[index].target != box.target {
            queues.insert(HintQueue(target: box.target), at: index)
        }
        let turn = queues[index].append(box)
        queues[index].count += 1
        byteCount += bytes
        entries[box] = Entry(update: update, bytes: bytes, revision: revision, turn: turn)
    }

    private func queue(of target: NodeID) -> Int? {
        queues.firstIndex { $0.target == target }
    }

    /// Steps over the void turns at the head of a queue, and drops all void ones once they are the greater part of it.
    private mutating func tidy(_ index: Int) {
        let turns = queues[index].turns
        var head = queues[index].head
        while head < turns.count, entries[turns[head].box]?.turn != turns[head].number { head += 1 }
        queues[index].head = head
        guard turns.count > 2 * queues[index].count + 16 else { return }
        queues[index].turns = turns[head...].filter { entries[$0.box]?.turn == $0.number }
        queues[index].head = 0
    }

    private static func sortedUnique(_ events: [Dot]) -> [Dot] {
        var unique: [Dot] = []
        unique.reserveCapacity(events.count)
        for event in events.sorted() where unique.last != event { unique.append(event) }
        return unique
    }
}

extension CausalObject {
    /// The same object with contents of its own: not parts of a network buffer, or of a merged record, which would be
    /// kept in memory as a whole.
    var detached: CausalObject {
        CausalObject(
            versions: versions.map { version in
                Version(
                    dot: version.dot, timestamp: version.timestamp, number: version.number,
                    content: version.content.map { ArraySlice(Array($0)) },
                    parent: version.parent, writer: version.writer.map { ArraySlice(Array($0)) })
            },
            context: context)
    }
}

/// Whom a hint is for, and which key it is about.
struct HintBox: Hashable, Sendable {
    let target: NodeID
    let partition: UInt16
    let address: [UInt8]
}

/// The order in which hints for one node are due. A hint that is postponed gets a new turn, and its old one is void.
private struct HintQueue: Sendable {
    let target: NodeID
    /// In ascending order of their numbers.
    var turns: [(number: UInt64, box: HintBox)] = []
    /// The turns before this one are void.
    var head = 0
    /// How many hints there are: turns that are not void.
    var count = 0
    private var lastNumber: UInt64 = 0

    init(target: NodeID) {
        self.target = target
    }

    /// Adds a turn at the end; answers its number.
    mutating func append(_ box: HintBox) -> UInt64 {
        lastNumber += 1
        turns.append((lastNumber, box))
        return lastNumber
    }
}

/// A hint that is to be delivered.
package struct DueHint: Sendable {
    package let partition: UInt16
    package let update: ObjectUpdate
    /// Says which hint this was, and in which state.
    package let ticket: HintTicket
}

/// One state of one hint.
package struct HintTicket: Hashable, Sendable {
    fileprivate let box: HintBox
    fileprivate let revision: UInt64
}
