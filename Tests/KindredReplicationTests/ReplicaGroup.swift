import KindredModel
import KindredReplication
import KindredStorage
import KindredTesting
import Testing

/// The replicas of one partition, each over a store of its own: what a test of several replicas drives. Whatever one of
/// them says to another goes through the bytes of a peer message.
///
/// A replica is named by its position, which is that of its member in the view.
struct ReplicaGroup {
    /// One replica, with its storage and its clock.
    struct Member {
        var store = ObjectStore(engine: MemoryStorageEngine(), byteLimit: 1 << 20)
        var replica: PartitionReplica
        var time = HybridLogicalClock()
    }

    let strategy: ConflictStrategy
    /// The strategy that a replica goes by, where that is not the group's.
    var strategies: [Int: ConflictStrategy] = [:]
    /// How conflicts are remembered; nil if they are not.
    var logging: ConflictLogging?
    /// At which replicas the conflicts of the type of quiet keys are not entered: those whose names begin with "quiet".
    var quiet: Set<Int> = []
    private(set) var members: [Member]
    private(set) var view: PartitionView
    /// What all the wall clocks show; every write moves it.
    private(set) var wall: UInt64 = 1_700_000_000_000
    /// For each part of a full transfer that a replica has applied, whether it claims everything that the source has.
    private(set) var transferClaims: [Bool] = []

    /// Empty replicas of what the view says.
    init(_ view: PartitionView, strategy: ConflictStrategy = .versionVectors) {
        self.view = view
        self.strategy = strategy
        members = view.members.map { Member(replica: PartitionReplica(beginning: 0, actor: $0.actor, view: view)) }
    }

    /// So many voters that mint as actors 1, 2, ….
    init(voters: Int, strategy: ConflictStrategy = .versionVectors) {
        let members = (1...UInt32(voters)).map {
            ReplicaMember(node: NodeID($0), actor: ActorID($0), role: .voter, counterCeiling: .max)
        }
        self.init(PartitionView(partition: 0, epoch: 1, members: members), strategy: strategy)
    }

    // MARK: Clients

    @discardableResult
    mutating func write(
        _ value: String?, to name: String, at position: Int, seen: Knowledge? = nil, by writer: String? = nil
    ) throws -> ReplicaWriteReply {
        wall += 1
        let write = ClientWrite(
            content: value.map { Array($0.utf8)[...] }, seen: seen, writer: writer.map { Array($0.utf8)[...] })
        let request = ReplicaWrite(
            key: try key(name), write: write, strategy: strategies[position] ?? strategy,
            logging: quiet.contains(position) && isQuiet(name) ? nil : logging)
        let result = try members[position].write(request, wall: wall)
        guard case .done(let reply) = result else { throw StorageError.failed("a memory engine never needs the disk") }
        try members[position].store.commit()
        return reply
    }

    func read(_ name: String, at position: Int) throws -> CausalObject {
        guard
            case .object(let object, _) = try members[position].replica.read(
                try key(name), from: members[position].store)
        else { throw StorageError.failed("a memory engine never needs the disk") }
        return object
    }

    /// What a client knows that has just read the key.
    func knowledge(_ name: String, at position: Int) throws -> Knowledge {
        let object = try read(name, at: position)
        return Knowledge(context: object.context, timestamp: object.latestTimestamp, number: object.latestNumber)
    }

    func values(_ name: String, at position: Int) throws -> [String] {
        (strategies[position] ?? strategy).visibleVersions(of: try read(name, at: position))
            .map { String(decoding: $0.content ?? [], as: UTF8.self) }
    }

