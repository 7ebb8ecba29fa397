package import KindredModel

/// The incarnations of a partition that mint no more, and of which every replica knows the same events.
///
/// Closing folds an actor's entry out of every clock and context, so that their size depends on the replicas there are, not on those there
/// have been. Closings are numbered from 1; the number of the last one is all that remains in a clock or context, as the counter of
/// the reserved actor `ActorID.closed`. So `{0:3, 9:17}` covers every event of the first three actors that were closed, and 17 of
/// actor 9.
///
/// A closed actor has a last event, and may have *voided* ones below it: dots that were minted, but whose write reached no replica
/// that could still tell of it. A write that turns up later under a voided dot, or under one above the last, is never applied under
/// that dot: see `PartitionReplica`'s salvage.
package struct ClosedActors: Hashable, Sendable {
    /// One closing.
    package struct Closing: Hashable, Sendable {
        /// Who was closed.
        package let actor: ActorID
        /// The number of the closing, from 1.
        package let epoch: UInt64
        /// The last event of the actor; 0 if it has none.
        package let last: UInt64
        /// The events below `last` that no replica had, in ascending order.
        package let voided: [UInt64]
    }

    /// The closings, sorted by actor.
    package private(set) var closings: [Closing] = []

    /// Nobody has been closed.
    package init() {}

    /// The number of the last closing; 0 if there is none.
    package var epoch: UInt64 { UInt64(closings.count) }

    /// Whether nobody has been closed.
    package var isEmpty: Bool { closings.isEmpty }

    /// Closes one more actor. Closing one again changes nothing.
    package mutating func close(_ actor: ActorID, last: UInt64, voided: [UInt64]) {
        let index = position(of: actor)
        if index < closings.count, closings[index].actor == actor { return }
        closings.insert(Closing(actor: actor, epoch: epoch + 1, last: last, voided: voided), at: index)
    }

    /// How an actor was closed; nil if it wasn't.
    package func closing(of actor: ActorID) -> Closing? {
        let index = position(of: actor)
        return index < closings.count && closings[index].actor == actor ? closings[index] : nil
    }

    /// Whether the dot belongs to a closed actor and names no event that was kept.
    package func isVoided(_ dot: Dot) -> Bool {
        guard let closing = closing(of: dot.actor) else { return false }
        return dot.counter > closing.last || closing.voided.contains(dot.counter)
    }

    /// Adds to a context the dots of those versions that its closed epoch covers, so that the context can be compared with the
    /// versions by itself.
    package func expand(_ context: inout CausalContext, for versions: [Version]) {
        let epoch = context.closedEpoch
        guard epoch > 0, !closings.isEmpty else { return }
        for version in versions {
            if cover(version.dot, by: epoch) { context.insert(version.dot) }
        }
    }

    /// Whether the first closings, so many of them, say that an event has been applied.
    package func cover(_ dot: Dot, by epoch: UInt64) -> Bool {
        guard epoch > 0, let closing = closing(of: dot.actor) else { return false }
        return closing.epoch <= epoch && !isVoided(dot)
    }

    /// Removes from a context what its closed epoch says already.
    package func fold(_ context: inout CausalContext) {
        let epoch = context.closedEpoch
        guard epoch > 0, !closings.isEmpty else { return }
        context.removeActors { actor in
            guard let closing = closing(of: actor) else { return false }
            return closing.epoch <= epoch
        }
    }

    private func position(of actor: ActorID) -> Int {
        var low = 0
        var high = closings.count
        while low < high {
            let middle = (low + high) / 2
            if closings[middle].actor < actor { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
