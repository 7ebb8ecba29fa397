import KindredModel

/// The stages of a change of members. Called by `Topology`, which knows the nodes.
extension PartitionRecord {
    // MARK: Beginning and giving up

    /// Begins the change that has been waiting, or does it at once if only the order of the members changes.
    mutating func start() throws(TopologyRefusal) {
        guard case .waiting(let target) = progress else { return }
        let old = nodes
        let arriving = target.filter { !old.contains($0) }
        for node in arriving {
            let actor = try takeActor()
            view.members.append(ReplicaMember(node: node, actor: actor, role: .learner, counterCeiling: 0))
        }
        progress = .changing(Transition(target: target, arriving: arriving, stage: .adding))
        if arriving.isEmpty, old.count == target.count {
            finish()
            view.epoch += 1
        } else {
            membersChanged()
        }
    }

    /// Gives up a change: the members stay who they were. Those that were arriving leave again; one that may have
    /// minted is drained first.
    ///
    /// - Parameter isForced: whether to do so even if every acknowledged version is known to be on arriving members
    ///   only. The partition then has no leadership until somebody is elected uncleanly.
    mutating func cancel(lost: [NodeID], isForced: Bool = false) throws(TopologyRefusal) {
        guard case .changing(var transition) = progress else {
            progress = .settled
            return
        }
        guard transition.stage != .draining else { throw .changeInProgress }
        if !isForced, let leadership = view.leadership,
            leadership.members.allSatisfy(transition.arriving.contains)
        {
            throw .notInLeadership
        }
        leaveLeadership(transition.arriving)
        var kept: [ReplicaMember] = []
        for var member in view.members {
            if transition.arriving.contains(member.node) {
                if member.counterCeiling == 0 || lost.contains(member.node) {
                    retire(member)
                    continue
                }
                member.role = .draining
            } else if member.role == .outgoing {
                member.role = .voter
            }
            kept.append(member)
        }
        view.members = kept
        transition.target = nodes.filter { !transition.arriving.contains($0) }
        transition.arriving = []
        transition.stage = .draining
        progress = .changing(transition)
        membersChanged()
    }

    // MARK: Reports

    /// The reports without which the next stage cannot begin, whether they have come in or not. In the order of the
    /// members.
    private func needed(lost: [NodeID]) -> [TransitionReport] {
        let reachable = view.members.filter { !lost.contains($0.node) }
        var needed = reachable.filter { $0.role == .learner }.map { TransitionReport.ready($0.actor) }
        guard let transition else { return needed }
        switch transition.stage {
        case .adding: break
        case .joint:
            needed += reachable.filter(\.role.isOldVoter).map { .acknowledged($0.actor) }
            // An arriving member has pulled from all, so that a new quorum which misses an old one lacks all arriving
            // members. If no fewer arrive than leave, such a quorum is too small; if fewer do, those that stay have to
            // catch up as well.
            let isShrinking = transition.target.count < view.members.count - transition.arriving.count
            needed += reachable.filter { $0.role == .incoming || (isShrinking && $0.role == .voter) }
                .map { .caughtUp($0.actor) }
            // Members that leave take their copies along: before they go, the leader must have seen to it that those that stay have all.
            if let leadership = view.leadership,
                leadership.members.contains(where: { view.member(at: $0)?.role == .outgoing }),
                let leader = reachable.first(where: { $0.node == leadership.leader })
            {
                needed.append(.led(leader.actor))
            }
        case .draining:
            for drained in reachable where drained.role == .draining {
                needed.append(.acknowledged(drained.actor))
                needed += reachable.filter { $0.role != .draining }
                    .map { .pulled(from: drained.actor, by: $0.actor) }
            }
        }
        return needed
    }

    /// The reports for which the partition waits.
    func awaited(lost: [NodeID]) -> [TransitionReport] {
        needed(lost: lost).filter { !received.contains($0) }
    }

    /// Takes note of a report. One that nothing waits for (any more) changes nothing.
    mutating func take(_ report: TransitionReport, epoch: UInt64, lost: [NodeID]) throws(TopologyRefusal) {
        guard report.actors.allSatisfy({ member($0) != nil }) else { throw .notCurrent }
        try check(epoch: epoch)
        // What a leader says is about its leadership, which may have changed without the members.
        if case .led = report, epoch != view.epoch { throw .wrongEpoch(current: view.epoch) }
        guard awaited(lost: lost).contains(report) else { return }
        if case .ready(let actor) = report,
            let index = view.members.firstIndex(where: { $0.actor == actor }), !isArriving(view.members[index].node)
        {
            view.members[index].role = .voter
            membersChanged()
        } else {
            received.append(report)
        }
    }

    private func isArriving(_ node: NodeID) -> Bool {
        transition.map { $0.arriving.contains(node) } ?? false
    }

    // MARK: Going on

    /// Goes on to the next stage as long as nothing is waited for.
    mutating func advance(lost: [NodeID]) {
        while let transition, awaited(lost: lost).isEmpty {
            switch transition.stage {
            case .adding: beginJoint()
            case .joint:
                guard canSwitch else { return }
                beginDraining(lost: lost)
            case .draining: removeDrained()
            }
        }
    }

    /// Whether the new members can lead: whoever leads next must be a member of the last leadership. Until then it is
    /// up to the leader to take arriving members in.
    var canSwitch: Bool {
        guard let leadership = view.leadership else { return true }
        return leadership.members.contains { view.member(at: $0)?.role.isNewVoter == true }
    }

    private mutating func beginJoint() {
        guard case .changing(var transition) = progress else { return }
        for index in view.members.indices {
            let member = view.members[index]
            if transition.arriving.contains(member.node) {
                view.members[index].role = .incoming
            } else if member.role == .voter, !transition.target.contains(member.node) {
                view.members[index].role = .outgoing
            }
        }
        transition.stage = .joint
        progress = .changing(transition)
        membersChanged()
    }

    /// Back from the joint stage: a quorum of the old members was needed there as well, so that nothing is lost by
    /// needing no other.
    mutating func returnToAdding() {
        guard case .changing(var transition) = progress, transition.stage == .joint else { return }
        for index in view.members.indices {
            if view.members[index].role == .incoming { view.members[index].role = .learner }
            if view.members[index].role == .outgoing { view.members[index].role = .voter }
        }
        transition.stage = .adding
        progress = .changing(transition)
    }

    private mutating func beginDraining(lost: [NodeID]) {
        guard case .changing(var transition) = progress else { return }
        leaveLeadership(nodes.filter { !transition.target.contains($0) })
        var kept: [ReplicaMember] = []
        for var member in view.members {
            if transition.target.contains(member.node) {
                // A learner here is on a lost node, or it would have been waited for.
                if member.role == .incoming { member.role = .voter }
            } else if lost.contains(member.node) {
                retire(member)
                continue
            } else {
                member.role = .draining
            }
            kept.append(member)
        }
        view.members = kept
        transition.arriving = []
        transition.stage = .draining
        progress = .changing(transition)
        membersChanged()
    }

    private mutating func removeDrained() {
        for member in view.members where member.role == .draining { retire(member) }
        view.members.removeAll { $0.role == .draining }
        finish()
        membersChanged()
    }

    /// The members are those of the target: puts them in its order.
    private mutating func finish() {
        guard let transition else { return }
        let order = transition.target
        view.members = order.compactMap { view.member(at: $0) }
        progress = .settled
    }
}
