package import KindredModel

/// What members of a partition tell the configuration service, and ask of it. Every one of these may be sent twice: the
/// second time changes nothing, or is refused.
extension Topology {
    // MARK: Incarnations

    /// Gives the replica of a partition at a node a new incarnation, because it may have lost what the old one knew.
    ///
    /// - Parameter actor: the incarnation that it had. If it has another one by now, nothing happens.
    /// - Returns: the new incarnation; nil if the replica was draining, and the node has none any more.
    package mutating func renew(
        _ node: NodeID, in partition: UInt16, replacing actor: ActorID
    ) throws(TopologyRefusal) -> ActorID? {
        let index = try index(of: node)
        guard nodes[index].state != .lost else { throw .wrongNodeState(.lost) }
        return try change(partition) { record, lost throws(TopologyRefusal) in
            try record.renew(at: node, replacing: actor, lost: lost)
        }
    }

    /// Lets an incarnation mint dots up to a counter.
    package mutating func raiseCeiling(
        of actor: ActorID, in partition: UInt16, to counter: UInt64
    ) throws(TopologyRefusal) {
        try change(partition) { record, _ throws(TopologyRefusal) in
            try record.raiseCeiling(of: actor, to: counter)
        }
    }

    /// Keeps incarnations that start from now on from handing out a timestamp at or below this one.
    package mutating func raiseClockFloor(
        in partition: UInt16, to timestamp: HybridTimestamp
    ) throws(TopologyRefusal) {
        try change(partition) { record, _ throws(TopologyRefusal) in record.raiseClockFloor(to: timestamp) }
    }

    // MARK: Stages and closings

    /// Takes note of what a member reports, and goes on with the change of members if it was the last report missing.
    ///
    /// - Parameter epoch: that of the view under which it was observed. Refused if members have changed since.
    package mutating func report(
        _ report: TransitionReport, in partition: UInt16, epoch: UInt64
    ) throws(TopologyRefusal) {
        try change(partition) { record, lost throws(TopologyRefusal) in
            try record.take(report, epoch: epoch, lost: lost)
        }
    }

    /// Takes note of what a member has of a closing actor, and closes it if all members have the same.
    ///
    /// - Parameter epoch: that of the view which the member went by when it looked. Refused if members have changed
    ///   since.
    package mutating func reportClosing(
        _ report: ClosingReport, in partition: UInt16, epoch: UInt64
    ) throws(TopologyRefusal) {
        try change(partition) { record, lost throws(TopologyRefusal) in
            try record.take(report, epoch: epoch, lost: lost)
        }
    }

    // MARK: Leadership

    /// Elects a leader for a partition's version numbers from among the last leadership's members.
    ///
    /// - Parameters:
    ///   - members: those of the last leadership that are to be of the next one too, the leader included. (Others are
    ///     taken in by `addLeadershipMember` when they have every acknowledged version.)
    ///   - epoch: the leadership to replace.
    package mutating func electLeader(
        _ leader: NodeID, members: [NodeID], in partition: UInt16, replacing epoch: UInt64
    ) throws(TopologyRefusal) {
        try change(partition) { record, _ throws(TopologyRefusal) in
            try record.elect(leader, members: members, replacing: epoch)
        }
    }

    /// Elects a leader where the last leadership has come to an end, with all members of the partition; see `PartitionRecord.electAnew`.
    package mutating func electLeaderAnew(_ leader: NodeID, in partition: UInt16) throws(TopologyRefusal) {
        try change(partition) { record, _ throws(TopologyRefusal) in try record.electAnew(leader) }
    }

    /// Elects a leader on an operator's word although nobody is left who is sure to have every acknowledged version.
    /// Counted in `PartitionRecord.uncleanElections`.
    ///
    /// - Parameter epoch: the last leadership there was: `PartitionRecord.leadershipEpoch`.
    package mutating func electLeaderUncleanly(
        _ leader: NodeID, members: [NodeID], in partition: UInt16, replacing epoch: UInt64
    ) throws(TopologyRefusal) {
        try change(partition) { record, _ throws(TopologyRefusal) in
            try record.electUncleanly(leader, members: members, replacing: epoch)
        }
    }

    /// Takes a voter into the leadership. The leader asks for it, and vouches that the voter has every acknowledged
    /// version, and that since it had them no further one has been acknowledged without it.
    ///
    /// - Parameter epoch: the leadership that it joins. There is a new one afterwards, with the same leader.
    package mutating func addLeadershipMember(
        _ node: NodeID, in partition: UInt16, to epoch: UInt64
    ) throws(TopologyRefusal) {
        try change(partition) { record, _ throws(TopologyRefusal) in
            try record.addLeadershipMember(node, to: epoch)
        }
    }
}
