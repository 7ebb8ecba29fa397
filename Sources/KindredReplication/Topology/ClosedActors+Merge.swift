package import KindredModel

extension ClosedActors {
    /// Whether the context has the event, either by itself or because of the actor's closing.
    package func covers(_ dot: Dot, by context: CausalContext) -> Bool {
        if context.contains(dot) { return true }
        guard let closing = closing(of: dot.actor) else { return false }
        return closing.epoch <= context.closedEpoch && !isVoided(dot)
    }

    /// Whether `clock` has every event that `other` has, either by itself or because of their actors' closings.
    ///
    /// A closing that only `other` reflects is not covered, even if all its events are: `clock` has yet to hear of it.
    package func covers(_ other: ReplicaClock, by clock: ReplicaClock) -> Bool {
        let epoch = clock.base(of: .closed)
        return other.entries.allSatisfy { entry in
            if let closing = closing(of: entry.actor), closing.epoch <= epoch { return true }
            guard let own = clock.entries.first(where: { $0.actor == entry.actor }), own.base >= entry.base else {
                return false
            }
            return entry.beyond.indices.allSatisfy { word in
                (0..<64).allSatisfy { bit in
                    entry.beyond[word] & (1 << UInt64(bit)) == 0
                        || own.contains(entry.base + 2 + UInt64(word * 64 + bit))
                }
            }
        }
    }

    /// Joins what another replica knows of a key, where the two may reflect different closings:
    /// `ConflictStrategy.merge`, after each context has been told which of the versions its closed epoch covers.
    /// Without that, a version that one side has seen replaced would come back from the other. The result's context is
    /// folded.
    package func merge(
        _ other: CausalObject, into object: inout CausalObject, by strategy: ConflictStrategy
    ) -> [CausalObject.Divergence] {
        let epoch = max(object.context.closedEpoch, other.context.closedEpoch)
        guard epoch > 0, !isEmpty else { return strategy.merge(other, into: &object) }
        let versions = object.versions + other.versions
        var theirs = other
        expand(&object, for: versions)
        expand(&theirs, for: versions)
        let divergences = strategy.merge(theirs, into: &object)
        object.strip(
            VersionVector(
                closings.compactMap { closing in
                    closing.epoch <= epoch ? VersionVector.Entry(closing.actor, .max) : nil
                }))
        return divergences
    }

    private func expand(_ object: inout CausalObject, for versions: [Version]) {
        let context = object.context
        for version in versions where !context.contains(version.dot) && covers(version.dot, by: context) {
            object.record(version.dot)
        }
    }
}
