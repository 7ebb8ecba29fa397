import KindredModel
import KindredTesting
import Testing

/// Random histories of several replicas and clients: after every step, what each replica and each reader is shown is compared with the
/// answer that follows from plain sets of events.
@Suite struct RandomHistoryTests {
    @Test("agree with the sets of events after every step", arguments: ConflictStrategy.allCases)
    func agreesWithEventSets(strategy: ConflictStrategy) {
        for seed in Seeds.upTo(1_000) {
            let history = RandomHistory(seed: seed, strategy: strategy)
            if history.violation() != nil {
                Issue.record("\(strategy): \(history.report)")
                return
            }
        }
    }

    /// Answers to writes may leave out what the coordinator has seen replaced, so that they stay short. Here they leave out all of it: a replica
    /// that lags behind may show a sibling too many, but none too few, and in the end nothing of it is left.
    @Test("lose nothing when answers are short")
    func shortAnswers() {
        for seed in Seeds.upTo(1_000) {
            let history = RandomHistory(seed: seed, strategy: .versionVectors, forgetsDots: true)
            if history.violation() != nil {
                Issue.record("\(history.report)")
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
