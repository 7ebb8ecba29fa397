/// Writes the primitives of Kindred's binary formats; `ByteReader` reads them back.
extension Array where Element == UInt8 {
    /// Appends an unsigned LEB128 integer: seven bits a byte, least significant first.
    @inlinable
    public mutating func append(varint value: UInt64) {
        var value = value
        while value >= 0x80 {
            append(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        append(UInt8(truncatingIfNeeded: value))
    }

    /// Appends an unsigned integer of fixed width, most significant byte first.
    @inlinable
    public mutating func append<Number: FixedWidthInteger & UnsignedInteger>(bigEndian value: Number) {
        var shift = Number.bitWidth
        while shift > 0 {
            shift -= 8
            append(UInt8(truncatingIfNeeded: value >> Number(shift)))
        }
    }

    /// Appends the length of `bytes` as a varint, then the bytes.
    @inlinable
    public mutating func append(lengthPrefixed bytes: some Collection<UInt8>) {
        append(varint: UInt64(bytes.count))
        append(contentsOf: bytes)
    }

    /// How many bytes `append(varint:)` would write.
    @inlinable
    public static func varintLength(_ value: UInt64) -> Int {
        value < 0x80 ? 1 : (63 - value.leadingZeroBitCount) / 7 + 1
    }
}
