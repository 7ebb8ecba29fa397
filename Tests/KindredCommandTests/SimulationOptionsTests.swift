import ArgumentParser
import KindredModel
import KindredSimulator
import Testing

@testable import KindredCommand

/// What words after `kindred sim` mean.
@Suite struct SimulationOptionsTests {
    private func parsed<Command: ParsableCommand>(_ type: Command.Type, _ words: String...) throws -> Command {
        try #require(try Sim.parseAsRoot(words) as? Command)
    }

    /// What the parser says about a line that makes no sense; nil if it makes sense.
    private func complaint(_ words: [String]) -> String? {
        do {
            _ = try Sim.parseAsRoot(words)
            return nil
        } catch {
            return Sim.exitCode(for: error).rawValue == 64 ? Sim.message(for: error) : nil
        }
    }

    // MARK: Seeds

    @Test(arguments: [("7", 7, 7), ("1..5000", 1, 5_000), ("0..0", 0, 0)] as [(String, UInt64, UInt64)])
    func rangesOfSeedsHaveBothEnds(word: String, first: UInt64, last: UInt64) throws {
        let range = try SeedRange(argument: word)
        #expect(range.seeds == first...last)
        #expect(try SeedRange(argument: range.description) == range)
    }

    @Test(arguments: ["", "..", "1..", "..5", "1...5", "a..b", "-1..5", "1..2..3", "5..1", "9223372036854775808", "١"])
    func noRangesOfSeeds(word: String) throws {
        #expect(throws: ValidationError.self) { try SeedRange(argument: word) }
    }

    @Test func aBadRangeIsExplained() throws {
        #expect(try #require(complaint(["run", "--seeds", "5..1"])).contains("'5..1' is empty; the smaller seed"))
        #expect(try #require(complaint(["run", "--seeds", "x"])).contains("write 7, or 1..5000"))
    }

    // MARK: Durations

    @Test(
        arguments: [("500ms", 500_000), ("60s", 60_000_000), ("5m", 300_000_000), ("1h", 3_600_000_000)]
            as [(String, UInt64)])
    func durations(word: String, microseconds: UInt64) throws {
        #expect(try SimulatedDuration(argument: word).microseconds == microseconds)
    }

    @Test(arguments: ["", "5", "s", "5x", "-5s", "1.5s", "5 s", "0s", "99ms", "25h", "99999999999999999999h"])
    func noDurations(word: String) throws {
        #expect(throws: ValidationError.self) { try SimulatedDuration(argument: word) }
    }

    @Test(arguments: [100_000, 1_500_000, 60_000_000, 61_000_000, 3_600_000_000, 5_400_000_000] as [UInt64])
    func aDurationIsWrittenAsItIsRead(microseconds: UInt64) throws {
        let duration = SimulatedDuration(microseconds: microseconds)
        #expect(try SimulatedDuration(argument: duration.description) == duration)
        #expect(duration.microseconds == microseconds)
    }

    @Test func microsecondsAreRoundedUp() {
        #expect(SimulatedDuration(microseconds: 1_000_001).description == "1001ms")
    }

    // MARK: Settings

    @Test func withoutOptionsTheSettingsAreTheDefaults() throws {
        let run = try parsed(SimRun.self, "run")
        #expect(run.options.settings == SimulationSettings())
        #expect(run.options.isEmpty && run.seeds == SeedRange(1...100) && !run.keepGoing && !run.json)
    }

    @Test func optionsBecomeSettings() throws {
        let run = try parsed(
            SimRun.self, "run", "--nodes", "5", "--profile", "disk", "--for", "2m", "--clients", "3", "--seeds", "4..9",
            "--keep-going", "--jobs", "2")
        #expect(
            run.options.settings
                == SimulationSettings(nodes: 5, profile: .disk, duration: 120_000_000, clients: 3))
        #expect(run.seeds.seeds == 4...9 && run.keepGoing && run.jobs == 2)
    }

    @Test func fewNodesHaveFewReplicas() throws {
        #expect(try parsed(SimRun.self, "run", "--nodes", "2").options.settings.replicas == 2)
        #expect(try parsed(SimRun.self, "run", "--nodes", "9").options.settings.replicas == 3)
    }

    @Test(
        arguments: [
            ["run", "--nodes", "0"], ["run", "--nodes", "17"], ["run", "--clients", "0"], ["run", "--jobs", "0"],
            ["run", "--profile", "bad-luck"], ["run", "--for", "3 days"], ["run", "--plant", "bad-luck"],
            ["replay"], ["replay", "--seed", "1", "--plan", "p.json"], ["replay", "--seed", "-1"],
            ["replay", "--seed", "1", "--lines", "some"], ["replay", "--seed", "1", "--out", "p.json"],
            ["replay", "--plan", "p.json", "--nodes", "3"], ["replay", "--seed", "18446744073709551615"],
            ["replay", "--seed", "1", "--shrink", "--tries", "0"], ["planted", "--seeds", "0"],
            ["planted", "--fault", "bad-luck"], ["planted", "--json", "--markdown"], ["profiles", "calm"],
        ])
    func nonsenseIsAUsageError(words: [String]) {
        #expect(complaint(words) != nil)
    }

    @Test func linesAreANumberOrAll() throws {
        #expect(try parsed(SimReplay.self, "replay", "--seed", "1").lines.number == 200)
        #expect(try parsed(SimReplay.self, "replay", "--seed", "1", "--lines", "0").lines.number == 0)
        #expect(try parsed(SimReplay.self, "replay", "--seed", "1", "--lines", "all").lines.number == nil)
    }

    // MARK: Planted faults

    @Test func faultsAreNamedInWords() throws {
        #expect(PlantedFault.quorumOffByOne.name == "quorum-off-by-one")
        #expect(try PlantedFault(argument: "quorum-off-by-one") == .quorumOffByOne)
        #expect(try PlantedFault(argument: "quorumOffByOne") == .quorumOffByOne)
        #expect(Set(PlantedFault.allCases.map(\.name)).count == PlantedFault.allCases.count)
    }

    @Test(arguments: PlantedFault.allCases)
    func eachFaultIsTriedWithEachProfileOnce(fault: PlantedFault) {
        #expect(fault.profiles.count == FaultProfile.allCases.count)
        #expect(Set(fault.profiles) == Set(FaultProfile.allCases))
    }
}
