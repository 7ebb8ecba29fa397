import Testing

@testable import KindredSimulator

/// That a comparison is a function of its settings.
@Suite struct LabDeterminismTests {
    private let settings = LabSettings(clients: 4, partition: 2_000_000, duration: 8_000_000, seed: 5)

    @Test("The same settings give the same run, to the last message", arguments: LabStrategy.allCases)
    func sameRun(strategy: LabStrategy) {
        let workload = LabWorkload.draw(settings)
        #expect(workload == LabWorkload.draw(settings))
        let first = strategy.run(settings, workload, isRecorded: true)
        let second = strategy.run(settings, workload, isRecorded: true)
        #expect(first.measures == second.measures)
        #expect(first.final == second.final)
        #expect(first.record.messages == second.record.messages)
        #expect(first.record.changes == second.record.changes)
        #expect(LabStory(of: first) == LabStory(of: second))
    }

    @Test("Recording changes nothing", arguments: [LabStrategy.versionVectors, .undottedVectors])
    func recording(strategy: LabStrategy) {
        let workload = LabWorkload.draw(settings)
        #expect(
            strategy.run(settings, workload).measures == strategy.run(settings, workload, isRecorded: true).measures)
    }

    @Test("Another seed is another workload, and one client more leaves the others alone")
    func workloads() {
        var other = settings
        other.seed = 6
        #expect(LabWorkload.draw(settings) != LabWorkload.draw(other))
        var more = settings
        more.clients = 5
        func plans(_ settings: LabSettings) -> [LabOperation] {
            LabWorkload.draw(settings).filter { $0.client < 4 }.map { operation in
                var operation = operation
                operation.id = 0
                return operation
            }
        }
        #expect(plans(settings) == plans(more))
    }

    @Test("Nobody asks anything while the cluster converges")
    func rest() throws {
        let timeline = LabTimeline(LabSettings())
        let healed = try #require(timeline.healed)
        let workload = LabWorkload.draw(LabSettings())
        #expect(workload.allSatisfy { $0.time < healed || $0.time >= timeline.resumes })
        #expect(workload.contains { $0.time >= timeline.resumes })
        #expect(workload.indices.allSatisfy { workload[$0].id == $0 })
    }

    @Test("Without a cut nobody is on a side, and everything is served", arguments: LabStrategy.allCases)
    func noCut(strategy: LabStrategy) {
        var calm = settings
        calm.partition = 0
        let outcome = strategy.run(calm, LabWorkload.draw(calm))
        #expect(outcome.measures.askedOfMinority + outcome.measures.askedOfMajority == 0)
        #expect(outcome.measures.unavailable == 0)
        #expect(outcome.measures.diverged == 0)
        #expect(outcome.measures.convergence.count == 1)
    }

    @Test(
        "With majorities the smaller side of the cut stands still", arguments: [LabStrategy.versionVectors, .wallClock])
    func majorities(strategy: LabStrategy) {
        var strict = settings
        strict.quorum = .majority
        let measures = strategy.run(strict, LabWorkload.draw(strict)).measures
        #expect(measures.askedOfMinority > 0 && measures.servedByMinority == 0)
        #expect(measures.servedByMajority == measures.askedOfMajority)
    }
}
