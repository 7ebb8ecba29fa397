import KindredModel
import KindredReplication
import KindredTesting
import Testing

/// What goes into the conflict log, and what does not: by who had seen what, and by nothing else.
@Suite struct ConflictLogTests {
    private static let logging = ConflictLogging(
        valueLimit: 20, hash: { hashed($0) }, digest: { [UInt8(truncatingIfNeeded: $0.count), 0xD1] })

    private func group(_ strategy: ConflictStrategy, voters: Int = 1) -> ReplicaGroup {
        var group = ReplicaGroup(voters: voters, strategy: strategy)
        group.logging = Self.logging
        return group
    }

    private func text(_ value: ConflictValue) -> String? {
        if case .content(let bytes) = value { String(decoding: bytes, as: UTF8.self) } else { nil }
    }

    // MARK: Writes that meet at their coordinator

    @Test("last write wins: a write that had not seen what it replaces has cost it")
    func lost() throws {
        var group = group(.lastWriteWins)
        let first = try group.write("apple", to: "k", at: 0, by: "anna")
        let second = try group.write("banana", to: "k", at: 0, by: "ben")
        let conflict = try #require(try group.conflicts(at: 0).first)
        #expect(try group.conflicts(at: 0).count == 1)
        #expect(conflict.kind == .lost)
        #expect(conflict.subject.dot == first.event?.dot)
        #expect(conflict.subject.writer == Array("anna".utf8))
        #expect(text(conflict.subject.value) == "apple")
        #expect(conflict.others.map(\.dot) == [second.event?.dot])
        #expect(conflict.others.first?.seen == CausalContext())
        #expect(conflict.others.first?.writer == Array("ben".utf8))
    }

    @Test("what a writer had seen is replaced, and that is no conflict", arguments: ConflictStrategy.allCases)
    func informed(_ strategy: ConflictStrategy) throws {
        var group = group(strategy)
        try group.write("apple", to: "k", at: 0)
        if strategy != .immutable {
            try group.write("banana", to: "k", at: 0, seen: try group.knowledge("k", at: 0))
            try group.write(nil, to: "k", at: 0, seen: try group.knowledge("k", at: 0))
        }
        try group.write("cherry", to: "other", at: 0)
        #expect(try group.conflicts(at: 0).isEmpty)
    }

    @Test("siblings: their birth, their growth, and who has resolved them")
    func siblings() throws {
        var group = group(.versionVectors)
        let apple = try group.write("apple", to: "k", at: 0)
        let banana = try group.write("banana", to: "k", at: 0)
        let cherry = try group.write("cherry", to: "k", at: 0)
        let merged = try group.write("all", to: "k", at: 0, seen: try group.knowledge("k", at: 0), by: "mia")
        let conflicts = try group.conflicts(at: 0)
        #expect(conflicts.map(\.kind) == [.sibling, .sibling, .resolved])
        #expect(conflicts.map(\.subject.dot) == [banana.event?.dot, cherry.event?.dot, merged.event?.dot])
        #expect(conflicts[0].others.map(\.dot) == [apple.event?.dot])
        #expect(conflicts[1].others.map(\.dot) == [apple.event?.dot, banana.event?.dot])
        #expect(conflicts[2].subject.writer == Array("mia".utf8))
        // What has been replaced knowingly can be brought back.
        #expect(conflicts[2].others.compactMap { text($0.value) } == ["apple", "banana", "cherry"])
        #expect(conflicts[2].subject.parent == cherry.event?.dot)
    }

    @Test("version numbers: a write that names an old number is entered with both")
    func stale() throws {
        var group = group(.versionNumbers)
        try group.write("one", to: "k", at: 0)
        let known = try group.knowledge("k", at: 0)
        try group.write("two", to: "k", at: 0, seen: known)
        let stale = try group.write("stale", to: "k", at: 0, seen: known)
        let conflict = try #require(try group.conflicts(at: 0).first)
        #expect(conflict.kind == .sibling && conflict.subject.dot == stale.event?.dot)
        #expect(conflict.subject.number == 3 && conflict.others.map(\.number) == [2])
        #expect(conflict.subject.seen == known.context)
    }

    @Test("immutable: what was refused is remembered, and the same content is no conflict")
    func refused() throws {
        var group = group(.immutable)
        let apple = try group.write("apple", to: "k", at: 0)
        try group.write("apple", to: "k", at: 0)
        #expect(try group.conflicts(at: 0).isEmpty)
        try group.write("banana", to: "k", at: 0)
        let conflict = try #require(try group.conflicts(at: 0).first)
        #expect(conflict.kind == .refused && conflict.subject.dot == nil)
        #expect(text(conflict.subject.value) == "banana")
        #expect(conflict.others.map(\.dot) == [apple.event?.dot])
    }

