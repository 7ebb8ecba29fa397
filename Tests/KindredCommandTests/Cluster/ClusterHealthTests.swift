import KindredNode
import Testing

@testable import KindredCommand

/// Whether a cluster is well, and what is said of it.
@Suite struct ClusterHealthTests {
    private let refused = NodeAnswers.Answer.failure(
        NodeFailure(.notReached, at: NodeURL(host: "c.example", port: 8098), "connection refused"))

    private func health(_ report: ClusterReport, but others: [String: NodeAnswers.Answer] = [:]) -> ClusterHealth {
        ClusterHealth(report, MadeUp.answers(report, but: others))
    }

    @Test("A cluster that is well")
    func well() {
        let report = MadeUp.report()
        let page = StatusPage(report, MadeUp.answers(report))
        #expect(page.health.isHealthy)
        #expect(
            page.lines.page == """
                cluster shop, as a sees it: OK

                nodes       3: 3 members
                partitions  4 with 3 replicas: 4 have all their voters, 0 are changing, 0 without a leader
                changes     none
                hints       none
                clocks      none is behind the cluster's time

                NODE  STATE   REPLICAS  LEADS  HINTS  REQUESTS  TRANSFERS  CLOCK  SAYS
                a     member  4         4      0      0         0          0 ms   serving
                b     member  4         0      0      0         0          0 ms   serving
                c     member  4         0      0      0         0          0 ms   serving
                """)
    }

    @Test("A node that is away: the alarming things come first")
    func away() {
        var nodes = MadeUp.report().nodes
        nodes[2] = MadeUp.node("c", present: false, reachable: false, replicas: 4)
        let report = MadeUp.report(
            nodes: nodes, local: MadeUp.local(hints: 1_200), warnings: ["c cannot be reached from a"])
        var ofB = report
        ofB.answeredBy = "b"
        ofB.local = MadeUp.local(hints: 34, behind: 1_500)
        ofB.warnings = ["c cannot be reached from b"]
        let page = StatusPage(report, MadeUp.answers(report, but: ["b": .report(ofB), "c": refused]))
        #expect(
            page.lines.page == """
                cluster shop, as a sees it: 4 things to look at
                  ! c cannot be reached from a
                  ! c cannot be reached from b
                  ! b: its clock is 1.5s behind the cluster's time: some clock is or was ahead
                  ! c does not answer at http://c.example:8098: connection refused

                nodes       3: 3 members
                partitions  4 with 3 replicas: 0 have all their voters, 0 are changing, 0 without a leader
                changes     none
                hints       1,234 writes are kept for nodes that were away
                clocks      up to 1.5s behind the cluster's time

                NODE  STATE   REPLICAS  LEADS  HINTS  REQUESTS  TRANSFERS  CLOCK    SAYS
                a     member  4         4      1,200  0         0          0 ms     serving
                b     member  4         0      34     0         0          1500 ms  serving
                c     member  4         0      –      –         –          –        no answer: connection refused
                """)
    }

    @Test("Without a majority of voters, that is said")
    func noMajority() {
        var nodes = MadeUp.report().nodes
        for index in [1, 2] { nodes[index] = MadeUp.node(nodes[index].name, present: false, reachable: false) }
        let health = health(MadeUp.report(nodes: nodes), but: ["b": refused, "c": refused])
        #expect(health.partitions.withoutMajority == 4 && health.partitions.complete == 0)
        #expect(health.warnings.contains("4 partitions have no majority of voters that run"))
    }

    @Test("A node that has lost its place in the cluster is not taken for the one that is asked for")
    func somebodyElse() {
        let report = MadeUp.report()
        var other = report
        other.answeredBy = "x"
        let page = StatusPage(report, MadeUp.answers(report, but: ["c": .report(other)]))
        #expect(
            page.health.warnings.contains { $0.contains("where c should be, x of another cluster or place answers") })
        #expect(page.lines.page.contains("x answers in its place"))
    }

    @Test("A lost or leaving node that still has replicas, while nothing moves, is worth a look")
    func stranded() {
        for (state, words) in [("lost", "has been declared lost"), ("leaving", "is leaving")] {
            var nodes = MadeUp.report().nodes
            nodes[2] = MadeUp.node("c", state: state, present: state == "leaving", replicas: 4)
            let report = MadeUp.report(nodes: nodes)
            let expected = "c \(words) and still has 4 replicas: 'kindred cluster plan' shows where they go"
            #expect(health(report).warnings.contains(expected))
            let moving = MadeUp.report(nodes: nodes, transfers: [MadeUp.transfer(1)])
            #expect(!health(moving).warnings.contains(expected))
        }
    }

    @Test("A replica that arrives is not sure of everything, and nobody need look at that")
    func unsure() {
        let arriving = MadeUp.report(transfers: [MadeUp.transfer(1, arriving: ["a"])], local: MadeUp.local(unsure: 1))
        #expect(
            health(
                arriving,
                but: ["b": .report(MadeUp.report(answeredBy: "b")), "c": .report(MadeUp.report(answeredBy: "c"))]
            ).isHealthy)
        let report = MadeUp.report(local: MadeUp.local(unsure: 2))
        let others = ["b", "c"].map { ($0, NodeAnswers.Answer.report(MadeUp.report(answeredBy: $0))) }
        #expect(
            health(report, but: Dictionary(uniqueKeysWithValues: others)).warnings
                == ["a: 2 replicas are not sure to have everything, and being made so"])
    }

    @Test("A node that does not serve says why; one that may join is no alarm")
    func notServing() {
        var own = MadeUp.report(answeredBy: "b")
        own.local = MadeUp.local(state: "the disk is full")
        #expect(health(MadeUp.report(), but: ["b": .report(own)]).warnings == ["b does not serve: the disk is full"])
        let report = MadeUp.report(nodes: MadeUp.fourNodes)
        let page = StatusPage(report, MadeUp.answers(report))
        #expect(page.health.isHealthy)
        #expect(page.lines.page.contains("nodes       4: 3 members, 1 joining"))
        #expect(page.lines.page.contains("changes     d can join ('kindred cluster join NAME')"))
    }

    @Test("More warnings than anybody reads are counted")
    func manyWarnings() {
        let report = MadeUp.report(warnings: (1...25).map { "warning \($0)" })
        let lines = StatusPage(report, MadeUp.answers(report)).lines
        #expect(lines[0].plain.hasSuffix("25 things to look at") && lines[20].plain == "  ! warning 20")
        #expect(lines[21].plain == "    … and 5 more")
    }

    @Test("A node that listens on all addresses is asked where its peers find it")
    func addresses() {
        #expect(MadeUp.node("a").url == NodeURL(host: "a.example", port: 8098))
        #expect(MadeUp.node("a", http: "0.0.0.0:8098").url == NodeURL(host: "10.0.0.1", port: 8098))
        #expect(MadeUp.node("a", http: "[::]:1").url == NodeURL(host: "10.0.0.1", port: 1))
        #expect(MadeUp.node("a", http: "").url == nil)
    }
}
