import Foundation
import KindredNode
import KindredPeer
import KindredRocksDB
import KindredServer
import Logging
import NIOConcurrencyHelpers
import NIOCore
import NIOPosix
import ServiceLifecycle

/// The connections to the peers, once there are some.
final class PeerHolder: Sendable {
    private let box = NIOLockedValueBox<PeerNetwork?>(nil)

    func hold(_ network: PeerNetwork) {
        box.withLockedValue { $0 = network }
    }

    func close() async {
        let network = box.withLockedValue { $0 }
        await network?.close()
    }
}

/// A node with its listeners. Here the engine, the threads and the clocks are chosen; everything below sees only protocols.
struct RunningNode: Service {
    let name: String
    let pbAddress: String
    let httpAddress: String
    private let loop: DataLoop
    private let riak: RiakListener
    private let http: HTTPListener
    /// Nil for a node on its own.
    let cluster: ClusterService?
    private let peers: PeerHolder
    private let logger: Logger
    private let whenServing: @Sendable (RunningNode) -> Void

    /// How long requests that are under way may take when the node is told to stop.
    private static let shutdownGrace = Duration.milliseconds(250)

    /// - Parameter whenServing: called once the node serves requests and can be told to stop.
    static func start(
        _ configuration: ServerConfiguration, store: (any ConfigurationStore)? = nil, logger: Logger,
        whenServing: @escaping @Sendable (RunningNode) -> Void
    ) async throws -> RunningNode {
        raiseOpenFileLimit()
        let dataGroup = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let disk = NIOThreadPool(numberOfThreads: 4)
        let synchronizer = NIOThreadPool(numberOfThreads: 1)
        disk.start()
        synchronizer.start()

        var storage = RocksDBConfiguration(directory: configuration.data)
        storage.freeSpaceReserve = configuration.diskReserveBytes
        do {
            return try await start(
                configuration, try RocksDBStorageEngine(storage), dataGroup, disk, synchronizer, store, logger,
                whenServing)
        } catch {
            await store?.close()
            throw error
        }
    }

    private static func start(
        _ configuration: ServerConfiguration, _ engine: RocksDBStorageEngine, _ dataGroup: MultiThreadedEventLoopGroup,
        _ disk: NIOThreadPool, _ synchronizer: NIOThreadPool, _ store: (any ConfigurationStore)?, _ logger: Logger,
        _ whenServing: @escaping @Sendable (RunningNode) -> Void
    ) async throws -> RunningNode {
        let loop = try DataLoop(
            on: dataGroup.next(), engine: engine, configuration: configuration.node,
            environment: NodeEnvironment(
                wallClock: { UInt64(max(0, Date().timeIntervalSince1970 * 1_000)) },
                bootID: bootID(),
                randomBytes: { count in
                    var generator = SystemRandomNumberGenerator()
                    return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
                },
                offload: { work in disk.submit { _ in work() } },
                synchronizer: { work in synchronizer.submit { _ in work() } }),
            logger: logger)
        loop.start()
        let access = ClusterAccess(isExpected: configuration.cluster != nil)
        do {
            let riak = try await listening(on: configuration.pb, "--pb") { endpoint in
                try await RiakListener.start(
                    host: endpoint.host, port: endpoint.port, loop: loop, nodeName: configuration.node.name)
            }
            let http = try await listening(on: configuration.http, "--http") { endpoint in
                try await HTTPListener.start(
                    host: endpoint.host, port: endpoint.port, loop: loop, nodeName: configuration.node.name,
                    cluster: access, logger: logger)
            }
            let peers = PeerHolder()
            if let settings = configuration.cluster, let store {
                let service = try joiner(settings, configuration, loop, riak, http, store, peers, logger)
                access.service = service
                try await service.start()
            }
            return RunningNode(
                name: configuration.node.name, pbAddress: riak.address, httpAddress: http.address, loop: loop,
                riak: riak, http: http,
                cluster: access.service, peers: peers, logger: logger, whenServing: whenServing)
        } catch {
            try? await loop.eventLoop.submit { try loop.close() }.get()
            throw error
        }
    }

    /// Serves until it is asked to stop; then stops listening, lets what is under way end, and closes the storage in good order.
    func run() async throws {
        whenServing(self)
        try? await gracefulShutdown()
        logger.notice("stopping")
        await cluster?.stop()
        try? await riak.stop()
        try? await http.stop()
        // Requests that have begun may end; nothing counts them.
        try? await Task.sleep(for: Self.shutdownGrace)
        await peers.close()
        try await loop.eventLoop.submit { try loop.close() }.get()
        logger.notice("stopped: everything is on disk")
    }

    /// Makes the node's part in its cluster.
    private static func joiner(
        _ settings: ClusterSettings, _ configuration: ServerConfiguration, _ loop: DataLoop,
        _ riak: RiakListener, _ http: HTTPListener, _ store: any ConfigurationStore, _ peers: PeerHolder,
        _ logger: Logger
    ) throws -> ClusterService {
        var listen = PeerAddress(host: settings.peer.host, port: settings.peer.port)
        if listen.port == 0 { listen.port = try freePort(listen.host) }
        let advertised = settings.advertised.map { PeerAddress(host: $0.host, port: $0.port) } ?? listen
        let tls = try settings.tls.map { try PeerTLS(files: $0) }
        let registration = RegisteredNode(
            name: configuration.node.name, peer: advertised, pb: riak.address, http: http.address, zone: settings.zone,
            weight: settings.weight)
        let source = settings.source
        return ClusterService(loop, in: settings.name, store: store, as: registration, logger: logger) {
            [listen] clusterID, node, generation in
            let network = PeerNetwork(
                on: loop.eventLoop,
                configuration: PeerConfiguration(
                    clusterID: clusterID, node: node, generation: generation, listen: listen, sourceHost: source,
                    tls: tls),
                wallClock: { UInt64(max(0, Date().timeIntervalSince1970 * 1_000_000)) }, logger: logger)
            _ = try await network.start(observer: loop)
            peers.hold(network)
            return network
        }
    }

    /// A port that nobody listens on now. (The node must say where it listens before it knows who it is, and may listen.)
    private static func freePort(_ host: String) throws -> Int {
        let channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).bind(host: host, port: 0).wait()
        defer { try? channel.close().wait() }
        return channel.localAddress?.port ?? 0
    }

    private static func listening<Listener>(
        on endpoint: ServerConfiguration.Endpoint, _ flag: String,
        _ start: (ServerConfiguration.Endpoint) async throws -> Listener
    ) async throws -> Listener {
        do {
            return try await start(endpoint)
        } catch {
            let reason = (error as? IOError).map { String(cString: strerror($0.errnoCode)) } ?? "\(error)"
            throw ServeFailure("\(flag): cannot listen on \(endpoint.host):\(endpoint.port): \(reason)")
        }
    }

    /// Every file of the storage stays open, and so does every connection: asks for as many as this user may have.
    private static func raiseOpenFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// Names this boot of the machine, where the system says.
    private static func bootID() -> String {
        let path = "/proc/sys/kernel/random/boot_id"
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return "" }
        return text.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
