import KindredModel
import KindredReplication
import KindredTesting
import NIOCore
import Testing

@testable import KindredNode

/// Bucket types with and without a conflict log, as the nodes of a cluster agree on them.
@Suite struct ConflictLogOfTypesTests {
    private static let type = Array("mine".utf8)

    private func change(
        _ node: LoopNode,
        _ change: @escaping @Sendable (inout BucketTypeRegistry) throws(BucketTypeError) -> BucketTypeRecord
    ) async throws {
        _ = try await node.loop.run { loop throws(RequestFailure) -> Bool? in
            try loop.changeBucketTypes(change) ? true : nil
        }
    }

    /// How many conflicts all nodes together have entered.
    private func entered(_ cluster: LoopCluster) async throws -> UInt64 {
        var sum: UInt64 = 0
        for node in cluster.nodes { sum += try await entered(by: node) }
        return sum
    }

    private func entered(by node: LoopNode) async throws -> UInt64 {
        try await node.loop.eventLoop.submit { node.loop.conflictCounts.reduce(0) { $0 + $1.count } }.get()
    }

    @Test("A cluster's type has its log off, and on again while it is written")
    func switching() async throws {
        let cluster = try await LoopCluster.start()
        try await change(cluster.nodes[1]) { types throws(BucketTypeError) in
            try types.create(Self.type, ["conflict_strategy": "last-write-wins", "conflict_log": false])
        }
        try await change(cluster.nodes[1]) { types throws(BucketTypeError) in try types.activate(Self.type) }
        for node in cluster.nodes {
            try await eventually("\(node.name) knows the type") { (try? await node.get(type: "mine")) != nil }
        }
        try await meet(in: cluster, key: "quiet")
        #expect(try await entered(cluster) == 0)
        try await change(cluster.nodes[2]) { types throws(BucketTypeError) in
            try types.update(Self.type, ["conflict_log": true])
        }
        for node in cluster.nodes {
            try await eventually("\(node.name) knows that the log is on") {
                try await node.put("v", to: "by \(node.name)", type: "mine")
                try await node.put("w", to: "by \(node.name)", type: "mine")
                return try await self.entered(by: node) > 0
            }
        }
        let before = try await entered(cluster)
        try await meet(in: cluster, key: "loud")
        // One for the writes that met at their coordinator, and at least one for those that met in merging.
        #expect(try await entered(cluster) >= before + 2)
        await cluster.stop()
    }

    /// Lets writes that have not seen each other meet, two at one node, and these and another in merging.
    private func meet(in cluster: LoopCluster, key: String) async throws {
        let report = try await cluster.nodes[0].service.report()
        let third = NodeID(try #require(report.nodes.first { $0.name == cluster.nodes[2].name }?.id))
        cluster.switchboard.isolate(third, true)
        try await eventually("a node that is alone takes a write") {
            do {
                try await cluster.nodes[2].put("alone", to: key, type: "mine") {
                    $0.first = .one
                    $0.durable = .one
                }
                return true
            } catch {
                return false
            }
        }
        for value in ["one", "two"] {
            try await cluster.nodes[0].put(value, to: key, type: "mine") { $0.durable = .one }
        }
        cluster.switchboard.isolate(third, false)
        try await eventually("all have merged") {
            var values: Set<[String]> = []
            for node in cluster.nodes {
                values.insert(try await node.get(key, type: "mine") { $0.first = .one }.values)
            }
            return values.count == 1
        }
    }

    @Test("The document of a version that could not switch the log reads as on; one that does comes back as it is")
    func documents() throws {
        var registry = BucketTypeRegistry()
        var old: [UInt8] = [1, UInt8(registry.list.count)]
        for type in registry.list {
            var properties = type.properties
            properties["conflict_log"] = nil
            var value: [UInt8] = [1, 1]
            value.append(lengthPrefixed: type.name)
            properties.encode(into: &value)
            old.append(lengthPrefixed: Array("bucket-type/".utf8) + [0, 0, 0, UInt8(type.id)])
            old.append(lengthPrefixed: value)
        }
        let read = try BucketTypeDocument.decode(old)
        #expect(read.list.allSatisfy { $0.properties["conflict_log"] == true })
        #expect(read == registry)
        // Nobody has switched anything, so a node of that version reads what this one writes.
        #expect(BucketTypeDocument.encode(read) == old)

        _ = try registry.update(Array("siblings".utf8), ["conflict_log": false])
        let again = try BucketTypeDocument.decode(BucketTypeDocument.encode(registry))
        #expect(again.list.map { $0.properties["conflict_log"] } == [true, false, true, true, true])
    }
}
