package import KindredReplication
internal import KindredTesting

/// Decides what becomes of each message: whether and when it arrives, and how often.
///
/// **Guarantees.** The same seed and the same calls give the same fates. Each message takes the same number of chances
/// from the seed whatever happens to it, so that a cut, or a change of the conditions, does not shuffle the fates of
/// all later messages: a run with one fault less stays similar, and can be made smaller.
///
/// A cut blocks what is sent while it lasts; what is on its way arrives. A node always reaches itself.
package struct SimulatedNetwork: Sendable {
    /// One direction between two nodes.
    private struct Link: Hashable {
        let from: NodeID
        let to: NodeID
    }

    /// How well the links work. May change during a run.
    package var conditions: NetworkConditions

    /// What became of the messages so far.
    package private(set) var statistics = NetworkStatistics()

    private let seed: UInt64
    private var chance: SplitMix64
    private var archive: MessageArchive
    /// Only looked up, never walked through. So are those below.
    private var blockedLinks: Set<Link> = []
    private var slowdowns: [NodeID: UInt64] = [:]
    /// When the last message of a link arrives.
    private var latestArrival: [Link: VirtualTime] = [:]

    /// Makes a network without cuts.
    ///
    /// - Parameter archivedMessages: how many messages are kept so that `replayOldMessage` can send one again.
    package init(seed: UInt64, conditions: NetworkConditions = .good, archivedMessages: Int = 0) {
        self.seed = seed
        self.conditions = conditions
        chance = SplitMix64(seed: seed)
        archive = MessageArchive(seed: seed ^ 0xA5A5_A5A5_A5A5_A5A5, capacity: archivedMessages)
    }

    // MARK: Messages

    /// What becomes of a message that was sent.
    package enum Fate: Hashable, Sendable {
        /// There is a cut between the nodes.
        case blocked
        /// It got lost.
        case dropped
        /// It arrives once.
        case delivered(VirtualTime)
        /// It arrives twice.
        case duplicated(VirtualTime, VirtualTime)

        /// When it arrives: never, once or twice.
        package var arrivals: [VirtualTime] {
            switch self {
            case .blocked, .dropped: []
            case .delivered(let time): [time]
            case .duplicated(let first, let second): [first, second]
            }
        }
    }

    /// Decides what becomes of a message.
    package mutating func send(_ bytes: [UInt8], from: NodeID, to: NodeID, at time: VirtualTime) -> Fate {
        let link = Link(from: from, to: to)
        let isLost = happens(conditions.lossChance)
        let isDuplicated = happens(conditions.duplicationChance)
        let first = arrival(bytes.count, on: link, at: time)
        let second = arrival(bytes.count, on: link, at: time)

        statistics.sent += 1
        statistics.bytes += bytes.count
        if from == to {
            statistics.delivered += 1
            return .delivered(time.advanced(byMicroseconds: 1))
        }
        archive.keep(OldMessage(from: from, to: to, bytes: bytes, sentAt: time))
        if blockedLinks.contains(link) {
            statistics.blocked += 1
            return .blocked
        }
        if isLost {
            statistics.dropped += 1
            return .dropped
        }
        statistics.delivered += 1
        let arrival = inOrder(first, on: link)
        guard isDuplicated else { return .delivered(arrival) }
        statistics.delivered += 1
        statistics.duplicated += 1
        return .duplicated(arrival, inOrder(second, on: link))
    }

    /// Picks a message that was sent at least `age` microseconds ago, to be delivered now whatever cuts there are, as
    /// if it had been stuck in some buffer since. Nil if none is kept that is as old.
    package mutating func replayOldMessage(ofAge age: UInt64, at time: VirtualTime) -> OldMessage? {
        guard let message = archive.message(ofAge: age, at: time) else { return nil }
        statistics.delivered += 1
        statistics.replayed += 1
        return message
    }

    private mutating func happens(_ millionths: Int) -> Bool {
        chance.below(1_000_000) < millionths
    }

    private mutating func arrival(_ byteCount: Int, on link: Link, at time: VirtualTime) -> VirtualTime {
        var delay = baseLatency(of: link) + Self.number(upTo: conditions.jitter, &chance)
        let isHeldUp = happens(conditions.delayChance)
        let heldUpFor = Self.number(upTo: conditions.longestDelay, &chance)
        if isHeldUp { delay += heldUpFor }
        delay += UInt64(byteCount) * 1_000 / conditions.bytesPerMillisecond
        delay *= max(slowdowns[link.from] ?? 1, slowdowns[link.to] ?? 1)
        return time.advanced(byMicroseconds: max(1, delay))
    }

    private mutating func inOrder(_ arrival: VirtualTime, on link: Link) -> VirtualTime {
        guard conditions.keepsOrder else { return arrival }
        let ordered = max(arrival, latestArrival[link] ?? .zero)
        latestArrival[link] = ordered
        return ordered
    }

    /// The latency of a link, computed instead of remembered: it belongs to the seed and the two nodes.
    private func baseLatency(of link: Link) -> UInt64 {
        let name = UInt64(link.from.rawValue) << 32 | UInt64(link.to.rawValue)
        var chance = SplitMix64(seed: seed ^ name &* 0x9E37_79B9_7F4A_7C15)
        let range = conditions.baseLatency
        return range.lowerBound + Self.number(upTo: range.upperBound - range.lowerBound, &chance)
    }

    /// Takes one number from the seed whatever the limit is, also if there is nothing to choose.
    private static func number(upTo limit: UInt64, _ chance: inout SplitMix64) -> UInt64 {
        chance.next().multipliedFullWidth(by: limit + 1).high
    }

    // MARK: Faults

    /// Blocks one direction.
    package mutating func block(from: NodeID, to: NodeID) {
        blockedLinks.insert(Link(from: from, to: to))
    }

    /// Unblocks one direction.
    package mutating func unblock(from: NodeID, to: NodeID) {
        blockedLinks.remove(Link(from: from, to: to))
    }

    /// Cuts the network between these groups, in both directions. A node that is in none still reaches all.
    package mutating func partition(_ groups: [[NodeID]]) {
        for (index, group) in groups.enumerated() {
            for other in groups[(index + 1)...] {
                for left in group {
                    for right in other {
                        block(from: left, to: right)
                        block(from: right, to: left)
                    }
                }
            }
        }
    }

    /// Ends all cuts. Slow nodes stay slow.
    package mutating func heal() {
        blockedLinks.removeAll()
    }

    /// Whether nothing gets from one node to the other.
    package func isBlocked(from: NodeID, to: NodeID) -> Bool {
        from != to && blockedLinks.contains(Link(from: from, to: to))
    }

    /// Makes messages to and from a node take so many times as long. 1 makes it as fast as others.
    package mutating func setSlowdown(_ factor: Int, of node: NodeID) {
        precondition(factor >= 1, "a slowdown of \(factor)")
        slowdowns[node] = factor == 1 ? nil : UInt64(factor)
    }
}
