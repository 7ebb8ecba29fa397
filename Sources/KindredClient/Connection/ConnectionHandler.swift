import KindredWire
import NIOCore

/// A request that has been sent and not been answered in full.
struct PendingRequest {
    /// Where the answer goes.
    enum Receiver {
        case answer(CheckedContinuation<Result<ByteBuffer, ClientError>, Never>)
        case listing(NameListing.Pieces.Source)
        /// Whoever asked has gone; the answer still has to be taken off the connection.
        case nobody
    }

    let handle: RequestHandle
    let expected: RiakMessageCode
    fileprivate(set) var receiver: Receiver
    /// When waiting for the answer, or for the next piece of it, ends.
    fileprivate(set) var deadline = NIODeadline.distantFuture

    init(_ handle: RequestHandle, _ expected: RiakMessageCode, _ receiver: Receiver) {
        self.handle = handle
        self.expected = expected
        self.receiver = receiver
    }

    fileprivate func fail(_ error: ClientError) {
        switch receiver {
        case .answer(let continuation): continuation.resume(returning: .failure(error))
        case .listing(let pieces): pieces.finish(error)
        case .nobody: break
        }
    }
}

/// Matches answers to requests: the server answers in the order in which it was asked.
///
/// ```
///            send                      frame with the expected code, or an error
/// (nothing) ──────▶ queue: r1 r2 r3 ───────────────────────────────────────────────▶ first request finished
///                     │
///                     │  no answer in time · a frame that is no answer · the connection ends
///                     ▼
///                   closed: every request fails, now and later
/// ```
/// After an answer that did not come or made no sense, nobody could tell which request the next one belongs to; so the connection
/// ends then. Lives on its event loop.
final class ConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let configuration: ClientConfiguration
    private let eventLoop: any EventLoop
    private let timeout: TimeAmount
    private let maximumAnswerBytes: Int
    private var context: ChannelHandlerContext?
    private var received = ByteBuffer()
    private var queue = CircularBuffer<PendingRequest>()
    private var timer: Scheduled<Void>?
    /// Why there are no more answers.
    private var end: ClientError?
    /// A listing has more than its reader takes.
    private var isPaused = false
    private var isReadDue = false

    init(configuration: ClientConfiguration, eventLoop: any EventLoop) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        timeout = TimeAmount(configuration.requestTimeout)
        // A buffer holds less than 4 GiB, and doubles as it grows.
        maximumAnswerBytes = min(configuration.maximumAnswerBytes, 1 << 30)
    }

    // MARK: Asked by the client

    func send(_ frame: ByteBuffer, _ request: PendingRequest) {
        if request.handle.isCancelled {
            return request.fail(ClientError(.cancelled, "the task was cancelled before the request was sent"))
        }
        guard let context, end == nil else {
            return request.fail(
                ClientError(.connectionClosed, end.map { "not connected: \($0.message)" } ?? "not connected"))
        }
        guard queue.count < configuration.maximumPendingRequests else {
            return request.fail(
                ClientError(.invalidRequest, "\(queue.count) requests wait for their answers, and no more may"))
        }
        var request = request
        request.deadline = .now() + timeout
        queue.append(request)
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        watchTheClock()
    }

    /// Nobody waits for the answer any more. It still comes, and is dropped then.
    func abandon(_ handle: RequestHandle) {
        guard let index = queue.firstIndex(where: { $0.handle === handle }) else { return }
        queue[index].fail(ClientError(.cancelled, "the task was cancelled while the request was under way"))
        queue[index].receiver = .nobody
    }

    func resumeReading() {
        guard isPaused else { return }
        isPaused = false
        if !queue.isEmpty { queue[queue.startIndex].deadline = .now() + timeout }
        watchTheClock()
        if isReadDue {
            isReadDue = false
            context?.read()
        }
    }

    func close() {
        finish(ClientError(.connectionClosed, "the connection was closed by this client"))
    }

    // MARK: Told by the channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func read(context: ChannelHandlerContext) {
        if isPaused { isReadDue = true } else { context.read() }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if received.readableBytes == 0 { received = bytes } else { received.writeBuffer(&bytes) }
        while end == nil {
            switch received.riakFrame(maximumLength: maximumAnswerBytes) {
            case .incomplete:
                // Answers that were handed out share this memory; what is left of it is a part of one read at most.
                if received.readerIndex > 0 { received = ByteBuffer(bytes: received.readableBytesView) }
                return
            case .invalid(let length):
                violated("the server announced an answer of \(length) bytes; answers have 1 to \(maximumAnswerBytes)")
            case .frame(let frame):
                received.moveReaderIndex(forwardBy: RiakFrame.headerLength)
                deliver(received.readSlice(length: frame.body.count) ?? ByteBuffer(), code: frame.code)
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(
            ClientError(
                .connectionClosed,
                "the server closed the connection before it answered: whether the request was carried out is unknown"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(ClientError(.connectionClosed, "the connection broke: \(error)"))
    }

    // MARK: Inside

    private func deliver(_ body: ByteBuffer, code: UInt8) {
        guard let request = queue.first else { return violated("the server answered what nobody had asked") }
        if code == RiakMessageCode.errorResponse.rawValue {
            let refusal = body.withUnsafeReadableBytes { bytes in
                (try? RiakErrorResponse(bytes)).map { String(decoding: $0.message, as: UTF8.self) }
            }
            guard let refusal else { return violated("the server answered with an error that cannot be read") }
            queue.removeFirst()
            request.fail(ClientError(serverText: refusal))
        } else if code != request.expected.rawValue {
            return violated("the server answered with message \(code) where \(request.expected.rawValue) was due")
        } else if request.expected.isListing {
            deliver(piece: body, to: request)
        } else {
            queue.removeFirst()
            if case .answer(let continuation) = request.receiver { continuation.resume(returning: .success(body)) }
        }
        watchTheClock()
    }

    private func deliver(piece body: ByteBuffer, to request: PendingRequest) {
        let piece = body.withUnsafeReadableBytes { NameListing.Piece(request.expected, $0) }
        guard let piece else { return violated("the server sent a piece of a listing that cannot be read") }
        queue[queue.startIndex].deadline = .now() + timeout
        if case .listing(let source) = request.receiver {
            if !piece.names.isEmpty {
                switch source.yield(piece.names) {
                case .produceMore: break
                case .stopProducing: isPaused = !piece.isLast
                case .dropped: queue[queue.startIndex].receiver = .nobody
                }
            }
            if piece.isLast { source.finish() }
        }
        if piece.isLast { queue.removeFirst() }
    }

    /// Waits for the deadline of the request that is due first.
    private func watchTheClock() {
        guard timer == nil, !isPaused, let first = queue.first else { return }
        timer = eventLoop.assumeIsolated().scheduleTask(deadline: first.deadline) { [weak self] in
            self?.timer = nil
            self?.lookAtTheClock()
        }
    }

    private func lookAtTheClock() {
        guard !isPaused, let first = queue.first else { return }
        guard first.deadline <= .now() else { return watchTheClock() }
        let patience = "\(configuration.requestTimeout)"
        queue.removeFirst()
        first.fail(
            ClientError(
                .timeout, "no answer within \(patience): whether the request was carried out is unknown"))
        finish(ClientError(.connectionClosed, "given up, because a request before was not answered within \(patience)"))
    }

    /// What came is no answer: the request that waited for one hears what it was, and the connection ends.
    private func violated(_ message: String) {
        finish(ClientError(.protocolViolation, message))
    }

    private func finish(_ error: ClientError) {
        guard end == nil else { return }
        end = error
        timer?.cancel()
        timer = nil
        received = ByteBuffer()
        let unanswered = queue
        queue.removeAll()
        for request in unanswered { request.fail(error) }
        context?.close(promise: nil)
    }
}

extension RiakMessageCode {
    /// Whether the answer comes in pieces.
    fileprivate var isListing: Bool { self == .listKeysResponse || self == .listBucketsResponse }
}
