import KindredModel
import KindredReplication
import Testing

@Suite struct LeaderRecoveryTests {
    private typealias Effect = LeaderRecovery.Effect

    private let view = KindredReplicationTests.view(
        [member(1), member(2), member(3)],
        leadership: Leadership(epoch: 7, leader: n(1), members: [n(1), n(2), n(3)]))

    private func clock(_ events: [Dot]) -> ReplicaClock {
        var clock = ReplicaClock()
        for event in events { clock.insert(event) }
        return clock
    }

    private func promise(_ clock: ReplicaClock, from node: UInt32, id: UInt64 = 99) -> LeaderRecovery.Input {
        .promised(PromiseReply(id: id, result: .success(clock)), from: n(node))
    }

    private func question(to node: UInt32) -> Effect {
        .send(.promise(PromiseRequest(id: 99, partition: 0, leaderEpoch: 7)), to: n(node))
    }

    @Test func onlyTheLeaderRecovers() {
        #expect(LeaderRecovery(view: view, node: n(2), id: 99) == nil)
        #expect(LeaderRecovery(view: threeVoters, node: n(1), id: 99) == nil)
        #expect(LeaderRecovery(view: view, node: n(1), id: 99) != nil)
    }

    @Test func collectsCatchesUpSpreadsAndLeads() throws {
        var recovery = try #require(LeaderRecovery(view: view, node: n(1), id: 99))
        let own = clock([event(10, 1)])
        let wake = Effect.wake(at: Limits.promiseRetryMilliseconds)
        #expect(
            recovery.handle(.wake, clock: own, now: 0) == [question(to: 1), question(to: 2), question(to: 3), wake])
        #expect(recovery.handle(promise(own, from: 1), clock: own, now: 1) == [wake])
        #expect(recovery.handle(promise(clock([event(20, 1)]), from: 2), clock: own, now: 2) == [wake])
        #expect(recovery.stage == .promising)
        #expect(recovery.handle(promise(clock([]), from: 3), clock: own, now: 3).isEmpty)
        #expect(recovery.stage == .catchingUp)
        #expect(recovery.sources(for: own) == [n(2)])

        let caughtUp = clock([event(10, 1), event(20, 1)])
        let again = Effect.wake(at: 10 + Limits.promiseRetryMilliseconds)
        #expect(
            recovery.handle(.wake, clock: caughtUp, now: 10) == [question(to: 2), question(to: 3), again])
        #expect(recovery.stage == .spreading(caughtUp))
        #expect(recovery.sources(for: caughtUp).isEmpty)
        // What is written meanwhile is not waited for.
        let later = clock([event(10, 1), event(10, 2), event(20, 1)])
        #expect(recovery.handle(promise(caughtUp, from: 2), clock: later, now: 11) == [again])
        #expect(recovery.handle(promise(clock([event(10, 1)]), from: 3), clock: later, now: 12) == [again])
        #expect(
            recovery.handle(promise(later, from: 3), clock: later, now: 13) == [.leading(partition: 0, epoch: 7)])
        #expect(recovery.handle(promise(later, from: 3), clock: later, now: 14).isEmpty)
        #expect(recovery.stage == .leading)
    }

    @Test func asksAgainThoseWhoHaveNotAnswered() throws {
        var recovery = try #require(LeaderRecovery(view: view, node: n(1), id: 99))
        let own = clock([])
        _ = recovery.handle(.wake, clock: own, now: 0)
        _ = recovery.handle(promise(own, from: 2), clock: own, now: 1)
        let interval = Limits.promiseRetryMilliseconds
        #expect(recovery.handle(.wake, clock: own, now: interval - 1) == [.wake(at: interval)])
        #expect(
            recovery.handle(.wake, clock: own, now: interval)
                == [question(to: 1), question(to: 3), .wake(at: 2 * interval)])
        let refusal = LeaderRecovery.Input.promised(PromiseReply(id: 99, result: .failure(.notReady)), from: n(3))
        #expect(recovery.handle(refusal, clock: own, now: interval + 1) == [.wake(at: 2 * interval)])
        #expect(recovery.stage == .promising)
    }

    @Test func answersOfOthersAndOfOtherRecoveriesDoNotCount() throws {
        var recovery = try #require(LeaderRecovery(view: view, node: n(1), id: 99))
        let own = clock([])
        for node: UInt32 in [1, 2] { _ = recovery.handle(promise(own, from: node), clock: own, now: 0) }
        _ = recovery.handle(promise(own, from: 3, id: 98), clock: own, now: 0)
        _ = recovery.handle(promise(own, from: 4), clock: own, now: 0)
        #expect(recovery.stage == .promising)
    }

    @Test func anOlderAnswerDoesNotTakeBackANewerOne() throws {
        var recovery = try #require(LeaderRecovery(view: view, node: n(1), id: 99))
        let own = clock([event(10, 1)])
        for node: UInt32 in [1, 2, 3] { _ = recovery.handle(promise(clock([]), from: node), clock: own, now: 0) }
        #expect(recovery.stage == .spreading(own))
        _ = recovery.handle(promise(own, from: 2), clock: own, now: 1)
        _ = recovery.handle(promise(clock([]), from: 2), clock: own, now: 2)
        #expect(recovery.handle(promise(own, from: 3), clock: own, now: 3) == [.leading(partition: 0, epoch: 7)])
    }

    @Test func aLaterLeaderEndsIt() throws {
        var recovery = try #require(LeaderRecovery(view: view, node: n(1), id: 99))
        let own = clock([])
        let refusal = LeaderRecovery.Input.promised(PromiseReply(id: 99, result: .failure(.notTheLeader)), from: n(3))
        #expect(recovery.handle(refusal, clock: own, now: 0).isEmpty)
        for node: UInt32 in [1, 2, 3] { #expect(recovery.handle(promise(own, from: node), clock: own, now: 0).isEmpty) }
        #expect(recovery.stage == .superseded)
    }

    @Test func aFoldedClockCoversTheEventsOfClosedActors() throws {
        var closed = view
        closed.closed.close(ActorID(5), last: 2, voided: [])
        var recovery = try #require(LeaderRecovery(view: view, node: n(1), id: 99))
        let folded = clock([Dot(.closed, 1)])
        let unfolded = clock([event(5, 1), event(5, 2)])
        _ = recovery.handle(promise(folded, from: 1), clock: folded, now: 0)
        _ = recovery.handle(promise(unfolded, from: 2), clock: folded, now: 0)
        _ = recovery.handle(promise(folded, from: 3), clock: folded, now: 0)
        #expect(recovery.stage == .catchingUp)
        #expect(recovery.sources(for: folded) == [n(2)])
        _ = recovery.handle(.view(closed), clock: folded, now: 1)
        #expect(recovery.stage == .spreading(folded))
    }
}
