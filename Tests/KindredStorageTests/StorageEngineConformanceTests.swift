import KindredRocksDB
import KindredStorage
import KindredTesting
import Synchronization
import Testing

@Suite("Storage engine conformance")
struct StorageEngineConformanceTests {
    @Test("In memory", arguments: StorageEngineConformance.checks)
    func memory(check: StorageEngineConformance.Check) async throws {
        try await check.run { MemoryStorageEngine() }
    }

    /// A wrapper without faults must change nothing.
    @Test("In memory, wrapped for faults", arguments: StorageEngineConformance.checks)
    func faulty(check: StorageEngineConformance.Check) async throws {
        try await check.run { FaultyStorageEngine(MemoryStorageEngine()) }
    }

    @Test("On RocksDB", arguments: StorageEngineConformance.checks)
    func rocksDB(check: StorageEngineConformance.Check) async throws {
        let directory = try TemporaryDirectory()
        let count = Mutex(0)
        try await check.run {
            let number = count.withLock { count in
                count += 1
                return count
            }
            return try RocksDBStorageEngine(RocksDBConfiguration(directory: "\(directory.path)/\(number)"))
        }
    }

    /// Memory so small that tables become files and files are merged all the time, and hardly any block stays cached.
    @Test("On RocksDB, mostly from files", arguments: StorageEngineConformance.checks)
    func rocksDBFromFiles(check: StorageEngineConformance.Check) async throws {
        let directory = try TemporaryDirectory()
        let count = Mutex(0)
        try await check.run {
            let number = count.withLock { count in
                count += 1
                return count
            }
            var configuration = RocksDBConfiguration(directory: "\(directory.path)/\(number)")
            configuration.blockCacheBytes = 16 << 10
            configuration.objectsMemtableBytes = 64 << 10
            configuration.logMemtableBytes = 64 << 10
            configuration.metadataMemtableBytes = 64 << 10
            configuration.writeAheadLogBytes = 256 << 10
            return try RocksDBStorageEngine(configuration)
        }
    }

    @Test("More seeds, in memory", arguments: UInt64(100)..<110)
    func randomOperations(seed: UInt64) throws {
        try StorageEngineConformance.randomOperations({ MemoryStorageEngine() }, seed: seed, steps: 3_000)
    }
}
