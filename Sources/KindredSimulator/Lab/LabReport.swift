/// A comparison as plain data, for whoever draws it: the table, the sweep of the clocks, and of each
/// strategy the keys that are worth a picture.
package struct LabReport: Hashable, Sendable {
    /// A row of the table: counts, no quotients.
    package struct Row: Hashable, Sendable {
        package let strategy: LabStrategy
        package let measures: LabMeasures
    }

    /// A strategy's losses over the skew.
    package struct Series: Hashable, Sendable {
        package struct Point: Hashable, Sendable {
            package let skewMilliseconds: UInt64
            package let lost: Int
            package let lostLater: Int
        }

        package let strategy: LabStrategy
        package let points: [Point]
    }

    /// A key that is worth a picture, and why.
    package struct Picture: Hashable, Sendable {
        package let title: String
        /// Whether it shows the history in which the strategy fails.
        package let isFailure: Bool
        /// What went wrong; nil if nothing did.
        package let conclusion: String?
        /// From when to when it is told, in microseconds: the whole run is too long for a page.
        package let from: UInt64
        package let to: UInt64
        package let spaceTime: LabSpaceTime
    }

    package let rows: [Row]
    package let sweep: [Series]
    package let pictures: [Picture]

    package init(_ comparison: LabComparison) {
        rows = comparison.rows.map { Row(strategy: $0.strategy, measures: $0.measures) }
        sweep = comparison.rows.map { row in
            Series(
                strategy: row.strategy,
                points: row.sweep.map {
                    Series.Point(
                        skewMilliseconds: $0.skew, lost: $0.lostSilently + $0.lostAndReported, lostLater: $0.lostLater)
                })
        }
        pictures = comparison.rows.flatMap { row in
            [Picture(richestOf: row.outcome)] + (LabStory(of: row.outcome).map { [Picture($0, row.outcome)] } ?? [])
        }
    }
}

extension LabReport.Picture {
    /// How much of a run a picture shows around what matters, in microseconds.
    private static let margin: UInt64 = 500_000

    /// The history in which a strategy fails.
    fileprivate init(_ story: LabStory, _ outcome: LabOutcome) {
        let times = story.steps.map(\.time.microseconds)
        title = "How \(outcome.strategy.rawValue) fails"
        isFailure = true
        conclusion = story.conclusion
        from = (times.min() ?? 0) - min(times.min() ?? 0, Self.margin)
        to = (times.max() ?? 0) + Self.margin
        spaceTime = LabSpaceTime(of: story.key, in: outcome)
    }

    /// The key with the most conflicts, around the healing; without a cut, from the beginning.
    fileprivate init(richestOf outcome: LabOutcome) {
        var conflicts = Array(repeating: 0, count: outcome.settings.keys)
        for drop in outcome.record.drops { conflicts[outcome.workload[drop.write].key] += 1 }
        for change in outcome.record.changes where change.values.count > 1 { conflicts[change.key] += 1 }
        let key = conflicts.indices.max { (conflicts[$0], $1) < (conflicts[$1], $0) } ?? 0
        let timeline = LabTimeline(outcome.settings)
        let middle = (timeline.healed ?? timeline.starts.advanced(byMicroseconds: 2_000_000)).microseconds
        title = "\(outcome.strategy.rawValue): the key with the most conflicts"
        isFailure = false
        conclusion = nil
        from = middle - min(middle, 1_500_000)
        to = middle + 1_000_000
        spaceTime = LabSpaceTime(of: key, in: outcome)
    }
}
