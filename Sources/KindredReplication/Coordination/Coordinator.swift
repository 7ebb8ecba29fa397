import KindredModel

/// The coordinator of a node: takes clients' requests, asks the replicas, counts their answers, and replies exactly
/// once.
///
/// A pure state machine. It holds no data and reads no clock; it never touches storage, but asks replicas, the own one
/// like the others. Whatever a message says, in whatever order messages come, or twice, or not at all, a client is told
/// that its write was acknowledged only if as many replicas as it asked for have said that they have it.
///
/// Each request has one id, which is the id of all its exchanges: an answer belongs to the request with its id and to
/// the node it comes from. A request that goes on under another view gets a new id, so no answer to the old question is
/// taken for one to the new.
///
/// The paths of a write, a read, a forwarded request and of time are in this type's extensions, one file each.
package struct Coordinator: Sendable {
    let node: NodeID
    var ids: ExchangeIDs
    var placements: [UInt16: Placement] = [:]
    var unreachable: Set<NodeID> = []
    /// The epochs for which the own replica has finished its recovery as leader, by partition.
    var leading: [UInt16: UInt64] = [:]
    var requests: [UInt64: UnderWay] = [:]
    var memory = RequestMemory()
    var deadlines = DeadlineQueue()
    /// By how many milliseconds this node's clock is too far ahead of most others; nil if it is not.
    private var clockAhead: UInt64?
    /// How many clients wait.
    var waiting = 0
    /// The earliest time that the shell has been asked to come back at; nil if none.
    private var announced: UInt64?
    private let limit: Int

    /// Who replicates a partition, and who stands in.
    struct Placement: Sendable {
        var view: PartitionView
        var fallbacks: [NodeID]
    }

    /// - Parameters:
    ///   - generation: differs for every start of the node; below 2²⁴.
    ///   - limit: how many clients may wait at one time.
    package init(node: NodeID, generation: UInt64, limit: Int = Limits.requestsUnderWay) {
        self.node = node
        ids = ExchangeIDs(generation: generation)
        self.limit = limit
    }

    /// Something has happened.
    ///
    /// - Parameters:
    ///   - now: milliseconds of a clock that never goes back.
    ///   - effects: what is to be done is appended here.
    package mutating func handle(_ input: CoordinatorInput, now: UInt64, into effects: inout [CoordinatorEffect]) {
        switch input {
        case .client(let request, let token):
            begin(request, for: .client(token: token), now: now, into: &effects)
        case .message(let message, let sender):
            receive(message, from: sender, now: now, into: &effects)
        case .written(let id, let result):
            written(id, result, now: now, into: &effects)
        case .view(let view, let fallbacks):
            adopt(view, fallbacks: fallbacks, now: now, into: &effects)
        case .reachable(let other, let isReachable):
            if isReachable {
                unreachable.remove(other)
            } else if other != node, unreachable.insert(other).inserted {
                lost(other, now: now, into: &effects)
            }
        case .clockAhead(let milliseconds):
            clockAhead = milliseconds
        case .leading(let partition, let epoch):
            leading[partition] = epoch
            endLeadership(of: partition, into: &effects)
        case .wake:
            timeHasPassed(now: now, into: &effects)
        }
        announce(now: now, into: &effects)
    }

    /// How many requests are remembered because somebody waits or something is still to be heard.
    package var requestsUnderWay: Int { requests.count }

    private mutating func receive(
        _ message: PeerMessage, from sender: NodeID, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        switch message {
        case .replicated(let reply):
            replicated(reply, from: sender, now: now, into: &effects)
        case .readReply(let reply):
            readReply(reply, from: sender, now: now, into: &effects)
        case .hinted(let reply):
            hinted(reply, from: sender, now: now, into: &effects)
        case .forward(let forwarded):
            begin(forwarded.request, for: .node(sender, forwarded.id), now: now, into: &effects)
        case .forwarded(let reply):
            forwarded(reply, from: sender, now: now, into: &effects)
        case .replicate, .read, .hint, .pull, .pulled, .transfer, .transferred, .promise, .promised,
            .list, .listed:
            break
        }
    }

    // MARK: Beginning

    /// Routes a request: to what is known of it already, to this node's own replica, to the members, or to another
    /// node.
    private mutating func begin(
        _ request: ClientRequest, for origin: Waiter.Origin, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        let (end, overflow) = now.addingReportingOverflow(min(request.timeout, Limits.requestTimeoutMilliseconds))
        let waiter = Waiter(origin: origin, deadline: overflow ? .max : end)
        let keys = RequestMemory.keys(of: request, from: origin)
        let fate = memory.fate(of: keys)
        if case .answered(let reply) = fate { return answer(waiter, reply, into: &effects) }
        if case .underWay(let id) = fate, let underWay = requests[id] {
            return join(underWay, id, waiter, keys, into: &effects)
        }
        func refuse(_ reason: Unavailability) {
            let reply = ClientReply.unavailable(reason, mayHaveHappened: false)
            // Only as an exchange: the client may try again, but the same message, come twice, must not write what was
            // refused.
            memory.finish(keys.filter(\.isExchange), reply: reply, write: nil)
            answer(waiter, reply, into: &effects)
        }
        guard waiting < limit else { return refuse(.overload) }
        guard let peers = peers(of: request.partition) else { return refuse(.noCoordinator) }
        if let excess = peers.view.excess(of: request) { return refuse(excess) }
        var underWay = UnderWay(request: request, waiters: [waiter], keys: keys, stage: .writing(leaderEpoch: 0))
        if request.strategy == .versionNumbers, leaderEpoch(peers) == nil {
            guard !origin.isForwarded, let leader = peers.view.leadership?.leader, leader != node,
                peers.isReachable(leader), let forwarding = Forwarding(to: [leader], request)
            else { return refuse(.notTheLeader(leader: peers.view.leadership?.leader)) }
            return forward(underWay, forwarding, into: &effects, now: now)
        }
        switch request.operation {
        case .get:
            if let shortage = readShortage(request, peers) { return refuse(shortage) }
            startReading(underWay, peers, now: now, into: &effects)
        case .write:
            let leaderEpoch = request.strategy == .versionNumbers ? peers.view.leadership?.epoch ?? 0 : 0
            underWay.stage = .writing(leaderEpoch: leaderEpoch)
            if case .decided(let write, let epoch) = fate {
                // Another leader may have decided otherwise since: what a condition was checked against is no longer
                // sure.
                guard epoch == leaderEpoch else {
                    let reply = ClientReply.unavailable(.notTheLeader(leader: node), mayHaveHappened: true)
                    return answer(waiter, reply, into: &effects)
                }
                let id = start(&underWay)
                return replicate(underWay, id, write, leaderEpoch: leaderEpoch, now: now, into: &effects)
            }
            if request.strategy != .versionNumbers, !peers.coordinatesHere(isForwarded: origin.isForwarded) {
                guard !origin.isForwarded, let forwarding = Forwarding(to: peers.candidates, request)
                else { return refuse(.noCoordinator) }
                return forward(underWay, forwarding, into: &effects, now: now)
            }
            // Its timestamp would be one that the others do not take for a while, however many acknowledgements it has.
            if let clockAhead, request.strategy == .lastWriteWins {
                return refuse(.clockAhead(milliseconds: clockAhead))
            }
            if let shortage = writeShortage(request, peers) { return refuse(shortage) }
            let id = start(&underWay)
            effects.append(.write(id: id, request))
            keep(underWay, as: id)
        }
    }

    /// A write that is under way has come again: its sender waits with the first one.
    private mutating func join(
        _ joined: UnderWay, _ id: UInt64, _ waiter: Waiter, _ keys: [RequestMemory.Key],
        into effects: inout [CoordinatorEffect]
    ) {
        if joined.waiters.contains(where: { $0.origin == waiter.origin }) { return }
        if waiter.origin.isForwarded, case .forwarding = joined.stage {
            // Two nodes that wait for each other would wait in vain.
            return answer(waiter, .unavailable(.noCoordinator, mayHaveHappened: false), into: &effects)
        }
        guard waiting < limit else {
            return answer(waiter, .unavailable(.overload, mayHaveHappened: true), into: &effects)
        }
        var underWay = joined
        underWay.waiters.append(waiter)
        waiting += 1
        let more = keys.filter { !underWay.keys.contains($0) }
        memory.begin(more, as: id)
        underWay.keys += more
        keep(underWay, as: id)
    }

    /// Counts a request as begun, and names it. Nothing is scheduled under its new name yet.
    mutating func start(_ underWay: inout UnderWay) -> UInt64 {
        let id = ids.next()
        underWay.scheduled = .max
        waiting += underWay.waiters.count
        memory.begin(underWay.keys, as: id)
        return id
    }

    // MARK: What is known of the others

    func peers(of partition: UInt16) -> PartitionPeers? {
        placements[partition].map {
            PartitionPeers(node: node, view: $0.view, fallbacks: $0.fallbacks, unreachable: unreachable)
        }
    }

    /// The epoch in which this node leads the partition, its replica knowing all that earlier leaders may have
    /// acknowledged; nil if it does not lead.
    func leaderEpoch(_ peers: PartitionPeers) -> UInt64? {
        guard let leadership = peers.view.leadership, leadership.leader == node,
            leading[peers.view.partition] == leadership.epoch
        else { return nil }
        return leadership.epoch
    }

    // MARK: Ending

    /// Puts a request back into the table, and sees to it that it is looked at in time.
    mutating func keep(_ underWay: UnderWay, as id: UInt64) {
        var underWay = underWay
        let next = underWay.next
        if next < underWay.scheduled {
            underWay.scheduled = next
            deadlines.insert(next, request: id)
        }
        requests[id] = underWay
    }

    /// Answers all who wait for a request that is no longer in the table, and remembers what became of it.
    mutating func finish(
        _ underWay: UnderWay, _ reply: ClientReply, write: CoordinatedWrite? = nil, leaderEpoch: UInt64 = 0,
        into effects: inout [CoordinatorEffect]
    ) {
        memory.finish(underWay.keys, reply: reply, write: write, leaderEpoch: leaderEpoch)
        waiting -= underWay.waiters.count
        for waiter in underWay.waiters { answer(waiter, reply, into: &effects) }
    }

    /// Tells one who waited.
    func answer(_ waiter: Waiter, _ reply: ClientReply, into effects: inout [CoordinatorEffect]) {
        switch waiter.origin {
        case .client(let token): effects.append(.reply(token: token, reply))
        case .node(let node, let id):
            effects.append(.send(.forwarded(ForwardedReply(id: id, reply: reply)), to: node))
        }
    }

    /// Asks the shell to come back, if that is earlier than it was asked before.
    private mutating func announce(now: UInt64, into effects: inout [CoordinatorEffect]) {
        if let time = announced, time <= now { announced = nil }
        while let first = deadlines.first, requests[first.request]?.scheduled != first.time { deadlines.removeFirst() }
        if deadlines.count > 2 * requests.count + 1_024 {
            let requests = requests
            deadlines.removeAll { requests[$0.request]?.scheduled != $0.time }
        }
        guard let first = deadlines.first, first.time < announced ?? .max else { return }
        announced = first.time
        effects.append(.wake(at: first.time))
    }
}

extension Unavailability {
    /// What a client is told if a replica has refused and nobody else can be asked.
    init(_ refusal: ReplicaRefusal, leader: NodeID?) {
        switch refusal {
        case .storage: self = .storage
        case .overload: self = .overload
        // The replica does not say by how much.
        case .clockSkew: self = .clockSkew(milliseconds: 0)
        case .notTheLeader: self = .notTheLeader(leader: leader)
        case .notAMember, .staleEpoch, .unknownEpoch, .actorClosing, .notReady: self = .noCoordinator
        }
    }
}
