import KindredModel
import KindredStorage

/// What other nodes say, and what they are answered.
extension ReplicaNode {
    mutating func receive(_ message: PeerMessage, from sender: NodeID) {
        switch message {
        case .replicated(let reply):
            if let (ticket, _) = handingOff.removeValue(forKey: reply.id) {
                // One that cannot be taken now must not keep the others waiting.
                if reply.refusal == nil { hints.delivered(ticket, in: store) } else { hints.postpone(ticket) }
            } else {
                coordinate(.message(message, from: sender))
            }
        case .readReply, .hinted, .forward, .forwarded:
            coordinate(.message(message, from: sender))
        case .pulled(let reply):
            pulled(reply, from: sender)
        case .transferred(let reply):
            transferred(reply, from: sender)
        case .promised(let reply):
            promised(reply, from: sender)
        case .replicate, .read, .hint, .pull, .transfer, .promise:
            if let answer = answer(message, from: sender) { effects.append(.send(answer, to: sender)) }
        case .list, .listed:
            // Listings wait for the disk: the shell has them done beside the core.
            break
        }
    }

    /// Answers a question of another node, or of the own coordinator; nil for what is no question.
    mutating func answer(_ message: PeerMessage, from sender: NodeID) -> PeerMessage? {
        switch message {
        case .replicate(let request):
            return .replicated(Replicated(id: request.id, refusal: replicate(request)))
        case .read(let request):
            return .readReply(ReadReply(id: request.id, result: read(request)))
        case .hint(let hint):
            return .hinted(Hinted(id: hint.id, refusal: keepAll(hint)))
        case .pull(let request):
            return .pulled(pull(request, from: sender))
        case .transfer(let request):
            return .transferred(transfer(request, from: sender))
        case .promise(let request):
            return .promised(PromiseReply(id: request.id, result: promise(request, to: sender)))
        case .replicated, .readReply, .hinted, .pulled, .transferred, .promised, .forward, .forwarded,
            .list, .listed:
            return nil
        }
    }

    /// Keeps a hint and what belongs to it. Who stands in for a replica has all of it or does not count; what it has kept of a hint that it
    /// refuses does no harm.
    private mutating func keepAll(_ hint: Hint) -> ReplicaRefusal? {
        // Each record is of another key, and so a hint of its own.
        for record in hint.records {
            let refusal = keep(Hint(id: hint.id, target: hint.target, partition: hint.partition, update: record))
            if let refusal { return refusal }
        }
        return keep(hint)
    }

    private mutating func keep(_ hint: Hint) -> ReplicaRefusal? {
        guard hint.target != id else { return .notAMember }
        if PlantedFault.fallbackFills.isActive {
            var filled = hint
            filled.update.object.context = hint.update.object.context.roundedUp
            return hints.keep(filled, closed: view(of: hint.partition)?.closed ?? ClosedActors(), in: store)
        }
        return hints.keep(hint, closed: view(of: hint.partition)?.closed ?? ClosedActors(), in: store)
    }

    // MARK: Writes and reads

    private mutating func replicate(_ request: Replicate) -> ReplicaRefusal? {
        guard let index = position(of: request.partition) else { return .notAMember }
        if partitions[index].needsRenewal { return .notReady }
        if request.epoch < partitions[index].replica.view.epoch, !PlantedFault.staleEpochAccepted.isActive {
            return .staleEpoch
        }
        if request.leaderEpoch > 0 {
            let refusal = partitions[index].replica.promise(
                leaderEpoch: request.leaderEpoch, generation: generation, ceiling: ceiling(at: index), in: store)
            if let refusal, !PlantedFault.oldLeaderFollowed.isActive { return refusal }
        }
        // With what the sender has noticed with it: whoever acknowledges has all of it. Merging a part of it, or all of it again, does no
        // harm.
        for update in [request.update] + request.records {
            if let refusal = merge(update, at: index) { return refusal }
        }
        return nil
    }

