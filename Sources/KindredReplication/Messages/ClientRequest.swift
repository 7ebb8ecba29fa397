package import KindredModel

/// What a client asks of the cluster, in terms of the replication core. Names are resolved and tokens opened already.
package struct ClientRequest: Hashable, Sendable {
    package var partition: UInt16
    /// Bucket type, bucket and key: `ObjectKey.address`.
    package var address: [UInt8]
    package var strategy: ConflictStrategy
    /// Whether the bucket's conflicts are entered into the conflict log.
    package var logsConflicts: Bool
    package var operation: Operation
    package var quorums: RequestQuorums
    /// How long the client waits, in milliseconds. After that it is told "timeout", and the outcome of a write is unknown.
    package var timeout: UInt64
    /// What the client has seen of the partition in its session; a read must not show less. Empty outside of sessions.
    package var session: CausalContext

    package init(
        partition: UInt16, address: [UInt8], strategy: ConflictStrategy, logsConflicts: Bool = true,
        operation: Operation,
        quorums: RequestQuorums = RequestQuorums(), timeout: UInt64 = 60_000, session: CausalContext = CausalContext()
    ) {
        self.partition = partition
        self.address = address
        self.strategy = strategy
        self.logsConflicts = logsConflicts
        self.operation = operation
        self.quorums = quorums
        self.timeout = timeout
        self.session = session
    }

    package enum Operation: Hashable, Sendable {
        case get
        /// A put, or with no content a delete. `request` makes a retry harmless as long as the coordinator remembers it.
        case write(ClientWrite, precondition: Precondition, request: ClientRequestID?)
    }
}

/// Names a client's write, so that sending it again is not writing twice.
package struct ClientRequestID: Hashable, Sendable {
    package var client: UInt64
    package var number: UInt64

    package init(client: UInt64, number: UInt64) {
        self.client = client
        self.number = number
    }
}

/// How many replicas must have answered, as numbers (`Quorum` resolved against the bucket's properties and n).
package struct RequestQuorums: Hashable, Sendable {
    /// How many replicas the key has.
    package var n: UInt8
    /// Answers to a read that are needed; counted among primaries only (a fallback cannot answer reads).
    package var r: UInt8
    /// Replicas of the key itself, not fallbacks, that must be reachable for a read to begin.
    package var pr: UInt8
    /// Acknowledgements that a write needs, fallbacks included.
    package var w: UInt8
    /// Acknowledgements that must come from replicas of the key itself.
    package var pw: UInt8
    /// Acknowledgements that must be durable.
    package var dw: UInt8
    /// Whether "I have nothing" is an answer to a read.
    package var notFoundOK: Bool
    /// Whether a read whose majority failed may end before everybody has answered.
    package var basicQuorum: Bool
    /// Whether fallbacks may stand in for replicas that cannot be reached.
    package var isSloppy: Bool

    package init(
        n: UInt8 = 3, r: UInt8 = 2, pr: UInt8 = 0, w: UInt8 = 2, pw: UInt8 = 0, dw: UInt8 = 0, notFoundOK: Bool = true,
        basicQuorum: Bool = false, isSloppy: Bool = true
    ) {
        self.n = n
        self.r = r
        self.pr = pr
        self.w = w
        self.pw = pw
        self.dw = dw
        self.notFoundOK = notFoundOK
        self.basicQuorum = basicQuorum
        self.isSloppy = isSloppy
    }
}

/// What a client is answered.
package enum ClientReply: Hashable, Sendable {
    /// What the replicas that answered know, merged. An absent object has a context too.
    case object(CausalObject)
    /// The write happened, or needed not to: the object after it at the coordinator, and what its writer knows now.
    case written(WrittenReply)
    /// The write was refused, and has not happened.
    case refused(WriteRefusal)
    /// Not enough replicas, or no time left. A write may have happened all the same, unless `mayHaveHappened` is false.
    case unavailable(Unavailability, mayHaveHappened: Bool)
}

/// A write that was acknowledged.
package struct WrittenReply: Hashable, Sendable {
    /// The object after the write, filled, as its coordinator knows it.
    package var object: CausalObject
    /// What the writer knows: what it knew, and its own write.
    package var writerKnows: Knowledge
    /// The name of the write; nil if nothing had to change.
    package var dot: Dot?
    /// Versions that last-write-wins dropped although the writer had not seen them.
    package var discarded: [Version]

    package init(object: CausalObject, writerKnows: Knowledge, dot: Dot?, discarded: [Version]) {
        self.object = object
        self.writerKnows = writerKnows
        self.dot = dot
        self.discarded = discarded
    }
}

/// Why a request could not be served. `errorText` in the wire layer turns these into Riak's words.
package enum Unavailability: Hashable, Sendable {
    /// Fewer than `required` answers of the kind named.
    case unsatisfied(Kind, required: UInt8, got: UInt8)
    /// The client's time is up.
    case timeout
    /// Too many requests are under way.
    case overload
    /// No replica can coordinate the write.
    case noCoordinator
    /// This node does not lead the partition; who does, as far as it knows.
    case notTheLeader(leader: NodeID?)
    /// A replica that knows as much as the session has seen could not be asked.
    case sessionNotServed
    /// More replicas were asked for than the key has.
    case tooManyAskedFor(n: UInt8)
    /// The token is further ahead of this node's clock than is allowed.
    case clockSkew(milliseconds: UInt64)
    /// The clock of the node that would coordinate the write is so far ahead of most others that they would not take it.
    case clockAhead(milliseconds: UInt64)
    /// The storage could not read or write.
    case storage

    package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case r = 0
        case pr = 1
        case w = 2
        case pw = 3
        case dw = 4
    }
}
