package import KindredModel

/// What a new leader of a partition has to see before it serves keys with version numbers.
///
/// ```
///   promising    every member promises to follow no earlier leader, and says what it has
///   catchingUp   the own replica pulls until it has all of that: every write that was acknowledged, and perhaps others
///   spreading    the members pull until all of them have what the own replica had at that moment
///   leading
/// ```
/// After the first step no earlier leader can acknowledge anything. What one has acknowledged is on every member, so
/// after the second step it is here. After the third, everything that this leader may show is on every member, so its
/// own successor will find it wherever it looks. (Lin et al., "PacificA", 2008: reconciliation.)
///
/// The data itself moves by anti-entropy, not through this. All questions of a recovery carry one id: an answer that
/// comes late, or twice, is as true as before, since promises are kept and clocks only grow.
package struct LeaderRecovery: Sendable {
    /// The leadership this is about.
    package let leadership: Leadership
    /// How far it has come.
    package private(set) var stage: Stage
    private let partition: UInt16
    private let node: NodeID
    private let id: UInt64
    private var closed: ClosedActors
    /// The members that have promised, with the clock that each has shown last, in the order of `leadership.members`.
    private var promises: [Promise] = []
    private var nextQuestion: UInt64 = 0

    private struct Promise: Hashable, Sendable {
        let node: NodeID
        var clock: ReplicaClock
    }

    package enum Stage: Hashable, Sendable {
        case promising
        case catchingUp
        /// Waits for the members to have this.
        case spreading(ReplicaClock)
        case leading
        /// A member has promised more to a later leader: this recovery will not succeed.
        case superseded
    }

    package enum Input: Sendable {
        /// A member has answered.
        case promised(PromiseReply, from: NodeID)
        /// The partition's view has changed; one with another leadership needs another recovery.
        case view(PartitionView)
        /// Time has passed, or the own clock has grown. Also begins.
        case wake
    }

    package enum Effect: Hashable, Sendable {
        /// Send this; maybe to this node itself.
        case send(PeerMessage, to: NodeID)
        /// The node leads now: tell the coordinator.
        case leading(partition: UInt16, epoch: UInt64)
        /// Come back with `wake` no later than this.
        case wake(at: UInt64)
    }

    /// - Parameters:
    ///   - node: this node. The result is nil unless the view says that it is the leader.
    ///   - id: an id of an exchange, for all questions of this recovery.
    package init?(view: PartitionView, node: NodeID, id: UInt64) {
        guard let leadership = view.leadership, leadership.leader == node else { return nil }
        self.leadership = leadership
        self.node = node
        self.id = id
        partition = view.partition
        closed = view.closed
        stage = .promising
    }

    /// The members that have something which the own replica lacks: pull from them. In the order of the leadership's
    /// members.
    package func sources(for clock: ReplicaClock) -> [NodeID] {
        guard stage == .promising || stage == .catchingUp else { return [] }
        return promises.filter { $0.node != node && !closed.covers($0.clock, by: clock) }.map(\.node)
    }

    /// Something has happened.
    ///
    /// - Parameters:
    ///   - clock: what the own replica's durable state reflects now.
    ///   - now: milliseconds of a clock that never goes back.
    package mutating func handle(_ input: Input, clock: ReplicaClock, now: UInt64) -> [Effect] {
        switch input {
        case .promised(let reply, let sender):
            promised(reply, from: sender)
        case .view(let view):
            if view.partition == partition { closed = view.closed }
        case .wake:
            break
        }
        guard stage != .leading, stage != .superseded else { return [] }
        if stage == .promising, promises.count == leadership.members.count { stage = .catchingUp }
        if stage == .catchingUp, promises.allSatisfy({ closed.covers($0.clock, by: clock) }) {
            stage = .spreading(clock)
            nextQuestion = 0
        }
        if case .spreading(let target) = stage, isSpread(target) {
            stage = .leading
            return [.leading(partition: partition, epoch: leadership.epoch)]
        }
        return questions(now: now)
    }

    private mutating func promised(_ reply: PromiseReply, from sender: NodeID) {
        guard reply.id == id, leadership.members.contains(sender) else { return }
        switch reply.result {
        case .success(let clock):
            if let index = promises.firstIndex(where: { $0.node == sender }) {
                // Answers overtake each other: one that says less is older.
                if closed.covers(promises[index].clock, by: clock) { promises[index].clock = clock }
            } else {
                let others = promises + [Promise(node: sender, clock: clock)]
                promises = leadership.members.compactMap { member in others.first { $0.node == member } }
            }
        case .failure(.notTheLeader):
            if stage != .leading { stage = .superseded }
        case .failure:
            // It cannot promise now. It is asked again.
            break
        }
    }

    private func isSpread(_ target: ReplicaClock) -> Bool {
        promises.allSatisfy { $0.node == node || closed.covers(target, by: $0.clock) }
    }

    /// Asks those whose answer is awaited, if it is time.
    private mutating func questions(now: UInt64) -> [Effect] {
        let awaited: [NodeID]
        switch stage {
        case .promising:
            awaited = leadership.members.filter { member in !promises.contains { $0.node == member } }
        case .spreading(let target):
            awaited = promises.filter { $0.node != node && !closed.covers(target, by: $0.clock) }.map(\.node)
        case .catchingUp, .leading, .superseded:
            awaited = []
        }
        guard !awaited.isEmpty, nextQuestion <= now else {
            return awaited.isEmpty ? [] : [.wake(at: nextQuestion)]
        }
        nextQuestion = now + Limits.promiseRetryMilliseconds
        let question = PromiseRequest(id: id, partition: partition, leaderEpoch: leadership.epoch)
        return awaited.map { .send(.promise(question), to: $0) } + [.wake(at: nextQuestion)]
    }
}
