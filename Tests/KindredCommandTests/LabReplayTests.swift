import ArgumentParser
import Foundation
import KindredNode
import Testing

@testable import KindredCommand

/// `kindred lab record`, `kindred lab replay` and `kindred advise`, from lines to figures.
@Suite struct LabReplayTests {
    /// Two updates of the same value, of which last-write-wins loses one.
    private static let lines = [
        #"{"line":"header","format":1,"nodes":["n"],"started":1000,"hashesKeys":false,"values":"sizes","reads":false}"#,
        write(1, #""seen":{"upTo":[]},"hasContext":false,"found":[]"#),
        write(2, #""seen":{"upTo":["1:1"]},"hasContext":true,"found":["1:1"]"#),
        #"{"line":"alive"}"#,
        write(3, #""seen":{"upTo":["1:1"]},"hasContext":true,"found":["1:2"]"#),
        #"{"line":"end","at":9000}"#,
    ]

    private static func write(_ number: Int, _ rest: String) -> String {
        #"{"line":"write","node":"n","number":\#(number),"at":\#(1_000 + number),"partition":0,"strategy":"#
            + #""last-write-wins","operation":"put","outcome":"applied","dot":"1:\#(number)","timestamp":"#
            + #"\#((1_000 + number) << 16),"digest":"d\#(number)","bytes":1,"#
            + #""name":{"type":"default","bucket":"b","key":"k"},"# + rest + "}"
    }

    private func file(_ lines: [String] = lines, end: String = "\n") throws -> String {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).jsonl").path
        try Data((lines.joined(separator: "\n") + end).utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    private func replay(_ words: [String]) throws -> (code: Int32, console: TestConsole) {
        let console = TestConsole()
        let command = try #require(try Kindred.parseAsRoot(["lab", "replay"] + words) as? LabReplay)
        return (command.perform(console.console()).rawValue, console)
    }

    private struct Figures: Decodable {
        struct Strategy: Decodable {
            var strategy: String
            var lost: Int
            var merges: Int
            var refused: [String: Int]
        }
        var writes: Int
        var milliseconds: Int
        var strategies: [Strategy]
    }

    @Test("A replay tells for each strategy what it would have lost, refused and left to merge")
    func figures() throws {
        let (code, console) = try replay([try file(), "--json"])
        #expect(code == 0)
        let figures = try JSONDecoder().decode(Figures.self, from: Data(console.bytes))
        #expect(figures.writes == 3 && figures.milliseconds == 8_000)
        #expect(figures.strategies.map(\.lost) == [0, 1, 0, 0])
        #expect(figures.strategies.map(\.merges) == [1, 0, 0, 1])
        #expect(figures.strategies[2].refused == ["exists": 2])
    }

    @Test("Only the strategies that are asked for are replayed, each once, and people are told the limits")
    func strategies() throws {
        let words = ["--strategy", "last-write-wins", "--strategy", "last-write-wins"]
        let (code, console) = try replay([try file()] + words)
        #expect(code == 0 && !console.output.contains("version-vectors"))
        #expect(console.output.contains("they might have acted differently"))
        #expect(throws: (any Error).self) { try Kindred.parseAsRoot(["lab", "replay", "f", "--strategy", "newest"]) }
    }

    @Test("The page has the figures, the keys' names only in escaped form, and says where it is")
    func page() throws {
        var lines = Self.lines
        for index in lines.indices { lines[index] = lines[index].replacing(#""k""#, with: #""<script>""#) }
        let page = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).html").path
        let (code, console) = try replay([try file(lines), "--report", page])
        #expect(code == 0 && console.errors.contains { $0.contains(page) })
        let html = try String(contentsOfFile: page, encoding: .utf8)
        #expect(html.contains("&lt;script&gt;") && html.contains("they might have acted differently"))
    }

    @Test("The chart of puts has the refused puts, and leaves out refused deletes")
    func chartOfPuts() throws {
        func page(_ lines: [String]) throws -> String {
            let page = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).html").path
            #expect(try replay([try file(lines), "--report", page]).code == 0)
            return try String(contentsOfFile: page, encoding: .utf8)
        }
        #expect(try page(Self.lines).contains("immutable\n2 refused"))
        var lines = Self.lines
        lines[4] = lines[4].replacing(#""operation":"put""#, with: #""operation":"delete""#)
        #expect(try page(lines).contains("immutable\n1 refused"))
    }

    @Test("A recording that was cut off in the middle of a line is good up to there")
    func cutOff() throws {
        let (code, console) = try replay([try file(Self.lines.dropLast() + [#"{"line":"wri"#], end: ""), "--json"])
        #expect(code == 0)
        #expect(try JSONDecoder().decode(Figures.self, from: Data(console.bytes)).writes == 3)
    }

    @Test("Numbers without measure in a recording do no harm")
    func extremes() throws {
        let largest = "\(UInt64.max)"
        let lines = [
            Self.lines[0], #"{"line":"dropped","node":"n","dropped":\#(largest)}"#,
            #"{"line":"dropped","node":"n","dropped":\#(largest)}"#, #"{"line":"end","at":\#(largest)}"#,
            Self.lines[1].replacing(#""at":1001"#, with: #""at":\#(largest)"#),
            Self.lines[2].replacing(#""timestamp":\#(1_002 << 16)"#, with: #""timestamp":\#(largest)"#),
            Self.lines[4].replacing(#""number":3"#, with: #""number":\#(largest)"#),
        ]
        let path = try file(lines)
        #expect(try replay([path]).code == 0 && replay([path, "--json", "--lag", "86400000"]).code == 0)
    }

    @Test(
        "What is no recording is refused with the line's number",
        arguments: [
            (["no json"], "line 1"), ([lines[1]], "no header"), ([lines[0], "{}"], "line 2"), ([lines[0]], "no writes"),
            ([lines[0].replacing(#""format":1"#, with: #""format":2"#)], "format 2"),
            ([lines[0], lines[1].replacing(#""dot":"1:1""#, with: #""dot":"1""#)], "dot"),
            ([lines[0], lines[1].replacing("last-write-wins", with: #"\u001b]0;x\u0007\u001b[2J"#)], "unknown word"),
        ])
    func nonsense(lines: [String], complaint: String) throws {
        let (code, console) = try replay([try file(lines)])
        #expect(code == 1 && console.errors.contains { $0.contains(complaint) }, "\(console.errors)")
    }

    @Test("Lines are put together from pieces of any size, and none may be too long")
    func splitting() throws {
        for size in 1...7 {
            var splitter = LineSplitter(limit: 5)
            var lines: [String] = []
            let bytes = Array("ab\n\ncdefg\nh\n".utf8)
            for start in stride(from: 0, to: bytes.count, by: size) {
                for line in try splitter.add(bytes[start..<min(start + size, bytes.count)]) {
                    lines.append(String(decoding: line, as: UTF8.self))
                }
            }
            #expect(lines == ["ab", "cdefg", "h"])
        }
        var splitter = LineSplitter(limit: 5)
        #expect(throws: CommandFailure.self) { try splitter.add(Array("abcdef".utf8)) }
    }

    // MARK: Nodes

    private func node(_ lines: [String] = lines) async throws -> FakeNode {
        try await FakeNode.start { line, _ in
            if line.hasPrefix("GET /kindred/v1/lab/record") { return .text(lines.joined(separator: "\n") + "\n") }
            if line.hasPrefix("GET /kindred/v1/conflicts/counts") {
                let count =
                    #"{"kind":"lost","count":4,"type":"default","bucket":"b","day":"2026-01-01","strategy":"x"}"#
                return .text(#"{"counts":[\#(count)]}"#)
            }
            return .refusal("this node is not of a cluster")
        }
    }

    @Test("A recording goes into a file that only its owner can read, and into a replay")
    func record() async throws {
        let node = try await node()
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID()).jsonl").path
        let console = TestConsole()
        let words = ["--node", node.url, "--type", "default", "--bucket", "b/c", "--for", "5s", "--out", path]
        let command = try #require(try Kindred.parseAsRoot(["lab", "record"] + words) as? LabRecording)
        #expect(await command.perform(console.console()).rawValue == 0)
        try await node.stop()
        let request = try #require(node.requests.last?.line)
        #expect(request.contains("type=default&bucket=b%2Fc") && request.contains("seconds=5"))
        #expect(console.errors.contains { $0.contains("recorded 3 writes of 1 key, at 1 node") })
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(try replay([path]).code == 0)
    }

    @Test("A recording that ends before its time is an error")
    func ended() async throws {
        let node = try await node(Array(Self.lines.dropLast()))
        let console = TestConsole()
        let command = try #require(
            try Kindred.parseAsRoot(["lab", "record", "--node", node.url, "--for", "5s"]) as? LabRecording)
        let code = await command.perform(console.console()).rawValue
        try await node.stop()
        #expect(code == 69 && console.errors.contains { $0.contains("before its time") }, "\(console.errors)")
        #expect(console.output.split(separator: "\n").count == 4)
    }

    @Test("Advice comes from a recording that is made, with what the conflict log says")
    func advise() async throws {
        let node = try await node()
        let console = TestConsole()
        let command = try #require(
            try Kindred.parseAsRoot(["advise", "default/b", "--node", node.url, "--watch", "5s"]) as? Advise)
        #expect(await command.perform(console.console()).rawValue == 0)
        try await node.stop()
        #expect(console.output.contains("use version vectors") && console.output.contains("confidence: low"))
        #expect(console.output.contains("lost 4"))
    }

    @Test("Advice from a file asks no node, and takes nothing but the bucket's writes into account")
    func adviseFromFile() async throws {
        let console = TestConsole()
        let words = ["advise", "default/other", "--from", try file(), "--json"]
        let command = try #require(try Kindred.parseAsRoot(words) as? Advise)
        #expect(await command.perform(console.console()).rawValue == 0)
        #expect(console.output.contains(#""rule":"too-little-data""#) && console.errors.isEmpty)
    }

    @Test("Command lines that make no sense are refused")
    func arguments() {
        for words in [
            ["lab", "record", "--bucket", "b"], ["lab", "record", "--values", "some"], ["lab", "record", "--json"],
            ["lab", "replay"], ["lab", "replay", "f", "--lag", "99999999999"], ["advise"],
            ["advise", "b", "--from", "f", "--watch", "5s"],
        ] {
            #expect(throws: (any Error).self) { _ = try Kindred.parseAsRoot(words) }
        }
    }
}
