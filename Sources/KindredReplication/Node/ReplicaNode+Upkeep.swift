import KindredModel
import KindredStorage

/// What a node does by the clock: ask the others for what is missing, forget what everybody has, tell the configuration service how things
/// stand, and hand over hints.
extension ReplicaNode {
    mutating func upkeep() {
        for index in partitions.indices {
            if let exchange = partitions[index].exchange, exchange.deadline <= now { partitions[index].exchange = nil }
            if now >= partitions[index].nextReport {
                partitions[index].nextReport = now + Limits.reportMilliseconds
                reportProgress(at: index)
            }
            if partitions[index].needsRenewal { continue }
            if partitions[index].recovery != nil {
                recover(at: index) { recovery, clock, now in recovery.handle(.wake, clock: clock, now: now) }
            }
            if now >= partitions[index].nextPull, partitions[index].exchange == nil { askNextPeer(at: index) }
            do throws(StorageError) {
                try tidy(at: index)
            } catch {
                storageFailed(error, partition: partitions[index].replica.partition)
            }
        }
        tidyConflicts()
        handOff()
    }

    // MARK: Anti-entropy

    /// Asks the other members in turn; the source of a transfer that is under way before all.
    private mutating func askNextPeer(at index: Int) {
        partitions[index].nextPull = now + Limits.pullMilliseconds
        let replica = partitions[index].replica
        let others = replica.view.members.filter { $0.node != id && !unreachable.contains($0.node) }
        if let transfer = replica.transfer {
            if let source = others.first(where: { $0.actor == transfer.source }) {
                ask(source.node, at: index)
                return
            }
            if !others.isEmpty { partitions[index].replica.abandonTransfer(in: store) }
        }
        guard !others.isEmpty else { return }
        let peer = others[partitions[index].nextPeer % others.count]
        partitions[index].nextPeer &+= 1
        ask(peer.node, at: index)
    }

    // MARK: Forgetting

    private mutating func tidy(at index: Int) throws(StorageError) {
        let surroundings = surroundings
        _ = try partitions[index].replica.continueSurvey(limit: Limits.objectsPerTransfer, in: store)
        var floor: HybridTimestamp?
        if now >= partitions[index].nextSettling || partitions[index].replica.isSettling {
            partitions[index].nextSettling = now + Limits.settlingMilliseconds
            floor = try partitions[index].replica.settle(limit: Limits.keysPerSettling, surroundings, in: store)
        }
        if let floor, now >= partitions[index].nextFloor {
            partitions[index].nextFloor = now + Limits.reportMilliseconds
            effects.append(
                .configure(.raiseClockFloor(partition: partitions[index].replica.partition, to: floor)))
        }
        if now >= partitions[index].nextPrune {
            partitions[index].nextPrune = now + Limits.pruneMilliseconds
            partitions[index].replica.prune(in: store)
            var merged = MergeResult.Merged()
            try partitions[index].replica.foldClosed(surroundings, &merged, time: &time, in: store)
            report(merged, partition: partitions[index].replica.partition)
        }
    }

    /// Also if this node enters nothing: what others have entered comes here.
    private mutating func tidyConflicts() {
        var tidying = conflictTidying
        tidying.turn(partitions.count, scans: Limits.conflictScansPerTidying) { index, scans in
            if partitions[index].needsRenewal { return }
            do throws(StorageError) {
                try partitions[index].replica.tidyConflicts(
                    settings.conflictRetention, wall: wall, hash: settings.hash, in: store, scans: &scans)
            } catch {
                storageFailed(error, partition: partitions[index].replica.partition)
            }
        }
        conflictTidying = tidying
    }

    // MARK: The configuration service

    /// Tells the service what it waits for, as far as it is true. Said again until a newer view shows that it was heard.
    private mutating func reportProgress(at index: Int) {
        let replica = partitions[index].replica
        let view = replica.view
        let partition = replica.partition
        if partitions[index].needsRenewal {
            effects.append(.configure(.renew(partition: partition, from: replica.actor)))
            return
        }
        guard let member = view.members.first(where: { $0.actor == replica.actor }) else { return }
        if replica.counter + Limits.counterBlock / 2 >= member.counterCeiling {
            effects.append(
                .configure(
                    .raiseCounterCeiling(
                        partition: partition, actor: replica.actor, to: replica.counter + Limits.counterBlock)))
        }
        func report(_ report: TransitionReport) {
            effects.append(.configure(.report(report, partition: partition, epoch: view.epoch)))
        }
        if view.members.contains(where: { $0.role != .voter }) { report(.acknowledged(replica.actor)) }
        if member.role == .learner, replica.isSure, replica.hasCaughtUp(replicas: settings.replicas) {
            report(.ready(replica.actor))
        }
        if view.members.contains(where: { $0.role == .incoming || $0.role == .outgoing }), hasJoined(replica) {
            report(.caughtUp(replica.actor))
        }
        if partitions[index].leads { report(.led(replica.actor)) }
        for drained in view.members where drained.role == .draining && replica.caughtUpWith.contains(drained.actor) {
            report(.pulled(from: drained.actor, by: replica.actor))
        }
        reportClosings(of: replica)
        reportLeadership(of: replica, as: member)
    }

