package import KindredStorage

/// What every `StorageEngine` has to do, as checks that are run against fresh engines. No test framework is needed: a
/// check that fails throws a `ConformanceFailure`.
package enum StorageEngineConformance {
    /// Makes an empty engine. Each check makes the engines that it needs, and closes them.
    package typealias Factory = () throws -> any StorageEngine

    /// A check with its name.
    package struct Check: Sendable, CustomStringConvertible {
        /// The name, as it is in failures.
        package let name: String
        /// Runs the check.
        package let run: @Sendable (Factory) async throws -> Void

        package var description: String { name }
    }

    /// All checks.
    package static let checks: [Check] = [
        Check(name: "basic", run: basic),
        Check(name: "tables are separate", run: tablesAreSeparate),
        Check(name: "ordering", run: ordering),
        Check(name: "large values", run: largeValues),
        Check(name: "batches", run: batches),
        Check(name: "range deletes", run: rangeDeletes),
        Check(name: "scan bounds and stop", run: scanBoundsAndStop),
        Check(name: "scan seek", run: scanSeek),
        Check(name: "scan backwards", run: scanBackwards),
        Check(name: "scan sees one snapshot", run: scanSeesOneSnapshot),
        Check(name: "reads see commits", run: readsSeeCommits),
        Check(name: "reopen keeps commits", run: reopenKeepsCommits),
        Check(name: "closed engine", run: closedEngine),
        Check(name: "random operations", run: { try randomOperations($0, seed: 1, steps: 6_000) }),
        Check(name: "concurrent calls", run: { try await concurrentCalls($0, seed: 2) }),
    ]
}

/// A check that an engine did not pass.
package struct ConformanceFailure: Error, CustomStringConvertible {
    /// Which check, what was expected, what happened, and the seed if chance was involved.
    package let description: String

    fileprivate init(_ check: String, _ what: String, seed: UInt64? = nil) {
        description = "\(check): \(what)" + (seed.map { " (seed \($0))" } ?? "")
    }
}

// MARK: - Single calls

extension StorageEngineConformance {
    static func basic(_ makeEngine: Factory) throws {
        let engine = try makeEngine()
        try expect(engine.value(.objects, for: [1]) == nil, "basic", "an empty engine has a value")
        try expect(isAbsent(engine.valueInMemory(.objects, for: [1])), "basic", "an empty engine asks for the disk")

        try put(engine, [1], [10])
        try expectValue(engine, .objects, [1], [10], "basic")
        try put(engine, [1], [11, 12])
        try expectValue(engine, .objects, [1], [11, 12], "basic: overwritten")
        try put(engine, [1], [])
        try expectValue(engine, .objects, [1], [], "basic: an empty value is a value")
        try put(engine, [], [7])
        try expectValue(engine, .objects, [], [7], "basic: an empty key is a key")

        var batch = WriteBatch()
        batch.delete(.objects, key: [1])
        batch.delete(.objects, key: [99])
        try engine.commit(batch)
        try expectValue(engine, .objects, [1], nil, "basic: deleted")
        try expectValue(engine, .objects, [99], nil, "basic: deleted, though it never was")
        try engine.commit(WriteBatch())
        try engine.synchronize()
        try engine.close()
    }

    static func tablesAreSeparate(_ makeEngine: Factory) throws {
        let engine = try makeEngine()
        for table in Table.allCases { try put(engine, [5], [table.rawValue], in: table) }
        for table in Table.allCases {
            try expectValue(engine, table, [5], [table.rawValue], "tables are separate")
        }
        var batch = WriteBatch()
        batch.deleteRange(.log, from: [0], to: [9])
        try engine.commit(batch)
        try expectValue(engine, .objects, [5], [0], "tables are separate: a range delete in another table")
        try expectValue(engine, .log, [5], nil, "tables are separate")
        try engine.close()
    }

