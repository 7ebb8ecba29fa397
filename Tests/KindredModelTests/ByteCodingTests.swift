import KindredModel
import KindredTesting
import Testing

@Suite struct ByteCodingTests {
    /// Every power of two and its neighbours.
    private static let interesting: [UInt64] = (0..<64 as Range<UInt64>).flatMap { bit -> [UInt64] in
        let power: UInt64 = 1 << bit
        return [power - 1, power, power + 1, 0 &- power]
    }

    @Test("varints come back, in as many bytes as announced")
    func varints() throws {
        for value in Self.interesting {
            var bytes: [UInt8] = []
            bytes.append(varint: value)
            #expect(bytes.count == [UInt8].varintLength(value))
            #expect(bytes.count <= 10)
            let (read, end) = try decode(bytes) { reader throws(MalformedBytes) in
                (try reader.varint(), reader.isAtEnd)
            }
            #expect(read == value)
            #expect(end)
            for length in 0..<bytes.count {
                #expect(throws: MalformedBytes.self) {
                    try decode(Array(bytes[..<length])) { reader throws(MalformedBytes) in try reader.varint() }
                }
            }
        }
    }

    @Test("varints are seven bits a byte, least significant first")
    func varintBytes() {
        var bytes: [UInt8] = []
        bytes.append(varint: 300)
        bytes.append(varint: 0)
        bytes.append(varint: 127)
        #expect(bytes == [0xAC, 0x02, 0x00, 0x7F])
    }

    @Test("varints over 64 bits are refused")
    func longVarints() {
        let full = Array(repeating: UInt8(0xFF), count: 9)
        for tail in [[2], [0x80, 0], [0x81, 0], [0xFF, 1]] as [[UInt8]] {
            #expect(throws: MalformedBytes.self) {
                try decode(full + tail) { reader throws(MalformedBytes) in try reader.varint() }
            }
        }
    }

    @Test("integers of fixed width come back, most significant byte first")
    func bigEndian() throws {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt8(0x01))
        bytes.append(bigEndian: UInt16(0x0203))
        bytes.append(bigEndian: UInt32(0x0405_0607))
        bytes.append(bigEndian: UInt64(0x0809_0A0B_0C0D_0E0F))
        #expect(bytes == Array(1...15))
        let read = try decode(bytes) { reader throws(MalformedBytes) in
            (
                try reader.byte(), try reader.bigEndian(UInt16.self), try reader.bigEndian(UInt32.self),
                try reader.bigEndian(UInt64.self)
            )
        }
        #expect(read == (1, 0x0203, 0x0405_0607, 0x0809_0A0B_0C0D_0E0F))
        for length in 0..<8 {
            #expect(throws: MalformedBytes.self) {
                try decode(Array(bytes[..<length])) { reader throws(MalformedBytes) in
                    try reader.bigEndian(UInt64.self)
                }
            }
        }
    }

    @Test("bytes with their length come back, and leave the reader behind them")
    func lengthPrefixed() throws {
        var bytes: [UInt8] = []
        bytes.append(lengthPrefixed: [5, 6, 7])
        bytes.append(lengthPrefixed: [])
        bytes.append(9)
        let (first, second, remaining, offset) = try decode(bytes) { reader throws(MalformedBytes) in
            let first = reader.copy(try reader.lengthPrefixedRange())
            let second = reader.copy(try reader.lengthPrefixedRange())
            return (first, second, reader.remaining, reader.offset)
        }
        #expect(first == [5, 6, 7])
        #expect(second.isEmpty)
        #expect(remaining == 1)
        #expect(offset == 5)
    }

    @Test("lengths and counts over what is left are refused")
    func bounds() {
        for value in [4, 127, 1 << 31, 1 << 62, 1 << 63, .max] as [UInt64] {
            var bytes: [UInt8] = []
            bytes.append(varint: value)
            bytes += [1, 2, 3]
            #expect(throws: MalformedBytes.self) {
                try decode(bytes) { reader throws(MalformedBytes) in try reader.lengthPrefixedRange() }
            }
            #expect(throws: MalformedBytes.self) {
                try decode(bytes) { reader throws(MalformedBytes) in try reader.count() }
            }
        }
        // Three bytes hold one thing of two bytes, and no two.
        #expect(throws: MalformedBytes.self) {
            try decode([2, 1, 2, 3]) { reader throws(MalformedBytes) in try reader.count(ofAtLeast: 2) }
        }
        #expect(throws: Never.self) {
            try decode([1, 1, 2, 3]) { reader throws(MalformedBytes) in try reader.count(ofAtLeast: 2) }
        }
        #expect(throws: MalformedBytes.self) {
            try decode([1]) { reader throws(MalformedBytes) in try reader.range(of: -1) }
        }
        #expect(throws: MalformedBytes.self) {
            try decode([1]) { reader throws(MalformedBytes) in try reader.range(of: 2) }
        }
    }

    @Test("reading can start anywhere, and ends at the end")
    func offset() throws {
        let bytes: [UInt8] = [1, 2, 3]
        let remaining = bytes.withUnsafeBytes { ByteReader($0, offset: 2).remaining }
        #expect(remaining == 1)
        let (last, isAtEnd) = try bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer, offset: 2)
            return (try reader.byte(), reader.isAtEnd)
        }
        #expect(last == 3)
        #expect(isAtEnd)
        #expect(throws: MalformedBytes("truncated")) {
            try decode([]) { reader throws(MalformedBytes) in try reader.byte() }
        }
        #expect(MalformedBytes("truncated").description == "truncated")
    }
}
