import KindredNode
import KindredPeer
import NIOCore
import NIOPosix
import Synchronization

/// A plain socket: writes bytes, and keeps what comes.
final class RawConnection: Sendable {
    private let channel: any Channel
    private let inbox: Inbox

    /// What a channel has brought.
    final class Inbox: Sendable {
        private let state = Mutex<(bytes: [UInt8], isClosed: Bool)>(([], false))

        var bytes: [UInt8] { state.withLock { $0.bytes } }
        var isClosed: Bool { state.withLock { $0.isClosed } }

        func append(_ more: some Sequence<UInt8>) { state.withLock { $0.bytes += more } }
        func close() { state.withLock { $0.isClosed = true } }
    }

    final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let inbox: Inbox

        init(_ inbox: Inbox) { self.inbox = inbox }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            inbox.append(unwrapInboundIn(data).readableBytesView)
        }

        func channelInactive(context: ChannelHandlerContext) { inbox.close() }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    /// - Parameter tls: what makes of the plain socket something else.
    static func dial(
        _ address: PeerAddress, tls: (@Sendable () throws -> any ChannelHandler)? = nil
    ) async throws -> RawConnection {
        let inbox = Inbox()
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(tls()) }
                    try channel.pipeline.syncOperations.addHandler(Collector(inbox))
                }
            }
            .connect(host: address.host, port: address.port).get()
        return RawConnection(channel, inbox)
    }

    init(_ channel: any Channel, _ inbox: Inbox) {
        self.channel = channel
        self.inbox = inbox
    }

    func send(_ bytes: [UInt8]) {
        channel.writeAndFlush(ByteBuffer(bytes: bytes), promise: nil)
    }

    func close() async throws { try await channel.close() }

    /// Reads, after a start that read nothing.
    func beginReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    var received: [UInt8] { inbox.bytes }
    var isClosed: Bool { inbox.isClosed }
}

/// Accepts connections, and does with them what a test says.
final class RawServer: Sendable {
    let address: PeerAddress
    private let channel: any Channel
    private let box: Box

    /// - Parameter readsNothing: what peers send stays in the sockets' buffers.
    static func start(readsNothing: Bool = false, answer: [UInt8] = []) async throws -> RawServer {
        let connections = Box()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.autoRead, value: !readsNothing)
            .childChannelInitializer { channel in
                let inbox = RawConnection.Inbox()
                let connection = RawConnection(channel, inbox)
                connections.accepted.withLock { $0.append(connection) }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers(
                        RawConnection.Collector(inbox), Greeter(answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = PeerAddress(host: "127.0.0.1", port: channel.localAddress?.port ?? 0)
        return RawServer(address, channel, connections)
    }

    private final class Box: Sendable {
        let accepted = Mutex<[RawConnection]>([])
    }

    /// Says the same to everybody.
    private final class Greeter: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let answer: [UInt8]

        init(_ answer: [UInt8]) { self.answer = answer }

        func channelActive(context: ChannelHandlerContext) {
            if !answer.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: answer)), promise: nil) }
            context.fireChannelActive()
        }
    }

    private init(_ address: PeerAddress, _ channel: any Channel, _ box: Box) {
        self.address = address
        self.channel = channel
        self.box = box
    }

    var connections: [RawConnection] { box.accepted.withLock { $0 } }

    func close() async throws {
        try await channel.close()
        for connection in connections where !connection.isClosed { try? await connection.close() }
    }
}

/// Frames as docs/formats/peer-transport.md has them, written without the code that is tested.
enum RawFrame {
    static func hello(
        magic: String = "KNDP", versions: (UInt8, UInt8) = (1, 1), clusterID: [UInt8] = testClusterID,
        sender: UInt8, receiver: UInt8, generation: UInt8 = 1, extra: [UInt8] = []
    ) -> [UInt8] {
        let body =
            Array(magic.utf8) + [versions.0, versions.1] + clusterID + [0, 0, 0, sender, 0, 0, 0, receiver]
            + [0, 0, 0, 0, 0, 0, 0, generation] + extra
        return frame(1, body)
    }

    static func welcome(node: UInt8, version: UInt8 = 1, generation: UInt8 = 1) -> [UInt8] {
        frame(2, [version, 0, 0, 0, node, 0, 0, 0, 0, 0, 0, 0, generation])
    }

    static func refusal(_ text: String) -> [UInt8] { frame(3, Array(text.utf8)) }

    static func ping(_ time: UInt8) -> [UInt8] { frame(5, [0, 0, 0, 0, 0, 0, 0, time]) }

    static func pong(_ time: UInt8, isAnswerable: Bool) -> [UInt8] {
        frame(6, [0, 0, 0, 0, 0, 0, 0, time, isAnswerable ? 1 : 0])
    }

    /// What the wall clock of a tested node shows unless a test says otherwise, in microseconds.
    static let wall: UInt64 = 0x0006_0102_0304_0506

    /// The answer to a ping, of a node whose clock stands still.
    static func answer(_ time: UInt8, isAnswerable: Bool) -> [UInt8] {
        let wall: [UInt8] = [0x00, 0x06, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06]
        return frame(6, [0, 0, 0, 0, 0, 0, 0, time, isAnswerable ? 3 : 2] + wall + wall)
    }

    static func messages(_ messages: [[UInt8]]) -> [UInt8] {
        frame(4, messages.flatMap { length($0.count) + $0 })
    }

    static func frame(_ kind: UInt8, _ body: [UInt8]) -> [UInt8] { length(body.count + 1) + [kind] + body }

    static func length(_ count: Int) -> [UInt8] {
        [UInt8(count >> 24 & 0xFF), UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)]
    }
}
