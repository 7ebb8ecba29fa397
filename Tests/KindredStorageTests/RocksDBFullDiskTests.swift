import Foundation
import KindredRocksDB
import KindredStorage
import KindredTesting
import Testing

/// A disk that is really full, which the reserve of free space is there to prevent: a file system of a few megabytes,
/// which only root can make.
@Suite("RocksDB on a full disk", .enabled(if: TinyFileSystem.isPossible, "needs root, to mount a small file system"))
struct RocksDBFullDiskTests {
    @Test(
        "A disk that fills up in the middle of a write: nothing acknowledged is lost, and writes go on when there is room"
    )
    func fillsUp() throws {
        let disk = try TinyFileSystem(mebibytes: 96)
        let ballast = URL(filePath: "\(disk.path)/ballast")
        try Data(count: 56 << 20).write(to: ballast)
        var configuration = RocksDBConfiguration(directory: "\(disk.path)/data")
        configuration.freeSpaceReserve = 0
        configuration.freeSpace = { _ in nil }
        // No flush before the log has met the end of the disk: one that met it in the background would trip an assertion that Debian's
        // build of RocksDB keeps, and take the process along. The reserve is what prevents that; the next test has one, and flushes.
        configuration.objectsMemtableBytes = 64 << 20
        let engine = try RocksDBStorageEngine(configuration)

        let value = Self.incompressible(50_000)
        func commit(_ number: Int) throws(StorageError) {
            var batch = WriteBatch()
            batch.put(.objects, key: key(number), value: value)
            batch.put(.log, key: key(number), value: [])
            try engine.commit(batch)
        }
        func key(_ number: Int) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }

        var acknowledged = 0
        var failure: StorageError?
        while failure == nil, acknowledged < 5_000 {
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
        #expect(text.contains("No space left on device"))
        // There is no reserve here, and room for one more object: the engine does not go on, and says what it wants.
        let again = #expect(throws: StorageError.self) { try commit(5_000) }
        switch again {
        case .full?: break
        case .failed(let reason)?: #expect(reason.contains("opened anew"))
        default: Issue.record("\(String(describing: again))")
        }
        #expect(try engine.value(.objects, for: key(0))?.count == 50_000)

        // While there is no room, reopening may or may not work, but must say why.
        do throws(StorageError) {
            try engine.reopen()
        } catch {
            guard case .full = error else { throw error }
        }
        try FileManager.default.removeItem(at: ballast)
        try engine.reopen()
        var count = 0
        try engine.scan(.log, from: [], to: nil) { _, _ in
            count += 1
            return .next
        }
        #expect(count == acknowledged || count == acknowledged + 1)
        for number in 0..<acknowledged { #expect(try engine.value(.objects, for: key(number))?.count == 50_000) }
        try commit(5_001)
        try engine.synchronize()
        #expect(try engine.value(.objects, for: key(5_001))?.count == 50_000)
        try engine.close()
    }

    @Test("With a reserve the disk never gets full, and writes resume by themselves")
    func reserve() throws {
        let disk = try TinyFileSystem(mebibytes: 64)
        let ballast = URL(filePath: "\(disk.path)/ballast")
        try Data(count: 24 << 20).write(to: ballast)
        var configuration = RocksDBConfiguration(directory: "\(disk.path)/data")
        configuration.freeSpaceReserve = 16 << 20
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
        let deadline = clock.now + .seconds(10)
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
