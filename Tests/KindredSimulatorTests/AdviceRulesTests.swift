import KindredModel
import KindredSimulator
import Testing

/// Each rule of advice, with a workload that it is for, and one beside it that it is not for.
@Suite struct AdviceRulesTests {
    private func evidence(
        _ writes: [[ReplayWrite]], dropped: UInt64 = 0, logged: [String: Int]? = nil
    ) -> AdviceEvidence {
        let keys = writes.enumerated().map { RecordedKey(name: "k\($0)", writes: $1) }
        let workload = RecordedWorkload(nodes: ["n"], keys: keys, started: 0, ended: 60_000, dropped: dropped)
        let replay = WorkloadReplay(workload)
        var replays: [ConflictStrategy: ReplayResult] = [:]
        for strategy in ConflictStrategy.allCases { replays[strategy] = replay.run(strategy) }
        return AdviceEvidence(WorkloadFacts(workload), replays, logged: logged)
    }

    private func dot(_ counter: UInt64) -> Dot { Dot(ActorID(1), counter) }

    /// `count` writes of one key, one every two seconds.
    private func history(
        _ count: UInt64, spacing: UInt64 = 2_000, _ adjust: (inout ReplayWrite) -> Void = { _ in }
    ) -> [ReplayWrite] {
        (1...count).map { number in
            var write = ReplayWrite(
                at: number * spacing, timestamp: HybridTimestamp(milliseconds: number * spacing), number: number,
                content: Array("v\(number)".utf8), dot: dot(number), found: number > 1 ? [dot(number - 1)] : [])
            adjust(&write)
            return write
        }
    }

    /// Each writer has read everything before.
    private func reading(_ write: inout ReplayWrite) {
        write.hasContext = true
        write.seen = CausalContext(dots: (1..<max(write.number, 1)).map(dot))
    }

    @Test("With few overwrites and no conflict it says how many more it takes")
    func tooLittle() {
        let advice = AdviceRules.advise(evidence([history(31, reading)]))
        #expect(advice.rule == .tooLittle && advice.strategy == nil && advice.confidence == .low)
        #expect(advice.changes.contains { $0.contains("270 more overwrites") })
        #expect(AdviceRules.advise(evidence([history(301, reading)])).rule != .tooLittle)
        #expect(AdviceRules.advise(evidence([])).rule == .tooLittle)
    }

    @Test("Few overwrites are no reason to be silent if the conflict log has conflicts")
    func tooLittleButLogged() {
        let advice = AdviceRules.advise(evidence([history(31, reading)], logged: ["lost": 12]))
        #expect(advice.rule == .lostUpdates && advice.confidence == .low)
        #expect(advice.reasons.contains { $0.contains("lost 12") })
    }

    @Test("Many keys that are written once: immutable, until one of them changes")
    func writtenOnce() {
        let once = (0..<300).map { _ in history(1) }
        let advice = AdviceRules.advise(evidence(once))
        #expect(advice.rule == .writtenOnce && advice.strategy == .immutable && advice.confidence == .medium)
        #expect(AdviceRules.advise(evidence(once + [history(2)])).rule != .writtenOnce)
        #expect(AdviceRules.advise(evidence((0..<299).map { _ in history(1) })).rule == .tooLittle)
        // The same content once more does no harm.
        let repeated = history(2) { $0.content = [1] }
        #expect(AdviceRules.advise(evidence(once + [repeated])).rule == .writtenOnce)
    }

    @Test("Writers that make conditions: version numbers")
    func conditional() {
        let writes = history(400) {
            reading(&$0)
            if $0.number > 1 { $0.conditions = [.unchanged] }
        }
        let advice = AdviceRules.advise(evidence([writes]))
        #expect(advice.rule == .conditional && advice.strategy == .versionNumbers)
        let few = history(400) {
            reading(&$0)
            if $0.number % 3 == 0 { $0.conditions = [.unchanged] }
        }
        #expect(AdviceRules.advise(evidence([few])).rule != .conditional)
    }

    @Test("Writers that had read and lose each other's updates: version vectors")
    func lostUpdates() {
        // Every tenth has read what was there before the last write.
        let writes = history(400) {
            reading(&$0)
            if $0.number % 10 == 0 { $0.seen = CausalContext(dots: (1..<($0.number - 1)).map(dot)) }
        }
        let advice = AdviceRules.advise(evidence([writes]))
        #expect(advice.rule == .lostUpdates && advice.strategy == .versionVectors && advice.confidence == .high)
        #expect(advice.reasons.contains { $0.contains("40 of them are lost for good") })
    }

