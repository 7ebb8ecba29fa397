package import KindredModel
package import KindredReplication
package import Logging
import Synchronization

/// A node's line to the configuration of its cluster: reads it, follows its changes, and carries changes to it.
///
/// Changes are functions of the newest value, tried again until nobody was faster. Wishes of replicas are collected and carried together,
/// so that a node that starts with many partitions changes the configuration a few times and not once for each.
package actor Configurator {
    private let store: any ConfigurationStore
    private let logger: Logger
    private let cluster: SharedDocument<ClusterConfiguration>
    private let bucketTypes: SharedDocument<BucketTypeRegistry>
    private var presences: [String: [UInt8]] = [:]
    private var problem: String?

    private let wishes: Wishes
    private var tasks: [Task<Void, Never>] = []

    /// - Parameter observe: called with what is new; of each document in order.
    package init(
        store: any ConfigurationStore, logger: Logger, randomBytes: @escaping @Sendable (Int) -> [UInt8],
        observe: @escaping @Sendable (ConfigurationNews) -> Void
    ) {
        self.store = store
        self.logger = logger
        cluster = SharedDocument(
            .topology, in: store,
            coding: .init(
                encode: { $0.encoded() },
                decode: { bytes throws(MalformedBytes) in try ClusterConfiguration(decoding: bytes) },
                make: { ClusterConfiguration(clusterID: randomBytes(16), tokenSecret: randomBytes(32)) }),
            logger: logger, observe: { observe(.cluster($0)) })
        bucketTypes = SharedDocument(
            .buckets, in: store,
            coding: .init(
                encode: BucketTypeDocument.encode,
                decode: { bytes throws(MalformedBytes) in try BucketTypeDocument.decode(bytes) },
                make: { BucketTypeRegistry() }),
            logger: logger, observe: { observe(.bucketTypes($0)) })
        wishes = Wishes()
    }

    /// Reads what there is, makes what is lacking, and follows the changes from then on.
    package func start() async throws(ConfigurationStoreError) {
        try await cluster.refresh()
        try await bucketTypes.refresh()
        tasks.append(Task { await self.follow() })
        tasks.append(Task { await self.carryWishes() })
    }

    package func stop() async {
        for task in tasks { task.cancel() }
        wishes.end()
        for task in tasks { await task.value }
        tasks.removeAll()
    }

    // MARK: What there is

    /// The newest configuration that this node knows. Of use also while the store cannot be reached.
    package func latest() async throws(ClusterRefusal) -> ClusterConfiguration {
        guard let value = await cluster.value else { throw ClusterRefusal("the configuration has not been read yet") }
        return value
    }

    /// How things stand with the store, and who is present.
    package func state() -> (problem: String?, presences: [String: [UInt8]]) { (problem, presences) }

    private func follow() async {
        for await change in store.changes() {
            switch change {
            case .document(.topology, let state): await cluster.take(state)
            case .document(.buckets, let state): await bucketTypes.take(state)
            case .presence(let name, let bytes):
                presences[name] = bytes
            case .reachable(let isReachable, let reason):
                problem = isReachable ? nil : reason ?? "unreachable"
                if isReachable {
                    logger.notice("the configuration service can be reached again")
                } else {
                    logger.warning(
                        "the configuration service cannot be reached: reads and writes go on, changes of the cluster wait",
                        metadata: ["reason": "\(reason ?? "unknown")"])
                }
            }
        }
    }

    // MARK: Changes

    /// Changes the cluster's configuration; see `SharedDocument.change`.
    package func change<Answer: Sendable>(
        _ body: @Sendable (inout ClusterConfiguration) throws(ClusterRefusal) -> Answer
    ) async throws(ClusterRefusal) -> Answer {
        do throws(SharedDocument<ClusterConfiguration>.Failure<ClusterRefusal>) {
            return try await cluster.change(body)
        } catch {
            switch error {
            case .refused(let refusal): throw refusal
            case .store(let problem): throw ClusterRefusal("the configuration service: \(problem)")
            }
        }
    }

    /// Changes the bucket types of all nodes.
    package func changeBucketTypes(
        _ body: @Sendable (inout BucketTypeRegistry) throws(BucketTypeError) -> BucketTypeRecord
    ) async -> Result<Void, BucketTypeChangeFailure> {
        do throws(SharedDocument<BucketTypeRegistry>.Failure<BucketTypeError>) {
            _ = try await bucketTypes.change(body)
            return .success(())
        } catch {
            switch error {
            case .refused(let refusal): return .failure(.refused(refusal))
            case .store(let problem): return .failure(.unavailable("\(problem)"))
            }
        }
    }

    // MARK: What replicas wish

    /// Carries a wish of this node's replicas, some time; replicas repeat what has not been heard.
    package nonisolated func submit(_ request: ConfigurationRequest, from node: NodeID) {
        wishes.add(request, from: node)
    }

    private func carryWishes() async {
        for await _ in wishes.signals {
            let (requests, node) = wishes.take()
            guard let node, !requests.isEmpty else { continue }
            do throws(ClusterRefusal) {
                try await change { configuration throws(ClusterRefusal) in
                    for request in requests { configuration.apply(request, from: node) }
                }
            } catch {
                logger.debug("wishes of replicas were not carried", metadata: ["reason": "\(error)"])
            }
        }
    }
}

/// What is new in the configuration.
package enum ConfigurationNews: Sendable {
    case cluster(ClusterConfiguration)
    case bucketTypes(BucketTypeRegistry)
}

/// Why bucket types were not changed.
package enum BucketTypeChangeFailure: Error, Sendable {
    case refused(BucketTypeError)
    case unavailable(String)
}

/// The wishes that wait, each once, and a signal that there are some.
private final class Wishes: Sendable {
    private struct State {
        var requests: [ConfigurationRequest] = []
        var known: Set<ConfigurationRequest> = []
        var node: NodeID?
    }

    private let state = Mutex(State())
    let signals: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (signals, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ request: ConfigurationRequest, from node: NodeID) {
        state.withLock { state in
            state.node = node
            if state.known.insert(request).inserted { state.requests.append(request) }
        }
        continuation.yield()
    }

    func take() -> ([ConfigurationRequest], NodeID?) {
        state.withLock { state in
            defer {
                state.requests.removeAll()
                state.known.removeAll()
            }
            return (state.requests, state.node)
        }
    }

    func end() {
        continuation.finish()
    }
}
