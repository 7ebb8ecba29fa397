/// Writes length-delimited protobuf fields.
enum ProtobufField {
    /// Tag and length of a length-delimited field.
    static func delimitedHeader(_ number: Int, _ length: Int) -> [UInt8] {
        varint(UInt64(number) << 3 | 2) + varint(UInt64(length))
    }

    /// A whole length-delimited field.
    static func delimited(_ number: Int, _ bytes: [UInt8]) -> [UInt8] {
        delimitedHeader(number, bytes.count) + bytes
    }

    private static func varint(_ number: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = number
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    /// As `delimitedHeader`, for a field number below 16, without allocation: returns the place behind it.
    @inline(__always)
    static func writeDelimitedHeader(
        _ number: UInt8, _ length: Int, to destination: UnsafeMutableRawPointer
    ) -> UnsafeMutableRawPointer {
        destination.storeBytes(of: number << 3 | 2, as: UInt8.self)
        var end = destination + 1
        var rest = UInt64(truncatingIfNeeded: length)
        while rest >= 0x80 {
            end.storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
            end += 1
            rest >>= 7
        }
        end.storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
        return end + 1
    }
}

/// Reads the fields of one protobuf message in place. Groups, which proto2 deprecated, count as malformed.
struct ProtobufReader {
    struct Field {
        var number: Int
        var isDelimited: Bool
        /// The contents of a length-delimited field; empty for the others, whose values nobody here needs.
        var range: Range<Int>
    }

    private let bytes: UnsafeRawBufferPointer
    private var position: Int
    private let end: Int
    private(set) var isMalformed = false

    /// `message` must lie within `bytes`.
    init(_ bytes: UnsafeRawBufferPointer, _ message: Range<Int>) {
        self.bytes = bytes
        position = message.lowerBound
        end = message.upperBound
    }

    /// The next field, or nil at the end of the message or (`isMalformed`) of what can be understood of it.
    @inline(__always)
    mutating func next() -> Field? {
        guard position < end, let tag = readVarint() else { return nil }
        let number = Int(truncatingIfNeeded: tag >> 3 & 0x1FFF_FFFF)
        switch tag & 7 {
        case 0:
            guard readVarint() != nil else { return nil }
            return Field(number: number, isDelimited: false, range: 0..<0)
        case 1: return skip(8, number)
        case 5: return skip(4, number)
        case 2:
            guard let length = readVarint() else { return nil }
            guard length <= UInt64(end - position) else { return malformed() }
            let start = position
            position += Int(length)
            return Field(number: number, isDelimited: true, range: start..<position)
        default: return malformed()
        }
    }

    private mutating func skip(_ count: Int, _ number: Int) -> Field? {
        guard end - position >= count else { return malformed() }
        position += count
        return Field(number: number, isDelimited: false, range: 0..<0)
    }

    private mutating func malformed() -> Field? {
        isMalformed = true
        return nil
    }

    @inline(__always)
    private mutating func readVarint() -> UInt64? {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while position < end, shift < 64 {
            let byte = bytes[position]
            position += 1
            number |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return number }
            shift += 7
        }
        isMalformed = true
        return nil
    }
}
