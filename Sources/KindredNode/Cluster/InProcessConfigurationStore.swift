import Synchronization

/// A configuration store inside one process, for clusters whose nodes all live in it: it is always reachable, and ends
/// with the process.
///
/// Nodes reach it through handles, one each. A presence ends when its handle withdraws it or is closed.
package final class InProcessConfigurationStore: Sendable {
    private struct Presence {
        var owner: [UInt8]
        var bytes: [UInt8]
        /// The handle that has announced it last.
        var holder: Int
    }

    private struct State {
        var revision: UInt64 = 0
        var documents: [ConfigurationDocument: VersionedDocument] = [:]
        var presences: [String: Presence] = [:]
        /// Changes are put into them under the lock, so all see them in the same order.
        var subscribers: [Int: ChangeMailbox] = [:]
        var latestNumber = 0

        mutating func nextNumber() -> Int {
            latestNumber += 1
            return latestNumber
        }

        func tell(_ change: ConfigurationChange) {
            for mailbox in subscribers.values { mailbox.put(change) }
        }

        mutating func endPresences(where isEnding: (String, Presence) -> Bool) {
            for (name, presence) in presences where isEnding(name, presence) {
                presences[name] = nil
                tell(.presence(name: name, bytes: nil))
            }
        }
    }

    private let state = Mutex(State())

    package init() {}

    /// A handle for one node.
    package func client() -> some ConfigurationStore {
        InProcessConfigurationClient(store: self, number: state.withLock { $0.nextNumber() })
    }

    fileprivate func read(_ document: ConfigurationDocument) -> VersionedDocument {
        state.withLock { $0.documents[document] ?? .absent }
    }

    fileprivate func replace(
        _ document: ConfigurationDocument, with bytes: [UInt8], expecting revision: UInt64
    ) -> UInt64? {
        state.withLock { state in
            guard (state.documents[document] ?? .absent).revision == revision else { return nil }
            state.revision += 1
            let replaced = VersionedDocument(bytes: bytes, revision: state.revision)
            state.documents[document] = replaced
            state.tell(.document(document, replaced))
            return replaced.revision
        }
    }

    /// Adds a subscriber that first gets the newest states.
    fileprivate func subscribe(_ mailbox: ChangeMailbox) -> Int {
        state.withLock { state in
            for document in ConfigurationDocument.allCases {
                mailbox.put(.document(document, state.documents[document] ?? .absent))
            }
            for (name, presence) in state.presences { mailbox.put(.presence(name: name, bytes: presence.bytes)) }
            let number = state.nextNumber()
            state.subscribers[number] = mailbox
            return number
        }
    }

    fileprivate func unsubscribe(_ number: Int) {
        state.withLock { state in _ = state.subscribers.removeValue(forKey: number) }
    }

    /// - Returns: whether the name is free, or the owner's.
    fileprivate func announce(_ name: String, owner: [UInt8], bytes: [UInt8], holder: Int) -> Bool {
        state.withLock { state in
            if let present = state.presences[name], present.owner != owner { return false }
            state.presences[name] = Presence(owner: owner, bytes: bytes, holder: holder)
            state.tell(.presence(name: name, bytes: bytes))
            return true
        }
    }

    fileprivate func withdraw(_ name: String, holder: Int) {
        state.withLock { state in state.endPresences { $0 == name && $1.holder == holder } }
    }

    fileprivate func withdrawAll(holder: Int) {
        state.withLock { state in state.endPresences { $1.holder == holder } }
    }
}

/// One node's handle of an `InProcessConfigurationStore`.
private final class InProcessConfigurationClient: ConfigurationStore {
    private struct State {
        var isClosed = false
        var subscriptions: [Int: ChangeMailbox] = [:]
    }

    private let store: InProcessConfigurationStore
    private let number: Int
    private let state = Mutex(State())

    init(store: InProcessConfigurationStore, number: Int) {
        self.store = store
        self.number = number
    }

    func read(_ document: ConfigurationDocument) async throws(ConfigurationStoreError) -> VersionedDocument {
        try checkOpen()
        return store.read(document)
    }

    func replace(
        _ document: ConfigurationDocument, with bytes: [UInt8], expecting revision: UInt64
    ) async throws(ConfigurationStoreError) -> UInt64? {
        try checkOpen()
        guard bytes.count <= ConfigurationLimits.documentBytes else { throw .tooLarge(bytes.count) }
        return store.replace(document, with: bytes, expecting: revision)
    }

    func changes() -> AsyncStream<ConfigurationChange> {
        let mailbox = ChangeMailbox()
        let subscription: Int? = state.withLock { state in
            guard !state.isClosed else { return nil }
            let subscription = store.subscribe(mailbox)
            state.subscriptions[subscription] = mailbox
            return subscription
        }
        guard let subscription else {
            mailbox.finish()
            return mailbox.stream {}
        }
        return mailbox.stream { [store, weak self] in
            store.unsubscribe(subscription)
            self?.state.withLock { state in state.subscriptions[subscription] = nil }
        }
    }

    func announce(_ name: String, owner: [UInt8], bytes: [UInt8]) async throws(ConfigurationStoreError) {
        try ConfigurationLimits.checkPresence(name, owner: owner, bytes: bytes)
        let isAnnounced: Bool? = state.withLock { state in
            state.isClosed ? nil : store.announce(name, owner: owner, bytes: bytes, holder: number)
        }
        guard let isAnnounced else { throw .closed }
        guard isAnnounced else { throw .taken(name) }
    }

    func withdraw(_ name: String) async {
        store.withdraw(name, holder: number)
    }

    func close() async {
        let subscriptions = state.withLock { state in
            let subscriptions = state.subscriptions
            state = State(isClosed: true)
            return subscriptions
        }
        for (number, mailbox) in subscriptions {
            store.unsubscribe(number)
            mailbox.finish()
        }
        store.withdrawAll(holder: number)
    }

    private func checkOpen() throws(ConfigurationStoreError) {
        guard state.withLock({ !$0.isClosed }) else { throw .closed }
    }
}
