import KindredModel
import KindredReplication
import Testing

func n(_ rawValue: UInt32) -> NodeID { NodeID(rawValue) }

/// A member on a node; its actor has the node's number times ten, unless another one is given.
func member(_ node: UInt32, _ role: ReplicaMember.Role = .voter, actor: UInt32? = nil) -> ReplicaMember {
    ReplicaMember(node: n(node), actor: ActorID(actor ?? node * 10), role: role, counterCeiling: 1_000)
}

/// A view of partition 0.
func view(_ members: [ReplicaMember], epoch: UInt64 = 1, leadership: Leadership? = nil) -> PartitionView {
    PartitionView(partition: 0, epoch: epoch, members: members, leadership: leadership)
}

let threeVoters = view([member(1), member(2), member(3)])

func event(_ actor: UInt32, _ counter: UInt64) -> Dot { Dot(ActorID(actor), counter) }

/// An object with a version for each of these events, which knows of some others too.
func object(_ versions: [Dot], knowing others: [Dot] = []) -> CausalObject {
    CausalObject(
        versions: versions.map {
            Version(
                dot: $0, timestamp: HybridTimestamp(milliseconds: $0.counter), content: Array("\($0)".utf8)[...])
        }, context: CausalContext(dots: others))
}

/// A coordinator on node 1, and everything that it has wanted done since one last looked.
struct CoordinatorBench {
    var coordinator: Coordinator
    var now: UInt64 = 1_000
    var effects: [CoordinatorEffect] = []
    private(set) var lastToken: UInt64 = 0

    init(node: UInt32 = 1, limit: Int = Limits.requestsUnderWay, _ view: PartitionView? = nil, fallbacks: [UInt32] = [])
    {
        coordinator = Coordinator(node: n(node), generation: 3, limit: limit)
        if let view { give(.view(view, fallbacks: fallbacks.map(n))) }
    }

    mutating func give(_ input: CoordinatorInput) {
        coordinator.handle(input, now: now, into: &effects)
    }

    mutating func wake(after milliseconds: UInt64) {
        now += milliseconds
        give(.wake)
    }

    /// Asks for something; returns the token of the reply.
    @discardableResult
    mutating func ask(_ request: ClientRequest) -> UInt64 {
        lastToken += 1
        give(.client(request, token: lastToken))
        return lastToken
    }

    /// Lets the own replica accept the write that it was given, as its event `counter`.
    @discardableResult
    mutating func accept(_ counter: UInt64 = 1, outcome: WriteOutcome? = nil) throws -> UInt64 {
        let (id, request) = try #require(takeWrites().first)
        give(.written(id: id, .success(decided(counter, request, outcome: outcome))))
        return id
    }

    func decided(_ counter: UInt64, _ request: ClientRequest, outcome: WriteOutcome? = nil) -> CoordinatedWrite {
        let dot = event(10, counter)
        var isApplied = true
        if let outcome, case .applied = outcome {} else if outcome != nil { isApplied = false }
        return CoordinatedWrite(
            outcome: outcome ?? .applied(replaced: [], discarded: []),
            update: ObjectUpdate(address: request.address, object: object([dot]), events: [dot]),
            object: object([dot]), writerKnows: Knowledge(context: CausalContext(dots: [dot])),
            dot: isApplied ? dot : nil)
    }

    mutating func takeWrites() -> [(id: UInt64, request: ClientRequest)] {
        var taken: [(id: UInt64, request: ClientRequest)] = []
        effects.removeAll { effect in
            guard case .write(let id, let request) = effect else { return false }
            taken.append((id, request))
            return true
        }
        return taken
    }

    /// What was sent, in order.
    mutating func takeSent() -> [(message: PeerMessage, to: UInt32)] {
        var taken: [(message: PeerMessage, to: UInt32)] = []
        effects.removeAll { effect in
            guard case .send(let message, let node) = effect else { return false }
            taken.append((message, node.rawValue))
            return true
        }
        return taken
    }

    mutating func takeReplicates() -> [(message: Replicate, to: UInt32)] {
        takeSent().compactMap { sent in
            guard case .replicate(let message) = sent.message else { return nil }
            return (message, sent.to)
        }
    }

    mutating func takeReplies() -> [UInt64: ClientReply] {
        var taken: [UInt64: ClientReply] = [:]
        effects.removeAll { effect in
            guard case .reply(let token, let reply) = effect else { return false }
            if taken.updateValue(reply, forKey: token) != nil { Issue.record("token \(token) was answered twice") }
            return true
        }
        return taken
    }

    mutating func acknowledge(_ id: UInt64, from node: UInt32, _ refusal: ReplicaRefusal? = nil) {
        give(.message(.replicated(Replicated(id: id, refusal: refusal)), from: n(node)))
    }

    mutating func hinted(_ id: UInt64, from node: UInt32, _ refusal: ReplicaRefusal? = nil) {
        give(.message(.hinted(Hinted(id: id, refusal: refusal)), from: n(node)))
    }

    mutating func know(_ id: UInt64, from node: UInt32, _ object: CausalObject, events: [Dot]? = nil) {
        let update = ObjectUpdate(address: [7], object: object, events: events ?? object.versions.map(\.dot))
        give(.message(.readReply(ReadReply(id: id, result: .success(update))), from: n(node)))
    }

    mutating func know(_ id: UInt64, from node: UInt32, _ refusal: ReplicaRefusal) {
        give(.message(.readReply(ReadReply(id: id, result: .failure(refusal))), from: n(node)))
    }
}

func put(
    _ quorums: RequestQuorums = RequestQuorums(), _ strategy: ConflictStrategy = .versionVectors,
    timeout: UInt64 = 60_000, id: ClientRequestID? = nil
) -> ClientRequest {
    ClientRequest(
        partition: 0, address: [7], strategy: strategy,
        operation: .write(ClientWrite(content: [1, 2, 3], seen: nil), precondition: .none, request: id),
        quorums: quorums, timeout: timeout)
}

func get(
    _ quorums: RequestQuorums = RequestQuorums(), _ strategy: ConflictStrategy = .versionVectors,
    timeout: UInt64 = 60_000, session: CausalContext = CausalContext()
) -> ClientRequest {
    ClientRequest(
        partition: 0, address: [7], strategy: strategy, operation: .get, quorums: quorums, timeout: timeout,
        session: session)
}

extension ClientReply {
    var isWritten: Bool {
        if case .written = self { true } else { false }
    }

    var object: CausalObject? {
        if case .object(let object) = self { object } else { nil }
    }
}
