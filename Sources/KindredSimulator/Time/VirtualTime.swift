/// A moment of simulated time: microseconds since the simulation began.
///
/// It moves only when the simulation takes its next event, so an hour of it takes as long as the events in it.
package struct VirtualTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Microseconds since the simulation began.
    package let microseconds: UInt64

    /// The beginning.
    package static let zero = VirtualTime(microseconds: 0)

    /// So many microseconds after the beginning.
    package init(microseconds: UInt64) {
        self.microseconds = microseconds
    }

    /// So many milliseconds after the beginning.
    package init(milliseconds: UInt64) {
        microseconds = milliseconds * 1_000
    }

    /// So many seconds after the beginning.
    package init(seconds: UInt64) {
        microseconds = seconds * 1_000_000
    }

    package static func < (left: VirtualTime, right: VirtualTime) -> Bool { left.microseconds < right.microseconds }

    /// The moment this many microseconds later.
    package func advanced(byMicroseconds duration: UInt64) -> VirtualTime {
        VirtualTime(microseconds: microseconds + duration)
    }

    /// How many microseconds have passed since `earlier`; 0 if it is not earlier.
    package func microseconds(since earlier: VirtualTime) -> UInt64 {
        microseconds > earlier.microseconds ? microseconds - earlier.microseconds : 0
    }

    /// Seconds with six decimals, `12.000345`.
    package var description: String {
        let fraction = String(microseconds % 1_000_000)
        return "\(microseconds / 1_000_000)." + String(repeating: "0", count: 6 - fraction.count) + fraction
    }
}
