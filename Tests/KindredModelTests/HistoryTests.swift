import KindredModel
import KindredTesting
import Testing

/// Short histories that a stranger can follow, each the reason for a rule.
///
/// Clients talk to replicas and remember the answers; replicas send each other what they know of the one key. Actors 1, 2, 3 are the
/// replicas' names.
@Suite struct HistoryTests {
    private let key = 0

    private func replica(_ actor: UInt32, _ strategy: ConflictStrategy) -> ModelReplica {
        ModelReplica(actor: ActorID(actor), strategy: strategy)
    }

    /// Puts a text, and answers what its writer knows then.
    @discardableResult
    private func put(
        _ text: String, at replica: inout ModelReplica, seen: Knowledge? = nil, wall: UInt64 = 100, key: Int = 0
    ) throws -> Knowledge {
        try replica.write(ClientWrite(content: content(text), seen: seen), key: key, wall: wall).knowledge
    }

    @discardableResult
    private func delete(at replica: inout ModelReplica, seen: Knowledge? = nil, wall: UInt64 = 100) throws -> Knowledge
    {
        try replica.write(ClientWrite(content: nil, seen: seen), key: key, wall: wall).knowledge
    }

    private func read(_ replica: ModelReplica) throws -> Knowledge {
        let object = try replica.object(key)
        return Knowledge(
            context: object.context, timestamp: object.latestTimestamp, number: object.latestNumber)
    }

    private func shown(_ replica: ModelReplica) throws -> [String?] {
        texts(replica.strategy.visibleVersions(of: try replica.object(key)))
    }

    private func send(from sender: ModelReplica, to receiver: inout ModelReplica) throws {
        let divergences = try receiver.receive(try sender.message(about: key), wall: 100)
        #expect(divergences.isEmpty)
    }

    private func exchange(_ left: inout ModelReplica, _ right: inout ModelReplica) throws {
        try send(from: left, to: &right)
        try send(from: right, to: &left)
    }

    // MARK: Last write wins

    /// A writes "apple" at 100, B writes "banana" at 105, at two replicas, which hear of the two writes in opposite orders.
    @Test("last write wins: apple at 100, banana at 105, and every order ends in banana")
    func lastWriteWins() throws {
        var first = replica(1, .lastWriteWins)
        var second = replica(2, .lastWriteWins)
        try put("apple", at: &first, wall: 100)
        try put("banana", at: &second, wall: 105)
        let apple = try first.message(about: key)
        let banana = try second.message(about: key)
        for order in [[apple, banana], [banana, apple], [apple, apple, banana, apple], [banana, apple, banana]] {
            var third = replica(3, .lastWriteWins)
            for message in order { _ = try third.receive(message, wall: 50) }
            #expect(try shown(third) == ["banana"])
        }
        try exchange(&first, &second)
        #expect(try shown(first) == ["banana"])
        #expect(try shown(second) == ["banana"])
        #expect(first.records == second.records)
    }

    @Test("last write wins: the later time stays also when the earlier one is applied second")
    func lastWriteWinsInOneObject() throws {
        let apple = WriteEvent(dot: dot(1, 1), timestamp: HybridTimestamp(milliseconds: 100))
        let banana = WriteEvent(dot: dot(2, 1), timestamp: HybridTimestamp(milliseconds: 105))
        for isAppleFirst in [true, false] {
            var object = CausalObject()
            var discarded: [String?] = []
            for (event, text) in isAppleFirst
                ? [(apple, "apple"), (banana, "banana")] : [(banana, "banana"), (apple, "apple")]
            {
                let write = ClientWrite(content: content(text), seen: nil)
                guard
                    case .applied(let replaced, let lost) = ConflictStrategy.lastWriteWins.apply(
                        write, as: event, to: &object, siblingLimit: 100)
                else {
                    Issue.record("the write of \(text) did not happen")
                    return
                }
                #expect(replaced.isEmpty)
                discarded += texts(lost)
            }
            #expect(texts(object.versions) == ["banana"])
            #expect(discarded == ["apple"], "what is lost is reported")
        }
    }

    /// The second replica's clock is nine seconds slow and it has never heard of the first write; the context carries the time.
    @Test("last write wins: a write that has seen the other wins, though its replica's clock is slow")
    func slowClock() throws {
        var fast = replica(1, .lastWriteWins)
        var slow = replica(2, .lastWriteWins)
        try put("old", at: &fast, wall: 10_000)
        let seen = try read(fast)
        try put("new", at: &slow, seen: seen, wall: 1_000)
        try exchange(&fast, &slow)
        #expect(try shown(fast) == ["new"])
        #expect(try shown(slow) == ["new"])
    }

