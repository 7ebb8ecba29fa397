import KindredModel
import KindredReplication
import NIOCore

/// The channel of an incoming connection: answers the hello of whoever has dialled, then takes its messages and answers
/// its heartbeats. Nothing else is ever sent on it; what this node has to say goes over its own connection.
final class IncomingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let network: PeerNetwork
    private var context: ChannelHandlerContext?
    private var input = FrameReader()
    private var state = State.greeting
    /// What this read has brought.
    private var messages: [PeerMessage] = []
    private var unansweredPing: (time: UInt64, arrived: UInt64)?

    // Signs of life, by heartbeats of our own.
    private var heartbeats = 0
    private var hasRead = false
    private var hasPonged = false

    private enum State {
        /// Nobody has introduced itself yet.
        case greeting
        case open(NodeID, generation: UInt64)
        case closed
    }

    init(_ network: PeerNetwork) {
        self.network = network
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        if !network.incoming.add(self) {
            network.logIncoming("too many connections", from: context.remoteAddress)
            close()
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input.append(unwrapInboundIn(data))
        if case .open = state { hasRead = true }
        do throws(MalformedBytes) {
            while let maximum = frameMaximum, let frame = try input.next(maximum: maximum) { try take(frame) }
            input.trim()
        } catch {
            network.logIncoming("closed: \(error)", from: context.remoteAddress)
            close()
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if let ping = unansweredPing {
            unansweredPing = nil
            pong(answering: ping)
        }
        if !messages.isEmpty, case .open(let node, _) = state {
            let received = messages
            messages = []
            network.received(received, from: node)
        }
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset or an unclean end is how a process that was killed says good-bye; it says nothing before the hello
        // but to port scanners.
        if case .greeting = state { network.logIncoming("closed: \(error)", from: context.remoteAddress) }
        context.close(promise: nil)
    }

    // MARK: Frames

    /// Nil when nothing more is read.
    private var frameMaximum: Int? {
        switch state {
        case .greeting: Limits.peerHandshakeBytes
        case .open: Limits.peerFrameBytes
        case .closed: nil
        }
    }

    private func take(_ frame: FrameReader.Frame) throws(MalformedBytes) {
        var body = frame.body
        switch (state, frame.kind) {
        case (.greeting, .hello):
            greet(try Hello(body: &body))
        case (.open(let node, _), .messages):
            let before = messages.count
            try MessageBatch.decode(&body, into: &messages)
            network.count(messages: messages.count - before, bytes: frame.byteCount, from: node)
        case (.open, .ping):
            // One answer a read is enough.
            unansweredPing = (try Ping.time(body: &body), network.wallClock())
        case (.greeting, _):
            throw MalformedBytes("a frame of kind \(frame.kind) before the hello")
        case (.open, _):
            throw MalformedBytes("a frame of kind \(frame.kind) is out of place")
        case (.closed, _): break
        }
    }

    private func greet(_ hello: Hello) {
        guard let context else { return }
        var answer = context.channel.allocator.buffer(capacity: 64)
        switch network.judge(hello) {
        case .failure(let objection):
            network.logIncoming("refused node \(hello.sender): \(objection.reason)", from: context.remoteAddress)
            Refusal.write(objection.reason, into: &answer)
            context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
            close()
        case .success(let welcome):
            state = .open(hello.sender, generation: hello.generation)
            welcome.write(into: &answer)
            context.writeAndFlush(wrapOutboundOut(answer), promise: nil)
            network.admitted(self, hello)
        }
    }

    /// Tells the peer that it is heard, and whether it can be answered.
    ///
    /// - Parameter ping: the time that the ping carried which is answered, and when it came; nil answers none.
    func pong(answering ping: (time: UInt64, arrived: UInt64)? = nil) {
        // Who asks and does not read the answers gets no more of them: they would pile up here.
        guard case .open(let node, _) = state, let context, context.channel.isWritable else { return }
        var frame = context.channel.allocator.buffer(capacity: 32)
        let times = ping.map { Pong.Times(arrived: $0.arrived, left: network.wallClock()) }
        Pong(echo: ping?.time ?? 0, isAnswerable: network.canAnswer(node), times: times).write(into: &frame)
        context.writeAndFlush(wrapOutboundOut(frame), promise: nil)
        hasPonged = true
    }

    // MARK: Time

    /// A heartbeat interval has passed.
    func tick() {
        defer {
            hasRead = false
            hasPonged = false
        }
        heartbeats = hasRead ? 0 : heartbeats + 1
        switch state {
        case .greeting:
            // Bytes that are no hello buy no time.
            ticksOfGreeting += 1
            if ticksOfGreeting >= network.heartbeatsOfHandshake {
                network.logIncoming("closed: no hello in time", from: context?.remoteAddress)
                close()
            }
        case .open:
            // Behind a long message the pings are late, but the peer must not think that nobody is there.
            if hasRead, !hasPonged { pong() }
            if heartbeats >= network.heartbeatsOfSilence * Self.patience { close() }
        case .closed: break
        }
    }

    private var ticksOfGreeting = 0

    /// After so many times the silence that makes a peer unreachable, its connection is given up: it dials anew when it
    /// is back.
    private static let patience = 5

    // MARK: The end

    /// A process of the node is there with this generation; if it is a later one, this connection is none of the node's
    /// any more.
    func wasReplaced(by generation: UInt64) {
        guard case .open(_, let known) = state, known < generation else { return }
        close()
    }

    func close() {
        leave()
        context?.close(promise: nil)
    }

    private func leave() {
        if case .closed = state { return }
        let node: NodeID? = if case .open(let node, _) = state { node } else { nil }
        state = .closed
        messages.removeAll()
        network.incoming.remove(self, node)
    }
}
