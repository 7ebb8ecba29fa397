import KindredModel
import KindredReplication
import Testing

/// New incarnations, ceilings, floors, and the closing of old ones.
@Suite struct TopologyIncarnationTests {
    private let one = NodeID(1)
    private let two = NodeID(2)
    private let three = NodeID(3)

    private func cluster(_ count: Int = 3) throws -> Topology {
        var topology = try Topology.cluster(count, partitions: 1)
        for member in try topology.current(0).members {
            try topology.raiseCeiling(of: member.actor, in: 0, to: 1_000)
        }
        return topology
    }

    private func actor(_ node: NodeID, in topology: Topology) throws -> ActorID {
        try #require(try topology.current(0).member(at: node)).actor
    }

    @Test func aRenewedMemberLearnsBeforeItCounts() throws {
        var topology = try cluster()
        let old = try actor(two, in: topology)
        let fresh = try topology.renew(two, in: 0, replacing: old)
        #expect(fresh == ActorID(4))
        let view = try topology.current(0)
        #expect(view.member(at: two) == ReplicaMember(node: two, actor: ActorID(4), role: .learner, counterCeiling: 0))
        #expect(view.closing == [old])
        #expect(view.leadership?.members.contains(two) == false)
        try topology.report(.ready(ActorID(4)), in: 0, epoch: view.epoch)
        #expect(try topology.roles(0)[two] == .voter)
    }

    @Test func aRenewalIsForOneIncarnationOnly() throws {
        var topology = try cluster()
        let old = try actor(two, in: topology)
        _ = try topology.renew(two, in: 0, replacing: old)
        let before = topology
        #expect(throws: TopologyRefusal.notCurrent) { try topology.renew(two, in: 0, replacing: old) }
        #expect(throws: TopologyRefusal.noSuchNode) { try topology.renew(NodeID(9), in: 0, replacing: old) }
        #expect(throws: TopologyRefusal.noSuchPartition) { try topology.renew(two, in: 1, replacing: old) }
        #expect(topology == before)
    }

    @Test func theLastVoterStaysOne() throws {
        var topology = try cluster()
        for node in [one, two, three] {
            _ = try topology.renew(node, in: 0, replacing: try actor(node, in: topology))
        }
        #expect(try topology.roles(0) == [one: .learner, two: .learner, three: .voter])
        // Nobody is left who is sure to have every acknowledged version.
        #expect(try topology.current(0).leadership == nil)
        try topology.settle()
        #expect(try topology.roles(0) == [one: .voter, two: .voter, three: .voter])
    }

    @Test func aSingleReplicaLeadsOnAfterARenewal() throws {
        var topology = try cluster(1)
        _ = try topology.renew(one, in: 0, replacing: ActorID(1))
        #expect(try topology.roles(0) == [one: .voter])
        #expect(try topology.current(0).leadership == Leadership(epoch: 2, leader: one, members: [one]))
        #expect(topology.record(of: 0)?.uncleanElections == 1)
    }

    @Test(arguments: [1, 3, 4])
    func aRenewalTakesTheJointStageBackToAdding(node: UInt32) throws {
        var topology = try cluster()
        let four = try topology.register()
        try topology.begin(try topology.plan([.replace(three, with: four)]))
        try topology.reportAll(0)
        #expect(try topology.roles(0)[four] == .incoming)
        let renewed = NodeID(node)
        let fresh = try #require(try topology.renew(renewed, in: 0, replacing: try actor(renewed, in: topology)))
        var expected: [NodeID: ReplicaMember.Role] = [one: .voter, two: .voter, three: .voter, four: .learner]
        expected[renewed] = .learner
        #expect(try topology.roles(0) == expected)
        #expect(topology.awaitedReports(of: 0).contains(.ready(fresh)))
        try topology.settle()
        #expect(try topology.roles(0) == [one: .voter, two: .voter, four: .voter])
    }

    @Test func aDrainingMemberThatIsRenewedIsRemoved() throws {
        var topology = try cluster()
        let four = try topology.register()
        try topology.begin(try topology.plan([.replace(three, with: four)]))
        try topology.reportAll(0)
        try topology.reportAll(0)
        #expect(try topology.roles(0)[three] == .draining)
        let old = try actor(three, in: topology)
        #expect(try topology.renew(three, in: 0, replacing: old) == nil)
        #expect(try topology.roles(0) == [one: .voter, two: .voter, four: .voter])
        #expect(try topology.current(0).closing == [old])
        #expect(!topology.isChanging)
    }

    @Test func ceilingsAndFloorsOnlyGrow() throws {
        var topology = try cluster()
        let before = topology
        try topology.raiseCeiling(of: ActorID(1), in: 0, to: 999)
        try topology.raiseClockFloor(in: 0, to: .zero)
        #expect(topology == before)
        try topology.raiseCeiling(of: ActorID(1), in: 0, to: 2_000)
        try topology.raiseClockFloor(in: 0, to: HybridTimestamp(rawValue: 7))
        let view = try topology.current(0)
        #expect(view.members.contains { $0.actor == ActorID(1) && $0.counterCeiling == 2_000 })
        #expect(view.clockFloor == HybridTimestamp(rawValue: 7))
        #expect(view.epoch == (try before.epoch(0)) + 2)
    }

