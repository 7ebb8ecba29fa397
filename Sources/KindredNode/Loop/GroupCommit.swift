/// Decides when the next synchronization with the disk starts, so that as many waiting writes as possible share it.
///
/// Synchronizing at once for the first write that comes is right when writers are few. With many it splits them into two camps, each
/// waiting for the other's synchronization: so after one has released its writers, the next waits a little for them to come
/// back, at most half as long as a synchronization takes. (The reasoning behind PostgreSQL's `commit_delay`.)
///
/// A value: time comes in, and what is to be done goes out. It never has two synchronizations under way.
///
///     idle ──writes──► gathering ──enough, or time is up──► synchronizing ──done──► idle
package struct GroupCommit: Sendable {
    /// What is to be done now.
    package enum Action: Hashable, Sendable {
        case none
        /// Start to synchronize; report with `finished`.
        case synchronize
        /// Call `timeIsUp` at this moment.
        case wake(atNanoseconds: UInt64)
    }

    private enum State {
        case idle
        case gathering
        case synchronizing(since: UInt64)
    }

    /// No write waits longer than this for others to join it.
    package static let maximumDelayNanoseconds: UInt64 = 1_000_000

    private var state = State.idle
    private var waiting = 0
    /// Until when writers released by the last synchronization are expected back, and how many writers there are then.
    private var expectUntil: UInt64 = 0
    private var expected = 0
    private var underWay = 0

    package init() {}

    /// Whether a synchronization is under way.
    package var isSynchronizing: Bool {
        if case .synchronizing = state { return true }
        return false
    }

    /// Whether nothing is under way and nothing is planned.
    package var isIdle: Bool {
        if case .idle = state { return true }
        return false
    }

    /// `count` more writes have been committed and wait to become durable.
    package mutating func committed(_ count: Int, at now: UInt64) -> Action {
        waiting += count
        switch state {
        case .synchronizing: return .none
        case .idle, .gathering: return startOrGather(at: now)
        }
    }

    /// The moment of a `wake` has come.
    package mutating func timeIsUp(at now: UInt64) -> Action {
        switch state {
        case .gathering: return start(at: now)
        case .idle, .synchronizing: return .none
        }
    }

    /// The synchronization is done, and its writers have been told.
    package mutating func finished(at now: UInt64) -> Action {
        guard case .synchronizing(let since) = state else { return .none }
        state = .idle
        let duration = now > since ? now - since : 0
        expected = underWay + waiting
        expectUntil = now + min(duration / 2, Self.maximumDelayNanoseconds)
        underWay = 0
        return waiting > 0 ? startOrGather(at: now) : .none
    }

    /// The storage failed and nobody waits any more.
    package mutating func reset() {
        self = GroupCommit()
    }

    private mutating func startOrGather(at now: UInt64) -> Action {
        if waiting >= expected || now >= expectUntil { return start(at: now) }
        if case .gathering = state { return .none }
        state = .gathering
        return .wake(atNanoseconds: expectUntil)
    }

    private mutating func start(at now: UInt64) -> Action {
        state = .synchronizing(since: now)
        underWay = waiting
        waiting = 0
        return .synchronize
    }
}
