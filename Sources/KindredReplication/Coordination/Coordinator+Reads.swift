import KindredModel

/// The path of a read: the members are asked, enough of them answer, and those that know less are told.
extension Coordinator {
    /// Says what is lacking if a read cannot be answered as things are; nil if it may be.
    func readShortage(_ request: ClientRequest, _ peers: PartitionPeers) -> Unavailability? {
        if request.strategy == .versionNumbers { return writeShortage(request, peers) }
        return GetQuorum(of: peers.view, request.quorums).shortage(isReachable: peers.isReachable)
    }

    /// Asks all members; a leader asks its own replica first.
    mutating func startReading(
        _ request: UnderWay, _ peers: PartitionPeers, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        var underWay = request
        let id = start(&underWay)
        if let epoch = leaderEpoch(peers), underWay.request.strategy == .versionNumbers {
            let question = ReadObject(
                id: id, partition: peers.view.partition, epoch: peers.view.epoch, address: underWay.request.address,
                atLeast: underWay.request.session)
            effects.append(.send(.read(question), to: node))
            underWay.stage = .readingAsLeader(epoch: epoch)
            keep(underWay, as: id)
            return
        }
        var reading = Reading(GetQuorum(of: peers.view, underWay.request.quorums))
        reading.begin(id, underWay.request, peers, now: now, into: &effects)
        settle(underWay, id, reading, peers, now: now, into: &effects)
    }

    /// A member has said what it knows.
    mutating func readReply(
        _ reply: ReadReply, from sender: NodeID, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        guard let underWay = requests[reply.id], let peers = peers(of: underWay.request.partition) else { return }
        switch underWay.stage {
        case .reading(var reading):
            requests[reply.id] = nil
            reading.replied(sender, reply.result, to: underWay.request, peers)
            settle(underWay, reply.id, reading, peers, now: now, into: &effects)
        case .repairing(var reading, let until):
            requests[reply.id] = nil
            reading.replied(sender, reply.result, to: underWay.request, peers)
            awaitRepair(underWay, reply.id, reading, until: until, peers, into: &effects)
        case .readingAsLeader(let epoch):
            guard sender == node else { return }
            requests[reply.id] = nil
            confirm(underWay, reply.id, reply.result, epoch: epoch, peers, now: now, into: &effects)
        case .writing, .replicating, .forwarding:
            break
        }
    }

    /// Answers if the read has come to an end; otherwise goes on waiting.
    mutating func settle(
        _ waiting: UnderWay, _ id: UInt64, _ reading: Reading, _ peers: PartitionPeers, now: UInt64,
        into effects: inout [CoordinatorEffect]
    ) {
        var underWay = waiting
        switch reading.quorum.answer {
        case .undecided:
            underWay.stage = .reading(reading)
            keep(underWay, as: id)
        case .satisfied:
            finish(
                underWay, .object(reading.answer(underWay.request.strategy, closed: peers.view.closed)), into: &effects)
            underWay.waiters = []
            underWay.scheduled = .max
            awaitRepair(
                underWay, id, reading, until: now + Limits.readRepairMilliseconds, peers, into: &effects)
        case .impossible(let kind, let required, let got):
            let reason = Unavailability.unsatisfied(kind, required: required, got: got)
            finish(underWay, .unavailable(reason, mayHaveHappened: false), into: &effects)
        }
    }

    /// Repairs once everybody has answered. Until then an answered read is kept, unless too many are: then the others
    /// are left to anti-entropy.
    mutating func awaitRepair(
        _ answered: UnderWay, _ id: UInt64, _ reading: Reading, until: UInt64, _ peers: PartitionPeers,
        into effects: inout [CoordinatorEffect]
    ) {
        guard !reading.isComplete, requests.count < 2 * Limits.requestsUnderWay else {
            return reading.repair(id, answered.request, peers, into: &effects)
        }
        var underWay = answered
        underWay.stage = .repairing(reading, until: until)
        keep(underWay, as: id)
    }

    /// A leader's own replica has said what it knows; had the leadership changed since, the request would have ended.
    /// Nothing of it is shown before all members have it, and thereby say that they follow no later leader: so nothing
    /// is shown that a failover could take back, or that another leader has replaced already.
    private mutating func confirm(
        _ underWay: UnderWay, _ id: UInt64, _ result: Result<ObjectUpdate, ReplicaRefusal>, epoch: UInt64,
        _ peers: PartitionPeers, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        switch result {
        case .failure(let refusal):
            let lacksSession = refusal == .notReady && !underWay.request.session.isEmpty
            let reason = lacksSession ? .sessionNotServed : Unavailability(refusal, leader: node)
            finish(underWay, .unavailable(reason, mayHaveHappened: false), into: &effects)
        case .success(let update):
            if PlantedFault.leaderReadsAlone.isActive {
                return finish(underWay, .object(update.object), into: &effects)
            }
            var quorum = putQuorum(underWay.request, peers)
            quorum.acknowledged(by: node)
            var replication = Replication(
                of: update, leaderEpoch: epoch, quorum: quorum, isSloppy: false, reply: .object(update.object),
                write: nil)
            replication.begin(id, peers, now: now, into: &effects)
            settle(underWay, id, replication, into: &effects)
        }
    }
}
