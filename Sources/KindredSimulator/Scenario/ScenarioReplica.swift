import KindredModel
import KindredReplication
import KindredStorage

/// One replica of a scenario: the real core over a store in memory, and the hybrid clock of its incarnation.
///
/// Each step ends with a commit, so what another replica hears is always durable.
struct ScenarioReplica {
    let node: NodeID
    private(set) var core: PartitionReplica
    private(set) var store: ObjectStore
    private(set) var time: HybridLogicalClock
    /// The offset of its physical clock, in milliseconds. It belongs to the machine, so a new incarnation has it too.
    var skew: Int64 = 0

    /// The cache is larger than any scenario is likely to fill; if one does, objects are read from the engine again.
    private static let cacheBytes = 64 << 20

    /// Starts an incarnation.
    ///
    /// - Parameters:
    ///   - backup: what is on its disk; nothing if nil.
    ///   - floor: it hands out no timestamp at or below this one.
    init(
        node: NodeID, actor: ActorID, view: PartitionView, backup: ScenarioBackup?, floor: HybridTimestamp
    ) throws(StorageError) {
        self.node = node
        let engine = MemoryStorageEngine()
        if let backup { try backup.write(to: engine) }
        store = ObjectStore(engine: engine, byteLimit: Self.cacheBytes)
        core = try PartitionReplica(
            partition: view.partition, actor: actor, view: view, loadingFrom: engine)
        time = HybridLogicalClock(floor: floor)
        while try core.continueSurvey(limit: .max, in: store) {}
    }

    /// Starts the next incarnation on the same machine.
    func restarted(
        as actor: ActorID, view: PartitionView, from backup: ScenarioBackup?, floor: HybridTimestamp
    ) throws(StorageError) -> ScenarioReplica {
        var next = try ScenarioReplica(node: node, actor: actor, view: view, backup: backup, floor: floor)
        next.skew = skew
        return next
    }

    func backup() throws(StorageError) -> ScenarioBackup {
        try ScenarioBackup(of: store.engine)
    }

    // MARK: Clients

    func read(_ key: ObjectKey) throws -> CausalObject {
        switch try core.read(key, from: store) {
        case .object(let object, _): return object
        case .needsDisk: throw ScenarioFailure("storage in memory asked for a disk")
        }
    }

    /// What others are to be told of a key.
    func update(of key: ObjectKey) throws -> ObjectUpdate {
        core.update(of: key, try read(key))
    }

    mutating func write(_ request: ReplicaWrite, wall: UInt64) throws -> ScenarioWriteReply {
        guard case .done(let reply) = try core.write(request, wall: wall, time: &time, in: store) else {
            throw ScenarioFailure("storage in memory asked for a disk")
        }
        var replaced: [Dot] = []
        if case .applied(let seen, let discarded) = reply.outcome { replaced = (seen + discarded).map(\.dot) }
        let update = core.update(of: request.key, reply.object, also: replaced)
        try store.commit()
        return ScenarioWriteReply(reply: reply, update: update)
    }

    // MARK: Other replicas

    /// Merges what another replica says.
    ///
    /// - Returns: why it was refused; nil if it was merged.
    mutating func merge(_ update: ObjectUpdate, _ surroundings: MergeSurroundings) throws -> ReplicaRefusal? {
        switch try core.merge(update, isFromMember: false, surroundings, time: &time, in: store) {
        case .merged(let merged):
            guard merged.divergences.isEmpty else { throw ScenarioFailure("two writes under one dot") }
            try store.commit()
            return nil
        case .refused(let refusal): return refusal
        case .ownPastUnknown: throw ScenarioFailure("others know more of a replica's events than itself")
        case .needsDisk: throw ScenarioFailure("storage in memory asked for a disk")
        }
    }

    func pullRequest(id: UInt64) -> PullRequest { core.pullRequest(id: id) }

    mutating func answer(_ request: PullRequest, _ surroundings: MergeSurroundings) throws(StorageError) -> PullReply {
        try core.answer(request, surroundings, from: store)
    }

    mutating func apply(_ reply: PullReply, _ surroundings: MergeSurroundings) throws -> PullOutcome {
        let outcome = try core.apply(reply, surroundings, time: &time, in: store)
        try Self.check(outcome)
        try store.commit()
        return outcome
    }

    mutating func beginTransfer(from source: ActorID, clock: ReplicaClock) throws(StorageError) {
        core.beginTransfer(from: source, clock: clock, in: store)
        try store.commit()
    }

    mutating func endTransfer() throws(StorageError) {
        core.abandonTransfer(in: store)
        try store.commit()
    }

    func transferRequest(id: UInt64) -> TransferRequest { core.transferRequest(id: id) }

    func answer(
        _ request: TransferRequest, _ surroundings: MergeSurroundings
    ) throws(StorageError) -> TransferReply {
        try core.answer(request, surroundings, from: store)
    }

    mutating func apply(_ reply: TransferReply, _ surroundings: MergeSurroundings) throws -> PullOutcome {
        let outcome = try core.apply(reply, surroundings, time: &time, in: store)
        try Self.check(outcome)
        try store.commit()
        return outcome
    }

    private static func check(_ outcome: PullOutcome) throws(ScenarioFailure) {
        if outcome.isOwnPastUnknown { throw ScenarioFailure("others know more of a replica's events than itself") }
        if outcome.isDamaged { throw ScenarioFailure("equal clocks, different digests") }
        if !outcome.merged.divergences.isEmpty { throw ScenarioFailure("two writes under one dot") }
    }

    // MARK: Upkeep

    mutating func adopt(_ view: PartitionView, _ surroundings: MergeSurroundings) throws(StorageError) {
        _ = try core.adopt(view, surroundings, time: &time, in: store)
        try store.commit()
    }

    mutating func forgetLog() throws(StorageError) {
        core.forgetLog(in: store)
        try store.commit()
    }

    /// - Returns: the floor that would let more tombstones go; nil if none waits for it.
    mutating func settle(_ surroundings: MergeSurroundings) throws(StorageError) -> HybridTimestamp? {
        let needed = try core.settle(limit: .max, surroundings, in: store)
        try store.commit()
        return needed
    }
}

/// What a replica made of a client's write, and what others are to be told of it.
struct ScenarioWriteReply {
    let reply: ReplicaWriteReply
    let update: ObjectUpdate
}

/// A copy of a replica's disk.
struct ScenarioBackup {
    private var batch = WriteBatch()

    init(of engine: any StorageEngine) throws(StorageError) {
        var copied = WriteBatch()
        for table in Table.allCases {
            try engine.scan(table, from: [], to: nil) { key, value in
                copied.put(table, key: [UInt8](key), value: [UInt8](value))
                return .next
            }
        }
        batch = copied
    }

    func write(to engine: any StorageEngine) throws(StorageError) {
        try engine.commit(batch)
    }
}
