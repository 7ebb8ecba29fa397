import KindredDiagrams
import KindredSimulator
import Testing

@testable import KindredCommand

/// A scenario's drawing says of each write what has become of it, by what the replicas have in the end.
@Suite struct ScenarioDrawingTests {
    private func fates(_ strategy: ScenarioStrategy) throws -> [String: Fate] {
        func put(_ at: Int, _ value: String, _ context: String?, _ bind: String) -> ScenarioStep {
            .put(at: at, value: ScenarioValue(value), key: "k", context: context, bind: bind)
        }
        let scenario = Scenario(
            id: "T", title: "two writers", replicas: ["A", "B"], strategies: [strategy],
            steps: [
                put(0, "old", nil, "old"), .replicate(message: "old", to: 1),
                .get(at: [0], key: "k", bind: "a", repair: false), .get(at: [1], key: "k", bind: "b", repair: false),
                put(0, "left", "a", "left"), put(1, "right", "b", "right"), .exchange(0, 1),
            ])
        let result = try #require(scenario.run(strategy, clock: ScenarioClock()))
        let events = ScenarioDrawing(scenario, result).diagram.events
        return Dictionary(uniqueKeysWithValues: events.filter { $0.label.hasPrefix("put") }.map { ($0.label, $0.fate) })
    }

    @Test("last write wins: one is kept, the other lost and reported")
    func lastWriteWins() throws {
        #expect(
            try fates(.lastWriteWins) == ["put old": .replaced, "put left": .lostReported, "put right": .kept])
    }

    @Test("version vectors: both are siblings")
    func versionVectors() throws {
        #expect(try fates(.versionVectors) == ["put old": .replaced, "put left": .sibling, "put right": .sibling])
    }

    @Test("immutable: the first is kept, the others are refused")
    func immutable() throws {
        #expect(try fates(.immutable) == ["put old": .kept, "put left": .refused, "put right": .refused])
    }
}
