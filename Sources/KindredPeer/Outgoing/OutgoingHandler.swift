import KindredModel
import KindredReplication
import NIOCore

/// The channel of an outgoing connection: says hello, then carries messages and heartbeats of this node to the peer,
/// and the peer's answers to both back. What it learns it tells the link.
final class OutgoingHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let hello: Hello
    /// Whom the connection belongs to; nil once one of them has given up the other.
    private var link: PeerLink?
    private var context: ChannelHandlerContext?
    private var input = FrameReader()
    private var isOpen = false
    private var failure: (any Error)?

    init(_ link: PeerLink, _ hello: Hello) {
        self.link = link
        self.hello = hello
    }

    // MARK: What the link asks

    var isWritable: Bool { context?.channel.isWritable ?? false }

    func send(_ frame: ByteBuffer) {
        context?.writeAndFlush(wrapOutboundOut(frame), promise: nil)
    }

    /// Closes the connection; the link hears nothing more of it.
    func close() {
        link = nil
        context?.close(promise: nil)
    }

    // MARK: The channel

    /// The handler is added to a channel that is connected.
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        var frame = context.channel.allocator.buffer(capacity: 64)
        hello.write(into: &frame)
        send(frame)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        input.append(unwrapInboundIn(data))
        do throws(MalformedBytes) {
            while link != nil, let frame = try input.next(maximum: Limits.peerHandshakeBytes) { try take(frame) }
            input.trim()
        } catch {
            end(.malformed("\(error)"))
        }
    }

    private func take(_ frame: FrameReader.Frame) throws(MalformedBytes) {
        var body = frame.body
        switch frame.kind {
        case .welcome where !isOpen:
            let welcome = try Welcome(body: &body)
            if let objection = link?.objection(to: welcome, hello) { return end(objection) }
            isOpen = true
            link?.opened(welcome)
        case .refusal where !isOpen: end(.refused(Refusal.text(body: &body)))
        case .pong where isOpen: link?.answered(try Pong(body: &body))
        case .hello, .welcome, .refusal, .messages, .ping, .pong:
            throw MalformedBytes("a frame of kind \(frame.kind) is out of place")
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { link?.becameWritable() }
        context.fireChannelWritabilityChanged()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(LinkFailure(failure))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        failure = failure ?? error
        context.close(promise: nil)
    }

    private func end(_ failure: LinkFailure) {
        guard let link else { return }
        close()
        link.lost(failure)
    }
}
