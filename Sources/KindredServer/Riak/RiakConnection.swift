import KindredNode
import KindredReplication
import KindredStorage
import KindredWire
import NIOCore

/// One client's connection over Riak's protocol buffers: bytes in, requests run in the data loop's ticks, answers out, in order.
///
///     socket ─► input ─► (tick) frames, one after the other ─► output ─► (commit, disk) held ─► socket
///
/// The connection takes part in a tick whenever it has a whole frame. What the tick's requests answer is kept back until the tick is
/// committed, and with synced durability until it is durable; answers leave in the order of their requests. While a request waits
/// for an object from the disk, or a listing is being sent, the connection is *busy*: what the client sends meanwhile stays where it
/// is, at first here, then in the socket.
final class RiakConnection: ChannelDuplexHandler, TickParticipant {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let loop: DataLoop
    private let requests: RiakRequests
    private let listener: RiakListenerState
    private var context: ChannelHandlerContext?

    private var input = ByteBuffer()
    /// The answers of the tick that is under way.
    private var output: ByteBuffer
    /// How many requests this tick has answered.
    private var answeredInTick = 0
    /// Answers that wait for the disk, or behind some that do.
    private var held: [Held] = []
    private var isAwaitingDisk = false

    private var isEnqueued = false
    private var isInputClosed = false
    private var activity = Activity.reading
    private var wantsRead = false
    private var accountedBytes = 0
    private var partialMessageTimeout: Scheduled<Void>?
    private var clientID: [UInt8] = [0, 0, 0, 0]

    private struct Held {
        let after: CommitSequence
        let answers: ByteBuffer
    }

    private enum Activity {
        /// Frames are taken as they come.
        case reading
        /// A request waits for an object from the disk and will run again.
        case parked
        /// The answer to a listing is being sent.
        case listing
        /// The client made no sense, or has gone: what is to be sent is sent, and nothing more is read.
        case closing
    }

    init(_ loop: DataLoop, _ requests: RiakRequests, _ listener: RiakListenerState) {
        self.loop = loop
        self.requests = requests
        self.listener = listener
        output = ByteBuffer()
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func channelActive(context: ChannelHandlerContext) {
        guard listener.admit() else {
            var refusal = context.channel.allocator.buffer(capacity: 64)
            refusal.appendRiakError("overload: too many connections")
            activity = .closing
            context.writeAndFlush(wrapOutboundOut(refusal), promise: nil)
            context.close(promise: nil)
            return
        }
        isAdmitted = true
        context.fireChannelActive()
    }

    private var isAdmitted = false

    func channelInactive(context: ChannelHandlerContext) {
        if isAdmitted { listener.leave() }
        listener.release(accountedBytes)
        accountedBytes = 0
        activity = .closing
        partialMessageTimeout?.cancel()
        self.context = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if input.readableBytes == 0 {
            input = bytes
        } else {
            input.writeBuffer(&bytes)
        }
        enqueue()
    }

    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { wantsRead = true }
    }

    /// A connection that holds more requests than it gets to answer stops reading, and its client feels it. A large message may
    /// come in whole: memory has been promised for it.
    private var mayRead: Bool { input.readableBytes < max(Self.readAheadBytes, accountedBytes) }

