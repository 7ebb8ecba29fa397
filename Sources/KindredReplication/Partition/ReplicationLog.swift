package import KindredModel

/// Which event changed which key, for the events that some replica may still lack: the source of anti-entropy, and what tells which
/// events must travel with a key.
///
/// The same entries are in the engine's `log` table; this is their index in memory, in both directions. An entry may be dropped at any
/// time: an event that is asked for and is not here is answered with a full transfer (docs/ARCHITECTURE.md).
package struct ReplicationLog: Sendable {
    private struct ActorLog: Sendable {
        let actor: ActorID
        /// Sorted. Almost always appended to at the end and cut at the beginning.
        var entries: [(counter: UInt64, key: [UInt8])] = []

        /// The position of the first entry that is not below `counter`.
        func position(of counter: UInt64) -> Int {
            if let last = entries.last, last.counter < counter { return entries.count }
            var low = 0
            var high = entries.count
            while low < high {
                let middle = (low + high) / 2
                if entries[middle].counter < counter { low = middle + 1 } else { high = middle }
            }
            return low
        }
    }

    private var actors: [ActorLog] = []
    private var eventsByKey: [[UInt8]: [Dot]] = [:]
    /// How many entries there are.
    package private(set) var count = 0

    package init() {}

    /// The storage key of the object that the event changed; nil if the log has forgotten it, or never knew.
    package func key(of event: Dot) -> [UInt8]? {
        guard let log = actors.first(where: { $0.actor == event.actor }) else { return nil }
        let position = log.position(of: event.counter)
        guard position < log.entries.count, log.entries[position].counter == event.counter else { return nil }
        return log.entries[position].key
    }

    /// The events of a key that are still here, sorted.
    package func events(of key: [UInt8]) -> [Dot] {
        eventsByKey[key] ?? []
    }

    /// The keys with `lower <= key < upper` that have entries, in ascending order.
    package func keys(from lower: [UInt8], to upper: [UInt8]?) -> [[UInt8]] {
        eventsByKey.keys.filter { key in
            !key.lexicographicallyPrecedes(lower) && upper.map { key.lexicographicallyPrecedes($0) } ?? true
        }.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// The actors that have entries, sorted, and how many each has.
    package var sizes: [(actor: ActorID, count: Int)] {
        actors.map { ($0.actor, $0.entries.count) }
    }

    /// Adds an entry, unless the event has one.
    package mutating func insert(_ event: Dot, key: [UInt8]) {
        var index = actors.count
        while index > 0, actors[index - 1].actor >= event.actor { index -= 1 }
        if index == actors.count || actors[index].actor != event.actor {
            actors.insert(ActorLog(actor: event.actor), at: index)
        }
        let position = actors[index].position(of: event.counter)
        if position < actors[index].entries.count, actors[index].entries[position].counter == event.counter { return }
        actors[index].entries.insert((event.counter, key), at: position)
        count += 1
        var place = eventsByKey[key]?.count ?? 0
        while place > 0, let before = eventsByKey[key]?[place - 1], before > event { place -= 1 }
        eventsByKey[key, default: []].insert(event, at: place)
    }

    /// Removes the entries of an actor up to and including an event.
    ///
    /// - Returns: how many there were.
    @discardableResult
    package mutating func remove(of actor: ActorID, through counter: UInt64) -> Int {
        guard let index = actors.firstIndex(where: { $0.actor == actor }) else { return 0 }
        let position = actors[index].position(of: counter == .max ? .max : counter + 1)
        guard position > 0 else { return 0 }
        // Each key once, however many of its events go.
        for key in Set(actors[index].entries[..<position].map(\.key)) {
            eventsByKey[key]?.removeAll { $0.actor == actor && $0.counter <= counter }
            if eventsByKey[key]?.isEmpty == true { eventsByKey[key] = nil }
        }
        actors[index].entries.removeFirst(position)
        if actors[index].entries.isEmpty { actors.remove(at: index) }
        count -= position
        return position
    }

    /// The entries of an actor whose events have been voided.
    func voidedEvents(of actor: ActorID, _ closed: ClosedActors) -> [Dot] {
        guard let log = actors.first(where: { $0.actor == actor }) else { return [] }
        return log.entries.map { Dot(actor, $0.counter) }.filter(closed.isVoided)
    }

    /// Removes one entry.
    mutating func remove(_ event: Dot) {
        guard let index = actors.firstIndex(where: { $0.actor == event.actor }) else { return }
        let position = actors[index].position(of: event.counter)
        guard position < actors[index].entries.count, actors[index].entries[position].counter == event.counter else {
            return
        }
        let key = actors[index].entries.remove(at: position).key
        if var events = eventsByKey[key] {
            events.removeAll { $0 == event }
            eventsByKey[key] = events.isEmpty ? nil : events
        }
        if actors[index].entries.isEmpty { actors.remove(at: index) }
        count -= 1
    }

    /// The counter of an actor's `position`-th entry; nil if there are fewer.
    package func counter(of actor: ActorID, at position: Int) -> UInt64? {
        guard let log = actors.first(where: { $0.actor == actor }), position < log.entries.count else { return nil }
        return log.entries[position].counter
    }
}
