import KindredModel
import KindredReplication
import KindredTesting
import Testing

/// Clients that always write with the context of their own last answer leave at most one sibling each, however stale
/// that context is: a write replaces its own client's last one, and nothing that its client has not seen.
@Suite struct SiblingBoundTests {
    private static let clients = [2, 5, 10]

    /// As a coordinator does it: each write goes to the other replicas at once. The clients never read.
    @Test(arguments: clients) func clientsThatNeverReadLeaveOneSiblingEach(clients: Int) throws {
        let seed = UInt64(clients)
        var random = SplitMix64(seed: seed)
        var group = ReplicaGroup(voters: 3)
        var known = [Knowledge](repeating: .nothing, count: clients)
        var mostSiblings = 0
        for number in 0..<4_000 {
            let client = number % clients
            let position = random.below(3)
            let reply = try group.write("\(client)/\(number)", to: "k", at: position, seen: known[client])
            known[client] = reply.writerKnows
            mostSiblings = max(mostSiblings, reply.object.versions.count)
            for other in 0..<3 where other != position { try group.replicate("k", from: position, to: other) }
            // A write carries the events of its key that some replica may lack.
            if number % 100 == 0 { try group.quiesce() }
        }
        #expect(mostSiblings == clients, "seed \(seed)")
        try expectOneAfterResolving("k", in: &group, clients: clients)
    }

    /// Nothing is sent at once; replicas ask each other now and then. So a client's writes land on replicas that have not heard of its
    /// last ones. What a writer is answered forgets the oldest of its writes only: more siblings would take a replica that lags by
    /// about twenty of one client's writes at another one.
    @Test(arguments: clients) func replicasThatLagKeepOneSiblingOfEachClient(clients: Int) throws {
        let seed = UInt64(clients)
        var random = SplitMix64(seed: seed)
        var group = ReplicaGroup(voters: 3)
        var known = [Knowledge](repeating: .nothing, count: clients)
        var mostSiblings = 0
        for number in 0..<(100_000 / Self.clients.count) {
            let client = number % clients
            let reply = try group.write("\(client)/\(number)", to: "k", at: random.below(3), seen: known[client])
            known[client] = reply.writerKnows
            mostSiblings = max(mostSiblings, reply.object.versions.count)
            if random.chance(20) {
                let asker = random.below(3)
                try group.pull(by: asker, from: (asker + 1 + random.below(2)) % 3)
                mostSiblings = max(mostSiblings, try group.read("k", at: asker).versions.count)
            }
            if number % 60 == 0 { try group.quiesce() }
        }
        #expect(mostSiblings == clients, "seed \(seed)")
        try expectOneAfterResolving("k", in: &group, clients: clients)
    }

    /// Once all replicas have exchanged what they know, each shows the last write of each client; whoever reads that
    /// and writes leaves one value.
    private func expectOneAfterResolving(_ name: String, in group: inout ReplicaGroup, clients: Int) throws {
        try group.quiesce()
        for position in 0..<3 {
            let writers = try group.values(name, at: position).map { $0.prefix { $0 != "/" } }
            #expect(writers.count == clients && Set(writers).count == clients)
        }
        try group.write("resolved", to: name, at: 1, seen: try group.knowledge(name, at: 2))
        try group.pullAll()
        for position in 0..<3 { #expect(try group.values(name, at: position) == ["resolved"]) }
    }
}
