import ArgumentParser
import Foundation
import KindredReplication
import Testing

@testable import KindredCommand

/// Times, cursors and filters as people write them.
@Suite struct ConflictArgumentTests {
    @Test(
        "Times that are meant",
        arguments: [
            ("90s", 1_000_000_000_000 - 90_000), ("15m", 1_000_000_000_000 - 900_000),
            ("2h", 1_000_000_000_000 - 7_200_000), ("3d", 1_000_000_000_000 - 259_200_000),
            ("1w", 1_000_000_000_000 - 604_800_000), ("99999w", 0), ("1970-01-01", 0),
            ("2026-11-26", 1_795_651_200_000), ("2026-11-26T14:03", 1_795_701_780_000),
            ("2026-11-26T14:03:12", 1_795_701_792_000), ("2026-11-26 14:03:12.345", 1_795_701_792_345),
            ("2026-11-26T14:03:12Z", 1_795_701_792_000), ("2026-11-26T15:03:12+01:00", 1_795_701_792_000),
            ("2026-11-26t08:33-05:30", 1_795_701_780_000), ("2024-02-29", 1_709_164_800_000),
            ("2000-03-01", 951_868_800_000), ("9999-12-31", 253_402_214_400_000), ("1795701792000", 1_795_701_792_000),
        ] as [(String, UInt64)])
    func times(text: String, expected: UInt64) throws {
        let time = try #require(TimeArgument(argument: text))
        #expect(time.milliseconds(now: 1_000_000_000_000) == expected)
    }

    @Test("A date is the day that Foundation says")
    func calendar() throws {
        for day in stride(from: 0, to: 80_000, by: 97) {
            let date = Date(timeIntervalSince1970: Double(day) * 86_400)
            let text = date.formatted(.iso8601.year().month().day())
            #expect(TimeArgument(argument: text) == .at(milliseconds: UInt64(day) * 86_400_000), "\(text)")
        }
    }

    @Test(
        "Times that mean nothing",
        arguments: [
            "", "h", "2", "2x", "-2h", "2.5h", "12345678901h", "2026", "2026-11", "2026-13-01", "2026-00-01",
            "2026-11-31", "2026-11-00", "2023-02-29", "1900-02-29", "1969-12-31", "2026-11-26T", "2026-11-26T24:00",
            "2026-11-26T14:60", "2026-11-26T14:03:60", "2026-11-26T14:03:12.3", "2026-11-26T14:03+1",
            "2026-11-26T14:03ZZ",
            "2026-11-26X14:03", "1970-01-01T00:00+01:00", "99999999999", "1234567890123456", "2026-11-٢٦", "+2h",
        ])
    func noTimes(text: String) {
        #expect(TimeArgument(argument: text) == nil)
    }

    @Test("Whatever a name is made of, a query brings it there")
    func queries() {
        var query = QueryText()
        #expect(query.text == "")
        query.add("type", nil as String?)
        query.add("bucket", "a b&c=d/é~")
        query.add("key", [0, 0xFF, UInt8(ascii: "%"), UInt8(ascii: "+")])
        #expect(query.text == "?bucket=a%20b%26c%3Dd%2F%C3%A9~&key=%00%FF%25%2B")
    }

