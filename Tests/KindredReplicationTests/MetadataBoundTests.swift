import KindredModel
import KindredReplication
import KindredStorage
import KindredTesting
import Testing

/// What is left of a key's history once all replicas have exchanged what they know.
///
/// **Causality** is what a stored record has beside the value itself: its length without the content and without the
/// content's length prefix. That is the format version, the context, the number of versions, the flags, dot and
/// timestamp of the version, and the version's number where there is one.
@Suite struct MetadataBoundTests {
    struct Case: CustomTestStringConvertible, Sendable {
        let replicas: Int
        let strategy: ConflictStrategy
        var testDescription: String { "\(replicas) replicas, \(strategy.rawValue)" }
    }

    static let cases: [Case] =
        [3, 5, 7].flatMap { replicas in
            [ConflictStrategy.versionVectors, .lastWriteWins].map { Case(replicas: replicas, strategy: $0) }
        } + [Case(replicas: 3, strategy: .versionNumbers), Case(replicas: 3, strategy: .immutable)]

    private static let mostBytes = 24
    private static let keys = (0..<48).map { "key-\($0)" }

    /// Thousands of writes by many clients through all replicas; in the end every other key has one value, and the
    /// rest are deleted.
    @Test(arguments: cases) func aKeyWithOneValueStoresFewBytesWhateverItsHistory(of which: Case) throws {
        let seed = UInt64(which.replicas) * 101
        var random = SplitMix64(seed: seed)
        var group = ReplicaGroup(voters: which.replicas, strategy: which.strategy)
        let mostSiblings = try live(in: &group, writes: 3_000, &random)
        if which.strategy == .versionVectors { #expect(mostSiblings > 5, "seed \(seed): nothing to resolve") }
        try group.quiesce()

        if which.strategy != .immutable {
            for (number, name) in Self.keys.enumerated() {
                let position = group.coordinator(&random)
                let isDeleted = number % 2 == 1
                try group.write(
                    isDeleted ? nil : "resolved \(name)", to: name, at: position,
                    seen: try group.knowledge(name, at: position))
            }
            try group.quiesce()
        }

        let first = try group.records(at: 0)
        let readable = try Self.keys.filter { try !group.values($0, at: 0).isEmpty }
        #expect(first.count == readable.count, "seed \(seed): deleted keys have left records")
        #expect(readable.count >= Self.keys.count / 2)
        for position in group.members.indices {
            #expect(try group.records(at: position) == first, "seed \(seed): replica \(position) differs")
            #expect(try group.count(.log, at: position) == 0, "seed \(seed): replica \(position) has a log")
            let replica = group.members[position].replica
            #expect(replica.backlog.logEntries.isEmpty && replica.backlog.unsettledKeys == 0)
            #expect(replica.digest == group.members[0].replica.digest && replica.digest != nil)
        }
        for (key, record) in first {
            let stored = try CausalObject(encoded: record)
            #expect(stored.context.isEmpty, "seed \(seed): \(stored.context)")
            #expect(stored.versions.count == 1)
            let causality = try causalityBytes(record, stored)
            #expect(causality <= Self.mostBytes, "seed \(seed): \(causality) bytes for \(key)")
        }
    }

    /// Siblings cost what their versions cost; nothing is left of the writers.
    @Test func siblingsAddTheirVersionsOnly() throws {
        var group = ReplicaGroup(voters: 3)
        for client in 0..<9 { try group.write("v\(client)", to: "k", at: client % 3) }
        try group.quiesce()
        for position in group.members.indices {
            let record = try #require(try group.records(at: position).values.first)
            let stored = try CausalObject(encoded: record)
            #expect(stored.versions.count == 9)
            #expect(stored.context.isEmpty)
            #expect(try causalityBytes(record, stored) <= 9 * Self.mostBytes)
        }
    }

    /// A client that always deletes what it has just written leaves nothing, however often and wherever it does so.
    @Test func aKeyThatCameAndWentAThousandTimesStoresNothing() throws {
        var random = SplitMix64(seed: 7)
        var group = ReplicaGroup(voters: 3)
        for round in 0..<1_000 {
            let known = try group.write("v\(round)", to: "k", at: random.below(3)).writerKnows
            try group.write(nil, to: "k", at: random.below(3), seen: known)
            if random.chance(5) { try group.pull(by: random.below(3), from: random.below(3)) }
        }
        try group.quiesce()
        for position in group.members.indices {
            #expect(try group.count(.objects, at: position) == 0)
            #expect(try group.count(.log, at: position) == 0)
        }
    }

    private func causalityBytes(_ record: [UInt8], _ stored: CausalObject) throws -> Int {
        try stored.versions.reduce(record.count) { bytes, version in
            let content = try #require(version.content)
            var withPrefix: [UInt8] = []
            withPrefix.append(lengthPrefixed: content)
            return bytes - withPrefix.count
        }
    }

    /// Clients write, delete and resolve, with what they know or without; replicas exchange some of it.
    ///
    /// - Returns: the most siblings that there were.
    private func live(in group: inout ReplicaGroup, writes: Int, _ random: inout SplitMix64) throws -> Int {
        let clients = 40
        let replicas = group.members.count
        var known: [[Knowledge?]] = Array(
            repeating: Array(repeating: nil, count: Self.keys.count), count: clients)
        var mostSiblings = 0
        for number in 0..<writes {
            // A few keys are busy, the others are not.
            let key = min(random.below(Self.keys.count), random.below(Self.keys.count))
            let name = Self.keys[key]
            let client = random.below(clients)
            let position = group.coordinator(&random)
            if random.chance(30) { known[client][key] = try group.knowledge(name, at: position) }
            let value = random.chance(15) ? nil : "value \(number)"
            let reply = try group.write(value, to: name, at: position, seen: known[client][key])
            if case .applied = reply.outcome { known[client][key] = reply.writerKnows }
            mostSiblings = max(mostSiblings, reply.object.versions.count)
            // Most writes reach another replica at once, as a coordinator sends them.
            if random.chance(70) { try group.replicate(name, from: position, to: (position + 1) % replicas) }
            if random.chance(4) {
                let asker = random.below(replicas)
                try group.pull(by: asker, from: (asker + 1 + random.below(replicas - 1)) % replicas)
            }
        }
        return mostSiblings
    }
}

extension ReplicaGroup {
    /// Who takes a client's write: anybody; but version numbers come from one replica, and keys that are created once
    /// only are created at one here, because concurrent creations leave more than one version for good.
    fileprivate func coordinator(_ random: inout SplitMix64) -> Int {
        switch strategy {
        case .versionVectors, .lastWriteWins: random.below(members.count)
        case .immutable, .versionNumbers: 0
        }
    }
}
