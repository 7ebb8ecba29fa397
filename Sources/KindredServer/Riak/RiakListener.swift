package import KindredNode
import NIOCore
import NIOPosix

/// Listens for clients of Riak's protocol buffers, on the data loop's own event loop: their requests run where the data is.
package struct RiakListener: Sendable {
    /// Where it listens: host and port.
    package let address: String
    private let channel: any Channel

    /// Starts to listen.
    ///
    /// - Parameter port: 0 lets the system choose one.
    package static func start(
        host: String, port: Int, loop: DataLoop, nodeName: String
    ) async throws -> RiakListener {
        let state = NIOLoopBoundBox.makeBoxSendingValue(RiakListenerState(), eventLoop: loop.eventLoop)
        let requests = RiakRequests(nodeName: nodeName)
        let channel = try await ServerBootstrap(group: loop.eventLoop)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 1_024, initial: 16_384, maximum: 262_144)
            )
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(RiakConnection(loop, requests, state.value))
                }
            }
            .bind(host: host, port: port).get()
        return RiakListener(address: "\(host):\(channel.localAddress?.port ?? port)", channel: channel)
    }

    /// Stops to accept connections; those that exist go on.
    package func stop() async throws {
        try await channel.close()
    }
}
