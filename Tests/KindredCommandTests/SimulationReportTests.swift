import ArgumentParser
import Foundation
import KindredModel
import KindredReplication
import KindredSimulator
import Testing

@testable import KindredCommand

/// What is said about seeds that have run, and what the command ends with.
@Suite struct SimulationReportTests {
    private let plain = Style(isOn: false)

    private func outcome(_ seed: UInt64, _ kind: Violation.Kind? = nil) -> SeedOutcome {
        var counts = SimulationCounts()
        counts.requests = 1_000
        counts.checks = 10
        counts.simulated = 1_800_000_000
        counts.network.sent = 500
        counts.faults.count(.diskLost(NodeID(1)))
        return SeedOutcome(
            seed: seed, counts: counts,
            violation: kind.map {
                FoundViolation(seed: seed, kind: $0, time: VirtualTime(milliseconds: 1_500), text: "n1 forgot a write")
            })
    }

    private func report(_ outcomes: [SeedOutcome]) -> SimulationReport {
        var report = SimulationReport(
            seeds: SeedRange(1...300), settings: SimulationSettings(nodes: 5, profile: .disk, duration: 60_000_000))
        for outcome in outcomes { report.totals.add(outcome) }
        report.wallTime = 4
        return report
    }

    private func text(_ report: SimulationReport) -> String { report.lines(plain).joined(separator: "\n") }

    // MARK: Exit codes

    @Test func theExitCodeIsThatOfTheWorstViolation() {
        #expect(ExitCode.forViolations([]) == .success)
        #expect(ExitCode.forViolations([.liveness, .noConvergence]).rawValue == 2)
        #expect(ExitCode.forViolations([.liveness, .lostWrite]).rawValue == 1)
        for kind in Violation.Kind.allCases {
            #expect(ExitCode.forViolations([kind]).rawValue == (kind.isLiveness ? 2 : 1))
        }
    }

    @Test func anInterruptionCountsForLessThanAViolation() {
        var clean = report([outcome(1)])
        #expect(clean.exitCode == .success)
        clean.isInterrupted = true
        #expect(clean.exitCode.rawValue == 130)
        var broken = report([outcome(1, .lostWrite)])
        broken.isInterrupted = true
        #expect(broken.exitCode.rawValue == 1)
    }

    // MARK: Totals

    @Test func countsAreAdded() {
        let report = report([outcome(1), outcome(2), outcome(3)])
        #expect(report.totals.seeds == 3 && report.totals.counts.requests == 3_000 && report.totals.counts.checks == 30)
        #expect(report.totals.counts.network.sent == 1_500 && report.totals.counts.faults[.diskLost] == 3)
        #expect(report.totals.counts.simulated == 5_400_000_000)
    }

    @Test func everyCountIsAddedAndReported() {
        // Each count of a run that has everything has to show in the totals of two such runs.
        var simulation = Simulation(seed: 3, settings: SimulationSettings(duration: 5_000_000))
        simulation.run()
        var doubled = simulation.counts
        doubled.add(simulation.counts)
        let once = Mirror(reflecting: simulation.counts).children.compactMap { $0.value as? Int }
        let twice = Mirror(reflecting: doubled).children.compactMap { $0.value as? Int }
        #expect(twice == once.map { $0 * 2 } && once.contains { $0 > 0 })
        let network = Mirror(reflecting: simulation.counts.network).children.compactMap { $0.value as? Int }
        let networkTwice = Mirror(reflecting: doubled.network).children.compactMap { $0.value as? Int }
        #expect(networkTwice == network.map { $0 * 2 })
        var totals = SimulationTotals()
        totals.add(SeedOutcome(simulation))
        // The simulated time and the faults have places of their own; so have the checks.
        #expect(totals.sections.flatMap(\.entries).count == once.count - 1 + network.count)
    }

    @Test func violationsAreSortedBySeedAndCountedByKind() {
        let report = report([outcome(9, .liveness), outcome(2, .lostWrite), outcome(4), outcome(5, .liveness)])
        #expect(report.totals.violations.map(\.seed) == [2, 5, 9])
        #expect(report.totals.kinds.map(\.kind) == [.lostWrite, .liveness])
        #expect(report.totals.kinds.map(\.count) == [1, 2] && report.totals.violationCount == 3)
    }

    @Test func onlySoManyViolationsAreKept() {
        var totals = SimulationTotals()
        let most = SimulationTotals.keptViolations
        for seed in (1...UInt64(most + 5)).reversed() { totals.add(outcome(seed, .digest)) }
        #expect(totals.violations.map(\.seed) == Array(1...UInt64(most)) && totals.violationCount == most + 5)
    }

    // MARK: The report

    @Test func aReportSaysWhatWasDone() {
        let text = text(report([outcome(1), outcome(2)]))
        #expect(text.hasPrefix("2 seeds of 1..300: profile disk, 5 nodes, 8 clients, 1m each\n1.0 h simulated in 4.0s"))
        #expect(text.contains("  sent by clients            2,000\n"))
        #expect(text.contains("No promise was broken."))
    }

    @Test func aFaultThatDidNotHappenIsMarked() {
        let lines = report([outcome(1)]).lines(plain)
        for kind in FaultKind.allCases {
            let line = lines.first { $0.hasPrefix("  \(kind.rawValue) ") }
            #expect((line == nil) == kind.isRelief)
            if let line { #expect(line.hasSuffix("did not happen") == (kind != .diskLost)) }
        }
    }

    @Test func aViolationComesWithTheCommandThatReplaysIt() throws {
        let report = report([outcome(17, .lostWrite)])
        let command = "kindred sim replay --seed 17 --nodes 5 --profile disk --for 1m --clients 8"
        #expect(
            text(report).hasSuffix(
                """
                VIOLATION  P1 no lost acknowledgement
                  seed 17, after 1.500000 simulated seconds
                  n1 forgot a write
                  replay with: \(command)
                """))
        let words = command.split(separator: " ").dropFirst(2).map(String.init)
        let replay = try #require(try Sim.parseAsRoot(words) as? SimReplay)
        #expect(replay.seed == 17 && replay.options.settings == report.settings)
    }

    @Test func aPlantedFaultIsPartOfTheReplay() {
        let report = SimulationReport(
            seeds: SeedRange(1...2), settings: SimulationSettings(), planted: .mergeByMaximum)
        #expect(report.replay(1).hasSuffix("--clients 8 --plant merge-by-maximum"))
    }

    @Test func manyViolationsAreNotAllShown() {
        let lines = report((1...25).map { outcome($0, .digest) }).lines(plain)
        #expect(lines.count { $0.hasPrefix("VIOLATION") } == 20)
        #expect(lines.last == "… and 5 other seeds; --json has them.")
    }

    @Test func theReportAsJSON() throws {
        let text = JSONText.encode(report([outcome(1), outcome(17, .liveness)]).json)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["seedsRun"] as? Int == 2 && object["passed"] as? Bool == false)
        #expect((object["requests"] as? [String: Int])?["requests"] == 2_000)
        #expect((object["faults"] as? [String: Int])?["disk-lost"] == 2)
        #expect((object["faults"] as? [String: Int])?["lying-sync"] == 0)
        let violation = try #require((object["violations"] as? [[String: Any]])?.first)
        #expect(violation["seed"] as? Int == 17 && violation["liveness"] as? Bool == true)
        #expect((violation["replay"] as? String)?.hasPrefix("kindred sim replay --seed 17 ") == true)
    }
}
