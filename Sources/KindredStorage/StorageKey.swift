/// The key of an object in the `objects` table (see `KeyLayout`) with its hash.
///
/// The hash is the caller's, computed once per request and used for the partition and for `ObjectStore` alike: hashing
/// an array of bytes again with the standard library's `Hasher` for each lookup costs five times as much as a hash
/// over raw bytes.
public struct StorageKey: Sendable {
    /// The key as the table has it.
    public let bytes: [UInt8]
    /// A hash of `bytes`, the same each time. Its low 32 bits must be well mixed, and hard to steer for whoever chooses
    /// keys: they place the entry in the cache.
    public let hash: UInt64

    /// Makes a key of its bytes and their hash.
    public init(bytes: [UInt8], hash: UInt64) {
        self.bytes = bytes
        self.hash = hash
    }
}

/// The number of a commit: the first one has number 1. Numbers are of one process run, and in memory only.
public struct CommitSequence: RawRepresentable, Hashable, Comparable, Sendable {
    /// The number itself.
    public let rawValue: UInt64

    /// Makes the number of a commit; only who commits has a use for it.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// Before every commit.
    public static let zero = CommitSequence(rawValue: 0)

    /// Whether the left commit came first.
    public static func < (left: CommitSequence, right: CommitSequence) -> Bool {
        left.rawValue < right.rawValue
    }
}
