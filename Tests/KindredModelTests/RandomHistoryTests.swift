import KindredModel
import KindredTesting
import Testing

/// Random histories of several replicas and clients: after every step, what each replica and each reader is shown is compared with the
/// answer that follows from plain sets of events.
@Suite struct RandomHistoryTests {
    @Test("agree with the sets of events after every step", arguments: ConflictStrategy.allCases)
    func agreesWithEventSets(strategy: ConflictStrategy) {
        for seed in Seeds.upTo(1_500) {
            let history = RandomHistory(seed: seed, strategy: strategy)
            if history.violation() != nil {
                Issue.record("\(strategy): \(history.report)")
                return
            }
        }
    }

    @Test("find every planted defect", arguments: PlantedDefect.allCases)
    func findsDefect(defect: PlantedDefect) {
        let found = (1...500 as ClosedRange<UInt64>).contains { seed in
            RandomHistory(seed: seed, strategy: .versionVectors, defect: defect).violation() != nil
        }
        #expect(found, "500 histories did not notice \(defect)")
    }

    @Test("are the same for the same seed")
    func areDeterministic() {
        let first = RandomHistory(seed: 7, strategy: .lastWriteWins)
        let second = RandomHistory(seed: 7, strategy: .lastWriteWins)
        #expect(first.operations == second.operations)
        #expect(first.configuration == second.configuration)
        #expect(first.operations != RandomHistory(seed: 8, strategy: .lastWriteWins).operations)
    }
}
