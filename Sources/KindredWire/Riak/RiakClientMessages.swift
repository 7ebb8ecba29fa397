package import KindredModel
package import NIOCore

// The client's half of the messages that are coded by hand: encoding requests, decoding answers. The server's half is in
// the files named after the requests and in RiakResponses.swift.

extension ByteBuffer {
    /// Asks for an object.
    ///
    /// - Parameters:
    ///   - bucket: its bucket.
    ///   - key: its key.
    ///   - type: its bucket type; nil is the default type.
    ///   - ifModified: the context the client has, to hear "unchanged" if the object is still there.
    ///   - options: everything else.
    /// - Throws: `MalformedBytes` if the request exceeds 2 GiB.
    package mutating func appendRiakGetRequest(
        bucket: [UInt8], key: [UInt8], type: [UInt8]? = nil, ifModified: [UInt8]? = nil,
        options: RiakGetOptions = RiakGetOptions()
    ) throws(MalformedBytes) {
        func encode(into sink: inout some ProtobufSink) {
            sink.field(1, bucket)
            sink.field(2, key)
            sink.field(3, options.r)
            sink.field(4, options.pr)
            sink.field(5, options.basicQuorum)
            sink.field(6, options.notFoundOK)
            sink.field(7, ifModified)
            sink.field(8, options.head)
            sink.field(9, options.deletedVclock)
            sink.field(10, options.timeoutMilliseconds)
            sink.field(11, options.sloppyQuorum)
            sink.field(12, options.n)
            sink.field(13, type)
            sink.field(14, options.nodeConfirms)
        }
        var length = ProtobufLength()
        encode(into: &length)
        try appendRiakFrame(.getRequest, bodyLength: length.count) { encode(into: &$0) }
    }

    /// Stores an object.
    ///
    /// - Parameters:
    ///   - bucket: its bucket.
    ///   - key: its key; nil lets the server make one.
    ///   - type: its bucket type; nil is the default type.
    ///   - vclock: the context of what the client has seen; nil if it has seen nothing.
    ///   - content: what to store.
    ///   - options: everything else.
    /// - Throws: `MalformedBytes` if the request exceeds 2 GiB.
    package mutating func appendRiakPutRequest(
        bucket: [UInt8], key: [UInt8]?, type: [UInt8]? = nil, vclock: [UInt8]? = nil, content: ObjectContent,
        options: RiakPutOptions = RiakPutOptions()
    ) throws(MalformedBytes) {
        func encode(into sink: inout some ProtobufSink) {
            sink.field(1, bucket)
            sink.field(2, key)
            sink.field(3, vclock)
            sink.message(4, content)
            sink.field(5, options.w)
            sink.field(6, options.dw)
            sink.field(7, options.returnBody)
            sink.field(8, options.pw)
            sink.field(9, options.ifNotModified)
            sink.field(10, options.ifNoneMatch)
            sink.field(11, options.returnHead)
            sink.field(12, options.timeoutMilliseconds)
            sink.field(13, options.asIs)
            sink.field(14, options.sloppyQuorum)
            sink.field(15, options.n)
            sink.field(16, type)
            sink.field(17, options.nodeConfirms)
        }
        var length = ProtobufLength()
        encode(into: &length)
        try appendRiakFrame(.putRequest, bodyLength: length.count) { encode(into: &$0) }
    }

    /// Deletes an object.
    ///
    /// - Parameters:
    ///   - bucket: its bucket.
    ///   - key: its key.
    ///   - type: its bucket type; nil is the default type.
    ///   - vclock: the context of what the client wants gone; nil for whatever there is.
    ///   - options: everything else.
    /// - Throws: `MalformedBytes` if the request exceeds 2 GiB.
    package mutating func appendRiakDeleteRequest(
        bucket: [UInt8], key: [UInt8], type: [UInt8]? = nil, vclock: [UInt8]? = nil,
        options: RiakDeleteOptions = RiakDeleteOptions()
    ) throws(MalformedBytes) {
        func encode(into sink: inout some ProtobufSink) {
            sink.field(1, bucket)
            sink.field(2, key)
            sink.field(3, options.rw)
            sink.field(4, vclock)
            sink.field(5, options.r)
            sink.field(6, options.w)
            sink.field(7, options.pr)
            sink.field(8, options.pw)
            sink.field(9, options.dw)
            sink.field(10, options.timeoutMilliseconds)
            sink.field(11, options.sloppyQuorum)
            sink.field(12, options.n)
            sink.field(13, type)
        }
        var length = ProtobufLength()
        encode(into: &length)
        try appendRiakFrame(.deleteRequest, bodyLength: length.count) { encode(into: &$0) }
    }
}

/// A message that is described to a sink.
private protocol ProtobufMessage {
    func encode(into sink: inout some ProtobufSink)
}

