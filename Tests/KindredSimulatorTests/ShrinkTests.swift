import KindredSimulator
import KindredTesting
import Testing

@Suite("Shrinking")
struct ShrinkTests {
    @Test("What is needed remains, in its order, and nothing else", arguments: UInt64(1)...100)
    func needed(seed: UInt64) {
        var chance = SplitMix64(seed: seed)
        let items = Array(0..<(1 + chance.below(200)))
        let needed = items.filter { _ in chance.chance(4) }
        let result = shrink(items, maximumTries: 10_000) { candidate in needed.allSatisfy(candidate.contains) }
        #expect(result.items == needed && result.isMinimal, "seed \(seed)")
    }

    @Test("Where items need each other, no single one can be spared", arguments: UInt64(1)...50)
    func minimal(seed: UInt64) {
        var chance = SplitMix64(seed: seed)
        let items = (0..<60).map { _ in 1 + chance.below(9) }
        let sum = items.reduce(0, +) / 2
        let result = shrink(items, maximumTries: 10_000) { $0.reduce(0, +) >= sum }
        #expect(result.isMinimal)
        for index in result.items.indices {
            var without = result.items
            without.remove(at: index)
            #expect(without.reduce(0, +) < sum, "seed \(seed)")
        }
        #expect(result.items.reduce(0, +) >= sum, "seed \(seed)")
    }

    @Test("One cause among a thousand takes few tries")
    func tries() {
        let result = shrink(Array(0..<1_000), maximumTries: 1_000) { $0.contains(321) }
        #expect(result.items == [321] && result.isMinimal)
        #expect(result.tries < 60)
    }

    @Test("The tries are bounded, and the result still fails")
    func bound() {
        // It takes 27 tries.
        for limit in 0..<27 {
            var calls = 0
            let result = shrink(Array(0..<100), maximumTries: limit) { candidate in
                calls += 1
                return candidate.contains(3) && candidate.contains(90)
            }
            #expect(calls == result.tries && calls <= limit)
            #expect(result.items.contains(3) && result.items.contains(90))
            #expect(!result.isMinimal)
        }
    }

    @Test("What fails without any item becomes empty, and an empty list is not tried")
    func empty() {
        #expect(shrink([1, 2, 3], maximumTries: 10) { _ in true }.items.isEmpty)
        let result = shrink([Int](), maximumTries: 10) { _ in true }
        #expect(result.tries == 0 && result.isMinimal)
    }
}
