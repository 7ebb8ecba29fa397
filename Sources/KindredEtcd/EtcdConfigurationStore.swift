import Foundation
package import KindredNode
package import Logging
import Synchronization

/// A configuration store in etcd, of version 3.4 or later, by its JSON gateway.
///
/// What it needs of etcd: linearizable reads, transactions that compare a key's revision, watches from a revision, and
/// leases. Documents and presences are under `/kindred/CLUSTER/`.
package final class EtcdConfigurationStore: ConfigurationStore {
    private struct Announcement {
        var presence: EtcdPresence
        /// Keeps it alive.
        var task: Task<Void, Never>
    }

    private struct State {
        var isClosed = false
        var announcements: [String: Announcement] = [:]
        /// What feeds the streams.
        var watches: [Int: Task<Void, Never>] = [:]
        var latestWatch = 0
    }

    private let keys: EtcdKeys
    private let configuration: EtcdConfiguration
    private let gateway: EtcdGateway
    private let logger: Logger
    private let state = Mutex(State())

    /// A store whose etcd is asked when it is needed. It must be closed.
    ///
    /// Throws `.refused` if the configuration makes no sense.
    package init(
        _ configuration: EtcdConfiguration, logger: Logger = Logger(label: "kindred.etcd")
    ) throws(ConfigurationStoreError) {
        gateway = try EtcdGateway(configuration, logger: logger)
        keys = EtcdKeys(clusterName: configuration.clusterName)
        self.configuration = configuration
        self.logger = logger
    }

    /// A store whose etcd has answered. It must be closed.
    package static func connect(
        _ configuration: EtcdConfiguration, logger: Logger = Logger(label: "kindred.etcd")
    ) async throws(ConfigurationStoreError) -> EtcdConfigurationStore {
        let store = try EtcdConfigurationStore(configuration, logger: logger)
        do throws(ConfigurationStoreError) {
            let probe = EtcdRangeRequest(key: store.keys.lower)
            let _: EtcdRangeAnswer = try await store.gateway.call("/v3/kv/range", probe, .repeatable)
        } catch {
            await store.close()
            throw error
        }
        return store
    }

    // MARK: Documents

    package func read(_ document: ConfigurationDocument) async throws(ConfigurationStoreError) -> VersionedDocument {
        let request = EtcdRangeRequest(key: keys.key(of: document))
        let answer: EtcdRangeAnswer = try await gateway.call("/v3/kv/range", request, .repeatable)
        guard let pair = answer.kvs?.first else { return .absent }
        return VersionedDocument(bytes: [UInt8](pair.bytes), revision: pair.revision)
    }

    package func replace(
        _ document: ConfigurationDocument, with bytes: [UInt8], expecting revision: UInt64
    ) async throws(ConfigurationStoreError) -> UInt64? {
        guard bytes.count <= ConfigurationLimits.documentBytes else { throw .tooLarge(bytes.count) }
        let request = EtcdSwapRequest(key: keys.key(of: document), value: Data(bytes), expecting: revision)
        let answer: EtcdSwapAnswer = try await gateway.call("/v3/kv/txn", request, .once)
        return answer.revision
    }

    package func changes() -> AsyncStream<ConfigurationChange> {
        let mailbox = ChangeMailbox()
        let watch = EtcdWatch(configuration, keys: keys, gateway: gateway, mailbox: mailbox, logger: logger)
        let number: Int? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.latestWatch += 1
            state.watches[state.latestWatch] = Task { await watch.run() }
            return state.latestWatch
        }
        if number == nil { mailbox.finish() }
        return mailbox.stream { [weak self] in
            guard let number else { return }
            self?.state.withLock { state in state.watches.removeValue(forKey: number) }?.cancel()
        }
    }

    // MARK: Presences

    package func announce(_ name: String, owner: [UInt8], bytes: [UInt8]) async throws(ConfigurationStoreError) {
        try ConfigurationLimits.checkPresence(name, owner: owner, bytes: bytes)
        let presence = EtcdPresence(
            name, key: keys.key(ofPresence: name), value: PresenceValue(owner: owner, bytes: bytes),
            seconds: configuration.presenceSeconds, gateway: gateway, logger: logger)
        // An earlier announcement of this process is taken over like one of an earlier process; it stays until then.
        try await presence.announce()
        let isOpen = state.withLock { state in
            guard !state.isClosed else { return false }
            let replaced = state.announcements.updateValue(
                Announcement(presence: presence, task: Task { await presence.keep() }), forKey: name)
            replaced?.task.cancel()
            return true
        }
        guard isOpen else { throw .closed }
    }

    package func withdraw(_ name: String) async {
        guard let announcement = state.withLock({ state in state.announcements.removeValue(forKey: name) }) else {
            return
        }
        announcement.task.cancel()
        await announcement.task.value
        await announcement.presence.withdraw()
    }

    package func close() async {
        let last = state.withLock { state in
            let last = state
            state = State(isClosed: true)
            return last
        }
        for watch in last.watches.values { watch.cancel() }
        for announcement in last.announcements.values { announcement.task.cancel() }
        for watch in last.watches.values { await watch.value }
        for announcement in last.announcements.values { await announcement.task.value }
        await gateway.close()
    }
}