    @Test("last write wins: a put that is older than a delete stays deleted, in every order of arrival")
    func lateOlderPut() throws {
        var first = replica(1, .lastWriteWins)
        var second = replica(2, .lastWriteWins)
        try put("value", at: &first, wall: 100)
        let value = try first.message(about: key)
        try delete(at: &first, wall: 300)
        let deletion = try first.message(about: key)
        // Nobody who deleted has seen this one, but it is older.
        try put("late", at: &second, wall: 200)
        let late = try second.message(about: key)
        for order in [
            [value, deletion, late], [late, deletion, value], [deletion, late, value], [late, value, deletion],
        ] {
            var third = replica(3, .lastWriteWins)
            for message in order { _ = try third.receive(message, wall: 50) }
            #expect(try shown(third).isEmpty)
            // And it can be written again.
            try put("again", at: &third, wall: 10)
            #expect(try shown(third) == ["again"])
        }
    }

    // MARK: Immutable keys

    @Test("immutable: other content is refused and the first stays, the same content again succeeds")
    func immutable() throws {
        var replica = replica(1, .immutable)
        try put("first", at: &replica)
        let seen = try read(replica)
        for knowledge in [nil, seen] {
            let other = try replica.write(
                ClientWrite(content: content("second"), seen: knowledge), key: key, wall: 200)
            guard case .refused(.exists) = other.outcome else {
                Issue.record("other content: \(other.outcome)")
                return
            }
            let same = try replica.write(ClientWrite(content: content("first"), seen: knowledge), key: key, wall: 200)
            guard case .unchanged = same.outcome else {
                Issue.record("the same content: \(same.outcome)")
                return
            }
        }
        #expect(try shown(replica) == ["first"])
        #expect(replica.counter == 1, "nothing else has happened")
    }

    @Test("immutable: of two first contents at two replicas the earlier is shown and the other is kept as evidence")
    func immutableConflict() throws {
        var first = replica(1, .immutable)
        var second = replica(2, .immutable)
        try put("later", at: &first, wall: 200)
        try put("earlier", at: &second, wall: 100)
        try exchange(&first, &second)
        for replica in [first, second] {
            #expect(try shown(replica) == ["earlier"])
            #expect(texts(try replica.object(key).versions) == ["later", "earlier"])
        }
    }

    // MARK: Version numbers

    /// Kleppmann's shopping cart with two clients at one leader.
    @Test("version numbers: the cart")
    func versionNumbers() throws {
        var leader = replica(1, .versionNumbers)
        func numbers() throws -> [UInt64] { try leader.object(key).versions.map(\.number) }

        try put("milk", at: &leader)
        #expect(try numbers() == [1])
        let readByBoth = try read(leader)
        #expect(readByBoth.number == 1)

        // A writes with what it read.
        let answerA = try put("milk, eggs", at: &leader, seen: readByBoth)
        #expect(answerA.number == 2)
        #expect(try shown(leader) == ["milk, eggs"])

        // B writes with what it read: version 3 stands beside version 2.
        let answerB = try put("milk, bread", at: &leader, seen: readByBoth)
        #expect(answerB.number == 3)
        #expect(try shown(leader) == ["milk, eggs", "milk, bread"])
        #expect(try numbers() == [2, 3])

        // A reads both, merges and writes.
        let readByA = try read(leader)
        #expect(readByA.number == 3)
        let merged = try put("milk, eggs, bread", at: &leader, seen: readByA)
        #expect(merged.number == 4)
        #expect(try shown(leader) == ["milk, eggs, bread"])
        #expect(try numbers() == [4])
    }

    @Test("version numbers: If-Match on a stale number is refused, on the current one it holds")
    func ifMatch() throws {
        var leader = replica(1, .versionNumbers)
        try put("milk", at: &leader)
        try put("milk, eggs", at: &leader, seen: try read(leader))
        let visible = ConflictStrategy.versionNumbers.visibleVersions(of: try leader.object(key))
        var stale = Precondition()
        stale.matches = [.number(1)]
        #expect(stale.failure(for: visible) == .modified)
        var current = Precondition()
        current.matches = [.number(2)]
        #expect(current.failure(for: visible) == nil)
    }

    // MARK: Version vectors

