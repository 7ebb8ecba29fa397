import KindredModel
import KindredReplication
import Testing

/// The stages of a change of members, one story each. One partition, unless it is about several.
@Suite struct TopologyTransitionTests {
    private let one = NodeID(1)
    private let two = NodeID(2)
    private let three = NodeID(3)

    /// Three nodes hold the partition; a fourth one is about to replace the third.
    private func replacing() throws -> (Topology, NodeID) {
        var topology = try Topology.cluster(3, partitions: 1)
        for member in try topology.current(0).members {
            try topology.raiseCeiling(of: member.actor, in: 0, to: 1_000)
        }
        let four = try topology.register()
        try topology.begin(try topology.plan([.replace(three, with: four)]))
        return (topology, four)
    }

    private func actor(_ node: NodeID, in topology: Topology) throws -> ActorID {
        try #require(try topology.current(0).member(at: node)).actor
    }

    private func report(_ report: TransitionReport, to topology: inout Topology) throws {
        try topology.report(report, in: 0, epoch: try topology.epoch(0))
    }

    @Test func aNewClusterVotesEverywhere() throws {
        let topology = try Topology.cluster(5, partitions: 16)
        for partition in UInt16(0)..<16 {
            let view = try topology.current(partition)
            #expect(view.epoch == 1)
            #expect(view.members.map(\.actor) == [ActorID(1), ActorID(2), ActorID(3)])
            #expect(view.members.allSatisfy { $0.role == .voter && $0.counterCeiling == 0 })
            #expect(view.leadership?.leader == view.members.first?.node)
            #expect(view.leadership?.members == view.members.map(\.node))
        }
        #expect(topology.nodes.allSatisfy { $0.state == .member })
        #expect(!topology.isChanging)
    }

    @Test func aReplacementGoesThroughAllStages() throws {
        var (topology, four) = try replacing()
        let order = try topology.current(0).members.map(\.node).filter { $0 != four }
        let gone = try actor(three, in: topology)
        let new = try actor(four, in: topology)
        #expect(new == ActorID(4))
        #expect(try topology.roles(0) == [one: .voter, two: .voter, three: .voter, four: .learner])
        #expect(topology.awaitedReports(of: 0) == [.ready(new)])

        try report(.ready(new), to: &topology)
        #expect(try topology.roles(0) == [one: .voter, two: .voter, three: .outgoing, four: .incoming])
        let old = try [one, two, three].map { try actor($0, in: topology) }
        for actor in old { try report(.acknowledged(actor), to: &topology) }
        let leader = try actor(try #require(topology.current(0).leadership).leader, in: topology)
        #expect(topology.awaitedReports(of: 0) == [.caughtUp(new), .led(leader)])

        try report(.caughtUp(new), to: &topology)
        #expect(try topology.roles(0)[three] == .outgoing)
        try report(.led(leader), to: &topology)
        #expect(try topology.roles(0) == [one: .voter, two: .voter, three: .draining, four: .voter])
        try report(.acknowledged(gone), to: &topology)
        for actor in try [one, two, four].map({ try actor($0, in: topology) }) {
            #expect(topology.isChanging)
            try report(.pulled(from: gone, by: actor), to: &topology)
        }

        #expect(!topology.isChanging)
        let view = try topology.current(0)
        // The new node sits where the old one sat.
        #expect(view.members.map(\.node) == order.map { $0 == three ? four : $0 })
        #expect(view.members.allSatisfy { $0.role == .voter })
        #expect(view.closing == [gone])
        #expect(topology.node(three) == nil)
    }

    @Test func oldVotersKeepTheirSayUntilAllHaveAcknowledged() throws {
        var (topology, four) = try replacing()
        try report(.ready(try actor(four, in: topology)), to: &topology)
        try report(.caughtUp(try actor(four, in: topology)), to: &topology)
        for node in [one, two] { try report(.acknowledged(try actor(node, in: topology)), to: &topology) }
        let leader = try #require(topology.current(0).leadership).leader
        try report(.led(try actor(leader, in: topology)), to: &topology)
        #expect(try topology.roles(0)[three] == .outgoing)
        try report(.acknowledged(try actor(three, in: topology)), to: &topology)
        #expect(try topology.roles(0)[three] == .draining)
    }

    @Test func aReportOfAnOlderStageIsRefused() throws {
        var (topology, four) = try replacing()
        let adding = try topology.epoch(0)
        try report(.ready(try actor(four, in: topology)), to: &topology)
        let before = topology
        let acknowledgement = TransitionReport.acknowledged(try actor(one, in: topology))
        let current = try topology.epoch(0)
        for epoch in [0, adding, current + 1] {
            #expect(throws: TopologyRefusal.wrongEpoch(current: current)) {
                try topology.report(acknowledgement, in: 0, epoch: epoch)
            }
        }
        #expect(topology == before)
        // A new ceiling is a new epoch, but leaves the members as they are: reports from before stay good.
        try topology.raiseCeiling(of: try actor(one, in: topology), in: 0, to: 9_999)
        try topology.report(acknowledgement, in: 0, epoch: current)
        #expect(!topology.awaitedReports(of: 0).contains(acknowledgement))
    }

    @Test func aReportThatNothingWaitsForChangesNothing() throws {
        var (topology, four) = try replacing()
        let before = topology
        try report(.caughtUp(try actor(four, in: topology)), to: &topology)
        try report(.acknowledged(try actor(one, in: topology)), to: &topology)
        #expect(topology == before)
        #expect(throws: TopologyRefusal.notCurrent) { try report(.ready(ActorID(77)), to: &topology) }
    }

