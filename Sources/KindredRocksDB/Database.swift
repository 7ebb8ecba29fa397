internal import CRocksDB
internal import KindredStorage
internal import Synchronization

/// An open RocksDB database: its pointers, and the calls made with them.
///
/// Every object of the C API made here is destroyed here. `@unchecked Sendable`, by this rule: RocksDB allows all its
/// calls from any thread; `batch` is used by `write` only, which has one caller at a time; and `close` is called
/// once, when no other call is under way and none will follow. `RocksDBStorageEngine` sees to both.
final class Database: @unchecked Sendable {
    private let database: OpaquePointer
    /// In the order of the tables' raw values.
    private let families: [OpaquePointer]
    private let defaultFamily: OpaquePointer
    private let readOptions: OpaquePointer
    private let memoryReadOptions: OpaquePointer
    private let writeOptions: OpaquePointer
    private var batch: OpaquePointer
    private let logFiles: Mutex<WriteAheadLogFiles>

    /// A batch's buffer that has grown beyond this many bytes is given back.
    private static let keptBatchBytes = 4 << 20

    init(_ configuration: RocksDBConfiguration) throws(StorageError) {
        try DataDirectory.create(configuration.directory)
        logFiles = Mutex(WriteAheadLogFiles(directory: configuration.directory))
        let handles = try Self.open(configuration)
        database = handles.database
        defaultFamily = handles.families[0]
        families = Array(handles.families[1...])

        readOptions = rocksdb_readoptions_create()
        memoryReadOptions = rocksdb_readoptions_create()
        rocksdb_readoptions_set_read_tier(memoryReadOptions, 1)  // kBlockCacheTier
        writeOptions = rocksdb_writeoptions_create()
        batch = rocksdb_writebatch_create()
        // Builds of RocksDB that keep assertions, Debian's among them, abort when they meet a log whose last write failed, unless it
        // has been synchronized by this call before.
        try RocksDBError.check { error in rocksdb_flush_wal(handles.database, 1, error) }
    }

    /// Closes the database. Nothing may be called afterwards.
    func close() {
        rocksdb_writebatch_destroy(batch)
        rocksdb_writeoptions_destroy(writeOptions)
        rocksdb_readoptions_destroy(memoryReadOptions)
        rocksdb_readoptions_destroy(readOptions)
        for family in families { rocksdb_column_family_handle_destroy(family) }
        rocksdb_column_family_handle_destroy(defaultFamily)
        rocksdb_close(database)
    }

    // MARK: Calls

    func value(_ table: Table, for key: [UInt8]) throws(StorageError) -> [UInt8]? {
        let slice = try RocksDBError.check { error in get(table, key, readOptions, error) }
        return slice.map(Self.takeValue)
    }

    func valueInMemory(_ table: Table, for key: [UInt8]) throws(StorageError) -> MemoryRead {
        guard let slice = try RocksDBError.checkRead({ error in get(table, key, memoryReadOptions, error) }) else {
            return .needsDisk
        }
        return slice.map { .found(Self.takeValue($0)) } ?? .absent
    }

    /// Writes a batch to the write-ahead log, with one `write` to its file, and to memory. Has one caller at a time.
    func write(_ changes: WriteBatch) throws(StorageError) {
        for operation in changes.operations { add(operation) }
        defer {
            if changes.byteCount > Self.keptBatchBytes {
                rocksdb_writebatch_destroy(batch)
                batch = rocksdb_writebatch_create()
            } else {
                rocksdb_writebatch_clear(batch)
            }
        }
        try RocksDBError.check { error in rocksdb_write(database, writeOptions, batch, error) }
    }

    /// Has the write-ahead log on the disk.
    func synchronizeLog() throws(StorageError) {
        let result = logFiles.withLock { files in
            Result { () throws(StorageError) in try files.synchronize() }
        }
        try result.get()
    }

    /// Makes files of what the tables have in memory, so that opening again has nothing to replay.
    func flush() throws(StorageError) {
        let options = rocksdb_flushoptions_create()
        defer { rocksdb_flushoptions_destroy(options) }
        rocksdb_flushoptions_set_wait(options, 1)
        for family in families {
            try RocksDBError.check { error in rocksdb_flush_cf(database, options, family, error) }
        }
    }

    /// As `StorageEngine.scan`; ends early with `.closed` when `isEnding` says so.
    func scan(
        _ table: Table, from lower: [UInt8], to upper: [UInt8]?, isEnding: () -> Bool,
        _ visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> ScanStep
    ) throws(StorageError) {
        try withIterator(table, from: lower, to: upper) { iterator throws(StorageError) in
            Self.withCharacters(lower) { rocksdb_iter_seek(iterator, $0, $1) }
            while let (key, value) = Self.entry(iterator) {
                if isEnding() { throw .closed }
                switch visit(key, value) {
                case .next:
                    rocksdb_iter_next(iterator)
                case .seek(let target):
                    if target.withUnsafeBytes({ Bytes.compare($0, key) }) > 0 {
                        Self.withCharacters(target) { rocksdb_iter_seek(iterator, $0, $1) }
                    } else {
                        rocksdb_iter_next(iterator)
                    }
                case .stop:
                    return
                }
            }
        }
    }

