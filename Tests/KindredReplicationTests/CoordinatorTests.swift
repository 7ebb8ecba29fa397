import KindredModel
import KindredReplication
import Testing

/// Routing, forwarding, repetition, and the bounds. Writes, reads and leaders have suites of their own.
@Suite struct CoordinatorTests {
    private let name = ClientRequestID(client: 5, number: 1)

    // MARK: Refused at once

    @Test func refusesWithoutAView() {
        var bench = CoordinatorBench()
        let token = bench.ask(put())
        #expect(bench.takeReplies() == [token: .unavailable(.noCoordinator, mayHaveHappened: false)])
    }

    @Test func refusesAWriteForMoreReplicasThanThereAre() {
        let asked: [(RequestQuorums, UInt8)] = [
            (RequestQuorums(n: 4), 3), (RequestQuorums(n: 2, w: 3), 2), (RequestQuorums(n: 2, pw: 3), 2),
            (RequestQuorums(n: 2, dw: 3), 2),
        ]
        for (quorums, places) in asked {
            var bench = CoordinatorBench(threeVoters)
            let token = bench.ask(put(quorums))
            #expect(bench.takeReplies() == [token: .unavailable(.tooManyAskedFor(n: places), mayHaveHappened: false)])
            #expect(bench.takeWrites().isEmpty)
        }
    }

    @Test func refusesAReadOfMoreReplicasThanThereAre() {
        let asked: [(RequestQuorums, UInt8)] = [
            (RequestQuorums(n: 2, r: 3), 2), (RequestQuorums(n: 2, pr: 3), 2), (RequestQuorums(n: 4), 3),
        ]
        for (quorums, places) in asked {
            var bench = CoordinatorBench(threeVoters)
            let token = bench.ask(get(quorums))
            #expect(bench.takeReplies() == [token: .unavailable(.tooManyAskedFor(n: places), mayHaveHappened: false)])
            #expect(bench.takeSent().isEmpty)
        }
    }

    @Test func refusesMoreRequestsThanTheLimit() throws {
        var bench = CoordinatorBench(limit: 2, threeVoters)
        bench.ask(put())
        bench.ask(get())
        let third = bench.ask(get())
        #expect(bench.takeReplies() == [third: .unavailable(.overload, mayHaveHappened: false)])
        let id = try bench.accept()
        bench.acknowledge(id, from: 2)
        #expect(bench.takeReplies()[1]?.isWritten == true)
        let fourth = bench.ask(get())
        #expect(bench.takeReplies()[fourth] == nil)
    }

    // MARK: Forwarding

    private func forwarded(_ bench: inout CoordinatorBench) -> [(request: ForwardedRequest, to: UInt32)] {
        bench.takeSent().compactMap { sent in
            guard case .forward(let request) = sent.message else { return nil }
            return (request, sent.to)
        }
    }

    private func reply(_ bench: inout CoordinatorBench, _ id: UInt64, from node: UInt32, _ reply: ClientReply) {
        bench.give(.message(.forwarded(ForwardedReply(id: id, reply: reply)), from: n(node)))
    }

    private let written = ClientReply.written(
        WrittenReply(object: object([event(20, 1)]), writerKnows: .nothing, dot: event(20, 1), discarded: []))

    @Test func aNodeWithoutAReplicaForwardsWritesAndPassesTheAnswerOn() throws {
        var bench = CoordinatorBench(node: 9, threeVoters)
        let token = bench.ask(put())
        let sent = forwarded(&bench)
        #expect(sent.map(\.to) == [1])
        #expect(sent.first?.request.request == put())
        let id = try #require(sent.first?.request.id)
        reply(&bench, id, from: 2, written)
        #expect(bench.takeReplies().isEmpty)
        reply(&bench, id, from: 1, written)
        reply(&bench, id, from: 1, written)
        #expect(bench.takeReplies() == [token: written])
    }

