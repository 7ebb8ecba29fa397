package import KindredModel
package import NIOCore

/// One message as it travels: where its body lies among the bytes received, and its code.
///
/// ```
/// 4 bytes, big-endian: length of what follows │ 1 byte: message code │ body: length - 1 bytes
/// ```
/// Cutting copies nothing. The code may be one that nobody ever gave out; `message` names it if somebody did.
package struct RiakFrame: Equatable, Sendable {
    /// The length a frame may claim unless configured otherwise: 64 MiB, code and body together.
    package static let defaultMaximumLength = 64 << 20

    /// Length and code.
    package static let headerLength = 5

    /// The code as received.
    package let code: UInt8
    /// Where the body lies, counted from the start of the bytes the frame was cut from.
    package let body: Range<Int>

    /// The message the code stands for; nil if the protocol does not have it.
    package var message: RiakMessageCode? { RiakMessageCode(rawValue: code) }

    /// Where the next frame starts.
    package var end: Int { body.upperBound }

    /// What the bytes so far amount to.
    package enum Cut: Equatable, Sendable {
        /// A whole frame.
        case frame(RiakFrame)
        /// Not yet a frame: one needs at least so many bytes, counted from its start. Never more than the maximum.
        case incomplete(needed: Int)
        /// A length of zero or above the maximum. What follows cannot be made sense of: say so and close.
        case invalid(length: UInt32)
    }

    /// Looks for a frame that starts at `offset`.
    ///
    /// - Parameters:
    ///   - bytes: what has been received.
    ///   - offset: where the frame starts.
    ///   - maximumLength: the largest length, of code and body together, that is accepted.
    package static func cut(
        _ bytes: UnsafeRawBufferPointer, at offset: Int = 0, maximumLength: Int = defaultMaximumLength
    ) -> Cut {
        guard offset >= 0, offset <= bytes.count, bytes.count - offset >= 4 else {
            return .incomplete(needed: headerLength)
        }
        let length = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        guard length >= 1, UInt64(length) <= UInt64(clamping: maximumLength) else { return .invalid(length: length) }
        let end = offset + 4 + Int(length)
        guard end <= bytes.count else { return .incomplete(needed: end - offset) }
        return .frame(RiakFrame(code: bytes[offset + 4], body: (offset + headerLength)..<end))
    }
}

extension ByteBuffer {
    /// Looks for a frame at the reader index; `body` counts from there, as in the bytes of `withUnsafeReadableBytes`.
    ///
    /// The reader index does not move: do with the body what is to be done, then move it forward by the frame's `end`.
    package func riakFrame(maximumLength: Int = RiakFrame.defaultMaximumLength) -> RiakFrame.Cut {
        withUnsafeReadableBytes { RiakFrame.cut($0, maximumLength: maximumLength) }
    }

    /// Appends a message that has no body.
    package mutating func appendRiakFrame(_ code: RiakMessageCode) {
        writeMultipleIntegers(UInt32(1), code.rawValue)
    }

    /// Appends a message whose body is ready.
    ///
    /// - Throws: `MalformedBytes` if the buffer could not hold the frame.
    package mutating func appendRiakFrame(
        _ code: RiakMessageCode, body: [UInt8]
    ) throws(MalformedBytes) {
        try appendRiakFrame(code, bodyLength: body.count) { writer in
            body.withUnsafeBytes { writer.bytes($0) }
        }
    }

    /// Appends a message of known length in one reservation; `write` must write exactly that many bytes.
    ///
    /// - Throws: `MalformedBytes` if the buffer could not hold the frame (it may take 2 GiB in all), or what `write`
    ///   throws. Nothing is appended then.
    @inline(__always)
    mutating func appendRiakFrame(
        _ code: RiakMessageCode, bodyLength: Int, write: (inout ProtobufWriter) throws(MalformedBytes) -> Void
    ) throws(MalformedBytes) {
        guard bodyLength <= Int(Int32.max) - RiakFrame.headerLength - writerIndex else {
            throw MalformedBytes("message of \(bodyLength) bytes is too long")
        }
        let frameLength = RiakFrame.headerLength + bodyLength
        var failure: MalformedBytes?
        writeWithUnsafeMutableBytes(minimumWritableBytes: frameLength) { bytes in
            bytes.storeBytes(of: UInt32(truncatingIfNeeded: bodyLength + 1).bigEndian, as: UInt32.self)
            bytes[4] = code.rawValue
            let body = UnsafeMutableRawBufferPointer(rebasing: bytes[RiakFrame.headerLength..<frameLength])
            var writer = ProtobufWriter(body)
            do throws(MalformedBytes) {
                try write(&writer)
            } catch {
                failure = error
                return 0
            }
            precondition(writer.remaining == 0, "\(code): \(writer.remaining) of \(bodyLength) bytes not written")
            return frameLength
        }
        if let failure { throw failure }
    }
}
