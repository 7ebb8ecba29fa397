package import KindredModel
package import KindredStorage

/// What a replica did with something that another one told it.
package enum MergeResult: Sendable {
    /// It is applied, or was before: once the tick is durable, so is all of it.
    case merged(Merged)
    /// Nothing has happened, and nothing of it is recorded.
    case refused(ReplicaRefusal)
    /// The sender knows events of this very incarnation that it has not minted: its state is an older copy. It must mint no more, under
    /// this id, for ever.
    case ownPastUnknown
    /// The object has to be loaded first; nothing has happened. See `ObjectStore.install`.
    case needsDisk(LoadTicket)

    /// What was noticed on the way.
    package struct Merged: Sendable {
        /// Dots under which two different writes were found. An alarm.
        package var divergences: [CausalObject.Divergence] = []
        /// Writes that turned up under a voided dot: minted anew here.
        package var salvaged: [SalvagedWrite] = []
        /// Writes that turned up under a voided dot, and that last-write-wins has no place for.
        package var lost: [Version] = []
        /// What has been entered into the conflict log, for the other replicas.
        package var records: [ObjectUpdate] = []

        mutating func add(_ other: Merged) {
            divergences += other.divergences
            salvaged += other.salvaged
            lost += other.lost
            records += other.records
        }
    }
}

/// A write that turned up under a voided dot, and goes on under another one.
package struct SalvagedWrite: Hashable, Sendable {
    /// The dot that it has now.
    package let dot: Dot
    /// The version that goes on under it; nil if it only carries on what voided events have removed.
    package let version: Dot?
    /// The voided events whose knowledge it takes over.
    package let voided: [Dot]
}

/// What merging depends on besides the replica and its store.
package struct MergeSurroundings {
    /// The wall clock, in milliseconds since 1970.
    package var wall: UInt64
    /// How far ahead of it a timestamp may be, in buckets where timestamps decide.
    package var maximumSkew: UInt64
    /// How many objects one part of a full transfer has at most.
    package var objectsPerTransfer: Int
    /// Hashes a storage key; see `ObjectKey`.
    package var hash: (UnsafeRawBufferPointer) -> UInt64
    /// The rules of the bucket that an address is in.
    package var rules: (ArraySlice<UInt8>) -> ConflictRules
    /// How conflicts are remembered, in buckets that want it; nil if in none.
    package var logging: ConflictLogging?

    package init(
        wall: UInt64, maximumSkew: UInt64, objectsPerTransfer: Int = Limits.objectsPerTransfer,
        hash: @escaping (UnsafeRawBufferPointer) -> UInt64,
        rules: @escaping (ArraySlice<UInt8>) -> ConflictRules, logging: ConflictLogging? = nil
    ) {
        self.logging = logging
        self.wall = wall
        self.maximumSkew = maximumSkew
        self.objectsPerTransfer = objectsPerTransfer
        self.hash = hash
        self.rules = rules
    }

    /// The rules by which an object is merged. Records of the conflict log are kept, whatever else their bucket type would do, and
    /// nothing is entered about them.
    func rules(of key: ObjectKey) -> ConflictRules {
        key.isConflict ? ConflictRules(.versionVectors, logsConflicts: false) : rules(key.address)
    }

    /// How the conflicts of a bucket with these rules are remembered; nil if they are not.
    func logging(by rules: ConflictRules) -> ConflictLogging? { rules.logsConflicts ? logging : nil }
}

extension PartitionReplica {
    /// What others are to be told of a key.
    ///
    /// - Parameters:
    ///   - object: the key's object, filled.
    ///   - also: events that this step has applied and that the log may not have.
    package func update(of key: ObjectKey, _ object: CausalObject, also: [Dot] = []) -> ObjectUpdate {
        var events = object.versions.map(\.dot) + also
        if !PlantedFault.effectWithoutEvent.isActive { events += log.events(of: key.storage.bytes) }
        events.sort()
        var unique: [Dot] = []
        for event in events where unique.last != event { unique.append(event) }
        return ObjectUpdate(address: Array(key.address), object: object, events: unique)
    }

