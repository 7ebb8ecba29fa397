package import KindredModel
package import KindredStorage

/// Following the view: who the others are, whom to promise what, and who has been closed.
extension PartitionReplica {
    /// Takes over a newer view; an older one is ignored.
    ///
    /// - Throws: if the storage cannot be read. The view is not taken over then.
    package mutating func adopt(
        _ newer: PartitionView, _ surroundings: MergeSurroundings, time: inout HybridLogicalClock, in store: ObjectStore
    ) throws(StorageError) -> MergeResult.Merged {
        var result = MergeResult.Merged()
        guard newer.epoch > view.epoch else { return result }
        let wasAlone = isAlone
        view = newer
        peers.keepOnly(newer.members.map(\.actor))
        caughtUpWith = []
        if wasAlone, !isAlone { try beginTracking(in: store) }
        try foldClosed(surroundings, &result, time: &time, in: store)
        return result
    }

    /// Others have come: from now on they must be able to ask for what they miss, and to compare.
    private mutating func beginTracking(in store: ObjectStore) throws(StorageError) {
        let prefix = KeyLayout.prefix(partition: partition)
        var found: [(Dot, [UInt8])] = []
        try store.engine.scan(.log, from: prefix, to: KeyLayout.successor(ofPrefix: prefix)) { key, value in
            if let fields = LogKeyFields(key) {
                found.append((Dot(ActorID(fields.actor), fields.counter), [UInt8](value)))
            }
            return .next
        }
        for (event, key) in found { log.insert(event, key: key) }
        survey.restart()
    }

    /// Goes on as a new incarnation, on the state as it is: the clock is exactly the one that belongs to it, so it claims no more than
    /// it should.
    package mutating func renew(as actor: ActorID) {
        self.actor = actor
        isSure = true
        caughtUpWith = []
    }

    /// Stages the removal of everything that a partition has in the store.
    package static func stageErasure(of partition: UInt16, in store: ObjectStore) {
        let prefix = KeyLayout.prefix(partition: partition)
        store.stageErasure(ofPrefix: prefix)
        if let end = KeyLayout.successor(ofPrefix: prefix) { store.stageDelete(.log, from: prefix, to: end) }
        for key in [Checkpoint.key(partition), IncarnationRecord.key(partition), TransferProgress.key(partition)] {
            store.stageDelete(.metadata, key: key)
        }
    }

    /// An empty replica, for a partition that the node has just been given or whose records were erased in this tick.
    package init(beginning partition: UInt16, actor: ActorID, view: PartitionView) {
        self.partition = partition
        self.actor = actor
        self.view = view
        clock = ReplicaClock()
        base = VersionVector()
        eventsSinceCheckpoint = 0
        survey = Survey(isNeeded: view.epoch > 0)
    }

    // MARK: Leaders

    /// Promises to follow a leader, and nobody before it. Durable with the tick.
    ///
    /// - Returns: nil if it is promised; `.notTheLeader` if a later leader has the promise.
    package mutating func promise(
        leaderEpoch: UInt64, generation: UInt64, ceiling: UInt64, in store: ObjectStore
    ) -> ReplicaRefusal? {
        if leaderEpoch < promisedLeaderEpoch { return .notTheLeader }
        if leaderEpoch > promisedLeaderEpoch {
            promisedLeaderEpoch = leaderEpoch
            stageIncarnation(generation: generation, ceiling: ceiling, in: store)
        }
        return nil
    }

    /// Stages who this replica is.
    package func stageIncarnation(generation: UInt64, ceiling: UInt64, in store: ObjectStore) {
        let record = IncarnationRecord(
            actor: actor, generation: generation, counterCeiling: ceiling, promisedLeaderEpoch: promisedLeaderEpoch)
        store.stage(.metadata, key: IncarnationRecord.key(partition), value: record.encoded())
    }

    // MARK: Closing

