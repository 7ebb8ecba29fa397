import KindredModel
import KindredReplication
import Testing

/// Keys with version numbers: one leader, and all of its members.
@Suite struct CoordinatorLeaderTests {
    private static func leadership(_ epoch: UInt64 = 4, _ leader: UInt32 = 1, _ members: [UInt32] = [1, 2])
        -> Leadership
    {
        Leadership(epoch: epoch, leader: n(leader), members: members.map(n))
    }

    private static func led(_ leadership: Leadership, epoch: UInt64 = 1) -> PartitionView {
        view([member(1), member(2), member(3)], epoch: epoch, leadership: leadership)
    }

    private func leader() -> CoordinatorBench {
        var bench = CoordinatorBench(Self.led(Self.leadership()))
        bench.give(.leading(partition: 0, epoch: 4))
        return bench
    }

    private let put = KindredReplicationTests.put(RequestQuorums(), .versionNumbers)
    private let get = KindredReplicationTests.get(RequestQuorums(), .versionNumbers)

    @Test func aWriteNeedsAllMembersAndTheOthersGetItToo() throws {
        var bench = leader()
        let token = bench.ask(put)
        let id = try bench.accept()
        let sent = bench.takeReplicates()
        #expect(sent.map(\.to) == [2, 3])
        #expect(sent.map(\.message.leaderEpoch) == [4, 4])
        bench.acknowledge(id, from: 3)
        #expect(bench.takeReplies().isEmpty)
        bench.acknowledge(id, from: 2)
        #expect(bench.takeReplies()[token]?.isWritten == true)
    }

