import KindredModel
import KindredNode
import KindredReplication
import KindredStorage
import KindredTesting
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A cluster of data loops on threads of their own, which reach each other through a switchboard instead of a network.
final class LoopCluster: Sendable {
    let nodes: [LoopNode]
    let switchboard: Switchboard
    let store: InProcessConfigurationStore

    /// Starts `count` nodes, creates the cluster of them, and waits until all of them serve.
    static func start(
        _ count: Int = 3, replicas: UInt8 = 3, partitions: UInt16 = 4, durability: Durability = .relaxed
    ) async throws -> LoopCluster {
        let cluster = try LoopCluster(count, durability: durability)
        for node in cluster.nodes { try await node.service.start() }
        try await cluster.nodes[0].service.create(partitions: partitions, n: replicas, nodes: nil)
        for node in cluster.nodes { try await node.waitUntilServing() }
        return cluster
    }

    init(_ count: Int, durability: Durability = .relaxed) throws {
        let switchboard = Switchboard()
        let store = InProcessConfigurationStore()
        self.switchboard = switchboard
        self.store = store
        nodes = try (1...count).map { try LoopNode("n\($0)", store.client(), switchboard, durability: durability) }
    }

    /// Ends everything; the tests' threads are their own.
    func stop() async {
        for node in nodes { await node.stop() }
    }
}

final class LoopNode: Sendable {
    let name: String
    let engine: FaultyStorageEngine
    let loop: DataLoop
    let service: ClusterService
    private let group: MultiThreadedEventLoopGroup

    init(
        _ name: String, _ store: any ConfigurationStore, _ switchboard: Switchboard,
        over base: any StorageEngine = MemoryStorageEngine(), durability: Durability = .relaxed
    ) throws {
        self.name = name
        engine = FaultyStorageEngine(base)
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let logger = Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
        let loop = try DataLoop(
            on: group.next(), engine: engine,
            configuration: NodeConfiguration(
                durability: durability, cacheBytes: 1 << 20, partitions: 4, name: name, isClustered: true),
            environment: NodeEnvironment(
                wallClock: { 1_000_000 }, bootID: "boot",
                randomBytes: { count in (0..<count).map { _ in UInt8.random(in: .min ... .max) } },
                offload: { $0() }, synchronizer: { $0() }),
            logger: logger)
        loop.start()
        self.loop = loop
        service = ClusterService(
            loop, in: "test", store: store,
            as: RegisteredNode(
                name: name, peer: PeerAddress(host: name, port: 1), pb: "\(name):8087", http: "\(name):8098"),
            logger: logger
        ) { _, node, _ in switchboard.connect(node, loop) }
    }

    func waitUntilServing() async throws {
        try await eventually("\(name) serves") { try await self.service.report().local.state == "serving" }
    }

    func stop() async {
        await service.stop()
        try? await loop.eventLoop.submit { try self.loop.close() }.get()
        try? await group.shutdownGracefully()
    }

    // MARK: Requests

    @discardableResult
    func put(
        _ value: String, to key: String = "k", type: String = "siblings", token: [UInt8] = [],
        _ adjust: @Sendable @escaping (inout ReplicaCounts) -> Void = { _ in }
    ) async throws -> [UInt8] {
        let content = ObjectContent(value: Array(value.utf8)).encoded()
        var counts = ReplicaCounts()
        counts.timeoutMilliseconds = 5_000
        adjust(&counts)
        let replicas = counts
        return try await loop.run { loop throws(RequestFailure) in
            let answer = try ObjectName.named(type, key).withReference { object throws(RequestFailure) in
                try token.withBytes { token throws(RequestFailure) in
                    try loop.put(PutRequest(object: object, content: content, token: token, replicas: replicas))
                }
            }
            return answer.map { loop.token($0.writerKnows, for: $0.object.key) }
        }
    }

    func get(
        _ key: String = "k", type: String = "siblings",
        _ adjust: @Sendable @escaping (inout ReplicaCounts) -> Void = { _ in }
    ) async throws -> (values: [String], token: [UInt8]) {
        var counts = ReplicaCounts()
        counts.timeoutMilliseconds = 5_000
        adjust(&counts)
        let replicas = counts
        return try await loop.run { loop throws(RequestFailure) in
            let answer = try ObjectName.named(type, key).withReference { object throws(RequestFailure) in
                try loop.get(object, replicas: replicas)
            }
            guard let answer else { return nil }
            let values = answer.versions.compactMap { version in
                version.content.flatMap { try? ObjectContent(encoded: Array($0)) }
                    .map { String(decoding: $0.value, as: UTF8.self) }
            }
            return (values.sorted(), loop.token(answer.knowledge, for: answer.key))
        }
    }

