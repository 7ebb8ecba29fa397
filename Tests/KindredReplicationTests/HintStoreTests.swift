import KindredModel
import KindredReplication
import KindredStorage
import KindredTesting
import Testing

@Suite struct HintStoreTests {
    private let engine = MemoryStorageEngine()
    private let one = NodeID(1)
    private let two = NodeID(2)
    private let none = ClosedActors()

    private func store() -> ObjectStore { ObjectStore(engine: engine, byteLimit: 1 << 20) }

    private func version(_ dot: Dot, _ value: String) -> Version {
        Version(dot: dot, timestamp: HybridTimestamp(rawValue: dot.counter), content: Array(value.utf8)[...])
    }

    /// A write of `dot` by somebody who had seen `seen`.
    private func hint(
        _ key: String, for target: NodeID? = nil, partition: UInt16 = 3, _ dot: Dot, seen: [Dot] = [],
        value: String = "v"
    ) -> Hint {
        let object = CausalObject(versions: [version(dot, value)], context: CausalContext(dots: seen))
        return Hint(
            id: 1, target: target ?? one, partition: partition,
            update: ObjectUpdate(address: Array(key.utf8), object: object, events: (seen + [dot]).sorted()))
    }

    private func dot(_ actor: UInt32, _ counter: UInt64) -> Dot { Dot(ActorID(actor), counter) }

    private func keys(_ due: [DueHint]) -> [String] { due.map { String(decoding: $0.update.address, as: UTF8.self) } }

    @Test func hintsAreDueInTheOrderInWhichTheyCame() throws {
        let store = store()
        var hints = try HintStore(loadingFrom: engine)
        for (index, key) in ["c", "a", "b"].enumerated() {
            #expect(hints.keep(hint(key, dot(1, UInt64(index) + 1)), closed: none, in: store) == nil)
        }
        #expect(hints.keep(hint("z", for: two, dot(2, 1)), closed: none, in: store) == nil)
        #expect(hints.targets == [one, two])
        #expect(hints.count == 4)
        #expect(hints.count(for: one) == 3)
        #expect(keys(hints.next(for: one, limit: 10)) == ["c", "a", "b"])
        #expect(keys(hints.next(for: one, limit: 2)) == ["c", "a"])
        #expect(hints.next(for: NodeID(9), limit: 2).isEmpty)
        let first = try #require(hints.next(for: one, limit: 1).first)
        hints.postpone(first.ticket)
        #expect(keys(hints.next(for: one, limit: 10)) == ["a", "b", "c"])
    }