    @Test func aSingleReplicaGrowsToThreeThroughTheJointStage() throws {
        var topology = try Topology.cluster(1, partitions: 1)
        let arriving = [try topology.register(), try topology.register()]
        try topology.begin(try topology.plan(arriving.map { .join($0) }))
        for node in arriving {
            #expect(try topology.roles(0)[one] == .voter)
            try report(.ready(try actor(node, in: topology)), to: &topology)
        }
        #expect(try topology.roles(0) == [one: .voter, two: .incoming, three: .incoming])
        for node in arriving { try report(.caughtUp(try actor(node, in: topology)), to: &topology) }
        // The one voter that could still acknowledge writes alone has not said that it knows.
        #expect(try topology.roles(0)[two] == .incoming)
        try report(.acknowledged(try actor(one, in: topology)), to: &topology)
        #expect(try topology.roles(0) == [one: .voter, two: .voter, three: .voter])
        #expect(!topology.isChanging)
        #expect(try topology.current(0).closing == [])
    }

    @Test func whoStaysCatchesUpWhenMoreLeaveThanCome() throws {
        var topology = try Topology.cluster(3, partitions: 1)
        try topology.begin(try topology.plan([.leave(two), .leave(three)]))
        #expect(try topology.roles(0) == [one: .voter, two: .outgoing, three: .outgoing])
        let staying = try actor(one, in: topology)
        #expect(topology.awaitedReports(of: 0).contains(.caughtUp(staying)))
        try topology.settle()
        #expect(try topology.roles(0) == [one: .voter])
        #expect(topology.nodes.map(\.id) == [one])
        #expect(try topology.current(0).leadership?.leader == one)
        // Neither of them has ever minted.
        #expect(try topology.current(0).closing == [])
    }

    @Test func fewPartitionsChangeAtOnce() throws {
        var topology = try Topology.cluster(3, partitions: 32, maximumTransitions: 3)
        let four = try topology.register()
        let plan = try topology.plan([.replace(three, with: four)])
        #expect(plan.partitions.count == 32)
        try topology.begin(plan)
        var steps = 0
        while topology.isChanging {
            #expect(topology.records.count { $0.transition != nil } <= 3)
            let running = try #require(topology.records.first { $0.transition != nil })
            try topology.reportAll(running.view.partition)
            steps += 1
            try #require(steps < 1_000)
        }
        #expect(topology.records.allSatisfy { $0.view.member(at: four)?.role == .voter && $0.nodes.count == 3 })
    }

    @Test func aChangeThatIsGivenUpLeavesTheMembersWhoTheyWere() throws {
        for stages in 0...1 {
            var (topology, four) = try replacing()
            let arrived = try actor(four, in: topology)
            if stages == 1 { try report(.ready(arrived), to: &topology) }
            // What it may have minted is drained, and its incarnation closed.
            try topology.raiseCeiling(of: arrived, in: 0, to: 1_000)
            #expect(topology.cancelPlan() == [])
            #expect(try topology.roles(0) == [one: .voter, two: .voter, three: .voter, four: .draining])
            try topology.settle()
            #expect(try topology.roles(0) == [one: .voter, two: .voter, three: .voter])
            #expect(try topology.current(0).closing == [arrived])
            // The nodes stay as the plan made them, and an empty plan goes on with it.
            #expect(topology.node(three)?.state == .leaving)
            try topology.begin(try topology.plan([]))
            try topology.settle()
            #expect(try topology.roles(0) == [one: .voter, two: .voter, four: .voter])
        }
    }

    @Test func itIsTooLateToGiveUpOnceNewMembersCount() throws {
        var (topology, four) = try replacing()
        try topology.reportAll(0)
        try topology.reportAll(0)
        #expect(try topology.roles(0)[four] == .voter)
        #expect(topology.cancelPlan() == [0])
        try topology.settle()
        #expect(try topology.roles(0) == [one: .voter, two: .voter, four: .voter])
    }

    @Test func aLostNodeIsReplacedWithoutBeingAsked() throws {
        var topology = try Topology.cluster(3, partitions: 1)
        let lost = try actor(three, in: topology)
        try topology.raiseCeiling(of: lost, in: 0, to: 1_000)
        try topology.declareLost(three)
        #expect(try topology.roles(0)[three] == .voter)
        #expect(try topology.current(0).leadership?.members.contains(three) == false)
        let four = try topology.register()
        try topology.begin(try topology.plan([.replace(three, with: four)]))
        for _ in 0..<2 {
            #expect(!topology.awaitedReports(of: 0).contains { "\($0)".contains("\(lost)") })
            try topology.reportAll(0)
        }
        // Nothing can be drained from it.
        #expect(try topology.roles(0) == [one: .voter, two: .voter, four: .voter])
        #expect(try topology.current(0).closing == [lost])
        #expect(topology.node(three) == nil)
    }

    @Test func aChangeTowardsALostNodeIsGivenUp() throws {
        var (topology, four) = try replacing()
        try report(.ready(try actor(four, in: topology)), to: &topology)
        try topology.declareLost(four)
        #expect(try topology.roles(0) == [one: .voter, two: .voter, three: .voter])
        #expect(topology.node(four) == nil)
        #expect(!topology.isChanging)
    }

    @Test func theLastNodeCannotBeLost() throws {
        var topology = try Topology.cluster(1, partitions: 1)
        #expect(throws: TopologyRefusal.noNodes) { try topology.declareLost(one) }
        #expect(throws: TopologyRefusal.noSuchNode) { try topology.declareLost(two) }
    }
}
