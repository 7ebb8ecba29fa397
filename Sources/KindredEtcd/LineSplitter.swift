import NIOCore

/// Cuts a stream of bytes into lines. A line may come in many pieces, and a piece may have many lines.
struct LineSplitter {
    private let limit: Int
    private var buffer = ByteBuffer()
    /// So many bytes of the buffer have no line's end.
    private var searched = 0

    /// - Parameter limit: the longest line in bytes.
    init(limit: Int) {
        self.limit = limit
    }

    /// A line was longer than the limit.
    struct LineTooLong: Error {}

    mutating func append(_ piece: ByteBuffer) {
        buffer.discardReadBytes()
        buffer.writeImmutableBuffer(piece)
    }

    /// The next whole line, without its end; nil if there is none yet.
    mutating func next() throws(LineTooLong) -> ByteBuffer? {
        let view = buffer.readableBytesView.dropFirst(searched)
        guard let end = view.firstIndex(of: UInt8(ascii: "\n")) else {
            searched = buffer.readableBytes
            guard searched <= limit else { throw LineTooLong() }
            return nil
        }
        let length = end - buffer.readerIndex
        guard length <= limit else { throw LineTooLong() }
        let line = buffer.readSlice(length: length)
        buffer.moveReaderIndex(forwardBy: 1)
        searched = 0
        return line
    }
}
