package import KindredModel

/// What happens to a node.
package enum NodeInput: Sendable {
    /// A client asks. It is answered once, with its token.
    case client(ClientRequest, token: UInt64)
    /// Another node says something.
    case message(PeerMessage, from: NodeID)
    /// The configuration service says something new about a partition: its view, and who may stand in for its members.
    case view(PartitionView, fallbacks: [NodeID])
    /// The failure detector has changed its mind about a node.
    case reachable(NodeID, Bool)
    /// By how many milliseconds this node's clock is ahead of most others, if that is too much; nil if it is not, or not any more.
    case clockAhead(milliseconds: UInt64?)
    /// Time has passed: deadlines, retries, anti-entropy, upkeep.
    case tick
}

/// What a node wants done. Nothing of it may be done before everything staged so far is durable.
package enum NodeEffect: Sendable {
    case send(PeerMessage, to: NodeID)
    case reply(token: UInt64, ClientReply)
    /// The own replica has decided a client's write. For whoever keeps a record of what happens.
    case coordinated(ClientRequest, CoordinatedWrite)
    /// A write that turned up under a voided dot goes on under another one. For the same readers.
    case salvaged(partition: UInt16, SalvagedWrite)
    /// Ask the configuration service for a change. Asked again until a view shows it.
    case configure(ConfigurationRequest)
    /// Tell a person.
    case alarm(NodeAlarm)
}

/// What a node asks of the configuration service. Each may be refused there, if things have moved on, and each may be asked twice.
package enum ConfigurationRequest: Hashable, Sendable {
    /// The replica may have lost events, or is damaged: it needs a new incarnation before it may mint or count again.
    case renew(partition: UInt16, from: ActorID)
    /// Something that a change of members waits for has happened, under this epoch of the view.
    case report(TransitionReport, partition: UInt16, epoch: UInt64)
    /// Which events of a closing actor this replica has. With these, it takes in no more of them but from other members.
    case reportClosing(ClosingReport, partition: UInt16, epoch: UInt64)
    case raiseCounterCeiling(partition: UInt16, actor: ActorID, to: UInt64)
    case raiseClockFloor(partition: UInt16, to: HybridTimestamp)
    /// The leader, or a member that it needs, cannot be reached: lead with these from now on.
    case elect(partition: UInt16, leader: NodeID, members: [NodeID], replacing: UInt64)
    /// No leadership is left, and all members vote: lead with all of them from now on.
    case electAnew(partition: UInt16, leader: NodeID)
    /// This node has all that the leader has: from now on acknowledged writes are on it, too.
    case joinLeadership(partition: UInt16, node: NodeID, epoch: UInt64)
}

/// Something that must not happen, and did.
package enum NodeAlarm: Hashable, Sendable {
    /// Two different writes under one dot.
    case divergence(partition: UInt16, dot: Dot)
    /// Two replicas with equal clocks have different objects.
    case digestMismatch(partition: UInt16, peer: ActorID)
    /// The storage could not be read: `reason` is its own words. The partition needs a new incarnation if it is damaged.
    case storage(partition: UInt16, reason: String, isDamaged: Bool)
    /// The state of a replica is an older copy.
    case rolledBack(partition: UInt16, actor: ActorID)
    /// The disk has lost a replica.
    case lost(partition: UInt16, actor: ActorID)
    /// Last-write-wins had no place for a write that turned up late, under a voided dot.
    case discarded(partition: UInt16, dot: Dot)
}
