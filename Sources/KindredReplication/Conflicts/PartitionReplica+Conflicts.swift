import KindredModel
package import KindredStorage

/// The conflict log: what a replica notices goes into it in the same atomic record as the change itself, as an object of a reserved bucket
/// in the same partition. So nothing is noticed and forgotten, and the log is replicated, handed on and repaired like any other
/// object: it needs no protocol of its own.
///
/// Each record has a key that nobody else can choose, the time and the dot of its event. So entering one reads nothing, and two replicas'
/// records of one conflict do not touch each other; who lists conflicts puts them together by the conflict's subject.
/// docs/decisions says why.
extension PartitionReplica {
    /// Enters conflicts into the log.
    ///
    /// - Returns: what the other replicas are to be told; nil if there is nothing to enter.
    mutating func enter(
        _ conflicts: [Conflict], of key: ObjectKey, _ strategy: ConflictStrategy, _ logging: ConflictLogging,
        wall: UInt64, time: HybridTimestamp, in store: ObjectStore
    ) -> ObjectUpdate? {
        guard !conflicts.isEmpty, !PlantedFault.conflictNotEntered.isActive else { return nil }
        for conflict in conflicts { conflictCounts[Int(conflict.kind.rawValue)] += 1 }
        let record = ConflictRecord(
            address: Array(key.address), strategy: strategy, noticed: wall, conflicts: conflicts)
        let dot = Dot(actor, counter + 1)
        let timestamp = max(time, HybridTimestamp(milliseconds: wall))
        let bytes = KeyLayout.conflictKey(
            partition: partition, timestamp: timestamp.rawValue, actor: dot.actor.rawValue, counter: dot.counter)
        let recordKey = StorageKey(bytes: bytes, hash: bytes.withUnsafeBytes(logging.hash))
        self.record(dot, of: recordKey, in: store)
        let object = CausalObject(
            versions: [Version(dot: dot, timestamp: timestamp, content: record.encoded()[...])],
            context: CausalContext())
        save(object, of: recordKey, replacing: [], in: store)
        return ObjectUpdate(
            address: Array(bytes[KeyLayout.partitionLength...]), object: object, events: [dot])
    }

    /// Enters what has been noticed in merging.
    mutating func enter(
        _ conflicts: [Conflict], of key: ObjectKey, _ strategy: ConflictStrategy, _ surroundings: MergeSurroundings,
        time: HybridTimestamp, into result: inout MergeResult.Merged, in store: ObjectStore
    ) {
        guard !conflicts.isEmpty, let logging = surroundings.logging else { return }
        let record = enter(conflicts, of: key, strategy, logging, wall: surroundings.wall, time: time, in: store)
        if let record { result.records.append(record) }
    }

    /// How far this replica's part of the log has come.
    package var conflictLogState: ConflictLogState {
        var base = base
        let epoch = base.counter(of: .closed)
        for closing in view.closed.closings where closing.epoch <= epoch && closing.last > 0 {
            base.include(through: Dot(closing.actor, closing.last))
        }
        return ConflictLogState(
            actor: actor, revision: transfer == nil ? conflictRevision : nil, clock: clock, base: base)
    }

    // MARK: Retention

    /// Goes on counting the log after a start, and drops the records that are older than `horizon`, and the oldest ones beyond a number and
    /// a size. Some of the work at a time; to be called again and again. Every replica does so by itself: no event tells of it, and
    /// digests leave the log out.
    package mutating func tidyConflicts(
        _ retention: ConflictRetention, wall: UInt64, hash: (UnsafeRawBufferPointer) -> UInt64, in store: ObjectStore
    ) throws(StorageError) {
        // What comes in between two calls must not be more than one call can drop.
        for _ in 0..<Limits.conflictScansPerTidying {
            guard try tidySomeConflicts(retention, wall: wall, hash: hash, in: store) else { return }
        }
    }

