package import KindredModel

/// What nodes say to each other about data. Every message but a reply begins an exchange with an id; its reply carries the same id.
///
/// A message may be lost, come late, come twice, or overtake another one. None of them assumes otherwise.
package enum PeerMessage: Hashable, Sendable {
    /// "Merge this into your replica, and say when it is durable."
    case replicate(Replicate)
    case replicated(Replicated)
    /// "What do you know of this key?"
    case read(ReadObject)
    case readReply(ReadReply)
    /// "Keep this for a replica that I cannot reach, and hand it over when you can."
    case hint(Hint)
    case hinted(Hinted)
    /// "This is my clock: what do I lack?"
    case pull(PullRequest)
    case pulled(PullReply)
    /// "I cannot go by the log: send me the next part of everything."
    case transfer(TransferRequest)
    case transferred(TransferReply)
    /// "I lead this partition from this epoch on: promise to follow, and say what you know."
    case promise(PromiseRequest)
    case promised(PromiseReply)
    /// "Coordinate this client's write (or, with version numbers, its read): I can't."
    case forward(ForwardedRequest)
    case forwarded(ForwardedReply)
    /// "Which keys, or buckets, does your replica have?"
    case list(ListRequest)
    case listed(ListReply)
}

/// What one replica tells another about one key: the object, filled, and the events that the receiver may record once it has merged it.
package struct ObjectUpdate: Hashable, Sendable {
    /// Bucket type, bucket and key: `ObjectKey.address`.
    package var address: [UInt8]
    /// The object with the whole of its context.
    package var object: CausalObject
    /// Every event of the key that the sender's log still has, those of the versions, and those this write replaced. Sorted.
    package var events: [Dot]
    /// Whether it is put together from what several replicas have said, so that versions meet in it that have met at no replica yet.
    package var isComposed: Bool

    package init(address: [UInt8], object: CausalObject, events: [Dot], isComposed: Bool = false) {
        self.address = address
        self.object = object
        self.events = events
        self.isComposed = isComposed
    }
}

/// A write, or the repair of one, on its way to a replica.
package struct Replicate: Hashable, Sendable {
    package var id: UInt64
    package var partition: UInt16
    /// The sender's epoch of the partition's view. A receiver with a newer view refuses.
    package var epoch: UInt64
    /// With version numbers, the epoch of the leader who says so; 0 otherwise. A receiver that has promised a later one refuses.
    package var leaderEpoch: UInt64
    package var update: ObjectUpdate
    /// What the sender has entered into the conflict log in the same step.
    package var records: [ObjectUpdate]

    package init(
        id: UInt64, partition: UInt16, epoch: UInt64, leaderEpoch: UInt64 = 0, update: ObjectUpdate,
        records: [ObjectUpdate] = []
    ) {
        self.id = id
        self.partition = partition
        self.epoch = epoch
        self.leaderEpoch = leaderEpoch
        self.update = update
        self.records = records
    }
}

/// Why a replica did not do what it was asked. None of them says anything about the key.
package enum ReplicaRefusal: UInt8, Error, Hashable, Sendable, CaseIterable {
    /// It has no replica of the partition.
    case notAMember = 0
    /// The request's epoch is older than its own.
    case staleEpoch = 1
    /// The request speaks of closings, or of an epoch, that it has not heard of yet. Ask again.
    case unknownEpoch = 2
    /// A later leader has its promise.
    case notTheLeader = 3
    /// The write is too far ahead of its clock. Ask again: time passes.
    case clockSkew = 4
    /// The event's actor is being closed: only members' pulls are believed about it.
    case actorClosing = 5
    /// The storage could not read or write.
    case storage = 6
    /// It is not sure of its own past yet, or has no dots left to mint.
    case notReady = 7
    /// It has too much to do.
    case overload = 8
}

/// A replica's answer to `Replicate`.
package struct Replicated: Hashable, Sendable {
    package var id: UInt64
    /// Nil if the write is durable at the sender.
    package var refusal: ReplicaRefusal?

    package init(id: UInt64, refusal: ReplicaRefusal?) {
        self.id = id
        self.refusal = refusal
    }
}

/// A question for what a replica knows of a key.
package struct ReadObject: Hashable, Sendable {
    package var id: UInt64
    package var partition: UInt16
    /// The sender's epoch of the partition's view.
    package var epoch: UInt64
    package var address: [UInt8]
    /// The least clock that the replica must have, per actor; a replica that lacks some of it refuses with `notReady`. Empty unless a
    /// session asks for it.
    package var atLeast: CausalContext

    package init(
        id: UInt64, partition: UInt16, epoch: UInt64, address: [UInt8], atLeast: CausalContext = CausalContext()
    ) {
        self.id = id
        self.partition = partition
        self.epoch = epoch
        self.address = address
        self.atLeast = atLeast
    }
}

/// A replica's answer to `ReadObject`.
package struct ReadReply: Hashable, Sendable {
    package var id: UInt64
    package var result: Result<ObjectUpdate, ReplicaRefusal>

    package init(id: UInt64, result: Result<ObjectUpdate, ReplicaRefusal>) {
        self.id = id
        self.result = result
    }
}