    /// Merges what another replica knows of a key, and records the events that came with it: one atomic record.
    ///
    /// - Parameters:
    ///   - isFromMember: whether a current member said so in answer to this replica's own question. Only then is it believed about
    ///     actors that are being closed.
    ///   - isTransfer: whether it is part of a full transfer, which goes by keys and not by events: what is too far beyond the
    ///     clock's base is applied all the same, and claimed with everything else in the end.
    package mutating func merge(
        _ update: ObjectUpdate, isFromMember: Bool, isTransfer: Bool = false, _ surroundings: MergeSurroundings,
        time: inout HybridLogicalClock,
        in store: ObjectStore
    ) throws(StorageError) -> MergeResult {
        var theirs = update.object
        if theirs.context.closedEpoch > view.closed.epoch { return .refused(.unknownEpoch) }
        var events = update.events
        let key = ObjectKey(partition: partition, address: update.address, hash: surroundings.hash)
        let rules = surroundings.rules(of: key)
        let strategy = rules.strategy
        if let refusal = refusal(
            of: theirs, events, isFromMember: isFromMember, isTransfer: isTransfer, strategy, surroundings)
        {
            return refusal
        }
        var object: CausalObject
        switch try read(key, from: store) {
        case .needsDisk(let ticket): return .needsDisk(ticket)
        case .object(let found, _): object = found
        }
        let before = object.versions

        var result = MergeResult.Merged()
        var voided: [Version] = []
        var voidedEvents: [Dot] = []
        if !view.closed.isEmpty {
            voided = theirs.removeVersions { view.closed.isVoided($0.dot) }
            voidedEvents = events.filter(view.closed.isVoided)
            if !voided.isEmpty, strategy == .lastWriteWins {
                // Its context speaks of writes that it has beaten; without the winner it would take them along.
                result.lost = voided
                let logging = surroundings.logging(by: rules)
                if logging != nil, mintingRefusal != nil { return .refused(.overload) }
                let conflicts = logging?.conflicts(ofOrphaned: voided, beside: object.versions) ?? []
                enter(conflicts, of: key, strategy, surroundings, time: time.last, into: &result, in: store)
                return .merged(result)
            }
            if !voidedEvents.isEmpty, let refusal = mintingRefusal { return .refused(refusal) }
            // What the clock has folded needs no recording, and a voided event never happened.
            let folded = clock.base(of: .closed)
            events.removeAll { event in
                view.closed.isVoided(event)
                    || (view.closed.closing(of: event.actor).map { $0.epoch <= folded } ?? false)
            }
            let versions = object.versions + theirs.versions
            view.closed.expand(&theirs.context, for: versions)
            view.closed.expand(&object.context, for: versions)
        }
        if PlantedFault.contextLostInMerge.isActive {
            theirs = CausalObject(versions: theirs.versions, context: .init())
        }
        let known = object.context
        result.divergences = object.merge(theirs)
        let joined = object.versions
        let dropped = strategy.settle(&object)
        var conflicts: [Conflict] = []
        if joined.count > 1, let logging = surroundings.logging(by: rules) {
            conflicts = logging.conflicts(
                joining: before, with: update, strategy, joined: joined, dropped: dropped)
            // Nothing happens that could not be entered. Whoever can enter it will meet the same two, and tell.
            if !conflicts.isEmpty, mintingRefusal != nil { return .refused(.overload) }
        }
        for version in theirs.versions where strategy == .lastWriteWins || version.timestamp > time.last {
            // Outside of last-write-wins a clock that runs ahead is somebody else's problem: timestamps decide nothing there.
            try? time.observe(version.timestamp, wall: surroundings.wall, maximumSkew: surroundings.maximumSkew)
        }
        let news = events.filter { !clock.contains($0) }
        for event in news.sorted() where clock.canContain(event) { record(event, of: key.storage, in: store) }
        salvage(voided, of: voidedEvents, into: &object, key, &result, in: store)
        let removes = before.contains { version in !object.versions.contains { $0.dot == version.dot } }
        if !voidedEvents.isEmpty, removes, news.isEmpty, result.salvaged.isEmpty {
            // Voided events have removed something. Others can learn of that only by an event.
            carry(voidedEvents, into: &object, key, &result, in: store)
        }
        if !news.isEmpty || object.versions != before || object.context != known || !result.salvaged.isEmpty {
            save(object, of: key.storage, replacing: before, in: store)
        }
        if !result.salvaged.isEmpty, let logging = surroundings.logging(by: rules) {
            conflicts += logging.conflicts(ofSalvaged: result.salvaged, among: object.versions, strategy)
        }
        enter(conflicts, of: key, strategy, surroundings, time: time.last, into: &result, in: store)
        return .merged(result)
    }