    @Test("A cursor file is replaced as a whole, and one that is none is refused")
    func cursorFile() throws {
        let path = FileManager.default.temporaryDirectory.path + "/kindred-cursor-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let file = CursorFile(path: path)
        #expect(try file.read() == nil)
        try file.write("AQID==")
        #expect(try file.read() == "AQID==")
        try file.write("Ag==")
        #expect(try file.read() == "Ag==")
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "Ag==\n")
        try Data().write(to: URL(filePath: path))
        #expect(try file.read() == nil)
        for nonsense in [Data("a b".utf8), Data("a\u{1B}".utf8), Data([0xFF]), Data(repeating: 65, count: 3 << 20)] {
            try nonsense.write(to: URL(filePath: path))
            #expect(throws: CommandFailure.self) { try file.read() }
        }
        #expect(throws: CommandFailure.self) { try CursorFile(path: path + "/nowhere/x").write("a") }
    }

    @Test(
        "What makes no sense is a usage error",
        arguments: [
            ["list", "--limit", "0"], ["list", "--limit", "1001"], ["list", "--since", "soon"], ["show"],
            ["watch", "--after", "a", "--cursor-file", "f"], ["watch", "--after", "a", "--from-beginning"],
            ["watch", "--after", "a\nb"], ["restore"], ["resolve", "b/k"], ["resolve", "--rule", "latest"],
            ["resolve", "b/k", "--all", "--rule", "latest"], ["resolve", "b/k", "--dry-run", "--rule", "latest"],
            ["resolve", "k", "--rule", "latest"], ["resolve", "b/k", "--rule", ""],
            ["resolve", "b/k", "--rule", "latest", "--keep", "1.2"], ["resolve", "b/k", "--keep", ""],
            ["resolve", "b/k", "--value", "a", "--value-file", "f"], ["resolve", "b/k", "--value-file", ""],
            ["resolve", "b/k", "--value", "a", "--delete"], ["resolve", "b/k", "--delete", "--content-type", "a/b"],
            ["resolve", "b/k", "--keep", "1.2", "--content-type", "a/b"], ["resolve", "b/k", "--delete", "--seen", ""],
            ["resolve", "--all", "--keep", "1.2"], ["resolve", "--all", "--value", "a"],
            ["resolve", "--all", "--value-file", "f"], ["resolve", "--all", "--delete"],
            ["resolve", "--all", "--rule", "latest", "--seen", "1.2"], ["resolve", "b/k", "--seen", "1.2,1.3"],
            ["restore", "1-1.1-lost", "--as", "a\nb"], ["restore", "1-1.1-lost", "--as", ""],
        ])
    func usage(words: [String]) {
        do {
            _ = try Kindred.parseAsRoot(["conflicts"] + words)
            Issue.record("\(words) was accepted")
        } catch {
            #expect(Kindred.exitCode(for: error).rawValue == 64)
        }
    }

    /// What a node is asked for beside the key, in JSON.
    private func wish(_ words: [String], input: String = "") throws -> String {
        let command = try Kindred.parseAsRoot(["conflicts", "resolve", "t/b/k"] + words)
        let resolution = try #require(command as? ConflictsResolve).resolution
        let console = TestConsole().console(input: Array(input.utf8))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = try encoder.encode(try resolution.wish(type: "t", bucket: "b", key: "k", console))
        return String(decoding: json, as: UTF8.self)
            .replacing(#""bucket":"b","#, with: "").replacing(#""key":"k","#, with: "").replacing(
                #""type":"t""#, with: "")
    }

    @Test("Each way of resolving is asked for by its name, and no other beside it")
    func ways() throws {
        #expect(try wish(["--rule", "latest"]) == #"{"rule":"latest",}"#)
        #expect(
            try wish(["--keep", "1.2", "--seen", "1.2, 1.3"]) == #"{"keep":"1.2","seen":["1.2","1.3"],}"#)
        #expect(
            try wish(["--value", "", "--content-type", "a/b"]) == #"{"content_type":"a/b",,"value":""}"#)
        #expect(try wish(["--delete"]) == #"{"delete":true,}"#)
        #expect(try wish(["--value-file", "-"], input: "é") == #"{,"value_base64":"w6k="}"#)
        let path = FileManager.default.temporaryDirectory.path + "/kindred-value-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try Data([0xFF]).write(to: URL(filePath: path))
        #expect(try wish(["--value-file", path]) == #"{,"value_base64":"/w=="}"#)
        #expect(throws: CommandFailure.self) { try wish(["--value-file", path + "-not-there"]) }
        // As long as no value is, without taking the disk for it.
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.truncate(atOffset: UInt64(Limits.objectMaximumBytes) + 1)
        try file.close()
        let refusal = #expect(throws: CommandFailure.self) { try wish(["--value-file", path]) }
        #expect(refusal?.message.contains("52,428,800") == true)
    }

    @Test("Without a subcommand it lists, and who writes is who is here")
    func defaults() throws {
        let command = try Kindred.parseAsRoot(["conflicts", "--state", "open", "--since", "2h"])
        #expect((command as? ConflictsList)?.state == "open")
        let writer = try WriterOptions.parse([])
        #expect(writer.client(["USER": "anna"]) == "anna")
        #expect(writer.client(["USER": "a\nb", "LOGNAME": "ben"]) == "ben")
        #expect(writer.client([:]) == "kindred")
        #expect(try WriterOptions.parse(["--as", "support"]).client(["USER": "anna"]) == "support")
    }
}
