import KindredModel

/// The path of a write that this node coordinates: decided by the own replica, then replicated to the others.
extension Coordinator {
    /// Says what is lacking if a write cannot be acknowledged as things are; nil if it may be.
    func writeShortage(_ request: ClientRequest, _ peers: PartitionPeers) -> Unavailability? {
        let standIns: Int
        if request.strategy != .versionNumbers, request.quorums.isSloppy {
            standIns = peers.fallbacks.count { peers.isReachable($0) && peers.view.member(at: $0) == nil }
        } else {
            standIns = 0
        }
        return putQuorum(request, peers).shortage(standIns: standIns, isReachable: peers.isReachable)
    }

    /// Whose acknowledgements the request needs. What a leader shows or writes, all of its members must have.
    func putQuorum(_ request: ClientRequest, _ peers: PartitionPeers) -> PutQuorum {
        guard request.strategy == .versionNumbers, let leadership = peers.view.leadership else {
            return PutQuorum(of: peers.view, request.quorums)
        }
        // A leader may have lost members; what it acknowledges must all the same be on a majority of the replicas.
        let quorums = request.quorums
        let copies = max(quorums.w, quorums.pw, quorums.dw, quorums.n / 2 + 1)
        return PutQuorum(
            allOf: leadership, in: peers.view, atLeast: request.isWrite ? copies : 0, kind: request.isWrite ? .w : .r)
    }

    /// The own replica has decided a write.
    mutating func written(
        _ id: UInt64, _ result: Result<CoordinatedWrite, ReplicaRefusal>, now: UInt64,
        into effects: inout [CoordinatorEffect]
    ) {
        guard let underWay = requests[id], case .writing(let leaderEpoch) = underWay.stage else { return }
        requests[id] = nil
        switch result {
        case .failure(let refusal):
            refused(underWay, refusal, now: now, into: &effects)
        case .success(let write):
            replicate(underWay, id, write, leaderEpoch: leaderEpoch, now: now, into: &effects)
        }
    }

    /// The own replica surely has not written: another one may.
    private mutating func refused(
        _ refused: UnderWay, _ refusal: ReplicaRefusal, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        var underWay = refused
        let peers = peers(of: underWay.request.partition)
        let reply = ClientReply.unavailable(
            Unavailability(refusal, leader: peers?.view.leadership?.leader), mayHaveHappened: false)
        // A node that has forwarded its client's request tries others by itself.
        var forwarded = underWay
        forwarded.waiters.removeAll { !$0.origin.isForwarded }
        forwarded.keys.removeAll { !$0.isExchange }
        underWay.waiters.removeAll { $0.origin.isForwarded }
        underWay.keys.removeAll(where: \.isExchange)
        finish(forwarded, reply, into: &effects)
        guard let peers, !underWay.waiters.isEmpty, underWay.request.strategy != .versionNumbers,
            let forwarding = Forwarding(to: peers.candidates, underWay.request, failure: reply)
        else { return finish(underWay, reply, into: &effects) }
        waiting -= underWay.waiters.count
        forward(underWay, forwarding, into: &effects, now: now)
    }

    /// Sends what the own replica has decided to the others. Being here, it is acknowledged once.
    mutating func replicate(
        _ underWay: UnderWay, _ id: UInt64, _ write: CoordinatedWrite, leaderEpoch: UInt64, now: UInt64,
        into effects: inout [CoordinatorEffect]
    ) {
        if case .refused(let refusal) = write.outcome { return finish(underWay, .refused(refusal), into: &effects) }
        let request = underWay.request
        let happened = write.dot != nil
        guard let peers = peers(of: request.partition) else {
            let reply = ClientReply.unavailable(.noCoordinator, mayHaveHappened: happened)
            return finish(underWay, reply, write: write, leaderEpoch: leaderEpoch, into: &effects)
        }
        let isNumbered = request.strategy == .versionNumbers
        guard !isNumbered || self.leaderEpoch(peers) == leaderEpoch else {
            let reason = Unavailability.notTheLeader(leader: peers.view.leadership?.leader)
            let reply = ClientReply.unavailable(reason, mayHaveHappened: happened)
            return finish(underWay, reply, write: write, leaderEpoch: leaderEpoch, into: &effects)
        }
        var quorum = putQuorum(request, peers)
        quorum.acknowledged(by: node)
        var replication = Replication(
            of: write.update, leaderEpoch: leaderEpoch, quorum: quorum,
            isSloppy: request.quorums.isSloppy && !isNumbered, reply: write.reply, write: write)
        replication.begin(id, peers, now: now, into: &effects)
        settle(underWay, id, replication, into: &effects)
    }

