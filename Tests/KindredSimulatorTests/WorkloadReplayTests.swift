import KindredModel
import KindredSimulator
import Testing

/// Small recordings whose outcome under each strategy was worked out by hand.
@Suite struct WorkloadReplayTests {
    /// A write of the only node's first actor.
    private func put(
        _ counter: UInt64, _ content: String, seen: [UInt64]? = nil, found: [UInt64] = [], at: UInt64? = nil,
        _ adjust: (inout ReplayWrite) -> Void = { _ in }
    ) -> ReplayWrite {
        let moment = at ?? 1_000 * counter
        var write = ReplayWrite(
            at: moment, timestamp: HybridTimestamp(milliseconds: moment), number: counter, hasContext: seen != nil,
            seen: CausalContext(dots: (seen ?? []).map(dot)), content: Array(content.utf8), dot: dot(counter),
            found: found.map(dot))
        adjust(&write)
        return write
    }

    private func dot(_ counter: UInt64) -> Dot { Dot(ActorID(1), counter) }

    private func replay(
        _ writes: [ReplayWrite], _ strategy: ConflictStrategy, nodes: Int = 1, lag: UInt64? = nil
    ) -> ReplayResult {
        let workload = RecordedWorkload(
            nodes: (0..<nodes).map { "n\($0)" }, keys: [RecordedKey(name: "k", writes: writes)], started: 0,
            ended: 100_000)
        return WorkloadReplay(workload, lag: lag).run(strategy)
    }

    // MARK: Two clients that have read the same value

    /// `a`, then `b` and `c` by two clients that have both read `a`.
    private var lostUpdate: [ReplayWrite] {
        [put(1, "a"), put(2, "b", seen: [1], found: [1]), put(3, "c", seen: [1], found: [2])]
    }

    @Test("Of two updates of the same value last-write-wins loses the first, to a writer with a context")
    func lostUpdateUnderLastWriteWins() {
        let result = replay(lostUpdate, .lastWriteWins)
        #expect(result.acknowledged == 3 && result.kept == 1 && result.replaced == 1)
        #expect(result.lostToInformed == 1 && result.lostToBlind == 0 && result.lostToEqual == 0)
        #expect(result.conflicts == 1 && result.harmless == 0 && result.merges == 0 && result.mostSiblings == 1)
        #expect(result.overwrittenUnseen == 1 && result.worst.map(\.lost) == [1])
    }

    @Test("A value that was overwritten unseen is not lost for good if somebody who had read it writes all the same")
    func overwrittenAndSaved() {
        let result = replay(lostUpdate + [put(4, "d", seen: [1, 2], found: [3])], .lastWriteWins)
        #expect(result.overwrittenUnseen == 2 && result.lost == 1 && result.replaced == 2 && result.kept == 1)
    }

    @Test(
        "Of two updates of the same value version vectors and version numbers keep both",
        arguments: [
            ConflictStrategy.versionVectors, .versionNumbers,
        ])
    func lostUpdateUnderSiblings(strategy: ConflictStrategy) {
        let result = replay(lostUpdate, strategy)
        #expect(result.lost == 0 && result.siblings == 2 && result.replaced == 1)
        #expect(result.merges == 1 && result.unresolved == 1 && result.mostSiblings == 2)
        #expect(result.conflicts == 1)
    }

    @Test("An immutable key refuses both updates")
    func lostUpdateUnderImmutable() {
        let result = replay(lostUpdate, .immutable)
        #expect(result.acknowledged == 1 && result.kept == 1 && result.refused == ["exists": 2] && result.lost == 0)
        // Both had seen the value that they met.
        #expect(result.conflicts == 0 && result.keysAffected == 1)
    }

    @Test("Siblings stand until a write that has seen them all")
    func standing() {
        let result = replay(lostUpdate + [put(7, "d", seen: [1, 2, 3], found: [2, 3])], .versionVectors)
        #expect(result.siblings == 0 && result.kept == 1 && result.replaced == 3)
        #expect(result.merges == 1 && result.unresolved == 0)
        #expect(result.standing == 4_000 && result.longestStanding == 4_000)
        #expect(result.meanValues == (1 + 1 + 2 + 1) / 4.0)
    }

    @Test("Siblings that nobody merges stand until the recording ends, not only until the key's last write")
    func standingToTheEnd() {
        // Two values since 3,000 ms; the recording ends at 100,000.
        let result = replay(lostUpdate, .versionVectors)
        #expect(result.unresolved == 1 && result.standing == 97_000 && result.longestStanding == 97_000)
    }

    // MARK: What was shown

