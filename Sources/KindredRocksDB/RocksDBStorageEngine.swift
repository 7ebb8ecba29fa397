package import KindredStorage
internal import Synchronization

/// The `StorageEngine` on RocksDB: one database with a column family for each table.
///
/// What a crash leaves, which options are set and what synchronizing costs is in `docs/formats/storage-engine.md`.
///
/// **After a failure.** When a commit or a synchronization fails, later ones throw until `reopen`, while reads go on;
/// only a commit refused for lack of free space (see `FreeSpaceGuard`) leaves everything as it was. When reopening
/// itself fails, all calls throw until another `reopen` succeeds. `close` is final.
///
/// **Locking.** Each call holds `lock` for reading, `close` and `reopen` hold it for writing: they wait for calls
/// under way, except that scans end early with `.closed`. `visit` may therefore read, but must not close or reopen
/// the engine. Commits are serialized by a mutex of their own.
package final class RocksDBStorageEngine: StorageEngine {
    private enum State {
        case open(Database)
        /// `reopen` failed and may be tried again.
        case failed(StorageError)
        case closed
    }

    /// `@unchecked Sendable`: read and written only under `lock`.
    private final class Guarded: @unchecked Sendable {
        var state: State
        init(_ state: State) { self.state = state }
    }

    package let configuration: RocksDBConfiguration

    private let lock = ReadWriteLock()
    private let guarded: Guarded
    /// Set while `close` or `reopen` waits for calls under way.
    let isEnding = Atomic(false)
    /// What made the engine need a `reopen`.
    private let failure = Mutex<StorageError?>(nil)
    private let freeSpace: Mutex<FreeSpaceGuard>

    /// Opens the database in `configuration.directory`, which is created if it is missing, and replays its log.
    package init(_ configuration: RocksDBConfiguration) throws(StorageError) {
        self.configuration = configuration
        freeSpace = Mutex(FreeSpaceGuard(reserve: configuration.freeSpaceReserve))
        guarded = Guarded(.open(try Database(configuration)))
    }

    deinit {
        if case .open(let database) = guarded.state { database.close() }
    }

    package func value(_ table: Table, for key: [UInt8]) throws(StorageError) -> [UInt8]? {
        lock.lockForReading()
        defer { lock.unlock() }
        return try openDatabase().value(table, for: key)
    }

    package func valueInMemory(_ table: Table, for key: [UInt8]) throws(StorageError) -> MemoryRead {
        lock.lockForReading()
        defer { lock.unlock() }
        return try openDatabase().valueInMemory(table, for: key)
    }

    package func commit(_ batch: WriteBatch) throws(StorageError) {
        lock.lockForReading()
        defer { lock.unlock() }
        let database = try openDatabase()
        // `freeSpace` is the mutex that serializes commits.
        let result = freeSpace.withLock { freeSpace in
            Result { () throws(StorageError) in
                try throwEarlierFailure(orIsThereRoomFor: batch.byteCount, &freeSpace)
                if !batch.mayUseReserve { try admit(batch.byteCount, &freeSpace) }
                try failing { () throws(StorageError) in try database.write(batch) }
            }
        }
        try result.get()
    }

    package func synchronize() throws(StorageError) {
        lock.lockForReading()
        defer { lock.unlock() }
        let database = try openDatabase()
        try throwEarlierFailure()
        // After a failed fsync Linux reports success to the next one although the data is lost, so there is no trying
        // again.
        try failing { () throws(StorageError) in try database.synchronizeLog() }
    }

    package func scan(
        _ table: Table, from lower: [UInt8], to upper: [UInt8]?,
        _ visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> ScanStep
    ) throws(StorageError) {
        lock.lockForReading()
        defer { lock.unlock() }
        try openDatabase().scan(
            table, from: lower, to: upper, isEnding: { isEnding.load(ordering: .relaxed) }, visit)
    }

    package func scanBackwards(
        _ table: Table, from lower: [UInt8], to upper: [UInt8]?,
        _ visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
    ) throws(StorageError) {
        lock.lockForReading()
        defer { lock.unlock() }
        try openDatabase().scanBackwards(
            table, from: lower, to: upper, isEnding: { isEnding.load(ordering: .relaxed) }, visit)
    }

    package func estimatedBytes(_ table: Table, from lower: [UInt8], to upper: [UInt8]) throws(StorageError) -> UInt64?
    {
        lock.lockForReading()
        defer { lock.unlock() }
        return try openDatabase().estimatedBytes(table, from: lower, to: upper)
    }

    package func reopen() throws(StorageError) {
        isEnding.store(true, ordering: .relaxed)
        lock.lockForWriting()
        defer {
            isEnding.store(false, ordering: .relaxed)
            lock.unlock()
        }
        switch guarded.state {
        case .closed: throw .closed
        case .failed: break
        case .open(let database): database.close()
        }
        do throws(StorageError) {
            guarded.state = .open(try Database(configuration))
            failure.withLock { $0 = nil }
        } catch {
            guarded.state = .failed(error)
            throw error
        }
    }

    package func close() throws(StorageError) {
        isEnding.store(true, ordering: .relaxed)
        lock.lockForWriting()
        defer {
            isEnding.store(false, ordering: .relaxed)
            lock.unlock()
        }
        guard case .open(let database) = guarded.state else {
            guarded.state = .closed
            return
        }
        guarded.state = .closed
        defer { database.close() }
        // After a failure the log is left as it is, for the next opening to read.
        guard failure.withLock({ $0 }) == nil else { return }
        try database.synchronizeLog()
        // Only saves time at the next opening: what cannot become files now is in the log.
        try? database.flush()
    }

    // MARK: Helpers

    /// The database. `lock` must be held for as long as it is used.
    private func openDatabase() throws(StorageError) -> Database {
        switch guarded.state {
        case .open(let database): return database
        case .failed(let error): throw error
        case .closed: throw .closed
        }
    }

    private func throwEarlierFailure() throws(StorageError) {
        if let failure = failure.withLock({ $0 }) { throw failure }
    }

    /// As `throwEarlierFailure`; but where the earlier failure was a full disk, tells whether there is room by now: an engine that has
    /// met the end of the disk does not go on by itself, and whoever is told `.failed` knows to reopen it.
    private func throwEarlierFailure(
        orIsThereRoomFor byteCount: Int, _ freeSpace: inout FreeSpaceGuard
    ) throws(StorageError) {
        guard let failure = failure.withLock({ $0 }) else { return }
        guard case .full = failure else { throw failure }
        try admit(byteCount, &freeSpace)
        throw .failed("the disk was full, and has room again: the storage has to be opened anew")
    }

    /// Does something after whose failure the engine has to be reopened.
    private func failing(_ body: () throws(StorageError) -> Void) throws(StorageError) {
        do throws(StorageError) {
            try body()
        } catch {
            failure.withLock { $0 = $0 ?? error }
            throw error
        }
    }

    private func admit(_ byteCount: Int, _ freeSpace: inout FreeSpaceGuard) throws(StorageError) {
        let refusal = freeSpace.refusal(of: byteCount, now: DataDirectory.monotonicNanoseconds()) {
            configuration.freeSpace(configuration.directory)
        }
        if let free = refusal {
            throw .full(
                """
                \(free >> 20) MiB are free in \(configuration.directory), and \(freeSpace.reserve >> 20) MiB are kept in \
                reserve; writes resume when there is more
                """)
        }
    }
}
