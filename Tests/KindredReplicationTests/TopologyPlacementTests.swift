import KindredModel
import KindredReplication
import Testing

@Suite struct TopologyPlacementTests {
    private func nodes(_ count: Int, zones: Int = 1, weight: (Int) -> UInt16 = { _ in 1 }) -> [ClusterNode] {
        (0..<count).map {
            ClusterNode(id: NodeID(UInt32($0) + 1), zone: "z\($0 % zones)", weight: weight($0), state: .member)
        }
    }

    private func placed(_ nodes: [ClusterNode], partitions: UInt16 = 1_024, n: UInt8 = 3) -> [[NodeID]] {
        (0..<partitions).map { RendezvousPlacement.replicas(partition: $0, nodes: nodes, n: n) }
    }

    private func load(_ placed: [[NodeID]]) -> [NodeID: Int] {
        placed.joined().reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }

    /// Clusters rely on this for ever: a change of these is a change of where everybody's data belongs.
    @Test func placementNeverChanges() {
        let five = nodes(5)
        let orders = (0..<4).map { partition in
            RendezvousPlacement.order(partition: partition, nodes: five).map(\.rawValue)
        }
        #expect(orders == [[2, 3, 5, 1, 4], [4, 3, 5, 1, 2], [2, 5, 1, 4, 3], [2, 4, 3, 5, 1]])
        let weighted = nodes(6, zones: 3) { UInt16($0 + 1) }
        #expect(RendezvousPlacement.order(partition: 7, nodes: weighted).map(\.rawValue) == [3, 5, 4, 6, 2, 1])
    }

    @Test func theOrderOfTheNodesDoesNotMatter() {
        let some = nodes(9, zones: 4) { UInt16($0 % 3 + 1) }
        for partition in UInt16(0)..<64 {
            #expect(
                RendezvousPlacement.order(partition: partition, nodes: some)
                    == RendezvousPlacement.order(partition: partition, nodes: some.reversed()))
        }
    }

    @Test(arguments: [1, 2, 3, 4, 7])
    func replicasAreOnDistinctNodesAndSpreadOverZones(zones: Int) {
        let some = nodes(8, zones: zones)
        let zone = Dictionary(uniqueKeysWithValues: some.map { ($0.id, $0.zone) })
        for replicas in placed(some, partitions: 256) {
            #expect(Set(replicas).count == 3)
            #expect(Set(replicas.map { zone[$0] }).count == min(3, zones))
        }
    }

    @Test func fewNodesHaveAReplicaEach() {
        #expect(placed(nodes(2), partitions: 16).allSatisfy { Set($0) == [NodeID(1), NodeID(2)] })
    }

    @Test func equalNodesGetAboutTheSame() {
        let load = load(placed(nodes(10)))
        let mean = 1_024.0 * 3 / 10
        #expect(load.count == 10)
        for (node, count) in load {
            #expect(abs(Double(count) - mean) < mean * 0.2, "\(node) has \(count) of \(mean)")
        }
    }

    @Test func aHeavierNodeGetsMore() {
        // One replica, so that the shares are exactly the weights'.
        let load = load(placed(nodes(4) { UInt16($0 + 1) }, partitions: 8_192, n: 1))
        for node in 1...4 {
            let expected = 8_192.0 * Double(node) / 10
            let count = Double(load[NodeID(UInt32(node)), default: 0])
            #expect(abs(count - expected) < expected * 0.1, "node \(node) has \(count) of \(expected)")
        }
    }

    @Test(arguments: [1, 2, 5])
    func aNewNodeTakesOverOnlyItsShare(zones: Int) {
        let before = placed(nodes(10, zones: zones))
        let after = placed(nodes(11, zones: zones))
        var moved = 0
        for (old, new) in zip(before, after) {
            let arriving = Set(new).subtracting(old)
            #expect(arriving.isSubset(of: [NodeID(11)]), "a replica moved between old nodes")
            moved += arriving.count
        }
        let share = 1_024.0 * 3 / 11
        #expect(abs(Double(moved) - share) < share * 0.3, "moved \(moved), its share is \(share)")
    }

    @Test func aNodeThatLeavesMovesOnlyItsOwn() {
        let before = placed(nodes(10))
        let after = placed(nodes(10).filter { $0.id != NodeID(4) })
        for (old, new) in zip(before, after) {
            #expect(Set(old).subtracting(new).isSubset(of: [NodeID(4)]))
            if !old.contains(NodeID(4)) { #expect(old == new) }
        }
    }

    @Test func aNodeInTheSeatOfAnotherGetsExactlyItsReplicas() {
        var replaced = nodes(6, zones: 3)
        let before = placed(replaced, partitions: 128)
        replaced[2] = ClusterNode(id: NodeID(40), zone: replaced[2].zone, seat: 3, state: .member)
        let after = placed(replaced, partitions: 128)
        #expect(after == before.map { $0.map { $0 == NodeID(3) ? NodeID(40) : $0 } })
    }

    @Test func fallbacksAreTheOthersAndComeFromUnusedZonesFirst() throws {
        let topology = try Topology.cluster(8, zones: ["a", "b", "c", "d"])
        let zone = Dictionary(uniqueKeysWithValues: topology.nodes.map { ($0.id, $0.zone) })
        for partition in 0..<topology.partitions {
            let members = try topology.current(partition).members.map(\.node)
            let fallbacks = topology.fallbacks(of: partition)
            #expect(Set(fallbacks).union(members).count == 8)
            #expect(fallbacks.count == 5)
            let unused = Set(zone.values).subtracting(members.compactMap { zone[$0] })
            #expect(unused.count == 1)
            #expect(unused.contains(try #require(zone[fallbacks[0]])))
        }
        #expect(topology.fallbacks(of: 8).isEmpty)
    }

    @Test func nodesThatAreOnTheirWayAreNoFallbacks() throws {
        var topology = try Topology.cluster(4, partitions: 1)
        let joining = try topology.register()
        let other = try #require(topology.fallbacks(of: 0).first)
        #expect(!topology.fallbacks(of: 0).contains(joining))
        try topology.declareLost(other)
        #expect(topology.fallbacks(of: 0).isEmpty)
    }
}
