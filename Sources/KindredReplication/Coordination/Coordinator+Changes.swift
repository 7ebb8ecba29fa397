import KindredModel

/// What time and changes of the cluster do to the requests that are under way. All of them are visited in the order of
/// their ids.
extension Coordinator {
    // MARK: Time

    /// Tells those whose time is up, asks again, and ends the wait for repair.
    mutating func timeHasPassed(now: UInt64, into effects: inout [CoordinatorEffect]) {
        while let entry = deadlines.removeFirst(dueAt: now) {
            guard var underWay = requests[entry.request], underWay.scheduled == entry.time else { continue }
            requests[entry.request] = nil
            underWay.scheduled = .max
            let late = underWay.waiters.filter { $0.deadline <= now }
            if !late.isEmpty {
                let timeout = underWay.timeout
                underWay.waiters.removeAll { $0.deadline <= now }
                waiting -= late.count
                for waiter in late { answer(waiter, timeout, into: &effects) }
            }
            lookAgain(underWay, entry.request, timeout: late.isEmpty ? nil : underWay.timeout, now: now, into: &effects)
        }
    }

    private mutating func lookAgain(
        _ request: UnderWay, _ id: UInt64, timeout: ClientReply?, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        var underWay = request
        guard let peers = peers(of: underWay.request.partition) else { return keep(underWay, as: id) }
        switch underWay.stage {
        case .writing:
            // Kept until the replica has answered, even if nobody waits: it may be minting.
            keep(underWay, as: id)
        case .repairing(let reading, let until):
            guard until <= now else { return keep(underWay, as: id) }
            reading.repair(id, underWay.request, peers, into: &effects)
        case .replicating, .forwarding, .reading, .readingAsLeader:
            if underWay.waiters.isEmpty {
                if case .replicating(let replication) = underWay.stage {
                    return end(underWay, replication, replication.reply, into: &effects)
                }
                return memory.finish(underWay.keys, reply: timeout, write: nil)
            }
            repeatQuestions(&underWay, id, peers, now: now, into: &effects)
            settle(underWay, id, peers, now: now, into: &effects)
        }
    }

    private func repeatQuestions(
        _ underWay: inout UnderWay, _ id: UInt64, _ peers: PartitionPeers, now: UInt64,
        into effects: inout [CoordinatorEffect]
    ) {
        switch underWay.stage {
        case .replicating(var replication):
            replication.timeHasPassed(id, peers, now: now, into: &effects)
            underWay.stage = .replicating(replication)
        case .reading(var reading):
            reading.timeHasPassed(id, underWay.request, peers, now: now, into: &effects)
            underWay.stage = .reading(reading)
        case .forwarding(var forwarding):
            forwarding.timeHasPassed(
                id, underWay.request, remaining: underWay.remaining(at: now), now: now, into: &effects)
            underWay.stage = .forwarding(forwarding)
        case .writing, .readingAsLeader, .repairing:
            break
        }
    }

    /// Answers, or puts back.
    private mutating func settle(
        _ underWay: UnderWay, _ id: UInt64, _ peers: PartitionPeers, now: UInt64,
        into effects: inout [CoordinatorEffect]
    ) {
        switch underWay.stage {
        case .replicating(let replication): settle(underWay, id, replication, into: &effects)
        case .reading(let reading): settle(underWay, id, reading, peers, now: now, into: &effects)
        case .writing, .forwarding, .readingAsLeader, .repairing: keep(underWay, as: id)
        }
    }

    // MARK: Reachability

