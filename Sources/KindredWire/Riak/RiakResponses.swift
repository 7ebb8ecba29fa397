package import KindredModel
package import NIOCore

/// One version of an object as an answer shows it: what the client stored, and what the database knows about it.
///
/// Slices of memory that somebody else keeps alive during the call.
package struct RiakSibling {
    /// What the client stored. A tombstone has `ObjectContentView.empty`.
    package var content: ObjectContentView
    /// Names the version among its siblings; empty if it has no name.
    package var vtag: UnsafeRawBufferPointer
    /// When it was written, in seconds since 1970.
    package var lastModified: UInt32
    /// The microseconds of that second.
    package var lastModifiedMicroseconds: UInt32
    /// Whether this is the trace of a delete.
    package var isDeleted: Bool

    /// A version with this content.
    package init(
        content: ObjectContentView, vtag: UnsafeRawBufferPointer, lastModified: UInt32,
        lastModifiedMicroseconds: UInt32, isDeleted: Bool = false
    ) {
        self.content = content
        self.vtag = vtag
        self.lastModified = lastModified
        self.lastModifiedMicroseconds = lastModifiedMicroseconds
        self.isDeleted = isDeleted
    }

    /// Describes the message to `sink`, fields in the order of their numbers.
    @inline(__always)
    fileprivate func encode(head: Bool, into sink: inout some ProtobufSink) throws(MalformedBytes) {
        let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
        sink.field(1, head ? nothing : content.value)
        var fields = content.fields
        var field = try fields.next()
        describing: while let present = field {
            switch present {
            case .contentType(let bytes): sink.field(2, bytes)
            case .charset(let bytes): sink.field(3, bytes)
            case .contentEncoding(let bytes): sink.field(4, bytes)
            case .link, .userMetadata, .index: break describing
            }
            field = try fields.next()
        }
        if !vtag.isEmpty { sink.field(5, vtag) }
        while case .link(let bucket, let key, let tag)? = field {
            var length = ProtobufLength()
            Self.encode(bucket, key, tag, into: &length)
            sink.header(6, length: length.count)
            Self.encode(bucket, key, tag, into: &sink)
            field = try fields.next()
        }
        sink.field(7, lastModified)
        sink.field(8, lastModifiedMicroseconds)
        while let present = field {
            switch present {
            case .userMetadata(let key, let value): Self.encode(9, key, value, into: &sink)
            case .index(let name, let value): Self.encode(10, name, value, into: &sink)
            default: throw MalformedBytes("object content: metadata out of order")
            }
            field = try fields.next()
        }
        if isDeleted { sink.field(11, true) }
    }

    /// A link.
    private static func encode(
        _ bucket: UnsafeRawBufferPointer, _ key: UnsafeRawBufferPointer, _ tag: UnsafeRawBufferPointer,
        into sink: inout some ProtobufSink
    ) {
        sink.field(1, bucket)
        sink.field(2, key)
        sink.field(3, tag)
    }

    /// A pair, in field `number`.
    private static func encode(
        _ number: UInt64, _ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer,
        into sink: inout some ProtobufSink
    ) {
        var length = ProtobufLength()
        length.field(1, key)
        length.field(2, value)
        sink.header(number, length: length.count)
        sink.field(1, key)
        sink.field(2, value)
    }
}

extension ByteBuffer {
    /// Answers a get with the object's versions and its context. No versions and no context: not found. No versions but a
    /// context: deleted.
    ///
    /// - Parameters:
    ///   - siblings: the versions.
    ///   - vclock: the context; nil leaves it out.
    ///   - head: leaves the values empty.
    /// - Throws: `MalformedBytes` if stored content is damaged or the answer exceeds 2 GiB. Nothing is appended then.
    package mutating func appendRiakGetResponse(
        _ siblings: UnsafeBufferPointer<RiakSibling>, vclock: UnsafeRawBufferPointer?, head: Bool = false
    ) throws(MalformedBytes) {
        try appendRiakObject(.getResponse, siblings, vclock: vclock, key: nil, head: head)
    }

