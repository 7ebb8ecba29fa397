import KindredModel
import KindredReplication
import Testing

@Suite struct CoordinatorReadTests {
    private func reads(_ bench: inout CoordinatorBench) -> [(message: ReadObject, to: UInt32)] {
        bench.takeSent().compactMap { sent in
            guard case .read(let message) = sent.message else { return nil }
            return (message, sent.to)
        }
    }

    /// Asks, and returns the exchange.
    private func begin(_ bench: inout CoordinatorBench, _ request: ClientRequest = get()) throws -> UInt64 {
        bench.ask(request)
        return try #require(reads(&bench).first).message.id
    }

    @Test func asksEveryMemberAndAnswersWhatTheyKnowTogether() throws {
        var bench = CoordinatorBench(view([member(1), member(2), member(3, .learner), member(4, .draining)]))
        let token = bench.ask(get(RequestQuorums(r: 2)))
        let sent = reads(&bench)
        #expect(sent.map(\.to) == [1, 2, 3, 4])
        let id = try #require(sent.first).message.id
        bench.know(id, from: 3, object([event(30, 1)]))
        bench.know(id, from: 1, object([event(10, 1)]))
        #expect(bench.takeReplies().isEmpty)
        bench.know(id, from: 2, object([event(20, 1)], knowing: [event(10, 1)]))
        #expect(bench.takeReplies()[token]?.object == object([event(20, 1), event(30, 1)], knowing: [event(10, 1)]))
    }

    @Test func anAbsentObjectIsAnsweredWithItsContext() throws {
        var bench = CoordinatorBench(threeVoters)
        let id = try begin(&bench)
        bench.know(id, from: 1, object([], knowing: [event(10, 4)]))
        bench.know(id, from: 2, object([]))
        #expect(bench.takeReplies()[1]?.object == object([], knowing: [event(10, 4)]))
    }

    @Test func anAnswerThatComesTwiceCountsOnce() throws {
        var bench = CoordinatorBench(threeVoters)
        let id = try begin(&bench)
        bench.know(id, from: 2, object([event(20, 1)]))
        bench.know(id, from: 2, object([event(20, 1)]))
        #expect(bench.takeReplies().isEmpty)
    }

