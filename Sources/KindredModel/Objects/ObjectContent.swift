/// What a client stores under a key: a value and what the client said about it, in no protocol's shape.
///
/// Its bytes are canonical: equal content gives equal bytes, in whatever order a client listed its user metadata and
/// index entries. Immutable buckets compare exactly these bytes, so every face of the database encodes through this
/// type. What the database itself knows about a version (when, by whom, its dot) is not part of the content.
///
/// ```
/// version 1 in the high nibble, 0 in the low one │ varint: length of the metadata │ metadata fields │ value to the end
/// ```
/// A metadata field is a tag byte, a varint length and as many bytes; docs/formats/object-content.md lists them.
///
/// Absent and empty are different things for `contentType`, `charset` and `contentEncoding`, as they are on the wire.
public struct ObjectContent: Hashable, Sendable {
    /// A one-way reference to another object.
    public struct Link: Hashable, Sendable {
        /// The bucket of the object referred to.
        public var bucket: [UInt8]
        /// The key of the object referred to.
        public var key: [UInt8]
        /// What the reference means to the application.
        public var tag: [UInt8]

        /// A reference to `key` in `bucket`, of the kind `tag`.
        public init(bucket: [UInt8], key: [UInt8], tag: [UInt8]) {
            self.bucket = bucket
            self.key = key
            self.tag = tag
        }
    }

    /// A name and a value: an item of user metadata, or an entry of a secondary index.
    public struct Entry: Hashable, Sendable, Comparable {
        /// The name of the item, or of the index.
        public var key: [UInt8]
        /// What is kept under it.
        public var value: [UInt8]

        /// The value `value` under the name `key`.
        public init(key: [UInt8], value: [UInt8]) {
            self.key = key
            self.value = value
        }

        /// Orders by key, then by value, bytewise: the canonical order.
        public static func < (left: Entry, right: Entry) -> Bool {
            left.key == right.key
                ? left.value.lexicographicallyPrecedes(right.value)
                : left.key.lexicographicallyPrecedes(right.key)
        }
    }

    /// The media type of the value.
    public var contentType: [UInt8]?
    /// The character set of the value.
    public var charset: [UInt8]?
    /// The encoding applied to the value, such as gzip.
    public var contentEncoding: [UInt8]?
    /// References to other objects, in the client's order.
    public var links: [Link]
    /// The client's own names and values. Equal items are kept as often as they are given.
    public var userMetadata: [Entry]
    /// Entries of secondary indexes: a set, so equal entries count once.
    public var indexes: [Entry]
    /// The value itself.
    public var value: [UInt8]

    /// Content with this value and nothing else said about it than what is given.
    public init(
        value: [UInt8], contentType: [UInt8]? = nil, charset: [UInt8]? = nil, contentEncoding: [UInt8]? = nil,
        links: [Link] = [], userMetadata: [Entry] = [], indexes: [Entry] = []
    ) {
        self.value = value
        self.contentType = contentType
        self.charset = charset
        self.contentEncoding = contentEncoding
        self.links = links
        self.userMetadata = userMetadata
        self.indexes = indexes
    }

    /// Reads content from its canonical bytes.
    ///
    /// - Throws: `MalformedBytes` for every other string of bytes, one that says the same in another order included.
    public init(encoded: [UInt8]) throws(MalformedBytes) {
        self = try encoded.withUnsafeBufferPointer { buffer throws(MalformedBytes) in
            try ObjectContent(ObjectContentView(UnsafeRawBufferPointer(buffer)))
        }
        guard self.encoded() == encoded else { throw MalformedBytes("object content: not in canonical form") }
    }

    /// Copies the content out of a view, whatever order its fields are in.
    ///
    /// - Throws: `MalformedBytes` if a field is not well formed.
    package init(_ view: ObjectContentView) throws(MalformedBytes) {
        self.init(value: [UInt8](view.value))
        var fields = view.fields
        while let field = try fields.next() {
            switch field {
            case .contentType(let bytes):
                contentType = [UInt8](bytes)
            case .charset(let bytes):
                charset = [UInt8](bytes)
            case .contentEncoding(let bytes):
                contentEncoding = [UInt8](bytes)
            case .link(let bucket, let key, let tag):
                links.append(Link(bucket: [UInt8](bucket), key: [UInt8](key), tag: [UInt8](tag)))
            case .userMetadata(let key, let value):
                userMetadata.append(Entry(key: [UInt8](key), value: [UInt8](value)))
            case .index(let name, let value):
                indexes.append(Entry(key: [UInt8](name), value: [UInt8](value)))
            }
        }
    }

