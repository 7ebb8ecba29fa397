import KindredReplication

/// How bad the difference of two clocks is.
enum ClockLevel: Int, Comparable, Sendable {
    case ok
    /// More than half of what is allowed.
    case warning
    /// So much, beyond what the measurement could be wrong by, that the one behind takes no last-write-wins writes of
    /// the one ahead.
    case refused

    static func < (first: ClockLevel, second: ClockLevel) -> Bool { first.rawValue < second.rawValue }
}

/// Judges what has been measured of the peers' clocks: how bad each is, and whether this node is so far ahead that it
/// must not coordinate last-write-wins writes.
///
/// What counts for the latter is the timestamp that a write here would get. It is of hybrid time, which does not go
/// back when a clock is set right; so a node that *was* ahead goes on refusing until real time has come up with it.
/// With a write whose timestamp more than half of the peers do not take, this node would acknowledge what hardly
/// anybody has.
///
/// A pure value: measurements go in, and what is to be said comes out. It does not know why clocks differ, and corrects
/// none.
struct ClockWatch: Sendable {
    /// What is allowed, in microseconds.
    let limit: Int64
    /// What is known of each peer whose clock was measured lately.
    private(set) var peers: [NodeID: Peer] = [:]
    /// By how much the time of this node is ahead of more than half of these, in microseconds; nil without any.
    private(set) var lead: Int64?
    /// By how many milliseconds this node is too far ahead; nil if it is not.
    private(set) var refusal: UInt64?

    private var paces: [NodeID: AlarmPace] = [:]
    private var ownPace = AlarmPace()

    struct Peer: Hashable, Sendable {
        var level: ClockLevel
        var measurement: ClockMeasurement
    }

    init(limitMilliseconds: UInt64 = Limits.maximumSkewMilliseconds) {
        limit = Int64(clamping: min(limitMilliseconds, Limits.clockMilliseconds)) * 1_000
    }

    /// Something that a person should read.
    enum News: Hashable, Sendable {
        case peer(NodeID, ClockLevel, ClockMeasurement)
        /// From now on, or still, this node coordinates no last-write-wins writes: it is so many milliseconds ahead.
        case refuses(aheadMilliseconds: UInt64)
        /// It does so again.
        case takes
    }

    /// Judges what is known now.
    ///
    /// - Parameters:
    ///   - measurements: of the peers that can be reached. Old ones do not count.
    ///   - hybridLead: by how many milliseconds this node's hybrid time is ahead of its wall clock.
    ///   - now: milliseconds of a clock that never goes back.
    /// - Returns: what is to be logged.
    mutating func observe(
        _ measurements: [NodeID: ClockMeasurement], hybridLead: UInt64, now: UInt64
    ) -> [News] {
        let fresh = measurements.filter { $0.value.age <= Limits.clockFreshMilliseconds }
        peers = peers.filter { fresh[$0.key] != nil }
        paces = paces.filter { fresh[$0.key] != nil || !$0.value.isOver(now) }
        var news: [News] = []
        for (node, measurement) in fresh.sorted(by: { $0.key < $1.key }) {
            let level = level(of: measurement, before: peers[node]?.level ?? .ok)
            peers[node] = Peer(level: level, measurement: measurement)
            if paces[node, default: AlarmPace()].admits(level, now) { news.append(.peer(node, level, measurement)) }
        }
        judgeSelf(Int64(min(hybridLead, Limits.clockMilliseconds)) * 1_000)
        if ownPace.admits(refusal == nil ? .ok : .refused, now) {
            news.append(refusal.map { .refuses(aheadMilliseconds: $0) } ?? .takes)
        }
        return news
    }

    /// A level that has been reached is left only with a margin, so that it does not come and go.
    private func level(of measurement: ClockMeasurement, before: ClockLevel) -> ClockLevel {
        let distance = min(Int64(clamping: measurement.offset.magnitude), .max / 2)
        func isOver(_ value: Int64, _ bound: Int64, _ level: ClockLevel) -> Bool {
            value > (before >= level ? bound / 10 * 9 : bound)
        }
        if isOver(distance - measurement.uncertainty, limit, .refused) { return .refused }
        return isOver(distance, limit / 2, .warning) ? .warning : .ok
    }

    /// Without anybody to compare with, it stays as it was.
    private mutating func judgeSelf(_ hybridLead: Int64) {
        guard !peers.isEmpty else {
            lead = nil
            return
        }
        // More than half of the values are no less than this one.
        func median(_ values: [Int64]) -> Int64 { values.sorted()[(values.count - 1) / 2] }
        let leads = peers.values.map { hybridLead - $0.measurement.offset }
        let sure = peers.values.map { hybridLead - $0.measurement.offset - $0.measurement.uncertainty }
        lead = median(leads)
        let isTooFar = median(sure) > (refusal == nil ? limit : limit / 10 * 9)
        refusal = isTooFar ? UInt64(max(median(leads), 0) / 1_000) : nil
    }
}

/// Keeps an alarm from filling the log: it is told when it gets worse, when it changes otherwise unless something was
/// told just before, and once a minute as long as it lasts.
private struct AlarmPace: Sendable {
    private var told = ClockLevel.ok
    private var toldAt: UInt64?

    private static let again: UInt64 = 60_000
    private static let change: UInt64 = 5_000

    /// Whether nothing is kept that matters any more.
    func isOver(_ now: UInt64) -> Bool { toldAt.map { now - min($0, now) >= Self.again } ?? true }

    /// Whether this is to be told now.
    mutating func admits(_ level: ClockLevel, _ now: UInt64) -> Bool {
        let elapsed = toldAt.map { now - min($0, now) }
        let isDue =
            if level == told {
                level > .ok && (elapsed ?? .max) >= Self.again
            } else {
                level > told || (elapsed ?? .max) >= Self.change
            }
        guard isDue else { return false }
        told = level
        toldAt = now
        return true
    }
}
