import Foundation
import KindredRocksDB
import KindredStorage
import KindredTesting
import Testing

/// What is on the disk when a process or the power goes at any moment: images of the data directory taken between
/// commits, and the end of the write-ahead log missing from any byte on, or overwritten.
@Suite("RocksDB after a crash")
struct RocksDBCrashTests {
    private static let keys = 7

    private let directory: TemporaryDirectory

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// Batch `number` writes one of a few objects, a log entry and the counter: after any prefix of the batches the
    /// counter tells what everything else must be.
    private func batch(_ number: Int) -> WriteBatch {
        var batch = WriteBatch()
        batch.put(.objects, key: [UInt8(number % Self.keys)], value: value(number))
        batch.put(
            .log, key: KeyLayout.logKey(partition: 0, actor: 1, counter: UInt64(number)), value: Array("\(number)".utf8)
        )
        batch.put(.metadata, key: KeyLayout.metadataKey("counter"), value: Array("\(number)".utf8))
        return batch
    }

    /// Sizes from nothing to more than a block of the write-ahead log, which is 32 KiB.
    private func value(_ number: Int) -> [UInt8] {
        var random = SplitMix64(seed: UInt64(number))
        let length = number % 20 == 0 ? 40_000 : Int.random(in: 0..<4_000, using: &random)
        var value = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: length)
        for offset in stride(from: 0, to: length, by: 97) { value[offset] = UInt8(truncatingIfNeeded: random.next()) }
        return value
    }

    private func configuration(_ path: String) -> RocksDBConfiguration {
        var configuration = RocksDBConfiguration(directory: path)
        configuration.objectsMemtableBytes = 256 << 10
        configuration.logMemtableBytes = 64 << 10
        configuration.metadataMemtableBytes = 64 << 10
        return configuration
    }

    /// Opens an image and returns how many batches it has, having checked that it has just these and each of them
    /// whole.
    private func recoveredBatches(_ path: String, _ what: String) throws -> Int {
        let engine = try RocksDBStorageEngine(configuration(path))
        let counter = try engine.value(.metadata, for: KeyLayout.metadataKey("counter"))
        let count = counter.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
        var numbers: [UInt64] = []
        try engine.scan(.log, from: [], to: nil) { key, _ in
            numbers.append(LogKeyFields(key)?.counter ?? 0)
            return .next
        }
        #expect(numbers == (0..<count).map { UInt64($0 + 1) }, "\(what)")
        for key in 0..<Self.keys {
            let last = (0...count).last { $0 > 0 && $0 % Self.keys == key }
            #expect(try engine.value(.objects, for: [UInt8(key)]) == last.map(value), "\(what), object \(key)")
        }
        try engine.close()
        return count
    }

    /// Copies a data directory such as a crash at this moment would leave it. RocksDB's own threads may be changing
    /// files, so the copy is taken again if anything has changed meanwhile.
    private func takeImage(_ source: String, _ target: String) throws {
        let files = FileManager.default
        func listing() throws -> [String: Int] {
            let names = try files.contentsOfDirectory(atPath: source).filter { !$0.hasPrefix("LOG") }
            return try Dictionary(
                uniqueKeysWithValues: names.map { name in
                    let attributes = try files.attributesOfItem(atPath: "\(source)/\(name)")
                    return (name, (attributes[.size] as? NSNumber)?.intValue ?? 0)
                })
        }
        for _ in 0..<1_000 {
            try? files.removeItem(atPath: target)
            try files.createDirectory(atPath: target, withIntermediateDirectories: true)
            do {
                let before = try listing()
                for name in before.keys { try files.copyItem(atPath: "\(source)/\(name)", toPath: "\(target)/\(name)") }
                if try listing() == before { return }
            } catch let error as CocoaError where error.code == .fileReadNoSuchFile || error.code == .fileNoSuchFile {
                continue
            }
        }
        throw StorageError.failed("the directory \(source) does not come to rest")
    }

    private func newestLog(_ path: String) throws -> String {
        let logs = try FileManager.default.contentsOfDirectory(atPath: path).filter { $0.hasSuffix(".log") }
        return "\(path)/\(try #require(logs.max()))"
    }

    @Test("A killed process loses no commit, whenever it is killed")
    func killed() throws {
        let source = "\(directory.path)/data"
        let engine = try RocksDBStorageEngine(configuration(source))
        for number in 1...600 {
            try engine.commit(batch(number))
            guard number % 60 == 7 else { continue }
            let image = "\(directory.path)/image"
            try takeImage(source, image)
            #expect(try recoveredBatches(image, "killed after batch \(number)") == number)
        }
        try engine.close()
        #expect(try recoveredBatches(source, "closed") == 600)
    }

    @Test("A log that ends anywhere gives a prefix of the commits, each whole", arguments: [UInt64(1), 2])
    func truncated(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let source = "\(directory.path)/data"
        let engine = try RocksDBStorageEngine(configuration(source))
        // The second time there are files, and older logs, beneath the log that is cut.
        let first = seed == 1 ? 0 : 400
        for number in 0..<first { try engine.commit(batch(number + 1)) }
        if first > 0 { try engine.reopen() }
        for number in first..<(first + 40) { try engine.commit(batch(number + 1)) }
        let image = "\(directory.path)/image"
        try takeImage(source, image)
        try engine.close()

        let length = try Data(contentsOf: URL(filePath: newestLog(image))).count
        var cuts = (0..<30).map { _ in Int.random(in: 0..<length, using: &random) }
        cuts += [0, 1, 6, 7, 8, length - 1, length, 32_767, 32_768, 32_769].filter { $0 <= length }
        var counts: [Int] = []
        for cut in cuts.sorted() {
            let victim = "\(directory.path)/victim"
            try? FileManager.default.removeItem(atPath: victim)
            try FileManager.default.copyItem(atPath: image, toPath: victim)
            let log = try FileHandle(forUpdating: URL(filePath: newestLog(victim)))
            try log.truncate(atOffset: UInt64(cut))
            // What a file system may give for bytes that never reached the disk: nothing, zeros, or whatever was there.
            let tail = Int.random(in: 0..<3, using: &random)
            if tail > 0 {
                try log.seekToEnd()
                let garbage = (0..<(length - cut)).map { _ in tail == 1 ? 0 : UInt8(truncatingIfNeeded: random.next()) }
                try log.write(contentsOf: garbage)
            }
            try log.close()
            counts.append(try recoveredBatches(victim, "seed \(seed), cut at \(cut) of \(length), tail \(tail)"))
        }
        #expect(counts == counts.sorted(), "seed \(seed): a longer log gives fewer batches")
        #expect(counts.first == first, "seed \(seed)")
        #expect(counts.last == first + 40, "seed \(seed)")
        #expect(Set(counts).count > 10, "seed \(seed): the cuts hit only \(Set(counts).count) places")
    }

    @Test("After a crash the engine goes on from what it has, and crashes again")
    func repeatedly() throws {
        var path = "\(directory.path)/0"
        var committed = 0
        for round in 1...8 {
            let engine = try RocksDBStorageEngine(configuration(path))
            for _ in 0..<50 {
                committed += 1
                try engine.commit(batch(committed))
            }
            let next = "\(directory.path)/\(round)"
            try takeImage(path, next)
            try engine.close()
            path = next
        }
        #expect(try recoveredBatches(path, "after eight crashes") == committed)
    }
}
