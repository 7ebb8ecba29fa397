import Testing

@testable import KindredSimulator

/// Each baseline's failure by hand: the smallest history that shows it, and what the same history leaves where the
/// mistake is not made.
@Suite struct LabBaselineTests {
    private static let start: UInt64 = 2_000

    private struct Plan {
        var operations: [LabOperation] = []

        /// Adds an operation `milliseconds` after clients begin.
        mutating func add(
            _ kind: LabOperation.Kind, at milliseconds: UInt64, node: Int, reads: Bool, thought: UInt64 = 1,
            client: Int? = nil
        ) {
            operations.append(
                LabOperation(
                    id: operations.count, client: client ?? node, node: node, key: 0, kind: kind, readsFirst: reads,
                    time: VirtualTime(milliseconds: LabBaselineTests.start + milliseconds), thought: thought * 1_000))
        }
    }

    private func settings(_ change: (inout LabSettings) -> Void = { _ in }) -> LabSettings {
        var settings = LabSettings(keys: 1, partition: 0, skew: 0, duration: 8_000_000)
        change(&settings)
        return settings
    }

    private func fates(_ strategy: LabStrategy, _ plan: Plan, _ settings: LabSettings) -> [LabFate?] {
        let outcome = strategy.run(settings, plan.operations, isRecorded: true)
        return plan.operations.map { outcome.record.fates[$0.id] }
    }

    @Test("Wall clocks: a write that has read another one loses to it, if its node's clock is behind")
    func wallClock() {
        var plan = Plan()
        plan.add(.put, at: 100, node: 2, reads: false)
        plan.add(.put, at: 300, node: 0, reads: true)
        let skewed = settings { $0.skew = 1_000 }
        #expect(fates(.wallClock, plan, skewed) == [.kept, .lostSilently])
        #expect(fates(.wallClock, plan, settings()) == [.replaced, .kept])
        // Hybrid time follows what was read, however slow the clock is.
        var half = skewed
        half.skew = 400
        #expect(fates(.lastWriteWins, plan, half) == [.replaced, .kept])
        #expect(fates(.wallClock, plan, half) == [.kept, .lostSilently])
    }

    @Test("Numbers: two replicas give the same number to writes that know nothing of each other, and one is gone")
    func countingReplicas() {
        var plan = Plan()
        plan.add(.put, at: 100, node: 0, reads: false)
        plan.add(.put, at: 101, node: 1, reads: false)
        let fates = fates(.countingReplicas, plan, settings())
        #expect(fates.count { $0 == .lostSilently } == 1 && fates.count { $0 == .kept } == 1)
        #expect(self.fates(.versionNumbers, plan, settings()) == [.sibling, .sibling])
        // On one replica the rule is right.
        var alone = Plan()
        alone.add(.put, at: 100, node: 0, reads: false, client: 0)
        alone.add(.put, at: 101, node: 0, reads: false, client: 1)
        #expect(self.fates(.countingReplicas, alone, settings { $0.replicas = 1 }) == [.sibling, .sibling])
    }

    @Test("No dots: of two writes that have read the same, the second one at a replica seems to have seen the first")
    func undottedVectors() {
        var plan = Plan()
        plan.add(.put, at: 100, node: 0, reads: false)
        plan.add(.put, at: 300, node: 0, reads: true, thought: 50, client: 0)
        plan.add(.put, at: 310, node: 0, reads: true, thought: 50, client: 1)
        #expect(fates(.undottedVectors, plan, settings()) == [.replaced, .lostSilently, .kept])
        #expect(fates(.versionVectors, plan, settings()) == [.replaced, .sibling, .sibling])
    }

    @Test("Pruning: a replica that was cut off brings a replaced value back as a sibling")
    func prunedVectors() {
        var plan = Plan()
        // Seen by all, then replaced on the large side so often that the entry which says so is pruned.
        plan.add(.put, at: 100, node: 0, reads: false)
        plan.add(.put, at: 3_000, node: 1, reads: true)
        plan.add(.put, at: 3_500, node: 2, reads: true)
        plan.add(.read, at: 9_000, node: 1, reads: true)
        let cut = settings {
            $0.partition = 2_000_000
            $0.vectorBound = 1
        }
        let outcome = LabStrategy.prunedVectors.run(cut, plan.operations, isRecorded: true)
        #expect(outcome.measures.falseSiblings > 0)
        #expect(outcome.final[0].contains(0))
        let right = BaselineCluster(DottedRule(.none, keys: 1), cut)
        var run = LabRun(cut, workload: plan.operations, cluster: right)
        run.run()
        #expect(run.measures.falseSiblings == 0)
        #expect(run.finalValues(0) == [2])
    }

    @Test("Timers: a deleted value comes back from the replica that was away for longer than tombstones live")
    func timedTombstones() {
        var plan = Plan()
        plan.add(.put, at: 100, node: 0, reads: false)
        plan.add(.delete, at: 3_000, node: 1, reads: true)
        let cut = settings { $0.partition = 3_000_000 }
        #expect(fates(.timedTombstones, plan, cut) == [.resurrected, .deleted])
        var patient = cut
        patient.tombstoneLifetime = 60_000_000
        #expect(fates(.timedTombstones, plan, patient) == [.replaced, .deleted])
        #expect(fates(.versionVectors, plan, cut) == [.replaced, .deleted])
        #expect(fates(.lastWriteWins, plan, cut) == [.replaced, .deleted])
    }

    @Test(
        "The control: dotted version vectors without a mistake lose nothing under the same workload", arguments: 1...3)
    func control(seed: UInt64) {
        let settings = LabSettings(seed: seed)
        let cluster = BaselineCluster(DottedRule(.none, keys: settings.keys), settings)
        var run = LabRun(settings, workload: LabWorkload.draw(settings), cluster: cluster)
        run.run()
        #expect(run.measures.acknowledged > 200)
        #expect(run.measures.lost + run.measures.resurrected + run.measures.falseSiblings == 0)
        #expect(run.measures.diverged == 0)
    }

    @Test("What replicas of a baseline say survives the codec")
    func codec() throws {
        let messages: [BaselineMessage] = [
            .replicate(exchange: 7, key: 3, object: [1, 2, 3]), .replicated(exchange: 1 << 40),
            .read(exchange: 2, key: 0),
            .readReply(exchange: 2, key: 0, object: []), .pull([0, .max]),
            .pulled([BaselineMessage.Part(key: 1, object: [9])]),
        ]
        for message in messages {
            let bytes = message.encoded()
            #expect(try BaselineMessage(encoded: bytes) == message)
            for length in bytes.indices {
                #expect((try? BaselineMessage(encoded: Array(bytes[..<length]))) != message)
            }
        }
    }
}
