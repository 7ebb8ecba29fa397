import KindredModel

/// What becomes of a partition when a member loses its state, or a node is lost for good.
extension PartitionRecord {
    /// Gives the replica at a node a new incarnation: it may have lost what the old one has acknowledged, or dots that
    /// it has minted.
    ///
    /// It becomes a learner until it is ready again, and the old incarnation is closed. There are two exceptions. The
    /// last voter that can be reached stays one: what it has lost nobody else has, and there must be somebody to learn
    /// from. A draining member is removed: there is nothing left to take over from it.
    ///
    /// A change of members in its joint stage goes back to adding.
    ///
    /// - Parameter actor: the incarnation that it had.
    /// - Returns: the new incarnation; nil if the node has no replica of the partition any more.
    mutating func renew(at node: NodeID, replacing actor: ActorID, lost: [NodeID]) throws(TopologyRefusal) -> ActorID? {
        guard let index = view.members.firstIndex(where: { $0.node == node }), view.members[index].actor == actor
        else { throw .notCurrent }
        let old = view.members[index]
        if old.role == .draining {
            view.members.remove(at: index)
            retire(old)
            membersChanged()
            return nil
        }
        let fresh = try takeActor()
        returnToAdding()
        retire(old)
        leaveLeadership([node])
        view.members[index].actor = fresh
        view.members[index].counterCeiling = 0
        let hasOthers = view.members.contains {
            $0.node != node && $0.role.isOldVoter && !lost.contains($0.node)
        }
        if hasOthers || view.members[index].role != .voter { view.members[index].role = .learner }
        if view.leadership == nil, view.members.count == 1 {
            // Nobody else could ever be elected.
            leadershipEpoch += 1
            uncleanElections += 1
            view.leadership = Leadership(epoch: leadershipEpoch, leader: node, members: [node])
        }
        membersChanged()
        return fresh
    }

    /// Does what can be done at once about a lost node: it does not lead any more, and no member is to be where it is.
    /// As long as no plan replaces it, it stays a member that does not answer.
    mutating func lose(_ node: NodeID, lost: [NodeID]) throws(TopologyRefusal) {
        switch progress {
        case .settled: break
        case .waiting(let target):
            if target.contains(node) { progress = .settled }
        case .changing(let transition):
            if transition.stage != .draining, transition.target.contains(node) {
                try cancel(lost: lost, isForced: true)
            }
        }
        guard let index = view.members.firstIndex(where: { $0.node == node }) else { return }
        view.members[index].isLost = true
        leaveLeadership([node])
        membersChanged()
    }
}