    /// As `StorageEngine.scanBackwards`; ends early with `.closed` when `isEnding` says so.
    func scanBackwards(
        _ table: Table, from lower: [UInt8], to upper: [UInt8]?, isEnding: () -> Bool,
        _ visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool
    ) throws(StorageError) {
        try withIterator(table, from: lower, to: upper) { iterator throws(StorageError) in
            // The upper bound, which is not included, is also where this begins.
            rocksdb_iter_seek_to_last(iterator)
            while let (key, value) = Self.entry(iterator) {
                if isEnding() { throw .closed }
                guard visit(key, value) else { return }
                rocksdb_iter_prev(iterator)
            }
        }
    }

    /// Lends an iterator that stays within a range.
    private func withIterator(
        _ table: Table, from lower: [UInt8], to upper: [UInt8]?, _ body: (OpaquePointer?) throws(StorageError) -> Void
    ) throws(StorageError) {
        if let upper, Bytes.compare(lower, upper) >= 0 { return }
        let options = rocksdb_readoptions_create()
        defer { rocksdb_readoptions_destroy(options) }
        // A long scan must not drive out of the cache what single reads need.
        rocksdb_readoptions_set_fill_cache(options, 0)
        // The iterator keeps the bounds' addresses, not their bytes.
        let bounds = UnsafeMutableBufferPointer<CChar>.allocate(capacity: lower.count + (upper?.count ?? 0))
        defer { bounds.deallocate() }
        _ = bounds.initialize(from: (lower + (upper ?? [])).lazy.map { CChar(bitPattern: $0) })
        rocksdb_readoptions_set_iterate_lower_bound(options, bounds.baseAddress, lower.count)
        if let upper {
            rocksdb_readoptions_set_iterate_upper_bound(
                options, bounds.baseAddress.map { $0 + lower.count }, upper.count)
        }
        let iterator = rocksdb_create_iterator_cf(database, options, families[Int(table.rawValue)])
        defer { rocksdb_iter_destroy(iterator) }
        try body(iterator)
        // An iterator that met an error is not valid either: without this, unreadable would look like the end.
        try RocksDBError.check { error in rocksdb_iter_get_error(iterator, error) }
    }

    /// Where the iterator is; nil at the end, and where it has met an error.
    private static func entry(
        _ iterator: OpaquePointer?
    ) -> (key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)? {
        guard rocksdb_iter_valid(iterator) != 0 else { return nil }
        var keyLength = 0
        var valueLength = 0
        let key = UnsafeRawBufferPointer(start: rocksdb_iter_key(iterator, &keyLength), count: keyLength)
        let value = UnsafeRawBufferPointer(start: rocksdb_iter_value(iterator, &valueLength), count: valueLength)
        return (key, value)
    }

    /// About how many bytes the range has in files.
    func estimatedBytes(_ table: Table, from lower: [UInt8], to upper: [UInt8]) throws(StorageError) -> UInt64 {
        var size: UInt64 = 0
        try RocksDBError.check { error in
            Self.withCharacters(lower) { lower, lowerLength in
                Self.withCharacters(upper) { upper, upperLength in
                    var (starts, ends) = (lower, upper)
                    var (startLength, endLength) = (lowerLength, upperLength)
                    rocksdb_approximate_sizes_cf(
                        database, families[Int(table.rawValue)], 1, &starts, &startLength, &ends, &endLength, &size,
                        error)
                }
            }
        }
        return size
    }

    // MARK: Helpers

    private func get(
        _ table: Table, _ key: [UInt8], _ options: OpaquePointer,
        _ error: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    ) -> OpaquePointer? {
        Self.withCharacters(key) {
            rocksdb_get_pinned_cf(database, options, families[Int(table.rawValue)], $0, $1, error)
        }
    }

    /// Copies a value out of RocksDB's memory, which it then lets go.
    private static func takeValue(_ slice: OpaquePointer) -> [UInt8] {
        defer { rocksdb_pinnableslice_destroy(slice) }
        var length = 0
        let bytes = rocksdb_pinnableslice_value(slice, &length)
        return Array(UnsafeRawBufferPointer(start: bytes, count: length))
    }

    private func add(_ operation: WriteBatch.Operation) {
        switch operation {
        case .put(let table, let key, let value):
            Self.withCharacters(key) { key, keyLength in
                Self.withCharacters(value) { value, valueLength in
                    rocksdb_writebatch_put_cf(
                        batch, families[Int(table.rawValue)], key, keyLength, value, valueLength)
                }
            }
        case .delete(let table, let key):
            Self.withCharacters(key) { rocksdb_writebatch_delete_cf(batch, families[Int(table.rawValue)], $0, $1) }
        case .deleteRange(let table, let lower, let upper):
            // RocksDB leaves open what an inverted range means.
            guard Bytes.compare(lower, upper) < 0 else { return }
            Self.withCharacters(lower) { lower, lowerLength in
                Self.withCharacters(upper) { upper, upperLength in
                    rocksdb_writebatch_delete_range_cf(
                        batch, families[Int(table.rawValue)], lower, lowerLength, upper, upperLength)
                }
            }
        }
    }

