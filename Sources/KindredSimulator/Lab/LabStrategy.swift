package import KindredModel

/// A row of the comparison: a strategy of the real core, or a baseline.
package enum LabStrategy: String, Hashable, Sendable, Codable, CaseIterable {
    case lastWriteWins = "last-write-wins"
    case immutable = "immutable"
    case versionNumbers = "version-numbers"
    case versionVectors = "version-vectors"
    case wallClock = "wall-clock"
    case countingReplicas = "counting-replicas"
    case undottedVectors = "undotted-vectors"
    case prunedVectors = "pruned-vectors"
    case timedTombstones = "timed-tombstones"

    /// The strategy of the core; nil for a baseline.
    package var core: ConflictStrategy? {
        switch self {
        case .lastWriteWins: .lastWriteWins
        case .immutable: .immutable
        case .versionNumbers: .versionNumbers
        case .versionVectors: .versionVectors
        case .wallClock, .countingReplicas, .undottedVectors, .prunedVectors, .timedTombstones: nil
        }
    }

    package var isBaseline: Bool { core == nil }

    /// How its mistake shows. A strategy of the core makes none; its first sign would be a loss.
    var typicalFailure: LabStory.Failure {
        switch self {
        case .prunedVectors: .falseSibling
        case .timedTombstones: .resurrected
        default: .lostSilently
        }
    }

    /// What it is, in a line.
    package var summary: String {
        switch self {
        case .lastWriteWins: "one value, the latest by hybrid time; what it drops unseen is reported"
        case .immutable: "the first content of a key stays; other content is refused"
        case .versionNumbers: "numbered by one leader; what a writer had not seen stays beside its write"
        case .versionVectors: "any replica; exactly what a writer had seen is replaced"
        case .wallClock: "last write wins by the coordinators' wall clocks, without hybrid time or context"
        case .countingReplicas: "version numbers, counted by every replica; the bigger or equal number replaces"
        case .undottedVectors: "version vectors with an entry per replica, without dots"
        case .prunedVectors: "dotted version vectors, pruned to few entries"
        case .timedTombstones: "dotted version vectors, tombstones forgotten by a timer"
        }
    }

    /// One run under these settings.
    func run(_ settings: LabSettings, _ workload: [LabOperation], isRecorded: Bool = false) -> LabOutcome {
        func outcome<Cluster: LabCluster>(_ cluster: Cluster) -> LabOutcome {
            var run = LabRun(settings, workload: workload, cluster: cluster, isRecorded: isRecorded)
            run.run()
            return LabOutcome(run, self)
        }
        if let core { return outcome(CoreCluster(core, settings)) }
        switch self {
        case .countingReplicas: return outcome(BaselineCluster(CountingRule(), settings))
        case .undottedVectors:
            return outcome(BaselineCluster(UndottedRule(replicas: settings.replicas), settings))
        case .prunedVectors:
            return outcome(BaselineCluster(DottedRule(.pruned(settings.vectorBound), keys: settings.keys), settings))
        case .timedTombstones:
            return outcome(
                BaselineCluster(DottedRule(.forgetful(settings.tombstoneLifetime), keys: settings.keys), settings))
        default: return outcome(BaselineCluster(WallClockRule(), settings))
        }
    }
}

/// What a run has left.
package struct LabOutcome: Sendable {
    package let strategy: LabStrategy
    package let settings: LabSettings
    package let workload: [LabOperation]
    package let measures: LabMeasures
    package let history: LabHistory
    package let record: LabRecord
    /// What each key has in the end.
    package let final: [[Int]]

    package init<Cluster>(_ run: LabRun<Cluster>, _ strategy: LabStrategy) {
        self.strategy = strategy
        settings = run.settings
        workload = run.workload
        measures = run.measures
        history = run.history
        record = run.record
        final = (0..<run.settings.keys).map(run.finalValues)
    }
}
