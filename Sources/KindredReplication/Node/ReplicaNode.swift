package import KindredModel
package import KindredStorage

/// Everything that a node decides about data: its replicas, its coordinator, the hints it keeps, and their talk with other nodes. A
/// deterministic state machine; the server and the simulator are two shells around it.
///
///     NodeInput ──► step ──► staged in the store ──► the shell commits, synchronizes, and then does the NodeEffects
///
/// The shell feeds inputs, calls `endTick`, commits the store, and holds the effects back until the commit is durable: so no message and no
/// answer carries what a power cut could take back (docs/ARCHITECTURE.md). After a failed commit it drops the node and makes a new one.
package struct ReplicaNode {
    package let id: NodeID
    /// How many times this node has been started, as the configuration service counts. Part of every exchange's id.
    package let generation: UInt64
    package let store: ObjectStore
    let settings: NodeSettings

    /// By partition, in ascending order.
    package internal(set) var partitions: [HostedPartition] = []
    var coordinator: Coordinator
    package internal(set) var hints: HintStore
    /// The views of all partitions, hosted here or not, in ascending order.
    var views: [PartitionView] = []
    var unreachable: [NodeID] = []
    package internal(set) var time: HybridLogicalClock
    private var timeCeiling: HybridTimestamp

    /// The last exchange begun by this node itself, not by its coordinator: their ids have a bit of their own.
    var nextExchange: UInt64
    var nextHandOff: UInt64 = 0
    /// Whose conflict log is looked after next.
    var conflictTidying = ConflictTidying()
    /// Hints on their way, by exchange, and until when their answers are waited for. One that is not answered is sent again.
    var handingOff: [UInt64: (ticket: HintTicket, deadline: UInt64)] = [:]

    // The step that is under way.
    var now: UInt64 = 0
    var wall: UInt64 = 0
    var effects: [NodeEffect] = []

    /// Loads what the store holds.
    ///
    /// - Parameters:
    ///   - views: the newest views that are known. A partition of which this node is a member, and of which it has no state yet, is
    ///     begun.
    ///   - isTrusted: whether the shell can vouch for the state being the latest: the process was killed, or closed its storage. If
    ///     not, every replica takes a new incarnation.
    package init(
        id: NodeID, generation: UInt64, store: ObjectStore, settings: NodeSettings, views: [PartitionView],
        fallbacks: (UInt16) -> [NodeID], isTrusted: Bool, now: UInt64, wall: UInt64
    ) throws(StorageError) {
        self.id = id
        self.generation = generation
        self.store = store
        self.settings = settings
        coordinator = Coordinator(node: id, generation: generation)
        hints = try HintStore(loadingFrom: store.engine)
        timeCeiling = try TimeCeiling.load(from: store.engine)
        time = HybridLogicalClock(floor: timeCeiling)
        nextExchange = generation << 40 | 1 << 39
        self.now = now
        self.wall = wall
        for view in views { try adopt(view, fallbacks: fallbacks(view.partition), isStart: true, isTrusted: isTrusted) }
    }

    /// Goes on with the exchanges' numbers where an earlier node of this process has ended, so that no answer to it is taken for one to this one.
    /// Only for the same generation.
    package mutating func takeOverNumbers(of earlier: ReplicaNode) {
        coordinator.ids = earlier.coordinator.ids
        nextExchange = earlier.nextExchange
    }

    /// Takes one input.
    package mutating func step(_ input: NodeInput, now: UInt64, wall: UInt64, into effects: inout [NodeEffect]) {
        self.now = now
        self.wall = wall
        switch input {
        case .client(let request, let token):
            coordinate(.client(request, token: token))
        case .message(let message, let sender):
            receive(message, from: sender)
        case .view(let view, let fallbacks):
            do throws(StorageError) {
                try adopt(view, fallbacks: fallbacks, isStart: false, isTrusted: true)
            } catch {
                storageFailed(error, partition: view.partition)
            }
        case .reachable(let node, let isReachable):
            unreachable.removeAll { $0 == node }
            if !isReachable { unreachable.append(node) }
            coordinate(.reachable(node, isReachable))
        case .clockAhead(let milliseconds):
            coordinate(.clockAhead(milliseconds: milliseconds))
        case .tick:
            coordinate(.wake)
            upkeep()
        }
        effects += self.effects
        self.effects.removeAll(keepingCapacity: true)
    }

    /// To be called before each commit: sees to it that hybrid time never goes back, whatever happens to this process and to the wall
    /// clock.
    package mutating func endTick() {
        guard store.hasStagedChanges, time.last >= timeCeiling else { return }
        timeCeiling = HybridTimestamp(milliseconds: time.last.milliseconds + Limits.clockCeilingMilliseconds)
        store.stage(.metadata, key: TimeCeiling.key, value: TimeCeiling.encode(timeCeiling))
    }

    // MARK: Finding one's way

    /// The position of a hosted partition; nil if this node has no replica of it.
    ///
    /// Mostly a node hosts all partitions, or the configuration service has named all: then a partition's number is its position.
    func position(of partition: UInt16) -> Int? {
        let guess = Int(partition)
        if guess < partitions.count, partitions[guess].replica.partition == partition { return guess }
        return partitions.firstIndex { $0.replica.partition == partition }
    }

    func view(of partition: UInt16) -> PartitionView? {
        let guess = Int(partition)
        if guess < views.count, views[guess].partition == partition { return views[guess] }
        return views.first { $0.partition == partition }
    }

    /// Whether a view is news here.
    package func isBehind(_ view: PartitionView) -> Bool {
        (self.view(of: view.partition)?.epoch ?? 0) < view.epoch
    }

    package func replica(of partition: UInt16) -> PartitionReplica? {
        position(of: partition).map { partitions[$0].replica }
    }

    var surroundings: MergeSurroundings {
        MergeSurroundings(
            wall: wall, maximumSkew: settings.maximumSkew, objectsPerTransfer: settings.objectsPerTransfer,
            hash: settings.hash, rules: settings.rules, logging: settings.conflictLogging)
    }

    mutating func exchangeID() -> UInt64 {
        nextExchange += 1
        return nextExchange
    }

    // MARK: The coordinator

    /// Lets the coordinator take an input, and does what it wants until it wants nothing more.
    mutating func coordinate(_ input: CoordinatorInput) {
        var inputs = [input]
        while !inputs.isEmpty {
            var wanted: [CoordinatorEffect] = []
            coordinator.handle(inputs.removeFirst(), now: now, into: &wanted)
            for effect in wanted {
                switch effect {
                case .send(let message, let receiver) where receiver == id:
                    if let answer = answer(message, from: id) { inputs.append(.message(answer, from: id)) }
                case .send(let message, let receiver):
                    effects.append(.send(withoutOldNews(message, for: receiver), to: receiver))
                case .write(let exchange, let request):
                    inputs.append(.written(id: exchange, write(request)))
                case .reply(let token, let reply):
                    effects.append(.reply(token: token, reply))
                case .wake:
                    // The shell ticks more often than any deadline needs.
                    break
                }
            }
        }
    }

    /// A write for another replica, without the events that it is known to have.
    private func withoutOldNews(_ message: PeerMessage, for receiver: NodeID) -> PeerMessage {
        guard case .replicate(var write) = message, let index = position(of: write.partition),
            let member = partitions[index].replica.view.member(at: receiver)
        else { return message }
        write.update.events = partitions[index].replica.events(write.update.events, newTo: member.actor)
        return .replicate(write)
    }

    /// Lets the own replica coordinate a client's write.
    private mutating func write(_ request: ClientRequest) -> Result<CoordinatedWrite, ReplicaRefusal> {
        guard let index = position(of: request.partition),
            case .write(let write, let precondition, _) = request.operation
        else { return .failure(.notAMember) }
        if let refusal = partitions[index].replica.mintingRefusal { return .failure(refusal) }
        if request.strategy == .versionNumbers, !partitions[index].leads { return .failure(.notTheLeader) }
        if let seen = write.seen {
            guard partitions[index].replica.couldHaveShown(seen.context) else { return .failure(.unknownEpoch) }
            let limit = wall.addingReportingOverflow(settings.maximumSkew)
            if request.strategy == .lastWriteWins, !limit.overflow, seen.timestamp.milliseconds > limit.partialValue {
                return .failure(.clockSkew)
            }
        }
        let key = ObjectKey(partition: request.partition, address: request.address, hash: settings.hash)
        let replicaWrite = ReplicaWrite(
            key: key, write: write, strategy: request.strategy, precondition: precondition,
            siblingLimit: settings.siblingLimit, logging: request.logsConflicts ? settings.conflictLogging : nil)
        do throws(StorageError) {
            let reply = try partitions[index].replica.writeWaiting(
                replicaWrite, wall: wall, maximumSkew: settings.maximumSkew, time: &time, in: store)
            var replaced: [Dot] = []
            if case .applied(let seen, let discarded) = reply.outcome { replaced = (seen + discarded).map(\.dot) }
            let update = partitions[index].replica.update(of: key, reply.object, also: replaced)
            let coordinated = CoordinatedWrite(
                outcome: reply.outcome, update: update, object: reply.object, writerKnows: reply.writerKnows,
                dot: reply.event?.dot, records: reply.record.map { [$0] } ?? [])
            effects.append(.coordinated(request, coordinated))
            return .success(coordinated)
        } catch {
            storageFailed(error, partition: request.partition)
            return .failure(.storage)
        }
    }

    // MARK: Failures

    /// A read failed: nothing is concluded from it. A damaged record means that the replica as a whole cannot be believed any more.
    mutating func storageFailed(_ error: StorageError, partition: UInt16) {
        var isDamaged = false
        if case .corrupt = error { isDamaged = true }
        effects.append(.alarm(.storage(partition: partition, reason: "\(error)", isDamaged: isDamaged)))
        guard isDamaged, let index = position(of: partition) else { return }
        partitions[index].isDamaged = true
        needsRenewal(partition)
    }

    /// The replica must take a new incarnation before it mints or counts again.
    mutating func needsRenewal(_ partition: UInt16) {
        guard let index = position(of: partition) else { return }
        partitions[index].needsRenewal = true
        partitions[index].replica.isSure = false
        effects.append(.configure(.renew(partition: partition, from: partitions[index].replica.actor)))
    }

    mutating func report(_ merged: MergeResult.Merged, partition: UInt16) {
        for divergence in merged.divergences {
            effects.append(.alarm(.divergence(partition: partition, dot: divergence.dot)))
        }
        for salvaged in merged.salvaged {
            effects.append(.salvaged(partition: partition, salvaged))
        }
        tell(merged.records, partition: partition)
        for version in merged.lost { effects.append(.alarm(.discarded(partition: partition, dot: version.dot))) }
    }
}

