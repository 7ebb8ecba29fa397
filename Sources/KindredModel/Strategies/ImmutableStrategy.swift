/// The first content of a key stays for ever. Content that the key has already is a success; other content is refused.
///
/// Replicas that cannot reach each other may each accept a first content. Then all of them are kept: the earliest one (by hybrid
/// timestamp, then by dot) is shown and the others are evidence of the conflict.
enum ImmutableStrategy {
    static func apply(_ write: ClientWrite, as event: WriteEvent, to object: inout CausalObject) -> WriteOutcome {
        guard let content = write.content else { return object.versions.isEmpty ? .unchanged : .refused(.immutable) }
        // Content that is kept beside the shown one was acknowledged, too: who repeats it repeats a write that has been kept.
        if object.versions.contains(where: { $0.content == content }) { return .unchanged }
        if !object.versions.isEmpty {
            guard PlantedFault.immutableReplaced.isActive else { return .refused(.exists) }
            _ = object.removeVersions { _ in true }
        }
        object.insert(event.version(of: write, replacing: []))
        return .applied(replaced: [], discarded: [])
    }

    /// The version that is shown, if there is any.
    static func first(of object: CausalObject) -> Version? {
        object.versions.min { $1.isLater(than: $0) }
    }

    /// Of versions with equal content, written at several replicas, keeps the earliest.
    ///
    /// - Returns: the others.
    static func collapseEqualContents(_ object: inout CausalObject) -> [Version] {
        guard object.versions.count > 1 else { return [] }
        let versions = object.versions
        return object.removeVersions { version in
            versions.contains { $0.content == version.content && version.isLater(than: $0) }
        }
    }
}
