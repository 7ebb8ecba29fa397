package import KindredModel

/// What the other replicas of a partition were last heard to reflect, by incarnation. Only ever behind the truth, so a decision that needs
/// "they all have it" errs on the safe side.
package struct PeerClocks: Sendable {
    private var clocks: [(actor: ActorID, clock: ReplicaClock)] = []
    /// Grows with every change.
    package private(set) var changes: UInt64 = 0

    package init() {}

    /// Takes note of a clock that an incarnation sent. A message that was overtaken says nothing new.
    package mutating func note(_ actor: ActorID, _ clock: ReplicaClock, closed: ClosedActors) {
        var index = clocks.count
        while index > 0, clocks[index - 1].actor >= actor { index -= 1 }
        if index < clocks.count, clocks[index].actor == actor {
            guard clocks[index].clock != clock, closed.covers(clocks[index].clock, by: clock) else { return }
            clocks[index].clock = clock
        } else {
            clocks.insert((actor, clock), at: index)
        }
        changes += 1
    }

    /// What an incarnation was last heard to reflect; nil if it has not been heard.
    package func clock(of actor: ActorID) -> ReplicaClock? {
        clocks.first { $0.actor == actor }?.clock
    }

    /// Forgets the incarnations that are no members any more.
    package mutating func keepOnly(_ actors: [ActorID]) {
        clocks.removeAll { !actors.contains($0.actor) }
        changes += 1
    }
}