    @Test func twoHintsOfOneKeyAreMerged() throws {
        let store = store()
        var hints = try HintStore(loadingFrom: engine)
        #expect(hints.keep(hint("k", dot(1, 4), value: "old"), closed: none, in: store) == nil)
        // Replaces the first one, and knows of one more; the third is concurrent.
        #expect(
            hints.keep(hint("k", dot(2, 7), seen: [dot(1, 4), dot(3, 1)], value: "new"), closed: none, in: store) == nil
        )
        #expect(hints.keep(hint("k", dot(4, 2), value: "sibling"), closed: none, in: store) == nil)
        #expect(hints.count == 1)
        let update = try #require(hints.next(for: one, limit: 5).first).update
        #expect(update.object.versions.map(\.dot) == [dot(2, 7), dot(4, 2)])
        #expect(update.object.context == CausalContext(dots: [dot(1, 4), dot(2, 7), dot(3, 1), dot(4, 2)]))
        #expect(update.events == [dot(1, 4), dot(2, 7), dot(3, 1), dot(4, 2)])
        #expect(hints.divergenceCount == 0)
        #expect(hints.keep(hint("k", dot(4, 2), value: "damaged"), closed: none, in: store) == nil)
        #expect(hints.divergenceCount == 1)
    }

    /// One hint was written before actor 1 was closed; the other afterwards, by somebody who had seen it replaced.
    @Test func closingsAreMindedInMerging() throws {
        var closed = ClosedActors()
        closed.close(ActorID(1), last: 4, voided: [])
        var later = hint("k", dot(2, 8), seen: [dot(ActorID.closed.rawValue, 1)])
        later.update.events = [dot(2, 8)]
        for order in [[hint("k", dot(1, 4)), later], [later, hint("k", dot(1, 4))]] {
            let store = store()
            var hints = try HintStore(loadingFrom: MemoryStorageEngine())
            #expect(hints.keep(order[0], closed: none, in: store) == nil)
            #expect(hints.keep(order[1], closed: none, in: store) == .unknownEpoch)
            #expect(hints.keep(order[1], closed: closed, in: store) == nil)
            let update = try #require(hints.next(for: one, limit: 1).first).update
            #expect(update.object.versions.map(\.dot) == [dot(2, 8)])
            #expect(update.object.context.closedEpoch == 1)
            #expect(update.events == [dot(1, 4), dot(2, 8)])
        }
    }

    /// The context is what the hint came with, gaps included: nothing is filled in.
    @Test func contextsStayAsTheyCame() throws {
        let store = store()
        var hints = try HintStore(loadingFrom: engine)
        #expect(hints.keep(hint("k", dot(1, 9), seen: [dot(1, 3)]), closed: none, in: store) == nil)
        try store.commit()
        for hints in [hints, try HintStore(loadingFrom: engine)] {
            let context = try #require(hints.next(for: one, limit: 1).first).update.object.context
            #expect(context.cloud == [dot(1, 3), dot(1, 9)])
            #expect(context.vector.isEmpty)
        }
    }

    @Test func hintsSurviveARestart() throws {
        let store = store()
        var hints = try HintStore(loadingFrom: engine)
        #expect(hints.keep(hint("a", dot(1, 1)), closed: none, in: store) == nil)
        #expect(hints.keep(hint("a", partition: 4, dot(1, 2)), closed: none, in: store) == nil)
        #expect(hints.keep(hint("b", for: two, dot(2, 5), seen: [dot(2, 4)]), closed: none, in: store) == nil)
        let gone = try #require(hints.next(for: one, limit: 1).first)
        hints.delivered(gone.ticket, in: store)
        // Until the tick is committed nothing of it is there.
        #expect(try HintStore(loadingFrom: engine).count == 0)
        try store.commit()
        let reloaded = try HintStore(loadingFrom: engine)
        #expect(reloaded.targets == [one, two])
        #expect(reloaded.byteCount == hints.byteCount)
        for target in [one, two] {
            #expect(
                reloaded.next(for: target, limit: 9).map(\.update) == hints.next(for: target, limit: 9).map(\.update))
            #expect(
                reloaded.next(for: target, limit: 9).map(\.partition)
                    == hints.next(for: target, limit: 9).map(\.partition))
        }
    }

    @Test func aHintThatChangedInFlightStays() throws {
        let store = store()
        var hints = try HintStore(loadingFrom: engine)
        #expect(hints.keep(hint("k", dot(1, 1)), closed: none, in: store) == nil)
        let sent = try #require(hints.next(for: one, limit: 1).first)
        #expect(hints.keep(hint("k", dot(1, 2), seen: [dot(1, 1)]), closed: none, in: store) == nil)
        hints.delivered(sent.ticket, in: store)
        #expect(hints.count == 1)
        let again = try #require(hints.next(for: one, limit: 1).first)
        #expect(again.update.events == [dot(1, 1), dot(1, 2)])
        hints.delivered(again.ticket, in: store)
        hints.delivered(again.ticket, in: store)
        #expect(hints.count == 0)
        #expect(hints.byteCount == 0)
        #expect(hints.targets.isEmpty)
        try store.commit()
        #expect(try HintStore(loadingFrom: engine).count == 0)
        // A ticket of an earlier hint of the same key says nothing about a new one.
        #expect(hints.keep(hint("k", dot(1, 3)), closed: none, in: store) == nil)
        hints.delivered(again.ticket, in: store)
        #expect(hints.count == 1)
    }

    @Test func theNumberOfHintsIsBounded() throws {
        let store = store()
        var hints = try HintStore(loadingFrom: engine, countLimit: 2)
        #expect(hints.keep(hint("a", dot(1, 1)), closed: none, in: store) == nil)
        #expect(hints.keep(hint("b", dot(1, 2)), closed: none, in: store) == nil)
        #expect(hints.keep(hint("c", dot(1, 3)), closed: none, in: store) == .overload)
        // More of a key that is here needs no more room for keys.
        #expect(hints.keep(hint("a", dot(1, 4)), closed: none, in: store) == nil)
        #expect(hints.count == 2)
        hints.delivered(try #require(hints.next(for: one, limit: 1).first).ticket, in: store)
        #expect(hints.keep(hint("c", dot(1, 3)), closed: none, in: store) == nil)
    }

    @Test func theBytesOfHintsAreBounded() throws {
        let store = store()
        var hints = try HintStore(loadingFrom: engine, byteLimit: 2_000)
        #expect(
            hints.keep(hint("a", dot(1, 1), value: String(repeating: "x", count: 900)), closed: none, in: store) == nil)
        let before = hints.byteCount
        #expect(
            hints.keep(hint("b", dot(1, 2), value: String(repeating: "x", count: 900)), closed: none, in: store)
                == .overload)
        #expect(
            hints.keep(hint("a", dot(2, 2), value: String(repeating: "x", count: 900)), closed: none, in: store)
                == .overload)
        #expect(hints.byteCount == before)
        #expect(try #require(hints.next(for: one, limit: 1).first).update.events == [dot(1, 1)])
        // What replaces it takes its room.
        let smaller = hint("a", dot(1, 3), seen: [dot(1, 1)], value: "x")
        #expect(hints.keep(smaller, closed: none, in: store) == nil)
        #expect(hints.byteCount < before)
        try store.commit()
        #expect(try HintStore(loadingFrom: engine).count == 1)
    }

    @Test func aRecordThatCannotBeReadIsAnError() throws {
        let store = store()
        var hints = try HintStore(loadingFrom: engine)
        #expect(hints.keep(hint("k", dot(1, 1)), closed: none, in: store) == nil)
        try store.commit()
        var key: [UInt8] = []
        var record: [UInt8] = []
        try engine.scan(.metadata, from: [], to: nil) { found, value in
            key = Array(found)
            record = Array(value)
            return .stop
        }
        #expect(key == Array("hint/".utf8) + [0, 0, 0, 1, 0, 3] + Array("k".utf8))
        #expect(record == [1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0x76])
        for length in record.indices { try refuses(key, Array(record[..<length])) }
        try refuses(key, record + [0])
        try refuses(key, [2] + record.dropFirst())
        try refuses(key, [1, 2] + record[2...3] + [0, 1] + record[4...])
        try refuses(Array(key.prefix(9)), record)
    }

    private func refuses(_ key: [UInt8], _ record: [UInt8]) throws {
        let engine = MemoryStorageEngine()
        var batch = WriteBatch()
        batch.put(.metadata, key: key, value: record)
        try engine.commit(batch)
        #expect(throws: StorageError.self) { try HintStore(loadingFrom: engine) }
    }

    /// Other records of the same table are none of its business.
    @Test func onlyHintsAreLoaded() throws {
        var batch = WriteBatch()
        for name in ["hint", "hint.", "hint0", "partition/1/checkpoint", "a"] {
            batch.put(.metadata, key: Array(name.utf8), value: [9])
        }
        try engine.commit(batch)
        #expect(try HintStore(loadingFrom: engine).count == 0)
    }

    /// Against a list that is searched from one end to the other.
    @Test(arguments: UInt64(1)...20)
    func itBehavesLikeAPlainList(seed: UInt64) throws {
        var chance = SplitMix64(seed: seed)
        let store = store()
        var hints = try HintStore(loadingFrom: engine)
        var plain: [(target: NodeID, key: String, events: [Dot])] = []
        var tickets: [HintTicket] = []
        var ticketed: [(target: NodeID, key: String, events: [Dot])] = []
        var counter: UInt64 = 0
        for step in 0..<400 {
            let comment: Comment = "seed \(seed), step \(step)"
            let target = NodeID(UInt32(1 + chance.below(3)))
            switch chance.below(8) {
            case 0, 1, 2:
                counter += 1
                let key = "\(chance.below(12))"
                let event = dot(1, counter)
                #expect(hints.keep(hint(key, for: target, event), closed: none, in: store) == nil, comment)
                if let index = plain.firstIndex(where: { $0.target == target && $0.key == key }) {
                    plain[index].events.append(event)
                } else {
                    plain.append((target, key, [event]))
                }
            case 3, 4:
                for due in hints.next(for: target, limit: 1 + chance.below(3)) {
                    tickets.append(due.ticket)
                    ticketed.append((target, String(decoding: due.update.address, as: UTF8.self), due.update.events))
                }
            case 5, 6:
                guard !tickets.isEmpty else { continue }
                let index = chance.below(tickets.count)
                hints.delivered(tickets.remove(at: index), in: store)
                let gone = ticketed.remove(at: index)
                plain.removeAll { $0.target == gone.target && $0.key == gone.key && $0.events == gone.events }
            default:
                guard let ticket = tickets.last, let late = ticketed.last else { continue }
                hints.postpone(ticket)
                if let index = plain.firstIndex(where: {
                    $0.target == late.target && $0.key == late.key && $0.events == late.events
                }) {
                    plain.append(plain.remove(at: index))
                }
            }
            for target in [one, two, NodeID(3)] {
                let due = hints.next(for: target, limit: 100)
                let expected = plain.filter { $0.target == target }
                #expect(keys(due) == expected.map(\.key), comment)
                #expect(due.map(\.update.events) == expected.map(\.events), comment)
                #expect(hints.count(for: target) == expected.count, comment)
            }
            #expect(hints.targets == Set(plain.map(\.target)).sorted(), comment)
        }
        try store.commit()
        #expect(try HintStore(loadingFrom: engine).count == plain.count)
    }
}
