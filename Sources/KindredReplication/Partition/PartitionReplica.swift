package import KindredModel
package import KindredStorage

/// One replica of one partition: it mints the dots of the writes that it coordinates, and keeps for each key what the bucket's
/// strategy makes of them.
///
/// Straight-line read → decide → stage over a synchronous store: no I/O of its own, no clock, no randomness. The wall clock comes in;
/// what goes out is staged in the store, and becomes true when the shell commits the tick.
///
/// **Rules** (docs/ARCHITECTURE.md): the object, its log entry and thereby the counter are one atomic record. The clock is never
/// stored by itself on the way: it is the partition's checkpoint plus the dots of the log. A read error is never "not found".
///
/// After a failed commit the replica's memory is ahead of its storage: the shell drops it and loads a new one.
package struct PartitionReplica: Sendable {
    package let partition: UInt16
    /// The incarnation that mints.
    package let actor: ActorID
    /// What the (staged) state reflects.
    package private(set) var clock: ReplicaClock
    /// The contiguous part of `clock`, kept because each read fills with it.
    package private(set) var base: VersionVector
    /// The value of the own counter at the last checkpoint.
    private var checkpointed: UInt64

    /// Loads the replica's state: the checkpoint, and then the log.
    ///
    /// - Parameter actor: the incarnation to mint as: either the one that wrote this state, which then lost nothing, or a new one.
    package init(partition: UInt16, actor: ActorID, loadingFrom engine: any StorageEngine) throws(StorageError) {
        self.partition = partition
        self.actor = actor
        var clock = ReplicaClock()
        if let record = try engine.value(.metadata, for: Checkpoint.key(partition)) {
            clock = try Checkpoint.decode(record, partition: partition)
        }
        checkpointed = clock.base(of: actor)
        let prefix = KeyLayout.prefix(partition: partition)
        var unreadable = false
        try engine.scan(.log, from: prefix, to: KeyLayout.successor(ofPrefix: prefix)) { key, _ in
            guard let fields = LogKeyFields(key) else {
                unreadable = true
                return .stop
            }
            let dot = Dot(ActorID(fields.actor), fields.counter)
            guard clock.contains(dot) || clock.insert(dot) else {
                unreadable = true
                return .stop
            }
            return .next
        }
        guard !unreadable else { throw .corrupt("log of partition \(partition): not an event, or one out of bounds") }
        self.clock = clock
        base = clock.base
    }

    /// How many events this incarnation has minted.
    package var counter: UInt64 { clock.base(of: actor) }

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
            do {
                object = try CausalObject(encoded: record)
            } catch {
                throw .corrupt("object in partition \(partition): \(error.reason)")
            }
            pending = unsynchronized
        }
        object.fill(base)
        return .object(object, unsynchronized: pending)
    }

    // MARK: Writing

    /// Decides a client's write, and stages it if it is applied.
    ///
    /// - Parameters:
    ///   - wall: the wall clock, in milliseconds since 1970.
    ///   - time: the node's hybrid clock.
    package mutating func write(
        _ request: ReplicaWrite, wall: UInt64, time: inout HybridLogicalClock, in store: ObjectStore
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
        let seen = request.write.seen?.timestamp ?? .zero
        let event = WriteEvent(
            dot: Dot(actor, counter + 1),
            timestamp: time.tick(wall: wall, after: max(seen, object.latestTimestamp)))
        let outcome = request.strategy.apply(
            request.write, as: event, to: &object, siblingLimit: request.siblingLimit)
        if case .applied = outcome {
            // A partition with one replica has nobody from whom an older write could still arrive.
            if request.strategy == .lastWriteWins { _ = object.removeVersions(where: \.isTombstone) }
            stage(object, of: request.key, event: event.dot, in: store)
            return .done(reply(outcome, object, to: request, event: event, after: nil))
        }
        return .done(reply(outcome, object, to: request, after: unsynchronized))
    }

    /// Whether this incarnation can have caused the events which a token speaks of. What an earlier incarnation may have minted and lost
    /// can never be minted again, so knowing of it does no harm.
    package func couldHaveShown(_ context: CausalContext) -> Bool {
        let counter = counter
        func isPossible(_ dot: Dot) -> Bool { dot.actor < actor || (dot.actor == actor && dot.counter <= counter) }
        return context.vector.entries.allSatisfy { isPossible(Dot($0.actor, $0.counter)) }
            && context.cloud.allSatisfy(isPossible)
    }

    private mutating func stage(_ object: CausalObject, of key: ObjectKey, event: Dot, in store: ObjectStore) {
        clock.insert(event)
        base.include(through: event)
        var stored = object
        stored.strip(base)
        if stored.isEmpty {
            store.stageDelete(key.storage)
        } else {
            store.stagePut(key.storage, value: stored.encoded())
        }
        let logKey = KeyLayout.logKey(partition: partition, actor: actor.rawValue, counter: event.counter)
        store.stage(.log, key: logKey, value: key.storage.bytes)
        if event.counter - checkpointed >= Limits.eventsPerCheckpoint { checkpoint(in: store) }
    }

    /// Stages a checkpoint, and the removal of the log entries that it makes superfluous: with one replica, all of them.
    package mutating func checkpoint(in store: ObjectStore) {
        store.stage(.metadata, key: Checkpoint.key(partition), value: Checkpoint.encode(clock))
        let prefix = KeyLayout.prefix(partition: partition)
        if let end = KeyLayout.successor(ofPrefix: prefix) { store.stageDelete(.log, from: prefix, to: end) }
        checkpointed = counter
    }

    /// Whether there are events that only the log tells of.
    package var needsCheckpoint: Bool { counter > checkpointed }

    private func reply(
        _ outcome: WriteOutcome, _ object: CausalObject, to request: ReplicaWrite, event: WriteEvent? = nil,
        after unsynchronized: CommitSequence?
    ) -> ReplicaWriteReply {
        var known = request.write.seen ?? .nothing
        if let event {
            known.context = object.contextForWriter(of: event.dot, having: known.context)
            known.timestamp = max(known.timestamp, event.timestamp)
            known.number = max(known.number, object.versions.last { $0.dot == event.dot }?.number ?? 0)
        }
        return ReplicaWriteReply(
            outcome: outcome, object: object, writerKnows: known, event: event, unsynchronized: unsynchronized)
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

    package init(
        key: ObjectKey, write: ClientWrite, strategy: ConflictStrategy, precondition: Precondition = .none,
        siblingLimit: Int = Limits.siblingMaximum
    ) {
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
}
