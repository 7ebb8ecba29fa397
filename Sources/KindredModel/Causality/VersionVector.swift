/// How two sets of events are related.
///
/// Deliberately not an order in the sense of `Comparable`: causality is partial, and sorting by it would be meaningless.
public enum CausalOrder: Hashable, Sendable {
    /// Both know the same events.
    case equal
    /// The left one happened before: the right one knows all of it, and more.
    case before
    /// The left one happened after: it knows all of the right one, and more.
    case after
    /// Each knows an event that the other does not.
    case concurrent
}

/// A set of events without gaps: for each actor its first *n* events.
///
/// Stored as pairs sorted by actor, actors without events left out, so equal vectors are equal arrays. Comparing two vectors is one
/// walk along both arrays and allocates nothing; dictionaries are five times slower at the usual size of three actors.
/// (Parker et al., "Detection of Mutual Inconsistency in Distributed Systems", 1983.)
public struct VersionVector: Hashable, Sendable {
    /// An actor and how many of its events are in the set.
    public struct Entry: Hashable, Sendable {
        /// The actor.
        public let actor: ActorID
        /// How many of its events are in the set: 1 to `counter`.
        public var counter: UInt64

        /// Pairs an actor with a count of at least 1.
        @inlinable
        public init(_ actor: ActorID, _ counter: UInt64) {
            self.actor = actor
            self.counter = counter
        }
    }

    /// The pairs, sorted by actor, each actor at most once, no counter zero.
    public private(set) var entries: [Entry]

    /// The empty set of events.
    @inlinable
    public init() {
        self.init(sortedEntries: [])
    }

    /// The set of the first events of some actors. Pairs of one actor are joined; zero counters are dropped.
    public init(_ entries: some Sequence<Entry>) {
        self.init()
        for entry in entries { include(through: Dot(entry.actor, entry.counter)) }
    }

    /// Wraps pairs which the caller has sorted as `entries` demands.
    @usableFromInline
    init(sortedEntries: [Entry]) {
        self.entries = sortedEntries
    }

    /// Whether no event is in the set.
    public var isEmpty: Bool { entries.isEmpty }

    /// How many events of `actor` are in the set.
    public func counter(of actor: ActorID) -> UInt64 {
        var low = 0
        var high = entries.count
        // Vectors from outside may be long; the last few steps, and all of the usual three actors, are a walk.
        while high - low > 8 {
            let middle = (low + high) / 2
            if entries[middle].actor <= actor { low = middle } else { high = middle }
        }
        while low < high, entries[low].actor < actor { low += 1 }
        return low < high && entries[low].actor == actor ? entries[low].counter : 0
    }

    /// Whether the event is in the set.
    public func contains(_ dot: Dot) -> Bool {
        dot.counter <= counter(of: dot.actor)
    }

    /// Adds an event and all earlier ones of its actor.
    public mutating func include(through dot: Dot) {
        guard dot.counter > 0 else { return }
        var index = entries.count
        while index > 0, entries[index - 1].actor >= dot.actor { index -= 1 }
        if index < entries.count, entries[index].actor == dot.actor {
            if entries[index].counter < dot.counter { entries[index].counter = dot.counter }
        } else {
            entries.insert(Entry(dot.actor, dot.counter), at: index)
        }
    }

    /// How this set relates to another one, by causality alone.
    public func order(relativeTo other: VersionVector) -> CausalOrder {
        var leftHasMore = false
        var rightHasMore = false
        entries.withUnsafeBufferPointer { left in
            other.entries.withUnsafeBufferPointer { right in
                var leftIndex = 0
                var rightIndex = 0
                while leftIndex < left.count, rightIndex < right.count {
                    let leftActor = left[leftIndex].actor
                    let rightActor = right[rightIndex].actor
                    if leftActor == rightActor {
                        if left[leftIndex].counter > right[rightIndex].counter { leftHasMore = true }
                        if left[leftIndex].counter < right[rightIndex].counter { rightHasMore = true }
                        leftIndex += 1
                        rightIndex += 1
                    } else if leftActor < rightActor {
                        leftHasMore = true
                        leftIndex += 1
                    } else {
                        rightHasMore = true
                        rightIndex += 1
                    }
                }
                if leftIndex < left.count { leftHasMore = true }
                if rightIndex < right.count { rightHasMore = true }
            }
        }
        switch (leftHasMore, rightHasMore) {
        case (false, false): return .equal
        case (false, true): return .before
        case (true, false): return .after
        case (true, true): return .concurrent
        }
    }

