import ArgumentParser
import Foundation
import KindredModel
import KindredSimulator
import Testing

@testable import KindredCommand

/// Replaying a seed: the plan file, what is shown, and making it smaller.
@Suite struct SimulationReplayTests {
    private let settings = SimulationSettings(duration: 4_000_000, clients: 3)

    private func read(_ json: String) throws(ReplayPlanError) -> ReplayPlan {
        try ReplayPlan(json: Array(json.utf8))
    }

    private func reason(_ json: String) -> String? {
        do throws(ReplayPlanError) {
            _ = try read(json)
            return nil
        } catch {
            return error.message
        }
    }

    // MARK: The plan

    @Test func aPlanIsReadAsItWasWritten() throws {
        let whole = ReplayPlan(seed: 5, settings: settings)
        #expect(try read(whole.json) == whole)
        var part = ReplayPlan(
            seed: 5, settings: settings, plannedFor: settings.duration, kept: [0, 2], planted: .mergeByMaximum)
        part.settings.duration = 2_500_000
        #expect(try read(part.json) == part)
    }

    @Test func aWholePlanIsTheSeed() {
        var direct = Simulation(seed: 5, settings: settings)
        var planned = ReplayPlan(seed: 5, settings: settings).simulation()
        direct.run()
        planned.run()
        #expect(direct.hash == planned.hash && direct.counts == planned.counts)
    }

    @Test func aPlanOfAllEpisodesIsTheSeed() {
        let whole = ReplayPlan(seed: 5, settings: settings)
        var listed = whole
        listed.kept = Array(whole.chosen.episodes.indices)
        #expect(listed.faults == whole.faults && !whole.chosen.episodes.isEmpty)
        var first = whole.simulation()
        var second = listed.simulation()
        first.run()
        second.run()
        #expect(first.hash == second.hash)
    }

    @Test func aShorterRunHasTheFaultsThatEndInIt() {
        let whole = ReplayPlan(seed: 5, settings: SimulationSettings(duration: 10_000_000))
        var shorter = whole
        shorter.settings.duration = 5_000_000
        #expect(shorter.chosen == whole.chosen)
        #expect(shorter.faults.episodes.allSatisfy { $0.end <= VirtualTime(seconds: 5) })
        #expect(shorter.effective.count == shorter.faults.episodes.count)
        #expect(shorter.effective.count < whole.effective.count)
        #expect(shorter.effective.map { whole.chosen.episodes[$0] } == shorter.faults.episodes)
    }

    private let valid = """
        {"format": 1, "seed": 5, "nodes": 4, "profile": "everything", "clients": 3, "duration": "4s", \
        "plannedFor": "4s", "episodes": [0, 1]}
        """

    @Test func aPlanThatMakesSenseIsRead() throws {
        #expect(try read(valid).kept == [0, 1])
    }

    @Test(
        arguments: [
            ("\"format\": 1", "\"format\": 2", "format 2"), ("\"seed\": 5, ", "", "no 'seed'"),
            ("\"seed\": 5", "\"seed\": -5", "negative"), ("\"nodes\": 4", "\"nodes\": 400", "400 nodes"),
            ("\"nodes\": 4", "\"nodes\": \"four\"", "'nodes' has the wrong type"),
            ("everything", "bad-luck", "no profile 'bad-luck'"), ("\"clients\": 3", "\"clients\": 0", "0 clients"),
            ("\"duration\": \"4s\"", "\"duration\": \"long\"", "'long' is no duration"),
            ("[0, 1]", "[1, 0]", "not ascending"), ("[0, 1]", "[0, 100000]", "not ascending"),
            ("[0, 1]", "[-1]", "not ascending"), ("[0, 1]", "[0, 0]", "not ascending"),
            ("[0, 1]", "[0, 1], \"planted\": \"bad-luck\"", "no fault 'bad-luck'"), ("}", "", "not JSON"),
        ])
    func aPlanThatMakesNoSenseIsExplained(part: String, replacement: String, expected: String) {
        let reason = reason(valid.replacing(part, with: replacement))
        #expect(reason?.contains(expected) == true, "\(reason ?? "it was read")")
    }

    @Test func aFileThatIsNotThereIsExplained() {
        let test = TestConsole()
        let replay = SimReplay.parseOrNil(["--plan", "/nonexistent/plan.json"])
        #expect(replay?.perform(test.console()) == .usage)
        #expect(test.errors.count == 1 && test.errors[0].contains("/nonexistent/plan.json cannot be read"))
    }

    // MARK: What is shown

