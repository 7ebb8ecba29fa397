import ArgumentParser
import Foundation
import Testing

@testable import KindredCommand

/// `kindred sim scenario` as its users see it.
@Suite struct SimulationScenarioTests {
    private static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("IntegrationTests/scenarios")

    private static var files: [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted()
    }

    @Test func theCollectionIsThere() {
        #expect(Self.files.count >= 8)
    }

    @Test(arguments: files)
    func theCollectionComesOutAsItSays(file: String) throws {
        let (code, output, errors) = try run([Self.folder.appendingPathComponent(file).path])
        #expect(code == .success, "\(output)")
        #expect(errors.isEmpty)
        #expect(output.contains("none failed"))
        // Every scenario of the collection says what it expects of each of its strategies.
        #expect(!output.split(separator: "\n").contains { $0.hasPrefix("ran ") })
    }

    // MARK: Differences

    @Test func aDifferenceIsExplainedWithItsHistory() throws {
        let file = try TemporaryFile(
            """
            {"format": 1, "scenarios": [{"id": "X1", "title": "wrong", "replicas": ["A", "B"],
             "strategies": ["version-vectors", "lww"],
             "steps": [{"op": "put", "at": "A", "value": 1, "ctx": null, "as": "w"},
                       {"op": "get", "at": "A"}, {"op": "get", "at": "B"}],
             "expect": {"version-vectors": {"steps": {"1": {"status": "ok", "values": [2]}},
                                            "final": {"k": {"values": [1]}}}}}]}
            """)
        defer { file.remove() }
        let (code, output, _) = try run([file.path])
        #expect(code == .failure)
        #expect(output.contains("FAILED  X1 version-vectors  wrong"))
        #expect(output.contains("step 1: get at A\n      expected ok {2}\n      got      ok {1}"))
        #expect(output.contains("0  put 1 at A knowing nothing, called w: ok"))
        #expect(!output.contains("2  get at B"), "the history ends where it went wrong")
        #expect(output.contains("ran     X1 lww"), "nothing is expected of it")
        #expect(output.contains("2 ran, 1 failed"))
    }

    @Test func quietSaysOnlyWhatIsWrong() throws {
        let path = Self.folder.appendingPathComponent("messages.json").path
        let (code, output, errors) = try run(["--quiet", path])
        #expect(code == .success)
        #expect(output.isEmpty && errors.isEmpty)
    }

    @Test func aStrategyCanBeChosen() throws {
        let path = Self.folder.appendingPathComponent("messages.json").path
        let (_, output, _) = try run(["--strategy", "lww", path])
        #expect(output.contains(" lww "))
        #expect(!output.contains(" version-vectors "))
        #expect(throws: (any Error).self) { try SimScenario.parse(["--strategy", "newest", path]) }
    }

    @Test func dataTypesAreNotRunAndNoFailure() throws {
        let file = try TemporaryFile(
            """
            {"format": 1, "scenarios": [{"id": "C", "replicas": ["A"], "strategies": ["crdt"], "type": "counter",
             "steps": [{"op": "crdt", "at": "A", "do": "inc", "path": "", "arg": 2, "ctx": null}],
             "expect": {"crdt": {"steps": {}, "final": {"k": {"values": 2}}}}}]}
            """)
        defer { file.remove() }
        let (code, output, _) = try run([file.path])
        #expect(code == .success)
        #expect(output.contains("not run C crdt"))
        let (_, json, _) = try run(["--json", file.path])
        #expect(try JSONValue(canonical: json) == .object(["format": .integer(1), "results": .list([])]))
    }

    // MARK: Results

    @Test func resultsAreWrittenAsTheFormatSays() throws {
        let file = try TemporaryFile(
            """
            {"format": 1, "ignored": true, "scenarios": [{"id": "R", "replicas": ["A", "B"], "max_skew": 5,
             "strategies": ["immutable"], "tags": ["x"],
             "steps": [{"op": "put", "at": "A", "value": 1, "ctx": null},
                       {"op": "put", "at": "B", "value": 1.5, "ctx": null},
                       {"op": "exchange", "a": "A", "b": "B"}, {"op": "put", "at": "A", "value": 3, "ctx": null},
                       {"op": "prune", "at": "A"}, {"op": "get", "at": "A", "key": "l"}]}]}
            """)
        defer { file.remove() }
        let out = file.path + ".results"
        defer { try? FileManager.default.removeItem(atPath: out) }
        let (code, _, errors) = try run(["--out", out, "--quiet", file.path])
        #expect(code == .success && errors.isEmpty)
        let written = try JSONDecoder().decode(JSONValue.self, from: Data(contentsOf: URL(fileURLWithPath: out)))
        let expected = """
            {"format": 1, "results": [{"id": "R", "strategy": "immutable",
             "steps": {"0": {"status": "ok"}, "1": {"status": "ok"}, "2": {"status": "ok"},
                       "3": {"status": "rejected", "why": "exists"}, "5": {"status": "ok", "values": []}},
             "final": {"k": {"values": [1], "conflict": [1.5]}, "l": {"values": []}}}]}
            """
        #expect(written == (try JSONValue(canonical: expected)))
        let (_, json, _) = try run(["--json", file.path])
        #expect(try JSONValue(canonical: json) == written)
    }

    @Test func resultsThatCannotBeWrittenAreAFailure() throws {
        let path = Self.folder.appendingPathComponent("messages.json").path
        let (code, _, errors) = try run(["--quiet", "--out", "/nowhere/at/all.json", path])
        #expect(code == .failure)
        #expect(errors.count == 1)
    }

    private func run(_ words: [String]) throws -> (code: ExitCode, output: String, errors: [String]) {
        let command = try SimScenario.parse(words)
        let console = TestConsole()
        let code = command.perform(console.console())
        return (code, console.output, console.errors)
    }
}

/// A file for one test.
struct TemporaryFile {
    let path: String

    init(_ text: String) throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("scenario-\(UUID().uuidString).json").path
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }

    func remove() { try? FileManager.default.removeItem(atPath: path) }
}
