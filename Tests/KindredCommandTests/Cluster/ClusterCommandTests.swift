import ArgumentParser
import Foundation
import KindredNode
import Synchronization
import Testing

@testable import KindredCommand

/// `kindred cluster` against a node that answers what it is told to: what is asked, what is written, and what it ends with.
@Suite struct ClusterCommandTests {
    private func run(
        _ words: [String], _ respond: @escaping @Sendable (_ line: String, _ before: Int) -> FakeNode.Reply
    ) async throws -> (code: Int32, output: String, errors: [String], node: FakeNode) {
        let node = try await FakeNode.start(respond)
        let console = TestConsole()
        let code = try await perform(words, at: node.url, console)
        try await node.stop()
        return (code, console.output, console.errors, node)
    }

    private func perform(_ words: [String], at urls: String, _ console: TestConsole) async throws -> Int32 {
        let parsed = try Kindred.parseAsRoot(["cluster"] + words + ["--node", urls])
        let command = try #require(parsed as? any ClusterCommand)
        return await command.perform(console.console()).rawValue
    }

    // MARK: Questions

    @Test("JSON is what the node has answered, word for word")
    func json() async throws {
        let report = try JSONEncoder().encode(MadeUp.report())
        let text = String(decoding: report, as: UTF8.self)
        let result = try await run(["members", "--json"]) { _, _ in .text(text) }
        #expect(result.code == 0 && result.output == text + "\n" && result.node.lines == ["GET "])
    }

    @Test("A cluster that is well ends status with 0, one that is not with 1")
    func status() async throws {
        // A single node, which is the one that is asked.
        var report = MadeUp.report(
            nodes: [MadeUp.node("a", reachable: nil, replicas: 2)],
            partitions: (0..<2).map { MadeUp.partition($0, ["a"]) })
        let well = try await run(["status"]) { [report] _, _ in .json(report) }
        #expect(well.code == 0 && well.output.hasPrefix("cluster shop, as a sees it: OK\n"))
        report.warnings = ["b cannot be reached from a"]
        let ill = try await run(["status", "--json"]) { [report] _, _ in .json(report) }
        #expect(ill.code == 1 && ill.errors.isEmpty)
        let document = try #require(try JSONSerialization.jsonObject(with: Data(ill.output.utf8)) as? [String: Any])
        #expect(document["healthy"] as? Bool == false)
        #expect((document["health"] as? [String: Any])?["warnings"] as? [String] == report.warnings)
    }

    @Test("A partition that does not exist is an error")
    func noPartition() async throws {
        let result = try await run(["partitions", "--partition", "9"]) { _, _ in .json(MadeUp.report()) }
        #expect(result.code == 1 && result.errors == ["kindred: there is no partition 9: they are 0 to 3"])
    }

    // MARK: Changes

