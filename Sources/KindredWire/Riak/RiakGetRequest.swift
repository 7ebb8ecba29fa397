package import KindredModel

/// What a get may ask for beside the key. Nil is "the bucket decides", or no for a switch. Quorums are as sent: see
/// `RiakQuorum`.
package struct RiakGetOptions: Equatable, Sendable {
    /// Replicas that must answer.
    package var r: UInt32?
    /// Primary replicas that must answer.
    package var pr: UInt32?
    /// Whether a quorum of "not found" is enough to answer, before `r` replicas did.
    package var basicQuorum: Bool?
    /// Whether a "not found" counts towards `r`.
    package var notFoundOK: Bool?
    /// Whether to leave the values out.
    package var head: Bool?
    /// Whether to give the context of a deleted object.
    package var deletedVclock: Bool?
    /// How long the client waits, in milliseconds.
    package var timeoutMilliseconds: UInt32?
    /// Whether replicas other than the primary ones may answer.
    package var sloppyQuorum: Bool?
    /// How many replicas to ask (`n_val`).
    package var n: UInt32?
    /// Distinct machines that must answer.
    package var nodeConfirms: UInt32?

    /// Nothing asked for.
    package init() {}
}

/// A request for an object (message 9), as slices of the receive buffer: valid during the call only.
package struct RiakGetRequest {
    /// The bucket; may be empty, which the server refuses.
    package private(set) var bucket: UnsafeRawBufferPointer
    /// The key; may be empty, which the server refuses.
    package private(set) var key: UnsafeRawBufferPointer
    /// The bucket type; nil is the default type.
    package private(set) var type: UnsafeRawBufferPointer?
    /// The context the client has: an object that has not moved past it is answered "unchanged".
    package private(set) var ifModified: UnsafeRawBufferPointer?
    /// Everything else.
    package private(set) var options = RiakGetOptions()

    /// Decodes a message body.
    ///
    /// - Throws: `MalformedBytes` if it is not such a message or lacks its bucket or key.
    package init(_ body: UnsafeRawBufferPointer) throws(MalformedBytes) {
        var reader = ProtobufReader(body)
        var bucket: UnsafeRawBufferPointer?
        var key: UnsafeRawBufferPointer?
        while let tag = try reader.tag() {
            switch tag {
            case 1 << 3 | 2: bucket = try reader.lengthDelimited()
            case 2 << 3 | 2: key = try reader.lengthDelimited()
            case 3 << 3: options.r = try reader.uint32()
            case 4 << 3: options.pr = try reader.uint32()
            case 5 << 3: options.basicQuorum = try reader.bool()
            case 6 << 3: options.notFoundOK = try reader.bool()
            case 7 << 3 | 2: ifModified = try reader.lengthDelimited()
            case 8 << 3: options.head = try reader.bool()
            case 9 << 3: options.deletedVclock = try reader.bool()
            case 10 << 3: options.timeoutMilliseconds = try reader.uint32()
            case 11 << 3: options.sloppyQuorum = try reader.bool()
            case 12 << 3: options.n = try reader.uint32()
            case 13 << 3 | 2: type = try reader.lengthDelimited()
            case 14 << 3: options.nodeConfirms = try reader.uint32()
            default: try reader.skip(tag, fieldsKnownTo: 14)
            }
        }
        guard let bucket else { throw MalformedBytes("RpbGetReq: bucket is missing") }
        guard let key else { throw MalformedBytes("RpbGetReq: key is missing") }
        self.bucket = bucket
        self.key = key
    }
}