    @Test("A value that last-write-wins had dropped stays lost, although the token of a later reader covers it")
    func coveredIsNotShown() {
        // 2 has seen nothing and drops 1; the reader of 2 gets a token that covers 1, which it was never shown.
        let writes = [put(1, "a"), put(2, "b", seen: [], found: [1]), put(3, "c", seen: [1, 2], found: [2])]
        let result = replay(writes, .lastWriteWins)
        #expect(result.lostToInformed == 1 && result.replaced == 1 && result.kept == 1)
        // Version vectors would have shown it both.
        let kept = replay(writes, .versionVectors)
        #expect(kept.lost == 0 && kept.merges == 1 && kept.unresolved == 0 && kept.kept == 1)
    }

    @Test("A delete without a context has seen what was there, so nothing is lost")
    func blindDelete() {
        let writes = [
            put(1, "a"), put(2, "", found: [1]) { $0.isDelete = true }, put(3, "b"),
        ]
        for strategy in [ConflictStrategy.lastWriteWins, .versionVectors] {
            let result = replay(writes, strategy)
            #expect(result.deletes == 1 && result.lost == 0 && result.conflicts == 0 && result.kept == 1)
            #expect(result.replaced == 1)
        }
        let immutable = replay(writes, .immutable)
        #expect(immutable.refused == ["exists": 1, "immutable": 1])
        #expect(immutable.refusals == 2 && immutable.refusedPuts == 1, "the other one was the delete")
    }

    @Test("A value that a delete has not seen is lost to it, and stays lost when somebody reads the absence")
    func lostToDelete() {
        let writes = [
            put(1, "a"), put(2, "b", seen: [1], found: [1]),
            put(3, "", seen: [1], found: [2]) { $0.isDelete = true },
            put(4, "c", seen: [1, 2, 3]),
        ]
        let result = replay(writes, .lastWriteWins)
        #expect(result.lostToInformed == 1 && result.replaced == 1 && result.kept == 1)
        #expect(replay(writes, .versionVectors).lost == 0)
    }

    @Test("Equal content that meets itself is a harmless conflict; immutable keys take it for the same write")
    func equalContent() {
        let writes = [put(1, "a"), put(2, "a", found: [1])]
        let lastWriteWins = replay(writes, .lastWriteWins)
        #expect(lastWriteWins.lost == 1 && lastWriteWins.lostToEqual == 1)
        #expect(lastWriteWins.conflicts == 1 && lastWriteWins.harmless == 1)
        let immutable = replay(writes, .immutable)
        #expect(immutable.unchanged == 1 && immutable.refusals == 0 && immutable.conflicts == immutable.harmless)
    }

    @Test("Content that is not known is like no other")
    func unknownContent() {
        let writes = [put(1, "a") { $0.content = nil }, put(2, "a", found: [1]) { $0.content = nil }]
        #expect(replay(writes, .lastWriteWins).harmless == 0)
        #expect(replay(writes, .immutable).refusals == 1)
    }

    @Test("A version from before the recording is met, but is none of its writes")
    func olderVersion() {
        let writes = [put(5, "b", found: [1])]
        let vectors = replay(writes, .versionVectors)
        #expect(vectors.siblings == 1 && vectors.conflicts == 1 && vectors.mostSiblings == 2)
        let latest = replay(writes, .lastWriteWins)
        #expect(latest.kept == 1 && latest.lost == 0 && latest.conflicts == 1)
        #expect(replay(writes, .immutable).refused == ["exists": 1])
        let informed = replay([put(5, "b", seen: [1], found: [1])], .versionVectors)
        #expect(informed.conflicts == 0 && informed.kept == 1)
    }

    // MARK: Conditions and limits

    @Test("A condition that does not hold refuses the write under every strategy", arguments: ConflictStrategy.allCases)
    func conditions(strategy: ConflictStrategy) {
        let writes = [
            put(1, "a"), put(2, "b", found: [1]) { $0.conditions = [.absent] },
            put(3, "c", seen: [], found: [1]) { $0.conditions = [.unchanged] },
        ]
        let result = replay(writes, strategy)
        #expect(result.refused == ["precondition": 2] && result.kept == 1)
    }

    @Test("Writers that never read fill a key with siblings up to the limit")
    func siblingLimit() {
        let writes = (1...120).map { put($0, "v\($0)", found: $0 > 1 ? [$0 - 1] : []) }
        let result = replay(writes, .versionVectors)
        #expect(result.mostSiblings == 100 && result.refused == ["too-many-siblings": 20] && result.siblings == 100)
    }

    // MARK: Several nodes

