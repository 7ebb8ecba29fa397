import KindredModel

/// One read on its way: whom it asks, what they have said, and what that is together.
///
/// Every member is asked, whether it counts or not: what a learner or a draining member knows is merged, but it does
/// not help to reach r.
struct Reading: Sendable {
    private(set) var quorum: GetQuorum
    /// What has been answered so far, joined.
    private var object = CausalObject()
    /// Whether a replica has refused because it lacks what the session has seen.
    private(set) var lacksSession = false
    private var events: [Dot] = []
    private var answers: [ReadRepair.Answer] = []
    private var attempts = Attempts()

    init(_ quorum: GetQuorum) {
        self.quorum = quorum
    }

    /// Whether nobody is waited for any more.
    var isComplete: Bool { attempts.isEmpty }

    /// What there is to show: what has been answered so far, and the strategy's rule applied to it.
    ///
    /// A version that the rule has no place for is not shown, and no replica may have noticed yet that it is lost. So the answer's context
    /// does not claim it: the client's next write would replace it as if its writer had seen it, and the conflict log would never tell.
    ///
    /// - Parameter closed: the closed actors of the partition. A context that reflects the closing of the dropped version's actor would
    ///   still claim it.
    func answer(_ strategy: ConflictStrategy, closed: ClosedActors) -> CausalObject {
        var answer = object
        let dropped = strategy.settle(&answer)
        guard strategy == .lastWriteWins, !dropped.isEmpty else { return answer }
        for version in dropped {
            answer.context.forget(version.dot)
            if let closing = closed.closing(of: version.dot.actor) {
                answer.context.forget(Dot(.closed, closing.epoch))
            }
        }
        for version in answer.versions { answer.context.insert(version.dot) }
        return answer
    }

    /// When somebody is asked again.
    var next: UInt64? { attempts.next }

    // MARK: Events

    /// Asks all members, the own replica included.
    mutating func begin(
        _ id: UInt64, _ request: ClientRequest, _ peers: PartitionPeers, now: UInt64,
        into effects: inout [CoordinatorEffect]
    ) {
        for member in peers.view.members where !hasAnswered(member) {
            if peers.isReachable(member.node) {
                Reading.ask(member.node, id, request, peers, into: &effects)
                attempts.begin(member.node, now: now)
            } else {
                quorum.failed(member.node)
            }
        }
    }

    /// Begins anew with the members of another view, under another id. What the same incarnations have answered stays
    /// answered.
    mutating func begin(
        _ id: UInt64, anewWith next: GetQuorum, _ request: ClientRequest, _ peers: PartitionPeers, now: UInt64,
        into effects: inout [CoordinatorEffect]
    ) {
        var quorum = next
        quorum.takeOver(self.quorum)
        self.quorum = quorum
        attempts = Attempts()
        answers.removeAll { peers.view.member(at: $0.member.node)?.actor != $0.member.actor }
        begin(id, request, peers, now: now, into: &effects)
    }

    /// A member has answered.
    mutating func replied(
        _ node: NodeID, _ result: Result<ObjectUpdate, ReplicaRefusal>, to request: ClientRequest,
        _ peers: PartitionPeers
    ) {
        guard attempts.isWaiting(for: node), let member = peers.view.member(at: node) else { return }
        switch result {
        case .success(let update):
            let closed = peers.view.closed
            // What reflects closings that we have not heard of cannot be compared with the rest. It is asked again.
            guard update.address == request.address, update.object.context.closedEpoch <= closed.epoch else { return }
            attempts.settle(node)
            answers.append(ReadRepair.Answer(member: member, object: update.object))
            // A voided write is nobody's version. Whoever holds it gives it another dot once it hears of the closing.
            var theirs = update.object
            if !closed.isEmpty { _ = theirs.removeVersions { closed.isVoided($0.dot) } }
            // Two different contents under one dot are noticed and reported by the replica that this is repaired to.
            // And what a strategy has no place for is dropped by the replicas, which enter it into the conflict log; not here.
            let rule = PlantedFault.repairSettled.isActive ? request.strategy : .versionVectors
            _ = closed.merge(theirs, into: &object, by: rule)
            events = ReadRepair.union(events, update.events.filter { !closed.isVoided($0) })
            quorum.answered(by: node, found: !theirs.versions.isEmpty)
        case .failure(.staleEpoch), .failure(.unknownEpoch):
            // One of us has yet to hear of a view. It is asked again, at the latest when we do.
            break
        case .failure(.notReady) where !request.session.isEmpty:
            lacksSession = true
        case .failure(.notReady), .failure(.overload), .failure(.clockSkew):
            if attempts.hasRepeated(node) { lost(node) }
        case .failure(.notAMember), .failure(.notTheLeader), .failure(.actorClosing), .failure(.storage):
            lost(node)
        }
    }

    /// The failure detector has lost a node, or it has refused for good.
    mutating func lost(_ node: NodeID) {
        guard attempts.isWaiting(for: node) else { return }
        attempts.settle(node)
        quorum.failed(node)
    }

    /// Time has passed.
    mutating func timeHasPassed(
        _ id: UInt64, _ request: ClientRequest, _ peers: PartitionPeers, now: UInt64,
        into effects: inout [CoordinatorEffect]
    ) {
        for (node, _) in attempts.due(now: now) { Reading.ask(node, id, request, peers, into: &effects) }
    }

    /// Sends what all of them know to those who need it. Nobody waits for their answers.
    func repair(
        _ id: UInt64, _ request: ClientRequest, _ peers: PartitionPeers, into effects: inout [CoordinatorEffect]
    ) {
        let told = PlantedFault.repairWithoutEvents.isActive ? object.versions.map(\.dot) : events
        let update = ObjectUpdate(address: request.address, object: object, events: told, isComposed: true)
        for node in ReadRepair.targets(of: update, among: answers, closed: peers.view.closed) {
            let message = Replicate(
                id: id, partition: peers.view.partition, epoch: peers.view.epoch, update: update)
            effects.append(.send(.replicate(message), to: node))
        }
    }

    private func hasAnswered(_ member: ReplicaMember) -> Bool {
        answers.contains { $0.member.node == member.node && $0.member.actor == member.actor }
    }

    private static func ask(
        _ node: NodeID, _ id: UInt64, _ request: ClientRequest, _ peers: PartitionPeers,
        into effects: inout [CoordinatorEffect]
    ) {
        let question = ReadObject(
            id: id, partition: peers.view.partition, epoch: peers.view.epoch, address: request.address,
            atLeast: request.session)
        effects.append(.send(.read(question), to: node))
    }
}
