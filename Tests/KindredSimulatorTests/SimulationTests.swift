import KindredModel
import Testing

@testable import KindredSimulator

/// Whole clusters, short: that nothing is broken in the first seeds of each profile, and that a seed is one run.
@Suite struct SimulationTests {
    private static let seeds: ClosedRange<UInt64> = 1...12

    private func ran(
        _ seed: UInt64, _ profile: FaultProfile, seconds: UInt64 = 4, plan: FaultPlan? = nil, traceLines: Int = 0
    ) -> Simulation {
        var simulation = Simulation(
            seed: seed, settings: SimulationSettings(profile: profile, duration: seconds * 1_000_000), plan: plan,
            traceLines: traceLines)
        simulation.run()
        return simulation
    }

    @Test(arguments: FaultProfile.allCases) func noPromiseIsBroken(profile: FaultProfile) {
        for seed in Self.seeds {
            let simulation = ran(seed, profile)
            #expect(
                simulation.violations.isEmpty,
                "kindred sim replay --seed \(seed) --profile \(profile.rawValue) --for 4s: \(simulation.violations)")
            #expect(simulation.counts.checks > 0 && simulation.counts.writes > 0, "seed \(seed) did nothing")
        }
    }

    @Test(arguments: FaultProfile.allCases) func theSameSeedIsTheSameRun(profile: FaultProfile) {
        let first = ran(7, profile)
        // The trace must not change what happens.
        let second = ran(7, profile, traceLines: 100)
        #expect(first.hash == second.hash && first.counts == second.counts && second.trace.recorded > 0)
        #expect(first.hash != ran(8, profile).hash)
    }

    @Test func settingsChangeTheRun() {
        #expect(ran(7, .network).hash != ran(7, .crash).hash)
        #expect(ran(7, .calm).hash != ran(7, .calm, seconds: 5).hash)
    }

    @Test func aRunHasTheFaultsOfItsPlan() {
        let whole = ran(3, .network)
        #expect(whole.counts.faults.total > 0)
        let none = ran(3, .network, plan: whole.plan.keeping([]))
        #expect(none.counts.faults.total == 0 && none.hash != whole.hash && none.violations.isEmpty)
    }

    @Test func aCalmRunHasNoFaultsAndAnswers() {
        let calm = ran(5, .calm)
        #expect(calm.counts.faults.total == 0 && calm.counts.network.dropped == 0)
        #expect(calm.counts.reads > 0 && calm.counts.writes * 2 > calm.counts.requests - calm.counts.reads)
    }

    @Test(arguments: [1, 2, 3, 7]) func clustersOfAnySizeKeepTheirPromises(nodes: Int) {
        for seed in Self.seeds.prefix(4) {
            var simulation = Simulation(
                seed: seed,
                settings: SimulationSettings(
                    nodes: nodes, replicas: min(3, nodes), profile: .crash, duration: 3_000_000))
            simulation.run()
            #expect(
                simulation.violations.isEmpty,
                "kindred sim replay --seed \(seed) --nodes \(nodes) --profile crash --for 3s: \(simulation.violations)")
        }
    }
}
