import KindredNode
import KindredReplication
import NIOCore
import NIOPosix
import NIOSSL

/// How peers are dialled.
extension PeerNetwork {
    func connect(to address: PeerAddress) -> EventLoopFuture<any Channel> {
        var bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(configuration.silence)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.writeBufferWaterMark, value: Self.writeBufferWaterMark)
        if let sourceAddress { bootstrap = bootstrap.bind(to: sourceAddress) }
        return bootstrap.connect(host: address.host, port: address.port)
    }

    /// More waits in the link, where a heartbeat overtakes it.
    private static let writeBufferWaterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 64 << 10, high: 256 << 10)

    func add(_ handler: OutgoingHandler, to channel: any Channel) throws {
        if let tls = configuration.tls {
            // No name to compare with: nodes are known by their id, and move (docs/formats/peer-transport.md).
            try channel.pipeline.syncOperations.addHandler(
                NIOSSLClientHandler(context: tls.clientContext, serverHostname: nil))
        }
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    func hello(to node: NodeID) -> Hello {
        Hello(
            clusterID: configuration.clusterID, sender: configuration.node, receiver: node,
            generation: configuration.generation)
    }

    /// Twice as long after each failure, and never quite the same: peers that have lost each other do not dial in step.
    func pause(afterFailures failures: Int) -> TimeAmount {
        let longest = configuration.longestPause.nanoseconds
        let doubled = configuration.firstPause.nanoseconds.multipliedReportingOverflow(
            by: 1 << Int64(min(failures - 1, 20)))
        let pause = doubled.overflow ? longest : min(doubled.partialValue, longest)
        return .nanoseconds(Int64.random(in: (pause / 2)...max(pause, 1)))
    }
}
