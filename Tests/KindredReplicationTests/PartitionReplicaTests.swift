import KindredModel
import KindredReplication
import KindredStorage
import Testing

/// A partition replica over a store, with a clock that the test sets.
private struct Replica {
    let engine: MemoryStorageEngine
    var store: ObjectStore
    var replica: PartitionReplica
    var time = HybridLogicalClock()
    var wall: UInt64 = 1_000

    init(engine: MemoryStorageEngine = MemoryStorageEngine(), actor: UInt32 = 1) throws {
        self.engine = engine
        store = ObjectStore(engine: engine, byteLimit: 1 << 20)
        replica = try PartitionReplica(partition: 0, actor: ActorID(actor), loadingFrom: engine)
    }

    static func key(_ name: String) throws -> ObjectKey {
        let bucket: [UInt8] = Array("b".utf8)
        let bytes = Array(name.utf8)
        let key = bucket.withUnsafeBytes { bucket in
            bytes.withUnsafeBytes { key in
                ObjectKey(bucketType: 1, bucket: bucket, key: key, partitions: 1) { bytes in
                    bytes.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
                }
            }
        }
        return try #require(key)
    }

    mutating func write(
        _ value: String?, to name: String = "k", seen: Knowledge? = nil,
        _ strategy: ConflictStrategy = .versionVectors, if precondition: Precondition = .none
    ) throws -> ReplicaWriteReply {
        let write = ClientWrite(content: value.map { Array($0.utf8)[...] }, seen: seen)
        let request = ReplicaWrite(
            key: try Self.key(name), write: write, strategy: strategy, precondition: precondition)
        switch try replica.write(request, wall: wall, time: &time, in: store) {
        case .done(let reply): return reply
        case .needsDisk: throw StorageError.failed("a memory engine never needs the disk")
        }
    }

    func read(_ name: String = "k") throws -> CausalObject {
        switch try replica.read(try Self.key(name), from: store) {
        case .object(let object, _): return object
        case .needsDisk: throw StorageError.failed("a memory engine never needs the disk")
        }
    }

    func values(_ name: String = "k", _ strategy: ConflictStrategy = .versionVectors) throws -> [String] {
        strategy.visibleVersions(of: try read(name)).map { String(decoding: $0.content ?? [], as: UTF8.self) }.sorted()
    }

    func knowledge(_ name: String = "k") throws -> Knowledge {
        let object = try read(name)
        return Knowledge(
            context: object.context, timestamp: object.latestTimestamp, number: object.latestNumber)
    }

    /// Throws away all memory, as a crash does.
    func restarted(asActor actor: UInt32? = nil) throws -> Replica {
        var restarted = try Replica(engine: engine, actor: actor ?? replica.actor.rawValue)
        restarted.wall = wall
        restarted.time = time
        return restarted
    }

    func count(_ table: Table) throws -> Int {
        var count = 0
        try engine.scan(table, from: [], to: nil) { _, _ in
            count += 1
            return .next
        }
        return count
    }
}

@Suite struct PartitionReplicaTests {
    @Test func concurrentWritesAreBothKept() throws {
        var replica = try Replica()
        _ = try replica.write("apple")
        _ = try replica.write("banana")
        #expect(try replica.values() == ["apple", "banana"])
        _ = try replica.write("both", seen: try replica.knowledge())
        #expect(try replica.values() == ["both"])
    }

    @Test func aRestartFindsWhatWasCommittedAndNothingElse() throws {
        var replica = try Replica()
        _ = try replica.write("kept")
        try replica.store.commit()
        _ = try replica.write("staged only", to: "other")
        let restarted = try replica.restarted()
        #expect(restarted.replica.counter == 1)
        #expect(try restarted.values() == ["kept"])
        #expect(try restarted.values("other").isEmpty)
    }

    @Test func noDotIsUsedTwiceAcrossRestarts() throws {
        var replica = try Replica()
        var dots: Set<Dot> = []
        for round in 0..<20 {
            let reply = try replica.write("v\(round)")
            let dot = try #require(reply.event?.dot)
            #expect(dots.insert(dot).inserted, "\(dot) twice")
            try replica.store.commit()
            replica = try replica.restarted()
        }
        #expect(try replica.values().count == 20)
    }

    @Test func aContextFromBeforeARestartStillReplacesExactlyWhatItSaw() throws {
        var replica = try Replica()
        _ = try replica.write("seen")
        let seen = try replica.knowledge()
        _ = try replica.write("unseen")
        try replica.store.commit()
        var restarted = try replica.restarted(asActor: 2)
        _ = try restarted.write("new", seen: seen)
        #expect(try restarted.values() == ["new", "unseen"])
    }

    @Test func aDeleteLeavesNoObjectBehind() throws {
        var replica = try Replica()
        _ = try replica.write("v")
        _ = try replica.write(nil, seen: try replica.knowledge())
        try replica.store.commit()
        #expect(try replica.values().isEmpty)
        #expect(try replica.count(.objects) == 0)
    }

    @Test func lastWriteWinsDeletesLeaveNoTombstoneWithOneReplica() throws {
        var replica = try Replica()
        _ = try replica.write("v", .lastWriteWins)
        _ = try replica.write(nil, .lastWriteWins)
        try replica.store.commit()
        #expect(try replica.count(.objects) == 0)
        // And a write after it wins, though the wall clock went back.
        replica.wall = 10
        _ = try replica.write("later", .lastWriteWins)
        #expect(try replica.values("k", .lastWriteWins) == ["later"])
    }

