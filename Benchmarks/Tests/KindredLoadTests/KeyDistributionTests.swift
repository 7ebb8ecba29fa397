import Testing

@testable import KindredLoad

@Suite struct KeyDistributionTests {
    @Test func theGeneratorIsSplitMix64() {
        var random = SplitMix64(seed: 0)
        #expect(random.next() == 0xE220_A839_7B1D_CDAF)
        #expect(random.next() == 0x6E78_9E6A_A1B9_65F4)
    }

    @Test func numbersBelowABoundReachAllOfThem() {
        var random = SplitMix64(seed: 1)
        var seen = Set<UInt64>()
        for _ in 0..<1_000 {
            let number = random.next(below: 7)
            #expect(number < 7)
            seen.insert(number)
        }
        #expect(seen.count == 7)
    }

    /// Rank r has the frequency 1 / (r + 1)^0.99 / zeta; the approximation is exact for the first two ranks.
    @Test func theFirstRanksHaveTheirFrequencies() {
        let count = 1_000
        let ranks = ZipfianRanks(count: count)
        var random = SplitMix64(seed: 2)
        var seen = [Int](repeating: 0, count: count)
        let draws = 200_000
        for _ in 0..<draws { seen[ranks.rank(at: random.nextUnit())] += 1 }
        let zeta = 7.728_953  // sum of r^-0.99 for r from 1 to 1000
        #expect(abs(Double(seen[0]) / Double(draws) - 1 / zeta) < 0.005)
        #expect(abs(Double(seen[1]) / Double(draws) - 0.503_478 / zeta) < 0.005)
        #expect(seen[0] > seen[10] && seen[10] > seen[200])
    }

    @Test(arguments: [1, 2, 3, 10])
    func ranksStayWithinFewKeys(_ count: Int) {
        let ranks = ZipfianRanks(count: count)
        for unit in stride(from: 0.0, to: 1.0, by: 0.000_37) {
            #expect((0..<count).contains(ranks.rank(at: unit)))
        }
        #expect((0..<count).contains(ranks.rank(at: 1.0.nextDown)))
    }

    @Test(arguments: LoadOptions.Distribution.allCases)
    func everyChoiceIsAKey(_ distribution: LoadOptions.Distribution) {
        for keys in [1, 2, 3, 100] {
            var chooser = KeyChooser(distribution, keys: keys, start: 70, seed: 3, zipfian: nil)
            for _ in 0..<500 {
                #expect((0..<keys).contains(chooser.nextForGet()))
                #expect((0..<keys).contains(chooser.nextForPut()))
            }
        }
    }

    @Test func sequentialGoesRound() {
        var chooser = KeyChooser(.sequential, keys: 3, start: 1, seed: 0, zipfian: nil)
        #expect((0..<5).map { _ in chooser.nextForPut() } == [1, 2, 0, 1, 2])
    }

    @Test func latestPrefersTheKeyPutLast() {
        var chooser = KeyChooser(.latest, keys: 1_000, start: 0, seed: 4, zipfian: nil)
        var newest = 0
        var newestChosen = 0
        for _ in 0..<2_000 {
            newest = chooser.nextForPut()
            if chooser.nextForGet() == newest { newestChosen += 1 }
        }
        #expect(newestChosen > 180 && newestChosen < 360)  // one in 7.7 expected
    }

    @Test func uniformIsUniform() {
        var chooser = KeyChooser(.uniform, keys: 10, start: 0, seed: 5, zipfian: nil)
        var seen = [Int](repeating: 0, count: 10)
        for _ in 0..<100_000 { seen[chooser.nextForGet()] += 1 }
        #expect(seen.allSatisfy { abs($0 - 10_000) < 500 })
    }

    @Test func theSameSeedGivesTheSameKeys() {
        var first = KeyChooser(.zipfian, keys: 1_000, start: 0, seed: 6, zipfian: nil)
        var second = KeyChooser(.zipfian, keys: 1_000, start: 0, seed: 6, zipfian: ZipfianRanks(count: 1_000))
        #expect((0..<100).map { _ in first.nextForGet() } == (0..<100).map { _ in second.nextForGet() })
    }
}