    /// Why nothing of an update may be applied; nil if it may.
    private func refusal(
        of object: CausalObject, _ events: [Dot], isFromMember: Bool, isTransfer: Bool, _ strategy: ConflictStrategy,
        _ surroundings: MergeSurroundings
    ) -> MergeResult? {
        var isFar = false
        for event in events + object.versions.map(\.dot) where !has(event, in: clock) && !view.closed.isVoided(event) {
            if event.actor == actor { return .ownPastUnknown }
            if !clock.canContain(event) { isFar = true }
            if !isFromMember, view.closing.contains(event.actor), !PlantedFault.closingIgnored.isActive {
                return .refused(.actorClosing)
            }
        }
        if isFar, !isTransfer, !canRecord(events) { return .refused(.notReady) }
        if strategy == .lastWriteWins {
            let limit = surroundings.wall.addingReportingOverflow(surroundings.maximumSkew)
            let isAhead = object.versions.contains { !limit.overflow && $0.timestamp.milliseconds > limit.partialValue }
            if isAhead, !PlantedFault.skewAccepted.isActive { return .refused(.clockSkew) }
        }
        return nil
    }

    /// Whether the clock can take these events one after the other: each one may bring the next within reach.
    private func canRecord(_ events: [Dot]) -> Bool {
        var clock = clock
        return events.sorted().allSatisfy { has($0, in: clock) || clock.insert($0) }
    }

    // MARK: Salvage

    /// Gives writes that turned up under voided dots a dot of their own: they were accepted once, and nobody has replaced them knowingly.
    /// What their writers had seen stays replaced; beyond that they are siblings.
    ///
    /// Last-write-wins has no siblings, and to let such a write in could bring back what a delete has removed whose tombstone is
    /// gone; there it is reported as lost.
    mutating func salvage(
        _ voided: [Version], of events: [Dot], into object: inout CausalObject, _ key: ObjectKey,
        _ result: inout MergeResult.Merged, in store: ObjectStore
    ) {
        if PlantedFault.salvageOmitted.isActive { return }
        for version in voided {
            // A copy of a write that was salvaged before has its content and its time.
            let isKnown = object.versions.contains {
                $0.timestamp == version.timestamp && $0.content == version.content
            }
            if isKnown { continue }
            let dot = Dot(actor, counter + 1)
            record(dot, of: key.storage, in: store)
            object.insert(version.with(dot))
            result.salvaged.append(SalvagedWrite(dot: dot, version: version.dot, voided: events))
        }
    }

    /// Mints an event that carries on what voided events have removed.
    mutating func carry(
        _ events: [Dot], into object: inout CausalObject, _ key: ObjectKey, _ result: inout MergeResult.Merged,
        in store: ObjectStore
    ) {
        if PlantedFault.salvageOmitted.isActive { return }
        let dot = Dot(actor, counter + 1)
        record(dot, of: key.storage, in: store)
        object.record(dot)
        result.salvaged.append(SalvagedWrite(dot: dot, version: nil, voided: events))
    }
}
