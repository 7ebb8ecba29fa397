import KindredTesting
import Testing

@testable import KindredStorage

@Suite("Sorted bytes map")
struct SortedBytesMapTests {
    /// Enough entries for many chunks, ranges from nothing to everything, and snapshots that must not change.
    @Test("Agrees with a dictionary, and a copy stays as it was", arguments: [UInt64(1), 2, 3])
    func randomOperations(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        var map = SortedBytesMap()
        var model: [[UInt8]: [UInt8]] = [:]
        func key(_ limit: Int) -> [UInt8] {
            let number = Int.random(in: 0..<limit, using: &random)
            return [UInt8(number >> 8), UInt8(number & 0xFF)]
        }
        var snapshot = (map, model)
        for step in 0..<30_000 {
            switch Int.random(in: 0..<1_000, using: &random) {
            case 0..<700:
                let key = key(20_000)
                map.put(key, [UInt8(truncatingIfNeeded: step)])
                model[key] = [UInt8(truncatingIfNeeded: step)]
            case 700..<997:
                let key = key(20_000)
                map.delete(key)
                model[key] = nil
            case 997:
                let lower = key(20_000)
                let upper = key(20_000)
                map.deleteRange(from: lower, to: upper)
                model = model.filter {
                    $0.key.lexicographicallyPrecedes(lower) || !$0.key.lexicographicallyPrecedes(upper)
                }
            case 998:
                let probe = key(20_000)
                #expect(map.value(for: probe) == model[probe], "seed \(seed)")
            default:
                expectEqual(snapshot.0, snapshot.1, seed)
                expectEqual(map, model, seed)
                snapshot = (map, model)
            }
        }
        map.deleteRange(from: [], to: [0xFF, 0xFF, 0xFF])
        expectEqual(map, [:], seed)
        map.put([1], [1])
        #expect(map.value(for: [1]) == [1])
    }

    private func expectEqual(_ map: SortedBytesMap, _ model: [[UInt8]: [UInt8]], _ seed: UInt64) {
        let expected = model.sorted { $0.key.lexicographicallyPrecedes($1.key) }
        var position = map.firstPosition(notBefore: [])
        var count = 0
        var isEqual = true
        while let (key, value) = map.entry(at: &position) {
            if count >= expected.count || key != expected[count].key || value != expected[count].value {
                isEqual = false
                break
            }
            count += 1
            position = map.position(after: position)
        }
        #expect(isEqual && count == expected.count, "seed \(seed)")
    }
}
