import KindredModel

/// What a replica knows of its objects as a whole: the digest that replicas with equal clocks compare, and the keys that have something
/// left to strip or drop once the clocks have moved on.
///
/// Neither is stored. After a start a scan visits the objects a few at a time; what is written meanwhile counts at once if the scan
/// has passed it, and otherwise when the scan gets there. So a write costs no record more, and a restart reads every object once, in the
/// background, and finds those that are damaged.
struct Survey: Sendable {
    /// How far the scan has come.
    enum Progress: Sendable, Equatable {
        /// Nothing is known, and nothing has to be.
        case notNeeded
        /// Everything up to and including this key is accounted for.
        case through([UInt8])
        case complete
    }

    private(set) var progress: Progress
    private var sum = PartitionDigest()
    /// Keys whose stored object has a context, or a tombstone; sorted on demand, never iterated in the set's own order.
    private var keys: Set<[UInt8]> = []

    init(isNeeded: Bool) {
        progress = isNeeded ? .through([]) : .notNeeded
    }

    /// The digest of the partition's objects; nil until the scan has seen them all.
    var digest: PartitionDigest? { progress == .complete ? sum : nil }

    /// Takes note of a change that was staged.
    mutating func changed(_ key: [UInt8], from before: [Version], to after: [Version]) {
        guard hasPassed(key) else { return }
        sum.remove(key, before)
        sum.add(key, after)
    }

    /// Takes note of a key that has something left to strip or drop.
    mutating func unsettled(_ key: [UInt8]) {
        if keys.count < Limits.unsettledKeys { keys.insert(key) } else { restart() }
    }

    /// Takes some keys out, in order, for somebody who settles them.
    mutating func takeUnsettled(_ limit: Int) -> [[UInt8]] {
        guard !keys.isEmpty else { return [] }
        let taken = keys.sorted { $0.lexicographicallyPrecedes($1) }.prefix(limit)
        for key in taken { keys.remove(key) }
        return Array(taken)
    }

    var unsettledCount: Int { keys.count }

    /// Takes note of an object that the scan has come to.
    mutating func visited(_ key: [UInt8], _ object: CausalObject) {
        guard !hasPassed(key) else { return }
        sum.add(key, object.versions)
        progress = .through(key)
        if !object.context.isEmpty || object.versions.contains(where: \.isTombstone) { unsettled(key) }
    }

    /// The scan has come to the end.
    mutating func finished() { progress = .complete }

    /// Begins again, because something happened that was not followed key by key.
    mutating func restart() {
        progress = .through([])
        sum = PartitionDigest()
        keys = []
    }

    private func hasPassed(_ key: [UInt8]) -> Bool {
        switch progress {
        case .notNeeded: false
        case .complete: true
        case .through(let last): !last.lexicographicallyPrecedes(key)
        }
    }
}
