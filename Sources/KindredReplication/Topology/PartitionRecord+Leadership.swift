/// Who numbers versions. An acknowledged version is on every member of the leadership, so any one of them may lead
/// next, and nobody else.
extension PartitionRecord {
    /// Elects a leader from among the last leadership's members, with as many of them as can be reached.
    ///
    /// - Parameter epoch: the leadership to replace.
    mutating func elect(_ leader: NodeID, members: [NodeID], replacing epoch: UInt64) throws(TopologyRefusal) {
        guard let last = view.leadership, last.epoch == epoch else {
            throw .wrongLeadership(current: leadershipEpoch)
        }
        guard last.members.contains(leader), members.allSatisfy(last.members.contains) else { throw .notInLeadership }
        try lead(leader, members)
    }

    /// Elects a leader although no member of the last leadership is left: acknowledged versions may be lost. Counted.
    ///
    /// - Parameter epoch: the last leadership there was.
    mutating func electUncleanly(
        _ leader: NodeID, members: [NodeID], replacing epoch: UInt64
    ) throws(TopologyRefusal) {
        guard view.leadership == nil else { throw .leadershipExists }
        guard leadershipEpoch == epoch else { throw .wrongLeadership(current: leadershipEpoch) }
        try lead(leader, members)
        uncleanElections += 1
    }

    /// Elects a leader although no member of the last leadership has kept its incarnation: after a power cut of all of them, or one after the
    /// other.
    ///
    /// Only with all members, all of them voters, which a replica is after it has taken over what the others have. The new leader begins by
    /// taking over from each of them what it lacks, and they all count for its first acknowledgement. So every acknowledged version is
    /// there that any of their disks has kept, and with disks that keep what they have confirmed, these are all.
    mutating func electAnew(_ leader: NodeID) throws(TopologyRefusal) {
        guard view.leadership == nil else { throw .leadershipExists }
        guard transition == nil, view.members.allSatisfy({ $0.role == .voter && !$0.isLost }) else { throw .notCurrent }
        try lead(leader, nodes)
    }

    /// Takes a member into the leadership that has, as the leader has seen to, every acknowledged version.
    ///
    /// - Parameter epoch: the leadership that it joins.
    mutating func addLeadershipMember(_ node: NodeID, to epoch: UInt64) throws(TopologyRefusal) {
        guard let last = view.leadership, last.epoch == epoch else {
            throw .wrongLeadership(current: leadershipEpoch)
        }
        guard !last.members.contains(node) else { return }
        try lead(last.leader, last.members + [node])
    }

    /// Takes nodes out of the leadership whose replicas leave or have lost their state. If nobody is left in it, there
    /// is none.
    mutating func leaveLeadership(_ leaving: [NodeID]) {
        guard let last = view.leadership, last.members.contains(where: leaving.contains) else { return }
        let members = last.members.filter { !leaving.contains($0) }
        guard let first = members.first else {
            view.leadership = nil
            return
        }
        leadershipEpoch += 1
        forgetLeading()
        let leader = leaving.contains(last.leader) ? first : last.leader
        view.leadership = Leadership(epoch: leadershipEpoch, leader: leader, members: members)
    }

    private mutating func lead(_ leader: NodeID, _ members: [NodeID]) throws(TopologyRefusal) {
        guard members.contains(leader), Set(members).count == members.count else { throw .outOfBounds }
        for node in members {
            guard let role = view.member(at: node)?.role, role.isOldVoter || role.isNewVoter else { throw .notCurrent }
        }
        leadershipEpoch += 1
        forgetLeading()
        view.leadership = Leadership(epoch: leadershipEpoch, leader: leader, members: members)
        view.epoch += 1
    }

    /// Another leadership has yet to say that it has what the last one acknowledged.
    private mutating func forgetLeading() {
        received.removeAll { report in
            if case .led = report { true } else { false }
        }
    }
}
