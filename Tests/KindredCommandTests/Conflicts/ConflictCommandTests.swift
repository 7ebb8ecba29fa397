import ArgumentParser
import Foundation
import KindredServer
import Synchronization
import Testing

@testable import KindredCommand

/// The commands against a node that a test makes up.
@Suite struct ConflictCommandTests {
    private func run(_ words: [String], at node: FakeNode, _ console: TestConsole) async throws -> Int32 {
        let command = try Kindred.parseAsRoot(words + ["--node", node.url]) as? any ConflictCommand
        return await (try #require(command)).perform(console.console()).rawValue
    }

    @Test("A list goes through all pages, and ends where the node names no other")
    func paging() async throws {
        let node = try await FakeNode.start { line, _ in
            .text(
                line.contains("before=p2")
                    ? ConflictFixtures.page([ConflictFixtures.json(id: "3-1.3-lost")])
                    : ConflictFixtures.page(
                        [ConflictFixtures.json(id: "3-1.\(line.contains("p1") ? 2 : 1)-lost")],
                        next: line.contains("p1") ? "p2" : "p1"))
        }
        let console = TestConsole()
        #expect(try await run(["conflicts", "--all", "--state", "open", "--bucket", "a&b"], at: node, console) == 0)
        #expect(
            node.lines == [
                "GET /kindred/v1/conflicts?bucket=a%26b&state=open&limit=1000",
                "GET /kindred/v1/conflicts?bucket=a%26b&state=open&limit=1000&before=p1",
                "GET /kindred/v1/conflicts?bucket=a%26b&state=open&limit=1000&before=p2",
            ])
        #expect(console.output.split(separator: "\n").count == 4)
        let short = TestConsole()
        #expect(try await run(["conflicts", "list", "--limit", "1"], at: node, short) == 0)
        #expect(short.output.contains("--before p1"))
        try await node.stop()
    }