    /// Answers if the replication has come to an end; otherwise goes on waiting.
    mutating func settle(
        _ waiting: UnderWay, _ id: UInt64, _ replication: Replication, into effects: inout [CoordinatorEffect]
    ) {
        switch replication.quorum.answer {
        case .satisfied:
            end(waiting, replication, replication.reply, into: &effects)
        case .impossible(let kind, let required, let got):
            let reply = ClientReply.unavailable(
                .unsatisfied(kind, required: required, got: got), mayHaveHappened: replication.mayHaveHappened)
            end(waiting, replication, reply, into: &effects)
        case .undecided where waiting.waiters.isEmpty:
            // The client was told "timeout" while the replica decided. The members have been sent it; nobody asks for
            // more.
            end(waiting, replication, replication.reply, into: &effects)
        case .undecided:
            var underWay = waiting
            underWay.stage = .replicating(replication)
            keep(underWay, as: id)
        }
    }

    /// Answers, and remembers the write.
    mutating func end(
        _ underWay: UnderWay, _ replication: Replication, _ reply: ClientReply, into effects: inout [CoordinatorEffect]
    ) {
        finish(underWay, reply, write: replication.write, leaderEpoch: replication.leaderEpoch, into: &effects)
    }

    // MARK: Answers

    /// A member has acknowledged or refused.
    mutating func replicated(
        _ reply: Replicated, from sender: NodeID, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        guard let (underWay, found, peers) = takeReplication(reply.id) else { return }
        var replication = found
        if reply.refusal == .notTheLeader, replication.leaderEpoch > 0 {
            // Who has promised more to somebody else knows of a later leader. It need not be the one of the view.
            let answer = ClientReply.unavailable(
                .notTheLeader(leader: nil), mayHaveHappened: replication.mayHaveHappened)
            return end(underWay, replication, answer, into: &effects)
        }
        replication.replied(sender, reply.refusal, reply.id, peers, now: now, into: &effects)
        settle(underWay, reply.id, replication, into: &effects)
    }

    /// A stand-in has acknowledged or refused.
    mutating func hinted(
        _ reply: Hinted, from sender: NodeID, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        guard let (underWay, found, peers) = takeReplication(reply.id) else { return }
        var replication = found
        replication.hinted(sender, reply.refusal, reply.id, peers, now: now, into: &effects)
        settle(underWay, reply.id, replication, into: &effects)
    }

    private mutating func takeReplication(_ id: UInt64) -> (UnderWay, Replication, PartitionPeers)? {
        guard let underWay = requests[id], case .replicating(let replication) = underWay.stage,
            let peers = peers(of: underWay.request.partition)
        else { return nil }
        requests[id] = nil
        return (underWay, replication, peers)
    }
}

extension ClientRequest {
    /// Whether it is a put or a delete.
    var isWrite: Bool {
        switch operation {
        case .get: false
        case .write: true
        }
    }
}

extension RequestMemory.Key {
    /// Whether it recognises a message that has come twice, and not a client that asks again.
    var isExchange: Bool {
        switch self {
        case .client: false
        case .exchange: true
        }
    }
}