    /// Whether the replica has everything of the old voters: of all that can be reached, and of so many that no write which a majority
    /// of them acknowledged is missing.
    private func hasJoined(_ replica: PartitionReplica) -> Bool {
        let voters = replica.view.members.filter { $0.role.isOldVoter && !$0.isLost }
        let known = voters.count { $0.actor == replica.actor || replica.caughtUpWith.contains($0.actor) }
        return known >= voters.count - (voters.count / 2 + 1) + 1
            && voters.allSatisfy {
                $0.actor == replica.actor || replica.caughtUpWith.contains($0.actor) || unreachable.contains($0.node)
            }
    }

    private mutating func reportClosings(of replica: PartitionReplica) {
        for actor in replica.view.closing {
            let entry = replica.clock.entry(of: actor)
            guard
                let report = try? ClosingReport(
                    actor: actor, reporter: replica.actor, base: entry?.base ?? 0, beyond: entry?.countersBeyond ?? [])
            else { continue }
            effects.append(
                .configure(.reportClosing(report, partition: replica.partition, epoch: replica.view.epoch)))
        }
    }

    /// Sees to it that a partition has a leader, and that the leader has the members that can be reached.
    private mutating func reportLeadership(of replica: PartitionReplica, as member: ReplicaMember) {
        guard replica.isSure else { return }
        guard let leadership = replica.view.leadership else { return electAnew(replica) }
        if partitionHasStoodStill(replica.partition), leadership.leader == id {
            handOverLeadership(leadership, replica)
        }
        let reachable = leadership.members.filter { !unreachable.contains($0) }
        let leader = reachable.contains(leadership.leader) ? leadership.leader : reachable.first
        let voters = replica.view.members.count { $0.role.isOldVoter }
        if leader == id, reachable.count < leadership.members.count || leadership.leader != id {
            // Members may go, but not so many that one disk could take an acknowledged write along.
            guard reachable.count * 2 > voters else { return }
            effects.append(
                .configure(
                    .elect(partition: replica.partition, leader: id, members: reachable, replacing: leadership.epoch)))
        } else if !leadership.members.contains(id), member.role.isOldVoter || member.role.isNewVoter,
            let leaderActor = replica.view.member(at: leadership.leader)?.actor,
            replica.caughtUpWith.contains(leaderActor)
        {
            effects.append(
                .configure(.joinLeadership(partition: replica.partition, node: id, epoch: leadership.epoch)))
        }
    }

    /// Where the last leadership has come to an end, the first member asks to lead with all of them.
    private mutating func electAnew(_ replica: PartitionReplica) {
        let members = replica.view.members
        guard members.first?.node == id,
            members.allSatisfy({ $0.role == .voter && !$0.isLost && !unreachable.contains($0.node) })
        else { return }
        effects.append(.configure(.electAnew(partition: replica.partition, leader: id)))
    }

    /// Whether this node has led the partition for a while.
    private func partitionHasStoodStill(_ partition: UInt16) -> Bool {
        guard let index = position(of: partition), partitions[index].leads else { return false }
        return now >= partitions[index].ledSince + Limits.leadershipRestMilliseconds
    }

    /// Gives the leadership to the first member, whose turn it is, once all is quiet: placement has spread the first members over the nodes, and
    /// failovers gather the leaders on few.
    private mutating func handOverLeadership(_ leadership: Leadership, _ replica: PartitionReplica) {
        guard let first = replica.view.members.first?.node, first != id, leadership.members.contains(first),
            leadership.members.count == replica.view.members.count,
            replica.view.members.allSatisfy({ $0.role == .voter && !unreachable.contains($0.node) })
        else { return }
        effects.append(
            .configure(
                .elect(
                    partition: replica.partition, leader: first, members: leadership.members,
                    replacing: leadership.epoch)))
    }

    // MARK: Hints

    /// Sends some of the hints for the nodes that can be reached. A hint goes when it has arrived.
    private mutating func handOff() {
        guard now >= nextHandOff else { return }
        nextHandOff = now + Limits.handOffMilliseconds
        handingOff = handingOff.filter { $0.value.deadline > now }
        let underWay = Set(handingOff.values.map(\.ticket))
        for target in hints.targets {
            for hint in hints.next(for: target, limit: Limits.hintsPerHandOff) where !underWay.contains(hint.ticket) {
                guard let view = view(of: hint.partition), let receiver = receiver(for: target, in: view) else {
                    continue
                }
                handOff(hint, to: receiver, view)
            }
        }
    }

    /// Whom to give a hint: the node it is for, or, if that has left the partition, any member, since it is the partition that needs the
    /// write. Nil if none of them can be reached.
    private func receiver(for target: NodeID, in view: PartitionView) -> NodeID? {
        if view.member(at: target) != nil { return unreachable.contains(target) ? nil : target }
        return view.members.first { $0.node != id && !unreachable.contains($0.node) }?.node
    }

    private mutating func handOff(_ hint: DueHint, to node: NodeID, _ view: PartitionView) {
        let exchange = exchangeID()
        handingOff[exchange] = (hint.ticket, now + Limits.exchangeMilliseconds)
        effects.append(
            .send(
                .replicate(
                    Replicate(id: exchange, partition: hint.partition, epoch: view.epoch, update: hint.update)),
                to: node))
        if PlantedFault.hintForgottenEarly.isActive { hints.delivered(hint.ticket, in: store) }
    }
}