    @Test func forwardsToVotersThatCanBeReachedAndThenToLearners() throws {
        var bench = CoordinatorBench(
            node: 9, view([member(1), member(2, .learner), member(3, .incoming), member(4, .draining)]))
        bench.give(.reachable(n(1), false))
        let token = bench.ask(put(RequestQuorums(n: 2, w: 1)))
        var sent = forwarded(&bench)
        #expect(sent.map(\.to) == [3])
        let id = try #require(sent.first?.request.id)
        reply(&bench, id, from: 3, .unavailable(.storage, mayHaveHappened: false))
        sent = forwarded(&bench)
        #expect(sent.map(\.to) == [2])
        reply(&bench, id, from: 2, .unavailable(.overload, mayHaveHappened: false))
        #expect(bench.takeReplies() == [token: .unavailable(.storage, mayHaveHappened: false)])
    }

    @Test func doesNotForwardAgainWhatMayHaveHappened() throws {
        var bench = CoordinatorBench(node: 9, threeVoters)
        let token = bench.ask(put())
        let id = try #require(forwarded(&bench).first?.request.id)
        let unknown = ClientReply.unavailable(.unsatisfied(.w, required: 2, got: 1), mayHaveHappened: true)
        reply(&bench, id, from: 1, unknown)
        #expect(forwarded(&bench).isEmpty)
        #expect(bench.takeReplies() == [token: unknown])
    }

    @Test func repeatsASilentForwardOnlyIfTheClientHasNamedItsWrite() {
        var bench = CoordinatorBench(node: 9, threeVoters)
        bench.ask(put())
        _ = forwarded(&bench)
        bench.wake(after: Limits.retryMilliseconds)
        #expect(forwarded(&bench).isEmpty)
        bench.ask(put(id: name))
        _ = forwarded(&bench)
        bench.wake(after: Limits.retryMilliseconds)
        let repeated = forwarded(&bench)
        #expect(repeated.map(\.to) == [1])
        #expect(repeated.first?.request.request.timeout == 60_000 - Limits.retryMilliseconds)
    }

    @Test func aForwardedWriteThatIsNotAnsweredMayHaveHappened() {
        var bench = CoordinatorBench(node: 9, threeVoters)
        let first = bench.ask(put(timeout: 1_000))
        bench.wake(after: 1_000)
        #expect(bench.takeReplies() == [first: .unavailable(.timeout, mayHaveHappened: true)])
        let second = bench.ask(put())
        bench.give(.reachable(n(1), false))
        #expect(bench.takeReplies() == [second: .unavailable(.noCoordinator, mayHaveHappened: true)])
    }

    @Test func aWriteThatTheOwnReplicaRefusesGoesToAnother() throws {
        var bench = CoordinatorBench(threeVoters)
        bench.ask(put())
        let (id, request) = try #require(bench.takeWrites().first)
        bench.give(.written(id: id, .failure(.notReady)))
        let sent = forwarded(&bench)
        #expect(sent.map(\.to) == [2])
        #expect(sent.first?.request.request == request)
        #expect(bench.takeReplies().isEmpty)
        // It has begun anew under another id, and still ends in time.
        bench.wake(after: 60_000)
        #expect(bench.takeReplies() == [1: .unavailable(.timeout, mayHaveHappened: true)])
    }