    /// The canonical bytes.
    public func encoded() -> [UInt8] {
        var metadata: [UInt8] = []
        func append(_ tag: UInt8, _ parts: [[UInt8]]) {
            var length = 0
            for part in parts { length += [UInt8].varintLength(UInt64(part.count)) + part.count }
            metadata.append(tag)
            metadata.append(varint: UInt64(length))
            for part in parts { metadata.append(lengthPrefixed: part) }
        }
        func append(_ tag: UInt8, _ bytes: [UInt8]?) {
            guard let bytes else { return }
            metadata.append(tag)
            metadata.append(lengthPrefixed: bytes)
        }
        append(ObjectContentTag.contentType, contentType)
        append(ObjectContentTag.charset, charset)
        append(ObjectContentTag.contentEncoding, contentEncoding)
        for link in links { append(ObjectContentTag.link, [link.bucket, link.key, link.tag]) }
        for entry in userMetadata.sorted() { append(ObjectContentTag.userMetadata, [entry.key, entry.value]) }
        var previous: Entry?
        for entry in indexes.sorted() where entry != previous {
            append(ObjectContentTag.index, [entry.key, entry.value])
            previous = entry
        }
        var result: [UInt8] = []
        result.reserveCapacity(1 + [UInt8].varintLength(UInt64(metadata.count)) + metadata.count + value.count)
        result.append(ObjectContentTag.version)
        result.append(lengthPrefixed: metadata)
        result.append(contentsOf: value)
        return result
    }

    /// The canonical bytes of content that has no links, user metadata or index entries, in one allocation.
    ///
    /// The same bytes as `encoded()` of such content, straight from slices of a receive buffer.
    package static func encode(
        value: UnsafeRawBufferPointer, contentType: UnsafeRawBufferPointer? = nil,
        charset: UnsafeRawBufferPointer? = nil, contentEncoding: UnsafeRawBufferPointer? = nil
    ) -> [UInt8] {
        func fieldLength(_ bytes: UnsafeRawBufferPointer?) -> Int {
            guard let bytes else { return 0 }
            return 1 + [UInt8].varintLength(UInt64(bytes.count)) + bytes.count
        }
        let metadata = fieldLength(contentType) + fieldLength(charset) + fieldLength(contentEncoding)
        let total = 1 + [UInt8].varintLength(UInt64(metadata)) + metadata + value.count
        return [UInt8](unsafeUninitializedCapacity: total) { buffer, count in
            var writer = FieldWriter(UnsafeMutableRawBufferPointer(buffer))
            writer.byte(ObjectContentTag.version)
            writer.varint(metadata)
            writer.field(ObjectContentTag.contentType, contentType)
            writer.field(ObjectContentTag.charset, charset)
            writer.field(ObjectContentTag.contentEncoding, contentEncoding)
            writer.bytes(value)
            count = writer.position
        }
    }

    /// Fills memory that was measured for it.
    private struct FieldWriter {
        private let memory: UnsafeMutableRawBufferPointer
        private(set) var position = 0

        init(_ memory: UnsafeMutableRawBufferPointer) {
            self.memory = memory
        }

        mutating func byte(_ byte: UInt8) {
            precondition(position < memory.count, "object content longer than measured")
            memory[position] = byte
            position += 1
        }

        mutating func varint(_ value: Int) {
            var value = UInt64(value)
            while value >= 0x80 {
                byte(UInt8(truncatingIfNeeded: value) | 0x80)
                value >>= 7
            }
            byte(UInt8(truncatingIfNeeded: value))
        }

        mutating func bytes(_ bytes: UnsafeRawBufferPointer) {
            precondition(bytes.count <= memory.count - position, "object content longer than measured")
            guard let source = bytes.baseAddress, let start = memory.baseAddress else { return }
            (start + position).copyMemory(from: source, byteCount: bytes.count)
            position += bytes.count
        }

        mutating func field(_ tag: UInt8, _ bytes: UnsafeRawBufferPointer?) {
            guard let bytes else { return }
            byte(tag)
            varint(bytes.count)
            self.bytes(bytes)
        }
    }
}

