import KindredModel
import KindredReplication
import Testing

@Suite struct TopologyLeadershipTests {
    private let one = NodeID(1)
    private let two = NodeID(2)
    private let three = NodeID(3)

    /// Node 1 leads, followed by 2 and 3, in epoch 2.
    private func cluster() throws -> Topology {
        var topology = try Topology.cluster(3, partitions: 1)
        try topology.electLeader(one, members: [one, two, three], in: 0, replacing: 1)
        return topology
    }

    private func leadership(_ topology: Topology) throws -> Leadership? { try topology.current(0).leadership }

    @Test func oneOfTheLastMembersLeadsNext() throws {
        var topology = try cluster()
        let epoch = try topology.epoch(0)
        try topology.electLeader(two, members: [two, three], in: 0, replacing: 2)
        #expect(try leadership(topology) == Leadership(epoch: 3, leader: two, members: [two, three]))
        #expect(try topology.epoch(0) == epoch + 1)
    }

    @Test func nobodyElseLeads() throws {
        var topology = try cluster()
        try topology.electLeader(two, members: [two, three], in: 0, replacing: 2)
        let before = topology
        #expect(throws: TopologyRefusal.notInLeadership) {
            try topology.electLeader(one, members: [one, two], in: 0, replacing: 3)
        }
        #expect(throws: TopologyRefusal.notInLeadership) {
            try topology.electLeader(two, members: [two, one], in: 0, replacing: 3)
        }
        #expect(throws: TopologyRefusal.outOfBounds) {
            try topology.electLeader(two, members: [three], in: 0, replacing: 3)
        }
        #expect(throws: TopologyRefusal.outOfBounds) {
            try topology.electLeader(two, members: [two, two], in: 0, replacing: 3)
        }
        #expect(topology == before)
    }

    @Test func aDecisionOnAnOldLeadershipIsRefused() throws {
        var topology = try cluster()
        try topology.electLeader(two, members: [two, three], in: 0, replacing: 2)
        let refusal = TopologyRefusal.wrongLeadership(current: 3)
        #expect(throws: refusal) { try topology.electLeader(three, members: [three], in: 0, replacing: 2) }
        #expect(throws: refusal) { try topology.addLeadershipMember(one, in: 0, to: 2) }
    }

    @Test func aVoterThatHasCaughtUpIsTakenIn() throws {
        var topology = try cluster()
        try topology.electLeader(two, members: [two], in: 0, replacing: 2)
        try topology.addLeadershipMember(one, in: 0, to: 3)
        #expect(try leadership(topology) == Leadership(epoch: 4, leader: two, members: [two, one]))
        _ = try topology.renew(three, in: 0, replacing: try #require(topology.current(0).member(at: three)).actor)
        #expect(throws: TopologyRefusal.notCurrent) { try topology.addLeadershipMember(three, in: 0, to: 4) }
        #expect(throws: TopologyRefusal.notCurrent) { try topology.addLeadershipMember(NodeID(7), in: 0, to: 4) }
    }

    @Test func aLeaderThatLosesItsStateIsSucceeded() throws {
        var topology = try cluster()
        _ = try topology.renew(one, in: 0, replacing: try #require(topology.current(0).member(at: one)).actor)
        #expect(try leadership(topology) == Leadership(epoch: 3, leader: two, members: [two, three]))
    }

    @Test func anUncleanElectionIsALastResortAndCounted() throws {
        var topology = try cluster()
        #expect(throws: TopologyRefusal.leadershipExists) {
            try topology.electLeaderUncleanly(two, members: [two], in: 0, replacing: 2)
        }
        try topology.electLeader(one, members: [one], in: 0, replacing: 2)
        try topology.declareLost(one)
        #expect(try leadership(topology) == nil)
        #expect(throws: TopologyRefusal.wrongLeadership(current: 3)) {
            try topology.electLeader(two, members: [two], in: 0, replacing: 3)
        }
        #expect(throws: TopologyRefusal.wrongLeadership(current: 3)) {
            try topology.electLeaderUncleanly(two, members: [two], in: 0, replacing: 2)
        }
        try topology.electLeaderUncleanly(two, members: [two, three], in: 0, replacing: 3)
        #expect(try leadership(topology) == Leadership(epoch: 4, leader: two, members: [two, three]))
        #expect(topology.record(of: 0)?.uncleanElections == 1)
    }

    /// After a power cut of all machines nobody is left of the last leadership: all members, when they vote again, begin another one.
    @Test func whereALeadershipHasEndedAllMembersBeginAnotherOne() throws {
        var topology = try cluster()
        #expect(throws: TopologyRefusal.leadershipExists) { try topology.electLeaderAnew(one, in: 0) }
        for node in [one, two, three] {
            _ = try topology.renew(node, in: 0, replacing: try #require(topology.current(0).member(at: node)).actor)
        }
        #expect(try leadership(topology) == nil)
        #expect(throws: TopologyRefusal.notCurrent) { try topology.electLeaderAnew(one, in: 0) }
        while let report = topology.awaitedReports(of: 0).first {
            try topology.report(report, in: 0, epoch: try topology.epoch(0))
        }
        #expect(try topology.current(0).members.allSatisfy { $0.role == .voter })
        let last = try #require(topology.record(of: 0)?.leadershipEpoch)
        try topology.electLeaderAnew(one, in: 0)
        let nodes = try topology.current(0).members.map(\.node)
        #expect(try leadership(topology) == Leadership(epoch: last + 1, leader: one, members: nodes))
    }

    /// If only a leaving member has every acknowledged version, it has to stay until an arriving one has them as well.
    @Test func aChangeWaitsForTheLeadershipToMove() throws {
        var topology = try Topology.cluster(3, partitions: 1)
        try topology.electLeader(three, members: [one, two, three], in: 0, replacing: 1)
        try topology.electLeader(three, members: [three], in: 0, replacing: 2)
        let four = try topology.register()
        try topology.begin(try topology.plan([.replace(three, with: four)]))
        for report in topology.awaitedReports(of: 0) {
            try topology.report(report, in: 0, epoch: try topology.epoch(0))
        }
        for report in topology.awaitedReports(of: 0) {
            try topology.report(report, in: 0, epoch: try topology.epoch(0))
        }
        #expect(topology.awaitedReports(of: 0).isEmpty)
        #expect(topology.awaitsLeadershipMember(in: 0))
        #expect(try topology.roles(0)[three] == .outgoing)
        try topology.addLeadershipMember(four, in: 0, to: 3)
        // What the leader said of its old leadership is no word about the new one.
        #expect(try topology.roles(0)[three] == .outgoing)
        for report in topology.awaitedReports(of: 0) {
            try topology.report(report, in: 0, epoch: try topology.epoch(0))
        }
        #expect(try topology.roles(0)[three] == .draining)
        #expect(try leadership(topology) == Leadership(epoch: 5, leader: four, members: [four]))
    }

    @Test func aChangeCannotBeGivenUpWhenOnlyArrivingMembersLead() throws {
        var topology = try Topology.cluster(3, partitions: 1)
        let four = try topology.register()
        try topology.begin(try topology.plan([.replace(three, with: four)]))
        try topology.reportAll(0)
        #expect(try topology.roles(0)[four] == .incoming)
        try topology.addLeadershipMember(four, in: 0, to: 1)
        try topology.electLeader(four, members: [four], in: 0, replacing: 2)
        #expect(topology.cancelPlan() == [0])
        #expect(try topology.roles(0)[four] == .incoming)
    }
}
