import KindredWire
import NIOCore
import NIOPosix
import Synchronization

/// Takes real connections and frames, and answers what a test tells it to, sense or nonsense.
final class FakeServer: Sendable {
    /// A request as it came.
    struct Request: Sendable {
        let code: RiakMessageCode?
        let body: [UInt8]
        /// Counts the requests of one connection, from 0.
        let number: Int
    }

    enum Reply: Sendable {
        case frame(RiakMessageCode, [UInt8] = [])
        /// Bytes that need not be a frame, or not all of one.
        case bytes([UInt8])
        case close
    }

    let port: Int
    private let channel: any Channel
    private let log: Log

    /// The requests of all connections, in the order in which they came.
    var requests: [Request] { log.requests.withLock { $0 } }

    private final class Log: Sendable {
        let requests = Mutex<[Request]>([])
    }

    private init(channel: any Channel, log: Log) {
        self.channel = channel
        self.log = log
        port = channel.localAddress?.port ?? 0
    }

    /// Starts a server on loopback; no replies at all leave the client waiting.
    static func start(_ respond: @escaping @Sendable (Request) -> [Reply]) async throws -> FakeServer {
        let log = Log()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Handler { request in
                            log.requests.withLock { $0.append(request) }
                            return respond(request)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return FakeServer(channel: channel, log: log)
    }

    func stop() async throws { try await channel.close() }

    /// Serves a test, and stops whatever the test's outcome.
    static func serving(
        _ respond: @escaping @Sendable (Request) -> [Reply], _ test: (FakeServer) async throws -> Void
    ) async throws {
        let server = try await start(respond)
        do {
            try await test(server)
        } catch {
            try await server.stop()
            throw error
        }
        try await server.stop()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let respond: (Request) -> [Reply]
        private var received = ByteBuffer()
        private var count = 0

        init(_ respond: @escaping (Request) -> [Reply]) { self.respond = respond }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var bytes = unwrapInboundIn(data)
            received.writeBuffer(&bytes)
            while case .frame(let frame) = received.riakFrame() {
                received.moveReaderIndex(forwardBy: RiakFrame.headerLength)
                let body = received.readBytes(length: frame.body.count) ?? []
                for reply in respond(Request(code: frame.message, body: body, number: count)) {
                    send(reply, context)
                }
                count += 1
            }
        }

        private func send(_ reply: Reply, _ context: ChannelHandlerContext) {
            var buffer = ByteBuffer()
            switch reply {
            case .frame(let code, let body):
                buffer.writeInteger(UInt32(body.count + 1))
                buffer.writeInteger(code.rawValue)
                buffer.writeBytes(body)
            case .bytes(let bytes):
                buffer.writeBytes(bytes)
            case .close:
                return context.close(promise: nil)
            }
            context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
        }
    }
}

extension FakeServer.Reply {
    /// A message of generated code.
    static func message(_ code: RiakMessageCode, _ message: some RiakMessage) -> Self {
        .frame(code, (try? message.riakBody()) ?? [])
    }

    /// An error text.
    static func error(_ text: String) -> Self {
        var message = RpbErrorResp()
        message.errmsg = .init(text.utf8)
        message.errcode = 0
        return .message(.errorResponse, message)
    }

    /// An object with text values, each with its version tag.
    static func object(_ values: [(text: String, tag: String)], context: [UInt8]? = [1, 2, 3]) -> Self {
        var message = RpbGetResp()
        message.content = values.map { RpbContent.text($0.text, tag: $0.tag) }
        if let context { message.vclock = .init(context) }
        return .message(.getResponse, message)
    }
}

extension RpbContent {
    static func text(_ text: String, tag: String) -> RpbContent {
        var content = RpbContent()
        content.value = .init(text.utf8)
        content.contentType = .init("text/plain".utf8)
        content.vtag = .init(tag.utf8)
        content.lastMod = 1_795_442_592
        content.lastModUsecs = 123_456
        return content
    }
}
