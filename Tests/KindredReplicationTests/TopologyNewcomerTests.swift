import KindredModel
import KindredReplication
import Testing

/// A member that takes over from all the others must have what they have acknowledged, before they may go.
@Suite struct TopologyNewcomerTests {
    @Test("the last members of a leadership stay until the leader has come through its recovery")
    func newcomerIsBroughtUpToDate() throws {
        var topology = try Topology.create(nodes: [ClusterNode(id: NodeID(1))], partitions: 1, n: 1)
        try topology.raiseCeiling(of: ActorID(1), in: 0, to: 1_000_000)
        let two = try topology.register()
        try topology.begin(try topology.plan([.replace(NodeID(1), with: two)]))
        func reportAll(but isHeldBack: (TransitionReport) -> Bool) throws {
            for report in topology.awaitedReports(of: 0) where !isHeldBack(report) {
                let epoch = try #require(topology.view(of: 0)).epoch
                try? topology.report(report, in: 0, epoch: epoch)
            }
        }
        func isLeading(_ report: TransitionReport) -> Bool {
            if case .led = report { true } else { false }
        }
        for _ in 0..<5 { try reportAll(but: isLeading) }
        // The leader may go on acknowledging alone, under epoch 1, and has said that it leads. Then the newcomer joins.
        try reportAll { _ in false }
        try topology.addLeadershipMember(two, in: 0, to: 1)
        var leadership = try #require(topology.view(of: 0)?.leadership)
        #expect(leadership.members == [NodeID(1), two])
        // Only when the leader of the new epoch has come through does the old member drain.
        try reportAll { _ in false }
        leadership = try #require(topology.view(of: 0)?.leadership)
        #expect(leadership.members == [two])
    }
}