    /// - Returns: whether there is more to do.
    private mutating func tidySomeConflicts(
        _ retention: ConflictRetention, wall: UInt64, hash: (UnsafeRawBufferPointer) -> UInt64, in store: ObjectStore
    ) throws(StorageError) -> Bool {
        let prefix = KeyLayout.conflictPrefix(partition: partition)
        let end = KeyLayout.successor(ofPrefix: prefix)
        if let position = conflictTally.position {
            let scan = try store.scan(
                from: position.isEmpty ? prefix : position + [0], to: end, limit: Limits.conflictsPerScan,
                byteLimit: Limits.bytesPerPull)
            for entry in scan.entries { conflictTally.visited(entry.key, bytes: entry.value.count) }
            if scan.isComplete { conflictTally.finished() }
            return true
        }
        let horizon = HybridTimestamp(milliseconds: wall - min(wall, retention.milliseconds)).rawValue
        guard conflictTally.isAbove(retention) || conflictTally.oldest < horizon else { return false }
        let scan = try store.scan(
            from: prefix, to: end, limit: Limits.conflictsPerScan, byteLimit: Limits.bytesPerPull)
        for entry in scan.entries {
            let time = KeyLayout.conflictTimestamp(of: entry.key) ?? 0
            guard conflictTally.isAbove(retention) || time < horizon else {
                conflictTally.oldest = time
                return false
            }
            store.stageDelete(StorageKey(bytes: entry.key, hash: entry.key.withUnsafeBytes(hash)))
            conflictTally.removed(bytes: entry.key.count + entry.value.count)
        }
        if scan.isComplete { conflictTally = ConflictTally(isCounted: true) }
        return !scan.isComplete
    }

    /// Whether the log is known to be too large.
    package func hasTooManyConflicts(_ retention: ConflictRetention) -> Bool {
        conflictTally.position == nil && conflictTally.isAbove(retention)
    }
}

/// How long a conflict log remembers. A record goes when any of these says so.
package struct ConflictRetention: Hashable, Sendable {
    /// How old a record may be.
    package var milliseconds: UInt64
    /// How many records a partition keeps.
    package var records: Int
    /// How many bytes they may have.
    package var bytes: Int

    package init(
        milliseconds: UInt64 = Limits.conflictRetentionMilliseconds, records: Int = Limits.conflictsPerPartition,
        bytes: Int = Limits.conflictBytesPerPartition
    ) {
        self.milliseconds = milliseconds
        self.records = records
        self.bytes = bytes
    }
}

/// What is known of the size of a partition's conflict log. Not stored: a scan counts what there is after a start, and what is entered
/// meanwhile counts when the scan comes to it.
struct ConflictTally: Sendable {
    private(set) var count = 0
    private(set) var bytes = 0
    /// The time of the oldest record, or an earlier one.
    var oldest: UInt64 = 0
    /// Up to where the log has been counted; nil if all of it has.
    private(set) var position: [UInt8]?

    /// - Parameter isCounted: whether the log is known to be empty.
    init(isCounted: Bool = false) {
        position = isCounted ? nil : []
        if isCounted { oldest = .max }
    }

    func isAbove(_ retention: ConflictRetention) -> Bool { count > retention.records || bytes > retention.bytes }

    /// A record has been entered, or has come from elsewhere. It may be one that was there before; then it counts twice until the next
    /// start, and something goes a little early.
    mutating func added(_ key: [UInt8], bytes size: Int) {
        oldest = min(oldest, KeyLayout.conflictTimestamp(of: key) ?? 0)
        if let position, position.lexicographicallyPrecedes(key) { return }
        count += 1
        bytes += key.count + size
    }

    mutating func visited(_ key: [UInt8], bytes size: Int) {
        count += 1
        bytes += key.count + size
        position = key
    }

    mutating func finished() { position = nil }

    mutating func removed(bytes size: Int) {
        count = max(count - 1, 0)
        bytes = max(bytes - size, 0)
    }
}
