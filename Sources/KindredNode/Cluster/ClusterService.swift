import KindredModel
package import KindredReplication
package import Logging
import NIOCore

/// A node's life in a cluster: introduces it, waits until it is a member, connects it with its peers, and lets it begin anew when its storage has
/// failed. Operators' questions and changes come here, too.
package actor ClusterService {
    /// Makes the connections to the peers, once it is known who this node is.
    package typealias MakeTransport =
        @Sendable (_ clusterID: [UInt8], _ node: NodeID, _ generation: UInt64) async throws -> any PeerTransport
        & Sendable

    package nonisolated let loop: DataLoop
    package nonisolated let registration: RegisteredNode
    package nonisolated let clusterName: String
    private let store: any ConfigurationStore
    private let logger: Logger
    private let makeTransport: MakeTransport
    nonisolated let configurator: Configurator
    private var transport: (any PeerTransport & Sendable)?
    private var joining: Task<Void, Never>?
    private var directory: [UInt8] = []
    private var lastProblem = ""
    private var mustRejoin = false
    private var isFollowing = false
    private var isIntroduced = false

    /// - Parameters:
    ///   - store: where the configuration of the cluster is.
    ///   - registration: how this node introduces itself.
    package init(
        _ loop: DataLoop, in clusterName: String, store: any ConfigurationStore, as registration: RegisteredNode,
        logger: Logger, makeTransport: @escaping MakeTransport
    ) {
        self.loop = loop
        self.clusterName = clusterName
        self.store = store
        self.registration = registration
        self.logger = logger
        self.makeTransport = makeTransport
        let eventLoop = loop.eventLoop
        configurator = Configurator(store: store, logger: logger, randomBytes: loop.environment.randomBytes) { news in
            eventLoop.execute { loop.adopt(news) }
        }
    }

    /// Introduces the node; if the configuration service cannot be reached now, as soon as it can. It serves requests once the cluster has been
    /// created.
    ///
    /// - Throws: if the storage fails.
    package func start() async throws {
        directory = try await loop.eventLoop.submit { try self.loop.directoryID() }.get()
        loop.eventLoop.execute { self.loop.whenStorageFails { Task { await self.rejoin() } } }
        do {
            try await introduce()
        } catch {
            report(error)
        }
        beginJoining()
    }

    /// Follows the configuration, announces the node, and writes down who it is and where; what of it has not been done yet.
    private func introduce() async throws {
        if !isFollowing {
            try await configurator.start()
            isFollowing = true
        }
        guard !isIntroduced else { return }
        try await store.announce(registration.name, owner: directory, bytes: Array(registration.http.utf8))
        let registration = registration
        try await configurator.change { configuration throws(ClusterRefusal) in
            _ = try configuration.introduce(registration)
        }
        isIntroduced = true
    }

    /// Says why the node does not serve, and logs it when it is news.
    private func report(_ error: any Error) {
        let problem = "\(error)"
        loop.eventLoop.execute { self.loop.cannotJoin(problem) }
        if problem != lastProblem {
            logger.error("the node cannot join its cluster yet", metadata: ["reason": "\(problem)"])
        }
        lastProblem = problem
    }

    /// Leaves in good order: the others need not wait for the lease to end.
    package func stop() async {
        joining?.cancel()
        await joining?.value
        await configurator.stop()
        await store.withdraw(registration.name)
        await store.close()
    }

    /// Begins anew after the storage has failed; once more, if it has failed while the node was joining.
    private func rejoin() {
        mustRejoin = true
        beginJoining()
    }

    private func beginJoining() {
        guard joining == nil else { return }
        joining = Task {
            repeat {
                self.mustRejoin = false
                await self.join()
            } while self.mustRejoin && !Task.isCancelled
            self.joining = nil
        }
    }

    /// - Parameter start: tells this start, or this beginning anew, from all others.
    private func register(_ start: UInt64) async throws -> (id: NodeID, generation: UInt64)? {
        var registration = registration
        registration.start = start
        return try await configurator.change { [registration] configuration throws(ClusterRefusal) in
            let known = try configuration.register(registration)
            return known.map { Registered(id: $0.id, generation: $0.generation) }
        }.map { ($0.id, $0.generation) }
    }

    private struct Registered: Sendable {
        let id: NodeID
        let generation: UInt64
    }

    private func join() async {
        let start = loop.environment.randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) } | 1
        while !Task.isCancelled {
            do {
                try await introduce()
                let configuration = try await configurator.change { $0 }
                try await loop.eventLoop.submit {
                    try self.loop.checkDirectory(for: configuration, self.registration.name)
                }
                .get()
                if configuration.topology != nil, let (id, generation) = try await register(start) {
                    try await enter(as: id, generation)
                    return
                }
            } catch {
                report(error)
            }
            // Nobody tells a node that has not joined what it waits for: often enough not to be noticed by people, seldom enough for etcd.
            try? await Task.sleep(for: .milliseconds(200))
        }
    }

    private func enter(as id: NodeID, _ generation: UInt64) async throws {
        let configuration = try await configurator.change { $0 }
        let transport: any PeerTransport & Sendable
        if let existing = self.transport {
            transport = existing
        } else {
            transport = try await makeTransport(configuration.clusterID, id, generation)
            self.transport = transport
        }
        let configurator = configurator
        try await loop.eventLoop.submit {
            try self.loop.enterCluster(
                configuration, as: id, generation: generation, transport: transport, configurator: configurator)
        }.get()
        // What has changed since it was read.
        let newest = try await configurator.change { $0 }
        loop.eventLoop.execute { self.loop.adopt(.cluster(newest)) }
        logger.notice(
            "the node is part of the cluster",
            metadata: ["cluster": "\(clusterName)", "node": "\(id.rawValue)", "starts": "\(generation)"])
    }
}
