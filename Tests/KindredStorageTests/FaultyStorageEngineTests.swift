import KindredStorage
import KindredTesting
import Testing

@Suite("Faulty storage engine")
struct FaultyStorageEngineTests {
    private let engine = FaultyStorageEngine(MemoryStorageEngine())

    private func put(_ key: UInt8) throws(StorageError) {
        var batch = WriteBatch()
        batch.put(.objects, key: [key], value: [key])
        try engine.commit(batch)
    }

    @Test("Exactly the n-th call fails")
    func counting() throws {
        engine.fail(.value, number: 2, with: .failed("second"))
        engine.fail(.value, number: 4, with: .corrupt("fourth"))
        var errors: [StorageError?] = []
        for _ in 0..<6 {
            do throws(StorageError) {
                _ = try engine.value(.objects, for: [1])
                errors.append(nil)
            } catch {
                errors.append(error)
            }
        }
        #expect(errors == [nil, .failed("second"), nil, .corrupt("fourth"), nil, nil])
        #expect(engine.count(of: .value) == 6)
    }

    @Test(
        "Each read call fails when it is told to", arguments: [FaultyStorageEngine.Call.value, .valueInMemory, .scan])
    func reads(call: FaultyStorageEngine.Call) throws {
        try put(1)
        engine.fail(call, with: .failed("planned"))
        #expect(throws: StorageError.failed("planned")) {
            _ = try engine.value(.objects, for: [1])
            _ = try engine.valueInMemory(.objects, for: [1])
            try engine.scan(.objects, from: [], to: nil) { _, _ in .next }
        }
        #expect(try engine.value(.objects, for: [1]) == [1])
    }

    @Test(
        "A failing commit has the effect that was asked for, and the engine wants to be reopened unless it was refused")
    func commits() throws {
        engine.fail(.commit, with: .full("1"), effect: .refused)
        #expect(throws: StorageError.full("1")) { try put(1) }
        try put(2)

        engine.fail(.commit, with: .failed("3"), effect: .lost)
        #expect(throws: StorageError.failed("3")) { try put(3) }
        #expect(throws: StorageError.failed("3")) { try put(9) }
        #expect(throws: StorageError.failed("3")) { try engine.synchronize() }
        try engine.reopen()

        engine.fail(.commit, with: .failed("4"), effect: .applied)
        #expect(throws: StorageError.failed("4")) { try put(4) }
        engine.fail(.reopen, with: .failed("not yet"))
        #expect(throws: StorageError.failed("not yet")) { try engine.reopen() }
        #expect(throws: StorageError.failed("4")) { try put(9) }
        try engine.reopen()

        engine.fail(.synchronize, with: .failed("5"))
        #expect(throws: StorageError.failed("5")) { try engine.synchronize() }
        #expect(throws: StorageError.failed("5")) { try put(9) }
        try engine.reopen()
        try put(5)

        var keys: [UInt8] = []
        try engine.scan(.objects, from: [], to: nil) { key, _ in
            keys.append(key[0])
            return .next
        }
        #expect(keys == [2, 4, 5])
    }

    @Test("Nothing is in memory when it is said to be empty")
    func emptyMemory() throws {
        try put(1)
        engine.memoryIsEmpty = true
        guard case .needsDisk = try engine.valueInMemory(.objects, for: [1]) else {
            Issue.record("found in memory")
            return
        }
        #expect(try engine.value(.objects, for: [1]) == [1])
    }
}
