import KindredNode
import Synchronization

/// What a subscriber has been told so far.
final class ChangeLog: Sendable {
    private let entries: Log
    private let task: Task<Void, Never>

    init(_ store: any ConfigurationStore) {
        let entries = Log()
        let changes = store.changes()
        self.entries = entries
        task = Task {
            for await change in changes { entries.add(change) }
            entries.end()
        }
    }

    deinit { task.cancel() }

    private final class Log: Sendable {
        private let state = Mutex<(changes: [ConfigurationChange], hasEnded: Bool)>(([], false))

        func add(_ change: ConfigurationChange) { state.withLock { $0.changes.append(change) } }
        func end() { state.withLock { $0.hasEnded = true } }
        var changes: [ConfigurationChange] { state.withLock { $0.changes } }
        var hasEnded: Bool { state.withLock { $0.hasEnded } }
    }

    var changes: [ConfigurationChange] { entries.changes }

    /// Ends the subscriber's task.
    func cancel() { task.cancel() }

    func waitUntilEnded() async throws {
        try await eventually("the stream ends") { entries.hasEnded }
    }

    func wait(for change: ConfigurationChange, within patience: Duration = .seconds(10)) async throws {
        try await wait("\(change) arrives", within: patience) { $0.contains(change) }
    }

    func wait(
        _ what: String, within patience: Duration = .seconds(10), _ condition: ([ConfigurationChange]) -> Bool
    ) async throws {
        do {
            try await eventually(what, within: patience) { condition(entries.changes) }
        } catch let error as NeverHappened {
            throw NeverHappened(description: "\(error); there was \(entries.changes)")
        }
    }

    /// The states of a document, as they arrived.
    func states(of document: ConfigurationDocument) -> [VersionedDocument] {
        changes.compactMap { if case .document(document, let state) = $0 { state } else { nil } }
    }

    /// What was said of a name, as it arrived.
    func presences(of name: String) -> [[UInt8]?] {
        changes.compactMap { if case .presence(name, let bytes) = $0 { .some(bytes) } else { nil } }
    }

    /// Whether it was told that the store cannot be reached, or can be, as it arrived.
    var reachability: [Bool] {
        changes.compactMap { if case .reachable(let isReachable, _) = $0 { isReachable } else { nil } }
    }
}
