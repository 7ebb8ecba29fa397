package import KindredModel

/// What clients did for a while, key by key: the input of a replay.
package struct RecordedWorkload: Sendable {
    /// The nodes that coordinated the writes; a write names its coordinator by its place here.
    package var nodes: [String]
    /// In the order of their names.
    package var keys: [RecordedKey]
    /// When it began and ended, in milliseconds since 1970.
    package var started: UInt64
    package var ended: UInt64
    /// How many events the recording lacks because its reader was too slow.
    package var dropped: UInt64
    /// How many reads were recorded; nil if they were not.
    package var reads: Int?

    package init(
        nodes: [String], keys: [RecordedKey], started: UInt64, ended: UInt64, dropped: UInt64 = 0, reads: Int? = nil
    ) {
        self.nodes = nodes
        self.keys = keys
        self.started = started
        self.ended = ended
        self.dropped = dropped
        self.reads = reads
    }

    package var writeCount: Int { keys.reduce(0) { $0 + $1.writes.count } }
}

/// The writes of one key.
package struct RecordedKey: Sendable {
    package var name: String
    package var writes: [ReplayWrite]

    /// - Parameter writes: in any order. They are brought into one that agrees with what each had seen.
    package init(name: String, writes: [ReplayWrite]) {
        self.name = name
        // Hybrid time follows causality whatever the nodes' clocks do.
        self.writes = writes.sorted { ($0.order, $0.coordinator, $0.number) < ($1.order, $1.coordinator, $1.number) }
    }
}

/// A recorded write.
package struct ReplayWrite: Hashable, Sendable {
    /// A condition that the client made.
    package enum Condition: Hashable, Sendable {
        /// That the key have no value.
        case absent
        /// That it have one.
        case present
        /// That it be as the write had seen it.
        case unchanged
        /// Another one. In a replay it is taken to mean the versions that were there if it held, and other ones if it
        /// did not.
        case other
    }

    /// What became of it when it was recorded.
    package enum Outcome: Hashable, Sendable {
        case applied
        case unchanged
        case refused
        /// Because a condition did not hold.
        case conditionFailed
    }

    /// By its node's wall clock, in milliseconds since 1970.
    package var at: UInt64
    /// Its hybrid timestamp, if it got one.
    package var timestamp: HybridTimestamp?
    /// Its place among the writes of its node.
    package var number: UInt64
    /// The place of its coordinator in `RecordedWorkload.nodes`.
    package var coordinator: Int
    package var isDelete: Bool
    /// Whether the client showed a causal context. A put without one has seen nothing; a delete without one means
    /// everything there is.
    package var hasContext: Bool
    package var seen: CausalContext
    package var conditions: Set<Condition>
    /// The client's name; nil if it gave none.
    package var client: String?
    /// Stands for the content: equal bytes mean equal content. Nil if that is not known.
    package var content: [UInt8]?
    package var dot: Dot?
    /// The versions that its coordinator had.
    package var found: [Dot]
    /// The events that its coordinator knew of; nil if it was the only replica.
    package var reflected: CausalContext?
    package var outcome: Outcome

    package init(
        at: UInt64, timestamp: HybridTimestamp? = nil, number: UInt64, coordinator: Int = 0, isDelete: Bool = false,
        hasContext: Bool = false, seen: CausalContext = CausalContext(), conditions: Set<Condition> = [],
        client: String? = nil, content: [UInt8]? = nil, dot: Dot?, found: [Dot] = [],
        reflected: CausalContext? = nil, outcome: Outcome = .applied
    ) {
        self.at = at
        self.timestamp = timestamp
        self.number = number
        self.coordinator = coordinator
        self.isDelete = isDelete
        self.hasContext = hasContext
        self.seen = seen
        self.conditions = conditions
        self.client = client
        self.content = content
        self.dot = dot
        self.found = found
        self.reflected = reflected
        self.outcome = outcome
    }

    /// What writes are ordered by. One without a timestamp comes after everything of its millisecond.
    var order: UInt64 { timestamp?.rawValue ?? (min(at, 0xFFFF_FFFF_FFFF) << 16 | 0xFFFF) }

    /// Its moment in milliseconds since 1970, never before what it had seen.
    var moment: UInt64 { order >> 16 }
}
