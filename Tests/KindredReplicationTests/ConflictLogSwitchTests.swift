import KindredModel
import KindredReplication
import KindredTesting
import Testing

/// A bucket type may have its conflict log off: nothing is entered about its keys, and everything about others. That goes for every way in
/// which writes meet, and it may change at any time, at one replica before another.
@Suite struct ConflictLogSwitchTests {
    private static let logging = ConflictLogging(hash: { hashed($0) }, digest: { _ in [] })

    /// Both keys get the same writes. The log is off for the type of the second one, at all replicas but those that are named.
    private static let names = ["loud", "quiet"]

    private func group(
        _ strategy: ConflictStrategy, voters: Int = 1, except loud: Set<Int> = []
    ) -> ReplicaGroup {
        var group = ReplicaGroup(voters: voters, strategy: strategy)
        group.logging = Self.logging
        group.quiet = Set(0..<voters).subtracting(loud)
        return group
    }

    // MARK: Where writes meet

    @Test("writes that meet at their coordinator", arguments: ConflictStrategy.allCases)
    func writing(_ strategy: ConflictStrategy) throws {
        var group = group(strategy)
        for name in Self.names {
            for value in ["apple", "banana", "cherry"] { try group.write(value, to: name, at: 0) }
            if strategy != .immutable {
                try group.write("all", to: name, at: 0, seen: try group.knowledge(name, at: 0))
            }
        }
        #expect(try group.values("quiet", at: 0) == group.values("loud", at: 0))
        #expect(try group.conflicts(of: "quiet", at: 0).isEmpty)
        #expect(try !group.conflicts(of: "loud", at: 0).isEmpty)
    }

    @Test(
        "writes that meet in merging, and in what a read's coordinator has put together",
        arguments: ConflictStrategy.allCases)
    func merging(_ strategy: ConflictStrategy) throws {
        var group = group(strategy, voters: 3)
        for name in Self.names {
            try group.write("apple", to: name, at: 0)
            try group.write("banana", to: name, at: 1)
            try group.repair(name, with: [0, 1], at: 2)
            try group.replicate(name, from: 0, to: 1)
        }
        for position in 1...2 {
            #expect(try group.conflicts(of: "quiet", at: position).isEmpty)
            #expect(try group.conflicts(of: "loud", at: position).count == 1)
        }
        try group.quiesce()
        for position in 0..<3 {
            #expect(try group.values("quiet", at: position) == group.values("loud", at: 0))
            #expect(try group.conflicts(of: "quiet", at: position).isEmpty)
            #expect(try group.conflicts(of: "loud", at: position).count == 2)
        }
    }

    @Test("a bucket that had siblings: the others go without an entry when the last write wins")
    func unsettled() throws {
        var group = group(.versionVectors)
        for name in Self.names {
            for value in ["apple", "banana"] { try group.write(value, to: name, at: 0) }
        }
        let before = try group.conflicts(of: "loud", at: 0).count
        group.strategies[0] = .lastWriteWins
        for name in Self.names {
            try group.write("cherry", to: name, at: 0, seen: try group.knowledge(name, at: 0))
            #expect(try group.values(name, at: 0) == ["cherry"])
        }
        #expect(try group.conflicts(of: "loud", at: 0).count > before)
        #expect(try group.conflicts(of: "quiet", at: 0).isEmpty)
    }

    // MARK: Writes under dots that have been voided

    /// The third replica is given up without any of its writes.
    private func closing(_ group: ReplicaGroup) -> PartitionView {
        var view = group.view
        view.epoch += 1
        view.closed.close(ActorID(3), last: 0, voided: [])
        view.members.removeLast()
        return view
    }

    @Test(
        "writes that turn up late, in a message",
        arguments: [
            (ConflictStrategy.lastWriteWins, Conflict.Kind.orphaned), (.versionVectors, .sibling),
            (.versionNumbers, .sibling), (.immutable, .shadowed),
        ])
    func lateArrivals(_ strategy: ConflictStrategy, _ kind: Conflict.Kind) throws {
        var group = group(strategy, voters: 3)
        for name in Self.names {
            try group.write("apple", to: name, at: 0)
            try group.write("banana", to: name, at: 2)
        }
        _ = try group.adopt(closing(group), at: 0)
        for name in Self.names {
            guard case .merged(let merged) = try group.merge(try group.update(name, at: 2), at: 0) else {
                Issue.record("refused")
                return
            }
            #expect((strategy == .lastWriteWins ? merged.lost.count : merged.salvaged.count) == 1)
            #expect(merged.records.count == (name == "loud" ? 1 : 0))
        }
        #expect(try group.conflicts(of: "loud", at: 0).map(\.kind) == [kind])
        #expect(try group.conflicts(of: "quiet", at: 0).isEmpty)
        #expect(try group.values("quiet", at: 0) == group.values("loud", at: 0))
    }

