import KindredModel

/// The path of a request that another node has to coordinate.
extension Coordinator {
    /// Gives the request to another node. It is not among those under way yet.
    mutating func forward(
        _ request: UnderWay, _ chosen: Forwarding, into effects: inout [CoordinatorEffect], now: UInt64
    ) {
        var underWay = request
        let id = start(&underWay)
        var forwarding = chosen
        forwarding.begin(id, underWay.request, remaining: underWay.remaining(at: now), now: now, into: &effects)
        underWay.stage = .forwarding(forwarding)
        keep(underWay, as: id)
    }

    /// The other node has answered.
    mutating func forwarded(
        _ reply: ForwardedReply, from sender: NodeID, now: UInt64, into effects: inout [CoordinatorEffect]
    ) {
        guard var underWay = requests[reply.id], case .forwarding(var forwarding) = underWay.stage,
            let peers = peers(of: underWay.request.partition)
        else { return }
        switch forwarding.replied(sender, reply.reply, isReachable: peers.isReachable) {
        case .ignore:
            return
        case .next:
            requests[reply.id] = nil
            forwarding.begin(
                reply.id, underWay.request, remaining: underWay.remaining(at: now), now: now, into: &effects)
            underWay.stage = .forwarding(forwarding)
            keep(underWay, as: reply.id)
        case .answer(let answer):
            requests[reply.id] = nil
            finish(underWay, answer, into: &effects)
        }
    }
}

extension UnderWay {
    /// How long the most patient of those who wait still does.
    func remaining(at now: UInt64) -> UInt64 {
        let deadline = waiters.lazy.map(\.deadline).max() ?? now
        return deadline > now ? deadline - now : 0
    }
}