    private func readIfWanted() {
        guard wantsRead, mayRead, let context else { return }
        wantsRead = false
        context.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable, input.readableBytes > 0 { enqueue() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The client has said all it has to say, and still listens: it is answered, then the connection is closed.
        if case .inputClosed? = event as? ChannelEvent {
            isInputClosed = true
            if activity == .reading, !isEnqueued, !hasWholeFrame {
                activity = .closing
                closeWhenSent(context)
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset by the peer, mostly. Nothing can be said to it any more.
        context.close(promise: nil)
    }

    private static let readAheadBytes = 256 << 10

    // MARK: The tick

    private func enqueue() {
        // While the client does not read its answers, nothing more is asked for it; `channelWritabilityChanged` goes on.
        guard !isEnqueued, activity == .reading, context?.channel.isWritable == true else { return }
        isEnqueued = true
        loop.enqueue(self)
    }

    func perform(on loop: DataLoop) {
        isEnqueued = false
        answeredInTick = 0
        if activity == .parked { activity = .reading }
        guard let context else { return }
        while activity == .reading, context.channel.isWritable, answeredInTick < Limits.requestsPerConnectionAndTick,
            output.readableBytes < Limits.outputHighWatermark
        {
            switch input.riakFrame(maximumLength: Limits.frameBytes) {
            case .incomplete(let needed):
                return expect(needed)
            case .invalid(let length):
                output.appendRiakError(
                    "Invalid message packet, reason: length \(length) is not between 1 and \(Limits.frameBytes)")
                answeredInTick += 1
                activity = .closing
            case .frame(let frame):
                guard run(frame) else { return }
                input.moveReaderIndex(forwardBy: frame.end)
                answeredInTick += 1
                loop.endRequest()
            }
        }
    }

    /// Runs one request.
    ///
    /// - Returns: false if it has to run again later.
    private func run(_ frame: RiakFrame) -> Bool {
        let step = input.withUnsafeReadableBytes { bytes in
            requests.answer(
                frame, UnsafeRawBufferPointer(rebasing: bytes[frame.body]), on: loop, clientID: &clientID,
                into: &output, isFirstInTick: answeredInTick == 0)
        }
        switch step {
        case .answered: return true
        case .parked:
            activity = .parked
            return false
        case .nextTick:
            enqueue()
            return false
        case .list(let listing):
            activity = .listing
            self.listing = listing
            return true
        case .close:
            activity = .closing
            return true
        }
    }

    func finish(_ end: TickEnd) {
        guard let context else { return }
        switch end {
        case .committed(let after):
            if output.readableBytes > 0 { send(after) }
        case .failed(let error):
            output.clear()
            let text = RiakErrorText.text(for: .storage(error))
            for _ in 0..<answeredInTick { output.appendRiakError(text) }
            if output.readableBytes > 0 { send(nil) }
            // A listing of this tick has been answered like the rest.
            if activity == .listing {
                listing = nil
                activity = .reading
            }
        }
        trimInput()
        switch activity {
        case .reading:
            if hasWholeFrame {
                enqueue()
            } else if isInputClosed {
                activity = .closing
                closeWhenSent(context)
            }
        case .parked: break
        case .listing: continueListing()
        case .closing: closeWhenSent(context)
        }
        readIfWanted()
    }

    private var hasWholeFrame: Bool {
        if case .incomplete = input.riakFrame(maximumLength: Limits.frameBytes) { return false }
        return true
    }

    // MARK: Answers

    private func send(_ after: CommitSequence?) {
        if after == nil, held.isEmpty {
            context?.writeAndFlush(wrapOutboundOut(output), promise: nil)
            recycleOutput()
            return
        }
        held.append(Held(after: after ?? .zero, answers: output))
        output = ByteBuffer()
        if !isAwaitingDisk {
            isAwaitingDisk = true
            loop.awaitSynchronization(self)
        }
    }

    func release(_ result: Result<CommitSequence, StorageError>) {
        isAwaitingDisk = false
        guard let context else { return }
        switch result {
        case .success(let sequence):
            let ready = held.prefix { $0.after <= sequence }
            for part in ready { context.write(wrapOutboundOut(part.answers), promise: nil) }
            held.removeFirst(ready.count)
            context.flush()
            if !held.isEmpty {
                isAwaitingDisk = true
                loop.awaitSynchronization(self)
            }
        case .failure:
            // Whether these writes were kept is not known, and neither yes nor no would be true: the client sees the
            // connection close, which it must take for "unknown".
            held.removeAll()
            activity = .closing
        }
        if activity == .closing { closeWhenSent(context) }
    }

    private func closeWhenSent(_ context: ChannelHandlerContext) {
        guard held.isEmpty else { return }
        context.close(promise: nil)
    }

    private func recycleOutput() {
        // `clear` keeps the memory if the write is through already; large answers give it back.
        if output.capacity > 256 << 10 { output = ByteBuffer() } else { output.clear() }
    }

    // MARK: Input

    /// A frame has begun: holds what is there, bounds what may come, and gives up on a client that never finishes.
    private func expect(_ needed: Int) {
        guard input.readableBytes > 0 else { return }
        if needed > Self.readAheadBytes, accountedBytes < needed {
            guard listener.reserve(needed - accountedBytes) else {
                output.appendRiakError("overload: too many large messages at once")
                answeredInTick += 1
                activity = .closing
                return
            }
            accountedBytes = needed
            input.discardReadBytes()
        }
        guard partialMessageTimeout == nil else { return }
        partialMessageTimeout = loop.eventLoop.assumeIsolated().scheduleTask(in: .seconds(Limits.partialMessageSeconds))
        {
            self.partialMessageTimeout = nil
            self.context?.close(promise: nil)
        }
    }

    private func trimInput() {
        if input.readableBytes == 0 {
            input = ByteBuffer()
        } else if input.readerIndex > Self.readAheadBytes {
            input.discardReadBytes()
        }
        guard answeredInTick > 0 else { return }
        partialMessageTimeout?.cancel()
        partialMessageTimeout = nil
        if accountedBytes > 0 {
            listener.release(accountedBytes)
            accountedBytes = 0
        }
    }

    // MARK: Listings

    private var listing: RiakListing?

    /// Fetches the next part of a listing, as long as the client takes them.
    private func continueListing() {
        guard let listing else { return }
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        listing.next(on: loop) { part, next in bound.value.send(part, then: next) }
    }

    private func send(_ part: RiakListing.Part, then next: RiakListing) {
        guard let context, activity == .listing else { return }
        var answer = context.channel.allocator.buffer(capacity: 4_096)
        let isLast = part.append(to: &answer)
        let sent = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(answer), promise: sent)
        if isLast {
            listing = nil
            activity = .reading
            enqueue()
            readIfWanted()
        } else {
            listing = next
            let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
            sent.futureResult.whenSuccess { bound.value.continueListing() }
        }
    }
}
