import KindredModel
import KindredReplication
import KindredTesting
import Testing

/// A bucket changes between version vectors and last-write-wins while replicas write and exchange, each hearing of it at another time.
/// Both keep the same objects and join them in the same way, so nothing has to be converted and nothing to be stopped.
@Suite struct StrategyChangeTests {
    private static let logging = ConflictLogging(hash: { hashed($0) }, digest: { _ in [] })

    private struct Write {
        let dot: Dot
        let isDelete: Bool
        /// The dots of this key's writes that its writer had been shown, and what those had been.
        let seen: Set<Dot>
    }

    @Test(
        "no write is lost in silence, and replicas agree",
        arguments: [
            (ConflictStrategy.versionVectors, ConflictStrategy.lastWriteWins),
            (ConflictStrategy.lastWriteWins, ConflictStrategy.versionVectors),
        ], 1...40)
    func changes(_ change: (before: ConflictStrategy, after: ConflictStrategy), _ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        var group = ReplicaGroup(voters: 3, strategy: change.before)
        group.logging = Self.logging
        var writes: [Write] = []
        let hears = (0..<3).map { _ in 20 + random.below(40) }
        for step in 0..<100 {
            for position in 0..<3 where hears[position] == step { group.strategies[position] = change.after }
            let position = random.below(3)
            switch random.below(10) {
            case 0..<5:
                let strategy = group.strategies[position] ?? change.before
                let knows = random.chance(60)
                let object = try group.read("k", at: position)
                let shown = strategy.visibleVersions(of: object)
                let isDelete = knows && random.chance(20)
                var knowledge = try group.knowledge("k", at: position)
                if strategy == .lastWriteWins {
                    // As a read's coordinator does: what is not shown is not claimed.
                    for version in object.versions where !shown.contains(version) {
                        knowledge.context.forget(version.dot)
                    }
                    for version in shown { knowledge.context.insert(version.dot) }
                }
                let reply = try group.write(
                    isDelete ? nil : "\(step)", to: "k", at: position, seen: knows ? knowledge : nil)
                guard let dot = reply.event?.dot else { continue }
                var seen: Set<Dot> = []
                if knows {
                    for write in writes where knowledge.context.contains(write.dot) {
                        seen.formUnion(write.seen.union([write.dot]))
                    }
                }
                writes.append(Write(dot: dot, isDelete: isDelete, seen: seen))
            case 5..<8:
                let other = (position + 1 + random.below(2)) % 3
                try group.replicate("k", from: position, to: other)
            default:
                let other = (position + 1 + random.below(2)) % 3
                try group.pull(by: position, from: other)
            }
        }
        for position in 0..<3 { group.strategies[position] = change.after }
        try group.quiesce()
        let values = try group.values("k", at: 0)
        for position in 1..<3 { #expect(try group.values("k", at: position) == values, "seed \(seed)") }
        // A last write that knows everything brings out what a bucket that used to have siblings still kept.
        try group.write("last", to: "k", at: 0, seen: nil)
        try group.quiesce()
        let kept = Set(try group.read("k", at: 0).versions.map(\.dot))
        let replaced = writes.reduce(into: Set<Dot>()) { $0.formUnion($1.seen) }
        let told = Set(try group.conflicts(at: 0).filter { $0.kind == .lost }.compactMap(\.subject.dot))
        for write in writes where !write.isDelete {
            #expect(
                kept.contains(write.dot) || replaced.contains(write.dot) || told.contains(write.dot),
                "seed \(seed): \(write.dot) is gone without a word")
        }
    }

    @Test("siblings that are left where nobody has touched them since are no damage", arguments: [true, false])
    func siblingsAreLeft(_ isTransfer: Bool) throws {
        var group = ReplicaGroup(voters: 3, strategy: .versionVectors)
        group.logging = Self.logging
        try group.write("apple", to: "k", at: 0)
        try group.write("banana", to: "k", at: 1)
        try group.pull(by: 0, from: 1)
        try group.pull(by: 1, from: 0)
        for position in 0..<3 { group.strategies[position] = .lastWriteWins }
        if isTransfer { try group.forgetLog(at: 0) }
        #expect(try group.pull(by: 2, from: 0) == isTransfer)
        #expect(try group.read("k", at: 0).versions.count == 2)
        #expect(try group.read("k", at: 2).versions.count == 1)
        // Replicas whose clocks are equal compare their digests; the group expects them to be equal, too.
        for _ in 0..<3 { try group.pullAll() }
        #expect(group.members[0].replica.clock == group.members[2].replica.clock)
        #expect(group.members[0].replica.digest == group.members[2].replica.digest)
        #expect(group.members[2].replica.digest != nil)
    }
}