    @Test("a delete leaves what it had not seen, and says so")
    func outlived() throws {
        var group = group(.versionVectors)
        try group.write("apple", to: "k", at: 0)
        let known = try group.knowledge("k", at: 0)
        let banana = try group.write("banana", to: "k", at: 0)
        try group.write(nil, to: "k", at: 0, seen: known)
        let conflict = try #require(try group.conflicts(at: 0).last)
        #expect(conflict.kind == .outlived && conflict.subject.value == .deletion)
        #expect(conflict.others.map(\.dot) == [banana.event?.dot])
        // Who deletes without saying what it has seen means everything.
        try group.write(nil, to: "k", at: 0)
        #expect(try group.conflicts(at: 0).filter { $0.kind == .outlived }.count == 1)
    }

    @Test("a tombstone from a time when the last write won stands beside nothing, and is no sibling that is resolved")
    func tombstoneIsNoSibling() throws {
        var group = group(.lastWriteWins, voters: 2)
        try group.write("apple", to: "k", at: 0)
        try group.write(nil, to: "k", at: 0, seen: try group.knowledge("k", at: 0))
        group.strategies[0] = .versionVectors
        try group.write("banana", to: "k", at: 0)
        #expect(try group.read("k", at: 0).versions.map(\.isTombstone) == [true, false])
        try group.write("cherry", to: "k", at: 0, seen: try group.knowledge("k", at: 0))
        #expect(try group.values("k", at: 0) == ["cherry"])
        #expect(try group.conflicts(at: 0).isEmpty)
    }

    @Test("a value that is too long is replaced by its length and digest, never cut")
    func oversized() throws {
        var group = group(.lastWriteWins)
        try group.write("a value of more than twenty bytes", to: "k", at: 0)
        try group.write("short", to: "k", at: 0)
        let conflict = try #require(try group.conflicts(at: 0).first)
        #expect(conflict.subject.value == .oversized(length: 33, digest: [33, 0xD1]))
    }

    @Test("the log can be off")
    func off() throws {
        var group = ReplicaGroup(voters: 1, strategy: .lastWriteWins)
        try group.write("apple", to: "k", at: 0)
        try group.write("banana", to: "k", at: 0)
        #expect(try group.conflicts(at: 0).isEmpty)
    }

    // MARK: Writes that meet in merging

    @Test("last write wins: whoever joins two writes names the same loser")
    func lostInMerging() throws {
        var group = group(.lastWriteWins, voters: 2)
        let apple = try group.write("apple", to: "k", at: 0)
        try group.write("banana", to: "k", at: 1)
        try group.replicate("k", from: 0, to: 1)
        try group.replicate("k", from: 1, to: 0)
        // The first is told of both and of what became of them, so there is nothing for it to notice.
        #expect(try group.conflicts(at: 0).isEmpty)
        let conflict = try #require(try group.conflicts(at: 1).first)
        #expect(conflict.kind == .lost && conflict.subject.dot == apple.event?.dot)
        #expect(text(conflict.subject.value) == "apple")
        try group.quiesce()
        #expect(try group.conflicts(at: 0) == [conflict])
        #expect(try group.conflicts(at: 1) == [conflict])
    }

    @Test(
        "what a read's coordinator has put together meets at the replica that is told",
        arguments: [
            ConflictStrategy.lastWriteWins, .versionVectors, .immutable,
        ])
    func composed(_ strategy: ConflictStrategy) throws {
        var group = group(strategy, voters: 3)
        let first = try group.write("apple", to: "k", at: 0)
        let second = try group.write("banana", to: "k", at: 1)
        // The third has neither; it is told of both at once.
        try group.repair("k", with: [0, 1], at: 2)
        let conflict = try #require(try group.conflicts(at: 2).first)
        let isLost = strategy == .lastWriteWins
        #expect(conflict.subject.dot == (isLost ? first : second).event?.dot)
        #expect(conflict.others.map(\.dot) == [(isLost ? second : first).event?.dot])
    }

    @Test("siblings that another replica has noticed are not noticed again")
    func noticedOnce() throws {
        var group = group(.versionVectors, voters: 2)
        try group.write("apple", to: "k", at: 0)
        try group.write("banana", to: "k", at: 0)
        try group.replicate("k", from: 0, to: 1)
        #expect(try group.conflicts(at: 1).isEmpty)
        try group.pull(by: 1, from: 0)
        #expect(try group.conflicts(at: 1).count == 1)
    }