extension ProtobufSink {
    /// A message within the message, described to a counter first.
    fileprivate mutating func message(_ number: UInt64, _ message: some ProtobufMessage) {
        var length = ProtobufLength()
        message.encode(into: &length)
        header(number, length: length.count)
        message.encode(into: &self)
    }
}

extension ObjectContent: ProtobufMessage {
    fileprivate func encode(into sink: inout some ProtobufSink) {
        sink.field(1, value)
        sink.field(2, contentType)
        sink.field(3, charset)
        sink.field(4, contentEncoding)
        for link in links { sink.message(6, link) }
        for entry in userMetadata { sink.message(9, entry) }
        for entry in indexes { sink.message(10, entry) }
    }
}

extension ObjectContent.Link: ProtobufMessage {
    fileprivate func encode(into sink: inout some ProtobufSink) {
        sink.field(1, bucket)
        sink.field(2, key)
        sink.field(3, tag)
    }
}

extension ObjectContent.Entry: ProtobufMessage {
    fileprivate func encode(into sink: inout some ProtobufSink) {
        sink.field(1, key)
        sink.field(2, value)
    }
}

/// The answer to a get (message 10), as slices of the receive buffer: valid during the call only.
package struct RiakGetResponse {
    /// The object's versions; none if there is no object.
    package var contents: RiakNestedMessages<RiakContent> { RiakNestedMessages(field: 1, of: body) }
    /// How many versions there are.
    package private(set) var contentCount = 0
    /// The context to give back with the next write.
    package private(set) var vclock: UnsafeRawBufferPointer?
    /// Whether the client has the object as it is.
    package private(set) var isUnchanged: Bool?
    private let body: UnsafeRawBufferPointer

    /// Decodes a message body.
    ///
    /// - Throws: `MalformedBytes` if it is not such a message.
    package init(_ body: UnsafeRawBufferPointer) throws(MalformedBytes) {
        self.body = body
        var reader = ProtobufReader(body)
        while let tag = try reader.tag() {
            switch tag {
            case 1 << 3 | 2:
                _ = try RiakContent(reader.lengthDelimited())
                contentCount += 1
            case 2 << 3 | 2: vclock = try reader.lengthDelimited()
            case 3 << 3: isUnchanged = try reader.bool()
            default: try reader.skip(tag, fieldsKnownTo: 3)
            }
        }
    }
}

/// The answer to a put (message 12), as slices of the receive buffer: valid during the call only.
package struct RiakPutResponse {
    /// The object's versions, if they were asked for.
    package var contents: RiakNestedMessages<RiakContent> { RiakNestedMessages(field: 1, of: body) }
    /// How many versions there are.
    package private(set) var contentCount = 0
    /// The context to give back with the next write, if it was asked for.
    package private(set) var vclock: UnsafeRawBufferPointer?
    /// The key, if the server made it.
    package private(set) var key: UnsafeRawBufferPointer?
    private let body: UnsafeRawBufferPointer

    /// Decodes a message body.
    ///
    /// - Throws: `MalformedBytes` if it is not such a message.
    package init(_ body: UnsafeRawBufferPointer) throws(MalformedBytes) {
        self.body = body
        var reader = ProtobufReader(body)
        while let tag = try reader.tag() {
            switch tag {
            case 1 << 3 | 2:
                _ = try RiakContent(reader.lengthDelimited())
                contentCount += 1
            case 2 << 3 | 2: vclock = try reader.lengthDelimited()
            case 3 << 3 | 2: key = try reader.lengthDelimited()
            default: try reader.skip(tag, fieldsKnownTo: 3)
            }
        }
    }
}

/// An error in place of an answer (message 0), as slices of the receive buffer: valid during the call only.
package struct RiakErrorResponse {
    /// What went wrong, in words or as a printed Erlang term.
    package private(set) var message: UnsafeRawBufferPointer
    /// A number that is 0 in practice.
    package private(set) var code: UInt32

    /// Decodes a message body.
    ///
    /// - Throws: `MalformedBytes` if it is not such a message or lacks its text or code.
    package init(_ body: UnsafeRawBufferPointer) throws(MalformedBytes) {
        var reader = ProtobufReader(body)
        var message: UnsafeRawBufferPointer?
        var code: UInt32?
        while let tag = try reader.tag() {
            switch tag {
            case 1 << 3 | 2: message = try reader.lengthDelimited()
            case 2 << 3: code = try reader.uint32()
            default: try reader.skip(tag, fieldsKnownTo: 2)
            }
        }
        guard let message else { throw MalformedBytes("RpbErrorResp: errmsg is missing") }
        guard let code else { throw MalformedBytes("RpbErrorResp: errcode is missing") }
        self.message = message
        self.code = code
    }
}