    /// `a` at the first node and `b` at the second one, ten milliseconds later; neither writer had seen anything.
    private func twoNodes(arrived: Bool) -> [ReplayWrite] {
        [
            put(1, "a", at: 1_000) { $0.reflected = CausalContext(dots: [self.dot(1)]) },
            put(2, "b", found: arrived ? [1] : [], at: 1_010) {
                $0.coordinator = 1
                $0.dot = Dot(ActorID(2), 1)
                $0.reflected = CausalContext(dots: arrived ? [self.dot(1), Dot(ActorID(2), 1)] : [Dot(ActorID(2), 1)])
            },
        ]
    }

    @Test("Two nodes that have not heard of each other both accept a first content, of which one is not shown")
    func immutableAtTwoNodes() {
        let apart = replay(twoNodes(arrived: false), .immutable, nodes: 2)
        #expect(apart.acknowledged == 2 && apart.kept == 1 && apart.shadowed == 1 && apart.refusals == 0)
        let together = replay(twoNodes(arrived: true), .immutable, nodes: 2)
        #expect(together.refused == ["exists": 1] && together.shadowed == 0)
    }

    @Test("A given delay counts instead of the recorded one")
    func lag() {
        let quick = replay(twoNodes(arrived: false), .immutable, nodes: 2, lag: 10)
        #expect(quick.refused == ["exists": 1])
        let slow = replay(twoNodes(arrived: true), .immutable, nodes: 2, lag: 11)
        #expect(slow.shadowed == 1)
    }

    @Test("A write that comes later and has an older timestamp loses at once")
    func clockBehind() {
        let writes = [
            put(1, "a", at: 5_000),
            put(2, "b", at: 1_000) {
                $0.coordinator = 1
                $0.dot = Dot(ActorID(2), 1)
                $0.reflected = CausalContext()
            },
        ]
        let result = replay(writes, .lastWriteWins, nodes: 2)
        #expect(result.kept == 1 && result.lostToBlind == 1)
    }

    @Test("Whatever order the lines come in, the result is the same")
    func order() {
        let writes = lostUpdate + [put(4, "d", seen: [1, 2, 3], found: [2, 3])]
        for strategy in ConflictStrategy.allCases {
            let one = replay(writes, strategy)
            let other = replay(writes.reversed(), strategy)
            #expect(one.lost == other.lost && one.replaced == other.replaced && one.refused == other.refused)
            #expect(one.merges == other.merges && one.worst == other.worst)
        }
    }

    @Test("Only the ten worst keys are named, those with losses first")
    func worstKeys() {
        let keys = (1...12).map { number in
            RecordedKey(
                name: "k\(number)",
                writes: (1...UInt64(number)).map { put($0, "v\($0)", found: $0 > 1 ? [$0 - 1] : []) })
        }
        let workload = RecordedWorkload(nodes: ["n"], keys: keys, started: 0, ended: 1)
        let result = WorkloadReplay(workload).run(.lastWriteWins)
        #expect(result.keys == 12 && result.keysAffected == 11)
        #expect(result.worst.map(\.name) == (3...12).reversed().map { "k\($0)" })
        #expect(result.worst.first?.lost == 11)
    }

    /// Whatever was recorded, each put is somewhere at the end, once.
    @Test("Every put has one fate, for random recordings and every strategy", arguments: 1...60 as ClosedRange<UInt64>)
    func fates(seed: UInt64) {
        var random = SplitMixForTests(state: seed)
        var writes: [ReplayWrite] = []
        for number in 1...60 as ClosedRange<UInt64> {
            let earlier = (1..<number).filter { _ in random.next() % 3 == 0 }
            let coordinator = Int(random.next() % 3)
            writes.append(
                put(number, "v\(random.next() % 20)", seen: random.next() % 2 == 0 ? earlier : nil) {
                    $0.isDelete = random.next() % 8 == 0
                    $0.coordinator = coordinator
                    $0.reflected = CausalContext(
                        dots: (1..<number).filter { _ in random.next() % 2 == 0 }.map(self.dot))
                })
        }
        for strategy in ConflictStrategy.allCases {
            for lag in [nil, 0, 3_000] as [UInt64?] {
                let result = replay(writes, strategy, nodes: 3, lag: lag)
                let fates = result.kept + result.siblings + result.replaced + result.lost + result.shadowed
                // Deletes can be refused, too, and can have nothing to do.
                let refusedOrUnchanged = result.refusals + result.unchanged
                #expect(fates + result.unchanged <= result.puts)
                #expect(fates + refusedOrUnchanged >= result.puts)
                #expect(fates + result.unchanged + result.refusedPuts == result.puts)
                #expect(result.puts + result.deletes == result.acknowledged + result.refusals)
                #expect(result.lost <= result.overwrittenUnseen)
                if strategy != .lastWriteWins {
                    #expect(result.overwrittenUnseen == 0, "\(strategy) has lost a write")
                }
                if strategy != .immutable { #expect(result.shadowed == 0) }
            }
        }
    }
}

private struct SplitMixForTests {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
