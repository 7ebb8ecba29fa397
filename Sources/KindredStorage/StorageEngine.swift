/// The three tables of a node's storage. Each is an ordered map from bytes to bytes.
///
/// Key layouts are in `KeyLayout.swift` and `docs/formats/storage-engine.md`, the records beside it in `docs/formats`.
public enum Table: UInt8, CaseIterable, Sendable {
    /// Object key → encoded `CausalObject`.
    case objects = 0
    /// (partition, dot) → object key: what was written, in the order in which each actor wrote it.
    case log = 1
    /// Names → small records: the node's identity, each partition's checkpoint, bucket types.
    case metadata = 2
}

/// Why the storage could not do what it was asked. Never means "not found".
public enum StorageError: Error, Hashable, Sendable {
    /// There is no room: writes are refused until there is. Nothing was written.
    case full(String)
    /// The operating system or the engine failed; the text is its own. The fate of what was being written is unknown
    /// until the engine has been reopened.
    case failed(String)
    /// Stored bytes do not decode, or fail their checksum.
    case corrupt(String)
    /// The engine is closed, or closed itself after an earlier failure.
    case closed
}

/// What a read that must not wait for a disk can say.
public enum MemoryRead: Sendable {
    /// The value, found in memory.
    case found([UInt8])
    /// There certainly is no such key.
    case absent
    /// Only the disk knows. Ask `value(_:for:)`, on a thread that may wait.
    case needsDisk
}

/// An ordered, transactional store of bytes: what Kindred needs of a disk.
///
/// **Guarantees.** A batch is applied whole or not at all, also across a crash. `commit` returns when the batch is
/// where a killed process cannot lose it (the operating system has it); `synchronize` returns when everything
/// committed before it was called survives a power cut. Reads see every committed batch. A read that fails throws; it
/// never answers "absent".
///
/// **Threads.** All calls may come from any thread. `commit` has one caller at a time; `value`, `scan` and
/// `synchronize` may run beside it.
///
/// A class-bound existential is deliberate: the calls are coarse (one commit for all requests of an event-loop tick,
/// one read per cache miss), so dynamic dispatch costs nanoseconds, and nothing above has to be generic.
public protocol StorageEngine: AnyObject, Sendable {
    /// Reads one value; may wait for the disk.
    func value(_ table: Table, for key: [UInt8]) throws(StorageError) -> [UInt8]?

    /// Reads one value if that needs no disk.
    func valueInMemory(_ table: Table, for key: [UInt8]) throws(StorageError) -> MemoryRead

    /// Applies the batch atomically. See the type's guarantees.
    func commit(_ batch: WriteBatch) throws(StorageError)

    /// Makes durable, against power loss, everything committed before this call.
    func synchronize() throws(StorageError)

    /// Visits the entries with `range.lowerBound <= key < range.upperBound` in ascending order of key bytes, from one
    /// consistent snapshot, until `visit` returns `.stop`.
    ///
    /// The buffers are valid only during the call of `visit`.
    func scan(
        _ table: Table, from lower: [UInt8], to upper: [UInt8]?,
        _ visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> ScanStep
    ) throws(StorageError)

    /// Visits the entries with `range.lowerBound <= key < range.upperBound` in descending order of key bytes, from one consistent snapshot,
    /// for as long as `visit` returns true.
    ///
    /// The buffers are valid only during the call of `visit`.
    func scanBackwards(
        _ table: Table, from lower: [UInt8], to upper: [UInt8]?,
        _ visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
    ) throws(StorageError)

    /// About how many bytes of files the range has, what is still only in memory not counted; nil if the engine cannot tell without reading it.
    func estimatedBytes(_ table: Table, from lower: [UInt8], to upper: [UInt8]) throws(StorageError) -> UInt64?

    /// Closes the engine and opens it again from what is on disk, replaying its log: after a failed `commit` this
    /// finds out which batches were kept.
    func reopen() throws(StorageError)

    /// Flushes and closes. Later calls throw `.closed`.
    func close() throws(StorageError)
}

extension StorageEngine {
    /// For engines that have everything in memory anyway: they hand over the range, and it is turned round.
    public func scanBackwards(
        _ table: Table, from lower: [UInt8], to upper: [UInt8]?,
        _ visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
    ) throws(StorageError) {
        var entries: [(key: [UInt8], value: [UInt8])] = []
        try scan(table, from: lower, to: upper) { key, value in
            entries.append((Array(key), Array(value)))
            return .next
        }
        for (key, value) in entries.reversed() {
            guard key.withUnsafeBytes({ key in value.withUnsafeBytes { visit(key, $0) } }) else { return }
        }
    }

    /// An engine that says nothing of it cannot tell.
    public func estimatedBytes(_ table: Table, from lower: [UInt8], to upper: [UInt8]) throws(StorageError) -> UInt64? {
        nil
    }

    /// About how many bytes of objects a partition has; exactly as many, if they are few. May wait for the disk.
    ///
    /// - Returns: nil if it cannot be found out.
    package func approximateBytes(ofPartition partition: UInt16) -> UInt64? {
        let prefix = KeyLayout.prefix(partition: partition)
        do throws(StorageError) {
            if let end = KeyLayout.successor(ofPrefix: prefix),
                let estimate = try estimatedBytes(.objects, from: prefix, to: end), estimate > 64 << 20
            {
                return estimate
            }
            var bytes: UInt64 = 0
            try scan(.objects, from: prefix, to: KeyLayout.successor(ofPrefix: prefix)) { key, value in
                bytes += UInt64(key.count + value.count)
                return .next
            }
            return bytes
        } catch {
            return nil
        }
    }
}

/// What a scan does after an entry.
public enum ScanStep: Sendable {
    /// Go on with the next entry, if there is one.
    case next
    /// Go on with the first entry at or after this key, which must be greater than the current one.
    case seek([UInt8])
    /// End the scan.
    case stop
}

/// Changes that are applied together or not at all, in order.
public struct WriteBatch: Sendable {
    /// One change of a batch.
    public enum Operation: Hashable, Sendable {
        case put(Table, key: [UInt8], value: [UInt8])
        case delete(Table, key: [UInt8])
        /// Deletes every key with `lower <= key < upper`.
        case deleteRange(Table, from: [UInt8], to: [UInt8])
    }

    /// The changes, in the order in which they apply.
    public private(set) var operations: [Operation] = []
    /// The sum of the lengths of all keys and values.
    public private(set) var byteCount = 0
    /// Whether the batch may be written when only the engine's reserve of free space is left: for the few small records
    /// without which a node with a full disk could not even be started to read from it.
    public var mayUseReserve = false

    /// Makes an empty batch.
    public init() {}

    /// Whether there is nothing to do.
    public var isEmpty: Bool { operations.isEmpty }

    /// Adds the writing of one value.
    public mutating func put(_ table: Table, key: [UInt8], value: [UInt8]) {
        byteCount += key.count + value.count
        operations.append(.put(table, key: key, value: value))
    }

    /// Adds the removal of one key, which need not exist.
    public mutating func delete(_ table: Table, key: [UInt8]) {
        byteCount += key.count
        operations.append(.delete(table, key: key))
    }

    /// Adds the removal of every key with `lower <= key < upper`.
    public mutating func deleteRange(_ table: Table, from lower: [UInt8], to upper: [UInt8]) {
        byteCount += lower.count + upper.count
        operations.append(.deleteRange(table, from: lower, to: upper))
    }

    /// Empties the batch and keeps its memory for the next one.
    public mutating func removeAll() {
        operations.removeAll(keepingCapacity: true)
        byteCount = 0
        mayUseReserve = false
    }
}