    /// A writes X=1; B sees it and writes X=2; C sees that and writes X=4, while A, which has seen only its own, writes X=3.
    @Test("version vectors: {A:2} and {A:1, B:1, C:1} are concurrent, both stay")
    func versionVectors() throws {
        var a = replica(1, .versionVectors)
        var b = replica(2, .versionVectors)
        var c = replica(3, .versionVectors)

        let afterFirst = try put("1", at: &a)
        #expect(afterFirst.context == CausalContext(vector([1: 1])))
        try send(from: a, to: &b)
        let afterSecond = try put("2", at: &b, seen: try read(b))
        #expect(afterSecond.context == CausalContext(vector([1: 1, 2: 1])))
        #expect(try shown(b) == ["2"])

        try send(from: b, to: &c)
        let afterFourth = try put("4", at: &c, seen: try read(c))
        #expect(afterFourth.context == CausalContext(vector([1: 1, 2: 1, 3: 1])))
        let afterThird = try put("3", at: &a, seen: afterFirst)
        #expect(afterThird.context == CausalContext(vector([1: 2])))
        #expect(afterThird.context.vector.order(relativeTo: afterFourth.context.vector) == .concurrent)
        #expect(afterFirst.context.vector.order(relativeTo: afterFourth.context.vector) == .before)

        try exchange(&a, &c)
        try exchange(&b, &a)
        for replica in [a, b, c] {
            #expect(try shown(replica) == ["3", "4"])
            #expect(try read(replica).context == CausalContext(vector([1: 2, 2: 1, 3: 1])))
        }
        // Whoever reads both and writes leaves one.
        try put("5", at: &b, seen: try read(b))
        try exchange(&b, &c)
        #expect(try shown(c) == ["5"])
    }

    /// Two clients that each write with the context of their own last answer and never read. A server without dots would take every write for
    /// concurrent with the one before, and the siblings would add up.
    @Test("no sibling explosion: two clients, 10,000 writes, never more than two siblings")
    func noSiblingExplosion() throws {
        var replica = replica(1, .versionVectors)
        var clients: [Knowledge?] = [nil, nil]
        for turn in 0..<10_000 {
            clients[turn % 2] = try put("\(turn)", at: &replica, seen: clients[turn % 2])
            let siblings = try shown(replica)
            let expected = turn == 0 ? ["0"] : ["\(turn - 1)", "\(turn)"]
            guard Issue.unless(siblings == expected, "\(siblings) after write \(turn)") else { return }
            let cloud = clients[turn % 2]?.context.cloud.count ?? 0
            guard Issue.unless(cloud <= CausalObject.answeredCloudLimit, "a context of \(cloud) dots") else { return }
        }
    }

    /// Writes to other keys of the partition leave gaps between the writes to this one.
    @Test("no sibling explosion: one client, other keys in between, one value and a short context")
    func noContextExplosion() throws {
        var replica = replica(1, .versionVectors)
        var client: Knowledge?
        for turn in 0..<1_000 {
            client = try put("\(turn)", at: &replica, seen: client)
            try put("other", at: &replica, seen: try read(replica), key: 1)
            guard Issue.unless(try shown(replica) == ["\(turn)"], "after write \(turn)") else { return }
        }
        #expect(client.map { $0.context.cloud.count <= CausalObject.answeredCloudLimit } == true)
    }

    @Test("no sibling explosion: c clients in any order, never more than c siblings", arguments: [1, 3, 5, 8])
    func noSiblingExplosion(clients count: Int) throws {
        for seed in Seeds.upTo(3) {
            var random = SplitMix64(seed: seed)
            var replica = replica(1, .versionVectors)
            var clients: [Knowledge?] = Array(repeating: nil, count: count)
            for turn in 0..<500 {
                let client = random.below(count)
                clients[client] = try put("\(client)", at: &replica, seen: clients[client])
                let siblings = try shown(replica)
                guard
                    Issue.unless(
                        Set(siblings).count == siblings.count && siblings.contains("\(client)"),
                        "seed \(seed): \(siblings) after write \(turn) of \(client)")
                else { return }
            }
            #expect(try shown(replica).count == count)
        }
    }

    // MARK: Contexts with gaps

    /// The second writer has seen its own write and not the first. A vector could only say "both".
    @Test("a context with a gap: writing with one's own answer does not replace what was written in between")
    func gapOfAnotherClient() throws {
        var replica = replica(1, .versionVectors)
        try put("hers", at: &replica)
        let answer = try put("his", at: &replica)
        #expect(answer.context == CausalContext(dots: [dot(1, 2)]))
        #expect(answer.context.vector.isEmpty)
        try put("his again", at: &replica, seen: answer)
        #expect(try shown(replica) == ["hers", "his again"])
    }

    /// The same with a read before: the vector of the read, a gap, and the write.
    @Test("a context with a gap: what was read, and one's own write, but not what came between")
    func gapAfterRead() throws {
        var replica = replica(1, .versionVectors)
        try put("first", at: &replica)
        let seen = try read(replica)
        try put("unseen", at: &replica)
        let answer = try put("mine", at: &replica, seen: seen)
        #expect(answer.context == CausalContext(dots: [dot(1, 1), dot(1, 3)]))
        #expect(answer.context.vector == vector([1: 1]))
        #expect(answer.context.cloud == [dot(1, 3)])
        try put("mine again", at: &replica, seen: answer)
        #expect(try shown(replica) == ["unseen", "mine again"])
    }

