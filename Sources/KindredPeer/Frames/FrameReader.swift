import KindredModel
import KindredReplication
import NIOCore

/// Splits what a socket gives into frames.
///
/// Memory is in proportion to the bytes that have come: a length that is announced is checked, not believed.
struct FrameReader {
    private var input = ByteBuffer()

    /// A frame without its head.
    struct Frame {
        let kind: FrameKind
        var body: ByteBuffer
        /// The whole frame.
        let byteCount: Int
    }

    mutating func append(_ bytes: consuming ByteBuffer) {
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.writeBuffer(&bytes)
        }
    }

    /// Takes the next whole frame.
    mutating func next(maximum: Int) throws(MalformedBytes) -> Frame? {
        guard let length = input.getInteger(at: input.readerIndex, as: UInt32.self) else { return nil }
        guard length >= 1, length <= maximum else {
            throw MalformedBytes("frame: length \(length) is not between 1 and \(maximum)")
        }
        guard input.readableBytes > 4, let code = input.getInteger(at: input.readerIndex + 4, as: UInt8.self) else {
            return nil
        }
        guard let kind = FrameKind(rawValue: code) else { throw MalformedBytes("frame: unknown kind \(code)") }
        guard input.readableBytes - 4 >= Int(length) else { return nil }
        input.moveReaderIndex(forwardBy: 5)
        guard let body = input.readSlice(length: Int(length) - 1) else { return nil }
        return Frame(kind: kind, body: body, byteCount: Int(length) + 4)
    }

    /// To be called when no more frames can be taken, and none is kept: gives memory back.
    mutating func trim() {
        if input.readableBytes == 0 {
            input = ByteBuffer()
        } else if input.readerIndex > input.readableBytes {
            input.discardReadBytes()
        }
    }
}

/// The body of a frame of messages: of each its length (u32), then its bytes.
enum MessageBatch {
    /// Decodes a whole body, and appends its messages.
    static func decode(_ body: inout ByteBuffer, into messages: inout [PeerMessage]) throws(MalformedBytes) {
        guard body.readableBytes > 0 else { throw MalformedBytes("messages: none") }
        while body.readableBytes > 0 {
            guard let length = body.readInteger(as: UInt32.self), length <= Limits.peerMessageBytes,
                let bytes = body.readBytes(length: Int(length))
            else { throw MalformedBytes("messages: truncated") }
            messages.append(try PeerMessage(encoded: bytes))
        }
    }
}
