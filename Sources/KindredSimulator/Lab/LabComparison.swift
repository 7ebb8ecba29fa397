/// The table of the field, as measured: every strategy under one and the same workload.
package struct LabComparison: Sendable {
    /// How far clocks are apart in the sweep, in milliseconds.
    package static let sweepSkews: [UInt64] = [0, 50, 100, 250, 500, 1_000]

    package let settings: LabSettings
    package let seeds: Int
    package let rows: [Row]

    /// One strategy.
    package struct Row: Sendable {
        package let strategy: LabStrategy
        /// Over all seeds.
        package internal(set) var measures: LabMeasures
        /// The losses at each skew, over all seeds.
        package internal(set) var sweep: [SweepPoint]
        /// The first seed's run, with everything that happened in it.
        package let outcome: LabOutcome
        /// How it fails, if it does.
        package internal(set) var failure: LabStory?
    }

    /// What is lost if clocks are so far apart, and nothing else changes.
    package struct SweepPoint: Hashable, Sendable {
        package let skew: UInt64
        package internal(set) var lostSilently = 0
        package internal(set) var lostAndReported = 0
        /// Of these, writes that had truly happened after what they were lost to.
        package internal(set) var lostLater = 0
        /// Keys that have something else in the end than without skew.
        package internal(set) var keysChanged = 0
        package internal(set) var unavailable = 0
    }

    /// Runs all of it.
    ///
    /// - Parameters:
    ///   - strategies: the rows.
    ///   - seeds: how many workloads; the first has the settings' seed.
    ///   - progress: told after each run how many are done, and of how many.
    package init(
        _ settings: LabSettings, strategies: [LabStrategy] = LabStrategy.allCases, seeds: Int = 1,
        skews: [UInt64] = sweepSkews, progress: (_ done: Int, _ total: Int, LabStrategy) -> Void = { _, _, _ in }
    ) {
        self.settings = settings
        self.seeds = seeds
        let total = strategies.count * max(1, seeds) * (1 + skews.count)
        var done = 0
        var rows: [Row] = []
        for strategy in strategies {
            var row: Row?
            for number in 0..<UInt64(max(1, seeds)) {
                var settings = settings
                settings.seed &+= number
                let workload = LabWorkload.draw(settings)
                let outcome = strategy.run(settings, workload, isRecorded: number == 0)
                done += 1
                progress(done, total, strategy)
                var next =
                    row
                    ?? Row(
                        strategy: strategy, measures: LabMeasures(), sweep: skews.map { SweepPoint(skew: $0) },
                        outcome: outcome)
                next.measures.add(outcome.measures)
                if next.failure == nil { next.failure = LabStory(of: outcome) }
                var unskewed: [[Int]]?
                for index in skews.indices {
                    settings.skew = skews[index]
                    let skewed = strategy.run(settings, workload)
                    done += 1
                    progress(done, total, strategy)
                    let reference = unskewed ?? skewed.final
                    unskewed = reference
                    next.sweep[index].add(skewed, reference)
                }
                row = next
            }
            if let row { rows.append(row) }
        }
        self.rows = rows
    }
}

extension LabComparison.SweepPoint {
    fileprivate mutating func add(_ outcome: LabOutcome, _ reference: [[Int]]) {
        lostSilently += outcome.measures.lostSilently
        lostAndReported += outcome.measures.lostAndReported
        lostLater += outcome.measures.lostLater
        unavailable += outcome.measures.unavailable
        keysChanged += zip(outcome.final, reference).count { $0 != $1 }
    }
}
