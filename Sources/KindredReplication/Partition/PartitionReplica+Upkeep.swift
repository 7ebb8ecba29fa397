package import KindredModel
package import KindredStorage

/// What a replica does when nobody asks it for anything: forget what everybody knows.
extension PartitionReplica {
    // MARK: The log

    /// How many events of an actor every member is known to have applied.
    func stableCounter(of actor: ActorID) -> UInt64 {
        var stable = clock.base(of: actor)
        for member in view.members where member.actor != self.actor {
            guard let theirs = peers.clock(of: member.actor) else { return 0 }
            stable = min(stable, theirs.base(of: actor))
        }
        return stable
    }

    /// Drops the log entries that no member can ask for any more, if there are enough to be worth a batch, and the oldest ones beyond the
    /// bound.
    package mutating func prune(in store: ObjectStore, atLeast least: Int = 1) {
        guard !isAlone else { return }
        var prunable = max(log.count - Limits.logEntriesPerPartition, 0)
        for (actor, _) in log.sizes {
            let stable = stableCounter(of: actor)
            if stable > 0, let first = log.counter(of: actor, at: 0), first <= stable {
                prunable += Int(min(stable - first + 1, UInt64(Int32.max)))
            }
        }
        if prunable >= least { checkpoint(in: store) }
    }

    /// Drops every log entry. Whoever still lacks one of the events needs a full transfer then.
    package mutating func forgetLog(in store: ObjectStore) {
        store.stage(.metadata, key: Checkpoint.key(partition), value: Checkpoint.encode(clock))
        eventsSinceCheckpoint = 0
        for (actor, _) in log.sizes { dropLog(of: actor, through: .max, in: store) }
    }

    /// Stages the removal of log entries. The caller stages a checkpoint in the same batch.
    mutating func stagePruning(in store: ObjectStore) {
        for (actor, _) in log.sizes {
            let stable = stableCounter(of: actor)
            if stable > 0 { dropLog(of: actor, through: stable, in: store) }
        }
        var excess = log.count - Limits.logEntriesPerPartition
        while excess > 0, let largest = log.sizes.max(by: { $0.count < $1.count }),
            let through = log.counter(of: largest.actor, at: min(excess, largest.count) - 1)
        {
            excess -= min(excess, largest.count)
            dropLog(of: largest.actor, through: through, in: store)
        }
    }

    mutating func dropLog(of actor: ActorID, through counter: UInt64, in store: ObjectStore) {
        guard let first = log.counter(of: actor, at: 0), log.remove(of: actor, through: counter) > 0 else { return }
        let lower = KeyLayout.logKey(partition: partition, actor: actor.rawValue, counter: first)
        let end = KeyLayout.logPrefix(partition: partition, actor: actor.rawValue)
        let upper =
            counter == .max
            ? KeyLayout.successor(ofPrefix: end) ?? lower
            : KeyLayout.logKey(partition: partition, actor: actor.rawValue, counter: counter + 1)
        store.stageDelete(.log, from: lower, to: upper)
    }

    // MARK: Objects

    /// Strips some stored objects of what the clock has come to vouch for, and drops tombstones that have become superfluous.
    ///
    /// It goes through the keys that have something left, a few at a time; and again when something has changed that could help.
    ///
    /// - Returns: the timestamp that the clock floor of new incarnations must reach before more tombstones can go; nil if none waits.
    package mutating func settle(
        limit: Int, _ surroundings: MergeSurroundings, in store: ObjectStore
    ) throws(StorageError) -> HybridTimestamp? {
        let circumstances = Settling.Circumstances(
            base: base, peers: peers.changes, epoch: view.epoch, discoveries: survey.discoveries)
        if settling.remaining == 0 {
            guard settling.circumstances != circumstances else { return settling.floorNeeded }
            settling = Settling(circumstances: circumstances, remaining: survey.unsettledCount)
        }
        let keys = survey.takeUnsettled(min(limit, settling.remaining))
        // Fewer than there were: the survey has begun anew.
        settling.remaining = keys.isEmpty ? 0 : settling.remaining - keys.count
        for (position, bytes) in keys.enumerated() {
            do throws(StorageError) {
                try settle(bytes, surroundings, in: store)
            } catch {
                // What could not be read has not been settled.
                for key in keys[position...] { survey.unsettled(key) }
                throw error
            }
        }
        return settling.floorNeeded
    }

    /// Whether keys are left that this round of settling has not come to.
    package var isSettling: Bool { settling.remaining > 0 }