    private mutating func merge(_ update: ObjectUpdate, at index: Int) -> ReplicaRefusal? {
        let partition = partitions[index].replica.partition
        do throws(StorageError) {
            let result = try partitions[index].replica.mergeWaiting(
                update, isFromMember: false, surroundings, time: &time, in: store)
            switch result {
            case .merged(let merged):
                report(merged, partition: partition)
                return nil
            case .refused(let refusal): return refusal
            case .ownPastUnknown:
                rolledBack(index)
                return .notReady
            case .needsDisk: return .notReady
            }
        } catch {
            storageFailed(error, partition: partition)
            return .storage
        }
    }

    private mutating func read(_ request: ReadObject) -> Result<ObjectUpdate, ReplicaRefusal> {
        guard let index = position(of: request.partition) else { return .failure(.notAMember) }
        let replica = partitions[index].replica
        if request.epoch < replica.view.epoch, !PlantedFault.staleEpochAccepted.isActive {
            return .failure(.staleEpoch)
        }
        guard replica.isSure || PlantedFault.rollbackUnnoticed.isActive, !partitions[index].needsRenewal,
            replica.clock.isSuperset(of: request.atLeast)
        else { return .failure(.notReady) }
        let key = ObjectKey(partition: request.partition, address: request.address, hash: settings.hash)
        do throws(StorageError) {
            let object = try replica.readWaiting(key, from: store)
            return .success(replica.update(of: key, object))
        } catch {
            storageFailed(error, partition: request.partition)
            if PlantedFault.readErrorIsAbsence.isActive {
                var object = CausalObject()
                object.fill(replica.base)
                return .success(replica.update(of: key, object))
            }
            return .failure(.storage)
        }
    }

    mutating func rolledBack(_ index: Int) {
        if PlantedFault.rollbackUnnoticed.isActive { return }
        let replica = partitions[index].replica
        effects.append(.alarm(.rolledBack(partition: replica.partition, actor: replica.actor)))
        needsRenewal(replica.partition)
    }

    // MARK: Anti-entropy

    private mutating func pull(_ request: PullRequest, from sender: NodeID) -> PullReply {
        guard let index = position(of: request.partition), !partitions[index].needsRenewal,
            partitions[index].replica.view.member(at: sender)?.actor == request.actor
        else {
            return PullReply(
                id: request.id, actor: request.actor, clock: ReplicaClock(), content: .refused(.notAMember))
        }
        do throws(StorageError) {
            return try partitions[index].replica.answer(request, surroundings, from: store)
        } catch {
            storageFailed(error, partition: request.partition)
            return PullReply(id: request.id, actor: request.actor, clock: ReplicaClock(), content: .refused(.storage))
        }
    }

    private mutating func transfer(_ request: TransferRequest, from sender: NodeID) -> TransferReply {
        func refused(_ refusal: ReplicaRefusal) -> TransferReply {
            TransferReply(
                id: request.id, actor: .closed, clock: ReplicaClock(), updates: [], through: nil, refusal: refusal)
        }
        guard let index = position(of: request.partition), !partitions[index].needsRenewal,
            partitions[index].replica.view.member(at: sender) != nil
        else {
            return refused(.notAMember)
        }
        do throws(StorageError) {
            return try partitions[index].replica.answer(request, surroundings, from: store)
        } catch {
            storageFailed(error, partition: request.partition)
            return refused(.storage)
        }
    }

    private mutating func pulled(_ reply: PullReply, from sender: NodeID) {
        guard let index = takeExchange(reply.id, from: sender) else { return }
        guard partitions[index].replica.view.member(at: sender)?.actor == reply.actor else { return }
        apply(at: index, from: sender) { replica, surroundings, time, store throws(StorageError) in
            try replica.apply(reply, surroundings, time: &time, in: store)
        } after: { node, outcome in
            let transfer = node.partitions[index].replica.transfer
            if transfer.map({ $0.source == .closed && !reply.isRefused }) ?? outcome.needsTransfer {
                node.partitions[index].replica.beginTransfer(from: reply.actor, clock: reply.clock, in: node.store)
                node.ask(sender, at: index)
            } else if outcome.hasMore {
                node.ask(sender, at: index)
            }
            if outcome.isDamaged {
                node.effects.append(
                    .alarm(.digestMismatch(partition: node.partitions[index].replica.partition, peer: reply.actor)))
            }
        }
    }

