/// A side of the cut.
package enum LabSide: Hashable, Sendable {
    case minority
    case majority
}

/// What was counted in a run, or in several.
package struct LabMeasures: Hashable, Sendable {
    /// Writes that clients have sent. One whose read was not answered is not among them.
    package internal(set) var writesAsked = 0
    package internal(set) var acknowledged = 0
    package internal(set) var unchanged = 0
    package internal(set) var refused = 0
    /// Requests, reads included, that were told "not available".
    package internal(set) var unavailable = 0

    // Of the acknowledged puts, what became of them.
    package internal(set) var kept = 0
    package internal(set) var replaced = 0
    package internal(set) var lostAndReported = 0
    package internal(set) var lostSilently = 0
    /// Of the lost ones, those that had truly happened after everything that they were lost to.
    package internal(set) var lostLater = 0
    /// Values that somebody who had seen them has deleted, and that were there once all replicas were equal.
    package internal(set) var resurrected = 0
    /// Values in the end that a read does not show, kept as evidence.
    package internal(set) var hidden = 0

    // Reads.
    package internal(set) var reads = 0
    package internal(set) var readsWithValue = 0
    package internal(set) var valuesShown = 0
    package internal(set) var siblingsMaximum = 0
    /// Values that were shown beside one whose writer had seen them.
    package internal(set) var falseSiblings = 0
    package internal(set) var contextBytes = 0
    /// Reads of more than one value, and how many values they left to merge.
    package internal(set) var readsToMerge = 0
    package internal(set) var valuesToMerge = 0

    // Cost.
    package internal(set) var messages = 0
    package internal(set) var bytes = 0
    /// Bytes beside the values at the moment of the healing, and of how many objects.
    package internal(set) var metadataBytes = 0
    package internal(set) var metadataKeys = 0

    // During the cut.
    package internal(set) var askedOfMinority = 0
    package internal(set) var servedByMinority = 0
    package internal(set) var askedOfMajority = 0
    package internal(set) var servedByMajority = 0

    /// For each run, how long it took after the healing until all replicas were equal, in microseconds; nil if clients
    /// were back before.
    package internal(set) var convergence: [UInt64?] = []
    /// How many runs did not converge at all.
    package internal(set) var diverged = 0

    package init() {}

    /// Writes that were answered, whatever the answer was.
    package var answeredWrites: Int { acknowledged + unchanged + refused }

    package var lost: Int { lostSilently + lostAndReported }

    /// The longest of all runs, in microseconds; nil if one was not measured, or did not converge.
    package var longestConvergence: UInt64? {
        let known = convergence.compactMap { $0 }
        return diverged == 0 && known.count == convergence.count ? known.max() : nil
    }

    mutating func asked(on side: LabSide?) {
        switch side {
        case .minority: askedOfMinority += 1
        case .majority: askedOfMajority += 1
        case nil: break
        }
    }

    mutating func served(on side: LabSide?) {
        switch side {
        case .minority: servedByMinority += 1
        case .majority: servedByMajority += 1
        case nil: break
        }
    }

    mutating func shown(_ values: Int, false falseOnes: Int, contextBytes: Int) {
        reads += 1
        self.contextBytes += contextBytes
        if values > 0 { readsWithValue += 1 }
        valuesShown += values
        siblingsMaximum = max(siblingsMaximum, values)
        falseSiblings += falseOnes
        if values > 1 {
            readsToMerge += 1
            valuesToMerge += values
        }
    }

    /// Adds another run's counts.
    mutating func add(_ other: LabMeasures) {
        let counts: [WritableKeyPath<LabMeasures, Int>] = [
            \.writesAsked, \.acknowledged, \.unchanged, \.refused, \.unavailable, \.kept, \.replaced,
            \.lostAndReported, \.lostSilently, \.lostLater, \.resurrected, \.hidden, \.reads, \.readsWithValue,
            \.valuesShown, \.falseSiblings, \.contextBytes, \.readsToMerge, \.valuesToMerge, \.messages, \.bytes,
            \.metadataBytes, \.metadataKeys, \.askedOfMinority, \.servedByMinority, \.askedOfMajority,
            \.servedByMajority, \.diverged,
        ]
        for count in counts { self[keyPath: count] += other[keyPath: count] }
        siblingsMaximum = max(siblingsMaximum, other.siblingsMaximum)
        convergence += other.convergence
    }
}
