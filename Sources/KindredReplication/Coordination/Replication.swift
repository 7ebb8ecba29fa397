import KindredModel

/// One update on its way to the members of a partition, until enough of them have it: whom it was sent to, who is asked
/// again, and who keeps it for whom.
///
/// Every member gets the update, whether it counts or not. A member that refuses for a reason which may pass is asked
/// once more; one that is silent is asked until the client's time is up. With a sloppy quorum a stand-in is asked for a
/// member that has refused, cannot be reached, or was silent twice.
struct Replication: Sendable {
    /// What is replicated.
    let update: ObjectUpdate
    /// The epoch of the leader who says so; 0 for all strategies but version numbers.
    let leaderEpoch: UInt64
    /// What to answer when enough have it.
    let reply: ClientReply
    /// The client's write that this is about; nil for a read of a leader.
    let write: CoordinatedWrite?
    let isSloppy: Bool
    private(set) var quorum: PutQuorum
    private var attempts = Attempts()
    private var standIns: [StandIn] = []

    private struct StandIn: Hashable, Sendable {
        let node: NodeID
        let target: NodeID
        /// When another one is asked; nil if this one has answered or was given up.
        var until: UInt64?
        var isAcknowledged = false
    }

    init(
        of update: ObjectUpdate, leaderEpoch: UInt64 = 0, quorum: PutQuorum, isSloppy: Bool, reply: ClientReply,
        write: CoordinatedWrite?
    ) {
        self.update = update
        self.leaderEpoch = leaderEpoch
        self.quorum = quorum
        self.isSloppy = isSloppy
        self.reply = reply
        self.write = write
    }

    /// Whether a dot was minted for it: then others may come to know it, whatever the client is told.
    var mayHaveHappened: Bool { write?.dot != nil }

    /// When something has to be repeated; nil if nothing.
    var next: UInt64? {
        let standIn = standIns.lazy.compactMap(\.until).min()
        guard let attempt = attempts.next else { return standIn }
        return min(attempt, standIn ?? .max)
    }

    // MARK: Events

    /// Sends the update to all other members. The own node's acknowledgement is in the quorum already.
    mutating func begin(_ id: UInt64, _ peers: PartitionPeers, now: UInt64, into effects: inout [CoordinatorEffect]) {
        // It can have begun anew as another incarnation, which has lost the write.
        if !quorum.hasAcknowledged(peers.node) { quorum.failed(peers.node) }
        for node in recipients(peers) {
            if peers.isReachable(node) {
                send(to: node, id, peers, into: &effects)
                attempts.begin(node, now: now)
            } else {
                giveUp(node, id, peers, now: now, into: &effects)
            }
        }
    }

    /// Begins anew with the members of another view, under another id, so that no answer to the old one is mistaken.
    /// What has been acknowledged stays acknowledged.
    mutating func begin(
        _ id: UInt64, anewWith next: PutQuorum, _ peers: PartitionPeers, now: UInt64,
        into effects: inout [CoordinatorEffect]
    ) {
        var quorum = next
        quorum.takeOver(self.quorum)
        self.quorum = quorum
        attempts = Attempts()
        standIns.removeAll { !$0.isAcknowledged }
        begin(id, peers, now: now, into: &effects)
    }

    /// A member has answered.
    mutating func replied(
        _ node: NodeID, _ refusal: ReplicaRefusal?, _ id: UInt64, _ peers: PartitionPeers, now: UInt64,
        into effects: inout [CoordinatorEffect]
    ) {
        switch PlantedFault.refusalCounts.isActive ? nil : refusal {
        case nil:
            attempts.settle(node)
            quorum.acknowledged(by: node)
        case .staleEpoch, .unknownEpoch:
            // One of us has yet to hear of a view. It is asked again, at the latest when we do.
            break
        case .storage, .overload, .notReady, .clockSkew:
            if attempts.hasRepeated(node) { giveUp(node, id, peers, now: now, into: &effects) }
        case .notAMember, .notTheLeader, .actorClosing:
            if attempts.isWaiting(for: node) { giveUp(node, id, peers, now: now, into: &effects) }
        }
    }

