package import KindredModel

/// Some of the events of a `CausalHistory`: a plain set, kept as bits so that a search can visit many of them.
package struct EventSet: Hashable, Sendable {
    private var bits: UInt64 = 0

    /// No events.
    package init() {}

    /// One event.
    package init(_ event: CausalHistory.Event) {
        bits = 1 << UInt64(event.number)
    }

    /// Whether the event is in the set.
    package func contains(_ event: CausalHistory.Event) -> Bool {
        bits & (1 << UInt64(event.number)) != 0
    }

    /// Whether every event of `other` is in the set.
    package func isSuperset(of other: EventSet) -> Bool {
        other.bits & ~bits == 0
    }

    /// Adds every event of `other`.
    package mutating func formUnion(_ other: EventSet) {
        bits |= other.bits
    }

    /// The events of both.
    package func union(_ other: EventSet) -> EventSet {
        var result = self
        result.formUnion(other)
        return result
    }

    /// The events that satisfy the condition.
    package func filter(_ history: CausalHistory, _ isIncluded: (CausalHistory.Event) -> Bool) -> EventSet {
        var result = EventSet()
        for event in history.events(in: self) where isIncluded(event) { result.formUnion(EventSet(event)) }
        return result
    }
}

/// The right answers, from first principles: a history of writes, each with the full set of events its writer had seen.
///
/// There are no vectors, contexts or clocks here. What a replica or client knows is a set of events, closed under "had seen"; what it must
/// show is derived from that set alone. A dot serves as a label, and its two numbers break ties between equal timestamps.
package struct CausalHistory: Hashable, Sendable {
    /// A put or a delete that was accepted.
    package struct Event: Hashable, Sendable {
        /// The place of the event among all that the history has room for.
        fileprivate let number: Int
        /// The label that the implementation gave it.
        package let dot: Dot
        /// The key it wrote.
        package let key: Int
        /// What it stored; nil if it deleted.
        package let content: [UInt8]?
        /// When it was accepted, in hybrid time.
        package let timestamp: HybridTimestamp
        /// The version number it was given, 0 for none.
        package let versionNumber: UInt64
        /// Everything its writer had seen, directly or through what it had seen.
        package let seen: EventSet

        /// Whether the event comes later in the total order of timestamps, then actors, then counters.
        package func isLater(than other: Event) -> Bool {
            (timestamp.rawValue, dot.actor.rawValue, dot.counter)
                > (other.timestamp.rawValue, other.dot.actor.rawValue, other.dot.counter)
        }
    }

    /// No replica accepts more events than this.
    package static let eventsPerReplica = 16
    /// There are no more replicas than this.
    package static let maximumReplicas = 4

    /// The events by replica (the actor's number less one), in the order in which it accepted them. Kept apart because the same
    /// events in another order of time are the same history.
    private var eventsByReplica: [[Event]] = Array(repeating: [], count: maximumReplicas)

    /// The history in which nothing has happened.
    package init() {}

    /// Adds an event, the next one of its actor.
    ///
    /// - Precondition: the actor is at most `maximumReplicas` and has fewer than `eventsPerReplica` events.
    package mutating func append(
        dot: Dot, key: Int, content: [UInt8]?, timestamp: HybridTimestamp, versionNumber: UInt64, seen: EventSet
    ) -> Event {
        let replica = Int(dot.actor.rawValue) - 1
        let index = eventsByReplica[replica].count
        precondition(index < CausalHistory.eventsPerReplica, "the history is full")
        let event = Event(
            number: replica * CausalHistory.eventsPerReplica + index, dot: dot, key: key, content: content,
            timestamp: timestamp, versionNumber: versionNumber, seen: seen)
        eventsByReplica[replica].append(event)
        return event
    }

    /// How many events a replica has accepted.
    package func count(ofReplica replica: Int) -> Int { eventsByReplica[replica].count }

    /// Every event.
    package var allEvents: [Event] { eventsByReplica.flatMap { $0 } }

    /// The events of a set, in the order of their dots.
    package func events(in set: EventSet) -> [Event] {
        var result: [Event] = []
        for events in eventsByReplica {
            for event in events where set.contains(event) { result.append(event) }
        }
        return result
    }

    /// The events of a set that wrote `key`.
    package func events(in set: EventSet, key: Int) -> [Event] {
        events(in: set).filter { $0.key == key }
    }

    // MARK: The right answers

    /// The puts among the known events that no known event has seen: what nobody has knowingly replaced or deleted.
    package func live(_ known: EventSet, key: Int) -> [Event] {
        let events = events(in: known, key: key)
        return events.filter { put in
            put.content != nil && !events.contains { $0.seen.contains(put) }
        }
    }

    /// What must be kept of the known events: what is shown, evidence of conflicts, and with last-write-wins a latest delete.
    package func kept(_ known: EventSet, key: Int, by strategy: ConflictStrategy) -> [Event] {
        switch strategy {
        case .versionVectors, .versionNumbers:
            return live(known, key: key)
        case .lastWriteWins:
            let events = events(in: known, key: key)
            return events.filter { event in events.allSatisfy { !$0.isLater(than: event) } }
        case .immutable:
            let events = events(in: known, key: key)
            return events.filter { event in
                events.allSatisfy { $0.content != event.content || !event.isLater(than: $0) }
            }
        }
    }

    /// What a reader who knows these events must be shown.
    package func shown(_ known: EventSet, key: Int, by strategy: ConflictStrategy) -> [Event] {
        let kept = kept(known, key: key, by: strategy)
        switch strategy {
        case .versionVectors, .versionNumbers: return kept
        case .lastWriteWins: return kept.filter { $0.content != nil }
        case .immutable: return kept.filter { event in kept.allSatisfy { !event.isLater(than: $0) } }
        }
    }
}
