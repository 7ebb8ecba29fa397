import KindredStorage
import KindredTesting
import Testing

@Suite("Object store")
struct ObjectStoreTests {
    /// A read, in a form that can be compared.
    private enum Seen: Equatable {
        case found([UInt8], unsynchronized: UInt64?)
        case absent(unsynchronized: UInt64?)
        case needsDisk
    }

    private let engine = FaultyStorageEngine(MemoryStorageEngine())

    private func makeStore(byteLimit: Int = 1 << 20) -> ObjectStore {
        ObjectStore(engine: engine, byteLimit: byteLimit)
    }

    private func key(_ number: Int) -> StorageKey {
        let bytes = Array("key \(number)".utf8)
        // FNV-1a, mixed as its low bits alone are poor.
        var hash = bytes.reduce(14_695_981_039_346_656_037 as UInt64) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
        hash ^= hash >> 32
        return StorageKey(bytes: bytes, hash: hash)
    }

    private func see(_ store: ObjectStore, _ key: StorageKey) throws -> Seen {
        switch try store.read(key) {
        case .found(let value, let sequence): .found(value, unsynchronized: sequence?.rawValue)
        case .absent(let sequence): .absent(unsynchronized: sequence?.rawValue)
        case .needsDisk: .needsDisk
        }
    }

    private func putBehind(_ key: StorageKey, _ value: [UInt8]) throws {
        var batch = WriteBatch()
        batch.put(.objects, key: key.bytes, value: value)
        try engine.commit(batch)
    }

    // MARK: A tick

    @Test("What is staged is read at once, committed as one batch, and synchronized later")
    func lifeOfAWrite() throws {
        let store = makeStore()
        #expect(try see(store, key(1)) == .absent(unsynchronized: nil))
        store.stagePut(key(1), value: [1])
        store.stage(.log, key: [1], value: [2])
        store.stage(.metadata, key: [3], value: [4])
        #expect(store.hasStagedChanges)
        #expect(try see(store, key(1)) == .found([1], unsynchronized: 1))
        #expect(try engine.value(.objects, for: key(1).bytes) == nil)

        #expect(try store.commit() == CommitSequence(rawValue: 1))
        #expect(!store.hasStagedChanges)
        #expect(engine.count(of: .commit) == 1)
        #expect(try engine.value(.objects, for: key(1).bytes) == [1])
        #expect(try engine.value(.log, for: [1]) == [2])
        #expect(try engine.value(.metadata, for: [3]) == [4])
        #expect(try see(store, key(1)) == .found([1], unsynchronized: 1))

        store.markSynchronized(upTo: store.lastCommit)
        #expect(try see(store, key(1)) == .found([1], unsynchronized: nil))
    }

    @Test("Without changes there is no commit, and the number stays")
    func emptyCommit() throws {
        let store = makeStore()
        #expect(try store.commit() == .zero)
        store.stagePut(key(1), value: [1])
        try store.commit()
        #expect(try store.commit() == CommitSequence(rawValue: 1))
        #expect(engine.count(of: .commit) == 1)
    }

    @Test("An object written several times in a tick is written once, as it was last")
    func coalescing() throws {
        let store = makeStore()
        for number in 0..<UInt8(10) {
            store.stagePut(key(1), value: [number])
            store.stageDelete(key(2))
            store.stagePut(key(2), value: [number])
            store.stagePut(key(3), value: [number])
            store.stageDelete(key(3))
        }
        try store.commit()
        #expect(try engine.value(.objects, for: key(1).bytes) == [9])
        #expect(try engine.value(.objects, for: key(2).bytes) == [9])
        #expect(try engine.value(.objects, for: key(3).bytes) == nil)
    }

    @Test("A delete is seen at once, and its absence is not synchronized at first")
    func deletes() throws {
        let store = makeStore()
        try putBehind(key(1), [1])
        store.stageDelete(key(1))
        #expect(try see(store, key(1)) == .absent(unsynchronized: 1))
        try store.commit()
        #expect(try see(store, key(1)) == .absent(unsynchronized: 1))
        #expect(try engine.value(.objects, for: key(1).bytes) == nil)
        store.markSynchronized(upTo: store.lastCommit)
        #expect(try see(store, key(1)) == .absent(unsynchronized: nil))
    }

    @Test("Records of the log and the metadata can be removed")
    func otherTables() throws {
        let store = makeStore()
        for number in 0..<UInt8(6) { store.stage(.log, key: [number], value: [number]) }
        try store.commit()
        store.stageDelete(.log, key: [0])
        store.stageDelete(.log, from: [2], to: [4])
        #expect(store.stagedByteCount == 3)
        try store.commit()
        #expect(store.stagedByteCount == 0)
        var left: [UInt8] = []
        try engine.scan(.log, from: [], to: nil) { key, _ in
            left.append(key[0])
            return .next
        }
        #expect(left == [1, 4, 5])
    }

