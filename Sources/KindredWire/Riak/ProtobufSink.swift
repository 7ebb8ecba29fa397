import KindredModel

/// Where a message goes as it is encoded: `ProtobufLength` counts its bytes, `ProtobufWriter` writes them.
///
/// A message that is described once, by a generic function, and run through both, can not differ from its reservation.
protocol ProtobufSink {
    mutating func varint(_ value: UInt64)
    mutating func bytes(_ bytes: UnsafeRawBufferPointer)
}

extension ProtobufSink {
    /// A field of type `bytes`.
    @inline(__always)
    mutating func field(_ number: UInt64, _ value: UnsafeRawBufferPointer) {
        header(number, length: value.count)
        bytes(value)
    }

    /// A field of type `bytes`, if it is present.
    mutating func field(_ number: UInt64, _ value: [UInt8]?) {
        guard let value else { return }
        value.withUnsafeBytes { field(number, $0) }
    }

    /// A field of type `uint32`.
    @inline(__always)
    mutating func field(_ number: UInt64, _ value: UInt32) {
        varint(number << 3)
        varint(UInt64(value))
    }

    /// A field of type `uint32`, if it is present.
    mutating func field(_ number: UInt64, _ value: UInt32?) {
        guard let value else { return }
        field(number, value)
    }

    /// A field of type `bool`.
    @inline(__always)
    mutating func field(_ number: UInt64, _ value: Bool) {
        varint(number << 3)
        varint(value ? 1 : 0)
    }

    /// A field of type `bool`, if it is present.
    mutating func field(_ number: UInt64, _ value: Bool?) {
        guard let value else { return }
        field(number, value)
    }

    /// What precedes a field of type `bytes`, or a message within the message, of `length` bytes.
    @inline(__always)
    mutating func header(_ number: UInt64, length: Int) {
        varint(number << 3 | 2)
        varint(UInt64(length))
    }
}

/// Counts the bytes of a message.
struct ProtobufLength: ProtobufSink {
    private(set) var count = 0

    @inline(__always)
    mutating func varint(_ value: UInt64) {
        count += [UInt8].varintLength(value)
    }

    @inline(__always)
    mutating func bytes(_ bytes: UnsafeRawBufferPointer) {
        count += bytes.count
    }

    /// Counts bytes that need not be shown.
    @inline(__always)
    mutating func count(_ length: Int) {
        count += length
    }
}

/// Writes the bytes of a message into memory reserved for them. Stops the process rather than write outside of it.
struct ProtobufWriter: ProtobufSink {
    private let memory: UnsafeMutableRawBufferPointer
    private var position = 0

    init(_ memory: UnsafeMutableRawBufferPointer) {
        self.memory = memory
    }

    /// How much of the memory is not written yet.
    var remaining: Int { memory.count - position }

    @inline(__always)
    mutating func varint(_ value: UInt64) {
        var value = value
        while value >= 0x80 {
            byte(UInt8(truncatingIfNeeded: value) | 0x80)
            value >>= 7
        }
        byte(UInt8(truncatingIfNeeded: value))
    }

    @inline(__always)
    mutating func bytes(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count <= remaining, "message longer than its reservation")
        guard let source = bytes.baseAddress, let start = memory.baseAddress else { return }
        (start + position).copyMemory(from: source, byteCount: bytes.count)
        position += bytes.count
    }

    @inline(__always)
    private mutating func byte(_ byte: UInt8) {
        precondition(position < memory.count, "message longer than its reservation")
        memory[position] = byte
        position += 1
    }
}
