import KindredModel
import KindredNode
import KindredReplication
import Testing

@Suite struct ClusterConfigurationTests {
    private func registration(_ name: String, zone: String = "") -> RegisteredNode {
        RegisteredNode(name: name, peer: PeerAddress(host: "10.0.0.1", port: 8099), pb: "p", http: "h", zone: zone)
    }

    private func created(_ count: Int = 3) throws -> ClusterConfiguration {
        var configuration = ClusterConfiguration(
            clusterID: Array(repeating: 7, count: 16), tokenSecret: Array(repeating: 9, count: 32))
        for number in 1...count { #expect(try configuration.register(registration("n\(number)")) == nil) }
        try configuration.create(partitions: 4, n: 3)
        return configuration
    }

    @Test func comesBackAsItWas() throws {
        var configuration = ClusterConfiguration(
            clusterID: Array(repeating: 7, count: 16), tokenSecret: Array(repeating: 9, count: 32))
        #expect(try ClusterConfiguration(decoding: configuration.encoded()) == configuration)
        try configuration.introduce(registration("b", zone: "east"))
        #expect(try ClusterConfiguration(decoding: configuration.encoded()) == configuration)
        configuration = try created()
        _ = try configuration.register(registration("n4"))
        let fourth = try #require(configuration.node(named: "n4")?.id)
        try configuration.stage(.join(fourth))
        try configuration.stage(.reweigh(fourth, 3))
        #expect(try ClusterConfiguration(decoding: configuration.encoded()) == configuration)
    }

    @Test func whatIsCutShortOrChangedIsRefusedOrReadAsSomethingElse() throws {
        let bytes = try created().encoded()
        for length in 0..<bytes.count {
            #expect(throws: MalformedBytes.self) { try ClusterConfiguration(decoding: Array(bytes.prefix(length))) }
        }
        var random = SplitMix(seed: 3)
        for _ in 0..<2_000 {
            var changed = bytes
            changed[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            _ = try? ClusterConfiguration(decoding: changed)
        }
    }

    private struct SplitMix {
        var state: UInt64

        init(seed: UInt64) { state = seed }

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    @Test func everyStartIsCountedAndIntroductionsAreNot() throws {
        var configuration = try created()
        #expect(try configuration.register(registration("n2"))?.generation == 1)
        try configuration.introduce(registration("n2"))
        #expect(try configuration.register(registration("n2"))?.generation == 2)
        let id = try #require(configuration.node(named: "n2")?.id)
        #expect(configuration.topology?.node(id)?.generation == 2)
    }

    @Test func aNodeThatWasDeclaredLostComesBackAsAnotherOne() throws {
        var configuration = try created()
        let before = try #require(configuration.register(registration("n3"))?.id)
        try configuration.declareLost(before)
        let after = try #require(configuration.register(registration("n3"))?.id)
        #expect(after != before)
        #expect(configuration.topology?.node(after)?.state == .joining)
    }

    @Test func aClusterIsCreatedOnceAndOfNodesThatAreThere() throws {
        var configuration = ClusterConfiguration(
            clusterID: Array(repeating: 7, count: 16), tokenSecret: Array(repeating: 9, count: 32))
        #expect(throws: ClusterRefusal.self) { try configuration.create(partitions: 4, n: 3) }
        try configuration.introduce(registration("a"))
        try configuration.introduce(registration("b"))
        let refusal = #expect(throws: ClusterRefusal.self) {
            try configuration.create(partitions: 4, n: 3, nodes: ["a", "c"])
        }
        #expect(refusal?.description.contains("'c'") == true)
        try configuration.create(partitions: 4, n: 3, nodes: ["a"])
        #expect(configuration.topology?.nodes.count == 1)
        #expect(configuration.node(named: "b")?.id == nil)
        #expect(throws: ClusterRefusal.self) { try configuration.create(partitions: 4, n: 3) }
        var without = configuration
        without.forget("a")
        without.forget("b")
        #expect(without.nodes.map(\.name) == ["a"])
        // Whoever was left out registers with an id of its own when it starts the next time.
        #expect(try configuration.register(registration("b"))?.id == NodeID(2))
    }

    @Test func aPlanOfOtherNodesIsNotCommitted() throws {
        var configuration = try created()
        let fourth = try #require(configuration.register(registration("n4"))?.id)
        try configuration.stage(.join(fourth))
        let plan = try configuration.plan()
        _ = try configuration.register(registration("n5"))
        #expect(throws: ClusterRefusal.self) { try configuration.commit(planFor: plan.membershipEpoch) }
        try configuration.commit(planFor: nil)
        #expect(configuration.staged.isEmpty)
        #expect(configuration.topology?.isChanging == true)
    }

    @Test func whatMakesNoSenseIsNotStaged() throws {
        var configuration = try created()
        let first = try #require(configuration.node(named: "n1")?.id)
        #expect(throws: ClusterRefusal.self) { try configuration.stage(.join(first)) }
        #expect(throws: ClusterRefusal.self) { try configuration.stage(.leave(NodeID(77))) }
        #expect(configuration.staged.isEmpty)
    }
}
