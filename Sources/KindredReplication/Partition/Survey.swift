import KindredModel
import KindredStorage

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
    /// Keys whose stored object has a context, or a tombstone, in the order in which that was noticed.
    private var queue: [[UInt8]] = []
    private var head = 0
    /// The same, to look them up.
    private var keys: Set<[UInt8]> = []
    /// Whether there were more than are remembered: then another scan finds the rest.
    private var hasOverflowed = false

    init(isNeeded: Bool) {
        progress = isNeeded ? .through([]) : .notNeeded
    }

    /// The digest of the partition's objects; nil until the scan has seen them all.
    var digest: PartitionDigest? { progress == .complete ? sum : nil }

    /// Takes note of a change that was staged.
    mutating func changed(_ key: [UInt8], from before: [Version], to after: [Version]) {
        guard hasPassed(key), !KeyLayout.isConflict(key) else { return }
        sum.remove(key, before)
        sum.add(key, after)
    }

    /// How many times a key was found to have something left; grows.
    private(set) var discoveries: UInt64 = 0

    /// Takes note of a key that has something left to strip or drop.
    ///
    /// - Parameter isNews: false puts back a key that was taken out in vain.
    mutating func unsettled(_ key: [UInt8], isNews: Bool = true) {
        if isNews { discoveries += 1 }
        if keys.count >= Limits.unsettledKeys {
            hasOverflowed = hasOverflowed || !keys.contains(key)
        } else if keys.insert(key).inserted {
            queue.append(key)
        }
    }

    /// Takes some keys out for somebody who settles them: those that have waited longest.
    mutating func takeUnsettled(_ limit: Int) -> [[UInt8]] {
        let taken = queue[head..<min(head + limit, queue.count)]
        for key in taken { keys.remove(key) }
        head += taken.count
        if head > queue.count / 2 {
            queue.removeFirst(head)
            head = 0
        }
        if hasOverflowed, keys.isEmpty {
            hasOverflowed = false
            restart()
        }
        return Array(taken)
    }

    var unsettledCount: Int { keys.count }

    /// Takes note of an object that the scan has come to.
    mutating func visited(_ key: [UInt8], _ object: CausalObject) {
        guard !hasPassed(key) else { return }
        progress = .through(key)
        // Each replica drops old records of the conflict log when it comes to them.
        if KeyLayout.isConflict(key) { return }
        sum.add(key, object.versions)
        if object.isUnsettled { unsettled(key) }
    }

    /// The scan has come to the end.
    mutating func finished() { progress = .complete }

    /// Begins again, because something happened that was not followed key by key.
    mutating func restart() {
        progress = .through([])
        sum = PartitionDigest()
        queue = []
        head = 0
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

extension CausalObject {
    /// Whether the stored object has something left that can be stripped or dropped one day.
    var isUnsettled: Bool { !context.isEmpty || versions.contains(where: \.isTombstone) }
}
