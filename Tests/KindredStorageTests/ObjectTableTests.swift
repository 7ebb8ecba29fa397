import KindredTesting
import Testing

@testable import KindredStorage

@Suite("Object table")
struct ObjectTableTests {
    private func key(_ number: UInt64, hashes: UInt64) -> StorageKey {
        let bytes = withUnsafeBytes(of: number) { Array($0) }
        var random = SplitMix64(seed: number % hashes)
        return StorageKey(bytes: bytes, hash: random.next())
    }

    private func find(_ table: borrowing ObjectTable, _ key: StorageKey) -> Int? {
        key.bytes.withUnsafeBytes { table.find($0, hash: key.hash) }
    }

    /// `hashes`: how many different hashes the keys have, from all alike to practically none alike.
    @Test("Agrees with a dictionary under insertion and removal", arguments: [UInt64(1), 7, 300, .max])
    func randomOperations(hashes: UInt64) throws {
        let seed: UInt64 = 8
        var random = SplitMix64(seed: seed)
        var table = ObjectTable()
        var model: [UInt64: (id: Int, value: [UInt8])] = [:]
        for step in 0..<20_000 {
            let number = random.next() % 500
            let key = key(number, hashes: hashes)
            let id = find(table, key)
            #expect(id == model[number]?.id, "seed \(seed), step \(step)")
            if let id {
                #expect(table[id].value == model[number]?.value, "seed \(seed), step \(step)")
                if Bool.random(using: &random) {
                    table.remove(id)
                    model[number] = nil
                }
            } else {
                let value = [UInt8(truncatingIfNeeded: step)]
                model[number] = (table.insert(key, value: value, sequence: 0, isReferenced: true), value)
            }
            #expect(table.count == model.count, "seed \(seed), step \(step)")
        }
        for number in UInt64(0)..<500 {
            #expect(find(table, key(number, hashes: hashes)) == model[number]?.id, "seed \(seed)")
        }
    }

    @Test("Ids of removed entries are used again, so that the table does not grow with its age")
    func reuse() {
        var table = ObjectTable()
        for number in UInt64(0)..<10_000 {
            if number >= 100, let id = find(table, key(number - 100, hashes: .max)) { table.remove(id) }
            _ = table.insert(key(number, hashes: .max), value: nil, sequence: 0, isReferenced: true)
        }
        #expect(table.count == 100)
        #expect(table.idLimit == 100)
    }

    @Test("Keys that share a hash, or a prefix, are told apart")
    func similarKeys() {
        var table = ObjectTable()
        let bytes: [[UInt8]] = [
            [], [1], [1, 2], [1, 2, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 5, 6, 7, 9],
            [1, 2, 3, 4, 5, 6, 7, 8, 9],
        ]
        let ids = bytes.map {
            table.insert(StorageKey(bytes: $0, hash: 42), value: $0, sequence: 0, isReferenced: true)
        }
        for (bytes, id) in zip(bytes, ids) { #expect(find(table, StorageKey(bytes: bytes, hash: 42)) == id) }
        #expect(find(table, StorageKey(bytes: [1, 2], hash: 42 | 1 << 40)) == nil)
        #expect(find(table, StorageKey(bytes: [2], hash: 42)) == nil)
    }
}
