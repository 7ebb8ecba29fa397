import Foundation
import KindredRocksDB
import KindredStorage
import KindredTesting
import Testing

/// A disk that is really full, which the reserve of free space is there to prevent: a file system of a few megabytes,
/// which only root can make.
@Suite("RocksDB on a full disk", .enabled(if: TinyFileSystem.isPossible, "needs root, to mount a small file system"))
struct RocksDBFullDiskTests {
    /// Debian's build of RocksDB keeps its assertions, and one of them may end the process when a write meets the very end of a disk. So the
    /// writing happens in a process of its own, which may end either way; what it had acknowledged must be there afterwards.
    @Test("A disk that fills up in the middle of a write: nothing acknowledged is lost, and writes go on with room")
    func fillsUp() async throws {
        let disk = try TinyFileSystem(mebibytes: 96)
        let ballast = URL(filePath: "\(disk.path)/ballast")
        try Data(count: 56 << 20).write(to: ballast)
        let notes = try TemporaryDirectory()
        let log = "\(notes.path)/acknowledged"
        await #expect(processExitsWith: .failure) { [data = "\(disk.path)/data", log = log as String] in
            try Self.writeUntilFull(data, acknowledged: log)
        }
        let acknowledged = try Data(contentsOf: URL(filePath: "\(notes.path)/acknowledged")).count
        #expect(acknowledged > 100)

        try FileManager.default.removeItem(at: ballast)
        let engine = try RocksDBStorageEngine(Self.withoutReserve("\(disk.path)/data"))
        var count = 0
        try engine.scan(.log, from: [], to: nil) { _, _ in
            count += 1
            return .next
        }
        #expect(count == acknowledged || count == acknowledged + 1)
        for number in 0..<acknowledged {
            #expect(try engine.value(.objects, for: Self.key(number))?.count == 50_000)
        }
        try Self.commit(5_001, to: engine)
        try engine.synchronize()
        #expect(try engine.value(.objects, for: Self.key(5_001))?.count == 50_000)
        try engine.close()
    }

    /// Writes until the disk is full, noting one byte in a file for each acknowledged write, and ends the process: with 3 if the engine said what
    /// it must say, with 0 if it did not.
    private static func writeUntilFull(_ directory: String, acknowledged: String) throws {
        let engine = try RocksDBStorageEngine(withoutReserve(directory))
        try Data().write(to: URL(filePath: acknowledged))
        let notes = try FileHandle(forWritingTo: URL(filePath: acknowledged))
        var failure: StorageError?
        for number in 0..<5_000 {
            do throws(StorageError) {
                try commit(number, to: engine)
            } catch {
                failure = error
                break
            }
            try notes.write(contentsOf: Data([1]))
        }
        guard case .full(let text)? = failure, text.contains("No space left on device") else { exit(0) }
        // There is no reserve here, and room for one more object: the engine does not go on, and says what it wants.
        do throws(StorageError) {
            try commit(5_000, to: engine)
            exit(0)
        } catch {
            switch error {
            case .full: break
            case .failed(let reason) where reason.contains("opened anew"): break
            default: exit(0)
            }
        }
        guard try engine.value(.objects, for: key(0))?.count == 50_000 else { exit(0) }
        // While there is no room, reopening may or may not work, but must say why.
        do throws(StorageError) {
            try engine.reopen()
        } catch {
            guard case .full = error else { exit(0) }
        }
        exit(3)
    }

    private static func withoutReserve(_ directory: String) -> RocksDBConfiguration {
        var configuration = RocksDBConfiguration(directory: directory)
        configuration.freeSpaceReserve = 0
        configuration.freeSpace = { _ in nil }
        // No flush before the log has met the end of the disk.
        configuration.objectsMemtableBytes = 64 << 20
        return configuration
    }

    private static let value = incompressible(50_000)

    private static func key(_ number: Int) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }

    private static func commit(_ number: Int, to engine: RocksDBStorageEngine) throws(StorageError) {
        var batch = WriteBatch()
        batch.put(.objects, key: key(number), value: value)
        batch.put(.log, key: key(number), value: [])
        try engine.commit(batch)
    }

    @Test("With a reserve the disk never gets full, and writes resume by themselves")
    func reserve() throws {
        let disk = try TinyFileSystem(mebibytes: 192)
        let ballast = URL(filePath: "\(disk.path)/ballast")
        try Data(count: 24 << 20).write(to: ballast)
        var configuration = RocksDBConfiguration(directory: "\(disk.path)/data")
        // More than all the data there will be: so that even a compaction of everything finds room in it.
        configuration.freeSpaceReserve = 112 << 20
        configuration.objectsMemtableBytes = 4 << 20
        let engine = try RocksDBStorageEngine(configuration)
        let value = Self.incompressible(20_000)
        func commit(_ number: Int) throws(StorageError) {
            var batch = WriteBatch()
            batch.put(.objects, key: Array("\(number)".utf8), value: value)
            batch.put(.objects, key: Array("\(number % 10)".utf8), value: [])
            try engine.commit(batch)
        }
        var acknowledged = 0
        var failure: StorageError?
        while failure == nil, acknowledged < 20_000 {
            do throws(StorageError) {
                try commit(acknowledged)
                acknowledged += 1
            } catch {
                failure = error
            }
        }
        guard case .full(let text)? = failure else {
            Issue.record("\(String(describing: failure)) after \(acknowledged) commits")
            return
        }
        #expect(text.contains("are kept in reserve"))
        try engine.synchronize()
        try FileManager.default.removeItem(at: ballast)
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(120)
        while true {
            do throws(StorageError) {
                try commit(20_001)
                break
            } catch {
                guard case .full = error, clock.now < deadline else { throw error }
            }
        }
        try engine.close()
    }

    /// Random bytes. A block of a file holds one value at most, so values may all be the same.
    private static func incompressible(_ count: Int) -> [UInt8] {
        var random = SplitMix64(seed: 11)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
}

/// A file system of its own, in memory, that goes away with this object.
private final class TinyFileSystem: Sendable {
    private let directory: TemporaryDirectory
    var path: String { directory.path }

    init(mebibytes: Int) throws {
        directory = try TemporaryDirectory()
        guard Self.run(["mount", "-t", "tmpfs", "-o", "size=\(mebibytes)m", "tmpfs", directory.path]) else {
            throw StorageError.failed("cannot mount a file system on \(directory.path)")
        }
    }

    deinit {
        _ = Self.run(["umount", path])
    }

    /// Whether this process may mount one.
    static let isPossible: Bool = {
        #if os(Linux)
            return geteuid() == 0 && (try? TinyFileSystem(mebibytes: 1)) != nil
        #else
            return false
        #endif
    }()

    private static func run(_ arguments: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
