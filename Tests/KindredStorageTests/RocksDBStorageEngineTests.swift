import Foundation
import KindredStorage
import KindredTesting
import Synchronization
import Testing

@testable import KindredRocksDB

@Suite("RocksDB storage engine")
struct RocksDBStorageEngineTests {
    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func put(_ engine: any StorageEngine, _ key: UInt8, bytes: Int = 1) throws(StorageError) {
        var batch = WriteBatch()
        batch.put(.objects, key: [key], value: [UInt8](repeating: key, count: bytes))
        try engine.commit(batch)
    }

    @Test("The data directory is made, with those above it, and only the owner may enter")
    func createsDirectory() throws {
        let path = "\(directory.path)/a/b//c/"
        let engine = try RocksDBStorageEngine(RocksDBConfiguration(directory: path))
        try engine.close()
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(directory.path)/a/b")
        #expect(attributes[.posixPermissions] as? Int == 0o700)
    }

    @Test("A data directory that cannot be made is an error that names it")
    func impossibleDirectory() throws {
        try Data().write(to: URL(filePath: "\(directory.path)/file"))
        for path in ["\(directory.path)/file", "\(directory.path)/file/below", ""] {
            let error = try #require(throws: StorageError.self) {
                try RocksDBStorageEngine(RocksDBConfiguration(directory: path))
            }
            guard case .failed(let text) = error else {
                Issue.record("\(error)")
                continue
            }
            #expect(text.contains(path.isEmpty ? "empty" : "\(directory.path)/file"))
        }
    }

    @Test("A directory that is open cannot be opened once more; closing and dropping an engine let it go")
    func locking() throws {
        let configuration = RocksDBConfiguration(directory: directory.path)
        let engine = try RocksDBStorageEngine(configuration)
        let error = #expect(throws: StorageError.self) { try RocksDBStorageEngine(configuration) }
        guard case .failed(let text)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(text.hasPrefix("another process has this data directory open"))
        try engine.close()

        var second: RocksDBStorageEngine? = try RocksDBStorageEngine(configuration)
        try put(#require(second), 1)
        second = nil
        let third = try RocksDBStorageEngine(configuration)
        #expect(try third.value(.objects, for: [1]) == [1])
        try third.close()
    }

    @Test("A value that is only on the disk is not waited for in memory")
    func needsDisk() throws {
        var configuration = RocksDBConfiguration(directory: directory.path)
        configuration.blockCacheBytes = 0
        let engine = try RocksDBStorageEngine(configuration)
        try put(engine, 1, bytes: 2_000)
        guard case .found = try engine.valueInMemory(.objects, for: [1]) else {
            Issue.record("not in memory after a commit")
            return
        }
        // Reopening makes a file of what is in the log.
        try engine.reopen()
        guard case .needsDisk = try engine.valueInMemory(.objects, for: [1]) else {
            Issue.record("in memory after reopening")
            return
        }
        #expect(try engine.value(.objects, for: [1])?.count == 2_000)
        guard case .absent = try engine.valueInMemory(.objects, for: [2]) else {
            Issue.record("the Bloom filter does not answer for a key that does not exist")
            return
        }
        try engine.close()
    }

    @Test("What the disk gave is in memory afterwards")
    func blockCache() throws {
        let engine = try RocksDBStorageEngine(RocksDBConfiguration(directory: directory.path))
        try put(engine, 1, bytes: 2_000)
        try engine.reopen()
        #expect(try engine.value(.objects, for: [1])?.count == 2_000)
        guard case .found(let value) = try engine.valueInMemory(.objects, for: [1]) else {
            Issue.record("not in memory after a read")
            return
        }
        #expect(value.count == 2_000)
        try engine.close()
    }

    @Test("Without free space commits are refused with the sizes; reads go on, and commits when there is space")
    func reserve() throws {
        let free = Mutex<UInt64?>(1 << 30)
        let box = SendableBox(free)
        var configuration = RocksDBConfiguration(directory: directory.path)
        configuration.freeSpaceReserve = 10 << 20
        configuration.freeSpace = { _ in box.value.withLock { $0 } }
        let engine = try RocksDBStorageEngine(configuration)
        try put(engine, 1)
        box.value.withLock { $0 = 9 << 20 }
        // More than an eighth of the reserve: the file system is asked.
        let error = try #require(throws: StorageError.self) { try put(engine, 2, bytes: 2 << 20) }
        guard case .full(let text) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(text.contains("9 MiB are free") && text.contains("10 MiB are kept"))
        #expect(try engine.value(.objects, for: [1]) == [1])
        #expect(try engine.value(.objects, for: [2]) == nil)
        try engine.synchronize()

        box.value.withLock { $0 = 1 << 30 }
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(120)
        while true {
            do throws(StorageError) {
                try put(engine, 3)
                break
            } catch {
                guard case .full = error, clock.now < deadline else { throw error }
            }
        }
        #expect(try engine.value(.objects, for: [3]) == [3])
        try engine.close()
    }

    @Test("The free space of a real file system is measured")
    func measuresFreeSpace() throws {
        let free = try #require(DataDirectory.freeSpace(directory.path))
        let attributes = try FileManager.default.attributesOfFileSystem(forPath: directory.path)
        let reported = try #require(attributes[.systemSize] as? NSNumber).uint64Value
        #expect(free > 0 && free <= reported)
        #expect(DataDirectory.freeSpace("\(directory.path)/missing") == nil)
    }

    @Test("A damaged file is reported, not taken for an absent key")
    func corruption() throws {
        var configuration = RocksDBConfiguration(directory: directory.path)
        configuration.blockCacheBytes = 0
        let engine = try RocksDBStorageEngine(configuration)
        for key in UInt8(0)..<100 { try put(engine, key, bytes: 300) }
        try engine.close()
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter { $0.hasSuffix(".sst") }
        #expect(!names.isEmpty)
        for name in names {
            let path = "\(directory.path)/\(name)"
            var bytes = try Data(contentsOf: URL(filePath: path))
            bytes[50] ^= 0x55  // In the first block of data; opening reads only the blocks at the end.
            try bytes.write(to: URL(filePath: path))
        }
        let damaged = try RocksDBStorageEngine(configuration)
        func expectCorrupt(_ body: () throws -> Void) throws {
            let error = try #require(throws: StorageError.self, performing: body)
            guard case .corrupt = error else {
                Issue.record("\(error)")
                return
            }
        }
        try expectCorrupt { _ = try damaged.value(.objects, for: [0]) }
        try expectCorrupt { try damaged.scan(.objects, from: [], to: nil) { _, _ in .next } }
        try damaged.close()
    }

    @Test("When reopening fails, all calls say why, and reopening can be tried again")
    func failedReopen() throws {
        let configuration = RocksDBConfiguration(directory: directory.path)
        let engine = try RocksDBStorageEngine(configuration)
        try put(engine, 1)
        let current = "\(directory.path)/CURRENT"
        let saved = try Data(contentsOf: URL(filePath: current))
        try Data("nonsense".utf8).write(to: URL(filePath: current))
        let error = try #require(throws: StorageError.self) { try engine.reopen() }
        #expect(throws: error) { try engine.value(.objects, for: [1]) }
        #expect(throws: error) { try put(engine, 2) }
        try saved.write(to: URL(filePath: current))
        try engine.reopen()
        #expect(try engine.value(.objects, for: [1]) == [1])
        try put(engine, 2)
        try engine.close()
    }

    @Test("Closing ends a scan that is under way, and then waits for no more than that")
    func closingEndsScan() throws {
        let engine = try RocksDBStorageEngine(RocksDBConfiguration(directory: directory.path))
        for key in UInt8(0)..<200 { try put(engine, key) }
        var visits = 0
        #expect(throws: StorageError.closed) {
            try engine.scan(.objects, from: [], to: nil) { _, _ in
                visits += 1
                if visits == 1 {
                    Thread.detachNewThread { try? engine.close() }
                    while !engine.isEnding.load(ordering: .acquiring) { sched_yield() }
                }
                return .next
            }
        }
        #expect(visits == 1)
        // A second close waits for the first.
        try engine.close()
        #expect(throws: StorageError.closed) { try engine.value(.objects, for: [1]) }
        let again = try RocksDBStorageEngine(RocksDBConfiguration(directory: directory.path))
        #expect(try again.value(.objects, for: [199]) == [199])
        try again.close()
    }

    @Test("Errors are sorted by their text")
    func classification() {
        #expect(
            RocksDBError.classify("IO error: No space left on device: While appending to file: /d/000012.log: …")
                == .full("IO error: No space left on device: While appending to file: /d/000012.log: …"))
        #expect(RocksDBError.classify("IO error: Disk quota exceeded") == .full("IO error: Disk quota exceeded"))
        #expect(
            RocksDBError.classify("Corruption: block checksum mismatch")
                == .corrupt("Corruption: block checksum mismatch"))
        #expect(RocksDBError.classify("IO error: Input/output error") == .failed("IO error: Input/output error"))
    }
}

/// Lets closures share what cannot be copied.
private final class SendableBox<Value: ~Copyable & Sendable>: Sendable {
    let value: Value
    init(_ value: consuming Value) { self.value = value }
}