    /// Keys are ordered as unsigned bytes, a prefix before what continues it.
    static func ordering(_ makeEngine: Factory) throws {
        let engine = try makeEngine()
        let long = [UInt8](repeating: 0xAB, count: 4_000)
        let ascending: [[UInt8]] = [
            [], [0], [0, 0], [0, 0xFF], [1], [0x7F], [0x7F, 0xFF], [0x80], [0x80, 0], long, long + [0], long + [0xFF],
            [0xFE], [0xFF], [0xFF, 0], [0xFF, 0xFF], [0xFF, 0xFF, 0xFF],
        ]
        var shuffled = ascending
        var random = SplitMix64(seed: 3)
        shuffled.shuffle(using: &random)
        for key in shuffled { try put(engine, key, key.reversed()) }
        let entries = try scan(engine, .objects, from: [], to: nil)
        try expect(entries.map(\.key) == ascending, "ordering", "scanned \(entries.map(\.key.count)) bytes long keys")
        try expect(entries.allSatisfy { $0.value == $0.key.reversed() }, "ordering", "a value is at another key")
        for key in ascending { try expectValue(engine, .objects, key, key.reversed(), "ordering") }
        try engine.close()
    }

    static func largeValues(_ makeEngine: Factory) throws {
        let engine = try makeEngine()
        var random = SplitMix64(seed: 4)
        for size in [1 << 10, 1 << 16, 1 << 20, 4 << 20] {
            let value = randomBytes(size, using: &random)
            try put(engine, [UInt8(size.trailingZeroBitCount)], value)
            try expectValue(engine, .objects, [UInt8(size.trailingZeroBitCount)], value, "large values: \(size) bytes")
        }
        try engine.reopen()
        try expect(
            scan(engine, .objects, from: [], to: nil).map(\.value.count) == [1 << 10, 1 << 16, 1 << 20, 4 << 20],
            "large values", "lost by reopening")
        try engine.close()
    }

    // MARK: - Batches

    /// The changes of a batch apply in order, over all tables.
    static func batches(_ makeEngine: Factory) throws {
        let engine = try makeEngine()
        try put(engine, [1], [1])
        var batch = WriteBatch()
        batch.put(.objects, key: [1], value: [2])
        batch.delete(.objects, key: [1])
        batch.put(.objects, key: [2], value: [2])
        batch.put(.objects, key: [2], value: [3])
        batch.delete(.objects, key: [3])
        batch.put(.objects, key: [3], value: [4])
        batch.put(.log, key: [1], value: [5])
        batch.put(.metadata, key: [1], value: [6])
        try engine.commit(batch)
        try expectValue(engine, .objects, [1], nil, "batches: put, then delete")
        try expectValue(engine, .objects, [2], [3], "batches: put twice")
        try expectValue(engine, .objects, [3], [4], "batches: delete, then put")
        try expectValue(engine, .log, [1], [5], "batches")
        try expectValue(engine, .metadata, [1], [6], "batches")

        batch.removeAll()
        try expect(batch.isEmpty && batch.byteCount == 0, "batches", "removeAll leaves something")
        for index in 0..<2_000 {
            batch.put(
                .objects, key: [9, UInt8(index >> 8), UInt8(index & 0xFF)], value: [UInt8](repeating: 1, count: 500))
        }
        try engine.commit(batch)
        try expect(
            scan(engine, .objects, from: [9], to: [10]).count == 2_000, "batches",
            "a batch of 2000 was not applied whole")
        try engine.close()
    }

    static func rangeDeletes(_ makeEngine: Factory) throws {
        let engine = try makeEngine()
        var batch = WriteBatch()
        for first in 0..<UInt8(20) {
            for second in 0..<UInt8(50) { batch.put(.log, key: [first, second], value: [1]) }
        }
        try engine.commit(batch)
        batch.removeAll()

        batch.deleteRange(.log, from: [3], to: [3])
        batch.deleteRange(.log, from: [9], to: [3])
        try engine.commit(batch)
        try expect(scan(engine, .log, from: [], to: nil).count == 1_000, "range deletes", "an empty range deletes")
        batch.removeAll()

        batch.deleteRange(.log, from: [3, 10], to: [7, 20])
        batch.put(.log, key: [5, 5], value: [2])
        batch.put(.log, key: [15, 5], value: [2])
        batch.deleteRange(.log, from: [15, 5], to: [15, 6])
        try engine.commit(batch)
        try engine.reopen()
        let keys = try scan(engine, .log, from: [], to: nil).map(\.key)
        let expected: [[UInt8]] = (0..<UInt8(20)).flatMap { first in
            (0..<UInt8(50)).map { second in [first, second] }
        }.filter { key in
            if key == [5, 5] { return true }
            if key == [15, 5] { return false }
            return !(!key.lexicographicallyPrecedes([3, 10]) && key.lexicographicallyPrecedes([7, 20]))
        }
        try expect(keys == expected, "range deletes", "\(keys.count) keys are left, \(expected.count) expected")
        try expectValue(engine, .log, [3, 10], nil, "range deletes: the lower bound is in the range")
        try expectValue(engine, .log, [7, 20], [1], "range deletes: the upper bound is not")
        try expectValue(engine, .log, [5, 5], [2], "range deletes: what is put later in the batch stays")

        batch.removeAll()
        batch.deleteRange(.log, from: [], to: [0xFF])
        try engine.commit(batch)
        try expect(scan(engine, .log, from: [], to: nil).isEmpty, "range deletes", "not everything is deleted")
        try engine.close()
    }

