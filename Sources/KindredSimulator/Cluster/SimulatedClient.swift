import KindredModel
import KindredReplication
import KindredTesting

/// A client of a simulated cluster: what it remembers, and how it behaves.
struct SimulatedClient {
    /// How a client treats what it has read.
    enum Habit: CaseIterable {
        /// Reads before it writes, and writes with what it read.
        case readModifyWrite
        /// Never reads: writes with the token of its own last answer.
        case ownTokenOnly
        /// Writes without any token.
        case blind
        /// Reads seldom, and writes with old tokens.
        case stale
        /// Deletes about as often as it puts.
        case deleter
        /// Is away for long, and comes back with what it had.
        case offline
    }

    /// What the client remembers of a key.
    struct Memory {
        /// The token as the server sealed it, bound to the key.
        var token: [UInt8]?
    }

    /// A request that is under way.
    struct Pending {
        var number: UInt64
        var key: Int
        var node: Int
        var process: Int
        var request: ClientRequest
        var isWrite: Bool
        var began: VirtualTime
        /// The acknowledged events that a strict read must not miss.
        var mustSee: EventBits
        /// What the session had seen when the request was sent.
        var sessionSeen: EventBits
    }

    let habit: Habit
    var memories: [Memory]
    var pending: Pending?
    var requests: UInt64 = 0
    /// A write whose outcome is unknown, to be sent again under the same name.
    var retry: (request: ClientRequest, key: Int, node: Int)?
    /// Per partition, what a session's next read must show.
    var sessions: [UInt16: CausalContext] = [:]
    let usesSessions: Bool

    init(habit: Habit, keys: Int, usesSessions: Bool) {
        self.habit = habit
        self.usesSessions = usesSessions
        memories = Array(repeating: Memory(), count: keys)
    }
}
