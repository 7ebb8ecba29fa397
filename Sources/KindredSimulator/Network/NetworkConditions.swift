/// How well the links between nodes work. Times are in microseconds, chances in millionths.
package struct NetworkConditions: Hashable, Sendable {
    /// Each direction of each link has its own base latency in this range, the same during a whole run.
    package var baseLatency: ClosedRange<UInt64>
    /// Each message takes up to this much longer.
    package var jitter: UInt64
    /// The chance that a message, or its copy, is held up for much longer.
    package var delayChance: Int
    /// How long a message that is held up can take at most, beside latency and jitter.
    package var longestDelay: UInt64
    /// The chance that a message gets lost.
    package var lossChance: Int
    /// The chance that a message arrives twice.
    package var duplicationChance: Int
    /// Whether messages of a link arrive in the order in which they were sent, as in one TCP connection. Otherwise
    /// each takes its own time.
    package var keepsOrder: Bool
    /// How many bytes pass in a millisecond; what a message takes longer for its size.
    package var bytesPerMillisecond: UInt64

    /// A good network in one data centre, unless something else is given.
    package init(
        baseLatency: ClosedRange<UInt64> = 100...400, jitter: UInt64 = 100, delayChance: Int = 0,
        longestDelay: UInt64 = 0, lossChance: Int = 0, duplicationChance: Int = 0, keepsOrder: Bool = true,
        bytesPerMillisecond: UInt64 = 100_000
    ) {
        precondition(bytesPerMillisecond > 0, "no byte would ever arrive")
        self.baseLatency = baseLatency
        self.jitter = jitter
        self.delayChance = delayChance
        self.longestDelay = longestDelay
        self.lossChance = lossChance
        self.duplicationChance = duplicationChance
        self.keepsOrder = keepsOrder
        self.bytesPerMillisecond = bytesPerMillisecond
    }

    /// Nothing gets lost, doubled or out of order.
    package static let good = NetworkConditions()

    /// Two messages of a hundred get lost, two arrive twice, five are held up, and all may overtake each other.
    package static let bad = NetworkConditions(
        baseLatency: 100...5_000, jitter: 2_000, delayChance: 50_000, longestDelay: 500_000, lossChance: 20_000,
        duplicationChance: 20_000, keepsOrder: false)
}

/// What became of the messages. At all times
/// `delivered == sent - blocked - dropped + duplicated + replayed`.
package struct NetworkStatistics: Hashable, Sendable {
    /// Messages that nodes wanted to send.
    package var sent = 0
    /// Their bytes.
    package var bytes = 0
    /// Deliveries that were decided on.
    package var delivered = 0
    /// Messages that were lost by chance.
    package var dropped = 0
    /// Messages that are delivered twice.
    package var duplicated = 0
    /// Messages that could not get through a cut.
    package var blocked = 0
    /// Old messages that are delivered once more.
    package var replayed = 0
}
