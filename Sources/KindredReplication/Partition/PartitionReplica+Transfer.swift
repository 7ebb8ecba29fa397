package import KindredModel
package import KindredStorage

/// A full transfer under way, as its receiver remembers it. One record of the `metadata` table.
package struct TransferProgress: Hashable, Sendable {
    /// Who sends. With another sender the transfer begins anew. `ActorID.closed` if nobody does: a transfer was given up, and what it has
    /// brought is half of something, so another one has to be completed.
    package var source: ActorID
    /// The clock of the sender when it began: what the receiver may claim in the end.
    package var goal: ReplicaClock
    /// The last address that has been applied; empty at the beginning.
    package var after: [UInt8]

    private static let formatVersion: UInt8 = 1

    static func key(_ partition: UInt16) -> [UInt8] {
        KeyLayout.metadataKey("partition/\(partition)/transfer")
    }

    func encoded() -> [UInt8] {
        var bytes = [TransferProgress.formatVersion]
        bytes.append(varint: UInt64(source.rawValue))
        goal.encode(into: &bytes)
        bytes.append(lengthPrefixed: after)
        return bytes
    }

    static func load(_ partition: UInt16, from engine: any StorageEngine) throws(StorageError) -> TransferProgress? {
        guard let record = try engine.value(.metadata, for: key(partition)) else { return nil }
        return try Record.decode(record, "transfer of partition \(partition)", version: formatVersion) {
            reader throws(MalformedBytes) in
            guard let source = UInt32(exactly: try reader.varint()) else { throw MalformedBytes("actor too large") }
            let goal = try ReplicaClock(from: &reader)
            let after = reader.copy(try reader.lengthPrefixedRange())
            return TransferProgress(source: ActorID(source), goal: goal, after: after)
        }
    }
}

/// Full transfers: everything, in the order of the keys, for a replica that the log cannot serve.
///
/// Each part is a range of keys from one moment of the sender, with the clock of that moment. For each key that either side has in
/// the range, the receiver merges what the sender says; a key that the sender lacks is one about which it says "nothing, and I
/// know all of this". Only after the last part does the receiver claim the events of the clock that the sender had at the *first* part:
/// every later part reflects them too. Until then it claims no more than the events of the objects it has applied, so it may be
/// interrupted anywhere.
extension PartitionReplica {
    /// What this replica asks the source of its transfer.
    package func transferRequest(id: UInt64) -> TransferRequest {
        TransferRequest(
            id: id, partition: partition, epoch: view.epoch,
            after: transfer.flatMap { $0.after.isEmpty ? nil : $0.after }, goal: transfer?.goal ?? ReplicaClock())
    }

    /// Answers with the next part.
    ///
    /// A part reflects what has happened since the transfer began, deletes included. The receiver must be able to record each of
    /// these events with what it did, or the effect could outlive the event: so they all have to be in the log, and keys that have
    /// events but no object any more are sent, too. If the log has dropped one, the transfer begins anew.
    package func answer(
        _ request: TransferRequest, _ surroundings: MergeSurroundings, from store: ObjectStore
    ) throws(StorageError) -> TransferReply {
        let later = clock.events(missingFrom: request.goal, limit: Limits.logEntriesPerPartition + 1)
        guard later.allSatisfy({ log.key(of: $0) != nil }) else {
            return TransferReply(
                id: request.id, actor: actor, clock: clock, updates: [], through: nil, refusal: .notReady)
        }
        let prefix = KeyLayout.prefix(partition: partition)
        // The least key after one is that key with a zero byte behind it.
        let lower = request.after.map { prefix + $0 + [0] } ?? prefix
        let end = KeyLayout.successor(ofPrefix: prefix)
        let scan = try store.scan(
            from: lower, to: end, limit: surroundings.objectsPerTransfer, byteLimit: Limits.bytesPerPull)
        let last = scan.isComplete ? nil : scan.entries.last?.key
        let keys = merged(scan.entries.map(\.key), changed(by: later, from: lower, to: last.map { $0 + [0] } ?? end))
        var updates: [ObjectUpdate] = []
        for bytes in keys {
            let key = ObjectKey(
                partition: partition, address: bytes[KeyLayout.partitionLength...], hash: surroundings.hash)
            updates.append(update(of: key, try readWaiting(key, from: store)))
        }
        return TransferReply(
            id: request.id, actor: actor, clock: clock, updates: updates,
            through: last.map { Array($0[KeyLayout.partitionLength...]) })
    }

