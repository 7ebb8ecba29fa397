import KindredModel
import KindredReplication
import KindredStorage
import Testing

/// Histories that are long enough to meet a bound.
@Suite struct LongHistoryTests {
    @Test("a transfer goes by keys: an event far beyond what the receiver has recorded does not stop it")
    func transferOutOfOrder() throws {
        var group = ReplicaGroup(voters: 2)
        // "b" gets all the writes between the first and the last key's.
        for number in 0...ReplicaClock.maximumGap + 1 {
            try group.write("v\(number)", to: "b", at: 0, seen: try group.knowledge("b", at: 0))
        }
        try group.write("new", to: "a", at: 0)
        for _ in 0..<4 { try group.pull(by: 1, from: 0) }
        #expect(try group.values("a", at: 1) == ["new"])
        #expect(group.members[0].replica.clock == group.members[1].replica.clock)
    }

    @Test("more objects wait to be settled than are remembered: the digest is still that of all of them")
    func manyUnsettledObjects() throws {
        var group = ReplicaGroup(voters: 2)
        for number in 0..<Limits.unsettledKeys + 4_464 { try group.write("v", to: "k\(100_000 + number)", at: 0) }
        for _ in 0..<2 { try group.pull(by: 1, from: 0) }
        try group.pull(by: 0, from: 1)
        try group.pull(by: 1, from: 0)
        #expect(group.members[0].replica.clock == group.members[1].replica.clock)
        #expect(group.members[0].replica.digest == group.members[1].replica.digest)
    }

    @Test("a writer that never reads is not told to forget its last write but one")
    func lastWriteButOne() throws {
        var group = ReplicaGroup(voters: 2)
        var known: [Knowledge] = [.nothing, .nothing]
        for number in 0..<(2 * CausalObject.answeredCloudLimit) {
            let client = number % 2
            known[client] = try group.write("\(client)/\(number)", to: "k", at: 0, seen: known[client]).writerKnows
        }
        try group.pull(by: 1, from: 0)
        known[0] = try group.write("0/here", to: "k", at: 0, seen: known[0]).writerKnows
        known[1] = try group.write("1/here", to: "k", at: 0, seen: known[1]).writerKnows
        // The other replica lags by these two.
        known[1] = try group.write("1/there", to: "k", at: 1, seen: known[1]).writerKnows
        #expect(try group.values("k", at: 1).count == 2)
    }
}
