import KindredSimulator
import KindredStorage
import KindredTesting
import Testing

@Suite("Simulated disk: conformance and crashes")
struct SimulatedDiskTests {
    @Test("It is a storage engine", arguments: StorageEngineConformance.checks)
    func conformance(check: StorageEngineConformance.Check) async throws {
        try await check.run { SimulatedDisk(seed: 1) }
    }

    @Test("A crash or a close ends every call until the next start")
    func closed() throws {
        for end in 0..<4 {
            let disk = SimulatedDisk(seed: 1)
            try disk.put(1)
            switch end {
            case 0: disk.crash(.process)
            case 1: disk.crash(.power)
            case 2: try disk.close()
            default: disk.restore(disk.snapshot())
            }
            #expect(!disk.isOpen)
            #expect(throws: StorageError.closed) { try disk.put(2) }
            #expect(throws: StorageError.closed) { _ = try disk.value(.objects, for: [1]) }
            #expect(throws: StorageError.closed) { _ = try disk.valueInMemory(.objects, for: [1]) }
            #expect(throws: StorageError.closed) { _ = try disk.keys() }
            #expect(throws: StorageError.closed) { try disk.synchronize() }
            #expect(throws: StorageError.closed) { try disk.reopen() }
            disk.start()
            try disk.put(3)
            #expect(try disk.keys().contains(3))
        }
    }

    @Test("A killed process loses nothing, a power cut only what was not synchronized")
    func crashes() throws {
        let disk = SimulatedDisk(seed: 1)
        try disk.put(1)
        #expect(disk.unsynchronizedBatches == 1)
        #expect(disk.crash(.process) == CrashReport(survivingBatches: 1))
        disk.start()
        #expect(try disk.keys() == [1])
        #expect(disk.unsynchronizedBatches == 1)

        try disk.synchronize()
        try disk.put(2)
        let report = disk.crash(.power, surviving: 0)
        #expect(report.lostBatches == 1 && report.survivingBatches == 0 && report.brokenPromises == 0)
        disk.start()
        #expect(try disk.keys() == [1])
        #expect(disk.statistics.crashes == 2 && disk.statistics.losses.lostBatches == 1)
    }

    @Test("Closing synchronizes")
    func closing() throws {
        let disk = SimulatedDisk(seed: 1)
        try disk.put(1)
        try disk.close()
        disk.start()
        #expect(disk.unsynchronizedBatches == 0)
        disk.crash(.power)
        disk.start()
        #expect(try disk.keys() == [1])
    }

    /// After each batch the whole state is kept; after a power cut the disk must equal one of them, none older than the
    /// last synchronization.
    @Test("A power cut leaves a prefix of the batches, whole", arguments: UInt64(1)...200)
    func prefix(seed: UInt64) throws {
        var chance = SplitMix64(seed: seed)
        let disk = SimulatedDisk(seed: seed)
        var history = [try disk.contents()]
        for _ in 0..<30 {
            for _ in 0..<chance.below(12) {
                try disk.commit(Self.randomBatch(&chance))
                history.append(try disk.contents())
                if chance.chance(15) {
                    try disk.synchronize()
                    history.removeFirst(history.count - 1)
                }
                if chance.chance(5) {
                    disk.crash(.process)
                    disk.start()
                    #expect(try disk.contents() == history.last, "seed \(seed)")
                }
            }
            #expect(disk.unsynchronizedBatches == history.count - 1)
            let report = disk.crash(.power)
            disk.start()
            #expect(report.survivingBatches + report.lostBatches == history.count - 1)
            #expect(report.tornBatches <= min(1, report.lostBatches))
            #expect(try disk.contents() == history[report.survivingBatches], "seed \(seed)")
            history = [try disk.contents()]
        }
    }

    @Test("Every prefix is possible, and tearing happens")
    func everyPrefix() throws {
        var survivors: Set<Int> = []
        var torn = 0
        for seed in UInt64(0)..<200 {
            let disk = SimulatedDisk(seed: seed)
            for key in UInt8(0)..<5 { try disk.put(key) }
            let report = disk.crash(.power)
            survivors.insert(report.survivingBatches)
            torn += report.tornBatches
            #expect(disk.statistics.losses == report)
        }
        #expect(survivors == Set(0...5))
        #expect((40...130).contains(torn))
    }