    // MARK: - Scans

    static func scanBoundsAndStop(_ makeEngine: Factory) throws {
        let engine = try makeEngine()
        try expect(scan(engine, .objects, from: [], to: nil).isEmpty, "scan", "an empty table has entries")
        for key in stride(from: UInt8(10), to: 250, by: 10) { try put(engine, [key], [key]) }
        func keys(_ lower: [UInt8], _ upper: [UInt8]?) throws -> [UInt8] {
            try scan(engine, .objects, from: lower, to: upper).map { $0.key[0] }
        }
        try expect(keys([50], [80]) == [50, 60, 70], "scan", "the bounds are not half-open")
        try expect(keys([51], [81]) == [60, 70, 80], "scan", "bounds between keys")
        try expect(keys([230], nil) == [230, 240], "scan", "no upper bound")
        try expect(keys([80], [80]).isEmpty, "scan", "an empty range has entries")
        try expect(keys([90], [80]).isEmpty, "scan", "an inverted range has entries")
        try expect(keys([241], nil).isEmpty, "scan", "entries after the last one")

        var visited: [UInt8] = []
        try engine.scan(.objects, from: [], to: nil) { key, _ in
            visited.append(key[0])
            return visited.count == 3 ? .stop : .next
        }
        try expect(visited == [10, 20, 30], "scan", "stop does not stop: \(visited)")
        try engine.close()
    }

    /// Skipping from bucket to bucket, which is what seeking is for.
    static func scanSeek(_ makeEngine: Factory) throws {
        let engine = try makeEngine()
        var batch = WriteBatch()
        for bucket in stride(from: UInt8(0), to: 200, by: 2) {
            for key in 0..<UInt8(60) { batch.put(.objects, key: [bucket, key], value: [1]) }
        }
        try engine.commit(batch)
        var visited: [[UInt8]] = []
        try engine.scan(.objects, from: [3], to: [190]) { key, _ in
            visited.append(Array(key))
            return .seek([key[0] + 1])
        }
        let expected = stride(from: UInt8(4), to: 190, by: 2).map { [$0, 0] }
        try expect(visited == expected, "scan seek", "visited \(visited.count) keys, not \(expected.count)")

        visited = []
        try engine.scan(.objects, from: [0, 57], to: [3]) { key, _ in
            visited.append(Array(key))
            return .seek(Array(key))
        }
        let following: [[UInt8]] = [[0, 57], [0, 58], [0, 59]] + (0..<60).map { [2, $0] }
        try expect(visited == following, "scan seek", "seeking a key that is not greater does not go on with the next")

        visited = []
        try engine.scan(.objects, from: [0], to: [3]) { key, _ in
            visited.append(Array(key))
            return .seek([9])
        }
        try expect(visited == [[0, 0]], "scan seek", "seeking beyond the upper bound visits \(visited)")
        try engine.close()
    }

