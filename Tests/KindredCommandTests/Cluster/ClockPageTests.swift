import ArgumentParser
import Testing

@testable import KindredCommand
@testable import KindredNode

/// What `kindred cluster clocks` shows.
@Suite struct ClockPageTests {
    private static func peer(_ name: String, _ offset: Double, _ state: String = "ok") -> PeerClockReport {
        PeerClockReport(
            node: name, offsetMilliseconds: offset, uncertaintyMilliseconds: 0.21, ageMilliseconds: 100, state: state)
    }

    private static func report(of name: String, refuses: Bool = false, _ peers: [PeerClockReport]) -> ClusterReport {
        var local = MadeUp.local()
        local.clocks = ClockReport(
            limitMilliseconds: 500, aheadMilliseconds: refuses ? 812 : 0, refusesLastWriteWins: refuses, peers: peers)
        return MadeUp.report(answeredBy: name, local: local)
    }

    private static let a = report(of: "a", [peer("b", -0.04), peer("c", 812.4, "refused")])
    private static let b = report(of: "b", [peer("a", 1.26), peer("c", 312, "warning")])
    private static let c = report(of: "c", refuses: true, [peer("a", -812.4, "refused"), peer("b", -312, "warning")])

    private static func page(withC: Bool) -> ClocksPage {
        let silence = NodeAnswers.Answer.failure(
            NodeFailure(.notReached, at: NodeURL(host: "c.example", port: 8098), "connection refused"))
        return ClocksPage(a, MadeUp.answers(a, but: ["b": .report(b), "c": withC ? .report(c) : silence]))
    }

    @Test("all against all, and what is wrong first; each pair once")
    func matrix() {
        #expect(
            Self.page(withC: true).lines(width: 80).page == """
                cluster shop: 3 things to look at
                  ! the clock of c is 812 ms ahead of that of a: more than 500 ms, so a refuses last-write-wins writes of c
                  ! the clock of c is 312 ms ahead of that of b: more than half of the 500 ms that are allowed
                  ! c is 812 ms ahead of most other nodes, and coordinates no last-write-wins writes until that is over

                AHEAD OF ↓  a              b             c
                a           –              0.0 ± 0.2     +812 ± 0.2 !!
                b           +1.3 ± 0.2     –             +312 ± 0.2 !
                c           −812 ± 0.2 !!  −312 ± 0.2 !  –

                milliseconds by which the clock of the node above is ahead, ± what that may be wrong by
                ! more than half of 500 ms   !! more: last-write-wins writes are refused   ? unknown
                """)
    }

    @Test("of a node that does not answer, the others tell; a narrow terminal gets a line for each pair")
    func silent() {
        let page = Self.page(withC: false)
        #expect(page.warnings.count == 2 && page.warnings[0].hasPrefix("the clock of c is 812 ms ahead of that of a"))
        let lines = page.lines(width: 40).map(\.plain)
        #expect(lines.contains("NODE  AHEAD OF  BY") && lines.contains("c     a         +812 ± 0.2 !!"))
        #expect(lines.contains("a     c         ?"))
    }

    @Test("status speaks of the same, once")
    func status() {
        let page = Self.page(withC: true)
        let status = StatusPage(page.report, page.answers)
        #expect(status.health.warnings == page.warnings)
        #expect(status.lines.page.contains("behind the cluster's time, and no two are more than 813 ms apart"))
    }

    @Test("nothing to look at, and nothing to compare yet")
    func well() {
        let report = Self.report(of: "a", [Self.peer("b", 0.1), PeerClockReport(node: "c", state: "unknown")])
        let page = ClocksPage(report, MadeUp.answers(report))
        #expect(page.warnings.isEmpty)
        #expect(page.lines(width: 80).first?.plain == "cluster shop: no clock is known to be far from another")
        let waiting = MadeUp.report(partitions: [])
        #expect(ClocksPage(waiting, MadeUp.answers(waiting)).lines(width: 80).count == 1)
    }

    @Test("the command ends with 1 if a clock is off, and writes JSON with every node's row")
    func command() async throws {
        let node = try await FakeNode.start { _, _ in .json(Self.a) }
        let console = TestConsole()
        let command = try ClusterClocks.parse(["--node", node.url, "--json"])
        let code = await command.perform(console.console())
        #expect(code == .failure)
        #expect(console.output.contains(#""healthy":false"#) && console.output.contains(#""offsetMilliseconds":812.4"#))
        try await node.stop()
    }
}