/// Object content read in place: slices of bytes that somebody else keeps alive, without allocating.
///
/// Valid only while those bytes are, that is, during the call that was given them. Making one checks the frame; the fields
/// are checked one by one as they are read. The canonical order is not: `ObjectContent.init(encoded:)` does that.
package struct ObjectContentView {
    /// The metadata fields.
    package let metadata: UnsafeRawBufferPointer
    /// The value.
    package let value: UnsafeRawBufferPointer

    /// Views encoded content.
    ///
    /// - Throws: `MalformedBytes` if the version is unknown or the metadata exceeds the bytes.
    @inlinable
    package init(_ encoded: UnsafeRawBufferPointer) throws(MalformedBytes) {
        var reader = ByteReader(encoded)
        guard try reader.byte() == ObjectContentTag.version else {
            throw MalformedBytes("object content: unknown version")
        }
        let range = try reader.lengthPrefixedRange()
        metadata = UnsafeRawBufferPointer(rebasing: encoded[range])
        value = UnsafeRawBufferPointer(rebasing: encoded[range.upperBound...])
    }

    @inlinable
    init(metadata: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        self.metadata = metadata
        self.value = value
    }

    /// No metadata and an empty value: what a tombstone shows to those who ask.
    @inlinable
    package static var empty: ObjectContentView {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        return ObjectContentView(metadata: nothing, value: nothing)
    }

    /// Reads the metadata fields from the first.
    @inlinable
    package var fields: Fields { Fields(metadata) }

    /// The media type, if the content has one.
    ///
    /// - Throws: `MalformedBytes` if the first field is not well formed.
    @inlinable
    package func contentType() throws(MalformedBytes) -> UnsafeRawBufferPointer? {
        var fields = fields
        guard case .contentType(let bytes)? = try fields.next() else { return nil }
        return bytes
    }

    /// One piece of metadata, as slices of the viewed bytes.
    package enum Field {
        /// The media type of the value.
        case contentType(UnsafeRawBufferPointer)
        /// The character set of the value.
        case charset(UnsafeRawBufferPointer)
        /// The encoding applied to the value.
        case contentEncoding(UnsafeRawBufferPointer)
        /// A reference to another object.
        case link(bucket: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, tag: UnsafeRawBufferPointer)
        /// One of the client's own names and values.
        case userMetadata(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)
        /// An entry of a secondary index.
        case index(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)
    }

    /// Reads one metadata field after the other.
    package struct Fields {
        @usableFromInline let metadata: UnsafeRawBufferPointer
        @usableFromInline var reader: ByteReader

        @inlinable
        init(_ metadata: UnsafeRawBufferPointer) {
            self.metadata = metadata
            self.reader = ByteReader(metadata)
        }

        /// The next field, or nil after the last.
        ///
        /// - Throws: `MalformedBytes` for a tag that is not known, a length that exceeds the bytes, or bytes left over.
        @inlinable
        package mutating func next() throws(MalformedBytes) -> Field? {
            guard !reader.isAtEnd else { return nil }
            let tag = try reader.byte()
            let range = try reader.lengthPrefixedRange()
            let payload = UnsafeRawBufferPointer(rebasing: metadata[range])
            switch tag {
            case ObjectContentTag.contentType: return .contentType(payload)
            case ObjectContentTag.charset: return .charset(payload)
            case ObjectContentTag.contentEncoding: return .contentEncoding(payload)
            case ObjectContentTag.link:
                var parts = ByteReader(payload)
                let bucket = try parts.lengthPrefixedRange()
                let key = try parts.lengthPrefixedRange()
                let tag = try parts.lengthPrefixedRange()
                guard parts.isAtEnd else { throw MalformedBytes("object content: bytes after a link") }
                return .link(
                    bucket: UnsafeRawBufferPointer(rebasing: payload[bucket]),
                    key: UnsafeRawBufferPointer(rebasing: payload[key]),
                    tag: UnsafeRawBufferPointer(rebasing: payload[tag]))
            case ObjectContentTag.userMetadata, ObjectContentTag.index:
                var parts = ByteReader(payload)
                let key = try parts.lengthPrefixedRange()
                let value = try parts.lengthPrefixedRange()
                guard parts.isAtEnd else { throw MalformedBytes("object content: bytes after an entry") }
                let keyBytes = UnsafeRawBufferPointer(rebasing: payload[key])
                let valueBytes = UnsafeRawBufferPointer(rebasing: payload[value])
                return tag == ObjectContentTag.index
                    ? .index(name: keyBytes, value: valueBytes) : .userMetadata(key: keyBytes, value: valueBytes)
            default:
                throw MalformedBytes("object content: unknown metadata field")
            }
        }
    }
}

/// The numbers of the format: the first byte, and the tags of the metadata fields.
package enum ObjectContentTag {
    /// Version 1 in the high nibble; the low one is spare.
    @inlinable package static var version: UInt8 { 0x10 }
    /// The media type.
    @inlinable package static var contentType: UInt8 { 1 }
    /// The character set.
    @inlinable package static var charset: UInt8 { 2 }
    /// The encoding applied to the value.
    @inlinable package static var contentEncoding: UInt8 { 3 }
    /// A link: bucket, key and tag.
    @inlinable package static var link: UInt8 { 4 }
    /// An item of user metadata: key and value.
    @inlinable package static var userMetadata: UInt8 { 5 }
    /// An index entry: name and value.
    @inlinable package static var index: UInt8 { 6 }
}