/// A write for a replica that its coordinator could not reach, given to a fallback.
package struct Hint: Hashable, Sendable {
    package var id: UInt64
    /// Whom it is for.
    package var target: NodeID
    package var partition: UInt16
    package var update: ObjectUpdate
    /// What the coordinator has entered into the conflict log in the same step.
    package var records: [ObjectUpdate]

    package init(id: UInt64, target: NodeID, partition: UInt16, update: ObjectUpdate, records: [ObjectUpdate] = []) {
        self.id = id
        self.target = target
        self.partition = partition
        self.update = update
        self.records = records
    }
}

/// A fallback's answer to `Hint`.
package struct Hinted: Hashable, Sendable {
    package var id: UInt64
    /// Nil if the hint is durable at the sender.
    package var refusal: ReplicaRefusal?

    package init(id: UInt64, refusal: ReplicaRefusal?) {
        self.id = id
        self.refusal = refusal
    }
}

/// A replica's question for what it lacks.
package struct PullRequest: Hashable, Sendable {
    package var id: UInt64
    package var partition: UInt16
    package var epoch: UInt64
    /// Who asks.
    package var actor: ActorID
    /// What the asker's durable state reflects.
    package var clock: ReplicaClock
    /// The digest of that state; nil while the asker is still computing it.
    package var digest: PartitionDigest?

    package init(
        id: UInt64, partition: UInt16, epoch: UInt64, actor: ActorID, clock: ReplicaClock, digest: PartitionDigest?
    ) {
        self.id = id
        self.partition = partition
        self.epoch = epoch
        self.actor = actor
        self.clock = clock
        self.digest = digest
    }
}

/// A replica's answer to `PullRequest`, all of it from one snapshot.
package struct PullReply: Hashable, Sendable {
    package var id: UInt64
    /// Who answers.
    package var actor: ActorID
    /// What the answerer's durable state reflects.
    package var clock: ReplicaClock
    package var content: Content

    package init(id: UInt64, actor: ActorID, clock: ReplicaClock, content: Content) {
        self.id = id
        self.actor = actor
        self.clock = clock
        self.content = content
    }

    /// Whether nothing was answered.
    package var isRefused: Bool {
        if case .refused = content { true } else { false }
    }

    /// What the asker lacks.
    package enum Content: Hashable, Sendable {
        /// Nothing. With the answerer's digest if the clocks are equal and it has one.
        case nothing(digest: PartitionDigest?)
        /// Some of it: for each key all missing events. There is more if `more` is set.
        case updates([ObjectUpdate], more: Bool)
        /// More than the log can tell: begin a full transfer.
        case transferNeeded
        case refused(ReplicaRefusal)
    }
}

/// A replica's question for the next part of everything.
package struct TransferRequest: Hashable, Sendable {
    package var id: UInt64
    package var partition: UInt16
    package var epoch: UInt64
    /// Only addresses after this one; nil at the beginning.
    package var after: [UInt8]?
    /// What the asker will claim in the end: the answerer's clock when the transfer began.
    package var goal: ReplicaClock

    package init(id: UInt64, partition: UInt16, epoch: UInt64, after: [UInt8]?, goal: ReplicaClock) {
        self.id = id
        self.partition = partition
        self.epoch = epoch
        self.after = after
        self.goal = goal
    }
}

/// One part of a full transfer: all keys in a range of addresses, from one snapshot.
package struct TransferReply: Hashable, Sendable {
    package var id: UInt64
    /// Who answers. A transfer that changes its source begins anew.
    package var actor: ActorID
    /// What the answerer's durable state reflects in this snapshot.
    package var clock: ReplicaClock
    /// The keys of the range that have an object here, or events in the log. In order.
    package var updates: [ObjectUpdate]
    /// The last address of the range; nil if it reaches to the end.
    package var through: [UInt8]?
    package var refusal: ReplicaRefusal?

    package init(
        id: UInt64, actor: ActorID, clock: ReplicaClock, updates: [ObjectUpdate], through: [UInt8]?,
        refusal: ReplicaRefusal? = nil
    ) {
        self.id = id
        self.actor = actor
        self.clock = clock
        self.updates = updates
        self.through = through
        self.refusal = refusal
    }
}

/// A new leader's request to its members.
package struct PromiseRequest: Hashable, Sendable {
    package var id: UInt64
    package var partition: UInt16
    package var leaderEpoch: UInt64

    package init(id: UInt64, partition: UInt16, leaderEpoch: UInt64) {
        self.id = id
        self.partition = partition
        self.leaderEpoch = leaderEpoch
    }
}

/// A member's promise: nothing of an older leader will be accepted, and this is what it has so far.
package struct PromiseReply: Hashable, Sendable {
    package var id: UInt64
    package var result: Result<ReplicaClock, ReplicaRefusal>

    package init(id: UInt64, result: Result<ReplicaClock, ReplicaRefusal>) {
        self.id = id
        self.result = result
    }
}

/// A client's request that another node has to coordinate.
package struct ForwardedRequest: Hashable, Sendable {
    package var id: UInt64
    package var request: ClientRequest

    package init(id: UInt64, request: ClientRequest) {
        self.id = id
        self.request = request
    }
}

/// What the coordinator answered.
package struct ForwardedReply: Hashable, Sendable {
    package var id: UInt64
    package var reply: ClientReply

    package init(id: UInt64, reply: ClientReply) {
        self.id = id
        self.reply = reply
    }
}

/// A sum over a partition's objects: of each the address and the dots of its versions, hashed to 128 bits. Replicas with equal clocks have
/// equal digests; if they don't, one of them is damaged.
package struct PartitionDigest: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64 = 0, low: UInt64 = 0) {
        self.high = high
        self.low = low
    }
}
