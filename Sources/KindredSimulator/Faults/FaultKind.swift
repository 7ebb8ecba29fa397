/// The kinds of faults, in the order in which reports list them. The raw values are the names that reports show.
package enum FaultKind: String, CaseIterable, Sendable {
    case processCrash = "process-crash"
    case powerCrash = "power-crash"
    case restart
    case partition
    case blockOneWay = "block-one-way"
    case heal
    case slowNode = "slow-node"
    case nodeSpeedRestored = "node-speed-restored"
    case replayOldMessage = "replay-old-message"
    case clockJump = "clock-jump"
    case clockDrift = "clock-drift"
    case clockCorrected = "clock-corrected"
    case diskReadErrors = "disk-read-errors"
    case diskBitFlip = "disk-bit-flip"
    case diskScrub = "disk-scrub"
    case diskFull = "disk-full"
    case diskFreed = "disk-freed"
    case diskCommitFailure = "disk-commit-failure"
    case diskHealed = "disk-healed"
    case diskLost = "disk-lost"
    case takeSnapshot = "take-snapshot"
    case diskRollback = "disk-rollback"
    case lyingSync = "lying-sync"
    case honestSync = "honest-sync"
    case replaceNode = "replace-node"
    case removeNode = "remove-node"
    case addNode = "add-node"
    case serviceOutageBegins = "service-outage-begins"
    case serviceOutageEnds = "service-outage-ends"

    /// Whether it ends or prepares damage, and is none itself. Reports leave these out.
    package var isRelief: Bool {
        switch self {
        case .restart, .heal, .nodeSpeedRestored, .clockCorrected, .diskScrub, .diskFreed, .diskHealed, .takeSnapshot,
            .honestSync, .serviceOutageEnds:
            true
        default: false
        }
    }
}

/// How often each kind of fault happened, over one run or many.
package struct FaultCounts: Hashable, Sendable, CustomStringConvertible {
    private var counts: [FaultKind: Int] = [:]

    /// No fault yet.
    package init() {}

    /// Counts what a schedule has.
    package init(_ schedule: [TimedFault]) {
        for step in schedule { count(step.fault) }
    }

    /// Counts a fault.
    package mutating func count(_ fault: Fault) {
        counts[fault.kind, default: 0] += 1
    }

    /// How often this kind happened.
    package subscript(kind: FaultKind) -> Int { counts[kind] ?? 0 }

    /// How often any kind happened that is damage.
    package var total: Int {
        FaultKind.allCases.reduce(0) { $0 + ($1.isRelief ? 0 : self[$1]) }
    }

    /// The kinds that are damage and happened, in the order of `FaultKind`.
    package var entries: [(kind: FaultKind, count: Int)] {
        FaultKind.allCases.filter { !$0.isRelief && self[$0] > 0 }.map { ($0, self[$0]) }
    }

    package static func += (left: inout FaultCounts, right: FaultCounts) {
        for kind in FaultKind.allCases where right[kind] > 0 { left.counts[kind, default: 0] += right[kind] }
    }

    /// `process-crash 3, partition 2`.
    package var description: String {
        entries.map { "\($0.kind.rawValue) \($0.count)" }.joined(separator: ", ")
    }
}