    static func scanBackwards(_ makeEngine: Factory) throws {
        let engine = try makeEngine()
        func keys(_ lower: [UInt8], _ upper: [UInt8]?, limit: Int = .max) throws -> [UInt8] {
            var keys: [UInt8] = []
            try engine.scanBackwards(.objects, from: lower, to: upper) { key, value in
                if key.elementsEqual(value) { keys.append(key[0]) }
                return keys.count < limit
            }
            return keys
        }
        try expect(keys([], nil).isEmpty, "scan backwards", "an empty table has entries")
        for key in stride(from: UInt8(10), to: 250, by: 10) { try put(engine, [key], [key]) }
        try put(engine, [80, 0], [80, 0])
        try expect(keys([50], [80]) == [70, 60, 50], "scan backwards", "the bounds are not half-open")
        try expect(keys([51], [81]) == [80, 80, 70, 60], "scan backwards", "bounds between keys")
        try expect(keys([230], nil) == [240, 230], "scan backwards", "no upper bound")
        try expect(keys([], [30]) == [20, 10], "scan backwards", "no lower bound")
        try expect(keys([], [10]).isEmpty, "scan backwards", "entries before the first one")
        try expect(keys([80], [80]).isEmpty, "scan backwards", "an empty range has entries")
        try expect(keys([90], [80]).isEmpty, "scan backwards", "an inverted range has entries")
        try expect(keys([], nil, limit: 3) == [240, 230, 220], "scan backwards", "stop does not stop")
        try engine.close()
    }

    static func scanSeesOneSnapshot(_ makeEngine: Factory) throws {
        let engine = try makeEngine()
        for key in 0..<UInt8(100) { try put(engine, [key], [1]) }
        var visited: [(key: [UInt8], value: [UInt8])] = []
        var failure: (any Error)?
        try engine.scan(.objects, from: [], to: nil) { key, value in
            visited.append((Array(key), Array(value)))
            do {
                var batch = WriteBatch()
                batch.put(.objects, key: [key[0], 1], value: [2])
                if key[0] < 99 { batch.put(.objects, key: [key[0] + 1], value: [2]) }
                if key[0] < 98 { batch.delete(.objects, key: [key[0] + 2]) }
                try engine.commit(batch)
            } catch {
                failure = error
                return .stop
            }
            return .next
        }
        if let failure { throw failure }
        try expect(
            visited.map(\.key) == (0..<UInt8(100)).map { [$0] }, "scan snapshot",
            "the keys are not those there were when it began")
        try expect(visited.allSatisfy { $0.value == [1] }, "scan snapshot", "a later value is seen")
        try engine.close()
    }

    // MARK: - Visibility and lifetime

    static func readsSeeCommits(_ makeEngine: Factory) throws {
        let engine = try makeEngine()
        for round in 0..<UInt8(200) {
            let key: [UInt8] = [round % 7]
            try put(engine, key, [round])
            try expectValue(engine, .objects, key, [round], "reads see commits")
            try expect(
                scan(engine, .objects, from: key, to: key + [0]).map(\.value) == [[round]], "reads see commits",
                "a scan does not see round \(round)")
            if round % 50 == 0 { try engine.synchronize() }
        }
        try engine.close()
    }

    static func reopenKeepsCommits(_ makeEngine: Factory) throws {
        let engine = try makeEngine()
        for round in 0..<UInt8(6) {
            for table in Table.allCases { try put(engine, [round], [round, table.rawValue], in: table) }
            if round % 2 == 0 { try engine.synchronize() }
            try engine.reopen()
            for table in Table.allCases {
                let expected = (0...round).map { [$0, table.rawValue] }
                let values = try scan(engine, table, from: [], to: nil).map(\.value)
                try expect(values == expected, "reopen keeps commits", "\(table) has \(values) after round \(round)")
            }
        }
        try engine.close()
    }

    static func closedEngine(_ makeEngine: Factory) throws {
        let engine = try makeEngine()
        try put(engine, [1], [1])
        try engine.close()
        func expectClosed(_ call: String, _ body: () throws(StorageError) -> Void) throws {
            do throws(StorageError) {
                try body()
            } catch {
                return try expect(error == .closed, "closed engine", "\(call) throws \(error)")
            }
            throw ConformanceFailure("closed engine", "\(call) works")
        }
        try expectClosed("value") { () throws(StorageError) in _ = try engine.value(.objects, for: [1]) }
        try expectClosed("valueInMemory") { () throws(StorageError) in
            _ = try engine.valueInMemory(.objects, for: [1])
        }
        try expectClosed("commit") { () throws(StorageError) in try engine.commit(WriteBatch()) }
        try expectClosed("synchronize") { () throws(StorageError) in try engine.synchronize() }
        try expectClosed("scan") { () throws(StorageError) in
            try engine.scan(.objects, from: [], to: nil) { _, _ in .next }
        }
        try expectClosed("reopen") { () throws(StorageError) in try engine.reopen() }
        try engine.close()  // A second time is nothing.
    }