    @Test("A synchronization counts only for the commits that there were")
    func synchronizationBounds() throws {
        let store = makeStore()
        for number in 1...3 {
            store.stagePut(key(number), value: [1])
            try store.commit()
        }
        store.markSynchronized(upTo: CommitSequence(rawValue: 2))
        store.markSynchronized(upTo: CommitSequence(rawValue: 1))
        #expect(store.lastSynchronized.rawValue == 2)
        #expect(try see(store, key(2)) == .found([1], unsynchronized: nil))
        #expect(try see(store, key(3)) == .found([1], unsynchronized: 3))
        store.markSynchronized(upTo: CommitSequence(rawValue: 99))
        #expect(store.lastSynchronized.rawValue == 3)
    }

    @Test("A second read of an object does not ask the engine")
    func caching() throws {
        let store = makeStore()
        try putBehind(key(1), [1])
        for _ in 0..<3 { #expect(try see(store, key(1)) == .found([1], unsynchronized: nil)) }
        #expect(engine.count(of: .valueInMemory) == 1)
        #expect(store.statistics.hits == 2)
        #expect(store.statistics.misses == 1)
        let cached = key(1).bytes.withUnsafeBytes { store.cached($0, hash: key(1).hash) }
        guard case .found([1], nil)? = cached else {
            Issue.record("found \(String(describing: cached)) through a buffer")
            return
        }
        #expect(key(2).bytes.withUnsafeBytes { store.cached($0, hash: key(2).hash) } == nil)
    }

    // MARK: Loads

    private func ticket(_ store: ObjectStore, _ key: StorageKey) throws -> LoadTicket {
        guard case .needsDisk(let ticket) = try store.read(key) else { throw StorageError.failed("not from the disk") }
        return ticket
    }

    @Test("What a thread loaded is installed: a value, and that there is none")
    func loads() throws {
        let store = makeStore()
        try putBehind(key(1), [1])
        engine.memoryIsEmpty = true
        let one = try ticket(store, key(1))
        let two = try ticket(store, key(2))
        store.install(key(1), value: [1], loadedWith: one)
        store.install(key(2), value: nil, loadedWith: two)
        #expect(try see(store, key(1)) == .found([1], unsynchronized: nil))
        #expect(try see(store, key(2)) == .absent(unsynchronized: nil))
    }

    @Test("A write during a load wins")
    func loadLosesAgainstWrite() throws {
        let store = makeStore()
        try putBehind(key(1), [1])
        engine.memoryIsEmpty = true
        let ticket = try ticket(store, key(1))
        store.stagePut(key(1), value: [2])
        store.install(key(1), value: [1], loadedWith: ticket)
        #expect(try see(store, key(1)) == .found([2], unsynchronized: 1))
        try store.commit()
        store.install(key(1), value: [1], loadedWith: ticket)
        #expect(try see(store, key(1)) == .found([2], unsynchronized: 1))
    }

    @Test("A write during a load wins even if it has been evicted since")
    func loadLosesAgainstEvictedWrite() throws {
        let store = makeStore(byteLimit: 0)
        try putBehind(key(1), [1])
        engine.memoryIsEmpty = true
        let old = try ticket(store, key(1))
        store.stagePut(key(1), value: [2])
        try store.commit()
        store.markSynchronized(upTo: store.lastCommit)
        try store.commit()
        #expect(store.statistics.entries == 0)
        store.install(key(1), value: [1], loadedWith: old)
        #expect(try see(store, key(1)) == .needsDisk)
        store.install(key(1), value: [2], loadedWith: try ticket(store, key(1)))
        #expect(try see(store, key(1)) == .found([2], unsynchronized: nil))
    }

    @Test("A load from before the engine was reopened is not believed")
    func loadLosesAgainstReopening() throws {
        let store = makeStore()
        engine.memoryIsEmpty = true
        let old = try ticket(store, key(1))
        try store.reopen()
        store.install(key(1), value: [1], loadedWith: old)
        #expect(try see(store, key(1)) == .needsDisk)
    }

    // MARK: Errors

    @Test("A failed commit drops what was staged; the object is again what the engine says", arguments: [false, true])
    func failedCommit(wasApplied: Bool) throws {
        let store = makeStore()
        store.stagePut(key(1), value: [1])
        try store.commit()
        engine.fail(.commit, with: .failed("planned"), effect: wasApplied ? .applied : .lost)
        store.stagePut(key(1), value: [2])
        store.stagePut(key(2), value: [2])
        store.stage(.log, key: [2], value: [2])
        #expect(throws: StorageError.failed("planned")) { try store.commit() }
        #expect(!store.hasStagedChanges)
        #expect(store.stagedByteCount == 0)
        #expect(throws: StorageError.failed("planned")) {
            store.stagePut(key(3), value: [3])
            try store.commit()
        }

        try store.reopen()
        // Whatever the engine has, nobody has synchronized it yet.
        let sequence = store.lastCommit.rawValue
        #expect(try see(store, key(1)) == .found(wasApplied ? [2] : [1], unsynchronized: sequence))
        #expect(
            try see(store, key(2))
                == (wasApplied ? .found([2], unsynchronized: sequence) : .absent(unsynchronized: sequence)))
        #expect(try engine.value(.log, for: [2]) == (wasApplied ? [2] : nil))
        store.markSynchronized(upTo: store.lastCommit)
        #expect(try see(store, key(1)) == .found(wasApplied ? [2] : [1], unsynchronized: nil))
        store.stagePut(key(1), value: [4])
        #expect(try store.commit().rawValue == sequence + 1)
    }

    @Test("A refused commit leaves older writes, which stay unsynchronized until they are synchronized")
    func refusedCommit() throws {
        let store = makeStore()
        store.stagePut(key(1), value: [1])
        let first = try store.commit()
        engine.fail(.commit, with: .full("planned"), effect: .refused)
        store.stagePut(key(1), value: [2])
        #expect(throws: StorageError.full("planned")) { try store.commit() }
        // The cache has forgotten commit 1's number for this object; the failed commit's is later, and covers it.
        #expect(try see(store, key(1)) == .found([1], unsynchronized: 2))
        store.markSynchronized(upTo: first)
        #expect(try see(store, key(1)) == .found([1], unsynchronized: 2))
        store.stagePut(key(1), value: [3])
        #expect(try store.commit().rawValue == 3)
        #expect(try engine.value(.objects, for: key(1).bytes) == [3])
    }

    @Test("A read that fails throws; it never says that there is nothing")
    func failedRead() throws {
        let store = makeStore()
        try putBehind(key(1), [1])
        engine.fail(.valueInMemory, number: 1, with: .corrupt("planned"))
        #expect(throws: StorageError.corrupt("planned")) { try store.read(key(1)) }
        #expect(try see(store, key(1)) == .found([1], unsynchronized: nil))
    }

    // MARK: Eviction

    @Test("The cache keeps to its bound, and forgets nothing that is not synchronized")
    func eviction() throws {
        let limit = 100 * (ObjectStore.entryOverhead + 1_000)
        let store = makeStore(byteLimit: limit)
        for number in 0..<400 {
            store.stagePut(key(number), value: [UInt8](repeating: 1, count: 900))
            try store.commit()
        }
        #expect(store.statistics.entries == 400)
        store.markSynchronized(upTo: store.lastCommit)
        // The work of each tick is bounded, so it takes some to get back.
        for _ in 0..<20 { try store.commit() }
        #expect(store.statistics.bytes <= limit)
        #expect(store.statistics.entries > 50)
        #expect(store.statistics.evictions == UInt64(400 - store.statistics.entries))
        for number in 0..<400 {
            #expect(try see(store, key(number)) == .found([UInt8](repeating: 1, count: 900), unsynchronized: nil))
        }
    }

    @Test("Objects in use outlive objects that are read once")
    func secondChance() throws {
        let store = makeStore(byteLimit: 50 * (ObjectStore.entryOverhead + 110))
        for number in 0..<2_000 { try putBehind(key(number), [UInt8](repeating: 1, count: 100)) }
        var hits = 0
        for number in 0..<2_000 {
            _ = try store.read(key(number))
            let before = store.statistics.hits
            for hot in 0..<10 { _ = try store.read(key(hot)) }
            if number >= 10 { hits += Int(store.statistics.hits - before) }
            try store.commit()
        }
        #expect(hits == 1_990 * 10)
        #expect(store.statistics.entries < 100)
    }

    @Test("What is written and read by nobody does not drive out what is read now and then", arguments: [true, false])
    func coldWrites(_ isCold: Bool) throws {
        let store = makeStore(byteLimit: 100 * (ObjectStore.entryOverhead + 110))
        for number in 0..<60 { try putBehind(key(number), [UInt8](repeating: 1, count: 100)) }
        for _ in 0..<2 { for number in 0..<60 { _ = try store.read(key(number)) } }
        for number in 0..<1_000 {
            store.stagePut(key(10_000 + number), value: [UInt8](repeating: 2, count: 100), isCold: isCold)
            store.markSynchronized(upTo: try store.commit())
            // Each object is read once in the time in which forty others come.
            _ = try store.read(key(number % 40))
        }
        let misses = Int(store.statistics.misses) - 60
        #expect(isCold ? misses < 50 : misses > 500)
    }

    // MARK: Chance

    /// Thousands of random ticks against a dictionary: with a small cache, hash collisions, loads that take their time,
    /// failing commits and reopening.
    @Test("Agrees with a dictionary", arguments: [UInt64(1), 2, 3, 4, 5, 6])
    func randomTicks(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let store = makeStore(byteLimit: 20 * (ObjectStore.entryOverhead + 30))
        var model: [Int: [UInt8]] = [:]
        var lastWritten: [Int: UInt64] = [:]
        var loads: [(number: Int, value: [UInt8]?, ticket: LoadTicket)] = []
        // Few distinct hashes, so that long chains of collisions form, wrap around and are taken apart.
        func storageKey(_ number: Int) -> StorageKey {
            let clash = UInt64(truncatingIfNeeded: -number) % 13
            return StorageKey(bytes: Array("key \(number)".utf8), hash: clash &* 0x1_0000_0001)
        }

        for _ in 0..<4_000 {
            engine.memoryIsEmpty = Bool.random(using: &random)
            var staged: [Int: [UInt8]?] = [:]
            for _ in 0...Int.random(in: 0..<8, using: &random) {
                let number = Int.random(in: 0..<120, using: &random)
                switch Int.random(in: 0..<10, using: &random) {
                case 0..<3:
                    let value = [UInt8](repeating: UInt8(number), count: Int.random(in: 0..<40, using: &random))
                    store.stagePut(storageKey(number), value: value)
                    staged[number] = .some(value)
                case 3:
                    store.stageDelete(storageKey(number))
                    staged[number] = .some(nil)
                default:
                    let expected = staged[number] ?? model[number]
                    switch try store.read(storageKey(number)) {
                    case .found(let value, let sequence):
                        #expect(value == expected, "seed \(seed)")
                        expectCovers(sequence, staged[number] != nil, lastWritten[number], store, seed)
                    case .absent(let sequence):
                        #expect(expected == nil, "seed \(seed)")
                        expectCovers(sequence, staged[number] != nil, lastWritten[number], store, seed)
                    case .needsDisk(let ticket):
                        #expect(staged[number] == nil, "seed \(seed)")
                        let value = try engine.value(.objects, for: storageKey(number).bytes)
                        if !loads.contains(where: { $0.number == number }) { loads.append((number, value, ticket)) }
                    }
                }
            }
            if store.hasStagedChanges, Int.random(in: 0..<50, using: &random) == 0 {
                let effect = [FaultyStorageEngine.Effect.refused, .lost, .applied].randomElement(using: &random)
                engine.fail(.commit, with: .failed("planned"), effect: effect ?? .lost)
                if (try? store.commit()) == nil {
                    if effect == .applied { apply(staged) }
                    if effect != .refused { try store.reopen() }
                }
            } else {
                let sequence = try store.commit()
                apply(staged)
                for number in staged.keys { lastWritten[number] = sequence.rawValue }
            }
            if Bool.random(using: &random) { store.markSynchronized(upTo: store.lastCommit) }
            while loads.count > 3 || (!loads.isEmpty && Bool.random(using: &random)) {
                let load = loads.remove(at: Int.random(in: 0..<loads.count, using: &random))
                store.install(storageKey(load.number), value: load.value, loadedWith: load.ticket)
            }
        }
        engine.memoryIsEmpty = false
        for number in 0..<120 {
            guard case .found(let value, _) = try store.read(storageKey(number)) else {
                #expect(model[number] == nil, "seed \(seed)")
                continue
            }
            #expect(value == model[number], "seed \(seed)")
        }

        func apply(_ staged: [Int: [UInt8]?]) {
            for (number, value) in staged { model[number] = value }
        }
    }

    /// A reply that shows this read waits at least for the commit that wrote what it shows.
    private func expectCovers(
        _ unsynchronized: CommitSequence?, _ isStaged: Bool, _ written: UInt64?, _ store: ObjectStore, _ seed: UInt64
    ) {
        if isStaged {
            #expect(unsynchronized?.rawValue == store.lastCommit.rawValue + 1, "seed \(seed)")
        } else if let written, written > store.lastSynchronized.rawValue {
            #expect((unsynchronized?.rawValue ?? 0) >= written, "seed \(seed)")
        }
    }
}