    private mutating func settle(
        _ bytes: [UInt8], _ surroundings: MergeSurroundings, in store: ObjectStore
    ) throws(StorageError) {
        let key = ObjectKey(
            partition: partition, address: bytes[KeyLayout.partitionLength...], hash: surroundings.hash)
        var object = try readWaiting(key, from: store)
        let before = object.versions
        _ = object.removeVersions { tombstone in
            guard tombstone.isTombstone, isStable(tombstone) else { return false }
            if tombstone.timestamp > view.clockFloor, !PlantedFault.clockFloorIgnored.isActive {
                settling.floorNeeded = max(settling.floorNeeded ?? .zero, tombstone.timestamp)
                return false
            }
            return true
        }
        let stored = stripped(object)
        if case .found(let record, _) = try store.read(key.storage), record == stored.encoded() {
            if stored.isUnsettled { survey.unsettled(bytes, isNews: false) }
        } else {
            // Saving notes the key again if something is left.
            save(object, of: key.storage, replacing: before, in: store)
        }
    }

    /// Whether no write that is older than a tombstone can still arrive, from anybody.
    ///
    /// Every actor that is not closed has said, with its own counter, that it has the tombstone; whatever it minted before saying so is
    /// applied here; and whatever it mints after is later, because it has seen the tombstone.
    private func isStable(_ tombstone: Version) -> Bool {
        // An actor that is being closed may have minted something that has not come to light yet.
        guard view.closing.isEmpty || PlantedFault.tombstoneDroppedEarly.isActive else { return false }
        return view.members.allSatisfy { member in
            if member.actor == actor { return true }
            guard let theirs = peers.clock(of: member.actor), has(tombstone.dot, in: theirs) else { return false }
            return PlantedFault.tombstoneDroppedEarly.isActive
                || clock.base(of: member.actor) >= theirs.base(of: member.actor)
        }
    }

    /// Whether a clock reflects an event, be its actor closed or not.
    func has(_ event: Dot, in clock: ReplicaClock) -> Bool {
        if clock.contains(event) { return true }
        guard let closing = view.closed.closing(of: event.actor) else { return false }
        return closing.epoch <= clock.base(of: .closed)
    }

    /// Those of some events that a member is not known to have. While a replica is away, nothing is dropped from the log, and each write of
    /// a much written key would carry all its events to those that have them.
    package func events(_ events: [Dot], newTo member: ActorID) -> [Dot] {
        guard let theirs = peers.clock(of: member) else { return events }
        return events.filter { !has($0, in: theirs) }
    }

    /// Whether this replica's state reflects an event.
    package func reflects(_ event: Dot) -> Bool {
        has(event, in: clock) && !view.closed.isVoided(event)
    }

    /// Whether another member is known to have something that this one lacks.
    package func lags(behind actors: [ActorID]) -> Bool {
        actors.contains { peer in
            guard peer != actor else { return false }
            guard let theirs = peers.clock(of: peer) else { return true }
            return !view.closed.covers(theirs, by: clock)
        }
    }

    /// Goes on with the scan that finds the digest, and the keys that have something left to settle.
    ///
    /// - Returns: whether there is more to scan.
    package mutating func continueSurvey(limit: Int, in store: ObjectStore) throws(StorageError) -> Bool {
        guard case .through(let last) = survey.progress else { return false }
        let prefix = KeyLayout.prefix(partition: partition)
        let scan = try store.scan(
            from: last.isEmpty ? prefix : last + [0], to: KeyLayout.successor(ofPrefix: prefix), limit: limit,
            byteLimit: Limits.bytesPerPull)
        for entry in scan.entries { survey.visited(entry.key, try decoded(entry.value)) }
        if scan.isComplete { survey.finished() }
        return !scan.isComplete
    }

    /// The digest of all objects; nil while it is not known.
    package var digest: PartitionDigest? { survey.digest }

    /// How many log entries there are by actor, and how many keys have something left to settle.
    package var backlog: (logEntries: [(actor: ActorID, count: Int)], unsettledKeys: Int) {
        (log.sizes, survey.unsettledCount)
    }
}

/// One round through the keys that have something left to strip or drop.
struct Settling: Sendable {
    /// What it depends on whether anything can be stripped or dropped.
    struct Circumstances: Equatable, Sendable {
        var base: VersionVector
        var peers: UInt64
        var epoch: UInt64
        var discoveries: UInt64
    }

    var circumstances: Circumstances?
    /// How many keys it has not come to.
    var remaining = 0
    var floorNeeded: HybridTimestamp?
}
