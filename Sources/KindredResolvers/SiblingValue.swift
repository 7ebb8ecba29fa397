public import KindredModel

/// One of the concurrent values of a key, as a resolver sees it.
///
/// It has the whole content, not only the bytes: a rule that chooses one sibling must hand back its content type and
/// metadata with it, and a rule that merges must not forget them in silence.
public struct SiblingValue: Hashable, Sendable {
    /// What the write stored; nil if it deleted the key.
    public var content: ObjectContent?
    /// When it was accepted, in milliseconds since 1970, by the clock of the replica that accepted it.
    public var timestamp: UInt64
    /// The name of the write. Breaks ties between equal timestamps.
    public var dot: Dot
    /// Who wrote it, if that is known. For people; no rule looks at it.
    public var writer: String?

    /// Whether the write deleted the key.
    public var isDeleted: Bool { content == nil }

    /// Describes a sibling in full.
    public init(content: ObjectContent?, timestamp: UInt64, dot: Dot, writer: String? = nil) {
        self.content = content
        self.timestamp = timestamp
        self.dot = dot
        self.writer = writer
    }

    /// A sibling that holds a text, for tests and examples.
    public init(_ text: String, contentType: String = "text/plain", timestamp: UInt64, dot: Dot) {
        self.init(
            content: ObjectContent(value: Array(text.utf8), contentType: Array(contentType.utf8)),
            timestamp: timestamp, dot: dot)
    }

    /// Whether this sibling is later than another, by timestamp, then by dot: the order of last-write-wins.
    func isLater(than other: SiblingValue) -> Bool {
        timestamp == other.timestamp ? dot > other.dot : timestamp > other.timestamp
    }
}

/// The siblings of a key that are to become one value.
public struct ResolutionInput: Hashable, Sendable {
    /// The siblings: at least one, at most `ResolverLimits.maximumSiblings`. Their order means nothing.
    public let siblings: [SiblingValue]
    /// The last value that all siblings have in common, if it is known. One without content says that there was none.
    public let ancestor: SiblingValue?

    /// Takes siblings, and what they have in common.
    ///
    /// - Throws: `ResolutionError.siblingCount` if there are none, or too many.
    public init(_ siblings: [SiblingValue], ancestor: SiblingValue? = nil) throws(ResolutionError) {
        guard (1...ResolverLimits.maximumSiblings).contains(siblings.count) else {
            throw .siblingCount(siblings.count)
        }
        self.siblings = siblings
        self.ancestor = ancestor
    }

    /// The result as a sibling of values that arrive later: it carries the timestamp, dot and writer of the latest
    /// sibling it was made from.
    ///
    /// That is the rule by which `latest` gives the same value whatever has been merged before. It costs nothing
    /// else: the name under which a result is stored is a new dot, minted by the replica that stores it.
    public func sibling(with result: ResolvedValue) -> SiblingValue {
        var latest = siblings[0]
        for sibling in siblings.dropFirst() where sibling.isLater(than: latest) { latest = sibling }
        return SiblingValue(
            content: result.content, timestamp: latest.timestamp, dot: latest.dot, writer: latest.writer)
    }
}

/// What a resolver has made of siblings.
public struct ResolvedValue: Hashable, Sendable {
    /// What is stored; nil if the key is deleted.
    public let content: ObjectContent?
    /// What the reader of a conflict log should know of how it came about. It is not stored, and the laws do not
    /// compare it.
    public let notes: [ResolutionNote]

    /// A value.
    public init(_ content: ObjectContent, notes: [ResolutionNote] = []) {
        self.content = content
        self.notes = notes
    }

    /// A value of these bytes, and nothing else said about it.
    public init(value: [UInt8], contentType: String? = nil) {
        self.init(ObjectContent(value: value, contentType: contentType.map { Array($0.utf8) }))
    }

    /// The key is deleted.
    public static let delete = ResolvedValue(content: nil, notes: [])

    init(content: ObjectContent?, notes: [ResolutionNote]) {
        self.content = content
        self.notes = notes
    }
}

/// Something that a resolver has decided, and somebody may want to know.
public enum ResolutionNote: Hashable, Sendable, CustomStringConvertible {
    /// The rule would have used a common ancestor, and did not have one: what was removed on one side comes back from
    /// the other.
    case withoutAncestor
    /// At this place of the document (a JSON Pointer, RFC 6901) several siblings said different things, and the rule
    /// chose one.
    case chosen(path: String, by: String)

    /// In words.
    public var description: String {
        switch self {
        case .withoutAncestor: "no common ancestor is known: removed fields may come back"
        case .chosen(let path, let rule): "\(path.isEmpty ? "the whole document" : path): the \(rule) was chosen"
        }
    }
}

/// Why siblings cannot be resolved. They stay as they are, then.
public enum ResolutionError: Error, Hashable, Sendable, CustomStringConvertible {
    /// There are no siblings, or too many.
    case siblingCount(Int)
    /// A sibling is not the JSON that the rule needs; the text says where and why.
    case notJSON(String)
    /// A sibling is not text in UTF-8.
    case notText
    /// The content types of the siblings do not say how to merge them; the text names them.
    case contentType(String)
    /// A sibling is compressed or otherwise encoded.
    case encoded(String)
    /// At this place of the document (a JSON Pointer, RFC 6901) siblings say different things, and the rule chooses
    /// none.
    case conflict(path: String)
    /// The result has more bytes than `ResolverLimits.maximumBytes`.
    case tooLarge
    /// What somebody's own resolver says.
    case refused(String)
    /// A resolver outside of this process has not answered. It says nothing about the siblings: asked again, it may.
    case unavailable(String)

    /// In words.
    public var description: String {
        switch self {
        case .siblingCount(let count):
            "there are \(count) siblings; a resolver takes 1 to \(ResolverLimits.maximumSiblings)"
        case .notJSON(let why): "not JSON: \(why)"
        case .notText: "not text in UTF-8"
        case .contentType(let why): why
        case .encoded(let encoding): "the content is encoded as \(encoding)"
        case .conflict(let path):
            "the siblings say different things \(path.isEmpty ? "as a whole" : "at \(path)")"
        case .tooLarge: "the result has more than \(ResolverLimits.maximumBytes) bytes"
        case .refused(let why), .unavailable(let why): why
        }
    }
}

/// The bounds of resolvers, with their reasons.
public enum ResolverLimits {
    /// As many siblings as a key may have, ten times over: values from before a limit was lowered are siblings, too.
    public static let maximumSiblings = 1_000
    /// The largest value read and made: that of an object.
    public static let maximumBytes = 50 << 20
    /// How deeply JSON may be nested. The reader and the merge recurse; this much fits on the smallest stack of a
    /// thread.
    public static let maximumDepth = 128
    /// How many values a JSON document may have: each takes dozens of bytes in memory, however short its text is.
    public static let maximumJSONValues = 1_000_000
    /// The largest exponent of a number, in either direction: larger ones are compared by nothing that computes.
    static let maximumExponent = 999_999_999
}
