package import KindredModel

/// What a delete may ask for beside the key. Nil is "the bucket decides". Quorums are as sent: see `RiakQuorum`.
package struct RiakDeleteOptions: Equatable, Sendable {
    /// Replicas that must answer and accept.
    package var rw: UInt32?
    /// Replicas that must answer the read before.
    package var r: UInt32?
    /// Replicas that must accept.
    package var w: UInt32?
    /// Primary replicas that must answer the read before.
    package var pr: UInt32?
    /// Primary replicas that must accept.
    package var pw: UInt32?
    /// Replicas that must have written it down.
    package var dw: UInt32?
    /// How long the client waits, in milliseconds.
    package var timeoutMilliseconds: UInt32?
    /// Whether replicas other than the primary ones may accept.
    package var sloppyQuorum: Bool?
    /// How many replicas there are (`n_val`).
    package var n: UInt32?

    /// Nothing asked for.
    package init() {}
}

/// A request to delete an object (message 13), as slices of the receive buffer: valid during the call only.
package struct RiakDeleteRequest {
    /// The bucket; may be empty, which the server refuses.
    package private(set) var bucket: UnsafeRawBufferPointer
    /// The key; may be empty, which the server refuses.
    package private(set) var key: UnsafeRawBufferPointer
    /// The bucket type; nil is the default type.
    package private(set) var type: UnsafeRawBufferPointer?
    /// The context of what the client wants gone: writes it does not cover survive.
    package private(set) var vclock: UnsafeRawBufferPointer?
    /// Everything else.
    package private(set) var options = RiakDeleteOptions()

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
            case 3 << 3: options.rw = try reader.uint32()
            case 4 << 3 | 2: vclock = try reader.lengthDelimited()
            case 5 << 3: options.r = try reader.uint32()
            case 6 << 3: options.w = try reader.uint32()
            case 7 << 3: options.pr = try reader.uint32()
            case 8 << 3: options.pw = try reader.uint32()
            case 9 << 3: options.dw = try reader.uint32()
            case 10 << 3: options.timeoutMilliseconds = try reader.uint32()
            case 11 << 3: options.sloppyQuorum = try reader.bool()
            case 12 << 3: options.n = try reader.uint32()
            case 13 << 3 | 2: type = try reader.lengthDelimited()
            default: try reader.skip(tag, fieldsKnownTo: 13)
            }
        }
        guard let bucket else { throw MalformedBytes("RpbDelReq: bucket is missing") }
        guard let key else { throw MalformedBytes("RpbDelReq: key is missing") }
        self.bucket = bucket
        self.key = key
    }
}
