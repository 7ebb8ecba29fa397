import KindredModel

/// Where writes meet that did not know of each other. Both functions compare sets of events; no clock decides whether something is a
/// conflict.
extension ConflictLogging {
    /// The conflicts of a write that a client has just made here.
    ///
    /// - Parameters:
    ///   - before: the versions that there were.
    ///   - after: the object with the write in it.
    func conflicts(
        of write: ClientWrite, as event: WriteEvent, _ strategy: ConflictStrategy, outcome: WriteOutcome,
        before: [Version], after: CausalObject
    ) -> [Conflict] {
        // Who deletes without saying what has asked for everything that this replica knows.
        let knowsAll = write.content == nil && write.seen == nil
        var own = ConflictParty(
            dot: event.dot, timestamp: event.timestamp,
            // Who shows no context has seen nothing, which is not the same as not being known.
            seen: knowsAll ? after.context : write.seen?.context ?? CausalContext(),
            writer: write.writer.map { Array($0) } ?? [], value: write.content == nil ? .deletion : .kept)
        if case .refused(.exists) = outcome {
            var refused = own
            refused.dot = nil
            refused.value = value(of: write.content)
            return [Conflict(kind: .refused, subject: refused, others: before.map { ConflictParty($0) })]
        }
        guard case .applied(var replaced, _) = outcome, !before.isEmpty || !write.note.isEmpty else { return [] }
        // A tombstone is left from a time when the last write won. It stands beside nothing.
        if strategy != .lastWriteWins { replaced.removeAll(where: \.isTombstone) }
        own.number = after.versions.last { $0.dot == event.dot }?.number ?? 0
        own.parent = after.versions.last { $0.dot == event.dot }?.parent
        var unseen = before.filter { version in
            !(knowsAll || write.seen?.context.contains(version.dot) ?? false)
        }
        var conflicts: [Conflict] = []
        if replaced.count > 1 || !write.note.isEmpty {
            conflicts.append(
                Conflict(kind: .resolved, subject: own, others: replaced.map(remembered), note: write.note))
        }
        switch strategy {
        case .lastWriteWins:
            conflicts += unseen.map { Conflict(kind: .lost, subject: remembered($0), others: [own]) }
        case .versionVectors, .versionNumbers:
            unseen.removeAll(where: \.isTombstone)
            if unseen.isEmpty { break }
            let kind: Conflict.Kind = write.content == nil ? .outlived : .sibling
            conflicts.append(Conflict(kind: kind, subject: own, others: unseen.map { ConflictParty($0) }))
        case .immutable:
            break
        }
        return conflicts
    }

    /// The conflicts that come to light when what two replicas know of a key is joined.
    ///
    /// - Parameters:
    ///   - before: the versions that this replica had.
    ///   - update: what the other side has said.
    ///   - joined: the versions that neither side has seen replaced.
    ///   - dropped: those of them that the strategy does not keep.
    func conflicts(
        joining before: [Version], with update: ObjectUpdate, _ strategy: ConflictStrategy, joined: [Version],
        dropped: [Version]
    ) -> [Conflict] {
        guard joined.count > 1 else { return [] }
        if strategy == .lastWriteWins { return conflicts(dropping: dropped, for: joined) }
        // Two that stand side by side at this replica, or at the one that has said so, have been noticed there.
        let ours = Set(before.map(\.dot))
        let theirs = update.isComposed ? [] : Set(update.object.versions.map(\.dot))
        let gone = Set(dropped.map(\.dot))
        let kept = joined.filter { !$0.isTombstone && !gone.contains($0.dot) }
        return conflicts(among: kept, strategy) { left, right in
            ![ours, theirs].contains { $0.contains(left.dot) && $0.contains(right.dot) }
        }
    }

    /// The conflicts of versions that last-write-wins drops for the others that there are.
    func conflicts(dropping dropped: [Version], for versions: [Version]) -> [Conflict] {
        let kept = versions.filter { version in !dropped.contains { $0.dot == version.dot } }
        return dropped.map { loser in
            Conflict(kind: .lost, subject: remembered(loser), others: kept.map { ConflictParty($0) })
        }
    }

    /// The conflicts of writes that turned up where last-write-wins has no place for them.
    func conflicts(ofOrphaned writes: [Version], beside versions: [Version]) -> [Conflict] {
        writes.map { write in
            Conflict(kind: .orphaned, subject: remembered(write), others: versions.map { ConflictParty($0) })
        }
    }

    /// The conflicts of versions that have been salvaged: under their new dots they have met nobody yet.
    func conflicts(
        ofSalvaged writes: [SalvagedWrite], among versions: [Version], _ strategy: ConflictStrategy
    ) -> [Conflict] {
        func isSalvaged(_ version: Version) -> Bool { writes.contains { $0.version != nil && $0.dot == version.dot } }
        guard versions.count > 1, writes.contains(where: { $0.version != nil }) else { return [] }
        return conflicts(among: versions, strategy) { isSalvaged($0) || isSalvaged($1) }
    }

    /// Each version with those earlier ones that it has only just met.
    private func conflicts(
        among versions: [Version], _ strategy: ConflictStrategy, isNew: (Version, Version) -> Bool
    ) -> [Conflict] {
        versions.compactMap { version in
            let met = versions.filter { version.isLater(than: $0) && isNew(version, $0) }
            guard !met.isEmpty else { return nil }
            return Conflict(
                kind: strategy == .immutable ? .shadowed : .sibling, subject: ConflictParty(version),
                others: met.map { ConflictParty($0) })
        }
    }
}
