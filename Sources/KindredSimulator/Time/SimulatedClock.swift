/// The clocks of one node, as functions of virtual time: a wall clock that may be wrong, drift and jump, and a
/// monotonic clock.
///
///     wall      = epoch + offset + virtual time × (1 + drift)
///     monotonic =                  virtual time × (1 + drift)
///
/// **Guarantees.** The monotonic clock never goes back and knows no jumps. Both clocks drift alike, as on a machine
/// with one oscillator. All arithmetic is on integers, so every machine computes the same times.
package struct SimulatedClock: Hashable, Sendable {
    /// What a correct wall clock shows at the beginning of a simulation, in milliseconds since 1970: in 2026.
    package static let epochMilliseconds: UInt64 = 1_790_000_000_000

    /// How fast or slow a clock may run. Beyond half and one and a half times the true speed nothing new is learned.
    package static let driftRange = -500_000...500_000

    /// Since when the drift is what it is.
    private var anchor = VirtualTime.zero
    /// What the monotonic clock showed at the anchor.
    private var monotonicAtAnchor: UInt64 = 0
    /// How far the wall clock is ahead of epoch and monotonic clock, in microseconds.
    private var offset: Int64
    /// Microseconds gained in each second.
    private var drift = 0

    /// Makes a clock that is wrong by `offsetMilliseconds` from the beginning and runs at the true speed.
    package init(offsetMilliseconds: Int64 = 0) {
        offset = offsetMilliseconds * 1_000
    }

    /// What the wall clock shows, in milliseconds since 1970; 0 if that would be earlier.
    package func wallMilliseconds(at time: VirtualTime) -> UInt64 {
        let wall = Int64(Self.epochMilliseconds) * 1_000 + Int64(monotonicMicroseconds(at: time)) + offset
        return UInt64(max(0, wall)) / 1_000
    }

    /// What the monotonic clock shows. `time` must not be before the last change of the drift.
    package func monotonicMicroseconds(at time: VirtualTime) -> UInt64 {
        precondition(time >= anchor, "the clock is asked for \(time), and was changed at \(anchor)")
        let elapsed = Int64(time.microseconds - anchor.microseconds)
        // Whole seconds first, so that nothing overflows.
        let gained = elapsed / 1_000_000 * Int64(drift) + elapsed % 1_000_000 * Int64(drift) / 1_000_000
        return monotonicAtAnchor + UInt64(elapsed + gained)
    }

    /// Puts the wall clock forward, or back if `milliseconds` is negative.
    package mutating func jump(byMilliseconds milliseconds: Int64) {
        offset += milliseconds * 1_000
    }

    /// Makes both clocks gain (or lose) so many microseconds a second from `time` on. Values outside of `driftRange`
    /// are brought into it.
    package mutating func setDrift(partsPerMillion: Int, at time: VirtualTime) {
        monotonicAtAnchor = monotonicMicroseconds(at: time)
        anchor = time
        drift = min(max(partsPerMillion, Self.driftRange.lowerBound), Self.driftRange.upperBound)
    }

    /// Sets the wall clock right and ends the drift, as an administrator would: the wall clock jumps, back if it was
    /// ahead.
    package mutating func correct(at time: VirtualTime) {
        setDrift(partsPerMillion: 0, at: time)
        offset = Int64(time.microseconds) - Int64(monotonicAtAnchor)
    }

    /// How far the wall clock is ahead of a correct one, in milliseconds.
    package func errorMilliseconds(at time: VirtualTime) -> Int64 {
        (Int64(monotonicMicroseconds(at: time)) + offset - Int64(time.microseconds)) / 1_000
    }
}
