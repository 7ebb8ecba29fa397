package import KindredModel

/// A readable history with one right outcome for each strategy (docs/formats/scenarios.md).
///
/// A value that has been checked: every name in a step is one of this scenario's, so that running it can only fail
/// where the database does.
package struct Scenario: Sendable {
    package var id: String
    package var title: String
    /// The replicas of one partition. The order is that of their actors, so a later one wins a tie.
    package var replicas: [String]
    /// Stores of hints: they mint nothing and answer no reads.
    package var fallbacks: [String]
    /// The position of the replica that leads first, with version numbers.
    package var leader: Int
    /// With last-write-wins, how far ahead of the own clock a timestamp may be, in milliseconds; nil for as far as it
    /// likes.
    package var maximumSkew: UInt64?
    /// What it is to be run with, without duplicates.
    package var strategies: [ScenarioStrategy]
    package var steps: [ScenarioStep]
    package var expectations: [ScenarioExpectation]

    package init(
        id: String, title: String = "", replicas: [String], fallbacks: [String] = [], leader: Int = 0,
        maximumSkew: UInt64? = nil, strategies: [ScenarioStrategy], steps: [ScenarioStep],
        expectations: [ScenarioExpectation] = []
    ) {
        self.id = id
        self.title = title
        self.replicas = replicas
        self.fallbacks = fallbacks
        self.leader = leader
        self.maximumSkew = maximumSkew
        self.strategies = strategies
        self.steps = steps
        self.expectations = expectations
    }

    /// The most replicas: as many as the actors of one partition that are at work together.
    package static let replicasMaximum = 7
    /// The most steps of one scenario. A run takes time in proportion to them.
    package static let stepsMaximum = 10_000

    /// Every key that a step names, sorted.
    package var keys: [String] {
        Array(Set(steps.compactMap(\.key))).sorted()
    }

    /// What is expected with a strategy; nil if nothing is.
    package func expectation(for strategy: ScenarioStrategy) -> ScenarioExpectation? {
        expectations.first { $0.strategy == strategy }
    }
}

/// The strategies by the names that scenarios use.
package enum ScenarioStrategy: String, Hashable, Sendable, CaseIterable {
    case lastWriteWins = "lww"
    case immutable
    case versionNumbers = "version-numbers"
    case versionVectors = "version-vectors"
    /// The data types.
    case dataTypes = "crdt"

    /// The strategy of the core; nil if the core does not have it.
    package var strategy: ConflictStrategy? {
        switch self {
        case .lastWriteWins: .lastWriteWins
        case .immutable: .immutable
        case .versionNumbers: .versionNumbers
        case .versionVectors: .versionVectors
        case .dataTypes: nil
        }
    }
}

/// What the physical clocks show: before step *i*, `base + step · i`, and each replica's own offset.
package struct ScenarioClock: Hashable, Sendable {
    package var base: UInt64
    package var step: UInt64

    package init(base: UInt64 = 1_000_000, step: UInt64 = 10) {
        self.base = base
        self.step = step
    }

    /// The time before a step, in milliseconds, without any replica's offset.
    package func time(before step: Int) -> UInt64 {
        base &+ self.step &* UInt64(step)
    }

    /// Scenarios keep their clocks and offsets below this many milliseconds, so that sums of them cannot overflow: 48
    /// bits, what a hybrid timestamp has room for.
    package static let millisecondsMaximum: UInt64 = 1 << 47
}

/// What a scenario should come to with one strategy. What it does not name is not constrained.
package struct ScenarioExpectation: Hashable, Sendable {
    package var strategy: ScenarioStrategy
    /// By step, in ascending order.
    package var steps: [ScenarioStepOutcome]
    /// By key, in ascending order.
    package var final: [ScenarioKeyValues]

    package init(strategy: ScenarioStrategy, steps: [ScenarioStepOutcome], final: [ScenarioKeyValues]) {
        self.strategy = strategy
        self.steps = steps
        self.final = final
    }
}

/// What became of the step with this index.
package struct ScenarioStepOutcome: Hashable, Sendable {
    package var index: Int
    package var outcome: ScenarioOutcome

    package init(index: Int, outcome: ScenarioOutcome) {
        self.index = index
        self.outcome = outcome
    }
}

/// What every replica shows of a key in the end.
package struct ScenarioKeyValues: Hashable, Sendable {
    package var key: String
    package var shown: ScenarioValues

    package init(key: String, shown: ScenarioValues) {
        self.key = key
        self.shown = shown
    }
}
