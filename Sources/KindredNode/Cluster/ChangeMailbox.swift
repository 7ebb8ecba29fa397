import Synchronization

/// The changes that a subscriber has not taken yet: at most one for each document and each presence, the newest.
///
/// A change that is overtaken by a later one of the same subject goes, and the later one stands at the end. So a slow
/// subscriber costs no memory beyond one state of everything, and sees a part of what happened in the order in which it
/// happened.
package final class ChangeMailbox: Sendable {
    /// What a change is about.
    fileprivate enum Subject: Hashable {
        case document(ConfigurationDocument)
        case presence(String)
        case reachability
    }

    fileprivate struct State {
        /// The subjects in `order` are those of `pending`; few, so the order is searched where one is overtaken.
        var pending: [Subject: ConfigurationChange] = [:]
        var order: [Subject] = []
        /// What the subscriber was told last, so that it is told only when it changes.
        var isReachable = true
        var waiting: CheckedContinuation<ConfigurationChange?, Never>?
        var isFinished = false
    }

    private let state = Mutex(State())

    package init() {}

    /// Adds a change, or hands it to the subscriber that waits.
    package func put(_ change: ConfigurationChange) {
        let waiting = state.withLock { state -> CheckedContinuation<ConfigurationChange?, Never>? in
            guard !state.isFinished else { return nil }
            let subject = Self.subject(of: change)
            if state.pending.removeValue(forKey: subject) != nil { state.order.removeAll { $0 == subject } }
            if case .reachable(let isReachable, _) = change {
                guard isReachable != state.isReachable else { return nil }
            }
            guard let waiting = state.waiting else {
                state.pending[subject] = change
                state.order.append(subject)
                return nil
            }
            state.waiting = nil
            state.delivered(change)
            return waiting
        }
        waiting?.resume(returning: change)
    }

    /// Ends the stream; what is pending is dropped.
    package func finish() {
        let waiting = state.withLock { state in
            let waiting = state.waiting
            state = State()
            state.isFinished = true
            return waiting
        }
        waiting?.resume(returning: nil)
    }

    /// The changes as a stream, for one task.
    ///
    /// - Parameter onEnd: called when nobody reads the stream any more: its task was cancelled, or it was dropped.
    package func stream(onEnd: @escaping @Sendable () -> Void) -> AsyncStream<ConfigurationChange> {
        let subscription = Subscription(mailbox: self, onEnd: onEnd)
        return AsyncStream {
            await subscription.mailbox.next()
        } onCancel: { [weak self] in
            self?.finish()
        }
    }

    /// The next change; nil after the end.
    private func next() async -> ConfigurationChange? {
        await withCheckedContinuation { continuation in
            let answer = state.withLock { state -> ConfigurationChange?? in
                // A second reader has no place: it is told of the end.
                if state.isFinished || state.waiting != nil { return .some(nil) }
                guard let subject = state.order.first, let change = state.pending.removeValue(forKey: subject) else {
                    state.waiting = continuation
                    return nil
                }
                state.order.removeFirst()
                state.delivered(change)
                return .some(change)
            }
            if let answer { continuation.resume(returning: answer) }
        }
    }

    private static func subject(of change: ConfigurationChange) -> Subject {
        switch change {
        case .document(let document, _): .document(document)
        case .presence(let name, _): .presence(name)
        case .reachable: .reachability
        }
    }

    /// Lives as long as the stream: the stream's closure holds it, and lets go of it when it ends.
    private final class Subscription: Sendable {
        let mailbox: ChangeMailbox
        let onEnd: @Sendable () -> Void

        init(mailbox: ChangeMailbox, onEnd: @escaping @Sendable () -> Void) {
            self.mailbox = mailbox
            self.onEnd = onEnd
        }

        deinit {
            mailbox.finish()
            onEnd()
        }
    }
}

extension ChangeMailbox.State {
    fileprivate mutating func delivered(_ change: ConfigurationChange) {
        if case .reachable(let isReachable, _) = change { self.isReachable = isReachable }
    }
}
