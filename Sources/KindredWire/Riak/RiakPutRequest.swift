package import KindredModel

/// What a put may ask for beside what it stores. Nil is "the bucket decides", or no for a switch. Quorums are as sent:
/// see `RiakQuorum`.
package struct RiakPutOptions: Equatable, Sendable {
    /// Replicas that must accept.
    package var w: UInt32?
    /// Replicas that must have written it down.
    package var dw: UInt32?
    /// Whether to answer with the object as it is afterwards.
    package var returnBody: Bool?
    /// Primary replicas that must accept.
    package var pw: UInt32?
    /// Whether to write only if the object is where the given context left it.
    package var ifNotModified: Bool?
    /// Whether to write only if there is no object.
    package var ifNoneMatch: Bool?
    /// Whether to answer as for `returnBody`, but without the values.
    package var returnHead: Bool?
    /// How long the client waits, in milliseconds.
    package var timeoutMilliseconds: UInt32?
    /// Whether to store the context as given instead of advancing it: a replication tool's wish.
    package var asIs: Bool?
    /// Whether replicas other than the primary ones may accept.
    package var sloppyQuorum: Bool?
    /// How many replicas there are (`n_val`).
    package var n: UInt32?
    /// Distinct machines that must accept.
    package var nodeConfirms: UInt32?

    /// Nothing asked for.
    package init() {}
}

/// A request to store an object (message 11), as slices of the receive buffer: valid during the call only.
package struct RiakPutRequest {
    /// The bucket; may be empty, which the server refuses.
    package private(set) var bucket: UnsafeRawBufferPointer
    /// The key; nil asks the server for one, an empty one is refused.
    package private(set) var key: UnsafeRawBufferPointer?
    /// The bucket type; nil is the default type.
    package private(set) var type: UnsafeRawBufferPointer?
    /// The context of what the client has seen; nil or empty if it has seen nothing.
    package private(set) var vclock: UnsafeRawBufferPointer?
    /// What to store.
    package private(set) var content: RiakContent
    /// Everything else.
    package private(set) var options = RiakPutOptions()

    /// Decodes a message body, the content included.
    ///
    /// - Throws: `MalformedBytes` if it is not such a message, or has not exactly one bucket and content.
    package init(_ body: UnsafeRawBufferPointer) throws(MalformedBytes) {
        var reader = ProtobufReader(body)
        var bucket: UnsafeRawBufferPointer?
        var content: UnsafeRawBufferPointer?
        while let tag = try reader.tag() {
            switch tag {
            case 1 << 3 | 2: bucket = try reader.lengthDelimited()
            case 2 << 3 | 2: key = try reader.lengthDelimited()
            case 3 << 3 | 2: vclock = try reader.lengthDelimited()
            case 4 << 3 | 2:
                // Protobuf would merge two contents into one. No client means that, so it is not guessed at.
                guard content == nil else { throw MalformedBytes("RpbPutReq: more than one content") }
                content = try reader.lengthDelimited()
            case 5 << 3: options.w = try reader.uint32()
            case 6 << 3: options.dw = try reader.uint32()
            case 7 << 3: options.returnBody = try reader.bool()
            case 8 << 3: options.pw = try reader.uint32()
            case 9 << 3: options.ifNotModified = try reader.bool()
            case 10 << 3: options.ifNoneMatch = try reader.bool()
            case 11 << 3: options.returnHead = try reader.bool()
            case 12 << 3: options.timeoutMilliseconds = try reader.uint32()
            case 13 << 3: options.asIs = try reader.bool()
            case 14 << 3: options.sloppyQuorum = try reader.bool()
            case 15 << 3: options.n = try reader.uint32()
            case 16 << 3 | 2: type = try reader.lengthDelimited()
            case 17 << 3: options.nodeConfirms = try reader.uint32()
            default: try reader.skip(tag, fieldsKnownTo: 17)
            }
        }
        guard let bucket else { throw MalformedBytes("RpbPutReq: bucket is missing") }
        guard let content else { throw MalformedBytes("RpbPutReq: content is missing") }
        self.bucket = bucket
        self.content = try RiakContent(content)
    }
}
