import KindredSimulator
import KindredStorage
import KindredTesting
import Testing

@Suite("Simulated disk: failures")
struct SimulatedDiskFaultTests {
    private let disk = SimulatedDisk(seed: 1)

    init() throws {
        for key in UInt8(1)...6 { try disk.put(key) }
        try disk.synchronize()
    }

    private func isFailed(_ error: StorageError?) -> Bool {
        if case .failed = error { true } else { false }
    }

    private func isCorrupt(_ error: StorageError?) -> Bool {
        if case .corrupt = error { true } else { false }
    }

    private func error(_ body: () throws(StorageError) -> Void) -> StorageError? {
        do throws(StorageError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test("Exactly the next reads fail, and none answers absent")
    func readErrors() throws {
        disk.failReads(next: 2)
        #expect(isFailed(error { () throws(StorageError) in _ = try disk.value(.objects, for: [1]) }))
        #expect(isFailed(error { () throws(StorageError) in _ = try disk.value(.objects, for: [99]) }))
        #expect(try disk.value(.objects, for: [1]) == [1])
        #expect(disk.statistics.readErrors == 2)
    }

    @Test("A scan that fails has visited a part, and throws at the end of it", arguments: UInt64(1)...40)
    func scanErrors(seed: UInt64) throws {
        let disk = SimulatedDisk(seed: seed)
        for key in UInt8(1)...2 { try disk.put(key) }
        disk.failReads(next: 1)
        var visited = 0
        let thrown = error { () throws(StorageError) in
            try disk.scan(.objects, from: [], to: nil) { _, _ in
                visited += 1
                return .next
            }
        }
        #expect(isFailed(thrown) && visited <= 2)
        #expect(try disk.keys() == [1, 2])
    }

    @Test("An unreadable record fails until it is written again, and memory does not hide it")
    func unreadable() throws {
        #expect(disk.makeUnreadable(.objects, key: [3]))
        #expect(!disk.makeUnreadable(.objects, key: [99]))
        #expect(!disk.makeUnreadable(.log, key: [3]))
        for _ in 0..<2 {
            #expect(isFailed(error { () throws(StorageError) in _ = try disk.value(.objects, for: [3]) }))
            #expect(isFailed(error { () throws(StorageError) in _ = try disk.keys() }))
        }
        guard case .needsDisk = try disk.valueInMemory(.objects, for: [3]) else {
            Issue.record("memory knows what the disk cannot read")
            return
        }
        #expect(try disk.value(.objects, for: [2]) == [2])
        try disk.put(3)
        #expect(try disk.keys() == [1, 2, 3, 4, 5, 6])
        #expect(disk.damagedRecords.isEmpty)
    }

    @Test("A flipped bit is detected by reads and by scans that reach it, also after a restart")
    func flippedBit() throws {
        #expect(disk.flipBit(.objects, key: [3]))
        #expect(isCorrupt(error { () throws(StorageError) in _ = try disk.value(.objects, for: [3]) }))
        #expect(isCorrupt(error { () throws(StorageError) in _ = try disk.keys() }))
        var before: [UInt8] = []
        try disk.scan(.objects, from: [], to: [3]) { key, _ in
            before.append(key[0])
            return .next
        }
        #expect(before == [1, 2])
        disk.heal()
        disk.crash(.process)
        disk.start()
        #expect(isCorrupt(error { () throws(StorageError) in _ = try disk.value(.objects, for: [3]) }))
        #expect(disk.statistics.corruptReads == 3)
        #expect(disk.damagedRecords == [DamagedRecord(table: .objects, key: [3])])
    }

    @Test("Damage that was overwritten comes back when a power cut takes the overwriting back")
    func damageComesBack() throws {
        #expect(disk.flipBit(.objects, key: [3]) && disk.flipBit(.objects, key: [5]))
        try disk.put(3)
        var batch = WriteBatch()
        batch.deleteRange(.objects, from: [5], to: [6])
        try disk.commit(batch)
        #expect(try disk.keys() == [1, 2, 3, 4, 6])
        #expect(try disk.value(.objects, for: [5]) == nil, "what is deleted is not damaged")
        disk.crash(.power, surviving: 0)
        disk.start()
        #expect(disk.damagedRecords.map(\.key) == [[3], [5]])
        // And the other way round: damage to what is lost goes with it.
        try disk.put(9)
        #expect(disk.flipBit(.objects, key: [9]))
        disk.crash(.power, surviving: 0)
        disk.start()
        #expect(disk.damagedRecords.map(\.key) == [[3], [5]])
        #expect(try disk.value(.objects, for: [9]) == nil)
    }

    @Test("Some bit is flipped in some record, each of which can be it; none in an empty table")
    func someBit() throws {
        var flipped: Set<[UInt8]> = []
        let image = disk.snapshot()
        for seed in UInt64(0)..<60 {
            let disk = SimulatedDisk(seed: seed)
            disk.restore(image)
            disk.start()
            #expect(disk.flipSomeBit(in: [.log]) == nil)
            let record = try #require(disk.flipSomeBit())
            #expect(record.table == .objects)
            #expect(isCorrupt(error { () throws(StorageError) in _ = try disk.value(.objects, for: record.key) }))
            flipped.insert(record.key)
        }
        #expect(flipped == Set((UInt8(1)...6).map { [$0] }))
        #expect(disk.damagedRecords.isEmpty)
    }

    @Test("A full disk refuses commits and changes nothing, except for what may use the reserve")
    func full() throws {
        disk.setFull(true)
        guard case .full = error({ () throws(StorageError) in try disk.put(7) }) else {
            Issue.record("a full disk does not say so")
            return
        }
        try disk.synchronize()
        var batch = WriteBatch()
        batch.put(.objects, key: [8], value: [8])
        batch.mayUseReserve = true
        try disk.commit(batch)
        #expect(try disk.keys() == [1, 2, 3, 4, 5, 6, 8])
        disk.setFull(false)
        try disk.put(7)
        #expect(try disk.keys() == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(disk.statistics.refusedCommits == 1)
    }

    @Test("A failed commit stops the engine until it is reopened, which shows what became of the batch")
    func commitFailure() throws {
        for (fate, isKept) in [(CommitFate.kept, true), (.lost, false)] {
            disk.failNextCommit(fate)
            #expect(isFailed(error { () throws(StorageError) in try disk.put(9) }))
            #expect(isFailed(error { () throws(StorageError) in try disk.put(10) }))
            #expect(isFailed(error { () throws(StorageError) in try disk.synchronize() }))
            #expect(try disk.keys() == [1, 2, 3, 4, 5, 6], "reads go on")
            try disk.reopen()
            #expect(try disk.keys() == [1, 2, 3, 4, 5, 6] + (isKept ? [9] : []))
            var batch = WriteBatch()
            batch.delete(.objects, key: [9])
            try disk.commit(batch)
        }
        #expect(disk.statistics.failedCommits == 2)
    }

    @Test(
        "What became of a failed commit also shows after a crash, and chance gives both", arguments: CrashKind.allCases)
    func commitFailureThenCrash(crash: CrashKind) throws {
        var kept = 0
        for seed in UInt64(0)..<60 {
            let disk = SimulatedDisk(seed: seed)
            disk.failNextCommit()
            #expect(isFailed(error { () throws(StorageError) in try disk.put(1) }))
            disk.crash(crash, surviving: 1)
            disk.start()
            kept += try disk.keys().count
            try disk.put(2)
        }
        #expect((15...45).contains(kept))
    }

    @Test("A failed synchronization makes nothing durable")
    func synchronizationFailure() throws {
        try disk.put(7)
        disk.failNextSynchronization()
        #expect(isFailed(error { () throws(StorageError) in try disk.synchronize() }))
        #expect(isFailed(error { () throws(StorageError) in try disk.put(8) }))
        try disk.reopen()
        #expect(disk.unsynchronizedBatches == 1)
        disk.crash(.power, surviving: 0)
        disk.start()
        #expect(try disk.keys() == [1, 2, 3, 4, 5, 6])
        #expect(disk.statistics.failedSynchronizations == 1)
    }

    @Test("After a failure, closing leaves the log as it is")
    func closingAfterFailure() throws {
        try disk.put(7)
        disk.failNextCommit(.kept)
        #expect(isFailed(error { () throws(StorageError) in try disk.put(8) }))
        try disk.close()
        disk.start()
        #expect(try disk.keys() == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(disk.unsynchronizedBatches == 2)
    }

    @Test("Nothing is in memory when it is cold")
    func coldMemory() throws {
        disk.setMemoryCold(true)
        guard case .needsDisk = try disk.valueInMemory(.objects, for: [1]) else {
            Issue.record("found in memory")
            return
        }
        disk.setMemoryCold(false)
        guard case .found([1]) = try disk.valueInMemory(.objects, for: [1]) else {
            Issue.record("not found in memory")
            return
        }
    }

    @Test("Healing ends all faults, also those that wait, and keeps promises")
    func healing() throws {
        disk.setLying(true)
        try disk.put(7)
        try disk.synchronize()
        disk.setFull(true)
        disk.failReads(next: 100)
        disk.failNextCommit()
        disk.failNextSynchronization()
        disk.makeUnreadable(.objects, key: [1])
        disk.heal()
        #expect(disk.unsynchronizedBatches == 0)
        try disk.put(8)
        try disk.synchronize()
        #expect(try disk.keys() == [1, 2, 3, 4, 5, 6, 7, 8])
        #expect(disk.unsynchronizedBatches == 0 && disk.damagedRecords.isEmpty)
    }
}
