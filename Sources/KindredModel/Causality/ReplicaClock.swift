/// Which events the durable state of a partition replica reflects: for each actor the events without a gap (the *base*), and a bitmap of
/// what has arrived beyond the gap.
///
/// An event enters only together with the object it changed, in one atomic record; a clock is never merged with a peer's clock. So "in
/// the clock" means "applied", and an object whose version is missing here was replaced or deleted, not overlooked.
/// (Gonçalves et al., "DottedDB: Anti-Entropy without Merkle Trees, Deletes without Tombstones", 2017.)
public struct ReplicaClock: Hashable, Sendable {
    /// One actor's part of the clock.
    public struct Entry: Hashable, Sendable {
        /// The actor.
        public let actor: ActorID
        /// The events 1 to `base` have all been applied.
        public fileprivate(set) var base: UInt64
        /// Bit *i* of word *w* stands for event `base + 2 + 64·w + i`; event `base + 1` is missing by definition. No
        /// trailing zero words.
        public fileprivate(set) var beyond: [UInt64]
    }

    /// The entries, sorted by actor, none without events.
    public private(set) var entries: [Entry] = []

    /// A clock that knows of no event.
    public init() {}

    /// The bases of all actors: the part of the clock that may strip and fill contexts.
    public var base: VersionVector {
        VersionVector(
            sortedEntries: entries.compactMap { $0.base > 0 ? VersionVector.Entry($0.actor, $0.base) : nil })
    }

    /// The highest event of each actor, gaps or not. What lies below need not have been applied.
    package var highest: VersionVector {
        VersionVector(sortedEntries: entries.map { VersionVector.Entry($0.actor, $0.highest) })
    }

    /// How many events of `actor` have been applied without a gap.
    public func base(of actor: ActorID) -> UInt64 {
        entries.first { $0.actor == actor }?.base ?? 0
    }

    /// Whether the event has been applied.
    public func contains(_ dot: Dot) -> Bool {
        guard let entry = entries.first(where: { $0.actor == dot.actor }) else { return false }
        return entry.contains(dot.counter)
    }

    /// Whether every event of a causal context has been applied.
    public func isSuperset(of context: CausalContext) -> Bool {
        context.vector.entries.allSatisfy { base(of: $0.actor) >= $0.counter } && context.cloud.allSatisfy(contains)
    }

    /// Records that the event has been applied.
    ///
    /// - Returns: whether it is new; false for one that was there already, and for one so far beyond the base
    ///   (`maximumGap`) that the bitmap would grow without bound: such an event must not be applied.
    @discardableResult
    public mutating func insert(_ dot: Dot) -> Bool {
        guard dot.counter > 0 else { return false }
        var index = entries.count
        while index > 0, entries[index - 1].actor >= dot.actor { index -= 1 }
        if index < entries.count, entries[index].actor == dot.actor { return entries[index].insert(dot.counter) }
        var entry = Entry(actor: dot.actor, base: 0, beyond: [])
        guard entry.insert(dot.counter) else { return false }
        entries.insert(entry, at: index)
        return true
    }

    /// Whether `insert` would take the event, or has it already: it isn't too far beyond the base.
    public func canContain(_ dot: Dot) -> Bool {
        dot.counter <= base(of: dot.actor) + ReplicaClock.maximumGap
    }

    /// Whether every event of another clock has been applied.
    public func isSuperset(of other: ReplicaClock) -> Bool {
        other.events(missingFrom: self, limit: 1).isEmpty
    }

    /// One actor's part of the clock; nil if it has no events.
    public func entry(of actor: ActorID) -> Entry? {
        entries.first { $0.actor == actor }
    }

    /// Adds every event of another clock. Only ever called at the end of a full transfer, whose objects reflect all of them.
    public mutating func formUnion(_ other: ReplicaClock) {
        for theirs in other.entries {
            var index = entries.count
            while index > 0, entries[index - 1].actor >= theirs.actor { index -= 1 }
            if index < entries.count, entries[index].actor == theirs.actor {
                entries[index].formUnion(theirs)
            } else {
                entries.insert(theirs, at: index)
            }
        }
    }

    /// Forgets an actor's events: those of a closed actor, of which the number of the closing says enough.
    public mutating func removeActor(_ actor: ActorID) {
        entries.removeAll { $0.actor == actor }
    }

    /// How far beyond its base an actor's bitmap may reach: 8 KiB of bitmap. A replica that lags further behind needs a full
    /// transfer, not more bits.
    public static let maximumGap: UInt64 = 65_536

    /// The first `limit` events, in canonical order, that this clock has and `other` lacks.
    ///
    /// There is no default for the limit: what an empty replica lacks may be billions of events. The time taken is in proportion to the
    /// limit and the size of the two clocks, never to the distance between them.
    public func events(missingFrom other: ReplicaClock, limit: Int) -> [Dot] {
        var missing: [Dot] = []
        var theirs = other.entries[...]
        for entry in entries {
            while let first = theirs.first, first.actor < entry.actor { theirs.removeFirst() }
            let known = theirs.first.flatMap { $0.actor == entry.actor ? $0 : nil }
            let highest = entry.highest
            var counter = known?.base ?? 0
            while counter < highest {
                guard missing.count < limit else { return missing }
                counter += 1
                if entry.contains(counter), known?.contains(counter) != true {
                    missing.append(Dot(entry.actor, counter))
                }
            }
        }
        return missing
    }

