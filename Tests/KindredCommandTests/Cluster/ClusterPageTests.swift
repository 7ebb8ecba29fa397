import ArgumentParser
import KindredNode
import Testing

@testable import KindredCommand

/// What operators see, made of reports by pure functions.
@Suite struct ClusterPageTests {
    // MARK: Plans

    @Test("A plan says what moves where, and is checked against its own partitions")
    func plan() {
        let page = PlanPage(MadeUp.plan(), MadeUp.report(nodes: MadeUp.fourNodes))
        #expect(
            page.lines(verbose: true).page == """
                Plan for membership epoch 7
                  d joins

                NODE  ZONE  REPLICAS  AFTER  GETS  GIVES
                a     –     4         → 2          −2
                b     –     4         → 4
                c     –     4         → 4
                d     –     0         → 2    +2

                Copies 2 replicas in 2 partitions: about 3.0 MiB.
                  to    d 2
                  from  a 2
                ✓ each partition on 3 distinct nodes in 1 zone

                PARTITION  BEFORE   AFTER    ARRIVES
                2          a, b, c  d, b, c  d
                3          a, b, c  d, b, c  d
                """)
        #expect(page.summary.faults.isEmpty && !page.isEmpty)
    }

    @Test("A plan with nothing to do says so")
    func emptyPlan() {
        var plan = MadeUp.plan(changes: [])
        plan.partitions = []
        let page = PlanPage(plan, MadeUp.report())
        #expect(page.isEmpty)
        #expect(
            page.lines(verbose: true).page == """
                Nothing is staged, and every replica is where it belongs.
                ✓ each partition on 3 distinct nodes in 1 zone
                """)
    }

    @Test("What the asked node cannot tell is not made up")
    func planWithoutSizes() {
        let text = PlanPage(MadeUp.plan(bytes: nil), MadeUp.report(nodes: MadeUp.fourNodes)).lines(verbose: false).page
        #expect(text.contains("2 partitions: how much that is, a cannot tell: it has not all of these partitions."))
    }

    @Test("A plan that would place a partition twice on a node, or on too few, is called wrong")
    func wrongPlans() {
        let report = MadeUp.report(nodes: MadeUp.fourNodes)
        let twice = PlanPage(MadeUp.plan(new: ["b", "b", "c"]), report)
        #expect(twice.summary.faults.first == "partition 2 would be twice on one node: b, b, c")
        #expect(twice.lines(verbose: false).page.contains("This plan is wrong:\n  ✗ partition 2 would be twice"))
        let few = PlanPage(MadeUp.plan(new: ["b", "c"]), report)
        #expect(few.summary.faults.first == "partition 2 would be on 2 nodes, not 3")
        #expect(!few.lines(verbose: false).page.contains("✓"))
    }

    @Test("Zones are counted from the nodes of each partition, also of those that stay")
    func zones() {
        let nodes = [("a", "x"), ("b", "y"), ("c", "y"), ("d", "x")].map { MadeUp.node($0, zone: $1, replicas: 4) }
        let report = MadeUp.report(nodes: nodes)
        #expect(PlanPage(MadeUp.plan(zones: 2), report).summary.zones == 2)
        let bad = PlanPage(MadeUp.plan(new: ["b", "c"], replicas: 2, zones: 2), report)
        #expect(bad.summary.faults.contains("partition 2 would be in 1 zone, not 2"))
        // The plan itself asks for less than the nodes allow.
        let low = PlanPage(
            MadeUp.plan(new: ["b", "c", "e"], zones: 1),
            MadeUp.report(
                nodes: nodes.map { node in
                    var node = node
                    node.zone = node.name == "a" ? "x" : "y"
                    return node
                } + [MadeUp.node("e", zone: "y")]))
        #expect(low.summary.faults == ["there are nodes in 2 zones, and some partition would be in 1 only"])
    }

    @Test("A plan for partitions that are others by now is not shown as sound")
    func stalePlan() {
        let report = MadeUp.report(
            nodes: MadeUp.fourNodes, partitions: (0..<4).map { MadeUp.partition($0, ["b", "c", "d"]) })
        #expect(
            PlanSummary(MadeUp.plan(), report).faults.first
                == "partition 2 has other members by now than the plan was made for")
    }

    // MARK: Members

    @Test("The nodes of a cluster, in one table or two")
    func members() {
        var nodes = MadeUp.report().nodes
        nodes[1] = MadeUp.node("b", present: false, reachable: false, zone: "east", replicas: 4)
        let page = MembersPage(report: MadeUp.report(nodes: nodes))
        #expect(
            page.lines(width: 100).page == """
                NAME  STATE   PRESENT  REACHABLE  ROUND TRIP  ZONE  WEIGHT  REPLICAS  LEADS
                a     member  yes      (asked)    –           –     1       4         4
                b     member  no       no         –           east  1       4         0
                c     member  yes      yes        310 µs      –     1       4         0

                NAME  PROTOCOL BUFFERS  HTTP            PEERS
                a     10.0.0.1:8087     a.example:8098  10.0.0.1:8099
                b     10.0.0.1:8087     b.example:8098  10.0.0.1:8099
                c     10.0.0.1:8087     c.example:8098  10.0.0.1:8099
                """)
        let wide = page.lines(width: .max)
        #expect(wide.count == 4)
        #expect(wide[0].plain.hasSuffix("LEADS  PROTOCOL BUFFERS  HTTP            PEERS"))
        #expect(MembersPage(report: MadeUp.report(nodes: [])).lines(width: 80).page == "No node has registered.")
    }

    @Test("Partitions show who replicates them, under which incarnation")
    func partitions() {
        let joint = MadeUp.partition(3, ["a", "b", "c", "d"], roles: ["a": "outgoing", "d": "incoming"], leader: nil)
        #expect(
            PartitionsPage.table(of: [MadeUp.partition(2, ["a", "b", "c"]), joint]).page == """
                PARTITION  EPOCH  LEADER  MEMBERS                                   CLOSING
                2          3      a       a #1, b #2, c #3
                3          3      none    a #1 outgoing, b #2, c #3, d #4 incoming
                """)
        #expect(
            PartitionsPage.details(of: joint).page == """
                partition 3
                  epoch    3
                  leader   none
                  closing  no incarnation
                  closed   none

                MEMBER  ROLE      INCARNATION
                a       outgoing  1
                b       voter     2
                c       voter     3
                d       incoming  4
                """)
    }

    // MARK: Changes

    @Test("A staged change names the next commands, at the same node")
    func staged() throws {
        let common = try OperatorOptions.parse(["--node", "h:1"])
        #expect(
            StagedChanges(MadeUp.report(staged: ["d joins"])).lines(common).page == """
                Staged, and not done yet:
                  d joins
                See what it would do, then do it ('kindred cluster clear' forgets it):
                  kindred cluster plan --node http://h:1
                  kindred cluster commit --node http://h:1
                """)
        #expect(StagedChanges(MadeUp.report()).lines(common).page == "Nothing is staged.")
    }

    @Test("A new cluster says what was made, and that nodes are lacking")
    func created() throws {
        let common = try OperatorOptions.parse([])
        let nodes = [MadeUp.node("a", zone: "x", replicas: 4), MadeUp.node("b", zone: "y", replicas: 4)]
        let report = MadeUp.report(nodes: nodes, partitions: (0..<4).map { MadeUp.partition($0, ["a", "b"]) })
        #expect(
            ClusterCreate.lines(report, common).page == """
                created cluster shop: 4 partitions with 2 replicas each, on 2 nodes in 2 zones
                For 3 replicas there are not enough nodes; there will be as soon as others join.

                NODE  ZONE  WEIGHT  REPLICAS  PROTOCOL BUFFERS  HTTP
                a     x     1       4         10.0.0.1:8087     a.example:8098
                b     y     1       4         10.0.0.1:8087     b.example:8098

                See how it is:
                  kindred cluster status
                """)
        #expect(ClusterCreate.waiting(["a"], 3, missing: ["c"]) == "1 of 3 nodes has registered: a; missing: c")
    }

    @Test("Before a node is declared lost, it is said what that means")
    func lost() {
        let gone = MadeUp.node("c", present: false, reachable: false, replicas: 4)
        #expect(
            ClusterLost.explanation(gone, MadeUp.report()).page == """
                c has 4 replicas, and is to be given up for good:
                  · what only it had is gone: writes that no other replica had yet, and hints it kept for others
                  · nobody waits for it any more, and its replicas go elsewhere with the next commit
                  · it cannot come back: the same machine joins as a new node, with an empty data directory
                """)
        let alone = MadeUp.report(partitions: [MadeUp.partition(0, ["c"]), MadeUp.partition(1, ["a", "b", "c"])])
        let text = ClusterLost.explanation(MadeUp.node("c"), alone).page
        #expect(text.hasPrefix("c runs. A node that runs leaves without losing anything: 'kindred cluster leave c'."))
        let unheard = ClusterLost.explanation(MadeUp.node("c", present: true, reachable: false), alone).page
        #expect(unheard.hasPrefix("c may run: it cannot be reached, but it was heard of a moment ago."))
        #expect(text.contains("it is the only replica of 1 partition: their data is gone"))
    }

    @Test("A commit that is given up too late says for which partitions")
    func cancelled() throws {
        let common = try OperatorOptions.parse([])
        #expect(
            ClusterCancel.lines(.init(tooLate: [3, 17]), common).page == """
                Given up, but for 2 partitions it is too late:
                  3, 17
                Their new members count already, and they go on.
                What would still have to move:
                  kindred cluster plan
                """)
        #expect(ClusterCancel.lines(.init(tooLate: []), common).page.hasPrefix("Given up: no member changes any more."))
    }

    @Test("Names from a node cannot play tricks with the terminal")
    func harmless() {
        var nodes = MadeUp.report().nodes
        nodes[0].zone = "\u{1B}[31mred"
        #expect(!MembersPage(report: MadeUp.report(nodes: nodes)).lines(width: .max).page.contains("\u{1B}"))
        let plan = MadeUp.plan(changes: ["\u{1B}]0;x joins"])
        #expect(!PlanPage(plan, MadeUp.report(nodes: nodes)).lines(verbose: true).page.contains("\u{1B}"))
    }
}