    /// Answers a get with the only version of the object.
    ///
    /// - Throws: as `appendRiakGetResponse` for several.
    package mutating func appendRiakGetResponse(
        _ sibling: RiakSibling, vclock: UnsafeRawBufferPointer?, head: Bool = false
    ) throws(MalformedBytes) {
        try withUnsafePointer(to: sibling) { pointer throws(MalformedBytes) in
            try appendRiakObject(
                .getResponse, UnsafeBufferPointer(start: pointer, count: 1), vclock: vclock, key: nil, head: head)
        }
    }

    /// Answers a get that found nothing.
    package mutating func appendRiakNotFound() {
        appendRiakFrame(.getResponse)
    }

    /// Answers a get whose client has the object as it is.
    package mutating func appendRiakUnchanged() {
        writeBytes([0, 0, 0, 3, RiakMessageCode.getResponse.rawValue, 3 << 3, 1])
    }

    /// Answers a put: with nothing, with the key the server made, or with the object as it is now.
    ///
    /// - Parameters:
    ///   - siblings: the versions, if the client asked for them.
    ///   - vclock: the context, if the client asked for it.
    ///   - key: the key, if the server made it.
    ///   - head: leaves the values empty.
    /// - Throws: `MalformedBytes` if stored content is damaged or the answer exceeds 2 GiB. Nothing is appended then.
    package mutating func appendRiakPutResponse(
        _ siblings: UnsafeBufferPointer<RiakSibling> = UnsafeBufferPointer(start: nil, count: 0),
        vclock: UnsafeRawBufferPointer? = nil, key: UnsafeRawBufferPointer? = nil, head: Bool = false
    ) throws(MalformedBytes) {
        try appendRiakObject(.putResponse, siblings, vclock: vclock, key: key, head: head)
    }

    /// Answers a delete, whether or not there was anything to delete.
    package mutating func appendRiakDeleteResponse() {
        appendRiakFrame(.deleteResponse)
    }

    /// Answers any request with an error. Clients match on the text, so keep the protocol's own where it has one.
    ///
    /// A text above 64 KiB is cut there.
    package mutating func appendRiakError(_ message: String, code: UInt32 = 0) {
        var message = message
        message.withUTF8 { text in
            let text = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(text).prefix(1 << 16))
            var length = ProtobufLength()
            length.field(1, text)
            length.field(2, code)
            try? appendRiakFrame(.errorResponse, bodyLength: length.count) { writer in
                writer.field(1, text)
                writer.field(2, code)
            }
        }
    }

    /// Measures the message, then writes it into one reservation.
    @inline(__always)
    private mutating func appendRiakObject(
        _ code: RiakMessageCode, _ siblings: UnsafeBufferPointer<RiakSibling>, vclock: UnsafeRawBufferPointer?,
        key: UnsafeRawBufferPointer?, head: Bool
    ) throws(MalformedBytes) {
        var length = ProtobufLength()
        try Self.encode(siblings, vclock: vclock, key: key, head: head, into: &length)
        try appendRiakFrame(code, bodyLength: length.count) { writer in
            // What could be measured can be written; a difference would stop the process in `appendRiakFrame`.
            try? Self.encode(siblings, vclock: vclock, key: key, head: head, into: &writer)
        }
    }

    @inline(__always)
    private static func encode(
        _ siblings: UnsafeBufferPointer<RiakSibling>, vclock: UnsafeRawBufferPointer?,
        key: UnsafeRawBufferPointer?, head: Bool, into sink: inout some ProtobufSink
    ) throws(MalformedBytes) {
        for sibling in siblings {
            var length = ProtobufLength()
            try sibling.encode(head: head, into: &length)
            sink.header(1, length: length.count)
            try sibling.encode(head: head, into: &sink)
        }
        if let vclock { sink.field(2, vclock) }
        if let key { sink.field(3, key) }
    }
}
