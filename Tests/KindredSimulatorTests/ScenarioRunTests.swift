import KindredSimulator
import Testing

/// What the readable collection in IntegrationTests/scenarios does not say.
@Suite struct ScenarioRunTests {
    private func put(_ value: String, at: Int = 0, key: String = "k", _ context: String? = nil, as bind: String? = nil)
        -> ScenarioStep
    {
        .put(at: at, value: ScenarioValue(value), key: key, context: context, bind: bind)
    }

    private func get(at: Int = 0, as bind: String? = nil) -> ScenarioStep {
        .get(at: [at], key: "k", bind: bind, repair: false)
    }

    private func run(
        _ strategy: ScenarioStrategy, _ steps: [ScenarioStep], replicas: Int = 2, fallbacks: [String] = []
    ) throws -> ScenarioResult {
        let scenario = Scenario(
            id: "test", replicas: Array(["A", "B", "C", "D", "E", "F", "G"].prefix(replicas)), fallbacks: fallbacks,
            strategies: [strategy], steps: steps)
        return try #require(scenario.run(strategy, clock: ScenarioClock()))
    }

    private func final(_ result: ScenarioResult) -> [[String]]? {
        guard case .agreed(let keys) = result.final else { return nil }
        return keys.map { $0.shown.values.map(\.text) }
    }

    @Test func dataTypesHaveNoResult() {
        let scenario = Scenario(id: "c", replicas: ["A"], strategies: [.dataTypes], steps: [])
        #expect(scenario.run(.dataTypes, clock: ScenarioClock()) == nil)
    }

    @Test func aKeyThatIsOnlyReadIsListedAsAbsent() throws {
        let result = try run(.versionVectors, [get()])
        #expect(final(result) == [[]])
        #expect(result.outcome(of: 0)?.shown?.values.isEmpty == true)
    }

    @Test func tooManySiblingsAreRejectedAndCanBeResolved() throws {
        var steps = (0..<100).map { put("\($0)") }
        steps += [put("too many"), get(as: "all"), put("one", "all"), get()]
        let result = try run(.versionVectors, steps)
        #expect(result.outcome(of: 99)?.status == .ok)
        #expect(result.outcome(of: 100)?.status == .rejected)
        #expect(result.outcome(of: 101)?.shown?.values.count == 100)
        #expect(final(result) == [["one"]])
    }

    /// More keys than a part of a transfer has, and more events than one answer to a pull.
    @Test func largeStatesAreTransferredAndPulledInParts() throws {
        let count = 1_200
        var steps = (0..<count).map { put("v\($0)", key: "k\($0)") }
        steps += [.pull(from: 0, to: 1), .prune(at: 0), .prune(at: 1), .amnesia(at: 0), .pull(from: 1, to: 0)]
        steps += [.get(at: [0], key: "k\(count - 1)", bind: nil, repair: false), .amnesia(at: 1)]
        let result = try run(.versionVectors, steps)
        #expect(result.outcome(of: steps.count - 2)?.shown?.values == [ScenarioValue("v\(count - 1)")])
        #expect(final(result)?.count == count)
        #expect(final(result)?.allSatisfy { $0.count == 1 } == true)
    }

    @Test func tenThousandStepsOnSevenReplicasComeToAnEnd() throws {
        var steps: [ScenarioStep] = []
        while steps.count < Scenario.stepsMaximum {
            let number = steps.count / 4
            let key = "k\(number % 100)"
            steps.append(.get(at: [number % 7], key: key, bind: "r", repair: false))
            steps.append(put("\(number)", at: number % 7, key: key, "r", as: "w"))
            steps.append(.replicate(message: "w", to: (number + 1) % 7))
            steps.append(.exchange(number % 7, (number + 3) % 7))
        }
        let result = try run(.versionVectors, steps, replicas: 7)
        #expect(final(result)?.count == 100)
        #expect(final(result)?.contains(where: \.isEmpty) == false)
    }

    @Test func aNameMeansItsLastMessage() throws {
        let result = try run(
            .versionVectors,
            [
                put("1", as: "w"), put("2", key: "l", as: "w"), .amnesia(at: 0), .replicate(message: "w", to: 1),
                get(at: 1), .get(at: [1], key: "l", bind: nil, repair: false),
            ])
        #expect(result.outcome(of: 4)?.shown?.values == [])
        #expect(result.outcome(of: 5)?.shown?.values == [ScenarioValue("2")])
    }

    /// A replica pulls from itself, delivers to itself, and exchanges with itself: nothing happens.
    @Test func whoeverTalksToItselfLearnsNothing() throws {
        let result = try run(
            .versionVectors,
            [put("1", as: "w"), .replicate(message: "w", to: 0), .pull(from: 0, to: 0), .exchange(0, 0), get()])
        #expect(result.steps.allSatisfy { $0.outcome.status == .ok })
        #expect(final(result) == [["1"]])
    }

    @Test func aFailoverMeansNothingWithoutLeaders() throws {
        let result = try run(.lastWriteWins, [put("1"), .failover(to: 1), get()])
        #expect(result.outcome(of: 1)?.status == .ok)
        #expect(final(result) == [["1"]])
    }

    @Test func whatIsNotNamedIsNotConstrained() throws {
        let result = try run(.immutable, [put("1", at: 0), put("2", at: 1), .exchange(0, 1), get()])
        let shown = ScenarioValues(values: [ScenarioValue("1")])
        let conflict = ScenarioValues(values: [ScenarioValue("1")], conflict: [ScenarioValue("2")])
        func differences(_ shown: ScenarioValues) -> Int {
            result.differences(
                from: ScenarioExpectation(
                    strategy: .immutable,
                    steps: [
                        ScenarioStepOutcome(index: 3, outcome: ScenarioOutcome(.ok, shown: shown, why: "any text"))
                    ],
                    final: [ScenarioKeyValues(key: "k", shown: shown)])
            ).count
        }
        #expect(differences(shown) == 0)
        #expect(differences(conflict) == 0)
        #expect(differences(ScenarioValues(values: [ScenarioValue("1")], conflict: [])) == 2)
        #expect(differences(ScenarioValues(values: [ScenarioValue("2")])) == 2)
        #expect(result.differences(from: nil).isEmpty)
    }

    @Test func anExpectedStepWithoutOutcomeDiffers() throws {
        let result = try run(.versionVectors, [.heal])
        let expectation = ScenarioExpectation(
            strategy: .versionVectors, steps: [ScenarioStepOutcome(index: 0, outcome: ScenarioOutcome(.ok))], final: [])
        #expect(result.differences(from: expectation) == [.step(0, expected: ScenarioOutcome(.ok), got: nil)])
    }

    @Test func aFailedRunDiffersFromEverything() {
        let result = ScenarioResult(
            id: "x", strategy: .lastWriteWins, steps: [], final: .failed(why: "replicas disagree"))
        #expect(result.differences(from: nil) == [.failure("replicas disagree")])
    }

    @Test func everyStepCanBeSaid() {
        let nodes = ["A", "B", "F"]
        #expect(put("1", "r", as: "w").words(nodes) == "put 1 at A knowing r, called w")
        #expect(
            ScenarioStep.get(at: [0, 1], key: "x", bind: nil, repair: true).words(nodes)
                == "get of x at A, B with repair")
        #expect(ScenarioStep.partition(groups: [[0], [1, 2]]).words(nodes) == "partition {A} {B, F}")
        #expect(
            ScenarioStep.handoff(from: 2, to: 0, keep: true).words(nodes) == "F hands over to A and keeps its copies")
    }
}
