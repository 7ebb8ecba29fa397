/// A fingerprint, in 128 bits, of everything that has happened in a run: two runs with the same one took the same
/// steps in the same order.
///
/// It finds nondeterminism by accident, not by intent: two independently mixed lanes of 64 bits, with no claim to
/// resist someone who looks for a collision.
package struct TraceHash: Hashable, Sendable, CustomStringConvertible {
    private var low: UInt64 = 0x6A09_E667_F3BC_C908
    private var high: UInt64 = 0xBB67_AE85_84CA_A73B

    /// The fingerprint of nothing.
    package init() {}

    /// Adds a number.
    package mutating func combine(_ value: UInt64) {
        low = (low ^ value) &* 0x9E37_79B9_7F4A_7C15
        low ^= low >> 29
        high = (high &+ value) &* 0xD6E8_FEB8_6659_FD93
        high ^= high >> 32
        // The lanes see different pasts, so a collision of one is none of the other.
        high &+= low << 1 | low >> 63
    }

    /// Adds a moment.
    package mutating func combine(_ time: VirtualTime) {
        combine(time.microseconds)
    }

    /// Adds bytes and their number: the bytes of two calls cannot be mistaken for those of one.
    package mutating func combine(bytes: [UInt8]) {
        combine(UInt64(bytes.count))
        bytes.withUnsafeBytes { bytes in
            var offset = 0
            while offset + 8 <= bytes.count {
                combine(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
                offset += 8
            }
            guard offset < bytes.count else { return }
            var rest: UInt64 = 0
            for byte in bytes[offset...] { rest = rest << 8 | UInt64(byte) }
            combine(rest)
        }
    }

    /// Adds text, as its UTF-8.
    package mutating func combine(_ text: String) {
        combine(bytes: Array(text.utf8))
    }

    /// 32 hexadecimal digits.
    package var description: String {
        Self.digits(high) + Self.digits(low)
    }

    private static func digits(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
