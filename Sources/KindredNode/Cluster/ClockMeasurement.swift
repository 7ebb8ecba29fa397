/// How far a peer's wall clock is from this node's, as heartbeats have measured it.
package struct ClockMeasurement: Hashable, Sendable {
    /// By how many microseconds the peer's clock is ahead of this node's; negative if it is behind.
    package var offset: Int64
    /// The true offset is at most so many microseconds away: half of what the exchange took.
    package var uncertainty: Int64
    /// How long ago the exchange was, in milliseconds.
    package var age: UInt64

    package init(offset: Int64, uncertainty: Int64, age: UInt64) {
        self.offset = offset
        self.uncertainty = uncertainty
        self.age = age
    }
}
