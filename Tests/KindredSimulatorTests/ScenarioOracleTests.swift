import KindredSimulator
import KindredTesting
import Testing

/// Random scenarios come out as the sets of events say that they must.
@Suite struct ScenarioOracleTests {
    @Test(arguments: [ScenarioStrategy.versionVectors, .lastWriteWins, .immutable])
    func randomScenariosComeOutAsTheOracleSays(strategy: ScenarioStrategy) {
        for seed in 1...400 {
            let scenario = RandomScenario(seed: UInt64(seed), strategy: strategy).scenario
            let clock = ScenarioClock(base: 1_000_000, step: 10)
            guard difference(scenario, strategy, clock) != nil else { continue }
            let small = shrunk(scenario) { difference($0, strategy, clock) != nil }
            let nodes = small.replicas + small.fallbacks
            let history = small.steps.enumerated().map { "\($0.offset)  \($0.element.words(nodes))" }
            let what = difference(small, strategy, clock) ?? ""
            Issue.record("seed \(seed), \(strategy): \(what)\n\(history.joined(separator: "\n"))")
            return
        }
    }

    /// The same scenario without the steps that make no difference to what is wrong with it.
    private func shrunk(_ scenario: Scenario, isWrong: (Scenario) -> Bool) -> Scenario {
        var small = scenario
        var index = small.steps.count
        while index > 0 {
            index -= 1
            if case .snapshot = small.steps[index] { continue }
            var smaller = small
            smaller.steps.remove(at: index)
            if isWrong(smaller) {
                small = smaller
                index = small.steps.count
            }
        }
        return small
    }

    private func difference(_ scenario: Scenario, _ strategy: ScenarioStrategy, _ clock: ScenarioClock) -> String? {
        var oracle = ScenarioOracle(scenario, strategy, clock)
        let expected = oracle.result()
        return scenario.run(strategy, clock: clock).flatMap { first(in: $0, from: expected) }
    }

    /// With version numbers there is one history, whoever leads: that of the requests that were answered, however the
    /// network was divided meanwhile. (Who is to answer when is in IntegrationTests/scenarios/partitions.json.)
    @Test func aLeaderAnswersFromOneHistory() {
        var answered = 0
        var unavailable = 0
        for seed in 1...400 {
            let scenario = RandomScenario(seed: UInt64(seed), strategy: .versionNumbers).scenario
            guard let result = scenario.run(.versionNumbers, clock: ScenarioClock()) else { continue }
            // The same at one replica, without what was not answered.
            var oracle = ScenarioOracle(
                Scenario(id: "one", replicas: ["A"], strategies: [.versionNumbers], steps: []), .versionNumbers,
                ScenarioClock())
            var expected: [ScenarioStepOutcome] = []
            for (index, step) in scenario.steps.enumerated() {
                guard let outcome = result.outcome(of: index), step.key != nil else { continue }
                if outcome.status == .unavailable {
                    unavailable += 1
                    if case .get(_, _, let bind?, _) = step { oracle.forget(bind) }
                } else if let wanted = oracle.take(Self.atOneReplica(step), at: index) {
                    answered += 1
                    expected.append(ScenarioStepOutcome(index: index, outcome: wanted))
                }
            }
            let final = oracle.final(scenario.keys)
            let wanted = ScenarioResult(id: "", strategy: .versionNumbers, steps: expected, final: .agreed(final))
            guard let difference = first(in: result, from: wanted) else { continue }
            let nodes = scenario.replicas + scenario.fallbacks
            let history = scenario.steps.enumerated().map { "\($0.offset)  \($0.element.words(nodes))" }
            Issue.record("seed \(seed): \(difference)\n\(history.joined(separator: "\n"))")
            return
        }
        #expect(answered > 1_000 && unavailable > 500, "\(answered), \(unavailable)")
    }

    /// A client's step as the only replica would be asked for it.
    private static func atOneReplica(_ step: ScenarioStep) -> ScenarioStep {
        switch step {
        case .get(_, let key, let bind, _): .get(at: [0], key: key, bind: bind, repair: false)
        case .put(_, let value, let key, let context, let bind):
            .put(at: 0, value: value, key: key, context: context, bind: bind)
        case .delete(_, let key, let context, let bind): .delete(at: 0, key: key, context: context, bind: bind)
        default: step
        }
    }

