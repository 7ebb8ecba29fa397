/// One version per key: the one with the latest hybrid timestamp, ties broken by the dot.
///
/// Hybrid time follows causality, so a write always wins over what its writer had seen, however slow the clock of the replica that
/// accepted it. Between concurrent writes the later clock wins; the loser is reported, never dropped in silence. A delete is
/// a timestamped tombstone even where there is nothing to delete, because an older write may still be on its way; the replica drops it
/// once none can be.
enum LastWriteWinsStrategy {
    static func apply(_ write: ClientWrite, as event: WriteEvent, to object: inout CausalObject) -> WriteOutcome {
        let seen = write.seen?.context ?? (write.content == nil ? object.context : CausalContext())
        object.context.merge(seen)
        object.insert(event.version(of: write, replacing: object.versions.filter { seen.contains($0.dot) }))
        var replaced: [Version] = []
        var discarded: [Version] = []
        for loser in keepLatest(&object) {
            if seen.contains(loser.dot) || loser.isTombstone { replaced.append(loser) } else { discarded.append(loser) }
        }
        return .applied(replaced: replaced, discarded: discarded)
    }

    /// The version that wins, if there is any.
    static func latest(of object: CausalObject) -> Version? {
        object.versions.max { $1.isLater(than: $0) }
    }

    /// Drops every version but the winner.
    ///
    /// - Returns: the losers.
    static func keepLatest(_ object: inout CausalObject) -> [Version] {
        guard object.versions.count > 1, let winner = latest(of: object) else { return [] }
        return object.removeVersions { $0.dot != winner.dot }
    }
}
