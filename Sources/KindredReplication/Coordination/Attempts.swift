/// Which members have been asked and have not answered, and when each is asked again.
struct Attempts: Hashable, Sendable {
    private struct Attempt: Hashable, Sendable {
        let node: NodeID
        /// How often it has been asked.
        var count = 1
        var nextAt: UInt64
    }

    private var attempts: [Attempt] = []

    /// Nobody is waited for any more.
    var isEmpty: Bool { attempts.isEmpty }

    /// When somebody has to be asked again; nil if nobody.
    var next: UInt64? { attempts.lazy.map(\.nextAt).min() }

    /// Whether the node has been asked and has not answered.
    func isWaiting(for node: NodeID) -> Bool { attempts.contains { $0.node == node } }

    /// The node has been asked for the first time.
    mutating func begin(_ node: NodeID, now: UInt64) {
        attempts.append(Attempt(node: node, nextAt: Attempts.time(after: 1, now: now)))
    }

    /// Nothing more is expected of the node.
    mutating func settle(_ node: NodeID) {
        attempts.removeAll { $0.node == node }
    }

    /// Whether the node has been asked more than once, so that a second refusal is its last word.
    func hasRepeated(_ node: NodeID) -> Bool {
        attempts.contains { $0.node == node && $0.count > 1 }
    }

    /// Those who are to be asked again now, in the order of first asking, and how often they had been asked.
    mutating func due(now: UInt64) -> [(node: NodeID, count: Int)] {
        var due: [(node: NodeID, count: Int)] = []
        for index in attempts.indices where attempts[index].nextAt <= now {
            due.append((attempts[index].node, attempts[index].count))
            attempts[index].count += 1
            attempts[index].nextAt = Attempts.time(after: attempts[index].count, now: now)
        }
        return due
    }

    private static func time(after count: Int, now: UInt64) -> UInt64 {
        let pause = Limits.retryMilliseconds << UInt64(min(max(count - 2, 0), 16))
        return now + min(pause, Limits.retryMaximumMilliseconds)
    }
}

/// The members of a partition and their stand-ins, as one node sees them now.
struct PartitionPeers: Sendable {
    /// The node that looks.
    let node: NodeID
    let view: PartitionView
    let fallbacks: [NodeID]
    let unreachable: Set<NodeID>

    func isReachable(_ other: NodeID) -> Bool { other == node || !unreachable.contains(other) }

    /// Who may coordinate writes, the best first: voters in the order of the preference list, then learners.
    var candidates: [NodeID] {
        let others = view.members.filter { $0.node != node && isReachable($0.node) }
        return (others.filter { $0.role.isOldVoter || $0.role.isNewVoter } + others.filter { $0.role == .learner }).map(
            \.node)
    }

    /// Whether the own replica should coordinate writes. A learner does so if there is nobody better, or if it has been
    /// asked to.
    func coordinatesHere(isForwarded: Bool) -> Bool {
        switch view.member(at: node)?.role {
        case .voter, .incoming, .outgoing: true
        case .learner:
            isForwarded
                || !view.members.contains {
                    ($0.role.isOldVoter || $0.role.isNewVoter) && isReachable($0.node)
                }
        case .draining, nil: false
        }
    }
}
