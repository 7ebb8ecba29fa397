/// A point in hybrid time: 48 bits of wall clock in milliseconds since 1970, then 16 bits that count events within a millisecond.
///
/// Comparing two timestamps respects causality (an event's timestamp is larger than that of every event it knew of) and otherwise
/// follows the wall clocks. Ties between actors are broken by the dot.
/// (Kulkarni et al., "Logical Physical Clocks and Consistent Snapshots in Globally Distributed Databases", 2014.)
public struct HybridTimestamp: Hashable, Comparable, Sendable {
    /// The 64 bits, ordered as unsigned integers.
    public let rawValue: UInt64

    /// Wraps the 64 bits.
    @inlinable
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The first moment of a millisecond. Times past the year 10889 count as that year.
    @inlinable
    public init(milliseconds: UInt64) {
        self.init(rawValue: min(milliseconds, 0xFFFF_FFFF_FFFF) << 16)
    }

    /// Before everything.
    public static let zero = HybridTimestamp(rawValue: 0)

    /// The wall-clock part, in milliseconds since 1970.
    public var milliseconds: UInt64 { rawValue >> 16 }

    /// Orders by time.
    @inlinable
    public static func < (left: HybridTimestamp, right: HybridTimestamp) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// A timestamp came from a clock that is further ahead of ours than we allow. The event that carries it must be refused, not adjusted.
public struct ClockSkew: Error, Hashable, Sendable {
    /// How far ahead the other clock is, in milliseconds.
    public let milliseconds: UInt64

    /// - Parameter milliseconds: how far ahead the other clock is.
    public init(milliseconds: UInt64) {
        self.milliseconds = milliseconds
    }
}

/// Hands out timestamps that never go back, whatever the wall clock does. The wall clock is an argument.
public struct HybridLogicalClock: Hashable, Sendable {
    /// The largest timestamp handed out or observed.
    public private(set) var last: HybridTimestamp

    /// - Parameter floor: nothing at or below it will be handed out: what an earlier run may have reached.
    public init(floor: HybridTimestamp = .zero) {
        last = floor
    }

    /// A new timestamp, larger than all before it, than everything observed, and than `seen`: what the writer knew.
    ///
    /// - Parameter wall: the wall clock in milliseconds since 1970.
    public mutating func tick(wall: UInt64, after seen: HybridTimestamp = .zero) -> HybridTimestamp {
        let known = max(last, seen)
        let now = HybridTimestamp(milliseconds: wall)
        // Overflow of the 16 bits carries into the milliseconds, which is just what the order needs.
        last = now > known ? now : HybridTimestamp(rawValue: known.rawValue == .max ? .max : known.rawValue + 1)
        return last
    }

    /// Takes note of a timestamp from elsewhere, so that everything handed out from now on is larger.
    ///
    /// - Parameter maximumSkew: how far its wall-clock part may be ahead of ours, in milliseconds.
    /// - Throws: `ClockSkew` if it is further ahead; the clock is unchanged then.
    public mutating func observe(
        _ timestamp: HybridTimestamp, wall: UInt64, maximumSkew: UInt64
    ) throws(ClockSkew) {
        let limit = wall.addingReportingOverflow(maximumSkew)
        guard limit.overflow || timestamp.milliseconds <= limit.partialValue else {
            throw ClockSkew(milliseconds: timestamp.milliseconds - wall)
        }
        last = max(last, timestamp)
    }
}
