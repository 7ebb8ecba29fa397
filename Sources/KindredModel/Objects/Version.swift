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

    /// Describes a version in full.
    public init(dot: Dot, timestamp: HybridTimestamp, number: UInt64 = 0, content: ArraySlice<UInt8>?) {
        self.dot = dot
        self.timestamp = timestamp
        self.number = number
        self.content = content
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