    /// Folds the actors that have been closed, in the order of their closing, as far as this replica knows their events.
    ///
    /// What it lacks of a closed actor it gets by a full transfer from a replica that has folded it. What it has *more* than was kept
    /// was written under dots that are voided now: those writes are salvaged first.
    package mutating func foldClosed(
        _ surroundings: MergeSurroundings, _ result: inout MergeResult.Merged, time: inout HybridLogicalClock,
        in store: ObjectStore
    ) throws(StorageError) {
        let pending = view.closed.closings.filter { $0.epoch > clock.base(of: .closed) }.sorted { $0.epoch < $1.epoch }
        guard !pending.isEmpty else { return }
        if pending.contains(where: { hasVoidedEvents(of: $0) }) {
            // Who cannot mint cannot salvage yet, and must not forget what there is to salvage.
            guard mintingRefusal == nil else { return }
            try salvageStored(surroundings, &result, time: &time, in: store)
        }
        var folded = false
        for closing in pending {
            guard knowsAll(of: closing) else { break }
            clock.removeActor(closing.actor)
            clock.insert(Dot(.closed, closing.epoch))
            dropLog(of: closing.actor, through: .max, in: store)
            folded = true
        }
        guard folded else { return }
        base = clock.base
        checkpoint(in: store)
    }

    private func hasVoidedEvents(of closing: ClosedActors.Closing) -> Bool {
        guard let entry = clock.entry(of: closing.actor) else { return false }
        return entry.highest > closing.last || closing.voided.contains { entry.contains($0) }
    }

    /// Whether every event of a closed actor that was kept has been applied here.
    private func knowsAll(of closing: ClosedActors.Closing) -> Bool {
        guard closing.last > 0 else { return true }
        guard let entry = clock.entry(of: closing.actor) else { return closing.last == UInt64(closing.voided.count) }
        if entry.base >= closing.last { return true }
        return (entry.base + 1...closing.last).allSatisfy { entry.contains($0) || closing.voided.contains($0) }
    }

    /// Looks through all objects for versions under voided dots, and through the log for voided events that left none. Rare: this replica
    /// was away while the actor was closed.
    private mutating func salvageStored(
        _ surroundings: MergeSurroundings, _ result: inout MergeResult.Merged, time: inout HybridLogicalClock,
        in store: ObjectStore
    ) throws(StorageError) {
        var lower = KeyLayout.prefix(partition: partition)
        let end = KeyLayout.successor(ofPrefix: lower)
        var logged = log.keys(from: lower, to: end)[...]
        while true {
            // So that not all values are in memory at once.
            let scan = try store.scan(
                from: lower, to: end, limit: surroundings.objectsPerTransfer, byteLimit: Limits.bytesPerPull)
            let last = scan.isComplete ? nil : scan.entries.last?.key
            let here = logged.prefix { key in last.map { Bytes.compare(key, $0) <= 0 } ?? true }
            logged = logged.dropFirst(here.count)
            for bytes in merged(scan.entries.map(\.key), Array(here)) {
                try salvageStored(bytes, surroundings, &result, time: &time, in: store)
            }
            guard let last else { break }
            lower = last + [0]
        }
        // What has been salvaged must not be found again.
        for closing in view.closed.closings {
            for event in log.voidedEvents(of: closing.actor, view.closed) { log.remove(event) }
        }
    }

    /// The same for one key.
    private mutating func salvageStored(
        _ bytes: [UInt8], _ surroundings: MergeSurroundings, _ result: inout MergeResult.Merged,
        time: inout HybridLogicalClock, in store: ObjectStore
    ) throws(StorageError) {
        let key = ObjectKey(
            partition: partition, address: bytes[KeyLayout.partitionLength...], hash: surroundings.hash)
        var object = try readWaiting(key, from: store)
        let before = object.versions
        let events = log.events(of: bytes).filter(view.closed.isVoided)
        let voided = object.removeVersions { view.closed.isVoided($0.dot) }
        guard !voided.isEmpty || !events.isEmpty else { return }
        let rules = surroundings.rules(of: key)
        let strategy = rules.strategy
        let logging = surroundings.logging(by: rules)
        var conflicts: [Conflict] = []
        if strategy == .lastWriteWins {
            result.lost += voided
            conflicts = logging?.conflicts(ofOrphaned: voided, beside: object.versions) ?? []
        } else {
            var salvaged = MergeResult.Merged()
            salvage(voided, of: events + voided.map(\.dot), into: &object, key, &salvaged, in: store)
            if salvaged.salvaged.isEmpty { carry(events, into: &object, key, &salvaged, in: store) }
            result.salvaged += salvaged.salvaged
            conflicts = logging?.conflicts(ofSalvaged: salvaged.salvaged, among: object.versions, strategy) ?? []
        }
        save(object, of: key.storage, replacing: before, in: store)
        enter(conflicts, of: key, strategy, surroundings, time: time.last, into: &result, in: store)
    }
}
