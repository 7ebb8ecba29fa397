package import KindredModel

/// What can happen to a `Coordinator`.
package enum CoordinatorInput: Sendable {
    /// A client of this node asks for something. It is answered exactly once, by `reply` with the same token.
    case client(ClientRequest, token: UInt64)
    /// A peer says something that concerns the coordinator: `replicated`, `readReply`, `hinted`, `forward` or
    /// `forwarded`. Other messages are ignored. A node also says these to itself.
    case message(PeerMessage, from: NodeID)
    /// What became of the effect `write` with this id.
    case written(id: UInt64, Result<CoordinatedWrite, ReplicaRefusal>)
    /// The newest view of a partition, and the nodes that may stand in for its members, in order. Older views are
    /// ignored.
    case view(PartitionView, fallbacks: [NodeID])
    /// The failure detector has changed its mind about a node. Until it says otherwise, nodes count as reachable.
    case reachable(NodeID, Bool)
    /// By how many milliseconds this node's clock is ahead of most others, if that is too much for them to take its
    /// last-write-wins writes; nil if it is not.
    case clockAhead(milliseconds: UInt64?)
    /// The own replica has finished its recovery as the leader of this epoch; with nil, it no longer leads.
    case leading(partition: UInt16, epoch: UInt64?)
    /// Time has passed.
    case wake
}

/// What a `Coordinator` wants done. Carried out in order, and only after everything that was staged in this tick is
/// durable.
package enum CoordinatorEffect: Sendable {
    /// Send this; maybe to this node itself.
    case send(PeerMessage, to: NodeID)
    /// Let the own replica decide, mint and stage this write. Always answered by one `written` with the same id.
    case write(id: UInt64, ClientRequest)
    /// Answer the client.
    case reply(token: UInt64, ClientReply)
    /// Come back with `wake` no later than this.
    case wake(at: UInt64)
}

/// A client's write that the own replica has decided.
package struct CoordinatedWrite: Sendable {
    package var outcome: WriteOutcome
    /// The key after the write, with its events: what the other replicas are to merge.
    package var update: ObjectUpdate
    /// The object after the write, filled, for the client.
    package var object: CausalObject
    /// What the writer knows: what it knew, and its own write.
    package var writerKnows: Knowledge
    /// The name of the write; nil if nothing was minted.
    package var dot: Dot?
    /// What has been entered into the conflict log with it, for the other replicas.
    package var records: [ObjectUpdate]

    package init(
        outcome: WriteOutcome, update: ObjectUpdate, object: CausalObject, writerKnows: Knowledge, dot: Dot?,
        records: [ObjectUpdate] = []
    ) {
        self.records = records
        self.outcome = outcome
        self.update = update
        self.object = object
        self.writerKnows = writerKnows
        self.dot = dot
    }

    /// What the client is told once enough replicas have it.
    var reply: ClientReply {
        switch outcome {
        case .refused(let refusal):
            .refused(refusal)
        case .unchanged:
            .written(WrittenReply(object: object, writerKnows: writerKnows, dot: dot, discarded: []))
        case .applied(_, let discarded):
            .written(WrittenReply(object: object, writerKnows: writerKnows, dot: dot, discarded: discarded))
        }
    }
}
