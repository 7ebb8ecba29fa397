import KindredNode
import KindredReplication

/// The last exchanges of times with one peer, and what they say about its clock.
///
///     own clock     sent ───────╮                              ╭──► received
///     peer's clock              ╰──► arrived ───── left ───────╯
///
/// As in NTP (RFC 5905, section 8), the peer's clock is taken to have shown `arrived` and `left` halfway between what
/// this node saw; it is wrong by at most half of the time that the exchange was under way, however unequal the two ways
/// were. The exchange that took the shortest is believed.
///
/// `sent` and `received` are of a clock that never goes back. So a wall clock of this node that is set to another time
/// changes the offset of every sample at once, and no sample is spoiled by it.
struct ClockSamples {
    /// Oldest first.
    private var samples: [Sample] = []

    private struct Sample {
        /// The peer's wall clock less this node's monotonic one, in microseconds.
        var shift: Int64
        /// How long the exchange was under way, without the time that the peer took for it.
        var delay: Int64
        /// When it was over, on the monotonic clock, in microseconds.
        var received: Int64
    }

    /// A later time is none that a clock shows. Differences of two times, and the sum of two of these, fit into 64
    /// bits.
    static let latest: UInt64 = 1 << 61

    /// Takes note of an exchange. One that no clocks can have measured is left out: one of them was set meanwhile.
    ///
    /// - Parameters:
    ///   - sent, received: microseconds of this node's monotonic clock.
    ///   - times: the peer's.
    mutating func add(sent: UInt64, received: UInt64, _ times: Pong.Times) {
        guard sent <= received, times.arrived <= times.left, [received, times.left].allSatisfy({ $0 <= Self.latest })
        else { return }
        let (sent, received) = (Int64(sent), Int64(received))
        let (arrived, left) = (Int64(times.arrived), Int64(times.left))
        let delay = received - sent - (left - arrived)
        guard delay >= 0 else { return }
        samples.append(Sample(shift: (arrived - sent + (left - received)) / 2, delay: delay, received: received))
        if samples.count > Limits.clockSamples { samples.removeFirst() }
    }

    /// What the best of the exchanges says.
    ///
    /// - Parameters:
    ///   - now: microseconds of this node's monotonic clock.
    ///   - wall: microseconds since 1970 of its wall clock.
    func measurement(now: UInt64, wall: UInt64) -> ClockMeasurement? {
        guard let best = samples.min(by: { $0.delay < $1.delay }) else { return nil }
        let (now, wall) = (Int64(min(now, Self.latest)), Int64(min(wall, Self.latest)))
        // One microsecond for what the divisions have cut off.
        return ClockMeasurement(
            offset: best.shift - (wall - now), uncertainty: best.delay / 2 + 1,
            age: UInt64(max(now - best.received, 0)) / 1_000)
    }
}
