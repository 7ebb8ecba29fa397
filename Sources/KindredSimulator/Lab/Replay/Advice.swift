package import KindredModel

/// Which strategy a bucket should have, by what was observed; with the numbers, and what would change it.
package struct Advice: Hashable, Sendable {
    /// The rule that has decided; `AdviceRules` has them in their order.
    package enum Rule: String, Hashable, Sendable, CaseIterable {
        case tooLittle = "too-little-data"
        case writtenOnce = "written-once"
        case conditional = "conditional-writes"
        case lostUpdates = "lost-updates"
        case harmless = "equal-content"
        case hastyOverwrites = "unread-and-at-the-same-time"
        case singleWriter = "single-writer"
        case blind = "unread-and-apart"
        case unseen = "met-unread"
        case informed = "read-before-write"
    }

    package enum Confidence: String, Hashable, Sendable, Comparable {
        case low, medium, high

        private var rank: Int {
            switch self {
            case .low: 0
            case .medium: 1
            case .high: 2
            }
        }

        package static func < (left: Confidence, right: Confidence) -> Bool { left.rank < right.rank }
    }

    package var rule: Rule
    /// Nil if nothing can be said.
    package var strategy: ConflictStrategy?
    package var confidence: Confidence
    /// The advice in a sentence.
    package var summary: String
    /// What it rests on, with numbers.
    package var reasons: [String]
    /// What would change it.
    package var changes: [String]

    package init(
        _ rule: Rule, _ strategy: ConflictStrategy?, _ confidence: Confidence, _ summary: String, reasons: [String],
        changes: [String]
    ) {
        self.rule = rule
        self.strategy = strategy
        self.confidence = confidence
        self.summary = summary
        self.reasons = reasons
        self.changes = changes
    }
}

/// What advice rests on.
package struct AdviceEvidence: Sendable {
    package var facts: WorkloadFacts
    /// What each strategy would have made of the recording.
    package var replays: [ConflictStrategy: ReplayResult]
    /// How many conflicts the conflict log has of the bucket, by kind; nil if it was not asked.
    package var logged: [String: Int]?

    package init(
        _ facts: WorkloadFacts, _ replays: [ConflictStrategy: ReplayResult], logged: [String: Int]? = nil
    ) {
        self.facts = facts
        self.replays = replays
        self.logged = logged
    }

    /// Writes that met a value which they had not seen, where every such value is kept.
    var conflicts: Int { replays[.versionVectors]?.conflicts ?? 0 }
    var harmless: Int { replays[.versionVectors]?.harmless ?? 0 }
    /// What last-write-wins would have cost: updates by writers that had read something else, and values that nobody
    /// had read.
    var lostUpdates: Int { replays[.lastWriteWins]?.lostToInformed ?? 0 }
    var overwrittenUnseen: Int { replays[.lastWriteWins]?.overwrittenUnseen ?? 0 }
    var loggedConflicts: Int {
        ["lost", "sibling", "outlived", "shadowed"].reduce(0) { $0 + (logged?[$1] ?? 0) }
    }
}
