import KindredNode
import Testing

@testable import KindredCommand

/// How far replicas are that move.
@Suite struct TransferPageTests {
    /// Partition 1 moves from `a` to `d`, partition 2 is in its last stage, partition 3 waits.
    private func sample(time: Double, bytesAtD: UInt64, rate: Double = 0) -> TransferSample {
        let partitions = [
            MadeUp.partition(1, ["a", "b", "c", "d"], roles: ["d": "learner"]),
            MadeUp.partition(2, ["b", "c", "d", "a"], roles: ["a": "draining"]), MadeUp.partition(3, ["a", "b", "c"]),
        ]
        func report(_ node: String, bytes: UInt64?, rate: Double = 0) -> ClusterReport {
            MadeUp.report(
                answeredBy: node, nodes: MadeUp.fourNodes,
                transfers: [
                    MadeUp.transfer(1, bytes: bytes, awaits: ["ready(KindredModel.ActorID(rawValue: 4))"]),
                    MadeUp.transfer(2, stage: "draining", arriving: [], awaits: ["pulled(from: 4, by: 1)"]),
                    MadeUp.transfer(3, stage: "waiting"),
                ], partitions: partitions, local: MadeUp.local(rate: rate))
        }
        var answers = NodeAnswers()
        answers.answers = [
            "a": .report(report("a", bytes: 4_000_000)), "b": .report(report("b", bytes: 3_900_000)),
            "d": .report(report("d", bytes: bytesAtD, rate: rate)),
        ]
        return TransferSample(time: time, report: report("a", bytes: 4_000_000), answers: answers)
    }

    @Test("Rates and times come from two samples")
    func table() {
        let page = TransfersPage(
            sample(time: 12, bytesAtD: 2_000_000, rate: 524_288), earlier: sample(time: 10, bytesAtD: 1_000_000))
        #expect(
            page.lines.page == """
                2 partitions are changing, 1 waits for their turn, d receives 512 KiB/s

                PARTITION  STAGE     ARRIVES  LEAVES  PROGRESS        RATE       LEFT  AWAITS
                1          adding    d        a       50% of 3.8 MiB  488 KiB/s  4.0s  d to have everything
                2          draining  –        a       –               –          –     b to take over from a
                """)
    }

    @Test("A single sample has no rates, and nobody arrives before the node has said so")
    func first() {
        let page = TransfersPage(sample(time: 1, bytesAtD: 9_000_000))
        #expect(page.transfers[0].bytesPerSecond == nil && page.transfers[0].secondsLeft == nil)
        #expect(page.lines.page.contains("100% of 3.8 MiB"))
    }

    @Test("A replica that has shrunk, or samples at the same moment, give no rate")
    func noRate() {
        let shrunk = TransfersPage(sample(time: 12, bytesAtD: 1), earlier: sample(time: 10, bytesAtD: 2))
        #expect(shrunk.transfers[0].bytesPerSecond == nil)
        let same = TransfersPage(sample(time: 10, bytesAtD: 2), earlier: sample(time: 10, bytesAtD: 1))
        #expect(same.transfers[0].bytesPerSecond == nil)
        let stuck = TransfersPage(sample(time: 12, bytesAtD: 2), earlier: sample(time: 10, bytesAtD: 2))
        #expect(stuck.transfers[0].bytesPerSecond == 0 && stuck.transfers[0].secondsLeft == nil)
    }

    @Test("Only nodes that changes are about are asked")
    func involved() {
        #expect(TransferSample.involved(in: sample(time: 0, bytesAtD: 0).report) == ["a", "b", "c", "d"])
        let waiting = MadeUp.report(nodes: MadeUp.fourNodes, transfers: [MadeUp.transfer(1, stage: "waiting")])
        #expect(TransferSample.involved(in: waiting).isEmpty)
    }

    @Test("Nothing moves")
    func nothing() {
        let report = MadeUp.report()
        let page = TransfersPage(TransferSample(time: 0, report: report, answers: MadeUp.answers(report)))
        #expect(page.isEmpty && page.lines.page == "No partition is changing its members.")
    }

    @Test("The progress of a commit counts partitions, and estimates from those that are done")
    func commit() {
        let progress = CommitProgress(sample(time: 5, bytesAtD: 1), total: 12, elapsed: 30)
        #expect(progress.facts == "9 of 12 partitions  2 changing  10s left")
        #expect(progress.line(width: 80) == "[###############·····]  9 of 12 partitions  2 changing  10s left")
        #expect(progress.line(width: 30) == "[###############·····]  9 of …")
        var warned = sample(time: 5, bytesAtD: 1)
        warned.report.warnings = ["b cannot be reached from a"]
        #expect(
            CommitProgress(warned, total: 3, elapsed: 1).facts
                == "0 of 3 partitions  2 changing  ! b cannot be reached from a")
    }
}
