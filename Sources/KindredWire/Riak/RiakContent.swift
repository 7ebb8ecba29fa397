package import KindredModel

/// One value with its metadata, in a put request or in an answer to a get or put: slices of the receive buffer, valid
/// during the call only.
///
/// Decoding checks everything, the links and pairs included; those are then read again from the message as they are asked
/// for, so that nothing is allocated.
package struct RiakContent {
    /// The value.
    package private(set) var value: UnsafeRawBufferPointer
    /// The media type of the value.
    package private(set) var contentType: UnsafeRawBufferPointer?
    /// The character set of the value.
    package private(set) var charset: UnsafeRawBufferPointer?
    /// The encoding applied to the value.
    package private(set) var contentEncoding: UnsafeRawBufferPointer?
    /// Names the version among its siblings.
    package private(set) var vtag: UnsafeRawBufferPointer?
    /// When it was written, in seconds since 1970.
    package private(set) var lastModified: UInt32?
    /// The microseconds of that second.
    package private(set) var lastModifiedMicroseconds: UInt32?
    /// Whether this is the trace of a delete.
    package private(set) var isDeleted: Bool?
    /// How many links there are.
    package private(set) var linkCount = 0
    /// How many items of user metadata there are.
    package private(set) var userMetadataCount = 0
    /// How many index entries there are, repeated ones included.
    package private(set) var indexCount = 0
    private let message: UnsafeRawBufferPointer

    /// Decodes a message.
    ///
    /// - Throws: `MalformedBytes` if it is not such a message or lacks its value.
    package init(_ message: UnsafeRawBufferPointer) throws(MalformedBytes) {
        self.message = message
        var reader = ProtobufReader(message)
        var value: UnsafeRawBufferPointer?
        while let tag = try reader.tag() {
            switch tag {
            case 1 << 3 | 2: value = try reader.lengthDelimited()
            case 2 << 3 | 2: contentType = try reader.lengthDelimited()
            case 3 << 3 | 2: charset = try reader.lengthDelimited()
            case 4 << 3 | 2: contentEncoding = try reader.lengthDelimited()
            case 5 << 3 | 2: vtag = try reader.lengthDelimited()
            case 6 << 3 | 2:
                _ = try RiakLink(reader.lengthDelimited())
                linkCount += 1
            case 7 << 3: lastModified = try reader.uint32()
            case 8 << 3: lastModifiedMicroseconds = try reader.uint32()
            case 9 << 3 | 2:
                _ = try RiakPair(reader.lengthDelimited())
                userMetadataCount += 1
            case 10 << 3 | 2:
                _ = try RiakPair(reader.lengthDelimited())
                indexCount += 1
            case 11 << 3: isDeleted = try reader.bool()
            default: try reader.skip(tag, fieldsKnownTo: 11)
            }
        }
        guard let value else { throw MalformedBytes("RpbContent: value is missing") }
        self.value = value
    }

    /// The links, in the client's order.
    package var links: RiakNestedMessages<RiakLink> { RiakNestedMessages(field: 6, of: message) }
    /// The user metadata, in the client's order.
    package var userMetadata: RiakNestedMessages<RiakPair> { RiakNestedMessages(field: 9, of: message) }
    /// The index entries, in the client's order.
    package var indexes: RiakNestedMessages<RiakPair> { RiakNestedMessages(field: 10, of: message) }

    /// The part of it that is the client's, in the canonical bytes that are stored. One allocation unless there are links,
    /// user metadata or index entries.
    package func encodedObjectContent() -> [UInt8] {
        guard linkCount == 0, userMetadataCount == 0, indexCount == 0 else { return objectContent().encoded() }
        return ObjectContent.encode(
            value: value, contentType: contentType, charset: charset, contentEncoding: contentEncoding)
    }

    /// The part of it that is the client's, copied. Absent parts of links and pairs are taken as empty.
    package func objectContent() -> ObjectContent {
        func entry(_ pair: RiakPair) -> ObjectContent.Entry {
            ObjectContent.Entry(key: [UInt8](pair.key), value: pair.value.map { [UInt8]($0) } ?? [])
        }
        return ObjectContent(
            value: [UInt8](value),
            contentType: contentType.map { [UInt8]($0) },
            charset: charset.map { [UInt8]($0) },
            contentEncoding: contentEncoding.map { [UInt8]($0) },
            links: links.map { link in
                ObjectContent.Link(
                    bucket: link.bucket.map { [UInt8]($0) } ?? [],
                    key: link.key.map { [UInt8]($0) } ?? [],
                    tag: link.tag.map { [UInt8]($0) } ?? [])
            },
            userMetadata: userMetadata.map(entry), indexes: indexes.map(entry))
    }
}

/// A link, as slices of the receive buffer.
package struct RiakLink {
    /// The bucket of the object referred to.
    package private(set) var bucket: UnsafeRawBufferPointer?
    /// The key of the object referred to.
    package private(set) var key: UnsafeRawBufferPointer?
    /// What the reference means to the application.
    package private(set) var tag: UnsafeRawBufferPointer?
}

/// A name and an optional value, as slices of the receive buffer.
package struct RiakPair {
    /// The name.
    package private(set) var key: UnsafeRawBufferPointer
    /// What is kept under it.
    package private(set) var value: UnsafeRawBufferPointer?
}

/// A message that occurs repeatedly within another one.
package protocol RiakNestedMessage {
    /// Decodes the message.
    init(_ message: UnsafeRawBufferPointer) throws(MalformedBytes)
}

extension RiakContent: RiakNestedMessage {}

extension RiakLink: RiakNestedMessage {
    package init(_ message: UnsafeRawBufferPointer) throws(MalformedBytes) {
        var reader = ProtobufReader(message)
        while let tag = try reader.tag() {
            switch tag {
            case 1 << 3 | 2: bucket = try reader.lengthDelimited()
            case 2 << 3 | 2: key = try reader.lengthDelimited()
            case 3 << 3 | 2: self.tag = try reader.lengthDelimited()
            default: try reader.skip(tag, fieldsKnownTo: 3)
            }
        }
    }
}

extension RiakPair: RiakNestedMessage {
    package init(_ message: UnsafeRawBufferPointer) throws(MalformedBytes) {
        var reader = ProtobufReader(message)
        var key: UnsafeRawBufferPointer?
        while let tag = try reader.tag() {
            switch tag {
            case 1 << 3 | 2: key = try reader.lengthDelimited()
            case 2 << 3 | 2: value = try reader.lengthDelimited()
            default: try reader.skip(tag, fieldsKnownTo: 2)
            }
        }
        guard let key else { throw MalformedBytes("RpbPair: key is missing") }
        self.key = key
    }
}

/// The messages in one repeated field of a message that has been checked, decoded as they are asked for.
package struct RiakNestedMessages<Message: RiakNestedMessage>: Sequence, IteratorProtocol {
    private let wanted: UInt32
    private var reader: ProtobufReader

    init(field: UInt32, of message: UnsafeRawBufferPointer) {
        wanted = field << 3 | 2
        reader = ProtobufReader(message)
    }

    /// The next message, or nil after the last.
    package mutating func next() -> Message? {
        // The outer message was decoded before: an error here would mean that its bytes changed since, and ends the sequence.
        while let tag = (try? reader.tag()) ?? nil {
            if tag == wanted {
                guard let message = try? reader.lengthDelimited() else { return nil }
                return try? Message(message)
            }
            guard (try? reader.skip(tag, fieldsKnownTo: 0)) != nil else { return nil }
        }
        return nil
    }
}