extension ReplicaNode {
    /// Tells the other members what has been entered into the conflict log, so that they need not ask for the events. Whoever misses it
    /// asks.
    private mutating func tell(_ records: [ObjectUpdate], partition: UInt16) {
        guard !records.isEmpty, let view = view(of: partition) else { return }
        for record in records {
            for member in view.members where member.node != id && !unreachable.contains(member.node) {
                let message = Replicate(id: exchangeID(), partition: partition, epoch: view.epoch, update: record)
                effects.append(.send(.replicate(message), to: member.node))
            }
        }
    }
}

/// How a node behaves, where that is not fixed.
package struct NodeSettings: Sendable {
    /// How many replicas each partition is to have.
    package var replicas: Int
    /// How far ahead of the own wall clock a timestamp may be where timestamps decide, in milliseconds.
    package var maximumSkew: UInt64
    /// No put may add a sibling to so many.
    package var siblingLimit: Int
    /// How many objects one part of a full transfer has at most.
    package var objectsPerTransfer: Int
    /// Hashes a storage key; see `ObjectKey`.
    package var hash: @Sendable (UnsafeRawBufferPointer) -> UInt64
    /// The rules of the bucket that an address is in.
    package var rules: @Sendable (ArraySlice<UInt8>) -> ConflictRules
    /// How conflicts are remembered, in buckets that want it; nil if in none.
    package var conflictLogging: ConflictLogging?
    /// How long they are remembered.
    package var conflictRetention: ConflictRetention

    package init(
        replicas: Int, maximumSkew: UInt64 = Limits.maximumSkewMilliseconds, siblingLimit: Int = Limits.siblingMaximum,
        objectsPerTransfer: Int = Limits.objectsPerTransfer,
        hash: @escaping @Sendable (UnsafeRawBufferPointer) -> UInt64,
        rules: @escaping @Sendable (ArraySlice<UInt8>) -> ConflictRules,
        conflictLogging: ConflictLogging? = nil, conflictRetention: ConflictRetention = ConflictRetention()
    ) {
        self.conflictLogging = conflictLogging
        self.conflictRetention = conflictRetention
        self.replicas = replicas
        self.maximumSkew = maximumSkew
        self.siblingLimit = siblingLimit
        self.objectsPerTransfer = objectsPerTransfer
        self.hash = hash
        self.rules = rules
    }
}

