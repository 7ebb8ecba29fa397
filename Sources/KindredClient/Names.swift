/// The name of a bucket type, a bucket or a key: bytes, usually text in UTF-8.
///
/// ```swift
/// let key: Name = "anna"
/// let binary = Name(bytes: [0x00, 0xFF])
/// ```
public struct Name: Hashable, Sendable {
    /// The bytes, as they are stored and compared.
    public var bytes: [UInt8]

    /// A name that is text.
    public init(_ text: some StringProtocol) { bytes = Array(text.utf8) }

    /// A name that need not be text.
    public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    /// The name as text; nil if it is not UTF-8.
    public var text: String? { String(validating: bytes, as: UTF8.self) }
}

extension Name: ExpressibleByStringLiteral {
    /// A name that is text.
    public init(stringLiteral text: String) { self.init(text) }
}

extension Name: CustomStringConvertible {
    /// The name as text, with U+FFFD in place of what is not UTF-8.
    public var description: String { String(decoding: bytes, as: UTF8.self) }
}

extension Name: Comparable {
    /// Orders by bytes.
    public static func < (left: Name, right: Name) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
}

/// Where keys live: a bucket, and the bucket type that says what happens to concurrent writes in it.
///
/// ```swift
/// let carts = Bucket("carts", type: "siblings")
/// ```
public struct Bucket: Hashable, Sendable {
    /// The bucket type.
    public var type: Name
    /// The bucket's own name. The same name in two types is two buckets.
    public var name: Name

    /// The bucket `name` of a type.
    public init(_ name: Name, type: Name = "default") {
        self.type = type
        self.name = name
    }

    /// The type as the protocol has it, which leaves the default type out.
    var wireType: [UInt8]? { type == "default" ? nil : type.bytes }
}