    @Test(
        "writes that were there when their dots were voided",
        arguments: [
            (ConflictStrategy.lastWriteWins, Conflict.Kind.orphaned), (.versionVectors, .sibling),
            (.versionNumbers, .sibling), (.immutable, .shadowed),
        ])
    func stored(_ strategy: ConflictStrategy, _ kind: Conflict.Kind) throws {
        var group = group(strategy, voters: 3)
        for name in Self.names {
            try group.write("apple", to: name, at: 0)
            try group.write("banana", to: name, at: 2)
            try group.replicate(name, from: 2, to: 0)
        }
        let before = try group.conflicts(of: "loud", at: 0).count
        let merged = try group.adopt(closing(group), at: 0)
        #expect((strategy == .lastWriteWins ? merged.lost.count : merged.salvaged.count) == 2)
        let conflicts = try group.conflicts(of: "loud", at: 0)
        #expect(conflicts.dropFirst(before).map(\.kind) == [kind])
        #expect(merged.records.count == 1)
        #expect(try group.conflicts(of: "quiet", at: 0).isEmpty)
    }

    // MARK: Replicas that cannot mint

    @Test("who can enter nothing takes in what need not be entered")
    func cannotEnter() throws {
        var members = (1...3).map {
            ReplicaMember(node: NodeID($0), actor: ActorID($0), role: .voter, counterCeiling: .max)
        }
        members[0].counterCeiling = 3
        var group = ReplicaGroup(PartitionView(partition: 0, epoch: 1, members: members), strategy: .lastWriteWins)
        group.logging = Self.logging
        group.quiet = [0, 1, 2]
        for name in Self.names { try group.write("apple", to: name, at: 0) }
        for name in Self.names { try group.write("banana", to: name, at: 1) }
        for name in Self.names { try group.write("cherry", to: name, at: 2) }

        guard case .refused(.overload) = try group.merge(try group.update("loud", at: 1), at: 0) else {
            Issue.record("taken in without an entry")
            return
        }
        try group.replicate("quiet", from: 1, to: 0)
        #expect(try group.values("loud", at: 0) == ["apple"])
        #expect(try group.values("quiet", at: 0) == ["banana"])

        // The same for writes that have been given up.
        _ = try group.adopt(closing(group), at: 0)
        guard case .refused(.overload) = try group.merge(try group.update("loud", at: 2), at: 0),
            case .merged(let merged) = try group.merge(try group.update("quiet", at: 2), at: 0)
        else {
            Issue.record("taken in without an entry, or not taken in")
            return
        }
        #expect(merged.lost.count == 1 && merged.records.isEmpty)
    }

    // MARK: Changes

    @Test("records are taken in and kept by replicas whose log is off")
    func records() throws {
        var group = group(.lastWriteWins, voters: 2, except: [0])
        for value in ["apple", "banana"] { try group.write(value, to: "quiet", at: 0) }
        try group.quiesce()
        for position in 0..<2 { #expect(try group.conflicts(of: "quiet", at: position).map(\.kind) == [.lost]) }
        // Off everywhere, what is there stays, and comes to those who do not have it.
        group.quiet = [0, 1]
        try group.write("cherry", to: "quiet", at: 1)
        try group.quiesce()
        for position in 0..<2 { #expect(try group.conflicts(of: "quiet", at: position).count == 1) }
    }

    @Test(
        "replicas that hear of it at different times agree, and about other types everything is told",
        arguments: [ConflictStrategy.lastWriteWins, .versionVectors, .immutable], 1...20)
    func changes(_ strategy: ConflictStrategy, _ seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        var group = group(strategy, voters: 3, except: [0, 1, 2])
        var written: [String: Set<Dot>] = ["loud": [], "quiet": []]
        for step in 0..<80 {
            if random.chance(15) {
                let position = random.below(3)
                if group.quiet.remove(position) == nil { group.quiet.insert(position) }
            }
            let name = Self.names[random.below(2)]
            let position = random.below(3)
            let other = (position + 1 + random.below(2)) % 3
            switch random.below(10) {
            case 0..<4:
                if let dot = try group.write("\(step)", to: name, at: position).event?.dot {
                    written[name]?.insert(dot)
                }
            case 4..<8: try group.replicate(name, from: position, to: other)
            default: try group.pull(by: position, from: other)
            }
        }
        try group.quiesce()
        for name in Self.names {
            let kept = Set(try group.read(name, at: 0).versions.map(\.dot))
            let told = Set(try group.conflicts(of: name, at: 0).filter { $0.kind == .lost }.compactMap(\.subject.dot))
            let gone = (written[name] ?? []).subtracting(kept)
            for position in 1..<3 {
                #expect(try group.values(name, at: position) == group.values(name, at: 0), "seed \(seed)")
                #expect(
                    try group.conflicts(of: name, at: position) == group.conflicts(of: name, at: 0), "seed \(seed)")
            }
            // Nobody has read anything, so whatever is gone was lost.
            if name == "loud" { #expect(told == gone, "seed \(seed)") }
            #expect(told.isSubset(of: gone), "seed \(seed): something is told that has not happened")
        }
        // Switched on again, it enters what comes next.
        group.quiet = []
        let before = try group.conflicts(of: "quiet", at: 0).count
        for value in ["last", "and one more"] { try group.write(value, to: "quiet", at: 0) }
        #expect(try group.conflicts(of: "quiet", at: 0).count > before)
    }
}