    /// A stand-in has answered.
    mutating func hinted(
        _ node: NodeID, _ refusal: ReplicaRefusal?, _ id: UInt64, _ peers: PartitionPeers, now: UInt64,
        into effects: inout [CoordinatorEffect]
    ) {
        guard let index = standIns.firstIndex(where: { $0.node == node }), !standIns[index].isAcknowledged else {
            return
        }
        if refusal == nil {
            standIns[index].isAcknowledged = true
            standIns[index].until = nil
            quorum.standInAcknowledged(for: standIns[index].target)
        } else {
            replaceStandIn(at: index, id, peers, now: now, into: &effects)
        }
    }

    /// The failure detector has lost a node.
    mutating func lost(
        _ node: NodeID, _ id: UInt64, _ peers: PartitionPeers, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        if attempts.isWaiting(for: node) { giveUp(node, id, peers, now: now, into: &effects) }
        if let index = standIns.firstIndex(where: { $0.node == node }) {
            replaceStandIn(at: index, id, peers, now: now, into: &effects)
        }
    }

    /// Time has passed.
    mutating func timeHasPassed(
        _ id: UInt64, _ peers: PartitionPeers, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        for (node, count) in attempts.due(now: now) {
            send(to: node, id, peers, into: &effects)
            if count == 2 { askStandIn(for: node, id, peers, now: now, into: &effects) }
        }
        for index in standIns.indices where standIns[index].until.map({ $0 <= now }) ?? false {
            replaceStandIn(at: index, id, peers, now: now, into: &effects)
        }
    }

    // MARK: Sending

    /// The members in the order of the preference list, then whom the leader needs besides.
    private func recipients(_ peers: PartitionPeers) -> [NodeID] {
        var nodes = peers.view.members.map(\.node)
        if leaderEpoch > 0, let leadership = peers.view.leadership {
            nodes += leadership.members.filter { !nodes.contains($0) }
        }
        return nodes.filter { $0 != peers.node && !quorum.hasAcknowledged($0) }
    }

    private func send(
        to node: NodeID, _ id: UInt64, _ peers: PartitionPeers, into effects: inout [CoordinatorEffect]
    ) {
        let message = Replicate(
            id: id, partition: peers.view.partition, epoch: peers.view.epoch, leaderEpoch: leaderEpoch, update: update,
            records: write?.records ?? [])
        effects.append(.send(.replicate(message), to: node))
    }

    private mutating func giveUp(
        _ node: NodeID, _ id: UInt64, _ peers: PartitionPeers, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        attempts.settle(node)
        quorum.failed(node)
        askStandIn(for: node, id, peers, now: now, into: &effects)
    }

    private mutating func askStandIn(
        for target: NodeID, _ id: UInt64, _ peers: PartitionPeers, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        guard isSloppy, quorum.counts(target), !quorum.hasStandIn(for: target) else { return }
        let free = peers.fallbacks.first { node in
            peers.isReachable(node) && peers.view.member(at: node) == nil && !standIns.contains { $0.node == node }
        }
        guard let free else { return }
        standIns.append(StandIn(node: free, target: target, until: now + Limits.retryMilliseconds))
        quorum.standInAsked(for: target)
        let hint = Hint(
            id: id, target: target, partition: peers.view.partition, update: update, records: write?.records ?? [])
        effects.append(.send(.hint(hint), to: free))
    }

    /// Asks the next one. The one before still counts if it answers late.
    private mutating func replaceStandIn(
        at index: Int, _ id: UInt64, _ peers: PartitionPeers, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        guard standIns[index].until != nil else { return }
        standIns[index].until = nil
        quorum.standInFailed(for: standIns[index].target)
        askStandIn(for: standIns[index].target, id, peers, now: now, into: &effects)
    }
}
