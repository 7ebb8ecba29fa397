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
        ConflictLogState(
            actor: actor, revision: transfer == nil ? conflictRevision : nil, clock: clock, closed: view.closed)
    }

    // MARK: Retention

    /// Whether there is something to do for `tidyConflicts`. Reads nothing.
    package func needsTidying(_ retention: ConflictRetention, wall: UInt64) -> Bool {
        conflictTally.isBeyond(retention, wall: wall) || !conflictTally.isCounted
    }

    /// Goes on counting the log after a start, and drops the records that are older than the retention says, and the oldest ones beyond a
    /// number and a size. Every replica does so by itself: no event tells of it, and digests leave the log out.
    ///
    /// - Parameter scans: how much work may be done; each scan costs one. It is done if some are left.
    package mutating func tidyConflicts(
        _ retention: ConflictRetention, wall: UInt64, hash: (UnsafeRawBufferPointer) -> UInt64, in store: ObjectStore,
        scans: inout Int
    ) throws(StorageError) {
        while scans > 0, needsTidying(retention, wall: wall) {
            scans -= 1
            // What has been counted already may be too much as it is: then it goes, however much there is to count.
            if conflictTally.isBeyond(retention, wall: wall) {
                try dropOldest(retention, wall: wall, hash: hash, in: store)
            } else {
                try countMore(in: store)
            }
        }
    }

    private mutating func countMore(in store: ObjectStore) throws(StorageError) {
        let prefix = KeyLayout.conflictPrefix(partition: partition)
        let scan = try store.scan(
            from: conflictTally.position.map { $0 + [0] } ?? prefix, to: KeyLayout.successor(ofPrefix: prefix),
            limit: Limits.conflictsPerScan, byteLimit: Limits.bytesPerPull)
        for entry in scan.entries { conflictTally.visited(entry.key, bytes: entry.value.count) }
        if scan.isComplete { conflictTally.finished() }
    }

    private mutating func dropOldest(
        _ retention: ConflictRetention, wall: UInt64, hash: (UnsafeRawBufferPointer) -> UInt64, in store: ObjectStore
    ) throws(StorageError) {
        // Not from the very beginning: what has been dropped there is in the storage's way until it is cleared up.
        let first = KeyLayout.conflictKey(
            partition: partition, timestamp: conflictTally.oldest, actor: 0, counter: 0)
        let scan = try store.scan(
            from: first, to: KeyLayout.successor(ofPrefix: KeyLayout.conflictPrefix(partition: partition)),
            limit: Limits.conflictsPerScan, byteLimit: Limits.bytesPerPull)
        for entry in scan.entries {
            conflictTally.oldest = KeyLayout.conflictTimestamp(of: entry.key) ?? 0
            guard conflictTally.isBeyond(retention, wall: wall) else { return }
            store.stageDelete(StorageKey(bytes: entry.key, hash: entry.key.withUnsafeBytes(hash)))
            conflictTally.removed(entry.key, bytes: entry.value.count)
        }
        if scan.isComplete { conflictTally = ConflictTally(isCounted: true) }
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
    /// Whether all of the log has been counted.
    private(set) var isCounted: Bool
    /// Up to where it has been counted; nil if that has not begun, or has ended.
    private(set) var position: [UInt8]?

    /// - Parameter isCounted: whether the log is known to be empty.
    init(isCounted: Bool = false) {
        self.isCounted = isCounted
        if isCounted { oldest = .max }
    }

    /// Whether records have to go.
    func isBeyond(_ retention: ConflictRetention, wall: UInt64) -> Bool {
        let horizon = HybridTimestamp(milliseconds: wall - min(wall, retention.milliseconds)).rawValue
        return oldest < horizon || count > retention.records || bytes > retention.bytes
    }

    /// A record has been entered, or has come from elsewhere. It may be one that was there before; then it counts twice until the next
    /// start, and something goes a little early.
    mutating func added(_ key: [UInt8], bytes size: Int) {
        oldest = min(oldest, KeyLayout.conflictTimestamp(of: key) ?? 0)
        guard covers(key) else { return }
        count += 1
        bytes += key.count + size
    }

    mutating func visited(_ key: [UInt8], bytes size: Int) {
        count += 1
        bytes += key.count + size
        position = key
    }

    mutating func finished() {
        isCounted = true
        position = nil
    }

    mutating func removed(_ key: [UInt8], bytes size: Int) {
        guard covers(key) else { return }
        count = max(count - 1, 0)
        bytes = max(bytes - key.count - size, 0)
    }

    /// Whether the count covers a key.
    private func covers(_ key: [UInt8]) -> Bool {
        isCounted || position.map { !$0.lexicographicallyPrecedes(key) } ?? false
    }
}

/// Keeps the logs of several partitions as small as they are to be, each in its turn and some of the work at a time.
package struct ConflictTidying: Sendable {
    private var next = 0

    package init() {}

    /// - Parameters:
    ///   - partitions: how many there are.
    ///   - tidy: looks after one of them, with so many scans at most, and says how many are left. Without any left it is not done, and
    ///     keeps its turn.
    package mutating func turn<Failure: Error>(
        _ partitions: Int, scans: Int, _ tidy: (Int, inout Int) throws(Failure) -> Void
    ) throws(Failure) {
        var scans = scans
        for _ in 0..<partitions {
            if next >= partitions { next = 0 }
            try tidy(next, &scans)
            guard scans > 0 else { return }
            next += 1
        }
    }
}