    /// Whether some event is known beyond a gap.
    public var hasGaps: Bool { entries.contains { !$0.beyond.isEmpty } }
}

extension ReplicaClock.Entry {
    /// Whether the actor's event has been applied.
    public func contains(_ counter: UInt64) -> Bool {
        if counter <= base { return counter > 0 }
        guard counter >= base + 2 else { return false }
        let bit = counter - base - 2
        let word = Int(truncatingIfNeeded: bit / 64)
        return word < beyond.count && beyond[word] & (1 << (bit % 64)) != 0
    }

    /// The events beyond the base, in ascending order.
    public var countersBeyond: [UInt64] {
        guard highest > base else { return [] }
        return (base + 1...highest).filter { contains($0) && $0 > base }
    }

    fileprivate mutating func formUnion(_ other: ReplicaClock.Entry) {
        if other.base > base {
            let known = self
            self = other
            for counter in known.countersBeyond where counter > base { _ = insert(counter) }
        } else {
            for counter in other.countersBeyond where counter > base { _ = insert(counter) }
        }
    }

    /// The largest event that has been applied.
    public var highest: UInt64 {
        guard let last = beyond.last else { return base }
        return base + 2 + UInt64(beyond.count - 1) * 64 + UInt64(63 - last.leadingZeroBitCount)
    }

    fileprivate mutating func insert(_ counter: UInt64) -> Bool {
        if counter == base + 1 {
            base += 1
            if !beyond.isEmpty { advanceBase() }
            return true
        }
        guard counter > base, counter - base <= ReplicaClock.maximumGap else { return false }
        let bit = counter - base - 2
        let word = Int(truncatingIfNeeded: bit / 64)
        while beyond.count <= word { beyond.append(0) }
        let mask: UInt64 = 1 << (bit % 64)
        guard beyond[word] & mask == 0 else { return false }
        beyond[word] |= mask
        return true
    }

    /// The base has just grown by one: takes in the run of events that now touches it, and moves the bits down to the new base.
    private mutating func advanceBase() {
        let fullWords = beyond.prefix { $0 == .max }.count
        let run = fullWords * 64 + (fullWords < beyond.count ? (~beyond[fullWords]).trailingZeroBitCount : 0)
        base += UInt64(run)
        // Bit 0 stood for the event after the old base plus one; the event that ends the run is missing and has no bit any more.
        shiftDown(by: run + 1)
        while beyond.last == 0 { beyond.removeLast() }
    }

    private mutating func shiftDown(by distance: Int) {
        let (words, bits) = distance.quotientAndRemainder(dividingBy: 64)
        beyond.removeFirst(min(words, beyond.count))
        guard bits > 0 else { return }
        for word in beyond.indices {
            let carry = word + 1 < beyond.count ? beyond[word + 1] << UInt64(64 - bits) : 0
            beyond[word] = beyond[word] >> UInt64(bits) | carry
        }
    }
}

extension ReplicaClock: CustomStringConvertible {
    /// `{1:4+2, 2:1}`: actor 1's first four events and two beyond a gap, and one of actor 2.
    public var description: String {
        let parts = entries.map { entry in
            let beyond = entry.beyond.reduce(0) { $0 + $1.nonzeroBitCount }
            return "\(entry.actor.rawValue):\(entry.base)" + (beyond > 0 ? "+\(beyond)" : "")
        }
        return "{" + parts.joined(separator: ", ") + "}"
    }
}

extension ReplicaClock {
    /// Appends: varint count, then per actor varint (actor − previous actor), varint base, varint count of words, the words in
    /// big-endian order.
    public func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(entries.count))
        var previous: UInt32 = 0
        for entry in entries {
            bytes.append(varint: UInt64(entry.actor.rawValue - previous))
            bytes.append(varint: entry.base)
            bytes.append(varint: UInt64(entry.beyond.count))
            for word in entry.beyond { bytes.append(bigEndian: word) }
            previous = entry.actor.rawValue
        }
    }

    /// Reads what `encode` wrote; refuses actors out of order or without events, and bitmaps that reach over `maximumGap`.
    public init(from reader: inout ByteReader) throws(MalformedBytes) {
        let count = try reader.count(ofAtLeast: 3)
        var previous: UInt64 = 0
        for index in 0..<count {
            let step = try reader.varint()
            guard index == 0 || step > 0 else { throw MalformedBytes("replica clock: actors out of order") }
            let (actor, overflow) = previous.addingReportingOverflow(step)
            guard !overflow, let id = UInt32(exactly: actor) else {
                throw MalformedBytes("replica clock: actor too large")
            }
            let base = try reader.varint()
            let words = try reader.count(ofAtLeast: 8)
            guard UInt64(words) <= ReplicaClock.maximumGap / 64, base < .max - ReplicaClock.maximumGap else {
                throw MalformedBytes("replica clock: out of bounds")
            }
            var beyond: [UInt64] = []
            for _ in 0..<words { beyond.append(try reader.bigEndian(UInt64.self)) }
            guard beyond.last != 0 else { throw MalformedBytes("replica clock: trailing zero word") }
            let entry = Entry(actor: ActorID(id), base: base, beyond: beyond)
            guard entry.highest > 0 else { throw MalformedBytes("replica clock: actor without events") }
            guard entry.highest - base <= ReplicaClock.maximumGap else {
                throw MalformedBytes("replica clock: out of bounds")
            }
            entries.append(entry)
            previous = actor
        }
    }
}