    @Test func aLearnerCoordinatesOnlyIfNobodyElseCan() {
        var bench = CoordinatorBench(view([member(1, .learner), member(2), member(3)]))
        bench.ask(put(RequestQuorums(w: 1)))
        #expect(forwarded(&bench).map(\.to) == [2])
        bench.give(.reachable(n(2), false))
        bench.give(.reachable(n(3), false))
        #expect(bench.takeWrites().isEmpty)
        let token = bench.ask(put(RequestQuorums(w: 1)))
        // Its own acknowledgement counts for nothing, so without a stand-in it need not begin.
        #expect(
            bench.takeReplies()[token]
                == .unavailable(.unsatisfied(.w, required: 1, got: 0), mayHaveHappened: false))
        bench.give(.view(view([member(1, .learner), member(2), member(3)], epoch: 2), fallbacks: [n(7)]))
        bench.ask(put(RequestQuorums(w: 1)))
        #expect(bench.takeWrites().count == 1)
    }

    // MARK: Being forwarded to

    private func forward(_ bench: inout CoordinatorBench, _ request: ClientRequest, id: UInt64) {
        bench.give(.message(.forward(ForwardedRequest(id: id, request: request)), from: n(9)))
    }

    @Test func coordinatesForAnotherNodeAndAnswersIt() throws {
        var bench = CoordinatorBench(threeVoters)
        forward(&bench, put(), id: 77)
        let id = try bench.accept()
        bench.acknowledge(id, from: 3)
        let answers = bench.takeSent().filter { $0.to == 9 }
        #expect(answers.count == 1)
        guard case .forwarded(let reply) = try #require(answers.first).message else {
            Issue.record("not an answer")
            return
        }
        #expect(reply.id == 77)
        #expect(reply.reply.isWritten)
    }

    @Test func neverForwardsWhatWasForwarded() throws {
        var bench = CoordinatorBench(threeVoters)
        forward(&bench, put(), id: 77)
        let (id, _) = try #require(bench.takeWrites().first)
        bench.give(.written(id: id, .failure(.storage)))
        var outsider = CoordinatorBench(node: 8, threeVoters)
        forward(&outsider, put(), id: 78)
        for (sent, reason) in [(bench.takeSent(), Unavailability.storage), (outsider.takeSent(), .noCoordinator)] {
            #expect(sent.map(\.to) == [9])
            guard case .forwarded(let reply)? = sent.first?.message else {
                Issue.record("not an answer")
                continue
            }
            #expect(reply.reply == .unavailable(reason, mayHaveHappened: false))
        }
    }

    @Test func nodesThatForwardToEachOtherDoNotWaitForEachOther() throws {
        var bench = CoordinatorBench(threeVoters)
        bench.ask(put(id: name))
        let (id, _) = try #require(bench.takeWrites().first)
        bench.give(.written(id: id, .failure(.notReady)))
        #expect(forwarded(&bench).map(\.to) == [2])
        forward(&bench, put(id: name), id: 77)
        let sent = bench.takeSent()
        #expect(sent.map(\.to) == [9])
        let refusal = ClientReply.unavailable(.noCoordinator, mayHaveHappened: false)
        #expect(sent.first?.message == .forwarded(ForwardedReply(id: 77, reply: refusal)))
    }

    @Test func aForwardThatWasRefusedIsNotWrittenWhenItComesTwice() {
        var bench = CoordinatorBench(node: 8, threeVoters)
        forward(&bench, put(), id: 77)
        let first = bench.takeSent()
        bench.give(.view(view([member(8), member(1), member(2)], epoch: 2), fallbacks: []))
        forward(&bench, put(), id: 77)
        #expect(bench.takeWrites().isEmpty)
        #expect(bench.takeSent().map(\.message) == first.map(\.message))
    }

    @Test func aForwardThatComesTwiceIsWrittenOnce() throws {
        var bench = CoordinatorBench(threeVoters)
        forward(&bench, put(), id: 77)
        forward(&bench, put(), id: 77)
        #expect(bench.takeWrites().count == 1)
        // The same for one that has been refused: it must not be written after its sender was told that it was not.
        var refusing = CoordinatorBench(threeVoters)
        forward(&refusing, put(), id: 77)
        let (id, request) = try #require(refusing.takeWrites().first)
        let refusal = refusing.decided(1, request, outcome: .refused(.exists))
        refusing.give(.written(id: id, .success(refusal)))
        _ = refusing.takeSent()
        forward(&refusing, put(), id: 77)
        #expect(refusing.takeWrites().isEmpty)
        #expect(refusing.takeSent().count == 1)
    }

    // MARK: Writes that come again

    @Test func aRetryIsReplicatedAgainAndAnsweredAlike() throws {
        var bench = CoordinatorBench(threeVoters)
        let first = bench.ask(put(id: name))
        let id = try bench.accept()
        bench.acknowledge(id, from: 2)
        let answer = bench.takeReplies()[first]
        _ = bench.takeSent()
        let second = bench.ask(put(id: name))
        #expect(bench.takeWrites().isEmpty)
        let again = bench.takeReplicates()
        #expect(again.map(\.to) == [2, 3])
        #expect(bench.takeReplies().isEmpty)
        bench.acknowledge(try #require(again.first).message.id, from: 3)
        #expect(bench.takeReplies() == [second: try #require(answer)])
    }

    @Test func aRetryWaitsWithTheFirst() throws {
        var bench = CoordinatorBench(threeVoters)
        let first = bench.ask(put(timeout: 1_000, id: name))
        bench.now += 500
        let second = bench.ask(put(timeout: 1_000, id: name))
        let id = try bench.accept()
        bench.wake(after: 500)
        #expect(bench.takeReplies() == [first: .unavailable(.timeout, mayHaveHappened: true)])
        bench.acknowledge(id, from: 2)
        #expect(bench.takeReplies()[second]?.isWritten == true)
    }

    @Test func anIDThatIsUsedForAnotherKeyIsAnotherWrite() throws {
        var bench = CoordinatorBench(threeVoters)
        bench.ask(put(id: name))
        var other = put(id: name)
        other.address = [8]
        bench.ask(other)
        #expect(bench.takeWrites().count == 2)
    }

    @Test func aWriteThatWasNotMintedIsTriedAnewByARetry() throws {
        var bench = CoordinatorBench(view([member(1)]))
        bench.ask(put(RequestQuorums(n: 1, w: 1), id: name))
        let (id, _) = try #require(bench.takeWrites().first)
        bench.give(.written(id: id, .failure(.storage)))
        #expect(bench.takeReplies() == [1: .unavailable(.storage, mayHaveHappened: false)])
        bench.ask(put(RequestQuorums(n: 1, w: 1), id: name))
        #expect(bench.takeWrites().count == 1)
    }

    @Test func forgetsTheOldestWrites() throws {
        var bench = CoordinatorBench(view([member(1)]))
        for number in 0...UInt64(Limits.rememberedRequests) {
            bench.ask(put(RequestQuorums(n: 1, w: 1), id: ClientRequestID(client: 1, number: number)))
            try bench.accept(number + 1)
            bench.effects = []
        }
        bench.ask(put(RequestQuorums(n: 1, w: 1), id: ClientRequestID(client: 1, number: 1)))
        #expect(bench.takeWrites().isEmpty)
        bench.ask(put(RequestQuorums(n: 1, w: 1), id: ClientRequestID(client: 1, number: 0)))
        #expect(bench.takeWrites().count == 1)
    }

    @Test func theBytesOfRememberedWritesAreBounded() throws {
        var bench = CoordinatorBench(view([member(1)]))
        let content = [UInt8](repeating: 0, count: Limits.rememberedBytes / 8)[...]
        func ask(_ number: UInt64) {
            bench.ask(put(RequestQuorums(n: 1, w: 1), id: ClientRequestID(client: 1, number: number)))
        }
        for number: UInt64 in 1...8 {
            ask(number)
            let (id, request) = try #require(bench.takeWrites().first)
            var write = bench.decided(number, request)
            let version = Version(dot: event(10, number), timestamp: .zero, content: content)
            write.object = CausalObject(versions: [version], context: CausalContext())
            write.update.object = write.object
            bench.give(.written(id: id, .success(write)))
        }
        // A write counts with both of its objects, so fewer than four fit.
        ask(6)
        #expect(bench.takeWrites().isEmpty)
        ask(5)
        #expect(bench.takeWrites().count == 1)
    }

    @Test func theRecordsOfRememberedWritesCount() throws {
        var bench = CoordinatorBench(view([member(1)]))
        let lost = [UInt8](repeating: 0, count: Limits.rememberedBytes / 8)[...]
        for number: UInt64 in 1...9 {
            bench.ask(put(RequestQuorums(n: 1, w: 1), id: ClientRequestID(client: 1, number: number)))
            let (id, request) = try #require(bench.takeWrites().first)
            var write = bench.decided(number, request)
            let record = Version(dot: event(10, number + 100), timestamp: .zero, content: lost)
            write.records = [
                ObjectUpdate(
                    address: [0], object: CausalObject(versions: [record], context: CausalContext()),
                    events: [record.dot])
            ]
            bench.give(.written(id: id, .success(write)))
        }
        bench.ask(put(RequestQuorums(n: 1, w: 1), id: ClientRequestID(client: 1, number: 9)))
        #expect(bench.takeWrites().isEmpty)
        bench.ask(put(RequestQuorums(n: 1, w: 1), id: ClientRequestID(client: 1, number: 1)))
        #expect(bench.takeWrites().count == 1)
    }

    @Test func whatARememberedWriteHasReplacedIsNotKept() throws {
        var bench = CoordinatorBench(view([member(1)]))
        let request = put(RequestQuorums(n: 1, w: 1), id: name)
        let first = bench.ask(request)
        let gone = Version(dot: event(10, 1), timestamp: .zero, content: [1])
        try bench.accept(2, outcome: .applied(replaced: [], discarded: [gone]))
        let second = bench.ask(request)
        var replies = bench.takeReplies()
        guard case .written(var one) = replies.removeValue(forKey: first),
            case .written(let two) = replies.removeValue(forKey: second)
        else { throw MalformedBytes("not written") }
        #expect(one.discarded == [gone] && two.discarded.isEmpty)
        one.discarded = []
        #expect(one == two)
    }

    // MARK: Time

    @Test func asksToBeWokenAtTheEarliestDeadline() {
        var bench = CoordinatorBench(view([member(1)]))
        bench.ask(put(RequestQuorums(n: 1, w: 1), timeout: 500))
        bench.ask(put(RequestQuorums(n: 1, w: 1), timeout: 700))
        bench.ask(put(RequestQuorums(n: 1, w: 1), timeout: 300))
        func wakes() -> [UInt64] {
            bench.effects.compactMap { effect in
                if case .wake(let time) = effect { time } else { nil }
            }
        }
        #expect(wakes() == [1_500, 1_300])
        bench.effects = []
        bench.wake(after: 300)
        #expect(wakes() == [1_500])
        #expect(bench.takeReplies() == [3: .unavailable(.timeout, mayHaveHappened: true)])
    }

    @Test func deadlinesOfFinishedRequestsAreSweptOut() throws {
        var bench = CoordinatorBench(view([member(1)]))
        let waiting = bench.ask(put(RequestQuorums(n: 1, w: 1), timeout: 1_000))
        let later = bench.ask(put(RequestQuorums(n: 1, w: 1), timeout: 2_000))
        _ = bench.takeWrites()
        for counter: UInt64 in 1...3_000 {
            bench.ask(put(RequestQuorums(n: 1, w: 1), timeout: 5_000 - counter))
            try bench.accept(counter)
            bench.effects = []
        }
        bench.wake(after: 1_000)
        #expect(bench.takeReplies() == [waiting: .unavailable(.timeout, mayHaveHappened: true)])
        bench.wake(after: 1_000)
        #expect(bench.takeReplies() == [later: .unavailable(.timeout, mayHaveHappened: true)])
    }

    @Test func idsDifferBetweenGenerations() throws {
        var ids: [UInt64] = []
        for generation: UInt64 in [1, 2] {
            var coordinator = Coordinator(node: n(1), generation: generation)
            var effects: [CoordinatorEffect] = []
            coordinator.handle(.view(threeVoters, fallbacks: []), now: 0, into: &effects)
            coordinator.handle(.client(put(), token: 1), now: 0, into: &effects)
            for case .write(let id, _) in effects { ids.append(id) }
        }
        #expect(ids == [1 << 40 | 1, 2 << 40 | 1])
    }
}
