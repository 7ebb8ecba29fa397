/// Any set of events: a version vector for what has no gaps, and a cloud of single dots for the rest.
///
/// This is what a reader has seen, what a writer says it has seen, and what an object remembers of the events it reflects. A vector
/// alone is not enough: "what I read, plus my own write" has a gap wherever another client wrote in between, and rounding the gap up would
/// claim, and so destroy, a write nobody has seen.
/// (Almeida, Shoker, Baquero, "Delta state replicated data types", 2018: compressed causal contexts.)
///
/// Normalised after every change: no dot of the cloud is in the vector or directly follows it, so equal sets are equal values.
public struct CausalContext: Hashable, Sendable {
    /// The part without gaps.
    public private(set) var vector: VersionVector
    /// The dots beyond a gap, sorted.
    public private(set) var cloud: [Dot]

    /// No events.
    public init() {
        vector = VersionVector()
        cloud = []
    }

    /// The events of a version vector.
    public init(_ vector: VersionVector) {
        self.vector = vector
        cloud = []
    }

    /// Exactly these events.
    public init(dots: some Sequence<Dot>) {
        self.init()
        cloud = dots.filter { $0.counter > 0 }
        normalise()
    }

    /// Whether there are no events in the set.
    public var isEmpty: Bool { vector.isEmpty && cloud.isEmpty }

    /// Whether the event is in the set.
    public func contains(_ dot: Dot) -> Bool {
        vector.contains(dot) || cloudContains(dot)
    }

    /// Whether every event of `other` is in this set.
    public func isSuperset(of other: CausalContext) -> Bool {
        for entry in other.vector.entries where vector.counter(of: entry.actor) < entry.counter {
            // The vector of a normalised context stops at a gap, so no cloud can fill up the difference.
            return false
        }
        return other.cloud.allSatisfy(contains)
    }

    /// Adds one event.
    public mutating func insert(_ dot: Dot) {
        guard dot.counter > 0, !contains(dot) else { return }
        if cloud.isEmpty, dot.counter == vector.counter(of: dot.actor) + 1 {
            vector.include(through: dot)
        } else {
            cloud.append(dot)
            normalise()
        }
    }

    /// Adds every event of `other`.
    public mutating func merge(_ other: CausalContext) {
        vector.merge(other.vector)
        if cloud.isEmpty, other.cloud.isEmpty { return }
        cloud += other.cloud
        normalise()
    }

    /// Adds every event of a version vector.
    public mutating func merge(_ other: VersionVector) {
        vector.merge(other)
        if !cloud.isEmpty { normalise() }
    }

    /// Forgets what a replica's clock vouches for anyway: pairs and dots at or below `base`.
    ///
    /// Only ever called with the *contiguous* part of a clock: what lies beyond a gap says nothing of what lies within it.
    public mutating func strip(_ base: VersionVector) {
        vector.removeEntries(coveredBy: base)
        if !cloud.isEmpty { cloud.removeAll { base.contains($0) } }
    }

    /// The smallest vector that covers the set: the mistake that the cloud exists to avoid.
    package var roundedUp: CausalContext {
        var rounded = vector
        for dot in cloud { rounded.include(through: dot) }
        return CausalContext(rounded)
    }

    /// Forgets dots beyond a gap. Knowing less is always safe: a version that a write no longer claims to have seen is kept beside it.
    mutating func removeFromCloud(where isRemoved: (Dot) -> Bool) {
        cloud.removeAll(where: isRemoved)
    }

    /// Forgets an event, and with it all later ones of its actor that are within the vector: a context of which it must not be said that it has
    /// the event. Knowing less is always safe.
    package mutating func forget(_ dot: Dot) {
        cloud.removeAll { $0 == dot }
        vector.exclude(from: dot)
    }

    /// How many closings of actors this context reflects: the counter of the reserved actor.
    public var closedEpoch: UInt64 { vector.counter(of: .closed) }

    /// Forgets everything about some actors: those of whom the closed epoch says all there is to say.
    public mutating func removeActors(where isRemoved: (ActorID) -> Bool) {
        vector.removeActors(where: isRemoved)
        if !cloud.isEmpty { cloud.removeAll { isRemoved($0.actor) } }
    }

    private func cloudContains(_ dot: Dot) -> Bool {
        var low = 0
        var high = cloud.count
        while low < high {
            let middle = (low + high) / 2
            if cloud[middle] == dot { return true }
            if cloud[middle] < dot { low = middle + 1 } else { high = middle }
        }
        return false
    }

    /// One walk along the sorted dots, actor by actor: those that follow the vector without a gap move it up.
    private mutating func normalise() {
        cloud.sort()
        var kept: [Dot] = []
        var grown: [VersionVector.Entry] = []
        var index = 0
        while index < cloud.count {
            let actor = cloud[index].actor
            let start = vector.counter(of: actor)
            var known = start
            while index < cloud.count, cloud[index].actor == actor {
                let dot = cloud[index]
                index += 1
                if dot.counter <= known || kept.last == dot { continue }
                if dot.counter == known + 1 { known += 1 } else { kept.append(dot) }
            }
            if known > start { grown.append(VersionVector.Entry(actor, known)) }
        }
        cloud = kept
        vector.merge(VersionVector(sortedEntries: grown))
    }
}

extension CausalContext: CustomStringConvertible {
    /// `{1:4}+[2:7]`: four events of actor 1, and of actor 2 only the seventh.
    public var description: String {
        cloud.isEmpty ? "\(vector)" : "\(vector)+[\(cloud.map(\.description).joined(separator: ", "))]"
    }
}

extension CausalContext {
    /// Appends the vector, a varint count of dots, and per dot varint (actor − previous actor), varint counter.
    public func encode(into bytes: inout [UInt8]) {
        vector.encode(into: &bytes)
        bytes.append(varint: UInt64(cloud.count))
        var previous: UInt32 = 0
        for dot in cloud {
            bytes.append(varint: UInt64(dot.actor.rawValue - previous))
            bytes.append(varint: dot.counter)
            previous = dot.actor.rawValue
        }
    }

    /// Reads what `encode` wrote. Any set of dots is accepted and normalised.
    public init(from reader: inout ByteReader) throws(MalformedBytes) {
        vector = try VersionVector(from: &reader)
        cloud = []
        let count = try reader.count(ofAtLeast: 2)
        guard count > 0 else { return }
        cloud.reserveCapacity(count)
        var previous: UInt64 = 0
        for _ in 0..<count {
            let (actor, overflow) = previous.addingReportingOverflow(try reader.varint())
            guard !overflow, let id = UInt32(exactly: actor) else {
                throw MalformedBytes("causal context: actor too large")
            }
            let counter = try reader.varint()
            guard counter > 0 else { throw MalformedBytes("causal context: zero counter") }
            cloud.append(Dot(ActorID(id), counter))
            previous = actor
        }
        normalise()
    }
}
