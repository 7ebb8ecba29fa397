/// One version of an object: what one write stored, and the write's name.
public struct Version: Hashable, Sendable {
    /// The write that stored it.
    public let dot: Dot
    /// When, in hybrid time, by the clock of the replica that accepted it.
    public let timestamp: HybridTimestamp
    /// The number of this version of its key, from 1, in buckets with version numbers; 0 elsewhere.
    public let number: UInt64
    /// The encoded `ObjectContent`; nil for a tombstone, which only last-write-wins keeps, and only until no older write can arrive.
    public let content: ArraySlice<UInt8>?
    /// The version that it has replaced, its writer having seen it; the latest, if there were several. Nil if it has replaced none.
    ///
    /// Nothing is decided by it. It is kept so that a history can be told, and for merging with the common ancestor.
    public let parent: Dot?
    /// The name that the writing client gives itself; nil if it gives none. Not authenticated.
    public let writer: ArraySlice<UInt8>?

    /// Describes a version in full.
    public init(
        dot: Dot, timestamp: HybridTimestamp, number: UInt64 = 0, content: ArraySlice<UInt8>?,
        parent: Dot? = nil, writer: ArraySlice<UInt8>? = nil
    ) {
        self.dot = dot
        self.timestamp = timestamp
        self.number = number
        self.content = content
        self.parent = parent
        self.writer = writer
    }

    /// The longest name of a writer that is kept, in bytes.
    public static let longestWriter = 128

    /// The same version under another dot.
    package func with(_ dot: Dot) -> Version {
        Version(
            dot: dot, timestamp: timestamp, number: number, content: content, parent: parent, writer: writer)
    }

    /// Whether this version says "deleted".
    public var isTombstone: Bool { content == nil }

    /// Whether this version is later than another in the total order of last-write-wins: by timestamp, then by dot.
    public func isLater(than other: Version) -> Bool {
        if PlantedFault.tieBreakMissing.isActive { return timestamp > other.timestamp }
        return timestamp == other.timestamp ? dot > other.dot : timestamp > other.timestamp
    }

    /// A short text that names this version of its key and no other, for ETags: `3` is the actor and `a7` the counter, in base 36,
    /// in `3.a7`.
    public var tag: String {
        String(dot.actor.rawValue, radix: 36) + "." + String(dot.counter, radix: 36)
    }

    /// The tag as every protocol shows it: in buckets with version numbers with the number in front, as in `4-3.a7`.
    public var entityTag: String { number == 0 ? tag : "\(number)-\(tag)" }
}