    // MARK: - Chance

    /// Thousands of random operations, compared with dictionaries that have undergone the same.
    package static func randomOperations(_ makeEngine: Factory, seed: UInt64, steps: Int) throws {
        let check = "random operations"
        var random = SplitMix64(seed: seed)
        let engine = try makeEngine()
        var model = [[[UInt8]: [UInt8]]](repeating: [:], count: Table.allCases.count)

        for step in 0..<steps {
            let table = Table.allCases[Int.random(in: 0..<Table.allCases.count, using: &random)]
            let key = randomKey(using: &random)
            switch Int.random(in: 0..<100, using: &random) {
            case 0..<60:
                var batch = WriteBatch()
                for _ in 0...Int.random(in: 0..<6, using: &random) { randomChange(&batch, &model, using: &random) }
                try engine.commit(batch)
            case 60..<80:
                let expected = model[Int(table.rawValue)][key]
                let value = try engine.value(table, for: key)
                try expect(value == expected, check, "step \(step): \(table) \(key) is wrong", seed: seed)
            case 80..<90:
                let expected = model[Int(table.rawValue)][key]
                switch try engine.valueInMemory(table, for: key) {
                case .needsDisk: break
                case .absent: try expect(expected == nil, check, "step \(step): \(key) is not absent", seed: seed)
                case .found(let value):
                    try expect(value == expected, check, "step \(step): \(key) is wrong in memory", seed: seed)
                }
            case 90..<98:
                let upper = Bool.random(using: &random) ? randomKey(using: &random) : nil
                let expected = model[Int(table.rawValue)].filter { entry in
                    !entry.key.lexicographicallyPrecedes(key) && upper.map(entry.key.lexicographicallyPrecedes) ?? true
                }.sorted { $0.key.lexicographicallyPrecedes($1.key) }
                let entries = try scan(engine, table, from: key, to: upper)
                try expect(
                    entries.map(\.key) == expected.map(\.key) && entries.map(\.value) == expected.map(\.value), check,
                    "step \(step): the scan of \(table) from \(key) to \(String(describing: upper)) is wrong",
                    seed: seed)
            case 98:
                try engine.synchronize()
            default:
                if Int.random(in: 0..<5, using: &random) == 0 { try engine.reopen() }
            }
        }
        try engine.close()
    }

    /// Reads, scans and synchronizations beside commits: each sees whole batches only, and never an older state than
    /// before.
    package static func concurrentCalls(_ makeEngine: Factory, seed: UInt64) async throws {
        let check = "concurrent calls"
        let engine = try makeEngine()
        // Each batch gives all eight keys of all tables the same number.
        @Sendable func batch(_ number: UInt32) -> WriteBatch {
            var batch = WriteBatch()
            let value = withUnsafeBytes(of: number.bigEndian) { Array($0) }
            for table in Table.allCases { for key in 0..<UInt8(8) { batch.put(table, key: [key], value: value) } }
            return batch
        }
        @Sendable func number(_ value: [UInt8]) -> UInt32 {
            value.reduce(0) { $0 << 8 | UInt32($1) }
        }
        try engine.commit(batch(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for next in UInt32(2)...2_000 { try engine.commit(batch(next)) }
            }
            group.addTask {
                for _ in 0..<40 { try engine.synchronize() }
            }
            group.addTask {
                var random = SplitMix64(seed: seed)
                var latest: UInt32 = 0
                for _ in 0..<4_000 {
                    let table = Table.allCases[Int.random(in: 0..<Table.allCases.count, using: &random)]
                    let value = try engine.value(table, for: [UInt8.random(in: 0..<8, using: &random)])
                    guard let value else { throw ConformanceFailure(check, "a key has gone", seed: seed) }
                    try expect(number(value) >= latest, check, "a read goes back in time", seed: seed)
                    latest = number(value)
                }
            }
            group.addTask {
                var latest: UInt32 = 0
                for round in 0..<800 {
                    let table = Table.allCases[round % Table.allCases.count]
                    let numbers = try scan(engine, table, from: [], to: nil).map { number($0.value) }
                    try expect(
                        numbers.count == 8 && Set(numbers).count == 1, check, "a scan sees part of a batch: \(numbers)",
                        seed: seed)
                    try expect(numbers[0] >= latest, check, "a scan goes back in time", seed: seed)
                    latest = numbers[0]
                }
            }
            try await group.waitForAll()
        }
        let last = try engine.value(.metadata, for: [7])
        try expect(last.map { number($0) } == 2_000, check, "the last batch is missing", seed: seed)
        try engine.close()
    }
}

