package import KindredModel
package import KindredStorage

/// One replica of one partition: it mints the dots of the writes that it coordinates, merges what other replicas tell it, and keeps for
/// each key what the bucket's strategy makes of both.
///
/// Straight-line read → decide → stage over a synchronous store: no I/O of its own, no clock, no randomness. The wall clock comes in;
/// what goes out is staged in the store, and becomes true when the shell commits the tick. A single node is a partition of one replica.
///
/// **Rules** (docs/ARCHITECTURE.md): the object, its log entry and thereby the counter are one atomic record. The clock is never
/// stored by itself on the way: it is the partition's checkpoint plus the dots of the log. An event enters the clock only with the
/// object that it changed. A read error is never "not found".
///
/// After a failed commit the replica's memory is ahead of its storage: the shell drops it and loads a new one.
///
/// The parts: reading and writing for clients are here; `+Merging` takes in what others say, `+AntiEntropy` and `+Transfer` ask and
/// answer for what is missing, `+Upkeep` prunes and settles, `+Membership` follows the view.
package struct PartitionReplica: Sendable {
    package let partition: UInt16
    /// The incarnation that mints.
    package internal(set) var actor: ActorID
    /// What the (staged) state reflects.
    package internal(set) var clock: ReplicaClock
    /// The contiguous part of `clock`, kept because each read fills with it.
    package internal(set) var base: VersionVector
    /// Who else has the partition, and who had it.
    package internal(set) var view: PartitionView
    /// How many events have been staged since the last checkpoint.
    var eventsSinceCheckpoint: UInt64

    /// The events that others may lack; empty while nobody else has the partition.
    var log = ReplicationLog()
    /// What the others were last heard to reflect.
    var peers = PeerClocks()
    /// What is known of the objects as a whole, and how far a scan has come that finds it out.
    var survey: Survey
    /// The round of settling that is under way, or was the last.
    var settling = Settling()
    /// A full transfer that has begun; durable, so that a restart goes on with it.
    package internal(set) var transfer: TransferProgress?
    /// The members whose every event has been applied since this incarnation began, by actor.
    var caughtUpWith: [ActorID] = []
    /// Whether this incarnation may go on. If its storage may have lost what it wrote, it mints nothing and answers nothing until it has a
    /// new id.
    package internal(set) var isSure = true
    /// Grows with everything that comes into the conflict log here, and with every start. In memory only.
    package internal(set) var conflictRevision: UInt64 = 0
    var conflictTally = ConflictTally()
    /// How many conflicts of each kind have been entered here since the replica was loaded, by the kind's number.
    package internal(set) var conflictCounts = [UInt64](repeating: 0, count: Conflict.Kind.allCases.count + 1)
    /// The epoch of the latest leader that this replica has promised to follow; durable.
    package internal(set) var promisedLeaderEpoch: UInt64 = 0

    /// Loads the replica's state: the checkpoint, and then the log.
    ///
    /// - Parameters:
    ///   - actor: the incarnation to mint as: either the one that wrote this state, which then lost nothing, or a new one.
    ///   - view: who has the partition; nil for this replica alone.
    package init(
        partition: UInt16, actor: ActorID, view: PartitionView? = nil, loadingFrom engine: any StorageEngine
    ) throws(StorageError) {
        self.partition = partition
        self.actor = actor
        let alone = ReplicaMember(node: NodeID(1), actor: actor, role: .voter, counterCeiling: .max)
        self.view = view ?? PartitionView(partition: partition, epoch: 0, members: [alone])
        var clock = ReplicaClock()
        if let record = try engine.value(.metadata, for: Checkpoint.key(partition)) {
            clock = try Checkpoint.decode(record, partition: partition)
        }
        var log = ReplicationLog()
        var later: UInt64 = 0
        let isAlone = self.view.epoch == 0
        let prefix = KeyLayout.prefix(partition: partition)
        var unreadable = false
        try engine.scan(.log, from: prefix, to: KeyLayout.successor(ofPrefix: prefix)) { key, value in
            guard let fields = LogKeyFields(key) else {
                unreadable = true
                return .stop
            }
            let dot = Dot(ActorID(fields.actor), fields.counter)
            if !clock.contains(dot) {
                if PlantedFault.logNotReplayed.isActive { return .next }
                guard clock.insert(dot) else {
                    unreadable = true
                    return .stop
                }
                later += 1
            }
            if !isAlone { log.insert(dot, key: [UInt8](value)) }
            return .next
        }
        guard !unreadable else { throw .corrupt("log of partition \(partition): not an event, or one out of bounds") }
        self.clock = clock
        base = clock.base
        self.log = log
        eventsSinceCheckpoint = later
        survey = Survey(isNeeded: !isAlone)
        // Larger than any that this incarnation had before: each record of the log is an event.
        conflictRevision = clock.entries.reduce(0) { $0 &+ $1.highest } &<< 20
        var hasConflicts = false
        let conflicts = KeyLayout.conflictPrefix(partition: partition)
        try engine.scan(.objects, from: conflicts, to: KeyLayout.successor(ofPrefix: conflicts)) { _, _ in
            hasConflicts = true
            return .stop
        }
        conflictTally = ConflictTally(isCounted: !hasConflicts)
        transfer = try TransferProgress.load(partition, from: engine)
        promisedLeaderEpoch = try IncarnationRecord.load(partition, from: engine)?.promisedLeaderEpoch ?? 0
    }

    /// How many events this incarnation has minted.
    package var counter: UInt64 { clock.base(of: actor) }

    /// Whether no other replica has the partition, so that nothing has to be kept for anybody.
    ///
    /// So it is outside of a cluster. A cluster's partition with one member may get more, and may have hints on their way.
    package var isAlone: Bool { view.epoch == 0 }

    // MARK: Reading

    /// Reads an object, filled: the context of an absent one is meaningful too.
    package func read(_ key: ObjectKey, from store: ObjectStore) throws(StorageError) -> ReplicaRead {
        var object: CausalObject
        let pending: CommitSequence?
        switch try store.read(key.storage) {
        case .needsDisk(let ticket):
            return .needsDisk(ticket)
        case .absent(let unsynchronized):
            object = CausalObject()
            pending = unsynchronized
        case .found(let record, let unsynchronized):
            object = try decoded(record)
            pending = unsynchronized
        }
        object.fill(base)
        if !view.closed.isEmpty { view.closed.expand(&object.context, for: object.versions) }
        return .object(object, unsynchronized: pending)
    }

    func decoded(_ record: [UInt8]) throws(StorageError) -> CausalObject {
        do {
            return try CausalObject(encoded: record)
        } catch {
            throw .corrupt("object in partition \(partition): \(error.reason)")
        }
    }

    // MARK: Writing

    /// Why this replica cannot coordinate a write at the moment; nil if it can.
    package var mintingRefusal: ReplicaRefusal? {
        guard let member = view.members.first(where: { $0.actor == actor }), member.role != .draining else {
            return .notAMember
        }
        let isLow = member.counterCeiling < counter + Limits.eventsPerWrite
        return isSure && !isLow ? nil : .notReady
    }

    /// Decides a client's write, and stages it if it is applied.
    ///
    /// - Parameters:
    ///   - wall: the wall clock, in milliseconds since 1970.
    ///   - time: the node's hybrid clock.
    ///   - maximumSkew: how far ahead of the wall clock what the write replaces may take the hybrid clock, in milliseconds.
    package mutating func write(
        _ request: ReplicaWrite, wall: UInt64, maximumSkew: UInt64 = Limits.maximumSkewMilliseconds,
        time: inout HybridLogicalClock, in store: ObjectStore
    ) throws(StorageError) -> ReplicaWriteResult {
        var object: CausalObject
        let unsynchronized: CommitSequence?
        switch try read(request.key, from: store) {
        case .needsDisk(let ticket): return .needsDisk(ticket)
        case .object(let found, let pending): (object, unsynchronized) = (found, pending)
        }
        if !request.precondition.isEmpty,
            let failure = request.precondition.failure(for: request.strategy.visibleVersions(of: object))
        {
            return .done(reply(.refused(.preconditionFailed(failure)), object, to: request, after: unsynchronized))
        }
        let before = object.versions
        var write = request.write
        if var seen = write.seen, !view.closed.isEmpty {
            view.closed.expand(&seen.context, for: object.versions)
            write.seen = seen
        }
        // Of a bucket that used to keep siblings there may be more than one: nobody has been shown the others since.
        let unsettled = request.strategy == .lastWriteWins ? request.strategy.settle(&object) : []
        // A write that is refused, or needs not happen, takes no time.
        var clock = time
        let seen = PlantedFault.timestampIgnoresContext.isActive ? .zero : write.seen?.timestamp ?? .zero
        let event = WriteEvent(
            dot: Dot(actor, counter + 1),
            timestamp: clock.tick(wall: wall, after: max(seen, object.latestTimestamp)))
        let outcome = request.strategy.apply(write, as: event, to: &object, siblingLimit: request.siblingLimit)
        let conflicts = request.logging.map { logging in
            logging.conflicts(
                of: write, as: event, request.strategy, outcome: outcome,
                before: before.filter { version in !unsettled.contains { $0.dot == version.dot } }, after: object)
                + logging.conflicts(dropping: unsettled, for: before)
        }
        if case .applied = outcome {
            // The write is later than what it replaces, whatever clock that had. The node's own clock follows only as far as the others
            // would believe it: or one clock that is wrong would, by way of buckets that need none, make all of them wrong.
            _ = time.tick(wall: wall)
            try? time.observe(event.timestamp, wall: wall, maximumSkew: maximumSkew)
            // A partition with one replica has nobody from whom an older write could still arrive.
            if request.strategy == .lastWriteWins, isAlone || PlantedFault.tombstoneForgotten.isActive {
                _ = object.removeVersions(where: \.isTombstone)
            }
            record(event.dot, of: request.key.storage, in: store)
            save(object, of: request.key.storage, replacing: before, in: store)
            let record = enter(conflicts, of: request, wall: wall, time: time, in: store)
            return .done(reply(outcome, object, to: request, event: event, after: nil, record: record))
        }
        let record = enter(conflicts, of: request, wall: wall, time: time, in: store)
        return .done(reply(outcome, object, to: request, after: unsynchronized, record: record))
    }

    private mutating func enter(
        _ conflicts: [Conflict]?, of request: ReplicaWrite, wall: UInt64, time: HybridLogicalClock,
        in store: ObjectStore
    ) -> ObjectUpdate? {
        guard let conflicts, let logging = request.logging else { return nil }
        return enter(conflicts, of: request.key, request.strategy, logging, wall: wall, time: time.last, in: store)
    }

    /// `write` of a key whose object may have to be read from the disk first.
    mutating func writeWaiting(
        _ request: ReplicaWrite, wall: UInt64, maximumSkew: UInt64, time: inout HybridLogicalClock,
        in store: ObjectStore
    ) throws(StorageError) -> ReplicaWriteReply {
        while true {
            switch try write(request, wall: wall, maximumSkew: maximumSkew, time: &time, in: store) {
            case .done(let reply): return reply
            case .needsDisk(let ticket): try store.load(request.key.storage, ticket)
            }
        }
    }

    /// Whether this incarnation can have caused the events which a token speaks of. What an earlier incarnation may have minted and lost
    /// can never be minted again, so knowing of it does no harm.
    package func couldHaveShown(_ context: CausalContext) -> Bool {
        let counter = counter
        func isPossible(_ dot: Dot) -> Bool {
            if dot.actor == actor { return dot.counter <= counter }
            if dot.actor == .closed { return dot.counter <= view.closed.epoch }
            if isAlone { return dot.actor < actor }
            guard let member = view.members.first(where: { $0.actor == dot.actor }) else { return true }
            return dot.counter <= member.counterCeiling
        }
        return context.vector.entries.allSatisfy { isPossible(Dot($0.actor, $0.counter)) }
            && context.cloud.allSatisfy(isPossible)
    }

    // MARK: Staging

    /// Stages a filled object, stripped of what the clock vouches for.
    mutating func save(
        _ object: CausalObject, of key: StorageKey, replacing before: [Version], in store: ObjectStore
    ) {
        var stored = stripped(object)
        // A record is written once, under a key of its own: its version says all that its context could.
        if KeyLayout.isConflict(key.bytes), !stored.versions.isEmpty { stored.context = CausalContext() }
        if stored.isEmpty {
            store.stageDelete(key)
            if KeyLayout.isConflict(key.bytes), let gone = before.first {
                conflictTally.removed(key.bytes, bytes: gone.content?.count ?? 0)
            }
        } else {
            let record = stored.encoded()
            let isConflict = KeyLayout.isConflict(key.bytes)
            if isConflict {
                conflictRevision += 1
                if before.isEmpty { conflictTally.added(key.bytes, bytes: record.count) }
            }
            // Who reads the log reads the disk.
            store.stagePut(key, value: record, isCold: isConflict)
        }
        guard !isAlone else { return }
        survey.changed(key.bytes, from: before, to: stored.versions)
        if stored.isUnsettled { survey.unsettled(key.bytes) }
    }

    /// An object as it is stored: without what the clock vouches for.
    func stripped(_ object: CausalObject) -> CausalObject {
        var stored = object
        if !view.closed.isEmpty { view.closed.fold(&stored.context) }
        stored.strip(PlantedFault.stripByMaximum.isActive ? clock.highest : base)
        return stored
    }

    /// Stages that an event has been applied. Its object is staged in the same step.
    mutating func record(_ event: Dot, of key: StorageKey, in store: ObjectStore) {
        guard clock.insert(event) else { return }
        base.include(through: Dot(event.actor, clock.base(of: event.actor)))
        if !isAlone { log.insert(event, key: key.bytes) }
        let logKey = KeyLayout.logKey(partition: partition, actor: event.actor.rawValue, counter: event.counter)
        store.stage(.log, key: logKey, value: key.bytes)
        eventsSinceCheckpoint += 1
        if eventsSinceCheckpoint >= Limits.eventsPerCheckpoint { checkpoint(in: store) }
    }

    /// Stages a checkpoint, and the removal of the log entries that nobody needs any more.
    package mutating func checkpoint(in store: ObjectStore) {
        store.stage(.metadata, key: Checkpoint.key(partition), value: Checkpoint.encode(clock))
        eventsSinceCheckpoint = 0
        if isAlone {
            let prefix = KeyLayout.prefix(partition: partition)
            if let end = KeyLayout.successor(ofPrefix: prefix) { store.stageDelete(.log, from: prefix, to: end) }
        } else {
            stagePruning(in: store)
        }
    }

    /// Whether there are events that only the log tells of.
    package var needsCheckpoint: Bool { eventsSinceCheckpoint > 0 }

    private func reply(
        _ outcome: WriteOutcome, _ object: CausalObject, to request: ReplicaWrite, event: WriteEvent? = nil,
        after unsynchronized: CommitSequence?, record: ObjectUpdate? = nil
    ) -> ReplicaWriteReply {
        var known = request.write.seen ?? .nothing
        if let event {
            // Who deletes without saying what has asked for everything that this replica knows.
            if request.write.content == nil, request.write.seen == nil { known.context = object.context }
            known.context = object.contextForWriter(of: event.dot, having: known.context)
            if PlantedFault.writerKnowsEverything.isActive { known.context = object.context }
            if PlantedFault.contextRoundedUp.isActive { known.context = known.context.roundedUp }
            known.timestamp = max(known.timestamp, event.timestamp)
            known.number = max(known.number, object.versions.last { $0.dot == event.dot }?.number ?? 0)
        }
        return ReplicaWriteReply(
            outcome: outcome, object: object, writerKnows: known, event: event, unsynchronized: unsynchronized,
            record: record)
    }
}

