/// What the node's data loop reads objects from and writes them to: a bounded cache of encoded objects in front of
/// the engine, and the changes staged by the current tick.
///
/// A tick is one turn of the event loop. Its requests read and stage; then one `commit` writes everything staged,
/// atomically.
///
///     read ──► staged or cached? ──► engine, in memory? ──► .needsDisk: a thread loads it, then `install`
///     stagePut, stageDelete, stage ──► (later reads of this tick see it) ──► commit ──► markSynchronized
///
/// **Guarantees.** A read sees every change staged or committed before it. An error of the engine is thrown and is
/// never "absent". What a read shows that a power cut could still take back, it names: `unsynchronized` is the commit
/// for whose synchronization a reply that shows it has to wait.
///
/// **Memory.** Entries count with their bytes and `entryOverhead`. Above `byteLimit`, `commit` drops entries that
/// were not used lately (CLOCK), except those staged or not yet synchronized: what commits faster than the disk
/// synchronizes is bounded by whoever admits requests. Within a tick the bound may be exceeded by what the tick
/// reads.
///
/// **Threads.** None: it belongs to one event loop and is not `Sendable`.
package final class ObjectStore {
    /// What a cached object is counted with beside its key and value: its entry, its share of the index, the headers
    /// of two arrays and what `malloc` rounds up.
    package static let entryOverhead = 192

    package let engine: any StorageEngine
    package let byteLimit: Int

    private(set) var table = ObjectTable()
    private var cachedBytes = 0
    /// Entries changed in this tick. Their values go into the batch at commit, so an object written often is written
    /// once.
    private(set) var stagedIDs: [UInt32] = []
    /// The changes to the other tables.
    private var batch = WriteBatch()
    /// What all keys of the objects begin with whose removal is staged: until the commit, the engine still has them.
    private var erasedPrefixes: [[UInt8]] = []
    private var stagedBytes = 0

    private var committed: UInt64 = 0
    private var synchronized: UInt64 = 0
    /// The highest sequence that was in an entry which the table has dropped. What the engine holds for a key that is
    /// not in the table was written by this commit or an earlier one.
    private var forgotten: UInt64 = 0

    /// Where the hand of the eviction's clock is.
    private var hand = 0
    private var insertionsSinceEviction = 0
    private var counts = ObjectStoreStatistics()

    /// - Parameter byteLimit: what the cache may hold, in bytes; see the type about when it holds more.
    package init(engine: any StorageEngine, byteLimit: Int) {
        self.engine = engine
        self.byteLimit = byteLimit
    }

    // MARK: Reading

    /// Reads an object, if that needs no disk.
    package func read(_ key: StorageKey) throws(StorageError) -> ObjectRead {
        if let read = key.bytes.withUnsafeBytes({ cached($0, hash: key.hash) }) { return read }
        counts.misses &+= 1
        if !erasedPrefixes.isEmpty, isErased(key.bytes) {
            return .absent(unsynchronized: CommitSequence(rawValue: committed + 1))
        }
        switch try engine.valueInMemory(.objects, for: key.bytes) {
        case .found(let value):
            insert(key, value: value, sequence: forgotten, isReferenced: false)
            return .found(value, unsynchronized: unsynchronized(forgotten))
        case .absent:
            return .absent(unsynchronized: unsynchronized(forgotten))
        case .needsDisk:
            return .needsDisk(LoadTicket(committed: committed))
        }
    }

    /// Reads an object if it is staged or cached, and nil if it isn't: the same as `read` as far as it goes, for a
    /// caller whose key is in a buffer and who does not want to make an array of it for nothing.
    package func cached(_ key: UnsafeRawBufferPointer, hash: UInt64) -> ObjectRead? {
        guard let id = table.find(key, hash: hash) else { return nil }
        counts.hits &+= 1
        table[id].isReferenced = true
        let unsynchronized = unsynchronized(table[id].sequence)
        guard let value = table[id].value else { return .absent(unsynchronized: unsynchronized) }
        return .found(value, unsynchronized: unsynchronized)
    }

    /// Takes what a thread read from the engine after `.needsDisk`: a value, or nil for "there is none". Then `read`
    /// again: it answers from memory, or, rarely, asks for another load.
    ///
    /// Between the start of a load and its arrival here the object may have been written. What was written wins: the
    /// loaded value is ignored if the table has the key by now, and also if the table has meanwhile dropped any entry
    /// that was written after the load began, as it could be this one. (Such a second load finds the block in the
    /// engine's memory.) The caller sees to it that a key which is being loaded is not loaded once more: requests for
    /// it wait together.
    package func install(_ key: StorageKey, value: [UInt8]?, loadedWith ticket: LoadTicket) {
        guard ticket.committed >= forgotten,
            key.bytes.withUnsafeBytes({ table.find($0, hash: key.hash) }) == nil
        else { return }
        insert(key, value: value, sequence: forgotten, isReferenced: true)
    }

    /// Loads an object after `.needsDisk`, and waits for the disk. Then `read` again.
    package func load(_ key: StorageKey, _ ticket: LoadTicket) throws(StorageError) {
        install(key, value: try engine.value(.objects, for: key.bytes), loadedWith: ticket)
    }

    // MARK: Staging

    /// Stages the writing of an object.
    ///
    /// - Parameter isCold: whether nobody is going to read it soon, so that it should not drive out of the cache what somebody reads.
    package func stagePut(_ key: StorageKey, value: [UInt8], isCold: Bool = false) {
        stage(key, value, isCold: isCold)
    }

    /// Stages the removal of an object.
    package func stageDelete(_ key: StorageKey) {
        stage(key, nil)
    }

    /// Stages the removal of all objects whose keys begin with `prefix`, those staged before included.
    package func stageErasure(ofPrefix prefix: [UInt8]) {
        guard let end = KeyLayout.successor(ofPrefix: prefix) else { return }
        for id in 0..<table.idLimit where !table[id].isVacant && table[id].key.starts(with: prefix) {
            if table[id].isStaged { stagedIDs.removeAll { $0 == UInt32(id) } }
            forget(id)
        }
        stagedBytes += prefix.count + end.count
        batch.deleteRange(.objects, from: prefix, to: end)
        erasedPrefixes.append(prefix)
    }

    func isErased(_ key: [UInt8]) -> Bool {
        erasedPrefixes.contains { key.starts(with: $0) }
    }

    /// Stages the writing of a record of the log or the metadata. (Objects go through `stagePut`.)
    package func stage(_ table: Table, key: [UInt8], value: [UInt8]) {
        precondition(table != .objects, "objects are staged by stagePut, which the cache sees")
        stagedBytes += key.count + value.count
        batch.put(table, key: key, value: value)
    }

    /// Stages the removal of a record of the log or the metadata.
    package func stageDelete(_ table: Table, key: [UInt8]) {
        precondition(table != .objects, "objects are removed by stageDelete, which the cache sees")
        stagedBytes += key.count
        batch.delete(table, key: key)
    }

    /// Stages the removal of the records of the log or the metadata with `lower <= key < upper`.
    package func stageDelete(_ table: Table, from lower: [UInt8], to upper: [UInt8]) {
        precondition(table != .objects, "a range of objects cannot be removed behind the cache")
        stagedBytes += lower.count + upper.count
        batch.deleteRange(table, from: lower, to: upper)
    }

    /// Whether there is anything to commit.
    package var hasStagedChanges: Bool { !stagedIDs.isEmpty || !batch.isEmpty }

    /// At least the bytes of what is staged: an object staged twice counts twice. A tick that stages much commits
    /// early.
    package var stagedByteCount: Int { stagedBytes }

    // MARK: Committing

    /// Ends the tick: writes everything staged as one batch, and brings the cache back to its bound.
    ///
    /// - Returns: the number of this commit, or of the last one if nothing was staged.
    /// - Throws: what the engine threw. Everything staged is dropped then, and forgotten by the cache, so that later
    ///   reads ask the engine. After any error but `.full` from the reserve of free space, the engine wants `reopen`.
    @discardableResult
    package func commit() throws(StorageError) -> CommitSequence {
        if hasStagedChanges {
            for id in stagedIDs {
                let entry = table[Int(id)]
                if let value = entry.value {
                    batch.put(.objects, key: entry.key, value: value)
                } else {
                    batch.delete(.objects, key: entry.key)
                }
            }
            // The number is used up even if the commit fails: its fate may be unknown.
            committed += 1
            do throws(StorageError) {
                try engine.commit(batch)
            } catch {
                dropStaged()
                throw error
            }
            for id in stagedIDs { table[Int(id)].isStaged = false }
            clearStaged()
        }
        evict()
        return CommitSequence(rawValue: committed)
    }

    /// The number of the last commit.
    package var lastCommit: CommitSequence { CommitSequence(rawValue: committed) }

    /// The last commit that is known to survive a power cut.
    package var lastSynchronized: CommitSequence { CommitSequence(rawValue: synchronized) }

    /// Notes that an `engine.synchronize` which began after commit `sequence` has succeeded.
    package func markSynchronized(upTo sequence: CommitSequence) {
        synchronized = max(synchronized, min(sequence.rawValue, committed))
    }

    /// Drops what is staged and everything cached, and reopens the engine: the way on after it failed.
    ///
    /// What the engine holds then counts as not synchronized until `markSynchronized` says otherwise.
    package func reopen() throws(StorageError) {
        dropStaged()
        for id in 0..<table.idLimit where !table[id].isVacant { forget(id) }
        committed += 1
        forgotten = committed
        try engine.reopen()
    }

    package var statistics: ObjectStoreStatistics {
        var statistics = counts
        statistics.entries = table.count
        statistics.bytes = cachedBytes
        return statistics
    }

    // MARK: The cache

    private func unsynchronized(_ sequence: UInt64) -> CommitSequence? {
        sequence > synchronized ? CommitSequence(rawValue: sequence) : nil
    }

    private func stage(_ key: StorageKey, _ value: [UInt8]?, isCold: Bool = false) {
        let length = value?.count ?? 0
        stagedBytes += key.bytes.count + length
        let next = committed + 1
        let id: Int
        if let found = key.bytes.withUnsafeBytes({ table.find($0, hash: key.hash) }) {
            id = found
            cachedBytes += length - (table[id].value?.count ?? 0)
            table[id].value = value
            table[id].sequence = next
            table[id].isReferenced = !isCold
        } else {
            id = insert(key, value: value, sequence: next, isReferenced: !isCold)
        }
        if !table[id].isStaged {
            table[id].isStaged = true
            stagedIDs.append(UInt32(id))
        }
    }

    /// - Parameter isReferenced: whether the entry has its second chance from the start. What was merely read and lay
    ///   in the engine's memory has not, so that reading everything once does not drive out what is in use.
    @discardableResult
    private func insert(_ key: StorageKey, value: [UInt8]?, sequence: UInt64, isReferenced: Bool) -> Int {
        cachedBytes += key.bytes.count + (value?.count ?? 0) + Self.entryOverhead
        insertionsSinceEviction += 1
        return table.insert(key, value: value, sequence: sequence, isReferenced: isReferenced)
    }

    private func forget(_ id: Int) {
        cachedBytes -= table[id].key.count + (table[id].value?.count ?? 0) + Self.entryOverhead
        forgotten = max(forgotten, table[id].sequence)
        table.remove(id)
    }

    private func dropStaged() {
        for id in stagedIDs { forget(Int(id)) }
        clearStaged()
    }

    private func clearStaged() {
        stagedIDs.removeAll(keepingCapacity: true)
        erasedPrefixes.removeAll()
        batch.removeAll()
        stagedBytes = 0
    }

    /// Moves the hand of the clock over the entries while there are too many bytes, giving each entry used since it
    /// last passed a second chance. The way it goes in one tick is bounded by what was added, so that a cache full of
    /// entries that cannot go yet does not cost every tick a walk through all of it.
    private func evict() {
        guard cachedBytes > byteLimit, table.idLimit > 0 else {
            insertionsSinceEviction = 0
            return
        }
        var steps = min(2 * table.idLimit, 256 + 16 * insertionsSinceEviction)
        insertionsSinceEviction = 0
        while cachedBytes > byteLimit, steps > 0 {
            steps -= 1
            if hand >= table.idLimit { hand = 0 }
            let id = hand
            hand += 1
            if table[id].isVacant { continue }
            if table[id].isReferenced {
                table[id].isReferenced = false
            } else if table[id].sequence <= synchronized {
                forget(id)
                counts.evictions &+= 1
            }
        }
    }
}

/// What `ObjectStore` found in memory.
package enum ObjectRead: Sendable {
    /// The object's bytes. If `unsynchronized` is set, a power cut could still take them back.
    case found([UInt8], unsynchronized: CommitSequence?)
    /// There is no such object. If `unsynchronized` is set, a power cut could still bring one back.
    case absent(unsynchronized: CommitSequence?)
    /// Only the disk knows: call `engine.value(.objects, for:)` on a thread that may wait, and `install` what it says.
    case needsDisk(LoadTicket)
}

/// When a load from the disk began; see `ObjectStore.install`.
package struct LoadTicket: Sendable {
    fileprivate let committed: UInt64
}

/// Counts since the store was made, and how much it holds now.
package struct ObjectStoreStatistics: Hashable, Sendable {
    /// Reads answered from staged or cached objects.
    package var hits: UInt64 = 0
    /// Reads that went to the engine.
    package var misses: UInt64 = 0
    package var evictions: UInt64 = 0
    package var entries = 0
    /// As counted against the limit.
    package var bytes = 0
}
