import KindredModel

/// What a recording says about how clients write, whatever the strategy.
package struct WorkloadFacts: Hashable, Sendable {
    package var milliseconds: UInt64 = 0
    package var keys = 0
    package var puts = 0
    package var deletes = 0
    /// Puts to keys that had a value.
    package var overwrites = 0
    /// Of these, those without a causal context: their writers had not read what they replaced.
    package var blindOverwrites = 0
    /// Of these, those that came within a second of the write before, with other content, and not from the client that
    /// had written it (as far as clients give names).
    package var hastyOverwrites = 0
    /// Overwrites with a condition.
    package var conditionalOverwrites = 0
    /// Keys that were given other content than they had, or deleted.
    package var keysChanged = 0
    /// Keys that were changed at least ten times.
    package var busyKeys = 0
    /// Clients that give a name.
    package var clients = 0
    /// Keys that were written by several named clients, or also by one without a name.
    package var sharedKeys = 0
    /// Writes that came to a coordinator which an earlier write of the key, coordinated elsewhere, had not reached.
    package var late = 0
    /// The longest time after which a write had demonstrably not arrived, in milliseconds.
    package var longestLag: UInt64 = 0
    package var dropped: UInt64 = 0
    /// Whether equal content can be told from other content.
    package var knowsContents = true

    /// What counts as in haste: clients that overlap can hardly be further apart.
    package static let hastyMilliseconds: UInt64 = 1_000
    package static let busyChanges = 10

    package init() {}

    package init(_ workload: RecordedWorkload) {
        milliseconds = workload.ended >= workload.started ? workload.ended - workload.started : 0
        dropped = workload.dropped
        var names: Set<String> = []
        for key in workload.keys {
            keys += 1
            var history = KeyHistory()
            for write in key.writes {
                add(write, &history)
                if let client = write.client { names.insert(client) }
            }
            if history.changes > 0 { keysChanged += 1 }
            if history.changes >= Self.busyChanges { busyKeys += 1 }
            if history.writers.count > 1 { sharedKeys += 1 }
        }
        clients = names.count
    }

    /// What has happened to a key so far.
    private struct KeyHistory {
        var previous: ReplayWrite?
        var changes = 0
        var writers: Set<String?> = []
        /// The last applied write of each coordinator.
        var latest: [Int: ReplayWrite] = [:]
    }

    private mutating func add(_ write: ReplayWrite, _ history: inout KeyHistory) {
        defer {
            history.previous = write
            if write.dot != nil { history.latest[write.coordinator] = write }
        }
        history.writers.insert(write.client)
        if let reflected = write.reflected { addLag(write, reflected, history.latest) }
        guard !write.isDelete else {
            deletes += 1
            history.changes += 1
            return
        }
        puts += 1
        if write.content == nil { knowsContents = false }
        guard !write.found.isEmpty else { return }
        overwrites += 1
        let previous = history.previous
        let isEqual = write.content != nil && write.content == previous?.content
        if !isEqual { history.changes += 1 }
        if !write.conditions.isEmpty { conditionalOverwrites += 1 }
        guard !write.hasContext else { return }
        blindOverwrites += 1
        guard let previous, !isEqual, write.moment - min(previous.moment, write.moment) <= Self.hastyMilliseconds
        else { return }
        if write.client == nil || write.client != previous.client { hastyOverwrites += 1 }
    }

    private mutating func addLag(_ write: ReplayWrite, _ reflected: CausalContext, _ latest: [Int: ReplayWrite]) {
        var isLate = false
        for (coordinator, earlier) in latest where coordinator != write.coordinator {
            guard let dot = earlier.dot, !reflected.contains(dot) else { continue }
            isLate = true
            longestLag = max(longestLag, write.moment - min(earlier.moment, write.moment))
        }
        if isLate { late += 1 }
    }

    /// The share of overwrites whose writers had not read, from 0 to 1.
    package var blindShare: Double { overwrites == 0 ? 0 : Double(blindOverwrites) / Double(overwrites) }
}
