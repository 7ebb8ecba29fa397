import KindredModel
import KindredReplication
import Testing

/// One node's clock is an hour ahead, and it writes to buckets where clocks decide nothing.
@Suite struct WrongClockTests {
    private let hour: UInt64 = 3_600_000

    @Test(
        "what it wrote is replaced by later writes, and the other nodes keep their time",
        arguments: [ConflictStrategy.versionVectors, .versionNumbers, .lastWriteWins], [true, false])
    func replaced(_ strategy: ConflictStrategy, _ isInformed: Bool) throws {
        var group = ReplicaGroup(voters: 2, strategy: .versionVectors)
        let written = Version(
            dot: Dot(ActorID(2), 1), timestamp: HybridTimestamp(milliseconds: group.wall + hour), content: [1])
        let update = ObjectUpdate(
            address: Array(try group.key("k").address),
            object: CausalObject(versions: [written], context: CausalContext()), events: [written.dot])
        guard case .merged = try group.merge(update, at: 0) else { throw MalformedBytes("refused") }
        // It may have been written before the bucket's type became the one that it is.
        group.strategies[0] = strategy

        var latest = written.timestamp
        for round in 0..<3 {
            let seen = isInformed ? try group.knowledge("k", at: 0) : nil
            let reply = try group.write("\(round)", to: "k", at: 0, seen: seen)
            let event = try #require(reply.event)
            #expect(event.timestamp > latest)
            latest = event.timestamp
            #expect(group.members[0].time.last.milliseconds == group.wall)
            let other = try #require(try group.write("\(round)", to: "other", at: 0).event)
            #expect(other.timestamp.milliseconds == group.wall)
        }
    }

    @Test("a clock that is ahead by less than the skew is followed, and time never goes back")
    func followed() throws {
        var group = ReplicaGroup(voters: 1)
        let seen = Knowledge(
            context: CausalContext(), timestamp: HybridTimestamp(milliseconds: group.wall + 400), number: 0)
        let first = try #require(try group.write("a", to: "k", at: 0, seen: seen).event)
        #expect(first.timestamp > seen.timestamp)
        let second = try #require(try group.write("b", to: "other", at: 0).event)
        #expect(second.timestamp > first.timestamp)
    }
}