    /// Whether every event of `other` is in this set too.
    public func descends(from other: VersionVector) -> Bool {
        switch order(relativeTo: other) {
        case .equal, .after: true
        case .before, .concurrent: false
        }
    }

    /// Adds every event of `other`: the pointwise maximum.
    public mutating func merge(_ other: VersionVector) {
        if other.entries.isEmpty { return }
        if entries.isEmpty {
            entries = other.entries
            return
        }
        let left = entries
        let right = other.entries
        entries = [Entry](unsafeUninitializedCapacity: left.count + right.count) { merged, count in
            var leftIndex = 0
            var rightIndex = 0
            func append(_ entry: Entry) {
                merged.initializeElement(at: count, to: entry)
                count += 1
            }
            while leftIndex < left.count, rightIndex < right.count {
                let leftEntry = left[leftIndex]
                let rightEntry = right[rightIndex]
                if leftEntry.actor == rightEntry.actor {
                    append(leftEntry.counter >= rightEntry.counter ? leftEntry : rightEntry)
                    leftIndex += 1
                    rightIndex += 1
                } else if leftEntry.actor < rightEntry.actor {
                    append(leftEntry)
                    leftIndex += 1
                } else {
                    append(rightEntry)
                    rightIndex += 1
                }
            }
            while leftIndex < left.count {
                append(left[leftIndex])
                leftIndex += 1
            }
            while rightIndex < right.count {
                append(right[rightIndex])
                rightIndex += 1
            }
        }
    }

    /// The events that are in both sets: the pointwise minimum.
    package func common(with other: VersionVector) -> VersionVector {
        VersionVector(
            sortedEntries: entries.compactMap { entry in
                let counter = min(entry.counter, other.counter(of: entry.actor))
                return counter > 0 ? Entry(entry.actor, counter) : nil
            })
    }

    /// Keeps the pairs whose counter is above the one that `base` has for the actor.
    public mutating func removeEntries(coveredBy base: VersionVector) {
        guard !entries.isEmpty, !base.isEmpty else { return }
        entries.removeAll { $0.counter <= base.counter(of: $0.actor) }
    }

    /// Forgets an event and all later ones of its actor.
    mutating func exclude(from dot: Dot) {
        guard let index = entries.firstIndex(where: { $0.actor == dot.actor && $0.counter >= dot.counter }) else {
            return
        }
        if dot.counter > 1 { entries[index].counter = dot.counter - 1 } else { entries.remove(at: index) }
    }

    /// Forgets everything about some actors.
    public mutating func removeActors(where isRemoved: (ActorID) -> Bool) {
        entries.removeAll { isRemoved($0.actor) }
    }
}

extension VersionVector: CustomStringConvertible {
    /// `{1:4, 2:1}`: four events of actor 1 and one of actor 2.
    public var description: String {
        "{" + entries.map { "\($0.actor.rawValue):\($0.counter)" }.joined(separator: ", ") + "}"
    }
}

extension VersionVector {
    /// Appends: varint count, then per pair varint (actor − previous actor), varint counter.
    public func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(entries.count))
        var previous: UInt32 = 0
        for entry in entries {
            bytes.append(varint: UInt64(entry.actor.rawValue - previous))
            bytes.append(varint: entry.counter)
            previous = entry.actor.rawValue
        }
    }

    /// Reads what `encode` wrote; refuses actors out of order and zero counters.
    public init(from reader: inout ByteReader) throws(MalformedBytes) {
        let count = try reader.count(ofAtLeast: 2)
        var entries: [Entry] = []
        entries.reserveCapacity(count)
        var previous: UInt64 = 0
        for index in 0..<count {
            let step = try reader.varint()
            guard index == 0 || step > 0 else { throw MalformedBytes("version vector: actors out of order") }
            let (actor, overflow) = previous.addingReportingOverflow(step)
            guard !overflow, let id = UInt32(exactly: actor) else {
                throw MalformedBytes("version vector: actor too large")
            }
            let counter = try reader.varint()
            guard counter > 0 else { throw MalformedBytes("version vector: zero counter") }
            entries.append(Entry(ActorID(id), counter))
            previous = actor
        }
        self.init(sortedEntries: entries)
    }
}
