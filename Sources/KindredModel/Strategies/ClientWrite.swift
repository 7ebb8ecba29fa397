/// What a writer knew: the causal context of its read, or of its own last write.
public struct Knowledge: Hashable, Sendable {
    /// The events the writer has seen.
    public var context: CausalContext
    /// The latest hybrid time it has seen; its write will be later.
    public var timestamp: HybridTimestamp
    /// The highest version number it has seen; 0 outside of buckets with version numbers.
    public var number: UInt64

    /// Describes what a writer knew; by default nothing.
    public init(context: CausalContext = CausalContext(), timestamp: HybridTimestamp = .zero, number: UInt64 = 0) {
        self.context = context
        self.timestamp = timestamp
        self.number = number
    }

    /// The writer knew nothing, and so replaces nothing.
    public static let nothing = Knowledge()
}

/// A put or a delete as a client asks for it.
public struct ClientWrite: Hashable, Sendable {
    /// The encoded `ObjectContent` to store; nil to delete.
    public let content: ArraySlice<UInt8>?
    /// What the writer knew. For a delete, nil means "everything this replica knows of the key"; for a put it means nothing.
    public var seen: Knowledge?
    /// The name that the client gives itself; nil if it gives none.
    public let writer: ArraySlice<UInt8>?
    /// Why a command makes this write: the conflict that it resolves. Goes into the conflict log. Empty for clients' own writes.
    public let note: [UInt8]

    /// A put of `content`, or with nil a delete.
    public init(
        content: ArraySlice<UInt8>?, seen: Knowledge?, writer: ArraySlice<UInt8>? = nil, note: [UInt8] = []
    ) {
        self.content = content
        self.seen = seen
        self.writer = writer
        self.note = note
    }
}

/// The name and time a replica has ready for the next write it accepts.
public struct WriteEvent: Sendable {
    /// The dot that the write will have.
    public let dot: Dot
    /// The timestamp that it will have, later than all the writer and the replica have seen.
    public let timestamp: HybridTimestamp

    /// Names the next write.
    public init(dot: Dot, timestamp: HybridTimestamp) {
        self.dot = dot
        self.timestamp = timestamp
    }

    /// The version that a write stores as this event.
    ///
    /// - Parameter replaced: the versions that its writer had seen, and that it replaces.
    func version(of write: ClientWrite, number: UInt64 = 0, replacing replaced: [Version]) -> Version {
        Version(
            dot: dot, timestamp: timestamp, number: number, content: write.content,
            parent: replaced.max { $1.isLater(than: $0) }?.dot, writer: write.writer)
    }
}

/// What became of a write.
public enum WriteOutcome: Sendable {
    /// The event happened. `replaced` are the versions its writer had seen, `discarded` those that it had *not* seen and that the
    /// strategy dropped all the same: only last-write-wins does that, and they are to be reported.
    case applied(replaced: [Version], discarded: [Version])
    /// Nothing had to change: the same content is there already, or nothing is left to delete. No event happened.
    case unchanged
    /// The strategy or a limit refuses the write. Nothing has changed.
    case refused(WriteRefusal)
}

/// Why a write was refused.
public enum WriteRefusal: Error, Hashable, Sendable {
    /// An immutable key has other content already.
    case exists
    /// An immutable key cannot be deleted.
    case immutable
    /// The write would add a sibling to a key that has `count` already. Resolve them first: read, merge, write with the context read.
    case tooManySiblings(count: Int)
    /// A precondition of the request does not hold.
    case preconditionFailed(Precondition.Failure)
}