    @Test("Bulk resolution asks for each key once, counts what came of it, and ends with 1 if a key failed")
    func bulk() async throws {
        let page = ConflictFixtures.page([
            ConflictFixtures.json(key: "a"), ConflictFixtures.json(key: "a"), ConflictFixtures.json(key: "b"),
            ConflictFixtures.json(key: "c"),
        ])
        let node = try await FakeNode.start { line, before in
            switch (line.hasPrefix("GET"), before) {
            case (true, _): .text(page)
            case (false, 2): .refusal("not mergeable")
            case (false, 3): .text(#"{"values":1,"written":false}"#)
            default: .text(#"{"dot":"1.9","values":1,"written":true}"#)
            }
        }
        let console = TestConsole()
        let words = ["conflicts", "resolve", "--all", "--type", "t", "--rule", "latest"]
        #expect(try await run(words, at: node, console) == 64, "nobody can be asked")
        #expect(node.requests.isEmpty)
        #expect(try await run(words + ["--yes"], at: node, console) == 1)
        #expect(node.requests.map(\.body).dropFirst().filter { $0.contains("\"key\":\"a\"") }.count == 1)
        #expect(node.requests.count == 4)
        #expect(console.output.contains("1 key resolved, 1 had no siblings any more, 1 failed."))
        #expect(console.errors.last == "kindred: default/carts/b: not mergeable")
        try await node.stop()
    }

    @Test("A rule that the node does not know ends bulk resolution at once")
    func unknownRule() async throws {
        let page = ConflictFixtures.page([ConflictFixtures.json(key: "a"), ConflictFixtures.json(key: "b")])
        let node = try await FakeNode.start { line, _ in
            line.hasPrefix("GET") ? .text(page) : .text(#"{"error":"no rule 'x'; there are: latest"}"#, status: 400)
        }
        let console = TestConsole()
        let words = ["conflicts", "resolve", "--all", "--rule", "x", "--yes"]
        #expect(try await run(words, at: node, console) == 64)
        #expect(node.requests.count == 2)
        #expect(console.errors == ["kindred: no rule 'x'; there are: latest"])
        try await node.stop()
    }

    @Test("A key is resolved as somebody says, and who has looked at other siblings is told so")
    func choosing() async throws {
        let node = try await FakeNode.start { _, before in
            switch before {
            case 0: .text(#"{"dot":"1.9","values":1,"written":true}"#)
            case 1: .refusal("1.2 is none of the siblings: the key has 1.3, 1.4 now. Nothing was written.")
            case 2: .text(#"{"values":0,"written":true}"#)
            case 3: .text(#"{"values":1,"written":true}"#)
            default: .text(#"{"values":1,"written":false}"#)
            }
        }
        let (said, key) = (TestConsole(), ["conflicts", "resolve", "siblings/carts/anna"])
        #expect(try await run(key + ["--value", "milk", "--seen", "1.2,1.3"], at: node, said) == 0)
        let sent = try #require(node.requests.last).body
        #expect(sent.contains(#""value":"milk""#) && sent.contains(#""seen":["1.2","1.3"]"#) && !sent.contains("rule"))
        #expect(try await run(key + ["--keep", "1.2"], at: node, said) == 1)
        for _ in 0..<3 { #expect(try await run(key + ["--delete"], at: node, said) == 0) }
        #expect(
            said.output.split(separator: "\n") == [
                "siblings/carts/anna resolved as 1.9.", "siblings/carts/anna deleted.",
                "siblings/carts/anna deleted. The key has a value that was written meanwhile.",
                "siblings/carts/anna has no siblings: nothing was written.",
            ])
        #expect(
            said.errors == ["kindred: 1.2 is none of the siblings: the key has 1.3, 1.4 now. Nothing was written."])
        try await node.stop()
    }

    // MARK: Following

    private static func stream(_ text: String) -> FakeNode.Reply {
        .bytes(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
    }

    private static func event(_ id: String) -> String {
        let json = ConflictFixtures.json(id: id).replacing("\n", with: "")
        return "event: conflict\ndata: \(json)\n\n"
    }

    @Test("A reader that lost its node goes on behind the last cursor, and tells what it is told again only once")
    func reconnecting() async throws {
        let node = try await FakeNode.start { _, before in
            switch before {
            case 0: Self.stream("retry: 100\nid: c0\n\n" + Self.event("a") + "id: c1\n\n" + Self.event("b"))
            case 1: .close
            case 2: Self.stream("retry: 100\nid: c1\n\n" + Self.event("b") + Self.event("c") + "id: c2\n\n")
            default: .text(#"{"error":"not a cursor of this cluster"}"#, status: 400)
            }
        }
        let url = try #require(NodeURL(node.url))
        let told = Mutex<[String]>([])
        let failure = await #expect(throws: CommandFailure.self) {
            try await ConflictClient.with([url], timeout: .seconds(10)) { client in
                var reader = ConflictFeedReader(client.http, QueryText(), from: .beginning)
                try await reader.run { news in
                    switch news {
                    case .conflict(_, let report): told.withLock { $0.append(report.id) }
                    case .cursor(let cursor): told.withLock { $0.append(cursor) }
                    case .remark: break
                    }
                }
            }
        }
        #expect(failure?.message == "not a cursor of this cluster")
        #expect(told.withLock { $0 } == ["c0", "a", "c1", "b", "c1", "c", "c2"])
        #expect(node.lines.first == "GET /kindred/v1/conflicts/feed?from=beginning")
        #expect(node.lines.dropFirst().allSatisfy { $0 == "GET /kindred/v1/conflicts/feed" })
        try await node.stop()
    }

    private struct Stop: Error {}

    /// Follows a node until a feed has begun.
    ///
    /// - Returns: what was told to people until then, and how long that took.
    private func remarks(of node: FakeNode) async throws -> (remarks: [String], time: Duration) {
        let url = try #require(NodeURL(node.url))
        let told = Mutex<[String]>([])
        let begun = ContinuousClock.now
        await #expect(throws: Stop.self) {
            try await ConflictClient.with([url], timeout: .seconds(10)) { client in
                var reader = ConflictFeedReader(client.http, QueryText(), from: .now)
                try await reader.run { news in
                    switch news {
                    case .remark(let text): told.withLock { $0.append(text) }
                    case .cursor, .conflict: throw Stop()
                    }
                }
            }
        }
        return (told.withLock { $0 }, .now - begun)
    }

    @Test("A feed that ends before it began is tried again after a pause, and its reason is told once")
    func endBeforeTheBeginning() async throws {
        let node = try await FakeNode.start { _, before in
            before < 3
                ? Self.stream("retry: 100\nevent: failure\ndata: too many follow\n\n") : Self.stream("id: c0\n\n")
        }
        let (remarks, time) = try await remarks(of: node)
        #expect(remarks == ["\(node.url): too many follow; connecting again"])
        #expect(node.requests.count == 4)
        #expect(time >= .milliseconds(300), "it paused after each of the three")
        try await node.stop()
    }

    @Test(
        "An error of the server passes, whoever words it",
        arguments: [(#"{"error":"too many read"}"#, "too many read"), ("<html>", "it answers 502, but not as a node")])
    func serverError(body: String, reason: String) async throws {
        let node = try await FakeNode.start { _, before in
            before == 0 ? .text(body, status: 502) : Self.stream("id: c0\n\n")
        }
        let (remarks, _) = try await remarks(of: node)
        #expect(remarks.count == 1 && remarks.allSatisfy { $0.contains(reason) }, "\(remarks)")
        try await node.stop()
    }

    @Test(
        "What is wrong with a request is told in the node's words, whatever the status",
        arguments: [400, 404, 410, 500])
    func words(status: Int) async throws {
        let node = try await FakeNode.start { _, _ in .text(#"{"error":"no such type"}"#, status: status) }
        let console = TestConsole()
        #expect(try await run(["conflicts", "list"], at: node, console) != 0)
        if status < 500 { #expect(try await run(["conflicts", "watch"], at: node, console) != 0) }
        #expect(Set(console.errors) == ["kindred: no such type"])
        try await node.stop()
    }

    @Test("A node that was never there is no reason to wait")
    func unreachable() async throws {
        let console = TestConsole()
        let command = try Kindred.parseAsRoot(["conflicts", "watch", "--node", "http://127.0.0.1:1"])
        let code = await (try #require(command as? any ConflictCommand)).perform(console.console())
        #expect(code.rawValue == 69)
    }
}
