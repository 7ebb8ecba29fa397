import Testing

@testable import KindredSimulator

/// The comparison under the default settings: what each strategy loses, and what the classic mistakes lose beyond that.
@Suite struct LabComparisonTests {
    /// One comparison for all tests of this suite.
    private static let comparison = LabComparison(LabSettings(), skews: [0, 250, 1_000])

    private func row(_ strategy: LabStrategy) throws -> LabComparison.Row {
        try #require(Self.comparison.rows.first { $0.strategy == strategy })
    }

    @Test("Last write wins loses, reports all of it, and loses later writes to earlier ones only if clocks are apart")
    func lastWriteWins() throws {
        let row = try row(.lastWriteWins)
        #expect(row.measures.lostAndReported > 50)
        #expect(row.measures.lostSilently == 0)
        #expect(row.sweep.allSatisfy { $0.lostSilently == 0 })
        #expect(row.sweep[0].lostLater == 0)
        #expect(row.sweep[1].lostLater > 0)
        #expect(row.sweep[2].lostLater > row.sweep[1].lostLater)
        #expect(row.sweep[2].keysChanged > 0)
    }

    @Test(
        "The other strategies lose nothing, whatever the clocks say",
        arguments: [LabStrategy.immutable, .versionNumbers, .versionVectors])
    func othersLoseNothing(strategy: LabStrategy) throws {
        let row = try row(strategy)
        #expect(row.measures.acknowledged > 20)
        #expect(row.measures.lost == 0)
        #expect(row.measures.resurrected == 0)
        #expect(row.measures.falseSiblings == 0)
        #expect(row.measures.diverged == 0)
        #expect(row.sweep.allSatisfy { $0.lostSilently + $0.lostAndReported == 0 })
        #expect(row.failure == nil)
    }

    @Test("One leader costs the smaller side its service; replicas without one keep it")
    func availability() throws {
        let numbers = try row(.versionNumbers).measures
        let vectors = try row(.versionVectors).measures
        #expect(numbers.askedOfMinority > 0 && numbers.servedByMinority == 0)
        #expect(vectors.askedOfMinority > 0 && vectors.servedByMinority == vectors.askedOfMinority)
        #expect(numbers.unavailable > 0 && vectors.unavailable == 0)
    }

    @Test("Immutable keys refuse the second content and keep each one that was acknowledged")
    func immutable() throws {
        let measures = try row(.immutable).measures
        #expect(measures.refused > measures.acknowledged)
        #expect(measures.replaced == 0)
        #expect(measures.kept == measures.acknowledged)
    }

    @Test(
        "Each classic mistake that loses writes does, in silence, and tells how",
        arguments: [LabStrategy.wallClock, .countingReplicas, .undottedVectors])
    func mistakesLose(strategy: LabStrategy) throws {
        let row = try row(strategy)
        #expect(row.measures.lostSilently > 0)
        #expect(row.measures.lostAndReported == 0)
        let story = try #require(row.failure)
        #expect(story.failure == .lostSilently)
        #expect(story.steps.count >= 2 && !story.others.isEmpty)
        #expect(story.hadSeen == (strategy == .wallClock))
        #expect(row.outcome.record.fates[story.write] == .lostSilently)
    }

    @Test("Pruned vectors show values beside what has replaced them")
    func pruning() throws {
        let row = try row(.prunedVectors)
        #expect(row.measures.falseSiblings > 0)
        #expect(row.measures.lostSilently == 0)
        #expect(row.failure?.failure == .falseSibling)
    }

    @Test("Tombstones that a timer drops let a deleted value come back after the cut")
    func timedTombstones() throws {
        let row = try row(.timedTombstones)
        #expect(row.measures.resurrected > 0)
        #expect(row.measures.lostSilently == 0)
        #expect(row.failure?.failure == .resurrected)
    }

    @Test("Every acknowledged put has exactly one fate", arguments: LabStrategy.allCases)
    func accounting(strategy: LabStrategy) throws {
        let row = try row(strategy)
        let outcome = row.outcome
        let puts = outcome.history.order.filter { write in
            outcome.history[write]?.isAcknowledged ?? false && outcome.workload[write].kind == .put
        }
        let counted = row.measures
        #expect(puts.count == counted.kept + counted.replaced + counted.lost + counted.resurrected)
        #expect(puts.allSatisfy { outcome.record.fates[$0] != nil })
    }

    @Test("The figures of the default settings are those of docs/lab.md")
    func pinned() {
        let figures = Self.comparison.rows.map { row in
            "\(row.strategy.rawValue) \(row.measures.acknowledged) \(row.measures.lostSilently) "
                + "\(row.measures.lostAndReported) \(row.measures.resurrected) \(row.measures.refused) "
                + "\(row.measures.falseSiblings)"
        }
        // Acknowledged, lost silently, lost and reported, resurrected, refused, false siblings.
        #expect(
            figures == [
                "last-write-wins 376 0 84 0 0 0", "immutable 31 0 0 0 340 0", "version-numbers 303 0 0 0 0 0",
                "version-vectors 355 0 0 0 0 0", "wall-clock 376 86 0 0 0 0", "counting-replicas 376 15 0 0 0 0",
                "undotted-vectors 376 29 0 0 0 0", "pruned-vectors 376 0 0 0 0 76", "timed-tombstones 376 0 0 2 0 0",
            ])
    }

    @Test("The report has a picture of each strategy, and one of each failure")
    func report() {
        let report = LabReport(Self.comparison)
        #expect(report.rows.map(\.strategy) == LabStrategy.allCases)
        #expect(Set(report.pictures.map(\.spaceTime.strategy)) == Set(LabStrategy.allCases))
        let failing = report.pictures.filter(\.isFailure)
        #expect(failing.map(\.spaceTime.strategy) == LabStrategy.allCases.filter(\.isBaseline))
        for picture in report.pictures {
            #expect(!picture.spaceTime.writes.isEmpty && !picture.spaceTime.messages.isEmpty)
            #expect(picture.spaceTime.messages.allSatisfy { $0.sent < $0.arrived ?? .max })
            #expect(picture.from < picture.to)
        }
        for picture in failing {
            #expect(
                picture.spaceTime.writes.contains { [.lostSilently, .resurrected, .replaced].contains($0.fate) })
        }
    }
}
