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
    private let randomBytes: @Sendable (Int) -> [UInt8]
    private let observe: @Sendable (ConfigurationNews) -> Void

    private var configuration: ClusterConfiguration?
    private var revision: UInt64 = 0
    private var bucketTypes: BucketTypeRegistry?
    private var bucketRevision: UInt64 = 0
    private var presences: [String: [UInt8]] = [:]
    private var problem: String?

    private let wishes: Wishes
    private var tasks: [Task<Void, Never>] = []

    /// - Parameter observe: called with what is new, in order.
    package init(
        store: any ConfigurationStore, logger: Logger, randomBytes: @escaping @Sendable (Int) -> [UInt8],
        observe: @escaping @Sendable (ConfigurationNews) -> Void
    ) {
        self.store = store
        self.logger = logger
        self.randomBytes = randomBytes
        self.observe = observe
        wishes = Wishes()
    }

    /// Reads what there is, makes what is lacking, and follows the changes from then on.
    package func start() async throws(ConfigurationStoreError) {
        try await refresh()
        try await refreshBucketTypes()
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
    package func latest() throws(ClusterRefusal) -> ClusterConfiguration {
        guard let configuration else { throw ClusterRefusal("the configuration has not been read yet") }
        return configuration
    }

    /// How things stand with the store, and who is present.
    package func state() -> (problem: String?, presences: [String: [UInt8]]) { (problem, presences) }

    private func follow() async {
        for await change in store.changes() {
            switch change {
            case .document(.topology, let document):
                guard let bytes = document.bytes, document.revision > revision else { continue }
                if let decoded = decode(bytes) { take(decoded, document.revision) }
            case .document(.buckets, let document):
                guard let bytes = document.bytes, document.revision > bucketRevision else { continue }
                if let decoded = decodeBucketTypes(bytes) { take(decoded, document.revision) }
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

    private func take(_ newer: ClusterConfiguration, _ newRevision: UInt64) {
        guard newRevision > revision else { return }
        configuration = newer
        revision = newRevision
        observe(.cluster(newer))
    }

    private func take(_ newer: BucketTypeRegistry, _ newRevision: UInt64) {
        guard newRevision > bucketRevision else { return }
        bucketTypes = newer
        bucketRevision = newRevision
        observe(.bucketTypes(newer))
    }

    /// A document that cannot be read is left alone: what was valid before stays in force.
    private func decode(_ bytes: [UInt8]) -> ClusterConfiguration? {
        do throws(MalformedBytes) {
            return try ClusterConfiguration(decoding: bytes)
        } catch {
            logger.critical("the cluster's configuration cannot be read", metadata: ["reason": "\(error.reason)"])
            return nil
        }
    }

    private func decodeBucketTypes(_ bytes: [UInt8]) -> BucketTypeRegistry? {
        do throws(MalformedBytes) {
            return try BucketTypeDocument.decode(bytes)
        } catch {
            logger.critical("the cluster's bucket types cannot be read", metadata: ["reason": "\(error.reason)"])
            return nil
        }
    }

    private func refresh() async throws(ConfigurationStoreError) {
        let document = try await store.read(.topology)
        guard let bytes = document.bytes else {
            let new = ClusterConfiguration(clusterID: randomBytes(16), tokenSecret: randomBytes(32))
            if let created = try await store.replace(.topology, with: new.encoded(), expecting: 0) {
                return take(new, created)
            }
            return try await refresh()
        }
        guard document.revision > revision else { return }
        guard let decoded = decode(bytes) else { throw .refused("the cluster's configuration cannot be read") }
        take(decoded, document.revision)
    }

    private func refreshBucketTypes() async throws(ConfigurationStoreError) {
        let document = try await store.read(.buckets)
        guard let bytes = document.bytes else {
            let new = BucketTypeRegistry()
            if let created = try await store.replace(.buckets, with: BucketTypeDocument.encode(new), expecting: 0) {
                return take(new, created)
            }
            return try await refreshBucketTypes()
        }
        guard document.revision > bucketRevision else { return }
        guard let decoded = decodeBucketTypes(bytes) else {
            throw .refused("the cluster's bucket types cannot be read")
        }
        take(decoded, document.revision)
    }

    // MARK: Changes

    /// Changes the cluster's configuration.
    ///
    /// - Parameter body: is given the newest value, maybe several times, until what it made of one could be stored.
    package func change<Answer: Sendable>(
        _ body: @Sendable (inout ClusterConfiguration) throws(ClusterRefusal) -> Answer
    ) async throws(ClusterRefusal) -> Answer {
        do {
            while true {
                if configuration == nil { try await refresh() }
                guard let base = configuration else { throw ClusterRefusal("there is no configuration") }
                let expected = revision
                var changed = base
                let answer = try body(&changed)
                if changed == base { return answer }
                do throws(ConfigurationStoreError) {
                    if let new = try await store.replace(.topology, with: changed.encoded(), expecting: expected) {
                        take(changed, new)
                        return answer
                    }
                } catch {
                    // Whether it was done is unknown: what is there now says so, and every change may be made twice.
                    guard case .unknownOutcome = error else { throw error }
                }
                try await refresh()
            }
        } catch let refusal as ClusterRefusal {
            throw refusal
        } catch {
            throw ClusterRefusal("the configuration service: \(error)")
        }
    }

    /// Changes the bucket types of all nodes.
    package func changeBucketTypes(
        _ body: @Sendable (inout BucketTypeRegistry) throws(BucketTypeError) -> BucketTypeRecord
    ) async -> Result<Void, BucketTypeChangeFailure> {
        do {
            while true {
                if bucketTypes == nil { try await refreshBucketTypes() }
                guard let base = bucketTypes else { return .failure(.unavailable("there are no bucket types")) }
                let expected = bucketRevision
                var changed = base
                _ = try body(&changed)
                if changed == base { return .success(()) }
                let bytes = BucketTypeDocument.encode(changed)
                if let new = try await store.replace(.buckets, with: bytes, expecting: expected) {
                    take(changed, new)
                    return .success(())
                }
                try await refreshBucketTypes()
            }
        } catch let error as BucketTypeError {
            return .failure(.refused(error))
        } catch {
            return .failure(.unavailable("\(error)"))
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