    @inline(__always)
    private static func withCharacters<Result>(
        _ bytes: [UInt8], _ body: (_ characters: UnsafePointer<CChar>?, _ count: Int) -> Result
    ) -> Result {
        bytes.withUnsafeBytes { body($0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count) }
    }
}

// MARK: - Opening

extension Database {
    /// The names of the column families. RocksDB insists on having a default one, which stays empty.
    private static let familyNames: [StaticString] = ["default", "objects", "log", "metadata"]

    /// Opens the database with its column families: the default one, then one for each table.
    private static func open(
        _ configuration: RocksDBConfiguration
    ) throws(StorageError) -> (database: OpaquePointer, families: [OpaquePointer]) {
        let cache = rocksdb_cache_create_lru(max(0, configuration.blockCacheBytes))
        defer { rocksdb_cache_destroy(cache) }
        let memtables = [
            1 << 20, configuration.objectsMemtableBytes, configuration.logMemtableBytes,
            configuration.metadataMemtableBytes,
        ]
        let databaseOptions = makeDatabaseOptions(configuration)
        defer { rocksdb_options_destroy(databaseOptions) }
        let familyOptions: [OpaquePointer?] = memtables.map { makeFamilyOptions(memtableBytes: $0, cache: cache) }
        defer { for options in familyOptions { rocksdb_options_destroy(options) } }
        let names: [UnsafePointer<CChar>?] = familyNames.map {
            UnsafeRawPointer($0.utf8Start).assumingMemoryBound(to: CChar.self)
        }

        var families = [OpaquePointer?](repeating: nil, count: names.count)
        let database = try RocksDBError.check { error in
            rocksdb_open_column_families(
                databaseOptions, configuration.directory, Int32(names.count), names, familyOptions, &families, error)
        }
        let opened = families.compactMap { $0 }
        guard let database, opened.count == names.count else {
            throw .failed("RocksDB opened \(configuration.directory) without an error, but gave no database")
        }
        return (database, opened)
    }

    private static func makeDatabaseOptions(_ configuration: RocksDBConfiguration) -> OpaquePointer? {
        let options = rocksdb_options_create()
        rocksdb_options_set_create_if_missing(options, 1)
        rocksdb_options_set_create_missing_column_families(options, 1)
        // A torn or missing end of the log is what a crash leaves; everything before it is replayed, and opening
        // fails if a table already has what the log lacks. Replayed changes become files at once (the default), which
        // are synchronized.
        rocksdb_options_set_wal_recovery_mode(options, Int32(rocksdb_point_in_time_recovery))
        rocksdb_options_set_max_total_wal_size(options, configuration.writeAheadLogBytes)
        rocksdb_options_set_max_background_jobs(options, 2)
        // All files stay open: a read finds their indexes and filters in memory.
        rocksdb_options_set_max_open_files(options, -1)
        // Files are handed to the disk as they are written, so that a synchronization of the log does not queue behind
        // tens of megabytes of them.
        rocksdb_options_set_bytes_per_sync(options, 1 << 20)
        // Deleting obsolete files is for background threads, not for whoever ends an iterator.
        rocksdb_options_set_avoid_unnecessary_blocking_io(options, 1)
        // RocksDB's own diary, not the write-ahead log: at most 4 files of 4 MiB.
        rocksdb_options_set_max_log_file_size(options, 4 << 20)
        rocksdb_options_set_keep_log_file_num(options, 4)
        return options
    }

    private static func makeFamilyOptions(memtableBytes: Int, cache: OpaquePointer?) -> OpaquePointer? {
        let options = rocksdb_options_create()
        rocksdb_options_set_write_buffer_size(options, max(64 << 10, memtableBytes))
        // Two more than RocksDB's two: a burst fills memory for a while before commits have to wait for the disk.
        rocksdb_options_set_max_write_buffer_number(options, 4)
        rocksdb_options_set_compression(options, Int32(rocksdb_lz4_compression))
        rocksdb_options_set_level_compaction_dynamic_level_bytes(options, 1)
        // A Bloom filter over the memtable's whole keys: reads of keys that are not in it skip its skip list.
        rocksdb_options_set_memtable_prefix_bloom_size_ratio(options, 0.02)
        rocksdb_options_set_memtable_whole_key_filtering(options, 1)

        let tableOptions = rocksdb_block_based_options_create()
        defer { rocksdb_block_based_options_destroy(tableOptions) }
        rocksdb_block_based_options_set_block_cache(tableOptions, cache)
        // The filter policy belongs to the table options from here on.
        rocksdb_block_based_options_set_filter_policy(tableOptions, rocksdb_filterpolicy_create_bloom_full(10))
        // XXH3: Debian's library computes CRC32C in software.
        rocksdb_block_based_options_set_checksum(tableOptions, 4)
        rocksdb_block_based_options_set_format_version(tableOptions, 5)
        rocksdb_options_set_block_based_table_factory(options, tableOptions)
        return options
    }
}
