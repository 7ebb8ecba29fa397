import KindredNode
import KindredReplication
import Logging
import NIOCore
import NIOPosix
import NIOSSL

/// How connections are let in.
extension PeerNetwork {
    func bind() -> EventLoopFuture<any Channel> {
        ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: 256)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.socketOption(.so_keepalive), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(.recvAllocator, value: Self.receiveAllocator)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls = self.configuration.tls {
                        try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls.serverContext))
                    }
                    try channel.pipeline.syncOperations.addHandler(IncomingHandler(self))
                }
            }
            .bind(host: configuration.listen.host, port: configuration.listen.port)
    }

    private static let receiveAllocator = AdaptiveRecvByteBufferAllocator(
        minimum: 1_024, initial: 16_384, maximum: 262_144)

    /// Why somebody is not let in.
    struct Objection: Error {
        let reason: String
    }

    /// Whether whoever has introduced itself is a peer.
    func judge(_ hello: Hello) -> Result<Welcome, Objection> {
        guard hello.clusterID == configuration.clusterID else {
            return .failure(Objection(reason: "this is another cluster"))
        }
        guard hello.receiver == configuration.node else {
            return .failure(Objection(reason: "this is node \(configuration.node), not \(hello.receiver)"))
        }
        guard hello.sender != configuration.node else {
            return .failure(Objection(reason: "this is node \(configuration.node) itself"))
        }
        let version = min(hello.highestVersion, FrameVersion.highest)
        guard version >= hello.lowestVersion, version >= FrameVersion.lowest else {
            let theirs = "\(hello.lowestVersion) to \(hello.highestVersion)"
            let ours = "\(FrameVersion.lowest) to \(FrameVersion.highest)"
            return .failure(Objection(reason: "no common version: \(theirs) there, \(ours) here"))
        }
        if let objection = generations.admit(hello.sender, hello.generation) {
            return .failure(Objection(reason: objection))
        }
        return .success(Welcome(version: version, node: configuration.node, generation: configuration.generation))
    }

    func admitted(_ handler: IncomingHandler, _ hello: Hello) {
        incoming.setCurrent(handler, of: hello.sender)?.close()
        links[hello.sender]?.wasDialled(by: hello.generation)
    }

    func logIncoming(_ text: String, from address: SocketAddress?) {
        guard let suppressed = incomingLog.admit(text) else { return }
        logger.warning(
            "incoming connection: \(text)",
            metadata: ["from": "\(address.map { "\($0)" } ?? "unknown")", "suppressed": "\(suppressed)"])
    }
}
