import KindredModel
import KindredNode
import KindredReplication
import KindredStorage
import KindredTesting
import Testing

/// A node whose clock is ahead, in a cluster of loops.
@Suite(.serialized) struct ClockRefusalTests {
    private func id(of node: LoopNode, in cluster: LoopCluster) async throws -> NodeID {
        let report = try await cluster.nodes[0].service.report()
        return NodeID(try #require(report.nodes.first { $0.name == node.name }?.id))
    }

    private func waitUntil(_ node: LoopNode, refuses: Bool) async throws {
        try await eventually("it \(refuses ? "refuses" : "takes") them") {
            await node.service.clocks().refusesLastWriteWins == refuses
        }
    }

    @Test("it coordinates no last-write-wins writes until its clock is right; everything else goes on")
    func refusal() async throws {
        let cluster = try await LoopCluster.start()
        let node = cluster.nodes[2]
        let id = try await id(of: node, in: cluster)
        try await node.put("before", to: "k", type: "last_write_wins")
        cluster.switchboard.setLead(of: id, milliseconds: 812)
        try await waitUntil(node, refuses: true)
        let expected = RequestFailure.unavailable(.clockAhead(milliseconds: 812), mayHaveHappened: false)
        await #expect(throws: expected) {
            try await node.put("lost", to: "k", type: "last_write_wins") { $0.first = .one }
        }
        let token = try await node.get("k", type: "last_write_wins").token
        await #expect(throws: expected) { try await node.delete("k", type: "last_write_wins", token: token) }
        #expect(try await node.get("k", type: "last_write_wins").values == ["before"])
        try await node.put("v", type: "siblings")
        try await node.put("v", type: "immutable")
        try await cluster.nodes[0].put("theirs", to: "k", type: "last_write_wins", token: token)
        #expect(try await node.get("k", type: "last_write_wins").values == ["theirs"])

        cluster.switchboard.setLead(of: id, milliseconds: 0)
        try await waitUntil(node, refuses: false)
        try await node.put("after", to: "k", type: "last_write_wins", token: token)
        await cluster.stop()
    }

    @Test("a write that is passed on goes to the next replica; one that may stay elsewhere is not refused")
    func passedOn() async throws {
        let cluster = try await LoopCluster.start(4, replicas: 3, partitions: 16)
        let node = cluster.nodes[1]
        let id = try await id(of: node, in: cluster)
        cluster.switchboard.setLead(of: id, milliseconds: 5_000)
        try await waitUntil(node, refuses: true)
        for key in 0..<40 { try await cluster.nodes[3].put("v", to: "key\(key)", type: "last_write_wins") }
        var outcomes = (passedOn: 0, refused: 0)
        for key in 0..<40 {
            do throws(any Error) {
                try await node.put("w", to: "key\(key)", type: "last_write_wins")
                outcomes.passedOn += 1
            } catch RequestFailure.unavailable(.clockAhead(milliseconds: 5_000), mayHaveHappened: false) {
                outcomes.refused += 1
            }
        }
        #expect(outcomes.passedOn > 0 && outcomes.refused > 0, "\(outcomes)")
        await cluster.stop()
    }

    @Test("a storage that was full and has room again does not make it forget that it refuses")
    func fullDisk() async throws {
        let cluster = try await LoopCluster.start()
        let node = cluster.nodes[2]
        cluster.switchboard.setLead(of: try await id(of: node, in: cluster), milliseconds: 900)
        try await waitUntil(node, refuses: true)
        node.engine.fail(.commit, with: .full("no room"), effect: .refused)
        _ = try? await node.put("lost or not", type: "siblings")
        try await eventually("it takes other writes again") {
            (try? await node.put("v", to: "other", type: "siblings")) != nil
        }
        await #expect(throws: RequestFailure.unavailable(.clockAhead(milliseconds: 900), mayHaveHappened: false)) {
            try await node.put("v", type: "last_write_wins") { $0.first = .one }
        }
        await cluster.stop()
    }

    @Test("the report has the node's row of the matrix, and speaks of what is wrong")
    func report() async throws {
        let cluster = try await LoopCluster.start()
        let id = try await id(of: cluster.nodes[2], in: cluster)
        cluster.switchboard.setLead(of: id, milliseconds: 300)
        try await eventually("the others have measured it") {
            await cluster.nodes[0].service.clocks().peers.contains { $0.state == "warning" }
        }
        let row = await cluster.nodes[0].service.clocks()
        #expect(row.peers.map(\.node) == ["n2", "n3"] && row.peers.map(\.state) == ["ok", "warning"])
        #expect(row.peers[1].offsetMilliseconds == 300 && row.peers[1].uncertaintyMilliseconds == 0.1)
        #expect(row.limitMilliseconds == Limits.maximumSkewMilliseconds && !row.refusesLastWriteWins)
        try await eventually("it says that it is ahead") {
            try await cluster.nodes[2].service.report().warnings.contains {
                $0.hasPrefix("the clock of n3 is 300 ms ahead of that of n1")
            }
        }
        await cluster.stop()
    }
}
