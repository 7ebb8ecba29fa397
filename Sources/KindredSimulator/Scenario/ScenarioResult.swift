/// What a scenario came to with one strategy.
package struct ScenarioResult: Hashable, Sendable {
    package var id: String
    package var strategy: ScenarioStrategy
    /// The outcomes of all steps that have one, in order: what a client asks, what a replica sends, and failovers.
    package var steps: [ScenarioStepOutcome]
    package var final: Final
    /// The values that the conflict log says were lost, by what it knows in the end. Without duplicates, sorted.
    package var lost: [ScenarioValue]

    /// What the replicas show once everything has been healed, handed over and exchanged.
    package enum Final: Hashable, Sendable {
        /// The same on all of them, by key in ascending order.
        case agreed([ScenarioKeyValues])
        /// The database has broken a promise: the replicas disagree, or the run could not go on.
        case failed(why: String)
    }

    package init(
        id: String, strategy: ScenarioStrategy, steps: [ScenarioStepOutcome], final: Final, lost: [ScenarioValue] = []
    ) {
        self.lost = lost
        self.id = id
        self.strategy = strategy
        self.steps = steps
        self.final = final
    }

    /// The outcome of a step; nil if it has none.
    package func outcome(of index: Int) -> ScenarioOutcome? {
        steps.first { $0.index == index }?.outcome
    }

    /// Where this differs from what is expected: steps first, then keys. Empty if it is as expected, or nothing is.
    package func differences(from expectation: ScenarioExpectation?) -> [ScenarioDifference] {
        var differences: [ScenarioDifference] = []
        for expected in expectation?.steps ?? [] {
            let got = outcome(of: expected.index)
            if got?.satisfies(expected.outcome) != true {
                differences.append(.step(expected.index, expected: expected.outcome, got: got))
            }
        }
        switch final {
        case .failed(let why):
            differences.append(.failure(why))
        case .agreed(let keys):
            for expected in expectation?.final ?? [] {
                let got = keys.first { $0.key == expected.key }?.shown
                if got?.satisfies(expected.shown) != true {
                    differences.append(.final(expected.key, expected: expected.shown, got: got))
                }
            }
        }
        return differences
    }
}

/// One thing that is not as expected.
package enum ScenarioDifference: Hashable, Sendable {
    case step(Int, expected: ScenarioOutcome, got: ScenarioOutcome?)
    case final(String, expected: ScenarioValues, got: ScenarioValues?)
    /// The run could not be brought to an agreement of the replicas.
    case failure(String)
}

/// The database contradicted itself: what only a bug of ours can cause.
package struct ScenarioFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package let reason: String

    package init(_ reason: String) {
        self.reason = reason
    }

    package var description: String { reason }
}
