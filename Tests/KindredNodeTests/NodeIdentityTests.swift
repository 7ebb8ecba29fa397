import KindredModel
import KindredNode
import KindredStorage
import Testing

@Suite struct NodeIdentityTests {
    private func takeOver(_ engine: MemoryStorageEngine, boot: String) throws -> NodeIdentity {
        try NodeIdentity.takeOver(engine, partitions: 8, bootID: boot) { count in Array(repeating: 7, count: count) }
    }

    @Test func newDataGetsAnIdentityThatStays() throws {
        let engine = MemoryStorageEngine()
        let first = try takeOver(engine, boot: "one")
        #expect(first.partitions == 8)
        #expect(first.actor == ActorID(1))
        #expect(first.clusterID.count == 16)
        #expect(first.tokenSecret.count == 32)
        let again = try takeOver(engine, boot: "one")
        #expect(again == first)
    }

    @Test func aKilledProcessGoesOnAsTheSameActor() throws {
        let engine = MemoryStorageEngine()
        _ = try takeOver(engine, boot: "one")
        #expect(try takeOver(engine, boot: "one").actor == ActorID(1))
    }

    @Test(arguments: ["two", ""]) func aMachineThatWentDownMakesANewActor(boot: String) throws {
        let engine = MemoryStorageEngine()
        _ = try takeOver(engine, boot: "one")
        #expect(try takeOver(engine, boot: boot).actor == ActorID(2))
        #expect(try takeOver(engine, boot: "").actor == ActorID(3))
    }

    @Test func partitionsCannotBeChangedLater() throws {
        let engine = MemoryStorageEngine()
        _ = try takeOver(engine, boot: "one")
        let again = try NodeIdentity.takeOver(engine, partitions: 256, bootID: "one") { Array(repeating: 1, count: $0) }
        #expect(again.partitions == 8)
    }

    @Test func damagedIdentityIsAnError() throws {
        let engine = MemoryStorageEngine()
        var batch = WriteBatch()
        batch.put(.metadata, key: KeyLayout.metadataKey("node/identity"), value: [1, 2, 3])
        try engine.commit(batch)
        #expect(throws: StorageError.self) { try takeOver(engine, boot: "one") }
    }
}
