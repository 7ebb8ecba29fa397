import KindredModel
import KindredReplication
import Testing

@Suite struct TopologyPlanTests {
    @Test func aPlanSaysWhatMovesAndChangesNothing() throws {
        var topology = try Topology.cluster(4, zones: ["a", "b"], partitions: 64)
        let five = try topology.register(zone: "c")
        let before = topology
        let plan = try topology.plan([.join(five)], bytes: { UInt64($0) + 100 })
        #expect(topology == before)
        #expect(plan.replicas == 3)
        #expect(plan.zones == 3)
        // The only node of the third zone gets one of everything.
        #expect(plan.partitions.count == 64)
        #expect(plan.partitions.allSatisfy { $0.arriving == [five] && $0.leaving.count == 1 })
        #expect(plan.movedReplicas == 64)
        #expect(plan.movedBytes == (0..<64).reduce(0) { $0 + $1 + 100 })
    }

    @Test func sizesDoNotOverflow() throws {
        var topology = try Topology.cluster(3, partitions: 8)
        let four = try topology.register()
        let plan = try topology.plan([.replace(NodeID(1), with: four)], bytes: { _ in .max / 2 })
        #expect(plan.movedBytes == .max)
    }

    @Test func aPlanIsForTheNodesItWasMadeFor() throws {
        var topology = try Topology.cluster(4, partitions: 8)
        let plan = try topology.plan([.leave(NodeID(4))])
        _ = try topology.register()
        #expect(throws: TopologyRefusal.stalePlan) { try topology.begin(plan) }
        try topology.begin(try topology.plan([.leave(NodeID(4))]))
        #expect(throws: TopologyRefusal.changeInProgress) { try topology.plan([]) }
        #expect(throws: TopologyRefusal.changeInProgress) { try topology.begin(plan) }
    }

    @Test func wishesAreChecked() throws {
        var topology = try Topology.cluster(3, partitions: 8)
        let four = try topology.register()
        #expect(throws: TopologyRefusal.noSuchNode) { try topology.plan([.join(NodeID(9))]) }
        #expect(throws: TopologyRefusal.wrongNodeState(.member)) { try topology.plan([.join(NodeID(1))]) }
        #expect(throws: TopologyRefusal.wrongNodeState(.member)) {
            try topology.plan([.replace(NodeID(1), with: NodeID(2))])
        }
        #expect(throws: TopologyRefusal.wrongNodeState(.joining)) {
            try topology.plan([.replace(four, with: NodeID(2))])
        }
        #expect(throws: TopologyRefusal.outOfBounds) { try topology.plan([.reweigh(four, 0)]) }
        #expect(throws: TopologyRefusal.noNodes) {
            try topology.plan([.leave(NodeID(1)), .leave(NodeID(2)), .leave(NodeID(3))])
        }
    }

    @Test func anEmptyPlanOfAPlacedClusterMovesNothing() throws {
        let topology = try Topology.cluster(7, zones: ["a", "b", "c"], partitions: 64)
        #expect(try topology.plan([]).partitions.isEmpty)
    }

    @Test func weightsMoveReplicas() throws {
        var topology = try Topology.cluster(5, partitions: 64)
        let before = topology.records.count { $0.nodes.contains(NodeID(2)) }
        try topology.begin(try topology.plan([.reweigh(NodeID(2), 50)]))
        try topology.settle()
        #expect(topology.records.count { $0.nodes.contains(NodeID(2)) } > before)
        #expect(try topology.plan([]).partitions.isEmpty)
    }

    /// If its replacement is at work, the old node cannot come back to the same seat.
    @Test func aSeatIsForOneNode() throws {
        var topology = try Topology.cluster(3, partitions: 8)
        let four = try topology.register()
        try topology.begin(try topology.plan([.replace(NodeID(3), with: four)]))
        _ = topology.cancelPlan()
        try topology.settle()
        #expect(topology.node(NodeID(3))?.state == .leaving)
        #expect(throws: TopologyRefusal.seatTaken) { try topology.plan([.join(NodeID(3))]) }
    }

    @Test func clustersAreCreatedWithinBounds() {
        func refusal(_ nodes: [ClusterNode], partitions: UInt16 = 1, n: UInt8 = 3) -> TopologyRefusal? {
            do {
                _ = try Topology.create(nodes: nodes, partitions: partitions, n: n)
                return nil
            } catch { return error }
        }
        let node = ClusterNode(id: NodeID(1))
        #expect(refusal([node]) == nil)
        #expect(refusal([]) == .noNodes)
        #expect(refusal([node, node]) == .outOfBounds)
        #expect(refusal([ClusterNode(id: NodeID(0))]) == .outOfBounds)
        #expect(refusal([node, ClusterNode(id: NodeID(2), seat: 1)]) == .seatTaken)
        #expect(refusal([ClusterNode(id: NodeID(1), weight: 0)]) == .outOfBounds)
        #expect(refusal([ClusterNode(id: NodeID(1), zone: String(repeating: "z", count: 65))]) == .outOfBounds)
        #expect(refusal([node], partitions: 0) == .outOfBounds)
        #expect(refusal([node], n: 0) == .outOfBounds)
        #expect(refusal([node], n: Limits.replicas + 1) == .outOfBounds)
        #expect(refusal((1...1_025).map { ClusterNode(id: NodeID($0)) }) == .outOfBounds)
    }
}