    func key(_ name: String) throws -> ObjectKey {
        let type = isQuiet(name) ? Self.quietType : 1
        let bytes = try #require(
            KeyLayout.objectKey(partition: 0, bucketType: type, bucket: [98], key: Array(name.utf8)))
        return ObjectKey(partition: 0, address: bytes[KeyLayout.partitionLength...], hash: hashed)
    }

    /// Has a replica begin anew with what its storage holds, and with nothing of it in memory: as after a restart.
    mutating func restartCold(_ position: Int) throws {
        let old = members[position]
        let engine = FaultyStorageEngine(old.store.engine)
        engine.memoryIsEmpty = true
        members[position].store = ObjectStore(engine: engine, byteLimit: 1 << 20)
        members[position].replica = try PartitionReplica(
            partition: 0, actor: old.replica.actor, view: view, loadingFrom: engine)
    }

    /// Has a replica drop its log, so that whoever lacks something of it needs a full transfer.
    mutating func forgetLog(at position: Int) throws {
        members[position].replica.forgetLog(in: members[position].store)
        try members[position].store.commit()
    }

    // MARK: Replicas among each other

    /// One replica tells another what it knows of a key, as it does with every write.
    mutating func replicate(_ name: String, from sender: Int, to receiver: Int) throws {
        let update = members[sender].replica.update(of: try key(name), try read(name, at: sender))
        let message = Replicate(id: 1, partition: 0, epoch: view.epoch, update: update)
        guard case .replicate(let received) = try carried(.replicate(message)) else { return }
        let result = try members[receiver].merge(received.update, surroundings(of: receiver))
        guard case .merged(let merged) = result else {
            Issue.record("refused: \(result)")
            return
        }
        #expect(merged.divergences.isEmpty && merged.lost.isEmpty)
        try members[receiver].store.commit()
    }

    /// What a replica says of a key.
    func update(_ name: String, at position: Int) throws -> ObjectUpdate {
        members[position].replica.update(of: try key(name), try read(name, at: position))
    }

    /// What a replica makes of what it is told.
    mutating func merge(_ update: ObjectUpdate, at position: Int) throws -> MergeResult {
        let result = try members[position].merge(update, surroundings(of: position))
        try members[position].store.commit()
        return result
    }

    /// One replica asks another until it lacks nothing that the other has; by a full transfer if need be.
    ///
    /// - Returns: whether there was one.
    @discardableResult
    mutating func pull(by asker: Int, from answerer: Int) throws -> Bool {
        while true {
            guard case .pull(let request) = try carried(.pull(members[asker].replica.pullRequest(id: 1))),
                case .pulled(let reply) = try carried(.pulled(try members[answerer].answer(request, surroundings)))
            else { throw MalformedBytes("a message became another one") }
            let outcome = try members[asker].apply(reply, surroundings(of: asker))
            try members[asker].store.commit()
            try expectFaultless(outcome)
            if outcome.needsTransfer {
                try transfer(to: asker, from: answerer, clock: reply.clock)
                return true
            }
            if !outcome.hasMore { return false }
        }
    }

    private mutating func transfer(to asker: Int, from source: Int, clock: ReplicaClock) throws {
        members[asker].replica.beginTransfer(
            from: members[source].replica.actor, clock: clock, in: members[asker].store)
        while members[asker].replica.transfer != nil {
            guard case .transfer(let request) = try carried(.transfer(members[asker].replica.transferRequest(id: 1))),
                case .transferred(let reply) = try carried(
                    .transferred(
                        try members[source].replica.answer(request, surroundings, from: members[source].store)))
            else { throw MalformedBytes("a message became another one") }
            let outcome = try members[asker].apply(reply, surroundings(of: asker))
            try members[asker].store.commit()
            try expectFaultless(outcome)
            let source = members[source].replica.clock
            transferClaims.append(members[asker].replica.clock.isSuperset(of: source))
        }
    }

    /// Every replica asks every other one.
    mutating func pullAll() throws {
        for asker in members.indices {
            for answerer in members.indices where answerer != asker { try pull(by: asker, from: answerer) }
        }
    }

    /// Comes to rest: everybody has everything and knows that all others have it, and has forgotten what can be
    /// forgotten. Where tombstones wait for the clock floor, the floor is raised as the configuration service does.
    mutating func quiesce() throws {
        for _ in 0..<2 { try pullAll() }
        for _ in 0..<2 {
            var floor: HybridTimestamp?
            for position in members.indices {
                let needed = try members[position].settle(surroundings)
                floor = [floor, needed].compactMap { $0 }.max()
            }
            guard let floor else { break }
            var raised = view
            raised.epoch += 1
            raised.clockFloor = floor
            try adopt(raised)
        }
        for position in members.indices {
            members[position].replica.prune(in: members[position].store)
            try members[position].store.commit()
        }
    }

    // MARK: Views

    /// All replicas take over a view. A member that has another incarnation goes on as that one, with what it has.
    mutating func adopt(_ newer: PartitionView) throws {
        view = newer
        for position in members.indices {
            let merged = try members[position].adopt(newer, as: newer.members[position].actor, surroundings)
            #expect(merged.divergences.isEmpty && merged.lost.isEmpty && merged.salvaged.isEmpty)
        }
    }

    /// One replica takes over a view, and the others have not heard of it.
    mutating func adopt(_ newer: PartitionView, at position: Int) throws -> MergeResult.Merged {
        try members[position].adopt(newer, as: newer.members[position].actor, surroundings(of: position))
    }

    /// A replica's disk is lost: it begins anew, with nothing.
    mutating func loseDisk(at position: Int, as actor: ActorID, in view: PartitionView) {
        members[position] = Member(replica: PartitionReplica(beginning: 0, actor: actor, view: view))
    }

    // MARK: What is stored

    /// The records of the objects of one replica, in the order of their keys.
    func records(at position: Int) throws -> [[UInt8]: [UInt8]] {
        var records: [[UInt8]: [UInt8]] = [:]
        try members[position].store.engine.scan(.objects, from: [], to: nil) { key, value in
            records[[UInt8](key)] = [UInt8](value)
            return .next
        }
        return records
    }

    /// How many records a table of one replica has.
    func count(_ table: Table, at position: Int) throws -> Int {
        var count = 0
        try members[position].store.engine.scan(table, from: [], to: nil) { _, _ in
            count += 1
            return .next
        }
        return count
    }

    // MARK: Details

    private var surroundings: MergeSurroundings { surroundings(of: nil) }

    private func surroundings(of position: Int?) -> MergeSurroundings {
        let strategy = position.flatMap { strategies[$0] } ?? strategy
        let isQuiet = position.map(quiet.contains) ?? false
        return MergeSurroundings(
            wall: wall, maximumSkew: 500, hash: hashed,
            rules: { address in
                let type = address.withUnsafeBytes { AddressFields($0)?.bucketType }
                return ConflictRules(strategy, logsConflicts: !isQuiet || type != Self.quietType)
            }, logging: logging)
    }

    private static let quietType: UInt32 = 2

    private func isQuiet(_ name: String) -> Bool { name.hasPrefix("quiet") }

    /// A read's coordinator tells a replica what it has put together of several replicas' answers.
    mutating func repair(_ name: String, with answers: [Int], at receiver: Int) throws {
        var object = CausalObject()
        var events: [Dot] = []
        for position in answers {
            let answer = members[position].replica.update(of: try key(name), try read(name, at: position))
            _ = object.merge(answer.object)
            events += answer.events.filter { !events.contains($0) }
        }
        let update = ObjectUpdate(
            address: Array(try key(name).address), object: object, events: events.sorted(), isComposed: true)
        _ = try members[receiver].merge(update, surroundings(of: receiver))
        try members[receiver].store.commit()
    }

    /// What a replica's conflict log has, in the order of time.
    func conflicts(at position: Int) throws -> [Conflict] {
        try conflictRecords(at: position).flatMap(\.conflicts)
    }

    /// What it has about one key.
    func conflicts(of name: String, at position: Int) throws -> [Conflict] {
        let address = Array(try key(name).address)
        return try conflictRecords(at: position).filter { $0.address == address }.flatMap(\.conflicts)
    }

    private func conflictRecords(at position: Int) throws -> [ConflictRecord] {
        var records: [ConflictRecord] = []
        let prefix = KeyLayout.conflictPrefix(partition: 0)
        let scan = try members[position].store.scan(
            from: prefix, to: KeyLayout.successor(ofPrefix: prefix), limit: .max)
        for entry in scan.entries {
            for version in try CausalObject(encoded: entry.value).versions {
                records.append(try ConflictRecord(encoded: version.content ?? []))
            }
        }
        return records
    }

    /// Has a replica look after its conflict log, at this distance from now.
    mutating func tidyConflicts(_ retention: ConflictRetention, at position: Int, after pause: UInt64) throws {
        let member = members[position]
        var scans = 100
        try members[position].replica.tidyConflicts(
            retention, wall: wall + pause, hash: hashed, in: member.store, scans: &scans)
        try members[position].store.commit()
    }

    private func carried(_ message: PeerMessage) throws -> PeerMessage {
        try PeerMessage(encoded: message.encoded())
    }

    private func expectFaultless(_ outcome: PullOutcome) throws {
        try #require(outcome.refused == 0 && !outcome.isOwnPastUnknown && !outcome.isDamaged)
        let merged = outcome.merged
        #expect(merged.divergences.isEmpty && merged.lost.isEmpty && merged.salvaged.isEmpty)
    }
}

