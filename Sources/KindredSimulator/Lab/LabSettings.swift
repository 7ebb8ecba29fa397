/// What a comparison is like, beside the strategies that it compares: one workload, one network, one set of clocks.
package struct LabSettings: Hashable, Sendable {
    /// How many clients there are; each sits beside one node and sometimes goes to another one.
    package var clients: Int
    /// How many nodes there are. Each has a replica of every key.
    package var replicas: Int
    /// How many keys there are.
    package var keys: Int
    /// How many of 100 operations go to the hot eighth of the keys. The others go anywhere.
    package var contention: Int
    /// How many of 100 operations only read.
    package var reads: Int
    /// How many of 100 puts are written without having read.
    package var blind: Int
    /// How many of 100 writes are deletes. Who deletes has read before: it deletes what it was shown.
    package var deletes: Int
    /// How long the network is cut in two, in virtual microseconds; 0 for never.
    package var partition: UInt64
    /// How far the clocks of the nodes are apart at most, in milliseconds.
    package var skew: UInt64
    /// How long a message between nodes takes at most when nothing is wrong, in milliseconds.
    package var lag: UInt64
    /// For how long clients work, in virtual microseconds, the rest after the healing included.
    package var duration: UInt64
    /// The mean time between two operations of a client, in virtual microseconds.
    package var pause: UInt64
    /// How many replicas a request asks for.
    package var quorum: LabQuorum
    /// After how long the baseline that drops tombstones by a timer does so, in virtual microseconds.
    package var tombstoneLifetime: UInt64
    /// How many entries the baseline that prunes its vectors keeps.
    package var vectorBound: Int
    /// Everything that is drawn follows from it.
    package var seed: UInt64

    package init(
        clients: Int = 8, replicas: Int = 3, keys: Int = 32, contention: Int = 50, reads: Int = 30, blind: Int = 25,
        deletes: Int = 15, partition: UInt64 = 5_000_000, skew: UInt64 = 100, lag: UInt64 = 20,
        duration: UInt64 = 20_000_000, pause: UInt64 = 250_000, quorum: LabQuorum = .one,
        tombstoneLifetime: UInt64 = 1_000_000, vectorBound: Int = 2, seed: UInt64 = 4
    ) {
        self.clients = clients
        self.replicas = replicas
        self.keys = keys
        self.contention = contention
        self.reads = reads
        self.blind = blind
        self.deletes = deletes
        self.partition = partition
        self.skew = skew
        self.lag = lag
        self.duration = duration
        self.pause = pause
        self.quorum = quorum
        self.tombstoneLifetime = tombstoneLifetime
        self.vectorBound = vectorBound
        self.seed = seed
    }

    /// What may be asked for. A run is held in memory, so all of it has a bound.
    package enum Range {
        package static let clients = 1...64
        package static let replicas = 1...7
        package static let keys = 1...200
        package static let percent = 0...100
        package static let seeds = 1...1_000
        /// Milliseconds. More than a minute is no skew but a wrong date.
        package static let skew: ClosedRange<UInt64> = 0...60_000
        /// Milliseconds.
        package static let lag: ClosedRange<UInt64> = 0...2_000
        /// Microseconds.
        package static let partition: ClosedRange<UInt64> = 0...60_000_000
        package static let duration: ClosedRange<UInt64> = 1_000_000...120_000_000
    }
}

/// How many replicas a request asks for.
package enum LabQuorum: String, Hashable, Sendable, CaseIterable {
    /// One: both sides of a cut go on.
    case one
    /// More than half: the smaller side of a cut stands still.
    case majority

    /// The number, for so many replicas.
    func count(of replicas: Int) -> Int {
        switch self {
        case .one: 1
        case .majority: replicas / 2 + 1
        }
    }
}

/// When what happens.
///
///     0 ── warm-up ── starts ── 30 % ── cut ── partition ── healed ── rest ── resumes ── ends ── quiet
///                     clients work                                nobody asks  clients work
///
/// Nobody asks anything while the cluster converges, so that the time this takes can be measured.
package struct LabTimeline: Hashable, Sendable {
    package let starts: VirtualTime
    /// When the network is cut, and when that ends; nil if it is not.
    package let cut: VirtualTime?
    package let healed: VirtualTime?
    /// When clients go on.
    package let resumes: VirtualTime
    package let ends: VirtualTime

    /// Nodes find their leader before anybody asks them anything.
    private static let warmUp: UInt64 = 2_000_000
    /// Some rounds of anti-entropy, which comes every half second.
    private static let rest: UInt64 = 4_000_000
    /// How long clients work at least after the rest, so that they get to see what the healing has left.
    private static let least: UInt64 = 2_000_000

    package init(_ settings: LabSettings) {
        starts = VirtualTime(microseconds: Self.warmUp)
        let planned = starts.advanced(byMicroseconds: settings.duration)
        guard settings.partition > 0, settings.replicas > 1 else {
            cut = nil
            healed = nil
            resumes = starts
            ends = planned
            return
        }
        let cut = starts.advanced(byMicroseconds: settings.duration * 3 / 10)
        let healed = cut.advanced(byMicroseconds: settings.partition)
        self.cut = cut
        self.healed = healed
        resumes = healed.advanced(byMicroseconds: Self.rest)
        ends = max(planned, resumes.advanced(byMicroseconds: Self.least))
    }

    /// When convergence begins to be measured: at the healing, or without a cut at the end.
    var calm: VirtualTime { healed ?? ends }

    /// Until when nobody disturbs it; nil for as long as it takes.
    var calmEnds: VirtualTime? { healed == nil ? nil : resumes }

    /// Whether clients rest.
    func isRest(_ time: VirtualTime) -> Bool {
        guard let healed else { return false }
        return time >= healed && time < resumes
    }

    /// Whether the network is cut.
    func isCut(_ time: VirtualTime) -> Bool {
        guard let cut, let healed else { return false }
        return time >= cut && time < healed
    }
}

extension LabSettings {
    /// How many nodes are on the smaller side of the cut: the first ones.
    package var minority: Int { replicas > 1 ? max(1, (replicas - 1) / 2) : 0 }

    /// How far a node's clock is ahead, in milliseconds: the nodes are spread evenly over the skew, the first one is
    /// behind.
    func clockOffset(of node: Int) -> Int64 {
        guard replicas > 1 else { return 0 }
        return Int64(skew) * Int64(node) / Int64(replicas - 1) - Int64(skew) / 2
    }
}
