import KindredModel
import KindredReplication
import Testing

@Suite struct CoordinatorWriteTests {
    @Test func isWrittenHereThenReplicatedThenAnswered() throws {
        var bench = CoordinatorBench(view([member(1), member(2), member(3, .learner), member(4, .draining)]))
        let token = bench.ask(put(RequestQuorums(w: 2)))
        let id = try bench.accept()
        let sent = bench.takeReplicates()
        #expect(sent.map(\.to) == [2, 3, 4])
        #expect(
            sent.allSatisfy {
                $0.message.epoch == 1 && $0.message.leaderEpoch == 0 && $0.message.update.events == [event(10, 1)]
            })
        bench.acknowledge(id, from: 3)
        bench.acknowledge(id, from: 4)
        #expect(bench.takeReplies().isEmpty)
        bench.acknowledge(id, from: 2)
        let reply = WrittenReply(
            object: object([event(10, 1)]), writerKnows: Knowledge(context: CausalContext(dots: [event(10, 1)])),
            dot: event(10, 1), discarded: [])
        #expect(bench.takeReplies() == [token: .written(reply)])
        bench.acknowledge(id, from: 2)
        #expect(bench.takeReplies().isEmpty)
        #expect(bench.coordinator.requestsUnderWay == 0)
    }

    @Test func anAnswerOfAnotherExchangeDoesNotCount() throws {
        var bench = CoordinatorBench(threeVoters)
        bench.ask(put())
        let id = try bench.accept()
        bench.acknowledge(id + 1, from: 2)
        bench.acknowledge(id, from: 9)
        bench.hinted(id, from: 2)
        #expect(bench.takeReplies().isEmpty)
    }

    @Test func whatLastWriteWinsDropsIsReported() throws {
        var bench = CoordinatorBench(view([member(1)]))
        let token = bench.ask(put(RequestQuorums(n: 1, w: 1), .lastWriteWins))
        let lost = object([event(20, 1)]).versions
        try bench.accept(outcome: .applied(replaced: [], discarded: lost))
        guard case .written(let reply)? = bench.takeReplies()[token] else {
            Issue.record("not written")
            return
        }
        #expect(reply.discarded == lost)
    }

    @Test func aRefusedWriteIsAnsweredAtOnceAndNotReplicated() throws {
        var bench = CoordinatorBench(threeVoters)
        let token = bench.ask(put(RequestQuorums(), .immutable))
        try bench.accept(outcome: .refused(.exists))
        #expect(bench.takeReplies() == [token: .refused(.exists)])
        #expect(bench.takeSent().isEmpty)
    }

    @Test func whatNeededNoChangeIsReplicatedAllTheSame() throws {
        var bench = CoordinatorBench(threeVoters)
        let token = bench.ask(put(RequestQuorums(w: 3, isSloppy: false), .immutable))
        let id = try bench.accept(outcome: .unchanged)
        #expect(bench.takeReplicates().map(\.to) == [2, 3])
        bench.give(.reachable(n(2), false))
        // Nothing was minted, so nothing can have happened.
        #expect(
            bench.takeReplies()
                == [token: .unavailable(.unsatisfied(.w, required: 3, got: 1), mayHaveHappened: false)])
        bench.acknowledge(id, from: 3)
        #expect(bench.takeReplies().isEmpty)
    }

    @Test func aNodeThatIsFarAheadCoordinatesNoLastWriteWinsWrites() throws {
        var bench = CoordinatorBench(threeVoters)
        bench.give(.clockAhead(milliseconds: 700))
        let refusal = ClientReply.unavailable(.clockAhead(milliseconds: 700), mayHaveHappened: false)
        let token = bench.ask(put(RequestQuorums(w: 1), .lastWriteWins))
        #expect(bench.takeReplies() == [token: refusal])
        bench.give(
            .message(.forward(ForwardedRequest(id: 9, request: put(RequestQuorums(w: 1), .lastWriteWins))), from: n(4)))
        #expect(bench.takeSent().map(\.message) == [.forwarded(ForwardedReply(id: 9, reply: refusal))])
        bench.ask(put(RequestQuorums(w: 1)))
        try bench.accept()
        bench.give(.clockAhead(milliseconds: nil))
        bench.ask(put(RequestQuorums(w: 1), .lastWriteWins))
        try bench.accept()
    }

    // MARK: Members that do not acknowledge

    @Test func aRefusalIsAskedOnceMore() throws {
        var bench = CoordinatorBench(threeVoters)
        let token = bench.ask(put(RequestQuorums(w: 3, isSloppy: false)))
        let id = try bench.accept()
        _ = bench.takeSent()
        bench.acknowledge(id, from: 2)
        bench.acknowledge(id, from: 3, .storage)
        #expect(bench.takeReplies().isEmpty)
        bench.wake(after: Limits.retryMilliseconds)
        #expect(bench.takeReplicates().map(\.to) == [3])
        bench.acknowledge(id, from: 3, .storage)
        #expect(
            bench.takeReplies()
                == [token: .unavailable(.unsatisfied(.w, required: 3, got: 2), mayHaveHappened: true)])
    }

    @Test func aSecondTryCanSucceed() throws {
        var bench = CoordinatorBench(threeVoters)
        let token = bench.ask(put(RequestQuorums(w: 3, isSloppy: false)))
        let id = try bench.accept()
        bench.acknowledge(id, from: 2)
        bench.acknowledge(id, from: 3, .overload)
        bench.wake(after: Limits.retryMilliseconds)
        bench.acknowledge(id, from: 3)
        #expect(bench.takeReplies()[token]?.isWritten == true)
    }

    @Test func silenceIsNotFailureAndEndsWithATimeout() throws {
        var bench = CoordinatorBench(threeVoters)
        let token = bench.ask(put(RequestQuorums(w: 2, isSloppy: false), timeout: 10_000))
        let id = try bench.accept()
        _ = bench.takeSent()
        var tries = 0
        for _ in 0..<99 {
            bench.wake(after: 100)
            tries += bench.takeReplicates().count { $0.to == 2 }
        }
        #expect(tries == 6)
        #expect(bench.takeReplies().isEmpty)
        bench.wake(after: 100)
        #expect(bench.takeReplies() == [token: .unavailable(.timeout, mayHaveHappened: true)])
        bench.acknowledge(id, from: 2)
        #expect(bench.takeReplies().isEmpty)
        #expect(bench.coordinator.requestsUnderWay == 0)
    }

    @Test(arguments: [ReplicaRefusal.notAMember, .actorClosing])
    func someRefusalsAreFinal(refusal: ReplicaRefusal) throws {
        var bench = CoordinatorBench(threeVoters)
        let token = bench.ask(put(RequestQuorums(w: 3, isSloppy: false)))
        let id = try bench.accept()
        bench.acknowledge(id, from: 2, refusal)
        #expect(
            bench.takeReplies()
                == [token: .unavailable(.unsatisfied(.w, required: 3, got: 1), mayHaveHappened: true)])
    }

    // MARK: Stand-ins

    /// What has been entered into the conflict log goes wherever the write goes, so that it is on as many disks.
    @Test func recordsGoWithTheWriteAndWithItsHints() throws {
        var bench = CoordinatorBench(threeVoters, fallbacks: [1, 2, 3, 4])
        bench.give(.reachable(n(2), false))
        bench.ask(put())
        let (id, request) = try #require(bench.takeWrites().first)
        var write = bench.decided(1, request)
        write.records = [ObjectUpdate(address: [9], object: object([event(10, 2)]), events: [event(10, 2)])]
        bench.give(.written(id: id, .success(write)))
        var told: [UInt32: [ObjectUpdate]] = [:]
        for (message, node) in bench.takeSent() {
            switch message {
            case .replicate(let message): told[node] = message.records
            case .hint(let hint): told[node] = hint.records
            default: Issue.record("\(message)")
            }
        }
        #expect(told == [3: write.records, 4: write.records])
    }

    private func hints(_ bench: inout CoordinatorBench) -> [[UInt32]] {
        bench.takeSent().compactMap { sent in
            guard case .hint(let hint) = sent.message else { return nil }
            return [hint.target.rawValue, sent.to]
        }
    }

    @Test func aFallbackStandsInForAMemberThatCannotBeReached() throws {
        var bench = CoordinatorBench(threeVoters, fallbacks: [4, 5])
        bench.give(.reachable(n(2), false))
        bench.give(.reachable(n(4), false))
        let token = bench.ask(put(RequestQuorums(w: 3)))
        let id = try bench.accept()
        #expect(hints(&bench) == [[2, 5]])
        bench.acknowledge(id, from: 3)
        #expect(bench.takeReplies().isEmpty)
        bench.hinted(id, from: 5)
        #expect(bench.takeReplies()[token]?.isWritten == true)
    }

    @Test func aFallbackDoesNotCountAsAMember() throws {
        var bench = CoordinatorBench(threeVoters, fallbacks: [4, 5])
        let token = bench.ask(put(RequestQuorums(w: 2, pw: 2)))
        let id = try bench.accept()
        bench.give(.reachable(n(2), false))
        bench.hinted(id, from: 4)
        #expect(bench.takeReplies().isEmpty)
        bench.give(.reachable(n(3), false))
        #expect(
            bench.takeReplies()
                == [token: .unavailable(.unsatisfied(.pw, required: 2, got: 1), mayHaveHappened: true)])
    }

    @Test func theNextFallbackIsAskedIfOneRefusesOrIsSilent() throws {
        var bench = CoordinatorBench(threeVoters, fallbacks: [4, 5, 6])
        bench.give(.reachable(n(2), false))
        bench.ask(put(RequestQuorums(w: 3)))
        let id = try bench.accept()
        #expect(hints(&bench) == [[2, 4]])
        bench.hinted(id, from: 4, .overload)
        #expect(hints(&bench) == [[2, 5]])
        bench.wake(after: Limits.retryMilliseconds)
        #expect(hints(&bench) == [[2, 6]])
        bench.acknowledge(id, from: 3)
        // Late, and none the less durable.
        bench.hinted(id, from: 5)
        #expect(bench.takeReplies()[1]?.isWritten == true)
    }

    @Test func aMemberThatIsSilentTwiceGetsAStandIn() throws {
        var bench = CoordinatorBench(threeVoters, fallbacks: [4, 5, 6])
        bench.ask(put(RequestQuorums(w: 2)))
        try bench.accept()
        _ = bench.takeSent()
        bench.wake(after: Limits.retryMilliseconds)
        #expect(hints(&bench).isEmpty)
        bench.wake(after: Limits.retryMilliseconds)
        #expect(hints(&bench) == [[2, 4], [3, 5]])
    }

    @Test func aMemberDoesNotStandInForAnother() throws {
        var bench = CoordinatorBench(threeVoters, fallbacks: [3, 4])
        bench.give(.reachable(n(2), false))
        bench.ask(put(RequestQuorums(w: 2)))
        try bench.accept()
        #expect(hints(&bench) == [[2, 4]])
    }

    @Test func withoutSloppyQuorumNobodyStandsIn() throws {
        var bench = CoordinatorBench(threeVoters, fallbacks: [4, 5])
        bench.give(.reachable(n(2), false))
        bench.ask(put(RequestQuorums(w: 2, isSloppy: false)))
        try bench.accept()
        #expect(hints(&bench).isEmpty)
    }

    // MARK: Known beforehand

    @Test func aWriteThatCannotBeAcknowledgedIsNotBegun() {
        var bench = CoordinatorBench(threeVoters)
        bench.give(.reachable(n(2), false))
        bench.give(.reachable(n(3), false))
        let members = bench.ask(put(RequestQuorums(w: 1, pw: 2)))
        let any = bench.ask(put(RequestQuorums(w: 2)))
        #expect(
            bench.takeReplies() == [
                members: .unavailable(.unsatisfied(.pw, required: 2, got: 1), mayHaveHappened: false),
                any: .unavailable(.unsatisfied(.w, required: 2, got: 1), mayHaveHappened: false),
            ])
        #expect(bench.takeWrites().isEmpty)
        bench.give(.reachable(n(3), true))
        bench.ask(put(RequestQuorums(w: 2)))
        #expect(bench.takeWrites().count == 1)
    }

    // MARK: Time

    @Test func aWriteThatIsDecidedTooLateIsReplicatedAllTheSame() throws {
        var bench = CoordinatorBench(threeVoters)
        let token = bench.ask(put(timeout: 100, id: ClientRequestID(client: 1, number: 1)))
        bench.wake(after: 100)
        #expect(bench.takeReplies() == [token: .unavailable(.timeout, mayHaveHappened: true)])
        try bench.accept()
        #expect(bench.takeReplicates().map(\.to) == [2, 3])
        #expect(bench.coordinator.requestsUnderWay == 0)
        // Remembered: the retry is not another write.
        bench.ask(put(id: ClientRequestID(client: 1, number: 1)))
        #expect(bench.takeWrites().isEmpty)
        #expect(bench.takeReplicates().map(\.to) == [2, 3])
    }

    // MARK: Changes of members

    @Test func goesOnWithTheMembersOfANewView() throws {
        var bench = CoordinatorBench(threeVoters)
        let token = bench.ask(put(RequestQuorums(w: 2)))
        let id = try bench.accept()
        _ = bench.takeSent()
        bench.acknowledge(id, from: 2, .staleEpoch)
        #expect(bench.takeReplies().isEmpty)
        bench.give(.view(view([member(1), member(2), member(4)], epoch: 2), fallbacks: []))
        let sent = bench.takeReplicates()
        #expect(sent.map(\.to) == [2, 4])
        #expect(sent.map(\.message.epoch) == [2, 2])
        let next = try #require(sent.first).message.id
        // What answers the old question says nothing about the new one.
        bench.acknowledge(id, from: 4)
        bench.acknowledge(next, from: 3)
        #expect(bench.takeReplies().isEmpty)
        bench.acknowledge(next, from: 4)
        #expect(bench.takeReplies()[token]?.isWritten == true)
    }

    @Test func anAcknowledgementOfALostIncarnationIsLost() throws {
        var bench = CoordinatorBench(threeVoters)
        bench.ask(put(RequestQuorums(w: 3)))
        let id = try bench.accept()
        bench.acknowledge(id, from: 2)
        _ = bench.takeSent()
        bench.give(.view(view([member(1), member(2, actor: 21), member(3)], epoch: 2), fallbacks: []))
        let sent = bench.takeReplicates()
        #expect(sent.map(\.to) == [2, 3])
        bench.acknowledge(try #require(sent.first).message.id, from: 3)
        #expect(bench.takeReplies().isEmpty)
        bench.acknowledge(try #require(sent.first).message.id, from: 2)
        #expect(bench.takeReplies()[1]?.isWritten == true)
    }

    @Test func aNewIncarnationOfTheOwnReplicaHasLostTheWrite() throws {
        var bench = CoordinatorBench(threeVoters)
        let token = bench.ask(put(RequestQuorums(w: 3, isSloppy: false)))
        try bench.accept()
        bench.give(.view(view([member(1, actor: 11), member(2), member(3)], epoch: 2), fallbacks: []))
        #expect(
            bench.takeReplies()
                == [token: .unavailable(.unsatisfied(.w, required: 3, got: 0), mayHaveHappened: true)])
    }

    @Test func anOlderViewIsIgnored() throws {
        var bench = CoordinatorBench(view([member(1), member(2), member(3)], epoch: 5))
        bench.give(.view(view([member(1), member(8), member(9)], epoch: 4), fallbacks: []))
        bench.ask(put())
        try bench.accept()
        #expect(bench.takeReplicates().map(\.to) == [2, 3])
    }

    @Test func aChangeUnderWayNeedsBothSides() throws {
        var bench = CoordinatorBench(view([member(1), member(2), member(3, .outgoing), member(4, .incoming)]))
        bench.ask(put(RequestQuorums(w: 2)))
        let id = try bench.accept()
        #expect(bench.takeReplicates().map(\.to) == [2, 3, 4])
        bench.acknowledge(id, from: 3)
        #expect(bench.takeReplies().isEmpty)
        bench.acknowledge(id, from: 4)
        #expect(bench.takeReplies()[1]?.isWritten == true)
    }
}