    /// Runs are functions of their arguments.
    @Test func theSameScenarioHasTheSameResult() {
        for seed in 1...20 {
            let scenario = RandomScenario(seed: UInt64(seed), strategy: .versionVectors).scenario
            let first = scenario.run(.versionVectors, clock: ScenarioClock())
            #expect(first == scenario.run(.versionVectors, clock: ScenarioClock()), "seed \(seed)")
            #expect(first?.steps.isEmpty == false)
        }
    }

    private func first(in result: ScenarioResult, from expected: ScenarioResult) -> String? {
        guard case .agreed(let wanted) = expected.final else { return "the oracle failed" }
        for step in expected.steps {
            var got = result.outcome(of: step.index)
            got?.why = nil
            if got != step.outcome {
                let what = got.map { "\($0)" } ?? "none"
                return "step \(step.index): expected \(step.outcome), got \(what), \(result.final)"
            }
        }
        guard case .agreed(let final) = result.final else { return "\(result.final)" }
        return final == wanted ? nil : "in the end expected \(wanted), got \(final)"
    }
}

/// A history that anything may happen in.
struct RandomScenario {
    let scenario: Scenario

    init(seed: UInt64, strategy: ScenarioStrategy) {
        var random = SplitMix64(seed: seed)
        // A replica that is alone with last-write-wins keeps no tombstones, as nobody is there to bring an older write;
        // a fallback beside it would be somebody.
        let least = strategy == .lastWriteWins ? 2 : 1
        let replicas = Array(["A", "B", "C", "D", "E", "F", "G"].prefix(least + random.below(8 - least)))
        let fallbacks = Array(["X", "Y"].prefix(random.below(3)))
        var steps: [ScenarioStep] = []
        var backups: [String] = []
        for _ in 0..<(5 + random.below(60)) {
            let step = Self.step(replicas.count, fallbacks.count, &backups, steps.count, strategy, &random)
            steps.append(step)
        }
        scenario = Scenario(
            id: "seed \(seed)", replicas: replicas, fallbacks: fallbacks, strategies: [strategy], steps: steps)
    }

    private static func step(
        _ replicas: Int, _ fallbacks: Int, _ backups: inout [String], _ index: Int, _ strategy: ScenarioStrategy,
        _ random: inout SplitMix64
    ) -> ScenarioStep {
        let at = random.below(replicas)
        let other = random.below(replicas)
        let key = ["k", "k", "k", "l"][random.below(4)]
        // Few names, so that they are bound again and again, and contexts are mixed up.
        let name = "n\(random.below(6))"
        let context = random.chance(60) ? "n\(random.below(6))" : nil
        let bind = random.chance(80) ? name : nil
        switch random.below(100) {
        case 0..<24:
            // Few values for immutable keys, so that equal ones meet.
            let value = strategy == .immutable ? "\"v\(random.below(4))\"" : "\"v\(index)\""
            return .put(at: at, value: ScenarioValue(value), key: key, context: context, bind: bind)
        case 24..<42:
            var readers = [at]
            for reader in 0..<replicas where reader != at && random.chance(25) { readers.append(reader) }
            return .get(at: readers, key: key, bind: bind, repair: random.chance(30))
        case 42..<50: return .delete(at: at, key: key, context: context, bind: bind)
        case 50..<64: return .replicate(message: name, to: other)
        case 64..<69:
            return fallbacks == 0 ? .heal : .hint(message: name, to: replicas + random.below(fallbacks))
        case 69..<73:
            return fallbacks == 0
                ? .heal
                : .handoff(from: replicas + random.below(fallbacks), to: other, keep: random.chance(50))
        case 73..<78: return .pull(from: at, to: other)
        case 78..<83: return .exchange(at, other)
        case 83..<85:
            var groups: [[Int]] = [[], []]
            for node in 0..<(replicas + fallbacks) where random.chance(80) { groups[random.below(2)].append(node) }
            return .partition(groups: groups)
        case 85..<88: return .heal
        case 88..<90: return .skew(at: at, milliseconds: Int64(random.below(4_000)) - 2_000)
        case 90..<96 where strategy == .versionNumbers: return .failover(to: at)
        case 90..<92:
            let lost = random.below(replicas + fallbacks)
            return .amnesia(at: lost)
        case 92..<94:
            backups.append("b\(random.below(2))")
            return .snapshot(at: at, name: backups[backups.count - 1])
        case 94..<96:
            guard !backups.isEmpty else { return .heal }
            return .restore(at: at, name: backups[random.below(backups.count)])
        default: return .prune(at: at)
        }
    }
}
