import KindredModel

/// Somebody who waits for an answer.
struct Waiter: Hashable, Sendable {
    let origin: Origin
    /// After this, the answer is "timeout".
    let deadline: UInt64

    enum Origin: Hashable, Sendable {
        /// A client of this node.
        case client(token: UInt64)
        /// A node that has forwarded its client's request, and the exchange in which it did.
        case node(NodeID, UInt64)

        var isForwarded: Bool {
            switch self {
            case .client: false
            case .node: true
            }
        }
    }
}

/// A request that the coordinator has begun.
///
/// ```
///   write: writing ──▶ replicating ──▶ answered        (the own replica refuses: writing ──▶ forwarding)
///   read:  reading ──▶ repairing, answered
///          readingAsLeader ──▶ replicating ──▶ answered        (version numbers)
///   both:  forwarding ──▶ answered
/// ```
struct UnderWay: Sendable {
    let request: ClientRequest
    /// More than one if the client has sent its write again.
    var waiters: [Waiter]
    /// By what the write is recognised if it comes again.
    var keys: [RequestMemory.Key]
    var stage: Stage
    /// The time of this request's entry in the queue of deadlines that is valid.
    var scheduled: UInt64 = .max

    enum Stage: Sendable {
        /// The own replica is deciding the write; with version numbers, as the leader of this epoch, otherwise it is 0.
        /// Kept even if nobody waits any more: a dot may be minted.
        case writing(leaderEpoch: UInt64)
        /// The update is on its way to the members.
        case replicating(Replication)
        /// Another node coordinates it.
        case forwarding(Forwarding)
        /// The members have been asked.
        case reading(Reading)
        /// The own replica has been asked, as the leader of this epoch.
        case readingAsLeader(epoch: UInt64)
        /// Answered; the rest of the members' answers is waited for until then, for the sake of repair.
        case repairing(Reading, until: UInt64)
    }

    /// When it has to be looked at; `UInt64.max` if never.
    var next: UInt64 {
        let deadline = waiters.lazy.map(\.deadline).min() ?? .max
        switch stage {
        case .writing, .readingAsLeader: return deadline
        case .replicating(let replication): return min(deadline, replication.next ?? .max)
        case .forwarding(let forwarding): return min(deadline, forwarding.next ?? .max)
        case .reading(let reading): return min(deadline, reading.next ?? .max)
        case .repairing(_, let until): return until
        }
    }

    /// Whether a write that is now given up may have happened all the same.
    var mayHaveHappened: Bool {
        guard case .write = request.operation else { return false }
        switch stage {
        case .writing, .forwarding: return true
        case .replicating(let replication): return replication.mayHaveHappened
        case .reading, .readingAsLeader, .repairing: return false
        }
    }

    /// What to say when the time is up.
    var timeout: ClientReply {
        if case .reading(let reading) = stage, reading.lacksSession {
            return .unavailable(.sessionNotServed, mayHaveHappened: false)
        }
        return .unavailable(.timeout, mayHaveHappened: mayHaveHappened)
    }
}