    // MARK: Deletes

    @Test("deleted and written again: nothing is left of the delete, and the old value does not come back")
    func deleteAndCreate() throws {
        var first = replica(1, .versionVectors)
        var second = replica(2, .versionVectors)
        try put("old", at: &first)
        try send(from: first, to: &second)
        let old = try first.message(about: key)
        try delete(at: &first, seen: try read(first))
        #expect(try shown(first).isEmpty)
        #expect(first.records.isEmpty, "a delete leaves no tombstone")
        try put("new", at: &first)
        try send(from: first, to: &second)
        #expect(try shown(second) == ["new"])
        // A copy of the old value that was long on its way.
        _ = try first.receive(old, wall: 100)
        _ = try second.receive(old, wall: 100)
        #expect(try shown(first) == ["new"])
        #expect(try shown(second) == ["new"])
    }

    @Test("a delete that arrives before what it deletes wins")
    func deleteOvertakesPut() throws {
        var first = replica(1, .versionVectors)
        var second = replica(2, .versionVectors)
        try put("value", at: &first)
        let value = try first.message(about: key)
        try delete(at: &first)
        try send(from: first, to: &second)
        _ = try second.receive(value, wall: 100)
        #expect(try shown(second).isEmpty)
        #expect(second.records.isEmpty)
    }

    @Test("a delete that races a put removes only what its writer had seen")
    func deleteRacesPut() throws {
        var first = replica(1, .versionVectors)
        var second = replica(2, .versionVectors)
        try put("old", at: &first)
        try send(from: first, to: &second)
        let seen = try read(first)
        try delete(at: &first, seen: seen)
        try put("new", at: &second, seen: seen)
        try exchange(&first, &second)
        #expect(try shown(first) == ["new"])
        #expect(try shown(second) == ["new"])
        // The same at one replica, the put first.
        var third = replica(3, .versionVectors)
        try put("old", at: &third)
        let before = try read(third)
        try put("new", at: &third, seen: before)
        try delete(at: &third, seen: before)
        #expect(try shown(third) == ["new"])
    }

    @Test("the context of an old read, used after a delete, writes one value")
    func oldContextAfterDelete() throws {
        var first = replica(1, .versionVectors)
        var second = replica(2, .versionVectors)
        try put("old", at: &first)
        try send(from: first, to: &second)
        let seen = try read(first)
        try delete(at: &first)
        try put("new", at: &first, seen: seen)
        #expect(try shown(first) == ["new"])
        try send(from: first, to: &second)
        #expect(try shown(second) == ["new"])
    }

    @Test("a delete with a context from elsewhere takes effect where its target has not arrived yet")
    func deleteOfUnknown() throws {
        var first = replica(1, .versionVectors)
        var second = replica(2, .versionVectors)
        try put("value", at: &first)
        try delete(at: &second, seen: try read(first))
        #expect(second.counter == 1, "the delete is an event")
        try exchange(&first, &second)
        #expect(try shown(first).isEmpty)
        #expect(try shown(second).isEmpty)
    }

    @Test("a read of nothing has a context: writing with it replaces nothing that was written meanwhile")
    func contextOfAbsence() throws {
        var replica = replica(1, .versionVectors)
        try put("old", at: &replica)
        try delete(at: &replica)
        let absent = try read(replica)
        #expect(absent.context == CausalContext(vector([1: 2])))
        try put("meanwhile", at: &replica)
        try put("mine", at: &replica, seen: absent)
        #expect(try shown(replica) == ["meanwhile", "mine"])
    }

    /// A value that was deleted at one replica is still at another one; a lost message must not bring it back.
    @Test("replicas that ask each other for what they miss agree on a delete")
    func pull() throws {
        var first = replica(1, .versionVectors)
        var second = replica(2, .versionVectors)
        try put("value", at: &first)
        _ = try second.receive(first.changes(since: second.clock, limit: 10), wall: 100)
        #expect(try shown(second) == ["value"])
        try delete(at: &second)
        _ = try first.receive(second.changes(since: first.clock, limit: 10), wall: 100)
        #expect(try shown(first).isEmpty)
        #expect(first.clock == second.clock)
        #expect(first.records.isEmpty && second.records.isEmpty)
        let nothing = first.changes(since: second.clock, limit: 10)
        #expect(nothing.records.isEmpty && nothing.events.isEmpty)
    }
}