    @Test("The same seed and the same calls lose the same batches")
    func determinism() throws {
        func run(seed: UInt64) throws -> [CrashReport] {
            let disk = SimulatedDisk(seed: seed)
            return try (0..<50).map { round in
                for key in UInt8(0)..<20 { try disk.put(key) }
                defer { disk.start() }
                return disk.crash(.power)
            }
        }
        #expect(try run(seed: 1) == run(seed: 1))
        #expect(try run(seed: 1) != run(seed: 2))
    }

    @Test("A lying disk loses what it promised, and is found out by the report")
    func lying() throws {
        let disk = SimulatedDisk(seed: 1)
        try disk.put(1)
        try disk.synchronize()
        disk.setLying(true)
        try disk.put(2)
        try disk.put(3)
        try disk.synchronize()
        try disk.put(4)
        #expect(disk.unsynchronizedBatches == 3)
        let report = disk.crash(.power, surviving: 1)
        #expect(report.lostBatches == 2 && report.brokenPromises == 1)
        disk.start()
        #expect(try disk.keys() == [1, 2])
        #expect(disk.statistics.lies == 1)
    }

    @Test("When the lying ends, what was promised is true, and what was not is not")
    func honest() throws {
        let disk = SimulatedDisk(seed: 1)
        disk.setLying(true)
        try disk.put(1)
        try disk.put(2)
        try disk.synchronize()
        try disk.put(3)
        disk.setLying(false)
        #expect(disk.unsynchronizedBatches == 1)
        #expect(
            disk.crash(.power, surviving: 0)
                == CrashReport(
                    lostBatches: 1, tornBatches: disk.statistics.losses.tornBatches))
        disk.start()
        #expect(try disk.keys() == [1, 2])
    }

    @Test("A run that never synchronizes has its oldest batches written back")
    func writeBack() throws {
        let disk = SimulatedDisk(seed: 1)
        for _ in 0...(1 << 16) { try disk.put(1) }
        #expect(disk.unsynchronizedBatches < 1 << 16)
        let left = disk.unsynchronizedBatches
        try disk.put(2)
        #expect(disk.unsynchronizedBatches == left + 1)
        disk.crash(.power, surviving: left)
        disk.start()
        #expect(try disk.keys() == [1])
    }

    @Test("A lost disk is empty; a snapshot brings back what there was, also on another disk")
    func images() throws {
        let disk = SimulatedDisk(seed: 1)
        try disk.put(1)
        let early = disk.snapshot()
        try disk.put(2)
        let late = disk.snapshot()
        disk.vanish()
        disk.start()
        #expect(try disk.keys().isEmpty)
        try disk.put(3)

        disk.restore(late)
        disk.start()
        #expect(try disk.keys() == [1, 2])
        disk.restore(early)
        disk.start()
        try disk.put(4)
        #expect(try disk.keys() == [1, 4])
        // The image is durable, and was not changed by what came later.
        disk.crash(.power, surviving: 0)
        disk.start()
        #expect(try disk.keys() == [1])

        let other = SimulatedDisk(seed: 2)
        other.restore(late)
        other.start()
        #expect(try other.keys() == [1, 2])
    }

    private static func randomBatch(_ chance: inout SplitMix64) -> WriteBatch {
        var batch = WriteBatch()
        for _ in 0..<chance.below(5) {
            let table = Table.allCases[chance.below(3)]
            let key = [UInt8(chance.below(8))]
            switch chance.below(8) {
            case 0..<5: batch.put(table, key: key, value: chance.bytes(3))
            case 5..<7: batch.delete(table, key: key)
            default: batch.deleteRange(table, from: key, to: [UInt8(chance.below(8))])
            }
        }
        return batch
    }
}

extension SimulatedDisk {
    func put(_ key: UInt8) throws(StorageError) {
        var batch = WriteBatch()
        batch.put(.objects, key: [key], value: [key])
        try commit(batch)
    }

    /// The first bytes of the keys in the table of objects.
    func keys() throws(StorageError) -> [UInt8] {
        var keys: [UInt8] = []
        try scan(.objects, from: [], to: nil) { key, _ in
            keys.append(key[0])
            return .next
        }
        return keys
    }

    /// Everything, as text that can be compared.
    func contents() throws(StorageError) -> [String] {
        var lines: [String] = []
        for table in Table.allCases {
            try scan(table, from: [], to: nil) { key, value in
                lines.append("\(table) \(Array(key)) \(Array(value))")
                return .next
            }
        }
        return lines
    }
}
