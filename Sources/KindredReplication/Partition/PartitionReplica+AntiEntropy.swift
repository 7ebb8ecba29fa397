package import KindredModel
package import KindredStorage

/// Anti-entropy by clocks: "this is what I have" is answered with what is missing, at a cost in proportion to what is missing. No trees, no
/// scans.
///
///     asker ── clock ──►  answerer: missing = own clock − asker's clock
///                         every missing event in the log?  ──no──►  "begin a full transfer"
///     asker ◄─ per key: object, and all its events ─┘
///
/// Both sides ask; nobody pushes. An answer may be lost, come twice, or be cut off at any key.
extension PartitionReplica {
    /// What this replica asks another one.
    package func pullRequest(id: UInt64) -> PullRequest {
        PullRequest(
            id: id, partition: partition, epoch: view.epoch, actor: actor, clock: clock, digest: survey.digest)
    }

    /// Whether another replica has events of this very incarnation that it has not minted: then its state is an older copy of what it
    /// was.
    package func isOutdated(by other: ReplicaClock) -> Bool {
        (other.entry(of: actor)?.highest ?? 0) > counter
    }

    /// Answers a question for what another replica lacks. All of the answer is from this moment.
    package mutating func answer(
        _ request: PullRequest, _ surroundings: MergeSurroundings, from store: ObjectStore
    ) throws(StorageError) -> PullReply {
        peers.note(request.actor, request.clock, closed: view.closed)
        // An answer speaks for the asker's epoch: from then on this replica has refused what was begun under an older one.
        if request.epoch > view.epoch {
            return PullReply(id: request.id, actor: actor, clock: clock, content: .refused(.unknownEpoch))
        }
        return PullReply(
            id: request.id, actor: actor, clock: clock, content: try content(for: request, surroundings, from: store))
    }

    private func content(
        for request: PullRequest, _ surroundings: MergeSurroundings, from store: ObjectStore
    ) throws(StorageError) -> PullReply.Content {
        if request.clock == clock {
            // Who owes a full transfer holds effects of events that it does not claim yet.
            return .nothing(digest: transfer == nil ? survey.digest : nil)
        }
        let theirEpoch = request.clock.base(of: .closed)
        if theirEpoch > view.closed.epoch { return .refused(.unknownEpoch) }
        if theirEpoch < clock.base(of: .closed) { return .transferNeeded }

        let missing = clock.events(missingFrom: request.clock, limit: Limits.eventsPerPull + 1)
        var keys: [[UInt8]] = []
        var chosen: Set<[UInt8]> = []
        for event in missing {
            // An actor that they have folded and this replica has not: nothing of it can be missing there.
            if let closing = view.closed.closing(of: event.actor), closing.epoch <= theirEpoch { continue }
            guard let key = log.key(of: event) else {
                if PlantedFault.prunedWithoutTransfer.isActive { continue }
                return .transferNeeded
            }
            if chosen.insert(key).inserted { keys.append(key) }
        }
        if keys.isEmpty {
            return PlantedFault.prunedWithoutTransfer.isActive && !missing.isEmpty
                ? .updates([], more: false) : .nothing(digest: nil)
        }

        var updates: [ObjectUpdate] = []
        var bytes = 0
        for bytesOfKey in keys {
            if bytes >= Limits.bytesPerPull { return .updates(updates, more: true) }
            let key = ObjectKey(
                partition: partition, address: bytesOfKey[KeyLayout.partitionLength...], hash: surroundings.hash)
            var object = try readWaiting(key, from: store)
            if PlantedFault.answerFromTwoSnapshots.isActive {
                // As if the object had been stripped by this clock and filled by the one of some time ago.
                object.strip(base)
                object.fill(request.clock.base)
            }
            let update = update(of: key, object)
            bytes += update.address.count + object.versions.reduce(64) { $0 + 32 + ($1.content?.count ?? 0) }
            updates.append(update)
        }
        return .updates(updates, more: missing.count > Limits.eventsPerPull)
    }