    @Test("Conflicts between equal contents are harmless")
    func harmless() {
        let writes = history(400) { $0.content = Array("same".utf8) }
        let advice = AdviceRules.advise(evidence([writes]))
        #expect(advice.rule == .harmless && advice.strategy == .lastWriteWins)
        let other = history(400) { $0.content = Array($0.number == 400 ? "other".utf8 : "same".utf8) }
        #expect(AdviceRules.advise(evidence([other])).rule != .harmless)
    }

    @Test("Writers that do not read and come within a second of each other: have them read")
    func hasty() {
        let advice = AdviceRules.advise(evidence([history(400, spacing: 1_000)]))
        #expect(advice.rule == .hastyOverwrites && advice.strategy == .versionVectors && advice.confidence == .low)
        #expect(AdviceRules.advise(evidence([history(400, spacing: 1_001)])).rule == .blind)
    }

    @Test("Who overwrites itself in haste loses nothing to anybody")
    func ownHaste() {
        let own = history(400, spacing: 10) { $0.client = "sensor" }
        #expect(AdviceRules.advise(evidence([own])).rule == .blind)
        let two = history(400, spacing: 10) { $0.client = $0.number % 2 == 0 ? "a" : "b" }
        #expect(AdviceRules.advise(evidence([two])).rule == .hastyOverwrites)
    }

    @Test("Writers that do not read and are far apart: last-write-wins costs nothing so far")
    func blind() {
        let advice = AdviceRules.advise(evidence([history(400)]))
        #expect(advice.rule == .blind && advice.strategy == .lastWriteWins && advice.confidence == .medium)
        #expect(AdviceRules.advise(evidence([history(3_001)])).confidence == .high)
    }

    @Test("One named writer for each key, which reads first: version numbers")
    func singleWriter() {
        let writes = history(400) {
            reading(&$0)
            $0.client = "a"
        }
        #expect(AdviceRules.advise(evidence([writes])).rule == .singleWriter)
        let shared = history(400) {
            reading(&$0)
            $0.client = $0.number % 2 == 0 ? "a" : "b"
        }
        #expect(AdviceRules.advise(evidence([shared])).rule == .informed)
    }

    @Test(
        "Writers that read first and never met: nothing has cost anything, and version vectors are the cautious choice")
    func informed() {
        let advice = AdviceRules.advise(evidence([history(400, reading)]))
        #expect(advice.rule == .informed && advice.strategy == .versionVectors && advice.confidence == .medium)
    }

    @Test(
        "Some writers that do not read, seconds apart: the losses are counted, and nothing is concluded from their absence"
    )
    func unseen() {
        let writes = history(400) { if $0.number % 3 != 0 { reading(&$0) } }
        let advice = AdviceRules.advise(evidence([writes]))
        #expect(advice.rule == .unseen && advice.strategy == .versionVectors && advice.confidence == .low)
        #expect(advice.reasons.contains { $0.contains("133 writes of 400 met another value") })
        #expect(
            advice.reasons.contains { $0.contains("would have dropped 133 values") && $0.contains("lost for good") })
        #expect(!advice.summary.contains("No strategy has cost anything"))
        #expect(!advice.reasons.contains { $0.contains("rule of three") })
        // Each of them writes what is there already.
        let equal = history(400) {
            if $0.number % 3 == 0 { $0.content = Array("v\($0.number - 1)".utf8) } else { reading(&$0) }
        }
        #expect(AdviceRules.advise(evidence([equal])).rule == .harmless)
    }

    @Test("What is missing from a recording lowers the confidence, and is said")
    func dropped() {
        let advice = AdviceRules.advise(evidence([history(3_001)], dropped: 5))
        #expect(advice.rule == .blind && advice.confidence == .low)
        #expect(advice.reasons.contains { $0.contains("lacks 5 events") })
    }

    @Test("Late writes are found by what their coordinator knew")
    func late() {
        var second = history(1)[0]
        second.coordinator = 1
        second.at = 2_040
        second.timestamp = HybridTimestamp(milliseconds: 2_040)
        second.dot = Dot(ActorID(2), 1)
        second.reflected = CausalContext(dots: [Dot(ActorID(2), 1)])
        let facts = evidence([history(1) + [second]]).facts
        #expect(facts.late == 1 && facts.longestLag == 40)
    }
}
