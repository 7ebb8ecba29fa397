package import KindredModel

/// Who replicates one partition, as the configuration service has last said so: everything that a replica or a coordinator needs to
/// know about the others.
///
/// A view is a value with an epoch. Whoever gets a newer one takes it over whole; an older one is ignored.
package struct PartitionView: Hashable, Sendable {
    /// Which partition.
    package var partition: UInt16
    /// Grows with every change of this view.
    package var epoch: UInt64
    /// The replicas, in the order of the preference list.
    package var members: [ReplicaMember]
    /// Incarnations that mint no more, and of which every replica knows the same events.
    package var closed: ClosedActors
    /// Incarnations that mint no more, and of which the replicas are still finding out what they know. Only other members are believed
    /// about their events.
    package var closing: [ActorID]
    /// No incarnation that starts from now on hands out a timestamp at or below this one.
    package var clockFloor: HybridTimestamp
    /// Who leads the partition's keys with version numbers; nil if nobody does.
    package var leadership: Leadership?

    package init(
        partition: UInt16, epoch: UInt64, members: [ReplicaMember], closed: ClosedActors = ClosedActors(),
        closing: [ActorID] = [], clockFloor: HybridTimestamp = .zero, leadership: Leadership? = nil
    ) {
        self.partition = partition
        self.epoch = epoch
        self.members = members
        self.closed = closed
        self.closing = closing
        self.clockFloor = clockFloor
        self.leadership = leadership
    }

    /// The member at a node, if there is one.
    package func member(at node: NodeID) -> ReplicaMember? {
        members.first { $0.node == node }
    }
}

/// One replica of a partition: where it is, who it is, and whether it counts.
package struct ReplicaMember: Hashable, Sendable {
    /// The node it is on.
    package var node: NodeID
    /// Its current incarnation.
    package var actor: ActorID
    /// Whether its answers count towards quorums.
    package var role: Role
    /// It mints no dot above this counter; a higher one is registered before it gets there.
    package var counterCeiling: UInt64
    /// Whether an operator has declared that its node will not come back. Nobody waits for it; it counts as before until it is replaced.
    package var isLost: Bool

    package init(node: NodeID, actor: ActorID, role: Role, counterCeiling: UInt64, isLost: Bool = false) {
        self.node = node
        self.actor = actor
        self.role = role
        self.counterCeiling = counterCeiling
        self.isLost = isLost
    }

    /// What a member's answers are worth. Every member gets every write, and every member may be asked for what it knows.
    package enum Role: UInt8, Hashable, Sendable, CaseIterable {
        /// Its answers count.
        case voter = 0
        /// It lacks events that it, or the incarnation before it, may have acknowledged: its answers add values and count for nothing.
        case learner = 1
        /// It will take over from an outgoing member: quorums are needed among the old members and among the new ones.
        case incoming = 2
        /// It is being replaced by an incoming member; counts among the old members only.
        case outgoing = 3
        /// It has been replaced. It mints no more, and the others are taking over what it knows.
        case draining = 4

        /// Whether it counts in quorums of the members before the change that is under way.
        package var isOldVoter: Bool { self == .voter || self == .outgoing }
        /// Whether it counts in quorums of the members after the change that is under way.
        package var isNewVoter: Bool { self == .voter || self == .incoming }
    }
}

/// Who numbers the versions of a partition's keys, and on whom an acknowledged version must be.
///
/// (Lin, Yang, Zhang, Zhou, "PacificA: Replication in Log-Based Distributed Storage Systems", 2008.)
package struct Leadership: Hashable, Sendable {
    /// Grows with every change of leader or members. Requests of an older epoch are refused.
    package var epoch: UInt64
    /// The one node that accepts writes.
    package var leader: NodeID
    /// A write is acknowledged when all of these have it, the leader included.
    package var members: [NodeID]

    package init(epoch: UInt64, leader: NodeID, members: [NodeID]) {
        self.epoch = epoch
        self.leader = leader
        self.members = members
    }
}