    /// The keys in a range that some events have changed, in ascending order.
    private func changed(by events: [Dot], from lower: [UInt8], to upper: [UInt8]?) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        for key in events.compactMap(log.key(of:)).sorted(by: isBefore) where keys.last != key {
            if isBefore(key, lower) { continue }
            if let upper, !isBefore(key, upper) { break }
            keys.append(key)
        }
        return keys
    }

    /// Begins a transfer, or goes on with the one that has this source.
    package mutating func beginTransfer(from source: ActorID, clock goal: ReplicaClock, in store: ObjectStore) {
        if let transfer, transfer.source == source, view.closed.covers(transfer.goal, by: goal) { return }
        transfer = TransferProgress(source: source, goal: goal, after: [])
        stageTransfer(in: store)
    }

    /// Gives the transfer up, because its source is gone, or has forgotten what happened since it began. What it has brought stays, and
    /// whoever answers next becomes the source of another one.
    package mutating func abandonTransfer(in store: ObjectStore) {
        guard transfer != nil else { return }
        transfer = TransferProgress(source: .closed, goal: ReplicaClock(), after: [])
        stageTransfer(in: store)
    }

    private mutating func endTransfer(in store: ObjectStore) {
        transfer = nil
        store.stageDelete(.metadata, key: TransferProgress.key(partition))
    }

    /// Takes in one part. The caller asks for the next one as long as `transfer` is not nil.
    package mutating func apply(
        _ reply: TransferReply, _ surroundings: MergeSurroundings, time: inout HybridLogicalClock, in store: ObjectStore
    ) throws(StorageError) -> PullOutcome {
        var outcome = PullOutcome()
        guard reply.refusal == nil, var progress = transfer, reply.actor == progress.source,
            view.closed.covers(progress.goal, by: reply.clock)
        else { return outcome }
        if reply.clock.base(of: .closed) > view.closed.epoch { return outcome }
        if isOutdated(by: reply.clock) {
            outcome.isOwnPastUnknown = true
            return outcome
        }
        var next = 0
        let range = try ranged(reply, after: progress.after, limit: surroundings.objectsPerTransfer, in: store)
        for update in range.addresses {
            while next < reply.updates.count, isBefore(reply.updates[next].address, update) { next += 1 }
            let sent = next < reply.updates.count && reply.updates[next].address == update
            if !sent, PlantedFault.transferSkipsAbsent.isActive { continue }
            let told =
                sent
                ? reply.updates[next]
                : ObjectUpdate(
                    address: update,
                    object: CausalObject(versions: [], context: CausalContext(reply.clock.base)), events: [])
            switch try mergeWaiting(
                told, isFromMember: true, isTransfer: true, surroundings, time: &time, in: store)
            {
            case .merged(let merged): outcome.merged.add(merged)
            case .refused, .needsDisk:
                // The part is asked for again; what of it was applied is applied.
                outcome.refused += 1
                return outcome
            case .ownPastUnknown:
                outcome.isOwnPastUnknown = true
                return outcome
            }
        }
        peers.note(reply.actor, reply.clock, closed: view.closed)
        if PlantedFault.transferClaimsEarly.isActive { claimEverything(of: progress.goal, in: store) }
        if let through = range.through {
            progress.after = through
            transfer = progress
            stageTransfer(in: store)
        } else {
            claimEverything(of: progress.goal, in: store)
            endTransfer(in: store)
        }
        return outcome
    }

    /// The addresses in the part's range that either side has, in order, and where the range ends; nil at the end of all.
    ///
    /// A part is bounded by what its sender has. Where this replica has much more, the range ends earlier: the rest is asked for again.
    private func ranged(
        _ reply: TransferReply, after: [UInt8], limit: Int, in store: ObjectStore
    ) throws(StorageError) -> (addresses: [[UInt8]], through: [UInt8]?) {
        let prefix = KeyLayout.prefix(partition: partition)
        let lower = after.isEmpty ? prefix : prefix + after + [0]
        let upper = reply.through.map { prefix + $0 + [0] } ?? KeyLayout.successor(ofPrefix: prefix)
        let scan = try store.scan(from: lower, to: upper, limit: limit, byteLimit: Limits.bytesPerPull)
        let own = scan.entries.map { Array($0.key[KeyLayout.partitionLength...]) }
        var theirs = reply.updates.map(\.address)
        guard !scan.isComplete, let last = own.last else { return (merged(own, theirs), reply.through) }
        theirs.removeAll { isBefore(last, $0) }
        return (merged(own, theirs), last)
    }

    /// What is in one of two ascending lists, in order, each once.
    func merged(_ left: [[UInt8]], _ right: [[UInt8]]) -> [[UInt8]] {
        var result: [[UInt8]] = []
        result.reserveCapacity(left.count + right.count)
        var left = left[...]
        var right = right[...]
        while let least = left.first ?? right.first {
            let next = right.first.map { isBefore($0, least) ? $0 : least } ?? least
            if left.first == next { left.removeFirst() }
            if right.first == next { right.removeFirst() }
            result.append(next)
        }
        return result
    }

    private func isBefore(_ left: [UInt8], _ right: [UInt8]) -> Bool { Bytes.compare(left, right) < 0 }

    private func stageTransfer(in store: ObjectStore) {
        guard let transfer else { return }
        store.stage(.metadata, key: TransferProgress.key(partition), value: transfer.encoded())
    }
}