    @Test func aReplayShowsTheLastLinesAndTheHash() throws {
        let test = TestConsole()
        let replay = try #require(SimReplay.parseOrNil(["--seed", "5", "--for", "2s", "--lines", "7"]))
        #expect(replay.perform(test.console()) == .success)
        let lines = test.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.firstIndex(of: "") == 7)
        var simulation = Simulation(seed: 5, settings: SimulationSettings(duration: 2_000_000))
        simulation.run()
        #expect(lines.contains("  hash \(simulation.hash)"))
    }

    @Test func aReplayForPrograms() throws {
        let test = TestConsole()
        let replay = try #require(SimReplay.parseOrNil(["--seed", "5", "--for", "2s", "--lines", "0", "--json"]))
        #expect(replay.perform(test.console()) == .success)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(test.output.utf8)) as? [String: Any])
        #expect((object["hash"] as? String)?.count == 32 && object["passed"] as? Bool == true)
        #expect((object["trace"] as? [String])?.isEmpty == true)
    }

    private let trace = [
        "0.1  client 1 → n1: put, blind of version-vectors/k1", "0.2  n1 → n2: replicate #1 t1/k1 {1:1} events [1:1]",
        "0.3  n1 → n2: replicate #2 t2/k1 {1:2} events [1:2]", "0.4  FAULT disk-lost n1",
        "0.5  n1 → n2: read #3 t1/k10",
        "0.6  VIOLATION P1: t9/k9",
    ]

    @Test func aKeyIsFoundUnderBothOfItsNames() {
        let expected = [trace[0], trace[1], trace[3], trace[5]]
        #expect(TraceFilter(limit: nil, key: "version-vectors/k1").lines(trace) == expected)
        #expect(TraceFilter(limit: nil, key: "t1/k1").lines(trace) == expected)
    }

    @Test func aShortNameIsThatOfSeveralKeysButNotOfLongerOnes() {
        #expect(
            TraceFilter(limit: nil, key: "k1").lines(trace)
                == trace.enumerated().filter { $0.offset != 4 }.map(\.element))
    }

    @Test func theLimitCountsWhatIsShown() {
        #expect(TraceFilter(limit: 2, key: "k10").lines(trace) == [trace[4], trace[5]])
        #expect(TraceFilter(limit: 2).lines(trace) == Array(trace.suffix(2)))
        #expect(TraceFilter(limit: 0).lines(trace).isEmpty && TraceFilter(limit: 0, key: "k1").capacity == 0)
        #expect(TraceFilter(limit: 2).capacity == 2 && TraceFilter(limit: 2, key: "k1").capacity > 1_000_000)
    }

    // MARK: Shrinking

    /// A promise that is broken at `time` if these episodes happen, there are enough clients and it takes long enough.
    private func shrunk(
        _ plan: ReplayPlan, needing episodes: [Int], clients: Int, time: UInt64, tries: Int = 1_000
    ) -> (plan: ReplayPlan, shrinker: PlanShrinker) {
        var shrinker = PlanShrinker(maximumTries: tries) { candidate in
            let happening = Set(candidate.effective)
            guard episodes.allSatisfy(happening.contains), candidate.settings.clients >= clients,
                candidate.settings.duration >= time
            else { return nil }
            return VirtualTime(microseconds: time)
        }
        let result = shrinker.shrink(plan, brokenAt: VirtualTime(microseconds: time))
        return (result, shrinker)
    }

    @Test func whatIsNotNeededIsTakenAway() throws {
        let plan = ReplayPlan(seed: 5, settings: SimulationSettings(profile: .network, duration: 10_000_000))
        let needed = try #require(plan.chosen.episodes.firstIndex { $0.end > VirtualTime(seconds: 2) })
        let end = plan.chosen.episodes[needed].end.microseconds
        let (smallest, shrinker) = shrunk(plan, needing: [needed], clients: 3, time: end)
        #expect(smallest.kept == [needed] && smallest.settings.clients == 3 && shrinker.isMinimal)
        #expect(smallest.settings.duration == SimulatedDuration(microseconds: end).microseconds)
        #expect(smallest.plannedFor == 10_000_000 && smallest.faults.episodes.count == 1)
        #expect(try read(smallest.json) == smallest)
    }

    @Test func aPromiseThatIsBrokenAnywayNeedsNoFault() {
        let plan = ReplayPlan(seed: 5, settings: SimulationSettings(profile: .network, duration: 10_000_000))
        let (smallest, _) = shrunk(plan, needing: [], clients: 1, time: 50)
        #expect(smallest.kept == [] && smallest.settings.clients == 1)
        #expect(smallest.settings.duration == SimulatedDuration.range.lowerBound)
    }

    @Test func triesAreBounded() {
        let plan = ReplayPlan(seed: 5, settings: SimulationSettings(profile: .network, duration: 10_000_000))
        let (_, shrinker) = shrunk(plan, needing: [0, 1, 2], clients: 8, time: 9_000_000, tries: 12)
        #expect(shrinker.tries == 12 && !shrinker.isMinimal)
    }
}

extension SimReplay {
    fileprivate static func parseOrNil(_ words: [String]) -> SimReplay? {
        (try? Sim.parseAsRoot(["replay"] + words)) as? SimReplay
    }
}
