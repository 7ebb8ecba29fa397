/// The two kinds of request that are sent and measured.
package enum Operation: UInt8, Sendable {
    case get
    case put
}

/// What one reply says, as offsets into the bytes it was read from: nothing is copied.
package struct Reply: Equatable {
    package enum Outcome: Equatable {
        /// A get found its key, or a put was accepted.
        case success
        /// A get found nothing.
        case notFound
        /// The server refused; `text` says why.
        case refused
        /// These bytes are no reply to what was asked; the connection can't be used any more.
        case malformed
    }

    package var outcome: Outcome
    /// Bytes the reply takes, counted from its first.
    package var length = 0
    /// The first value, when a get found one.
    package var value = 0..<0
    /// Values returned: more than one are siblings.
    package var values = 0
    /// The causal context, empty when there is none.
    package var context = 0..<0
    /// The error's text, when refused.
    package var text = 0..<0

    static let malformed = Reply(outcome: .malformed)
}

/// How requests become bytes and bytes become replies, without allocation.
///
/// Both protocols answer in the order of the requests, so a reply needs no name for the request it belongs to.
package protocol RequestCodec {
    init(_ options: LoadOptions)

    /// Most bytes that one encoded request takes, with a context of `RequestLimits.longestContext` bytes.
    var largestRequest: Int { get }

    /// Writes a get of key number `key` and returns its length. `destination` has room for `largestRequest` bytes.
    func encodeGet(key: Int, into destination: UnsafeMutableRawPointer) -> Int

    /// Writes a put of `value`, stamped with its key (`ValueStamp`), and returns its length. `value` has the size of the
    /// options' values, `context` may be empty.
    /// `destination` has room for `largestRequest` bytes.
    func encodePut(
        key: Int, value: UnsafeRawBufferPointer, context: UnsafeRawBufferPointer,
        into destination: UnsafeMutableRawPointer
    ) -> Int

    /// The reply that `bytes` begins with, or nil if more bytes are needed.
    func decodeReply(_ bytes: UnsafeRawBufferPointer, to operation: Operation) -> Reply?
}

package enum RequestLimits {
    /// Longest reply that is read: four of the largest values. A length above it is not believed.
    package static let longestReply = LoadOptions.largestValueSize * 4
    /// Longest causal context that is remembered and sent back.
    package static let longestContext = 510
    /// Longest line of a RESP reply.
    package static let longestLine = 1 << 16
}

/// Keys are `key:` and twelve digits: 16 bytes, the form that redis-benchmark uses.
package enum KeyText {
    package static let length = 16

    /// Writes key number `key` (at most twelve digits) at `destination`.
    package static func write(_ key: Int, to destination: UnsafeMutableRawPointer) {
        destination.storeBytes(of: 0x3A79_656B, as: UInt32.self)  // "key:", little-endian
        var rest = UInt64(key)
        var position = length - 1
        while position >= 4 {
            let (quotient, digit) = rest.quotientAndRemainder(dividingBy: 10)
            destination.storeBytes(of: UInt8(truncatingIfNeeded: digit) &+ 0x30, toByteOffset: position, as: UInt8.self)
            rest = quotient
            position -= 1
        }
    }
}

extension UnsafeMutableRawPointer {
    /// Copies `bytes` here and returns the place behind them.
    @inline(__always)
    func appending(_ bytes: [UInt8]) -> UnsafeMutableRawPointer {
        bytes.withUnsafeBytes { copying($0) } + bytes.count
    }

    /// Copies `bytes` here and returns this place.
    @inline(__always)
    func copying(_ bytes: UnsafeRawBufferPointer) -> UnsafeMutableRawPointer {
        if let base = bytes.baseAddress, bytes.count > 0 {
            copyMemory(from: base, byteCount: bytes.count)
        }
        return self
    }
}
