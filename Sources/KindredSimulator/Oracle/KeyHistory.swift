package import KindredModel

/// Everything that has happened to one key, and what must be shown to somebody who knows some of it: the oracle.
///
/// There are no vectors, contexts or clocks here. Each event has the set of events that its writer had seen, closed under "had seen", and
/// what is right follows from these sets alone.
package struct KeyHistory: Sendable {
    /// A put or delete that was accepted.
    package struct Event: Sendable {
        package let dot: Dot
        /// What it stored; nil for a delete.
        package let content: ArraySlice<UInt8>?
        package let timestamp: HybridTimestamp
        /// Everything that its writer had seen.
        package let seen: EventBits
        /// Which client wrote it, and whether it was told so.
        package let client: Int
        /// Whether its replica had only begun and not caught up yet, so that it may have known effects of events that it did not know.
        package var isLoose = false
        /// The highest version number that had been acknowledged when the event happened.
        package var numberBefore: UInt64 = 0
        package var isAcknowledged = false
        /// How many copies the acknowledgement promised.
        package var promisedCopies = 0
        /// Whether its only promised copy may have been on a disk that was destroyed.
        package var isExempt = false
        /// Whether it never happened after all: its replica lost it before anybody could know of it, or its dot was voided.
        package var isVoid = false
        /// The event under which a voided write goes on; nil if there is none.
        package var successor: Int?
    }

    package let strategy: ConflictStrategy
    package private(set) var events: [Event] = []
    private var positions: [Dot: Int] = [:]

    package init(strategy: ConflictStrategy) {
        self.strategy = strategy
    }

    package func position(of dot: Dot) -> Int? { positions[dot] }

    /// Adds an event.
    ///
    /// - Returns: its position; nil if there is another one with this dot.
    package mutating func append(_ event: Event) -> Int? {
        guard positions[event.dot] == nil else { return nil }
        positions[event.dot] = events.count
        events.append(event)
        return events.count - 1
    }

    package mutating func acknowledge(_ position: Int, copies: Int) {
        events[position].isAcknowledged = true
        events[position].promisedCopies = max(events[position].promisedCopies, copies)
    }

    /// A disk has been destroyed: what was promised to be on a single one may be gone.
    package mutating func exemptSingleCopies() {
        for position in events.indices where events[position].promisedCopies < 2 { events[position].isExempt = true }
    }

    package func isExempt(_ dot: Dot) -> Bool { position(of: dot).map { events[$0].isExempt } ?? false }

    /// A write that nothing can be done for has been reported as lost: there is nothing silent about it.
    package mutating func report(_ dot: Dot) {
        guard let position = position(of: dot) else { return }
        events[position].isVoid = true
        events[position].isExempt = true
        latestReported = max(latestReported, events[position].timestamp)
    }

    /// The latest of the writes that were reported as lost: what they had beaten before is lost with them, by the rule of the
    /// strategy.
    package private(set) var latestReported = HybridTimestamp.zero

    /// Whether anybody has deleted the key.
    package var hasDeletes: Bool { events.contains { $0.content == nil } }

    /// The event has never happened: nobody knows of it, and its dot may be minted again.
    package mutating func forget(_ position: Int) {
        events[position].isVoid = true
        positions[events[position].dot] = nil
        // A salvaged write that came to nothing: what was promised is still owed to the write it went on from, which is salvaged anew.
        for index in events.indices where events[index].successor == position {
            events[index].successor = nil
            events[position].isAcknowledged = false
        }
    }

    /// The event's dot has been voided; the write goes on under another one, if it does.
    package mutating func void(_ position: Int, successor: Int? = nil) {
        events[position].isVoid = true
        if let successor { events[position].successor = successor }
    }

    /// The events that satisfy the condition, void ones left out.
    package func known(where isKnown: (Dot) -> Bool) -> EventBits {
        var bits = EventBits()
        for (position, event) in events.enumerated() where !event.isVoid && isKnown(event.dot) { bits.insert(position) }
        return bits
    }

    /// The events of a set, and all that their writers had seen.
    package func closure(of known: EventBits) -> EventBits {
        var closed = known
        for position in known.positions { closed.formUnion(events[position].seen) }
        return closed
    }

    // MARK: The right answers

    /// What must be kept by somebody who knows these events, in the order of their dots.
    package func kept(_ known: EventBits) -> [Event] {
        let events = known.positions.map { self.events[$0] }
        switch strategy {
        case .versionVectors, .versionNumbers:
            var seen = EventBits()
            for event in events { seen.formUnion(event.seen) }
            return known.positions.filter { !seen.contains($0) && self.events[$0].content != nil }
                .map { self.events[$0] }.sorted { $0.dot < $1.dot }
        case .lastWriteWins:
            guard let winner = events.max(by: { KeyHistory.isLater($1, than: $0) }), winner.content != nil else {
                return []
            }
            return [winner]
        case .immutable:
            return events.filter { event in
                event.content != nil
                    && events.allSatisfy { $0.content != event.content || !KeyHistory.isLater(event, than: $0) }
            }.sorted { $0.dot < $1.dot }
        }
    }

    /// The order of last-write-wins.
    package static func isLater(_ left: Event, than right: Event) -> Bool {
        left.timestamp == right.timestamp ? left.dot > right.dot : left.timestamp > right.timestamp
    }
}
