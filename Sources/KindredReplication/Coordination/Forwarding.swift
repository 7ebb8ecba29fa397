import KindredModel

/// A request that another node has to coordinate: whom it was given to, and who is next if that node cannot take it.
///
/// The next one gets a write only after the one before has surely not written. A coordinator that is silent is asked
/// again only for a read, or for a write whose client has named it: that one is recognised if it comes twice.
struct Forwarding: Sendable {
    /// Who has it now.
    private(set) var current: NodeID
    private var others: ArraySlice<NodeID>
    private let mayRepeat: Bool
    private var attempts = Attempts()
    /// Why the first one could not take it: what the client is told if nobody can.
    private var failure: ClientReply?

    /// - Parameters:
    ///   - candidates: who may coordinate it, the best first. The result is nil if there are none.
    ///   - failure: why this node itself cannot, if that says more than that nobody can.
    init?(to candidates: [NodeID], _ request: ClientRequest, failure: ClientReply? = nil) {
        guard let first = candidates.first else { return nil }
        current = first
        others = candidates.dropFirst()
        self.failure = failure
        switch request.operation {
        case .get: mayRepeat = true
        case .write(_, _, let name): mayRepeat = name != nil
        }
    }

    /// When the current one is asked again; nil if never.
    var next: UInt64? { attempts.next }

    /// Gives the request to the current one, with the time that its client still waits.
    mutating func begin(
        _ id: UInt64, _ request: ClientRequest, remaining: UInt64, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        send(id, request, remaining: remaining, into: &effects)
        if mayRepeat { attempts.begin(current, now: now) }
    }

    /// Time has passed.
    mutating func timeHasPassed(
        _ id: UInt64, _ request: ClientRequest, remaining: UInt64, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        if !attempts.due(now: now).isEmpty { send(id, request, remaining: remaining, into: &effects) }
    }

    /// What follows from a coordinator's reply.
    enum Step: Sendable {
        case ignore
        /// It could not take the request: `begin` with the next one.
        case next
        case answer(ClientReply)
    }

    /// A coordinator has replied.
    mutating func replied(_ node: NodeID, _ reply: ClientReply, isReachable: (NodeID) -> Bool) -> Step {
        guard node == current else { return .ignore }
        guard case .unavailable(let reason, mayHaveHappened: false) = reply else { return .answer(reply) }
        switch reason {
        case .overload, .noCoordinator, .notTheLeader, .clockSkew, .clockAhead, .storage: break
        case .unsatisfied, .timeout, .sessionNotServed, .tooManyAskedFor: return .answer(reply)
        }
        attempts.settle(current)
        while let candidate = others.popFirst() {
            guard isReachable(candidate) else { continue }
            if failure == nil { failure = reply }
            current = candidate
            return .next
        }
        return .answer(failure ?? reply)
    }

    private func send(
        _ id: UInt64, _ request: ClientRequest, remaining: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        var request = request
        request.timeout = remaining
        effects.append(.send(.forward(ForwardedRequest(id: id, request: request)), to: current))
    }
}