    func delete(_ key: String = "k", type: String = "siblings", token: [UInt8]) async throws {
        _ = try await loop.run { loop throws(RequestFailure) in
            try ObjectName.named(type, key).withReference { object throws(RequestFailure) in
                try token.withBytes { token throws(RequestFailure) in try loop.delete(object, token: token)?.isNew }
            }
        }
    }

    func keys(type: String = "siblings") async throws -> [String] {
        var listing = try await loop.run { loop throws(RequestFailure) -> NameListing? in
            try Array("bucket".utf8).withBytes { bucket throws(RequestFailure) in
                try Array(type.utf8).withBytes { type throws(RequestFailure) in
                    try loop.keyListing(bucket: bucket, ofType: type)
                }
            }
        }
        var keys: [String] = []
        while case (let names?, let rest) = try await loop.next(of: listing, limit: 3) {
            keys += names.map { String(decoding: $0, as: UTF8.self) }
            listing = rest
        }
        return keys
    }
}

extension ObjectName {
    static func named(_ type: String, _ key: String) -> ObjectName {
        ObjectName(type: Array(type.utf8), bucket: Array("bucket".utf8), key: Array(key.utf8))
    }
}

/// Passes messages from loop to loop, in their encoded form, and can hold nodes apart.
final class Switchboard: Sendable {
    private struct State {
        var loops: [NodeID: DataLoop] = [:]
        var isolated: Set<NodeID> = []
        var cut: Set<NodeID> = []
        /// By how many milliseconds a node's clock is ahead of the true time, as all measure it.
        var leads: [NodeID: Int64] = [:]
    }

    private let state = Mutex(State())

    func connect(_ node: NodeID, _ loop: DataLoop) -> any PeerTransport & Sendable {
        let others = state.withLock { state in
            state.loops[node] = loop
            return state.loops
        }
        for (other, otherLoop) in others where other != node {
            otherLoop.eventLoop.execute { otherLoop.reachabilityChanged(of: node, isReachable: true) }
            loop.eventLoop.execute { loop.reachabilityChanged(of: other, isReachable: true) }
        }
        return Line(node: node, switchboard: self)
    }

    /// Cuts a node off from all others, or joins it again; all of them hear of it.
    func isolate(_ node: NodeID, _ isIsolated: Bool) {
        let loops = state.withLock { state in
            if isIsolated { state.isolated.insert(node) } else { state.isolated.remove(node) }
            return state.loops
        }
        for (other, loop) in loops where other != node {
            loop.eventLoop.execute { loop.reachabilityChanged(of: node, isReachable: !isIsolated) }
            if let own = loops[node] {
                own.eventLoop.execute { own.reachabilityChanged(of: other, isReachable: !isIsolated) }
            }
        }
    }

    /// Loses what is said to a node and by it, without anybody noticing, or stops to.
    func cut(_ node: NodeID, _ isCut: Bool) {
        state.withLock { state in
            if isCut { state.cut.insert(node) } else { state.cut.remove(node) }
        }
    }

    /// Has all measure that a node's clock is ahead, or right.
    func setLead(of node: NodeID, milliseconds: Int64) {
        state.withLock { $0.leads[node] = milliseconds }
    }

    fileprivate func clocks(seenBy node: NodeID) -> [NodeID: ClockMeasurement] {
        state.withLock { state in
            guard !state.isolated.contains(node) else { return [:] }
            return state.loops.keys.reduce(into: [:]) { clocks, other in
                guard other != node, !state.isolated.contains(other) else { return }
                let offset = (state.leads[other] ?? 0) - (state.leads[node] ?? 0)
                clocks[other] = ClockMeasurement(offset: offset * 1_000, uncertainty: 100, age: 0)
            }
        }
    }

    fileprivate func pass(_ message: PeerMessage, from sender: NodeID, to receiver: NodeID) {
        let loop = state.withLock { state -> DataLoop? in
            let lost = state.isolated.union(state.cut)
            return lost.contains(sender) || lost.contains(receiver) ? nil : state.loops[receiver]
        }
        guard let loop, let copy = try? PeerMessage(encoded: message.encoded()) else { return }
        loop.eventLoop.execute { loop.received([copy], from: sender) }
    }

    private final class Line: PeerTransport, Sendable {
        private let node: NodeID
        private let switchboard: Switchboard

        init(node: NodeID, switchboard: Switchboard) {
            self.node = node
            self.switchboard = switchboard
        }

        func send(_ message: PeerMessage, to receiver: NodeID) {
            switchboard.pass(message, from: node, to: receiver)
        }

        func flush() {}
        func setPeers(_ peers: [NodeID: PeerAddress]) {}
        func status() -> [PeerStatus] { [] }
        func clocks() -> [NodeID: ClockMeasurement] { switchboard.clocks(seenBy: node) }
    }
}

struct NeverHappened: Error, CustomStringConvertible {
    let description: String
}

/// Waits until something is true; five minutes are more than any machine needs.
func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(300)
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw NeverHappened(description: what)
}