    private mutating func transferred(_ reply: TransferReply, from sender: NodeID) {
        guard let index = takeExchange(reply.id, from: sender) else { return }
        if reply.refusal == .notReady {
            partitions[index].replica.abandonTransfer(in: store)
            return
        }
        guard reply.refusal == nil else { return }
        if partitions[index].replica.view.member(at: sender)?.actor != reply.actor {
            partitions[index].replica.abandonTransfer(in: store)
            return
        }
        apply(at: index, from: sender) { replica, surroundings, time, store throws(StorageError) in
            try replica.apply(reply, surroundings, time: &time, in: store)
        } after: { node, outcome in
            if outcome.refused == 0, node.partitions[index].replica.transfer != nil { node.ask(sender, at: index) }
        }
    }

    /// Has a replica take in an answer, and sees to what was noticed on the way.
    private mutating func apply(
        at index: Int, from sender: NodeID,
        _ body: (inout PartitionReplica, MergeSurroundings, inout HybridLogicalClock, ObjectStore) throws(StorageError)
            -> PullOutcome,
        after: (inout ReplicaNode, PullOutcome) -> Void
    ) {
        let partition = partitions[index].replica.partition
        do throws(StorageError) {
            let outcome = try body(&partitions[index].replica, surroundings, &time, store)
            report(outcome.merged, partition: partition)
            if outcome.isOwnPastUnknown { rolledBack(index) }
            after(&self, outcome)
        } catch {
            storageFailed(error, partition: partition)
        }
    }

    /// Ends the exchange that an answer belongs to.
    ///
    /// - Returns: the position of its partition; nil if nobody waits for the answer any more.
    private mutating func takeExchange(_ exchange: UInt64, from sender: NodeID) -> Int? {
        guard let index = partitions.firstIndex(where: { $0.exchange?.id == exchange && $0.exchange?.peer == sender })
        else { return nil }
        partitions[index].exchange = nil
        return index
    }

    /// Asks another node for what the replica lacks, or for the next part of a transfer that has it as its source.
    mutating func ask(_ peer: NodeID, at index: Int) {
        let exchange = exchangeID()
        let replica = partitions[index].replica
        partitions[index].exchange = HostedPartition.Exchange(
            id: exchange, peer: peer, deadline: now + Limits.exchangeMilliseconds)
        if let transfer = replica.transfer, replica.view.member(at: peer)?.actor == transfer.source {
            effects.append(.send(.transfer(replica.transferRequest(id: exchange)), to: peer))
        } else {
            effects.append(.send(.pull(replica.pullRequest(id: exchange)), to: peer))
        }
    }

    // MARK: Leaders

    private mutating func promise(_ request: PromiseRequest, to sender: NodeID) -> Result<ReplicaClock, ReplicaRefusal>
    {
        guard let index = position(of: request.partition), !partitions[index].needsRenewal else {
            return .failure(.notAMember)
        }
        guard partitions[index].replica.isSure else { return .failure(.notReady) }
        if let refusal = partitions[index].replica.promise(
            leaderEpoch: request.leaderEpoch, generation: generation, ceiling: ceiling(at: index), in: store)
        {
            return .failure(refusal)
        }
        // What the leader has and this replica lacks is what the leader waits for.
        if sender != id, partitions[index].exchange == nil { ask(sender, at: index) }
        return .success(partitions[index].replica.clock)
    }

    mutating func promised(_ reply: PromiseReply, from sender: NodeID) {
        for index in partitions.indices {
            recover(at: index) { recovery, clock, now in
                recovery.handle(.promised(reply, from: sender), clock: clock, now: now)
            }
        }
    }

    func ceiling(at index: Int) -> UInt64 {
        let replica = partitions[index].replica
        return replica.view.members.first { $0.actor == replica.actor }?.counterCeiling ?? 0
    }
}
