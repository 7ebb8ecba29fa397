import Hummingbird
import HummingbirdCore
package import KindredNode
import KindredReplication
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// Listens for HTTP, on a thread of its own: Riak's HTTP interface never takes time of the data loop's but for the requests
/// themselves.
package struct HTTPListener: Sendable {
    /// Where it listens: host and port.
    package let address: String
    private let services: ServiceGroup
    private let running: Task<Void, any Error>

    /// A connection on which nothing comes and nothing goes for so long is closed, also in the middle of a request.
    private static let idleTimeout = TimeAmount.seconds(Limits.partialMessageSeconds)

    /// Starts to listen.
    ///
    /// - Parameter port: 0 lets the system choose one.
    package static func start(
        host: String, port: Int, loop: DataLoop, nodeName: String, cluster: ClusterAccess = ClusterAccess(),
        logger: Logger
    ) async throws -> HTTPListener {
        let responder = RiakHTTPResponder(
            loop: loop, nodeName: nodeName, cluster: ClusterHTTPResponder(access: cluster),
            conflicts: ConflictHTTPResponder(service: ConflictService(loop: loop)))
        var serverLogger = logger
        // What Hummingbird logs of its own at "info" are the comings and goings of its server.
        serverLogger.logLevel = max(logger.logLevel, .warning)
        let (ports, continuation) = AsyncThrowingStream<Int, any Error>.makeStream()
        let application = Application(
            responder: CallbackResponder { (request: Request, _: BasicRequestContext) in
                await responder.respond(to: request)
            },
            server: .http1(configuration: .init(idleTimeout: idleTimeout)),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port), serverName: "Kindred",
                availableConnectionsDelegate: MaximumAvailableConnections(Limits.connections, logger: logger)),
            onServerRunning: { channel in
                continuation.yield(channel.localAddress?.port ?? port)
                continuation.finish()
            },
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup(numberOfThreads: 1)),
            logger: serverLogger)
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(services: [.init(service: application)], logger: serverLogger))
        let running = Task {
            do {
                try await services.run()
            } catch {
                continuation.finish(throwing: error)
                throw error
            }
        }
        for try await port in ports {
            return HTTPListener(address: "\(host):\(port)", services: services, running: running)
        }
        throw ServiceGroupError.serviceFinishedUnexpectedly()
    }

    /// Stops to listen, and waits for the requests that are under way.
    package func stop() async throws {
        await services.triggerGracefulShutdown()
        _ = await running.result
    }
}
