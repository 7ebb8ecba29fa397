public import Foundation
public import KindredModel
import KindredWire

/// What is stored under a key: no value, one, or several that were written concurrently, and the context that says so.
///
/// A write with this context replaces exactly what is listed here, and keeps everything written since:
///
/// ```swift
/// let cart = try await client.get("anna", in: carts)
/// let merged = merge(cart.siblings.map(\.content))
/// try await client.put(merged, at: "anna", in: carts, context: cart.context)
/// ```
public struct StoredObject: Hashable, Sendable {
    /// The values. None: the key does not exist. More than one: concurrent writes, none of which has seen another.
    public var siblings: [Sibling]
    /// What whoever reads this has seen; nil if the server has nothing to say. A key that was deleted can have one.
    public var context: Context?

    /// An object with these values.
    public init(siblings: [Sibling] = [], context: Context? = nil) {
        self.siblings = siblings
        self.context = context
    }

    /// Whether there is a value.
    public var exists: Bool { !siblings.isEmpty }

    /// The content, if there is exactly one value.
    public var content: ObjectContent? { siblings.count == 1 ? siblings[0].content : nil }
}

/// One value of a key, and what the database knows about the write that stored it.
public struct Sibling: Hashable, Sendable {
    /// What the client stored.
    public var content: ObjectContent
    /// Names the write.
    public var version: VersionTag
    /// When it was accepted, by the clock of the replica that did; nil if the server does not say.
    public var lastModified: Date?
    /// Whether this is the trace of a delete rather than a value.
    public var isDeleted: Bool

    /// Describes a value in full.
    public init(content: ObjectContent, version: VersionTag, lastModified: Date? = nil, isDeleted: Bool = false) {
        self.content = content
        self.version = version
        self.lastModified = lastModified
        self.isDeleted = isDeleted
    }
}

/// The name of one version of a key. Kindred writes the actor that accepted the write and the number of that actor's event, in
/// base 36: `3.a7` is event 367 of actor 3. In buckets with version numbers, the version's number is in front: `4-3.a7`. Other
/// servers of the protocol have names of another form.
public struct VersionTag: Hashable, Sendable, CustomStringConvertible {
    /// The tag as the server writes it.
    public let description: String

    /// A tag as the server writes it.
    public init(_ text: String) { description = text }

    /// The actor that accepted the write; nil if the tag has another form.
    public var actor: UInt64? { parts?.actor }

    /// The number of the write among those the actor accepted, over all keys of its partition; nil if the tag has another form.
    public var event: UInt64? { parts?.event }

    /// The number of the version of its key, from 1, in buckets with version numbers; nil elsewhere.
    public var number: UInt64? { parts?.number }

    private var parts: (number: UInt64?, actor: UInt64, event: UInt64)? {
        var dot = description[...]
        var number: UInt64?
        if let dash = dot.firstIndex(of: "-") {
            guard let value = UInt64(dot[..<dash]) else { return nil }
            number = value
            dot = dot[dot.index(after: dash)...]
        }
        let halves = dot.split(separator: ".", omittingEmptySubsequences: false)
        guard halves.count == 2, let actor = UInt64(halves[0], radix: 36), let event = UInt64(halves[1], radix: 36)
        else { return nil }
        return (number, actor, event)
    }
}

/// What a client has seen of one key: opaque bytes, to be given back unchanged with the next write of the same key.
public struct Context: Hashable, Sendable {
    /// The bytes as the server wrote them.
    public var bytes: [UInt8]

    /// A context that was kept as bytes.
    public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }
}

extension ObjectContent {
    /// Text, in UTF-8.
    public init(text: String, contentType: String = "text/plain") {
        self.init(value: Array(text.utf8), contentType: Array(contentType.utf8), charset: Array("utf-8".utf8))
    }

    /// The value as text; nil if it is not UTF-8.
    public var text: String? { String(validating: value, as: UTF8.self) }
}

// MARK: - From the protocol

extension StoredObject {
    init(_ response: RiakGetResponse) {
        self.init(siblings: response.contents.map(Sibling.init), context: response.vclock.map { Context(bytes: $0) })
    }

    init(_ response: RiakPutResponse) {
        self.init(siblings: response.contents.map(Sibling.init), context: response.vclock.map { Context(bytes: $0) })
    }
}

extension Sibling {
    fileprivate init(_ content: RiakContent) {
        self.init(
            content: content.objectContent(),
            version: VersionTag(content.vtag.map { String(decoding: $0, as: UTF8.self) } ?? ""),
            lastModified: content.lastModified.map { seconds in
                let microseconds = content.lastModifiedMicroseconds ?? 0
                return Date(timeIntervalSince1970: Double(seconds) + Double(microseconds) / 1_000_000)
            },
            isDeleted: content.isDeleted ?? false)
    }
}