/// A replica, and what the node is doing with it.
package struct HostedPartition {
    package internal(set) var replica: PartitionReplica
    /// Whether the state can't be relied on, so that the configuration service has been asked for a new incarnation.
    package internal(set) var needsRenewal = false
    /// Whether a record could not be read, so that what there is goes away with the old incarnation.
    var isDamaged = false
    /// The exchange with another replica that is under way.
    var exchange: Exchange?
    /// Whom to ask next, as a position in the list of the other members.
    var nextPeer = 0
    /// When to ask.
    var nextPull: UInt64 = 0
    /// When to drop log entries, and when to ask for a higher clock floor.
    var nextPrune: UInt64 = 0
    var nextFloor: UInt64 = 0
    /// When to begin another round of settling.
    var nextSettling: UInt64 = 0
    /// When to tell the configuration service again what it has not taken up.
    var nextReport: UInt64 = 0
    /// The way to leadership, while it lasts.
    var recovery: LeaderRecovery?
    /// The epoch that this replica leads, once it has come through recovery.
    package internal(set) var ledEpoch: UInt64?
    /// When that was.
    var ledSince: UInt64 = 0

    /// Whether this replica numbers the versions of its keys.
    var leads: Bool {
        guard let leadership = replica.view.leadership, let ledEpoch else { return false }
        return leadership.epoch == ledEpoch && replica.promisedLeaderEpoch <= ledEpoch
    }

    /// A question to another replica, and until when its answer is worth waiting for.
    struct Exchange {
        var id: UInt64
        var peer: NodeID
        var deadline: UInt64
    }
}