    @Test func aWriteThatChangesNothingMintsNothing() throws {
        var replica = try Replica()
        _ = try replica.write("v", .immutable)
        let again = try replica.write("v", .immutable)
        guard case .unchanged = again.outcome else {
            Issue.record("the same content is there already")
            return
        }
        guard case .refused(.exists) = try replica.write("other", .immutable).outcome else {
            Issue.record("other content is to be refused")
            return
        }
        _ = try replica.write(nil, to: "absent")
        #expect(replica.replica.counter == 1)
        #expect(try replica.values("k", .immutable) == ["v"])
    }

    @Test func aRefusedPreconditionChangesNothing() throws {
        var replica = try Replica()
        _ = try replica.write("v")
        var precondition = Precondition()
        precondition.mustNotExist = true
        guard case .refused(.preconditionFailed(.exists)) = try replica.write("w", if: precondition).outcome else {
            Issue.record("the key exists")
            return
        }
        #expect(try replica.values() == ["v"])
        #expect(replica.replica.counter == 1)
    }

    @Test func storedObjectsCarryNoCausalityThatTheClockHas() throws {
        var replica = try Replica()
        for round in 0..<100 {
            _ = try replica.write("v\(round)", seen: try replica.knowledge())
        }
        try replica.store.commit()
        let record = try #require(try replica.engine.value(.objects, for: try Replica.key("k").storage.bytes))
        let stored = try CausalObject(encoded: record)
        #expect(stored.context.isEmpty)
        let content = try #require(stored.versions.first?.content)
        #expect(record.count - content.count <= 24)
    }

    @Test func theLogIsFoldedIntoTheCheckpoint() throws {
        var replica = try Replica()
        let events = Limits.eventsPerCheckpoint + 5
        for event in 0..<events { _ = try replica.write("v\(event)", seen: try replica.knowledge()) }
        try replica.store.commit()
        #expect(try replica.count(.log) == 5)
        let restarted = try replica.restarted()
        #expect(restarted.replica.counter == events)
        #expect(try restarted.values() == ["v\(events - 1)"])
    }

    @Test func tokensFromTheFutureAreRecognised() throws {
        var replica = try Replica(actor: 2)
        _ = try replica.write("v")
        #expect(replica.replica.couldHaveShown(CausalContext(dots: [Dot(ActorID(2), 1)])))
        #expect(!replica.replica.couldHaveShown(CausalContext(dots: [Dot(ActorID(2), 2)])))
        #expect(!replica.replica.couldHaveShown(CausalContext(dots: [Dot(ActorID(3), 1)])))
        // What an earlier incarnation minted and lost in a power cut cannot be minted again.
        #expect(replica.replica.couldHaveShown(CausalContext(dots: [Dot(ActorID(1), 99)])))
    }

    @Test func theWritersContextHasAGapWhereItHasNotLooked() throws {
        var replica = try Replica()
        _ = try replica.write("unseen")
        let mine = try replica.write("mine").writerKnows
        #expect(!mine.context.contains(Dot(ActorID(1), 1)))
        #expect(mine.context.contains(Dot(ActorID(1), 2)))
        _ = try replica.write("mine too", seen: mine)
        #expect(try replica.values() == ["mine too", "unseen"])
    }

    @Test func twoClientsAlternatingNeverLeaveMoreThanTwoSiblings() throws {
        var replica = try Replica()
        var known: [Knowledge] = [.nothing, .nothing]
        for round in 0..<2_000 {
            let client = round % 2
            let reply = try replica.write("\(client)/\(round)", seen: known[client])
            known[client] = reply.writerKnows
            #expect(reply.object.versions.count <= 2)
        }
    }

    @Test func damagedRecordsAreErrorsAndNotAbsence() throws {
        let replica = try Replica()
        var batch = WriteBatch()
        batch.put(.objects, key: try Replica.key("k").storage.bytes, value: [9, 9, 9])
        try replica.engine.commit(batch)
        #expect(throws: StorageError.self) { try replica.read() }
    }
}

@Suite struct PlacementTests {
    /// Part of the storage format: a change of these figures loses every existing object.
    @Test func placementNeverChanges() {
        func partition(_ type: UInt32, _ bucket: String, _ key: String) -> UInt16 {
            Array(bucket.utf8).withUnsafeBytes { bucket in
                Array(key.utf8).withUnsafeBytes { key in
                    Placement.partition(bucketType: type, bucket: bucket, key: key, of: 64)
                }
            }
        }
        let placed = [
            partition(0, "b", "k"), partition(1, "b", "k"), partition(0, "bk", ""), partition(0, "users", "alice"),
            partition(0, "users", "bob"), partition(4_294_967_295, "\u{0}", "\u{0}"),
        ]
        #expect(placed == [3, 29, 54, 31, 53, 3])
    }

    @Test func keysSpreadEvenly() {
        var counts = [Int](repeating: 0, count: 64)
        for index in 0..<64_000 {
            let key = Array("key-\(index)".utf8)
            let partition = key.withUnsafeBytes { key in
                Placement.partition(
                    bucketType: 1, bucket: UnsafeRawBufferPointer(start: nil, count: 0), key: key, of: 64)
            }
            counts[Int(partition)] += 1
        }
        #expect(counts.allSatisfy { (800...1_200).contains($0) }, "\(counts)")
    }
}
