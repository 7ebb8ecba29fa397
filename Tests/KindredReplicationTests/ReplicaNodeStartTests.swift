import KindredModel
import KindredReplication
import KindredStorage
import Testing

/// What a node makes of the disk that it finds at a start.
@Suite struct ReplicaNodeStartTests {
    private func start(
        record: IncarnationRecord?, actor: UInt32, ceiling: UInt64, generation: UInt64, isTrusted: Bool,
        role: ReplicaMember.Role = .voter
    ) throws -> HostedPartition {
        let engine = MemoryStorageEngine()
        if let record {
            var batch = WriteBatch()
            batch.put(.metadata, key: IncarnationRecord.key(0), value: record.encoded())
            try engine.commit(batch)
        }
        let members = [
            ReplicaMember(node: NodeID(1), actor: ActorID(actor), role: role, counterCeiling: ceiling),
            ReplicaMember(node: NodeID(2), actor: ActorID(2), role: .voter, counterCeiling: 1_000_000),
            ReplicaMember(node: NodeID(3), actor: ActorID(5), role: .voter, counterCeiling: 1_000_000),
        ]
        let node = try ReplicaNode(
            id: NodeID(1), generation: generation, store: ObjectStore(engine: engine, byteLimit: 1 << 20),
            settings: NodeSettings(replicas: 3, hash: { _ in 1 }, rules: { _ in ConflictRules(.versionVectors) }),
            views: [PartitionView(partition: 0, epoch: 9, members: members)], fallbacks: { _ in [] },
            isTrusted: isTrusted, now: 0, wall: 1_000_000)
        return try #require(node.partitions.first)
    }

    private func record(actor: UInt32, generation: UInt64, ceiling: UInt64) -> IncarnationRecord {
        IncarnationRecord(actor: ActorID(actor), generation: generation, counterCeiling: ceiling)
    }

    @Test("a killed process goes on as it was")
    func killed() throws {
        let hosted = try start(
            record: record(actor: 7, generation: 4, ceiling: 1_000), actor: 7, ceiling: 1_000, generation: 5,
            isTrusted: true)
        #expect(!hosted.needsRenewal)
        #expect(hosted.replica.mintingRefusal == nil)
    }

    @Test("after a power cut nobody vouches for the disk: a new incarnation")
    func powerCut() throws {
        let hosted = try start(
            record: record(actor: 7, generation: 4, ceiling: 1_000), actor: 7, ceiling: 1_000, generation: 5,
            isTrusted: false)
        #expect(hosted.needsRenewal)
        #expect(hosted.replica.mintingRefusal == .notReady)
    }

    @Test("an older copy is noticed by the count of starts, by the ceiling, and by its actor")
    func olderCopies() throws {
        let byStarts = try start(
            record: record(actor: 7, generation: 3, ceiling: 1_000), actor: 7, ceiling: 1_000, generation: 5,
            isTrusted: true)
        #expect(byStarts.needsRenewal)
        let byCeiling = try start(
            record: record(actor: 7, generation: 4, ceiling: 1_000), actor: 7, ceiling: 2_000, generation: 5,
            isTrusted: true)
        #expect(byCeiling.needsRenewal)
        // From before the last renewal: actor 7 has registered a ceiling, so it may have minted.
        let byActor = try start(
            record: record(actor: 3, generation: 4, ceiling: 1_000), actor: 7, ceiling: 1_000, generation: 5,
            isTrusted: true)
        #expect(byActor.needsRenewal)
    }

    @Test("a renewal that was granted just before the end is taken up")
    func grantedRenewal() throws {
        let hosted = try start(
            record: record(actor: 3, generation: 4, ceiling: 1_000), actor: 7, ceiling: 0, generation: 5,
            isTrusted: true, role: .learner)
        #expect(!hosted.needsRenewal)
        #expect(hosted.replica.actor == ActorID(7))
    }

    @Test("an empty disk is a beginning at the first start only")
    func emptyDisk() throws {
        #expect(try !start(record: nil, actor: 1, ceiling: 0, generation: 1, isTrusted: true).needsRenewal)
        #expect(try start(record: nil, actor: 1, ceiling: 1_000, generation: 2, isTrusted: true).needsRenewal)
        let newcomer = try start(
            record: nil, actor: 9, ceiling: 0, generation: 2, isTrusted: true, role: .learner)
        #expect(!newcomer.needsRenewal)
    }
}