    @Test func aStorageErrorIsNotAnAnswer() throws {
        var bench = CoordinatorBench(threeVoters)
        let id = try begin(&bench)
        bench.know(id, from: 1, object([]))
        bench.know(id, from: 2, .storage)
        #expect(bench.takeReplies().isEmpty)
        bench.know(id, from: 3, .storage)
        #expect(
            bench.takeReplies()
                == [1: .unavailable(.unsatisfied(.r, required: 2, got: 1), mayHaveHappened: false)])
    }

    @Test func primariesAreCheckedBeforehand() {
        var bench = CoordinatorBench(threeVoters)
        bench.give(.reachable(n(2), false))
        bench.give(.reachable(n(3), false))
        let token = bench.ask(get(RequestQuorums(r: 1, pr: 2)))
        #expect(
            bench.takeReplies()
                == [token: .unavailable(.unsatisfied(.pr, required: 2, got: 1), mayHaveHappened: false)])
        #expect(reads(&bench).isEmpty)
    }

    @Test func membersThatCannotBeReachedAreNotWaitedFor() throws {
        var bench = CoordinatorBench(threeVoters)
        bench.give(.reachable(n(2), false))
        bench.ask(get(RequestQuorums(r: 2)))
        #expect(reads(&bench).map(\.to) == [1, 3])
        bench.give(.reachable(n(3), false))
        #expect(
            bench.takeReplies()
                == [1: .unavailable(.unsatisfied(.r, required: 2, got: 0), mayHaveHappened: false)])
    }

    @Test func aSilentMemberIsAskedAgainAndTheTimeRunsOut() throws {
        var bench = CoordinatorBench(threeVoters)
        let id = try begin(&bench, get(timeout: 1_000))
        bench.know(id, from: 1, object([]))
        bench.wake(after: Limits.retryMilliseconds)
        #expect(reads(&bench).map(\.to) == [2, 3])
        bench.wake(after: 1_000 - Limits.retryMilliseconds)
        #expect(bench.takeReplies() == [1: .unavailable(.timeout, mayHaveHappened: false)])
        #expect(bench.coordinator.requestsUnderWay == 0)
    }

    @Test func goesOnWithTheMembersOfANewView() throws {
        var bench = CoordinatorBench(threeVoters)
        let id = try begin(&bench)
        bench.know(id, from: 1, object([event(10, 1)]))
        bench.know(id, from: 2, .staleEpoch)
        bench.give(.view(view([member(1), member(2, actor: 21), member(4)], epoch: 2), fallbacks: []))
        let sent = reads(&bench)
        #expect(sent.map(\.to) == [2, 4])
        #expect(sent.map(\.message.epoch) == [2, 2])
        bench.know(id, from: 3, object([]))
        #expect(bench.takeReplies().isEmpty)
        bench.know(try #require(sent.first).message.id, from: 4, object([]))
        #expect(bench.takeReplies()[1]?.object?.versions.count == 1)
    }

    @Test func afterAChangeOfMembersOnlyThoseOfNowAreRepaired() throws {
        var bench = CoordinatorBench(threeVoters)
        let id = try begin(&bench, get(RequestQuorums(r: 3)))
        bench.know(id, from: 2, object([]))
        bench.know(id, from: 3, object([]))
        bench.give(.view(view([member(1), member(2, actor: 21), member(4)], epoch: 2), fallbacks: []))
        let next = try #require(reads(&bench).first).message.id
        bench.know(next, from: 1, object([event(10, 1)]))
        bench.know(next, from: 2, object([event(10, 1)]))
        bench.know(next, from: 4, object([]))
        #expect(bench.takeReplies().count == 1)
        #expect(repairs(&bench).map(\.to) == [4])
    }

    // MARK: Sessions

    @Test func aSessionIsServedOnlyByReplicasThatKnowIt() throws {
        let seen = CausalContext(dots: [event(20, 5)])
        var bench = CoordinatorBench(threeVoters)
        let token = bench.ask(get(RequestQuorums(r: 2), timeout: 2_000, session: seen))
        let sent = reads(&bench)
        #expect(sent.allSatisfy { $0.message.atLeast == seen })
        let id = try #require(sent.first).message.id
        bench.know(id, from: 2, object([event(20, 5)]))
        bench.know(id, from: 1, .notReady)
        bench.know(id, from: 3, .notReady)
        bench.wake(after: Limits.retryMilliseconds)
        #expect(reads(&bench).map(\.to) == [1, 3])
        bench.know(id, from: 1, .notReady)
        #expect(bench.takeReplies().isEmpty)
        bench.wake(after: 1_800)
        #expect(bench.takeReplies() == [token: .unavailable(.sessionNotServed, mayHaveHappened: false)])
    }

    @Test func withoutASessionAReplicaThatIsNotReadyIsAskedOnceMore() throws {
        var bench = CoordinatorBench(threeVoters)
        let id = try begin(&bench, get(RequestQuorums(r: 3)))
        bench.know(id, from: 1, .notReady)
        #expect(bench.takeReplies().isEmpty)
        bench.wake(after: Limits.retryMilliseconds)
        bench.know(id, from: 1, .notReady)
        #expect(
            bench.takeReplies()
                == [1: .unavailable(.unsatisfied(.r, required: 3, got: 0), mayHaveHappened: false)])
    }

    // MARK: Repair

    private func repairs(_ bench: inout CoordinatorBench) -> [(message: Replicate, to: UInt32)] {
        bench.takeReplicates()
    }

    @Test func repairsThoseThatKnowLessOnceAllHaveAnswered() throws {
        var bench = CoordinatorBench(view([member(1), member(2), member(3), member(4, .learner)]))
        let id = try begin(&bench)
        bench.know(id, from: 1, object([event(10, 2)], knowing: [event(10, 1)]), events: [event(10, 1), event(10, 2)])
        bench.know(id, from: 2, object([event(10, 1)]))
        #expect(bench.takeReplies().count == 1)
        bench.know(id, from: 4, object([event(40, 1)]))
        #expect(repairs(&bench).isEmpty)
        bench.know(id, from: 3, object([event(10, 2), event(40, 1)], knowing: [event(10, 1)]))
        let sent = repairs(&bench)
        #expect(sent.map(\.to) == [1, 2, 4])
        let update = ObjectUpdate(
            address: [7], object: object([event(10, 2), event(40, 1)], knowing: [event(10, 1)]),
            events: [event(10, 1), event(10, 2), event(40, 1)], isComposed: true)
        #expect(sent.allSatisfy { $0.message.update == update && $0.message.leaderEpoch == 0 })
        #expect(bench.coordinator.requestsUnderWay == 0)
    }

    /// Nobody has noticed yet that one of the two is lost: whoever writes with this answer's context must not replace it unseen, and the replicas
    /// must meet both.
    @Test func lastWriteWinsClaimsOnlyWhatItShowsAndRepairsWithBoth() throws {
        var bench = CoordinatorBench(view([member(1), member(2)]))
        let token = bench.ask(get(RequestQuorums(n: 2, r: 2), .lastWriteWins))
        let id = try #require(reads(&bench).first).message.id
        bench.know(id, from: 1, object([event(10, 3)], knowing: [event(10, 1), event(10, 2)]))
        bench.know(id, from: 2, object([event(20, 5)]))
        let answer = try #require(bench.takeReplies()[token]?.object)
        #expect(answer.versions.map(\.dot) == [event(20, 5)])
        #expect(!answer.context.contains(event(10, 3)))
        #expect(answer.context.contains(event(20, 5)) && answer.context.contains(event(10, 2)))
        let sent = repairs(&bench)
        #expect(sent.map(\.to) == [1, 2])
        #expect(sent.allSatisfy { $0.message.update.isComposed })
        #expect(sent.allSatisfy { $0.message.update.object.versions.map(\.dot) == [event(10, 3), event(20, 5)] })
    }

    /// A context that reflects an actor's closing claims all of its events.
    @Test func lastWriteWinsDoesNotClaimByTheClosingOfAnActorEither() throws {
        var closed = ClosedActors()
        closed.close(ActorID(30), last: 1, voided: [])
        var changed = view([member(1), member(2)])
        changed.closed = closed
        var bench = CoordinatorBench(changed)
        let token = bench.ask(get(RequestQuorums(n: 2, r: 2), .lastWriteWins))
        let id = try #require(reads(&bench).first).message.id
        bench.know(id, from: 1, object([event(30, 1)], knowing: [Dot(.closed, 1)]))
        bench.know(id, from: 2, object([event(20, 5)]))
        let answer = try #require(bench.takeReplies()[token]?.object)
        #expect(answer.versions.map(\.dot) == [event(20, 5)])
        #expect(!closed.covers(event(30, 1), by: answer.context))
    }

    @Test func repairsWhenTheWindowEnds() throws {
        var bench = CoordinatorBench(threeVoters)
        let id = try begin(&bench)
        bench.know(id, from: 1, object([event(10, 1)]))
        bench.know(id, from: 2, object([]))
        bench.wake(after: Limits.readRepairMilliseconds - 1)
        #expect(repairs(&bench).isEmpty)
        bench.wake(after: 1)
        #expect(repairs(&bench).map(\.to) == [2])
        bench.know(id, from: 3, object([]))
        #expect(bench.takeSent().isEmpty)
        #expect(bench.coordinator.requestsUnderWay == 0)
    }

    @Test func doesNotRepairWhatDiffersOnlyInOtherKeys() throws {
        var bench = CoordinatorBench(threeVoters)
        let id = try begin(&bench)
        bench.know(id, from: 1, object([event(10, 1)], knowing: [event(20, 1), event(20, 2)]))
        bench.know(id, from: 2, object([event(10, 1)], knowing: [event(30, 1)]))
        bench.know(id, from: 3, object([event(10, 1)]))
        #expect(repairs(&bench).isEmpty)
    }

    @Test func aReplicaThatMissesADeleteIsRepaired() throws {
        var bench = CoordinatorBench(threeVoters)
        let id = try begin(&bench)
        let deleted = object([], knowing: [event(10, 1), event(20, 1)])
        bench.know(id, from: 1, deleted, events: [event(20, 1)])
        bench.know(id, from: 2, object([event(10, 1)]))
        bench.know(id, from: 3, object([], knowing: [event(10, 1)]))
        #expect(bench.takeReplies()[1]?.object?.versions.isEmpty == true)
        // Replica 3 shows nothing either, but has not heard of the event that says why.
        #expect(repairs(&bench).map(\.to) == [2, 3])
    }

    // MARK: Closed actors

    @Test func aClosedEpochStandsForTheEventsOfItsActors() throws {
        var closed = ClosedActors()
        closed.close(ActorID(5), last: 3, voided: [2])
        var view = threeVoters
        view.closed = closed
        var bench = CoordinatorBench(view)
        let id = try begin(&bench)
        // Replica 1 has folded actor 5 away, and has seen its event 1 replaced. Replica 2 still shows it, and a voided
        // one.
        bench.know(id, from: 1, object([event(10, 1)], knowing: [Dot(.closed, 1)]))
        bench.know(id, from: 2, object([event(5, 1), event(5, 2)]))
        #expect(bench.takeReplies()[1]?.object?.versions.map(\.dot) == [event(10, 1)])
    }

    @Test func anAnswerThatReflectsUnknownClosingsIsNotUsed() throws {
        var bench = CoordinatorBench(threeVoters)
        let id = try begin(&bench)
        bench.know(id, from: 1, object([event(10, 1)], knowing: [Dot(.closed, 1)]))
        bench.know(id, from: 2, object([event(5, 1)]))
        #expect(bench.takeReplies().isEmpty)
        bench.know(id, from: 3, object([event(5, 1)]))
        #expect(bench.takeReplies().count == 1)
    }
}
