import KindredSimulator
import Synchronization
import Testing

@testable import KindredCommand

/// Seeds side by side.
@Suite struct SimulationPoolTests {
    private func outcome(_ seed: UInt64, isBad: Bool = false) -> SeedOutcome {
        SeedOutcome(
            seed: seed, counts: SimulationCounts(),
            violation: isBad ? FoundViolation(seed: seed, kind: .lostWrite, time: .zero, text: "") : nil)
    }

    @Test(arguments: [1, 2, 7]) func everySeedRunsOnce(jobs: Int) {
        var seen: [UInt64] = []
        SeedPool(seeds: 5...40, stopsAtViolation: true).run(jobs: jobs) {
            outcome($0)
        } each: {
            seen.append($0.seed)
        }
        #expect(seen.sorted() == Array(5...40))
    }

    @Test func theLargestSeedsEnd() {
        var seen: [UInt64] = []
        SeedPool(seeds: (.max - 1)...(.max), stopsAtViolation: true).run(jobs: 2) {
            outcome($0)
        } each: {
            seen.append($0.seed)
        }
        #expect(seen.sorted() == [.max - 1, .max])
    }

    @Test(arguments: [1, 4]) func allSmallerSeedsHaveRunWhenAViolationStopsThePool(jobs: Int) {
        var seen: [UInt64] = []
        SeedPool(seeds: 1...1_000_000, stopsAtViolation: true).run(jobs: jobs) {
            outcome($0, isBad: $0 == 30)
        } each: {
            seen.append($0.seed)
        }
        #expect(seen.sorted().prefix(30) == ArraySlice(1...30) && seen.count < 1_000_000)
    }

    @Test func aPoolThatKeepsGoingRunsThemAll() {
        var bad = 0
        SeedPool(seeds: 1...50, stopsAtViolation: false).run(jobs: 3) {
            outcome($0, isBad: $0.isMultiple(of: 5))
        } each: {
            bad += $0.violation == nil ? 0 : 1
        }
        #expect(bad == 10)
    }

    @Test func aStoppedPoolBeginsNothing() {
        let begun = Mutex(0)
        let pool = SeedPool(seeds: 1...1_000_000, stopsAtViolation: false)
        pool.run(jobs: 2) { seed in
            begun.withLock { $0 += 1 }
            if seed == 10 { pool.stop() }
            return outcome(seed)
        } each: { _ in
        }
        #expect(begun.withLock { $0 } < 1_000_000)
    }

    @Test func theSameSeedsGiveTheSameHashesWithAnyNumberOfThreads() {
        let settings = SimulationSettings(duration: 1_000_000, clients: 2)
        func hashes(_ jobs: Int) -> [String] {
            var found: [UInt64: String] = [:]
            SeedPool(seeds: 1...4, stopsAtViolation: false).run(jobs: jobs) {
                SeedOutcome(running: $0, settings)
            } each: {
                found[$0.seed] = "\($0.hash)"
            }
            return (1...4).compactMap { found[$0] }
        }
        let alone = hashes(1)
        #expect(alone == hashes(4) && Set(alone).count == 4)
    }
}
