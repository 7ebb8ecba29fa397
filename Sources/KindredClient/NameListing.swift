import KindredWire
import NIOCore

/// Names as the server finds them, in no order, each once; a key that is written or deleted meanwhile may or may not be among them.
///
/// Listing walks through all that is stored: it is for operators and tests, not for serving requests. Each iteration lists anew, over
/// a connection of its own, so other requests go on meanwhile; the server is read from only as fast as the names are taken.
///
/// ```swift
/// for try await key in client.keys(in: carts) { print(key) }
/// ```
public struct NameListing: AsyncSequence, Sendable {
    /// A name.
    public typealias Element = Name
    /// What may end a listing early.
    public typealias Failure = ClientError

    typealias Pieces = NIOThrowingAsyncSequenceProducer<
        [Name], any Error, NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark, ReadingOn
    >

    let request: Result<ByteBuffer, ClientError>
    let expected: RiakMessageCode
    let open: @Sendable () async -> Result<ClientConnection, ClientError>

    /// Prepares to list; the first element asked for starts it.
    public func makeAsyncIterator() -> Iterator { Iterator(listing: self) }

    /// Takes the names one by one.
    public struct Iterator: AsyncIteratorProtocol {
        private let listing: NameListing
        private var pieces: Pieces.AsyncIterator?
        private var current: ArraySlice<Name> = []
        private var isFinished = false

        init(listing: NameListing) { self.listing = listing }

        /// The next name; nil after the last.
        public mutating func next() async throws(ClientError) -> Name? {
            while current.isEmpty {
                guard !isFinished, let piece = try await nextPiece() else {
                    isFinished = true
                    pieces = nil
                    return nil
                }
                current = piece[...]
            }
            return current.popFirst()
        }

        private mutating func nextPiece() async throws(ClientError) -> [Name]? {
            do {
                if pieces == nil { pieces = try await listing.start() }
                let piece = try await pieces?.next()
                if piece == nil, Task.isCancelled {
                    throw ClientError(.cancelled, "the task was cancelled while names were being listed")
                }
                return piece
            } catch {
                isFinished = true
                throw error as? ClientError ?? ClientError(.connectionClosed, "the listing ended early: \(error)")
            }
        }
    }

    private func start() async throws(ClientError) -> Pieces.AsyncIterator {
        let frame = try request.get()
        let connection = try await open().get()
        // A piece holds hundreds of names: few of them are enough to keep the reader busy.
        let pieces = Pieces.makeSequence(
            elementType: [Name].self, failureType: (any Error).self,
            backPressureStrategy: .init(lowWatermark: 2, highWatermark: 8), finishOnDeinit: true,
            delegate: ReadingOn(connection: connection))
        connection.list(frame, as: expected, into: pieces.source)
        return pieces.sequence.makeAsyncIterator()
    }

    /// Tells the connection what becomes of the listing.
    final class ReadingOn: NIOAsyncSequenceProducerDelegate {
        private let connection: ClientConnection

        init(connection: ClientConnection) { self.connection = connection }

        func produceMore() { connection.resumeReading() }

        func didTerminate() { connection.close() }
    }

    /// What one frame of a listing holds.
    struct Piece {
        let names: [Name]
        let isLast: Bool

        /// Decodes the body of an answer with this code; nil if it is none.
        init?(_ code: RiakMessageCode, _ body: UnsafeRawBufferPointer) {
            switch code {
            case .listKeysResponse:
                guard let piece = try? RpbListKeysResp(riakBody: body) else { return nil }
                names = piece.keys.map { Name(bytes: $0) }
                isLast = piece.done
            case .listBucketsResponse:
                guard let piece = try? RpbListBucketsResp(riakBody: body) else { return nil }
                names = piece.buckets.map { Name(bytes: $0) }
                isLast = piece.done
            default:
                return nil
            }
        }
    }
}
