/// What a bucket does with writes that did not know of each other.
public enum ConflictStrategy: String, Hashable, Sendable, CaseIterable {
    /// Keeps them all as siblings, for the application to merge. Any replica accepts writes.
    case versionVectors = "version-vectors"
    /// Keeps the one with the latest hybrid timestamp, and reports the others.
    case lastWriteWins = "last-write-wins"
    /// Keeps the first content of a key for ever; refuses any other.
    case immutable = "immutable"
    /// Numbers the versions of a key at one leader; a write that names an old number becomes a sibling.
    case versionNumbers = "version-numbers"
}

extension ConflictStrategy {
    /// Applies a client's write to a filled object, at the replica that coordinates it.
    ///
    /// - Parameters:
    ///   - write: what the client asks for.
    ///   - event: the name and time the write gets if it is applied.
    ///   - object: the filled object; changed only if the outcome is `.applied`.
    ///   - siblingLimit: no put may add a sibling to this many.
    public func apply(
        _ write: ClientWrite, as event: WriteEvent, to object: inout CausalObject, siblingLimit: Int
    ) -> WriteOutcome {
        switch self {
        case .versionVectors:
            VersionVectorStrategy.apply(write, as: event, to: &object, siblingLimit: siblingLimit)
        case .lastWriteWins:
            LastWriteWinsStrategy.apply(write, as: event, to: &object)
        case .immutable:
            ImmutableStrategy.apply(write, as: event, to: &object)
        case .versionNumbers:
            VersionNumberStrategy.apply(write, as: event, to: &object, siblingLimit: siblingLimit)
        }
    }

    /// Joins what another replica knows of the key: the lattice join of the object, then the strategy's own rule.
    ///
    /// Commutative, associative and idempotent for objects of one strategy.
    public func merge(_ other: CausalObject, into object: inout CausalObject) -> [CausalObject.Divergence] {
        let divergences = object.merge(other)
        _ = settle(&object)
        return divergences
    }

    /// The strategy's own rule for versions that have met.
    ///
    /// - Returns: those that it does not keep.
    public func settle(_ object: inout CausalObject) -> [Version] {
        switch self {
        case .versionVectors, .versionNumbers: []
        case .lastWriteWins: LastWriteWinsStrategy.keepLatest(&object)
        case .immutable: ImmutableStrategy.collapseEqualContents(&object)
        }
    }

    /// The versions that a read shows. Others, if any, are evidence of a conflict.
    public func visibleVersions(of object: CausalObject) -> [Version] {
        switch self {
        case .versionVectors, .versionNumbers: object.versions.filter { !$0.isTombstone }
        case .lastWriteWins: LastWriteWinsStrategy.latest(of: object).map { $0.isTombstone ? [] : [$0] } ?? []
        case .immutable: ImmutableStrategy.first(of: object).map { [$0] } ?? []
        }
    }
}