/// FNV-1a: these tests do not fear chosen keys.
func hashed(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    bytes.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
}

extension ReplicaGroup.Member {
    fileprivate mutating func write(_ request: ReplicaWrite, wall: UInt64) throws -> ReplicaWriteResult {
        try replica.write(request, wall: wall, time: &time, in: store)
    }

    fileprivate mutating func merge(
        _ update: ObjectUpdate, _ surroundings: MergeSurroundings
    ) throws -> MergeResult {
        try replica.merge(update, isFromMember: false, surroundings, time: &time, in: store)
    }

    fileprivate mutating func answer(_ request: PullRequest, _ surroundings: MergeSurroundings) throws -> PullReply {
        // A digest is only compared by replicas that have one.
        while try replica.continueSurvey(limit: .max, in: store) {}
        return try replica.answer(request, surroundings, from: store)
    }

    fileprivate mutating func apply(_ reply: PullReply, _ surroundings: MergeSurroundings) throws -> PullOutcome {
        try replica.apply(reply, surroundings, time: &time, in: store)
    }

    fileprivate mutating func apply(_ reply: TransferReply, _ surroundings: MergeSurroundings) throws -> PullOutcome {
        try replica.apply(reply, surroundings, time: &time, in: store)
    }

    fileprivate mutating func settle(_ surroundings: MergeSurroundings) throws -> HybridTimestamp? {
        let floor = try replica.settle(limit: .max, surroundings, in: store)
        try store.commit()
        return floor
    }

    fileprivate mutating func adopt(
        _ view: PartitionView, as actor: ActorID, _ surroundings: MergeSurroundings
    ) throws -> MergeResult.Merged {
        if actor != replica.actor { replica.renew(as: actor) }
        let merged = try replica.adopt(view, surroundings, time: &time, in: store)
        try store.commit()
        return merged
    }
}
