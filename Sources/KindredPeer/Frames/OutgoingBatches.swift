import KindredReplication
import NIOCore

/// Messages on their way to one peer, in frames; and the bound of what may wait.
///
/// The frame that is open takes messages until it is large or flushed. Frames wait here, not in the channel, as long as
/// the channel is not writable: a heartbeat overtakes them.
struct OutgoingBatches {
    private var open = ByteBuffer()
    private var messagesInOpen = 0
    private var closed = CircularBuffer<Batch>()
    private var closedBytes = 0

    /// A whole frame.
    struct Batch {
        let frame: ByteBuffer
        let messages: Int
    }

    /// How many bytes wait.
    var byteCount: Int { closedBytes + open.readableBytes }
    var isEmpty: Bool { closed.isEmpty && messagesInOpen == 0 }

    /// Adds a message, unless too much waits.
    mutating func append(_ message: [UInt8], maximumWaiting: Int) -> Bool {
        let waiting = byteCount
        guard message.count <= Limits.peerMessageBytes, waiting == 0 || waiting + message.count <= maximumWaiting else {
            return false
        }
        if messagesInOpen == 0 {
            open.writeInteger(0, as: UInt32.self)
            open.writeInteger(FrameKind.messages.rawValue)
        }
        open.writeInteger(UInt32(truncatingIfNeeded: message.count))
        open.writeBytes(message)
        messagesInOpen += 1
        if open.readableBytes >= Limits.peerBatchBytes { closeOpen() }
        return true
    }

    /// Takes the next frame, also if it is not full.
    mutating func next() -> Batch? {
        if closed.isEmpty, messagesInOpen > 0 { closeOpen() }
        guard let batch = closed.popFirst() else { return nil }
        closedBytes -= batch.frame.readableBytes
        return batch
    }

    /// Forgets everything.
    ///
    /// - Returns: how many messages that were.
    mutating func removeAll() -> Int {
        let count = closed.reduce(messagesInOpen) { $0 + $1.messages }
        self = OutgoingBatches()
        return count
    }

    private mutating func closeOpen() {
        open.setInteger(UInt32(truncatingIfNeeded: open.readableBytes - 4), at: open.readerIndex)
        closedBytes += open.readableBytes
        closed.append(Batch(frame: open, messages: messagesInOpen))
        // The next one is about as large; what is far above costs more memory than its growth costs time.
        open = ByteBufferAllocator().buffer(capacity: min(open.readableBytes, Self.keptCapacity))
        messagesInOpen = 0
    }

    private static let keptCapacity = 64 << 10
}