    @Test func aReadIsShownOnlyAfterAllMembersHaveConfirmedIt() throws {
        var bench = leader()
        let token = bench.ask(get)
        let sent = bench.takeSent()
        #expect(sent.map(\.to) == [1])
        guard case .read(let question)? = sent.first?.message else {
            Issue.record("did not ask the own replica")
            return
        }
        bench.know(question.id, from: 2, object([]))
        #expect(bench.takeSent().isEmpty)
        bench.know(question.id, from: 1, object([event(10, 2)]), events: [event(10, 1), event(10, 2)])
        let round = bench.takeReplicates()
        #expect(round.map(\.to) == [2, 3])
        #expect(
            round.allSatisfy {
                $0.message.leaderEpoch == 4 && $0.message.update.events == [event(10, 1), event(10, 2)]
            })
        #expect(bench.takeReplies().isEmpty)
        bench.acknowledge(question.id, from: 2)
        #expect(bench.takeReplies() == [token: .object(object([event(10, 2)]))])
    }

    @Test func aLoneMemberAnswersItself() throws {
        var bench = CoordinatorBench(Self.led(Self.leadership(4, 1, [1])))
        bench.give(.leading(partition: 0, epoch: 4))
        let token = bench.ask(get)
        guard case .read(let question)? = bench.takeSent().first?.message else {
            Issue.record("did not ask the own replica")
            return
        }
        bench.know(question.id, from: 1, object([]))
        #expect(bench.takeReplies() == [token: .object(object([]))])
    }

    @Test func doesNotServeBeforeItsRecoveryOrInAnotherEpoch() {
        var bench = CoordinatorBench(Self.led(Self.leadership()))
        let early = bench.ask(put)
        bench.give(.leading(partition: 0, epoch: 3))
        let stale = bench.ask(get)
        let refusal = ClientReply.unavailable(.notTheLeader(leader: n(1)), mayHaveHappened: false)
        #expect(bench.takeReplies() == [early: refusal, stale: refusal])
        #expect(bench.takeWrites().isEmpty)
    }

    @Test func othersForwardWritesAndReadsToTheLeader() throws {
        var bench = CoordinatorBench(node: 2, Self.led(Self.leadership()))
        bench.ask(put)
        bench.ask(get)
        #expect(bench.takeSent().map(\.to) == [1, 1])
        bench.give(.reachable(n(1), false))
        _ = bench.takeReplies()
        let token = bench.ask(get)
        #expect(bench.takeReplies() == [token: .unavailable(.notTheLeader(leader: n(1)), mayHaveHappened: false)])
    }

    @Test func aMemberThatIsDownMakesKeysUnavailable() throws {
        var bench = leader()
        bench.give(.reachable(n(2), false))
        let write = bench.ask(put)
        let read = bench.ask(get)
        #expect(
            bench.takeReplies() == [
                write: .unavailable(.unsatisfied(.w, required: 2, got: 1), mayHaveHappened: false),
                read: .unavailable(.unsatisfied(.r, required: 2, got: 1), mayHaveHappened: false),
            ])
        bench.give(.reachable(n(2), true))
        let begun = bench.ask(put)
        try bench.accept()
        bench.give(.reachable(n(2), false))
        #expect(
            bench.takeReplies()
                == [begun: .unavailable(.unsatisfied(.w, required: 2, got: 1), mayHaveHappened: true)])
    }

    @Test func aMemberWithALaterPromiseEndsTheRequest() throws {
        var bench = leader()
        let token = bench.ask(put)
        let id = try bench.accept()
        bench.acknowledge(id, from: 2, .notTheLeader)
        #expect(bench.takeReplies() == [token: .unavailable(.notTheLeader(leader: nil), mayHaveHappened: true)])
    }

    @Test func anotherLeadershipEndsWhatHasBegun() throws {
        var bench = leader()
        let written = bench.ask(put)
        try bench.accept()
        let deciding = bench.ask(put)
        let (id, request) = try #require(bench.takeWrites().first)
        let read = bench.ask(get)
        bench.give(.view(Self.led(Self.leadership(5, 2), epoch: 2), fallbacks: []))
        #expect(
            bench.takeReplies() == [
                written: .unavailable(.notTheLeader(leader: n(2)), mayHaveHappened: true),
                read: .unavailable(.notTheLeader(leader: n(2)), mayHaveHappened: false),
            ])
        bench.give(.written(id: id, .success(bench.decided(2, request))))
        #expect(bench.takeReplies() == [deciding: .unavailable(.notTheLeader(leader: n(2)), mayHaveHappened: true)])
        #expect(bench.coordinator.requestsUnderWay == 0)
    }

    @Test func aWriteDecidedInAnEarlierEpochIsNeverAcknowledged() throws {
        var bench = leader()
        let named = KindredReplicationTests.put(
            RequestQuorums(), .versionNumbers, id: ClientRequestID(client: 1, number: 1))
        bench.ask(named)
        try bench.accept()
        bench.give(.view(Self.led(Self.leadership(6), epoch: 2), fallbacks: []))
        bench.give(.leading(partition: 0, epoch: 6))
        _ = bench.takeReplies()
        _ = bench.takeSent()
        let retry = bench.ask(named)
        #expect(bench.takeReplies() == [retry: .unavailable(.notTheLeader(leader: n(1)), mayHaveHappened: true)])
        #expect(bench.takeSent().isEmpty)
        #expect(bench.takeWrites().isEmpty)
    }

    @Test func aWriteThatIsDecidedAcrossEpochsIsNotAcknowledged() throws {
        var bench = leader()
        let token = bench.ask(put)
        bench.give(.view(Self.led(Self.leadership(5, 2), epoch: 2), fallbacks: []))
        bench.give(.view(Self.led(Self.leadership(6), epoch: 3), fallbacks: []))
        bench.give(.leading(partition: 0, epoch: 6))
        try bench.accept()
        #expect(bench.takeReplies() == [token: .unavailable(.notTheLeader(leader: n(1)), mayHaveHappened: true)])
        #expect(bench.takeSent().isEmpty)
    }

    @Test func losingTheLeadEndsWhatHasBegun() throws {
        var bench = leader()
        let token = bench.ask(put)
        try bench.accept()
        bench.give(.leading(partition: 0, epoch: nil))
        #expect(bench.takeReplies() == [token: .unavailable(.notTheLeader(leader: n(1)), mayHaveHappened: true)])
    }

    @Test func anotherViewWithTheSameLeadershipGoesOn() throws {
        var bench = leader()
        let token = bench.ask(put)
        try bench.accept()
        _ = bench.takeSent()
        bench.give(.view(Self.led(Self.leadership(), epoch: 2), fallbacks: []))
        let sent = bench.takeReplicates()
        #expect(sent.map(\.message.epoch) == [2, 2])
        bench.acknowledge(try #require(sent.first).message.id, from: 2)
        #expect(bench.takeReplies()[token]?.isWritten == true)
    }
}