    @Test("a replica that can enter nothing takes in nothing that would have to be entered")
    func cannotEnter() throws {
        var members = (1...2).map {
            ReplicaMember(node: NodeID($0), actor: ActorID($0), role: .voter, counterCeiling: .max)
        }
        members[1].counterCeiling = 3
        var group = ReplicaGroup(
            PartitionView(partition: 0, epoch: 1, members: members), strategy: .lastWriteWins)
        group.logging = Self.logging
        try group.write("apple", to: "k", at: 0)
        try group.write("banana", to: "k", at: 1)
        try group.write("cherry", to: "other", at: 1)
        let update = try group.update("k", at: 0)
        guard case .refused(.overload) = try group.merge(update, at: 1) else {
            Issue.record("taken in")
            return
        }
        #expect(try group.values("k", at: 1) == ["banana"])
        // What meets nobody is taken in all the same.
        try group.write("date", to: "third", at: 0)
        try group.replicate("third", from: 0, to: 1)
        #expect(try group.values("third", at: 1) == ["date"])
    }

    // MARK: Retention

    @Test("records go when they are too old, too many or too large, the oldest first")
    func retention() throws {
        var group = group(.lastWriteWins)
        for number in 0..<6 { try group.write("value \(number)", to: "k", at: 0) }
        #expect(try group.conflicts(at: 0).count == 5)
        let three = ConflictRetention(milliseconds: 1_000, records: 3, bytes: 1 << 20)
        // At first it counts what there is.
        for _ in 0..<2 { try group.tidyConflicts(three, at: 0, after: 10) }
        #expect(try group.conflicts(at: 0).compactMap { text($0.subject.value) } == ["value 2", "value 3", "value 4"])
        try group.tidyConflicts(ConflictRetention(milliseconds: 1_000, records: 3, bytes: 200), at: 0, after: 10)
        #expect(try group.conflicts(at: 0).count == 1)
        try group.tidyConflicts(three, at: 0, after: 2_000)
        #expect(try group.conflicts(at: 0).isEmpty)
        #expect(try group.values("k", at: 0) == ["value 5"])
    }

    @Test("after a restart the log is counted before anything goes")
    func retentionAfterRestart() throws {
        var group = group(.lastWriteWins)
        for number in 0..<6 { try group.write("value \(number)", to: "k", at: 0) }
        try group.restartCold(0)
        let two = ConflictRetention(milliseconds: 100_000, records: 2, bytes: 1 << 20)
        for _ in 0..<3 { try group.tidyConflicts(two, at: 0, after: 10) }
        #expect(try group.conflicts(at: 0).compactMap { text($0.subject.value) } == ["value 3", "value 4"])
    }

    // MARK: Coding

    @Test("a record comes back from its bytes, and any other bytes are refused")
    func coding() throws {
        let party = ConflictParty(
            dot: Dot(ActorID(3), 300), timestamp: HybridTimestamp(rawValue: 77), number: 4,
            seen: CausalContext(dots: [Dot(ActorID(1), 1), Dot(ActorID(2), 9)]), parent: Dot(ActorID(1), 1),
            writer: [0xFF, 0], value: .content([1, 2, 3]))
        let refused = ConflictParty(dot: nil, timestamp: .zero, value: .oversized(length: 1 << 40, digest: [9]))
        let record = ConflictRecord(
            address: [0, 0, 0, 1, 0, 1, 98, 107], strategy: .immutable, noticed: 1_700_000_000_000,
            conflicts: [
                Conflict(kind: .refused, subject: refused, others: [party]),
                Conflict(kind: .resolved, subject: party, others: [], note: Array("restore 1-2.3-lost".utf8)),
            ])
        let bytes = record.encoded()
        #expect(try ConflictRecord(encoded: bytes[...]) == record)
        for length in 0..<bytes.count {
            #expect(throws: MalformedBytes.self) { try ConflictRecord(encoded: bytes[..<length]) }
        }
        #expect(throws: MalformedBytes.self) { try ConflictRecord(encoded: (bytes + [0])[...]) }
        var random = SplitMix64(seed: 7)
        for _ in 0..<2_000 {
            var damaged = bytes
            damaged[random.below(bytes.count)] = UInt8(random.below(256))
            // Either it is refused, or it is a record that writes the same bytes.
            guard let read = try? ConflictRecord(encoded: damaged[...]) else { continue }
            #expect(try ConflictRecord(encoded: read.encoded()[...]) == read)
        }
    }
}