// MARK: - Helpers

extension StorageEngineConformance {
    private static func expect(
        _ condition: @autoclosure () throws -> Bool, _ check: String, _ what: @autoclosure () -> String,
        seed: UInt64? = nil
    ) throws {
        if try !condition() { throw ConformanceFailure(check, what(), seed: seed) }
    }

    private static func expectValue(
        _ engine: any StorageEngine, _ table: Table, _ key: [UInt8], _ expected: [UInt8]?, _ check: String
    ) throws {
        let value = try engine.value(table, for: key)
        try expect(value == expected, check, "\(table) has \(describe(value)) instead of \(describe(expected))")
        switch try engine.valueInMemory(table, for: key) {
        case .needsDisk: break
        case .absent: try expect(expected == nil, check, "\(table) does not have \(describe(expected)) in memory")
        case .found(let value): try expect(value == expected, check, "\(table) has \(describe(value)) in memory")
        }
    }

    private static func describe(_ bytes: [UInt8]?) -> String {
        guard let bytes else { return "nothing" }
        return bytes.count <= 16 ? "\(bytes)" : "\(bytes.count) bytes"
    }

    private static func isAbsent(_ read: MemoryRead) -> Bool {
        if case .absent = read { true } else { false }
    }

    private static func put(
        _ engine: any StorageEngine, _ key: [UInt8], _ value: [UInt8], in table: Table = .objects
    ) throws {
        var batch = WriteBatch()
        batch.put(table, key: key, value: value)
        try engine.commit(batch)
    }

    private static func scan(
        _ engine: any StorageEngine, _ table: Table, from lower: [UInt8], to upper: [UInt8]?
    ) throws -> [(key: [UInt8], value: [UInt8])] {
        var entries: [(key: [UInt8], value: [UInt8])] = []
        try engine.scan(table, from: lower, to: upper) { key, value in
            entries.append((Array(key), Array(value)))
            return .next
        }
        return entries
    }

    /// Few enough keys to meet again, with bytes at the borders of signedness, and one a prefix of another.
    private static func randomKey(using random: inout SplitMix64) -> [UInt8] {
        let bytes: [UInt8] = [0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF]
        return (0..<Int.random(in: 0...4, using: &random)).map { _ in
            bytes[Int.random(in: 0..<bytes.count, using: &random)]
        }
    }

    /// Random where it matters: at the beginning.
    private static func randomBytes(_ count: Int, using random: inout SplitMix64) -> [UInt8] {
        var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: random.next()), count: count)
        for offset in 0..<min(8, count) { bytes[offset] = UInt8(truncatingIfNeeded: random.next()) }
        return bytes
    }

    private static func randomChange(
        _ batch: inout WriteBatch, _ model: inout [[[UInt8]: [UInt8]]], using random: inout SplitMix64
    ) {
        let table = Table.allCases[Int.random(in: 0..<Table.allCases.count, using: &random)]
        let index = Int(table.rawValue)
        let key = randomKey(using: &random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<14:
            let value = randomBytes(Int.random(in: 0..<1_500, using: &random), using: &random)
            batch.put(table, key: key, value: value)
            model[index][key] = value
        case 14..<19:
            batch.delete(table, key: key)
            model[index][key] = nil
        default:
            let upper = randomKey(using: &random)
            batch.deleteRange(table, from: key, to: upper)
            model[index] = model[index].filter { entry in
                entry.key.lexicographicallyPrecedes(key) || !entry.key.lexicographicallyPrecedes(upper)
            }
        }
    }
}
