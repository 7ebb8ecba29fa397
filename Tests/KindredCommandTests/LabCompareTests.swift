import ArgumentParser
import Foundation
import KindredSimulator
import Testing

@testable import KindredCommand

/// `kindred lab compare`: what it takes, and what it says.
@Suite struct LabCompareTests {
    private static let small = ["lab", "compare", "--duration", "6s", "--partition", "2s", "--clients", "4"]

    private func run(_ words: [String]) throws -> TestConsole {
        let command = try #require(try Kindred.parseAsRoot(words) as? LabCompare)
        let console = TestConsole()
        #expect(command.perform(console.console()) == .success)
        return console
    }

    @Test("Every option reaches the settings")
    func options() throws {
        let words =
            "lab compare --clients 3 --replicas 5 --keys 7 --contention 80 --reads 10 --blind 20 --deletes 5 "
            + "--partition 0 --skew 1s --lag 50ms --duration 1m --quorum majority --seeds 2 --seed 9"
        let command = try #require(try Kindred.parseAsRoot(words.split(separator: " ").map(String.init)) as? LabCompare)
        #expect(
            command.options.settings
                == LabSettings(
                    clients: 3, replicas: 5, keys: 7, contention: 80, reads: 10, blind: 20, deletes: 5, partition: 0,
                    skew: 1_000, lag: 50, duration: 60_000_000, quorum: .majority, seed: 9))
        #expect(command.options.seeds == 2)
        let plain = try #require(try Kindred.parseAsRoot(["lab", "compare"]) as? LabCompare)
        #expect(plain.options.settings == LabSettings())
    }

    @Test(
        "What makes no sense is refused",
        arguments: [
            "--clients 0", "--replicas 8", "--keys 201", "--contention 101", "--partition 61s", "--skew 2m",
            "--lag 3s", "--duration 500ms", "--duration 5", "--lag -5ms", "--partition 99999999999999999999s",
            "--strategy paxos", "--seeds 0", "--strategy immutable --history wall-clock",
        ])
    func refused(words: String) {
        #expect(throws: (any Error).self) {
            _ = try Kindred.parseAsRoot(["lab", "compare"] + words.split(separator: " ").map(String.init))
        }
    }

    @Test("The tables have a row for each strategy, and the same options give the same bytes")
    func tables() throws {
        let words = Self.small + ["--strategy", "version-vectors", "--strategy", "wall-clock"]
        let console = try run(words)
        let lines = console.output.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("version-vectors ") } == 4)
        #expect(lines.count { $0.hasPrefix("  wall-clock ") } == 4)
        #expect(lines.contains { $0.hasPrefix("How wall-clock fails") })
        #expect(console.bytes == (try run(words)).bytes)
    }

    @Test("JSON has the counts, the sweep and the failure")
    func json() throws {
        let console = try run(Self.small + ["--strategy", "undotted-vectors", "--json"])
        let document = try #require(try JSONSerialization.jsonObject(with: Data(console.bytes)) as? [String: Any])
        let strategies = try #require(document["strategies"] as? [[String: Any]])
        let row = try #require(strategies.first)
        #expect(row["strategy"] as? String == "undotted-vectors")
        #expect((row["acknowledged"] as? Int ?? 0) > 0)
        #expect((row["clocks"] as? [[String: Any]])?.count == LabComparison.sweepSkews.count)
        let failure = try #require(row["failure"] as? [String: Any])
        #expect(failure["kind"] as? String == "lostSilently")
        #expect((failure["steps"] as? [[String: Any]] ?? []).count > 2)
    }

    @Test("A history is shown by itself; a strategy that does not fail says so")
    func history() throws {
        let failing = try run(Self.small + ["--history", "undotted-vectors"]).output
        #expect(failing.hasPrefix("How undotted-vectors fails"))
        #expect(failing.contains("nobody was told"))
        let sound = try run(Self.small + ["--history", "version-vectors"]).output
        #expect(sound.contains("does not fail"))
    }

    @Test("The page has the tables, charts and diagrams, and the same options give the same bytes")
    func page() throws {
        let path = FileManager.default.temporaryDirectory.path + "/kindred-lab-\(UUID().uuidString).html"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let words =
            Self.small + ["--strategy", "undotted-vectors", "--strategy", "last-write-wins", "--report", path]
        _ = try run(words)
        let page = try String(contentsOfFile: path, encoding: .utf8)
        #expect(page.contains("What clocks decide"))
        #expect(page.components(separatedBy: "class=\"stepper\"").count == 4)
        #expect(page.contains("nobody was told"))
        _ = try run(words)
        #expect(try String(contentsOfFile: path, encoding: .utf8) == page)
    }

    @Test("A page that cannot be written is a failure")
    func unwritable() throws {
        let words = Self.small + ["--history", "version-vectors", "--report", "/nowhere/at/all.html"]
        let command = try #require(try Kindred.parseAsRoot(words) as? LabCompare)
        let console = TestConsole()
        #expect(command.perform(console.console()) == .failure)
        #expect(console.errors.count == 1)
    }

    @Test("Quotients are rounded, and nothing is divided by nothing")
    func figures() {
        #expect(LabFigures.hundredths(5, 4) == "1.25")
        #expect(LabFigures.hundredths(401, 400) == "1.00")
        #expect(LabFigures.hundredths(1, 0) == "–")
        #expect(LabFigures.tenths(2, 3) == "0.7")
        #expect(LabFigures.percent(2, 3) == "67%")
        #expect(LabFigures.seconds(VirtualTime(milliseconds: 1_005)) == " 1.005s")
    }
}