    /// The failure detector has lost a node: nobody waits for it any longer.
    mutating func lost(_ other: NodeID, now: UInt64, into effects: inout [CoordinatorEffect]) {
        for id in requests.keys.sorted() {
            guard var underWay = requests[id], let peers = peers(of: underWay.request.partition) else { continue }
            switch underWay.stage {
            case .writing, .readingAsLeader:
                continue
            case .replicating(var replication):
                requests[id] = nil
                replication.lost(other, id, peers, now: now, into: &effects)
                settle(underWay, id, replication, into: &effects)
            case .reading(var reading):
                requests[id] = nil
                reading.lost(other)
                settle(underWay, id, reading, peers, now: now, into: &effects)
            case .repairing(var reading, let until):
                requests[id] = nil
                reading.lost(other)
                awaitRepair(underWay, id, reading, until: until, peers, into: &effects)
            case .forwarding(let forwarding) where forwarding.current == other:
                // It may have written. Only a read may go elsewhere; the client does that.
                requests[id] = nil
                underWay.stage = .forwarding(forwarding)
                let reply = ClientReply.unavailable(.noCoordinator, mayHaveHappened: underWay.mayHaveHappened)
                finish(underWay, reply, into: &effects)
            case .forwarding:
                continue
            }
        }
    }

    // MARK: Views

    /// Takes over a view, and goes on with its members.
    mutating func adopt(
        _ view: PartitionView, fallbacks: [NodeID], now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        let known = placements[view.partition]?.view
        if let known, view.epoch < known.epoch { return }
        placements[view.partition] = Placement(view: view, fallbacks: fallbacks)
        guard known != view, let peers = peers(of: view.partition) else { return }
        endLeadership(of: view.partition, into: &effects)
        for id in requests.keys.sorted() {
            guard let underWay = requests[id], underWay.request.partition == view.partition else { continue }
            switch underWay.stage {
            case .writing, .forwarding, .readingAsLeader:
                continue
            case .repairing:
                // Its answers are of members that need not be any more.
                requests[id] = nil
            case .replicating(var replication):
                let next = rename(underWay, id)
                let quorum = putQuorum(underWay.request, peers)
                replication.begin(next, anewWith: quorum, peers, now: now, into: &effects)
                settle(underWay.unscheduled, next, replication, into: &effects)
            case .reading(var reading):
                let next = rename(underWay, id)
                let quorum = GetQuorum(of: view, underWay.request.quorums)
                reading.begin(next, anewWith: quorum, underWay.request, peers, now: now, into: &effects)
                settle(underWay.unscheduled, next, reading, peers, now: now, into: &effects)
            }
        }
    }

    /// Takes a request out of the table, to go on under a new id.
    private mutating func rename(_ underWay: UnderWay, _ id: UInt64) -> UInt64 {
        requests[id] = nil
        let next = ids.next()
        memory.begin(underWay.keys, as: next)
        return next
    }

    // MARK: Leadership

    /// Ends the requests that began under a leadership which this node no longer has, or has no longer in this epoch.
    mutating func endLeadership(of partition: UInt16, into effects: inout [CoordinatorEffect]) {
        guard let peers = peers(of: partition) else { return }
        let epoch = leaderEpoch(peers)
        let reason = Unavailability.notTheLeader(leader: peers.view.leadership?.leader)
        for id in requests.keys.sorted() {
            guard let underWay = requests[id], underWay.request.partition == partition,
                underWay.request.strategy == .versionNumbers
            else { continue }
            switch underWay.stage {
            case .replicating(let replication) where replication.leaderEpoch != epoch:
                requests[id] = nil
                let reply = ClientReply.unavailable(reason, mayHaveHappened: underWay.mayHaveHappened)
                end(underWay, replication, reply, into: &effects)
            case .readingAsLeader(let begun) where begun != epoch:
                requests[id] = nil
                finish(underWay, .unavailable(reason, mayHaveHappened: false), into: &effects)
            case .readingAsLeader, .replicating, .writing, .forwarding, .reading, .repairing:
                continue
            }
        }
    }
}

extension UnderWay {
    /// The same, with no valid entry in the queue of deadlines: for one that gets a new id.
    var unscheduled: UnderWay {
        var copy = self
        copy.scheduled = .max
        return copy
    }
}