    @Test func onlyTheCurrentIncarnationMayMint() throws {
        var topology = try cluster()
        let old = try actor(two, in: topology)
        _ = try topology.renew(two, in: 0, replacing: old)
        #expect(throws: TopologyRefusal.notCurrent) { try topology.raiseCeiling(of: old, in: 0, to: 9_000) }
    }

    @Test func startsAreCounted() throws {
        var topology = try cluster()
        #expect(try topology.registerStart(of: two) == 1)
        #expect(try topology.registerStart(of: two) == 2)
        try topology.declareLost(two)
        #expect(throws: TopologyRefusal.wrongNodeState(.lost)) { try topology.registerStart(of: two) }
        #expect(throws: TopologyRefusal.wrongNodeState(.lost)) {
            try topology.renew(two, in: 0, replacing: ActorID(2))
        }
    }

    // MARK: Closing

    /// Three members, and the first incarnation of the second one closing.
    private func closing() throws -> (Topology, closing: ActorID, members: [ActorID]) {
        var topology = try cluster()
        let old = try actor(two, in: topology)
        _ = try topology.renew(two, in: 0, replacing: old)
        return (topology, old, try topology.current(0).members.map(\.actor))
    }

    @Test func anActorIsClosedWhenAllMembersHaveTheSame() throws {
        var (topology, old, members) = try closing()
        let epoch = try topology.epoch(0)
        func report(_ member: ActorID, _ base: UInt64, _ beyond: [UInt64]) throws {
            let report = try ClosingReport(actor: old, reporter: member, base: base, beyond: beyond)
            try topology.reportClosing(report, in: 0, epoch: epoch)
        }
        try report(members[0], 4, [7])
        try report(members[1], 4, [7, 9])
        try report(members[2], 4, [7, 9])
        #expect(try topology.current(0).closing == [old])
        try report(members[0], 4, [7, 9])
        let view = try topology.current(0)
        #expect(view.closing == [])
        #expect(view.closed.closing(of: old)?.last == 9)
        #expect(view.closed.closing(of: old)?.voided == [5, 6, 8])
        #expect(view.closed.epoch == 1)
        #expect(view.epoch == epoch + 1)
        #expect(throws: TopologyRefusal.notClosing) { try report(members[0], 4, [7, 9]) }
    }

    @Test func closingReportsAreDroppedWhenMembersChange() throws {
        var (topology, old, members) = try closing()
        let epoch = try topology.epoch(0)
        for member in members.dropLast() {
            try topology.reportClosing(
                try ClosingReport(actor: old, reporter: member, base: 4, beyond: []), in: 0, epoch: epoch)
        }
        // The last one to report loses its state instead: its successor knows of nothing yet.
        let last = try #require(try topology.current(0).members.last)
        _ = try topology.renew(last.node, in: 0, replacing: last.actor)
        let late = try ClosingReport(actor: old, reporter: members[0], base: 4, beyond: [])
        let current = try topology.epoch(0)
        #expect(throws: TopologyRefusal.wrongEpoch(current: current)) {
            try topology.reportClosing(late, in: 0, epoch: epoch)
        }
        let replaced = try ClosingReport(actor: old, reporter: last.actor, base: 4, beyond: [])
        #expect(throws: TopologyRefusal.notCurrent) { try topology.reportClosing(replaced, in: 0, epoch: current) }
        #expect(try topology.current(0).closing == [old, last.actor])
        try topology.close(0, base: 4)
        #expect(try topology.current(0).closing == [])
        #expect(try topology.current(0).closed.epoch == 2)
    }

    @Test func anActorOfWhichNobodyHasAnythingIsClosedToo() throws {
        var (topology, old, _) = try closing()
        try topology.close(0)
        #expect(try topology.current(0).closed.closing(of: old)?.last == 0)
        #expect(try topology.current(0).closed.isVoided(Dot(old, 1)))
    }

    @Test func theEventsOfAReportAreBounded() throws {
        func isRefused(_ base: UInt64, _ beyond: [UInt64]) -> Bool {
            do {
                _ = try ClosingReport(actor: ActorID(1), reporter: ActorID(2), base: base, beyond: beyond)
                return false
            } catch { return error == .outOfBounds }
        }
        let limit = UInt64(Limits.closingReportEvents)
        #expect(!isRefused(5, Array(7..<(7 + limit))))
        #expect(isRefused(5, Array(7..<(8 + limit))))
        #expect(!isRefused(5, [5 + ReplicaClock.maximumGap]))
        #expect(isRefused(5, [6 + ReplicaClock.maximumGap]))
        #expect(isRefused(5, [6]))
        #expect(isRefused(5, [9, 8]))
        #expect(isRefused(5, [9, 9]))
        #expect(isRefused(.max, []))
    }
}