    /// Takes in the answer of a current member.
    package mutating func apply(
        _ reply: PullReply, _ surroundings: MergeSurroundings, time: inout HybridLogicalClock, in store: ObjectStore
    ) throws(StorageError) -> PullOutcome {
        var outcome = PullOutcome()
        if isOutdated(by: reply.clock) {
            outcome.isOwnPastUnknown = true
            return outcome
        }
        peers.note(reply.actor, reply.clock, closed: view.closed)
        var isComplete = false
        switch reply.content {
        case .refused:
            return outcome
        case .nothing(let digest):
            isComplete = true
            // In the middle of a transfer there are effects of events that are claimed only at its end.
            if transfer == nil, let digest, let own = survey.digest, reply.clock == clock, digest != own {
                outcome.isDamaged = true
            }
        case .transferNeeded:
            outcome.needsTransfer = true
        case .updates(let updates, let more):
            var far = 0
            for update in updates {
                switch try mergeWaiting(update, isFromMember: true, surroundings, time: &time, in: store) {
                case .merged(let merged): outcome.merged.add(merged)
                case .refused(let refusal):
                    outcome.refused += 1
                    if refusal == .notReady { far += 1 }
                case .ownPastUnknown:
                    outcome.isOwnPastUnknown = true
                    return outcome
                // Not after waiting.
                case .needsDisk: outcome.refused += 1
                }
            }
            // Event by event there is no way on if all of them are too far beyond what is recorded here.
            outcome.needsTransfer = far > 0 && far == updates.count
            outcome.hasMore = more && outcome.refused < updates.count
            isComplete = !more && outcome.refused == 0
            if PlantedFault.clockMerged.isActive || PlantedFault.prunedWithoutTransfer.isActive {
                claimEverything(of: reply.clock, in: store)
            }
        }
        if isComplete { caughtUp(with: reply.actor) }
        return outcome
    }

    /// Notes that everything a member had when it was asked is applied here.
    mutating func caughtUp(with peer: ActorID) {
        if !caughtUpWith.contains(peer) { caughtUpWith.append(peer) }
    }

    /// Whether this incarnation knows everything that a majority acknowledged before it began to ask.
    ///
    /// Of n replicas any n − w + 1 have, between them, every write that w acknowledged; w is a majority here. Members that have themselves
    /// begun anew are asked as well: they have kept what they had. Those that have only just come have nothing, and those that
    /// an operator has given up are not waited for.
    ///
    /// - Parameter replicas: how many replicas the partition is to have.
    package func hasCaughtUp(replicas: Int) -> Bool {
        guard transfer == nil else { return false }
        // Who comes in a change of members is behind those whose places are taken.
        let seats = view.members.filter { $0.role != .draining && $0.role != .incoming }.prefix(replicas)
        let draining = view.members.filter { $0.role == .draining }
        let others = (seats + draining).filter { $0.actor != actor && !$0.isLost }
        let n = min(replicas, max(seats.count, 1))
        let needed = min(others.count, n - (n / 2 + 1) + 1)
        return others.count { caughtUpWith.contains($0.actor) } >= needed
    }

    /// Reads an object for work in the background, which may wait for the disk.
    func readWaiting(_ key: ObjectKey, from store: ObjectStore) throws(StorageError) -> CausalObject {
        while true {
            switch try read(key, from: store) {
            case .object(let object, _): return object
            case .needsDisk(let ticket): try store.load(key.storage, ticket)
            }
        }
    }

    /// `merge` of a key whose object may have to be read from the disk first.
    mutating func mergeWaiting(
        _ update: ObjectUpdate, isFromMember: Bool, isTransfer: Bool = false, _ surroundings: MergeSurroundings,
        time: inout HybridLogicalClock, in store: ObjectStore
    ) throws(StorageError) -> MergeResult {
        while true {
            let result = try merge(
                update, isFromMember: isFromMember, isTransfer: isTransfer, surroundings, time: &time, in: store)
            guard case .needsDisk(let ticket) = result else { return result }
            if PlantedFault.coldObjectsSkipped.isActive { return result }
            let key = ObjectKey(partition: partition, address: update.address, hash: surroundings.hash)
            try store.load(key.storage, ticket)
        }
    }

    /// Adds every event of a clock, after all objects have been made to reflect them. There are no log entries for what is new, so a
    /// checkpoint goes into the same batch.
    mutating func claimEverything(of other: ReplicaClock, in store: ObjectStore) {
        clock.formUnion(other)
        let epoch = clock.base(of: .closed)
        for closing in view.closed.closings where closing.epoch <= epoch {
            clock.removeActor(closing.actor)
            dropLog(of: closing.actor, through: .max, in: store)
        }
        base = clock.base
        checkpoint(in: store)
    }
}

/// What a replica made of an answer to its pull.
package struct PullOutcome: Sendable {
    /// There is more: ask again at once.
    package var hasMore = false
    /// The answerer's log does not reach far enough back.
    package var needsTransfer = false
    /// How many updates were refused, for now.
    package var refused = 0
    /// The answerer knows events of this incarnation that it has not minted: its state is an older copy.
    package var isOwnPastUnknown = false
    /// Equal clocks, different digests: one of the two replicas is damaged. An alarm.
    package var isDamaged = false
    /// What was noticed on the way.
    package var merged = MergeResult.Merged()
}
