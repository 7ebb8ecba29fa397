/// Bytes that do not say what their format promises: truncated, too long, or out of bounds.
public struct MalformedBytes: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was being read, and what was wrong with it.
    public let reason: String

    /// - Parameter reason: what was being read, and what was wrong with it.
    public init(_ reason: String) {
        self.reason = reason
    }

    /// The reason.
    public var description: String { reason }
}

/// Reads the primitives of Kindred's binary formats from a buffer that somebody else keeps alive.
///
/// Every read checks its bounds and throws; a length is compared with what is left before anything is allocated for it. The reader
/// must not outlive the buffer it reads.
public struct ByteReader {
    @usableFromInline let bytes: UnsafeRawBufferPointer
    @usableFromInline var position: Int

    /// Starts reading at `offset`.
    @inlinable
    public init(_ bytes: UnsafeRawBufferPointer, offset: Int = 0) {
        self.bytes = bytes
        self.position = offset
    }

    /// Where the next read starts, from 0.
    @inlinable
    public var offset: Int { position }

    /// How many bytes are left.
    @inlinable
    public var remaining: Int { bytes.count - position }

    /// Whether everything has been read.
    @inlinable
    public var isAtEnd: Bool { position >= bytes.count }

    /// Reads one byte.
    @inlinable
    public mutating func byte() throws(MalformedBytes) -> UInt8 {
        guard position < bytes.count else { throw MalformedBytes("truncated") }
        defer { position += 1 }
        return bytes[position]
    }

    /// Reads an unsigned LEB128 integer: seven bits a byte, least significant first, ten bytes at most.
    @inlinable
    public mutating func varint() throws(MalformedBytes) -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard position < bytes.count else { throw MalformedBytes("truncated integer") }
            let byte = bytes[position]
            position += 1
            if shift == 63, byte > 1 { throw MalformedBytes("integer over 64 bits") }
            result |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return result }
            shift += 7
        }
    }

    /// Reads an unsigned integer of fixed width, most significant byte first.
    @inlinable
    public mutating func bigEndian<Number: FixedWidthInteger & UnsignedInteger>(
        _ type: Number.Type
    ) throws(MalformedBytes) -> Number {
        let width = MemoryLayout<Number>.size
        guard remaining >= width else { throw MalformedBytes("truncated") }
        defer { position += width }
        return Number(bigEndian: bytes.loadUnaligned(fromByteOffset: position, as: Number.self))
    }

    /// Reads an integer that counts things of at least `size` bytes each, so it cannot exceed what is left.
    @inlinable
    public mutating func count(ofAtLeast size: Int = 1) throws(MalformedBytes) -> Int {
        let value = try varint()
        guard value <= UInt64(remaining / max(size, 1)) else { throw MalformedBytes("count exceeds the bytes left") }
        return Int(truncatingIfNeeded: value)
    }

    /// Reads a length and steps over as many bytes; answers where in the buffer they are.
    @inlinable
    public mutating func lengthPrefixedRange() throws(MalformedBytes) -> Range<Int> {
        let length = try count()
        return try range(of: length)
    }

    /// Steps over `length` bytes; answers where in the buffer they are.
    @inlinable
    public mutating func range(of length: Int) throws(MalformedBytes) -> Range<Int> {
        guard length >= 0, length <= remaining else { throw MalformedBytes("truncated") }
        defer { position += length }
        return position..<(position + length)
    }

    /// Copies the bytes at `range`, which must come from this reader.
    @inlinable
    public func copy(_ range: Range<Int>) -> [UInt8] {
        [UInt8](UnsafeRawBufferPointer(rebasing: bytes[range]))
    }
}
