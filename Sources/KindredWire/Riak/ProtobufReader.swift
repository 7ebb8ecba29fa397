import KindredModel

/// Reads the fields of one protobuf message in place, for the messages that are too frequent for generated code.
///
/// Checks every bound, and that a known field has the wire type it should have. Groups, which the protocols spoken here
/// never had, are refused. Numbers that exceed their field's width are cut to it, as protobuf prescribes.
struct ProtobufReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The tag of the next field: its number times eight plus its wire type. Nil after the last field.
    @inline(__always)
    mutating func tag() throws(MalformedBytes) -> UInt32? {
        guard position < bytes.count else { return nil }
        let byte = bytes[position]
        if byte < 0x80, byte >= 0x08 {
            position += 1
            return UInt32(byte)
        }
        return try longTag()
    }

    private mutating func longTag() throws(MalformedBytes) -> UInt32 {
        guard let tag = UInt32(exactly: try varint()), tag >= 8 else {
            throw MalformedBytes("protobuf: field number out of range")
        }
        return tag
    }

    /// Reads an unsigned number: seven bits a byte, least significant first, ten bytes at most.
    @inline(__always)
    mutating func varint() throws(MalformedBytes) -> UInt64 {
        guard position < bytes.count else { throw MalformedBytes("protobuf: truncated") }
        let byte = bytes[position]
        if byte < 0x80 {
            position += 1
            return UInt64(byte)
        }
        return try longVarint()
    }

    private mutating func longVarint() throws(MalformedBytes) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            guard position < bytes.count else { throw MalformedBytes("protobuf: truncated") }
            let byte = bytes[position]
            position += 1
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
            shift += 7
        }
        throw MalformedBytes("protobuf: number over 64 bits")
    }

    /// Reads the value of a `uint32` field.
    @inline(__always)
    mutating func uint32() throws(MalformedBytes) -> UInt32 {
        UInt32(truncatingIfNeeded: try varint())
    }

    /// Reads the value of a `bool` field.
    @inline(__always)
    mutating func bool() throws(MalformedBytes) -> Bool {
        try varint() != 0
    }

    /// Reads the value of a `bytes` field, or the bytes of a message within the message.
    @inline(__always)
    mutating func lengthDelimited() throws(MalformedBytes) -> UnsafeRawBufferPointer {
        let length = try varint()
        guard length <= UInt64(bytes.count - position) else {
            throw MalformedBytes("protobuf: length exceeds the bytes left")
        }
        let start = position
        position += Int(truncatingIfNeeded: length)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    }

    /// Steps over a field that the message does not have.
    ///
    /// - Parameters:
    ///   - tag: the field's tag, which has been read.
    ///   - last: the largest field number the message does have: up to it, the wire type was wrong.
    mutating func skip(_ tag: UInt32, fieldsKnownTo last: UInt32) throws(MalformedBytes) {
        guard tag >> 3 > last else { throw MalformedBytes("protobuf: field \(tag >> 3) has the wrong wire type") }
        switch tag & 7 {
        case 0: _ = try varint()
        case 1: try step(8)
        case 2: _ = try lengthDelimited()
        case 5: try step(4)
        default: throw MalformedBytes("protobuf: wire type \(tag & 7) is not supported")
        }
    }

    private mutating func step(_ length: Int) throws(MalformedBytes) {
        guard bytes.count - position >= length else { throw MalformedBytes("protobuf: truncated") }
        position += length
    }
}
