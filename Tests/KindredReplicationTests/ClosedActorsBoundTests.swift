import KindredModel
import KindredReplication
import KindredStorage
import KindredTesting
import Testing

/// Replicas that lose their state take new ids, again and again. What is left of the old ids is one number: a clock has
/// an entry for each incarnation that is open, and one for all that are closed.
@Suite struct ClosedActorsBoundTests {
    private static let renewals = 1_000
    private static let keys = (0..<12).map { "key-\($0)" }

    @Test func aThousandIncarnationsLeaveNothingBehind() throws {
        let seed: UInt64 = 11
        var random = SplitMix64(seed: seed)
        var cluster = try Cluster()
        var expected: [String: String] = [:]
        for name in Self.keys {
            expected[name] = "first \(name)"
            try cluster.group.write(expected[name], to: name, at: random.below(3))
        }
        try cluster.group.pullAll()

        for round in 0..<Self.renewals {
            for _ in 0..<random.below(4) {
                let name = Self.keys[random.below(Self.keys.count)]
                let position = random.below(3)
                expected[name] = "value \(round)"
                try cluster.group.write(
                    expected[name], to: name, at: position, seen: try cluster.group.knowledge(name, at: position))
                try cluster.group.replicate(name, from: position, to: (position + 1) % 3)
                // Everybody who writes has read what there is.
                try cluster.group.pullAll()
            }
            let position = random.below(3)
            if random.chance(30) {
                // An event that nobody else ever hears of, and then one that they do: the first one is voided.
                try cluster.group.write("lost", to: "lost \(round)", at: position)
                let name = Self.keys[random.below(Self.keys.count)]
                expected[name] = "beyond a gap \(round)"
                try cluster.group.write(
                    expected[name], to: name, at: position, seen: try cluster.group.knowledge(name, at: position))
                try cluster.group.replicate(name, from: position, to: (position + 1) % 3)
                try cluster.renew(position, losingDisk: true)
            } else {
                try cluster.renew(position, losingDisk: random.chance(50))
            }
            for replica in cluster.group.members.map(\.replica) {
                #expect(replica.clock.entries.count <= 4, "seed \(seed), round \(round): \(replica.clock)")
            }
        }

        try cluster.group.quiesce()
        #expect(cluster.group.view.closed.epoch > 900)
        for position in cluster.group.members.indices {
            let clock = cluster.group.members[position].replica.clock
            #expect(clock.entries.count <= 4, "seed \(seed): \(clock)")
            let records = try cluster.group.records(at: position)
            #expect(records.count == Self.keys.count)
            for record in records.values { #expect(try CausalObject(encoded: record).context.isEmpty) }
            for name in Self.keys {
                #expect(try cluster.group.values(name, at: position) == [try #require(expected[name])], "seed \(seed)")
                let token = try cluster.token(for: name, at: position)
                #expect(token.count < 100, "seed \(seed): \(token.count) bytes")
            }
        }
    }
}

/// Three replicas, and the configuration service that they report to.
private struct Cluster {
    var topology: Topology
    var group: ReplicaGroup

    init() throws {
        topology = try Topology.cluster(3, partitions: 1)
        for member in try topology.current(0).members {
            try topology.raiseCeiling(of: member.actor, in: 0, to: Limits.counterBlock)
        }
        group = ReplicaGroup(try topology.current(0))
    }

    /// Gives a replica a new incarnation, lets it catch up, and closes the old one.
    mutating func renew(_ position: Int, losingDisk: Bool) throws {
        let old = group.view.members[position]
        let fresh = try #require(try topology.renew(old.node, in: 0, replacing: old.actor))
        if losingDisk { group.loseDisk(at: position, as: fresh, in: try topology.current(0)) }
        try group.adopt(try topology.current(0))
        try topology.raiseCeiling(of: fresh, in: 0, to: Limits.counterBlock)
        try group.adopt(try topology.current(0))

        try group.pullAll()
        try topology.report(.ready(fresh), in: 0, epoch: group.view.epoch)
        try group.adopt(try topology.current(0))

        for closing in group.view.closing {
            for member in group.members {
                let entry = member.replica.clock.entry(of: closing)
                let report = try ClosingReport(
                    actor: closing, reporter: member.replica.actor, base: entry?.base ?? 0,
                    beyond: entry?.countersBeyond ?? [])
                try topology.reportClosing(report, in: 0, epoch: group.view.epoch)
            }
        }
        try group.adopt(try topology.current(0))
        #expect(group.view.closing.isEmpty)
        #expect(group.view.members.allSatisfy { $0.role == .voter })
    }

    /// What a client gets that has just read the key.
    func token(for name: String, at position: Int) throws -> [UInt8] {
        let address = Array(try group.key(name).address)
        let known = try group.knowledge(name, at: position)
        return address.withUnsafeBytes { address in
            CausalToken.seal(known, keyID: 1, address: address) { _, _ in (0, 0) }
        }
    }
}