    @Test(
        "What is staged is asked for in the node's words",
        arguments: [
            (["join", "d"], #"{"change":"join","node":"d"}"#), (["leave", "b"], #"{"change":"leave","node":"b"}"#),
            (["replace", "b", "d"], #"{"change":"replace","node":"b","with":"d"}"#),
            (["reweigh", "a", "2"], #"{"change":"reweigh","node":"a","weight":2}"#),
        ])
    func staging(words: [String], body: String) async throws {
        let result = try await run(words) { line, _ in
            line == "POST /staged" ? .done : .json(MadeUp.report(staged: ["d joins"]))
        }
        #expect(result.code == 0 && result.node.lines == ["POST /staged", "GET "])
        let sent = try JSONSerialization.jsonObject(with: Data(result.node.requests[0].body.utf8)) as? NSDictionary
        #expect(sent == (try JSONSerialization.jsonObject(with: Data(body.utf8)) as? NSDictionary))
        #expect(result.output.hasPrefix("Staged, and not done yet:\n  d joins\n"))
    }

    @Test("Without a terminal nothing is committed, lost or even asked unless --yes says so")
    func nobodyToAsk() async throws {
        for words in [["commit"], ["lost", "b"], ["commit", "--json"]] {
            let result = try await run(words) { _, _ in .json(MadeUp.report()) }
            #expect(result.code == 64 && result.node.requests.isEmpty && result.output.isEmpty)
            #expect(result.errors == ["kindred: nobody can be asked here whether to do it: say so with --yes"])
        }
    }

    private static func planning(_ line: String, plan: PlanReport = MadeUp.plan()) -> FakeNode.Reply {
        switch line {
        case "GET /plan": .json(plan)
        case "GET ": .json(MadeUp.report(nodes: MadeUp.fourNodes))
        default: .done
        }
    }

    @Test("A commit is for the epoch of the plan that was shown")
    func commit() async throws {
        let result = try await run(["commit", "--yes"]) { line, _ in Self.planning(line) }
        #expect(result.code == 0 && result.node.lines == ["GET /plan", "GET ", "GET /plan", "POST /commit"])
        #expect(result.node.requests.last?.body == #"{"membershipEpoch":7}"#)
        #expect(result.output.contains("✓ each partition on 3 distinct nodes in 1 zone\ncommitted."))
    }

    @Test("A commit that waits ends when nothing moves any more")
    func commitAndWait() async throws {
        let asked = Mutex(0)
        let result = try await run(["commit", "--yes", "--wait"]) { line, _ in
            guard line == "GET " else { return Self.planning(line) }
            let reports = asked.withLock { count in
                count += 1
                return count
            }
            // The first report is for the plan; then something moves, twice.
            let moving = reports == 2 || reports == 3
            return .json(
                MadeUp.report(nodes: MadeUp.fourNodes, transfers: moving ? [MadeUp.transfer(2, stage: "waiting")] : []))
        }
        #expect(result.code == 0 && result.output.contains("done: 2 partitions changed in "))
        #expect(result.node.lines.filter { $0 == "GET " }.count == 4)
    }

    @Test("Nothing is committed for another plan than the one that is asked for, or that was shown")
    func otherPlans() async throws {
        let other = try await run(["commit", "--yes", "--plan", "6"]) { line, _ in Self.planning(line) }
        #expect(other.code == 1 && !other.node.lines.contains("POST /commit"))
        let meanwhile = try await run(["commit", "--yes"]) { line, before in
            Self.planning(line, plan: before < 2 ? MadeUp.plan() : MadeUp.plan(changes: ["d joins", "c leaves"]))
        }
        #expect(meanwhile.code == 1 && !meanwhile.node.lines.contains("POST /commit"))
        #expect(meanwhile.errors.first?.contains("other changes have been staged meanwhile") == true)
        let wrong = try await run(["commit", "--yes"]) { line, _ in
            Self.planning(line, plan: MadeUp.plan(new: ["b", "c"]))
        }
        #expect(wrong.code == 1 && !wrong.node.lines.contains("POST /commit"))
    }

    @Test("Giving up what is not under way changes nothing")
    func cancel() async throws {
        let idle = try await run(["cancel"]) { _, _ in .json(MadeUp.report()) }
        #expect(idle.code == 0 && idle.node.lines == ["GET "])
        let busy = try await run(["cancel", "--json"]) { line, _ in
            line == "POST /cancel" ? .text(#"{"tooLate":[3]}"#) : .json(MadeUp.report(transfers: [MadeUp.transfer(3)]))
        }
        #expect(busy.code == 0 && busy.output == "{\"tooLate\":[3]}\n")
    }

    @Test("A cluster is created once as many nodes have registered as were asked for")
    func create() async throws {
        let result = try await run(["create", "--partitions", "2", "--replicas", "1", "--wait", "1"]) { line, before in
            if line == "POST /create" { return .done }
            if before == 0 { return .json(MadeUp.report(nodes: [], partitions: [])) }
            let nodes = [MadeUp.node("a", state: before < 2 ? "waiting" : "member", replicas: 2)]
            return .json(MadeUp.report(nodes: nodes, partitions: before < 2 ? [] : [MadeUp.partition(0, ["a"])]))
        }
        #expect(result.code == 0 && result.node.lines.prefix(3) == ["GET ", "GET ", "POST /create"])
        let body = result.node.requests[2].body
        #expect(body.contains(#""partitions":2"#) && body.contains(#""replicas":1"#) && !body.contains("nodes"))
        #expect(result.output.hasPrefix("created cluster shop: 1 partition with 1 replica each, on 1 node in 1 zone\n"))
    }

    // MARK: Failures

    @Test("A refusal is one line")
    func refusal() async throws {
        let result = try await run(["join", "d"]) { _, _ in .refusal("there is no node 'd'") }
        #expect(result.code == 1 && result.output.isEmpty && result.errors == ["kindred: there is no node 'd'"])
    }

    @Test("What is no node of a cluster is told apart from one that says no")
    func nonsense() async throws {
        for reply in [FakeNode.Reply.bytes("\u{1}nonsense\r\n\r\n"), .text("not found", status: 404), .text("[]")] {
            let result = try await run(["members"]) { _, _ in reply }
            #expect(result.code == 1 && result.errors.count == 1 && result.output.isEmpty)
        }
    }

    @Test("Nobody there is 69, and so is a node that does not answer in time")
    func unreachable() async throws {
        let gone = try await FakeNode.start { _, _ in .nothing }
        try await gone.stop()
        let console = TestConsole()
        #expect(try await perform(["status"], at: gone.url, console) == 69)
        #expect(console.errors.first?.hasPrefix("kindred: cannot reach \(gone.url): connection refused.") == true)
        let silent = try await run(["status", "--timeout", "1"]) { _, _ in .nothing }
        #expect(silent.code == 69 && silent.errors.first?.contains("no answer within 1 s") == true)
    }

    @Test("Of several nodes the first that can be reached is asked")
    func several() async throws {
        let gone = try await FakeNode.start { _, _ in .nothing }
        try await gone.stop()
        let node = try await FakeNode.start { _, _ in .json(MadeUp.report()) }
        let console = TestConsole()
        #expect(try await perform(["members"], at: "\(gone.url),\(node.url)", console) == 0)
        try await node.stop()
    }

    @Test("A change whose outcome is unknown is not asked for again elsewhere")
    func unknownOutcome() async throws {
        let first = try await FakeNode.start { _, _ in .close }
        let second = try await FakeNode.start { _, _ in .done }
        let console = TestConsole()
        #expect(try await perform(["join", "d"], at: "\(first.url),\(second.url)", console) == 1)
        #expect(console.errors.first?.contains("It may have been done") == true)
        #expect(second.requests.isEmpty)
        try await first.stop()
        try await second.stop()
    }
}