/// What a replica answers to a read.
package enum ReplicaRead: Sendable {
    /// What it knows of the key, filled. If `unsynchronized` is set, an answer that shows it has to wait for that commit.
    case object(CausalObject, unsynchronized: CommitSequence?)
    /// The object has to be loaded first; see `ObjectStore.install`.
    case needsDisk(LoadTicket)
}

/// A client's put or delete, addressed to the replica that coordinates it.
package struct ReplicaWrite: Sendable {
    package let key: ObjectKey
    package let write: ClientWrite
    package let strategy: ConflictStrategy
    package let precondition: Precondition
    package let siblingLimit: Int
    /// How conflicts are remembered; nil if they are not, at this node or in this bucket.
    package let logging: ConflictLogging?

    package init(
        key: ObjectKey, write: ClientWrite, strategy: ConflictStrategy, precondition: Precondition = .none,
        siblingLimit: Int = Limits.siblingMaximum, logging: ConflictLogging? = nil
    ) {
        self.logging = logging
        self.key = key
        self.write = write
        self.strategy = strategy
        self.precondition = precondition
        self.siblingLimit = siblingLimit
    }
}

/// What a replica answers to a write.
package enum ReplicaWriteResult: Sendable {
    /// Decided; if it was applied, it is staged.
    case done(ReplicaWriteReply)
    /// The object has to be loaded first; nothing has happened. See `ObjectStore.install`.
    case needsDisk(LoadTicket)
}

/// A write that has been decided.
package struct ReplicaWriteReply: Sendable {
    package let outcome: WriteOutcome
    /// The object after the write, filled.
    package let object: CausalObject
    /// What the writer knows now: what it knew, and its own write; nothing else.
    package let writerKnows: Knowledge
    /// The name and time of the write, if it was applied.
    package let event: WriteEvent?
    /// If nothing was applied: the commit that an answer which shows the object has to wait for.
    package let unsynchronized: CommitSequence?
    /// What has been entered into the conflict log with it, for the other replicas.
    package let record: ObjectUpdate?
}
