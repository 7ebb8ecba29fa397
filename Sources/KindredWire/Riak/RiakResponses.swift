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

    /// How long the message is. Stored metadata and protobuf both put a tag before a varint length, and within links and
    /// entries protobuf only adds a tag before each part: so nothing but lengths needs to be looked at.
    @inline(__always)
    fileprivate func length(head: Bool) throws(MalformedBytes) -> Int {
        var length = ProtobufLength()
        length.header(1, length: head ? 0 : content.value.count)
        if !head { length.bytes(content.value) }
        if !vtag.isEmpty { length.field(5, vtag) }
        length.field(7, lastModified)
        length.field(8, lastModifiedMicroseconds)
        if isDeleted { length.field(11, true) }
        var fields = ByteReader(content.metadata)
        while !fields.isAtEnd {
            let tag = try fields.byte()
            let stored = try fields.lengthPrefixedRange().count
            switch tag {
            case ObjectContentTag.contentType...ObjectContentTag.contentEncoding:
                length.field(ofLength: stored)
            case ObjectContentTag.link:
                length.field(ofLength: stored + 3)
            case ObjectContentTag.userMetadata, ObjectContentTag.index:
                length.field(ofLength: stored + 2)
            default:
                throw MalformedBytes("object content: unknown metadata field")
            }
        }
        return length.count
    }

    /// Writes the message, fields in the order of their numbers.
    ///
    /// - Throws: `MalformedBytes` if the metadata is damaged within, or out of order.
    @inline(__always)
    fileprivate func write(head: Bool, into writer: inout ProtobufWriter) throws(MalformedBytes) {
        writer.field(1, head ? UnsafeRawBufferPointer(start: nil, count: 0) : content.value)
        var fields = ByteReader(content.metadata)
        var tag = try fields.isAtEnd ? 0 : fields.byte()
        while ObjectContentTag.contentType...ObjectContentTag.contentEncoding ~= tag {
            // Content type, charset and encoding are numbered 1, 2, 3 in storage and 2, 3, 4 in the message.
            let bytes = try fields.lengthPrefixedRange()
            writer.field(UInt64(tag) + 1, content.metadata(bytes))
            tag = try fields.isAtEnd ? 0 : fields.byte()
        }
        if !vtag.isEmpty { writer.field(5, vtag) }
        while tag == ObjectContentTag.link {
            let link = try fields.lengthPrefixedRange()
            try Self.write(content.metadata(link), parts: 3, as: 6, into: &writer)
            tag = try fields.isAtEnd ? 0 : fields.byte()
        }
        writer.field(7, lastModified)
        writer.field(8, lastModifiedMicroseconds)
        while tag == ObjectContentTag.userMetadata || tag == ObjectContentTag.index {
            let entry = try fields.lengthPrefixedRange()
            try Self.write(
                content.metadata(entry), parts: 2, as: tag == ObjectContentTag.index ? 10 : 9, into: &writer)
            tag = try fields.isAtEnd ? 0 : fields.byte()
        }
        guard tag == 0, fields.isAtEnd else { throw MalformedBytes("object content: metadata out of order") }
        if isDeleted { writer.field(11, true) }
    }

    /// Writes a link or an entry, whose stored parts are length-prefixed, as a message with a field for each part.
    private static func write(
        _ stored: UnsafeRawBufferPointer, parts: UInt64, as number: UInt64, into writer: inout ProtobufWriter
    ) throws(MalformedBytes) {
        writer.header(number, length: stored.count + Int(parts))
        var reader = ByteReader(stored)
        for part in 1...parts {
            let range = try reader.lengthPrefixedRange()
            writer.field(part, UnsafeRawBufferPointer(rebasing: stored[range]))
        }
        guard reader.isAtEnd else { throw MalformedBytes("object content: bytes after the parts of a field") }
    }
}

extension ObjectContentView {
    @inline(__always)
    fileprivate func metadata(_ range: Range<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: metadata[range])
    }
}

extension ProtobufLength {
    /// A field of type `bytes`, with a number up to 15.
    @inline(__always)
    fileprivate mutating func field(ofLength length: Int) {
        header(1, length: length)
        count(length)
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
        var total = ProtobufLength()
        var firstLength: Int?
        for sibling in siblings {
            let length = try sibling.length(head: head)
            if firstLength == nil { firstLength = length }
            total.header(1, length: length)
            total.count(length)
        }
        if let vclock { total.field(2, vclock) }
        if let key { total.field(3, key) }
        try appendRiakFrame(code, bodyLength: total.count) { (writer) throws(MalformedBytes) in
            for sibling in siblings {
                // Most objects have one version, which need not be measured again.
                let length = if let firstLength { firstLength } else { try sibling.length(head: head) }
                firstLength = nil
                writer.header(1, length: length)
                try sibling.write(head: head, into: &writer)
            }
            if let vclock { writer.field(2, vclock) }
            if let key { writer.field(3, key) }
        }
    }
}
