/// What must hold for a write to be applied. Evaluated in the same step as the write, so nothing can come between.
public struct Precondition: Hashable, Sendable {
    /// The key must have no value.
    public var mustNotExist = false
    /// The key must have a value.
    public var mustExist = false
    /// The key must have a value, and none that this context has not seen.
    public var notModifiedSince: CausalContext?
    /// The key must have exactly one version, and its tag or its number must be among these.
    public var matches: [VersionTag]?
    /// No version of the key may have one of these tags or numbers.
    public var matchesNone: [VersionTag]?
    /// The key must have a value, and none stored after this moment, in milliseconds since 1970.
    public var unmodifiedSinceMilliseconds: UInt64?

    /// Demands nothing.
    public init() {}

    /// Whether nothing is demanded.
    public var isEmpty: Bool { self == Precondition.none }

    /// Demands nothing.
    public static let none = Precondition()

    /// Names a version from outside.
    public enum VersionTag: Hashable, Sendable {
        /// By its `Version.tag`: exact.
        case tag(String)
        /// By its number: exact as long as the key is not deleted and written anew.
        case number(UInt64)
    }

    /// What did not hold.
    public enum Failure: Hashable, Sendable {
        /// There is a value, and there must be none.
        case exists
        /// There is no value, and there must be one.
        case missing
        /// There is something the writer has not seen.
        case modified
    }

    /// What does not hold for these visible versions; nil if all does.
    public func failure(for versions: [Version]) -> Failure? {
        if mustNotExist, !versions.isEmpty { return .exists }
        if mustExist, versions.isEmpty { return .missing }
        if let seen = notModifiedSince {
            if versions.isEmpty { return .missing }
            if !versions.allSatisfy({ seen.contains($0.dot) }) { return .modified }
        }
        if let matches {
            guard let only = versions.first else { return .missing }
            guard versions.count == 1, matches.contains(where: { $0.names(only) }) else { return .modified }
        }
        if let matchesNone, versions.contains(where: { version in matchesNone.contains { $0.names(version) } }) {
            return .modified
        }
        if let moment = unmodifiedSinceMilliseconds {
            if versions.isEmpty { return .missing }
            if versions.contains(where: { $0.timestamp.milliseconds > moment }) { return .modified }
        }
        return nil
    }
}

extension Precondition.VersionTag {
    func names(_ version: Version) -> Bool {
        switch self {
        case .tag(let tag): version.tag == tag
        case .number(let number): number > 0 && version.number == number
        }
    }
}
