import KindredModel
import Testing

/// One object, one replica, many writes: what each strategy does with a single write.
private struct Shelf {
    let strategy: ConflictStrategy
    var object = CausalObject()
    private var counter: UInt64 = 0

    init(_ strategy: ConflictStrategy) {
        self.strategy = strategy
    }

    /// The context of a read.
    var knowledge: Knowledge {
        Knowledge(context: object.context, timestamp: object.latestTimestamp, number: object.latestNumber)
    }

    /// Writes a text, or deletes; times are those of the counter unless given.
    @discardableResult
    mutating func write(_ text: String?, seen: Knowledge? = nil, at time: UInt64? = nil, limit: Int = 100)
        -> WriteOutcome
    {
        let event = WriteEvent(
            dot: dot(1, counter + 1), timestamp: HybridTimestamp(milliseconds: time ?? counter + 1))
        let outcome = strategy.apply(
            ClientWrite(content: text.map { content($0) }, seen: seen), as: event, to: &object, siblingLimit: limit)
        if case .applied = outcome { counter += 1 }
        return outcome
    }

    var shown: [String?] { texts(strategy.visibleVersions(of: object)) }
}

/// What became of a write, in a form that can be compared.
private enum Outcome: Equatable {
    case applied(replaced: [String?], discarded: [String?])
    case unchanged
    case refused(WriteRefusal)

    init(_ outcome: WriteOutcome) {
        self =
            switch outcome {
            case .applied(let replaced, let discarded): .applied(replaced: texts(replaced), discarded: texts(discarded))
            case .unchanged: .unchanged
            case .refused(let refusal): .refused(refusal)
            }
    }
}

@Suite struct ConflictStrategyTests {
    @Test("have names that are part of the interface")
    func names() {
        #expect(
            ConflictStrategy.allCases.map(\.rawValue) == [
                "version-vectors", "last-write-wins", "immutable", "version-numbers",
            ])
    }

    @Test("show nothing of nothing", arguments: ConflictStrategy.allCases)
    func nothing(strategy: ConflictStrategy) {
        #expect(strategy.visibleVersions(of: CausalObject()).isEmpty)
        var object = CausalObject()
        #expect(strategy.merge(CausalObject(), into: &object).isEmpty)
        #expect(object == CausalObject())
    }

    @Test(
        "deleting what is not there does not happen",
        arguments: ConflictStrategy.allCases.filter { $0 != .lastWriteWins })
    func deleteNothing(strategy: ConflictStrategy) {
        var shelf = Shelf(strategy)
        #expect(Outcome(shelf.write(nil)) == .unchanged)
        #expect(Outcome(shelf.write(nil, seen: .nothing)) == .unchanged)
        #expect(shelf.object == CausalObject())
    }
}

/// Version vectors and version numbers differ only in the numbers.
@Suite struct SiblingStrategyTests {
    static let strategies: [ConflictStrategy] = [.versionVectors, .versionNumbers]

    @Test("a put replaces exactly what its writer had seen", arguments: strategies)
    func put(strategy: ConflictStrategy) {
        var shelf = Shelf(strategy)
        #expect(Outcome(shelf.write("a")) == .applied(replaced: [], discarded: []))
        let seenA = shelf.knowledge
        #expect(Outcome(shelf.write("b")) == .applied(replaced: [], discarded: []))
        #expect(shelf.shown == ["a", "b"])
        #expect(Outcome(shelf.write("c", seen: seenA)) == .applied(replaced: ["a"], discarded: []))
        #expect(shelf.shown == ["b", "c"])
        #expect(Outcome(shelf.write("d", seen: shelf.knowledge)) == .applied(replaced: ["b", "c"], discarded: []))
        #expect(shelf.shown == ["d"])
        // The same content is another write all the same.
        #expect(Outcome(shelf.write("d")) == .applied(replaced: [], discarded: []))
        #expect(shelf.shown == ["d", "d"])
    }

    @Test("a delete removes what its writer had seen, or all that is here", arguments: strategies)
    func delete(strategy: ConflictStrategy) {
        var shelf = Shelf(strategy)
        shelf.write("a")
        let seenA = shelf.knowledge
        shelf.write("b")
        shelf.write("c")
        #expect(Outcome(shelf.write(nil, seen: seenA)) == .applied(replaced: ["a"], discarded: []))
        #expect(shelf.shown == ["b", "c"])
        // What it would delete is gone, so nothing happens.
        #expect(Outcome(shelf.write(nil, seen: seenA)) == .unchanged)
        #expect(Outcome(shelf.write(nil)) == .applied(replaced: ["b", "c"], discarded: []))
        #expect(shelf.object.versions.isEmpty)
        #expect(shelf.object.context == CausalContext(vector([1: 5])))
        #expect(Outcome(shelf.write(nil)) == .unchanged)
    }

    @Test("a delete that knows of something unknown here happens", arguments: strategies)
    func deleteUnknown(strategy: ConflictStrategy) {
        var shelf = Shelf(strategy)
        let elsewhere = Knowledge(context: CausalContext(dots: [dot(7, 3)]))
        #expect(Outcome(shelf.write(nil, seen: elsewhere)) == .applied(replaced: [], discarded: []))
        #expect(shelf.object.context == CausalContext(dots: [dot(1, 1), dot(7, 3)]))
        #expect(Outcome(shelf.write(nil, seen: elsewhere)) == .unchanged)
    }

    @Test("at 99 siblings a blind put is accepted, at 100 and more it is refused", arguments: strategies)
    func siblingLimit(strategy: ConflictStrategy) {
        var shelf = Shelf(strategy)
        for _ in 0..<99 { shelf.write("x") }
        #expect(Outcome(shelf.write("the hundredth")) == .applied(replaced: [], discarded: []))
        #expect(shelf.object.versions.count == 100)
        let full = shelf.object
        #expect(Outcome(shelf.write("one too many")) == .refused(.tooManySiblings(count: 100)))
        let other = Knowledge(context: CausalContext(dots: [dot(9, 9)]))
        #expect(Outcome(shelf.write("one too many", seen: other)) == .refused(.tooManySiblings(count: 100)))
        #expect(shelf.object == full, "a refused write changes nothing")

        // Merging is never refused, and may lead beyond.
        var merged = CausalObject()
        merged.insert(version(2, 1, "from elsewhere"))
        _ = strategy.merge(merged, into: &shelf.object)
        #expect(shelf.object.versions.count == 101)
        #expect(Outcome(shelf.write("one too many")) == .refused(.tooManySiblings(count: 101)))

        // A put that replaces one is accepted even then; one that has seen all resolves them.
        let seenOne = Knowledge(context: CausalContext(dots: [dot(1, 1)]))
        #expect(Outcome(shelf.write("instead", seen: seenOne)) == .applied(replaced: ["x"], discarded: []))
        #expect(shelf.object.versions.count == 101)
        #expect(Outcome(shelf.write("again", seen: seenOne)) == .refused(.tooManySiblings(count: 101)))
        shelf.write("resolved", seen: shelf.knowledge)
        #expect(shelf.shown == ["resolved"])
    }

    @Test("a delete is never refused for siblings", arguments: strategies)
    func deleteAtLimit(strategy: ConflictStrategy) {
        var shelf = Shelf(strategy)
        for _ in 0..<3 { shelf.write("x", limit: 3) }
        #expect(Outcome(shelf.write("x", limit: 3)) == .refused(.tooManySiblings(count: 3)))
        #expect(Outcome(shelf.write(nil, limit: 3)) == .applied(replaced: ["x", "x", "x"], discarded: []))
    }

    @Test("numbers count on from the highest that the writer or the replica knows")
    func numbers() {
        var shelf = Shelf(.versionNumbers)
        func numbers() -> [UInt64] { shelf.object.versions.map(\.number) }
        shelf.write("a")
        shelf.write("b")
        #expect(numbers() == [1, 2])
        let before = shelf.knowledge
        shelf.write(nil)
        // Whoever knows the old numbers goes on with them; whoever doesn't starts again, and replaces nothing by mistake.
        shelf.write("c", seen: before)
        #expect(numbers() == [3])
        shelf.write(nil)
        shelf.write("d")
        #expect(numbers() == [1])
        let last = Knowledge(number: .max)
        shelf.write("e", seen: last)
        #expect(numbers() == [1, .max])
        shelf.write("f", seen: shelf.knowledge)
        #expect(numbers() == [.max])
    }

    @Test("version vectors give no numbers")
    func noNumbers() {
        var shelf = Shelf(.versionVectors)
        shelf.write("a", seen: Knowledge(number: 9))
        #expect(shelf.object.versions.map(\.number) == [0])
    }
}

@Suite struct LastWriteWinsStrategyTests {
    @Test("the later write stays; what its writer had not seen is reported")
    func put() {
        var shelf = Shelf(.lastWriteWins)
        shelf.write("a")
        let seenA = shelf.knowledge
        #expect(Outcome(shelf.write("b", seen: seenA)) == .applied(replaced: ["a"], discarded: []))
        #expect(Outcome(shelf.write("c", seen: seenA)) == .applied(replaced: [], discarded: ["b"]))
        #expect(Outcome(shelf.write("d")) == .applied(replaced: [], discarded: ["c"]))
        #expect(shelf.shown == ["d"])
        #expect(shelf.object.context == CausalContext(vector([1: 4])))
    }

    @Test("between equal times the later dot wins, whichever comes first")
    func ties() {
        let first = CausalObject(versions: [version(1, 9, at: 5, "a")], context: CausalContext())
        let second = CausalObject(versions: [version(2, 1, at: 5, "b")], context: CausalContext())
        for (var object, other) in [(first, second), (second, first)] {
            #expect(ConflictStrategy.lastWriteWins.merge(other, into: &object).isEmpty)
            #expect(texts(object.versions) == ["b"])
            #expect(object.context.contains(dot(1, 9)))
        }
    }

    @Test("a delete is a version without a value, later than what it deletes")
    func delete() {
        var shelf = Shelf(.lastWriteWins)
        shelf.write("a")
        #expect(Outcome(shelf.write(nil)) == .applied(replaced: ["a"], discarded: []))
        #expect(shelf.shown.isEmpty)
        #expect(texts(shelf.object.versions) == [nil])
        // Once more, and later: a write that is still on its way may be older than this delete only.
        #expect(Outcome(shelf.write(nil)) == .applied(replaced: [nil], discarded: []))
        #expect(Outcome(shelf.write("b")) == .applied(replaced: [nil], discarded: []))
        #expect(shelf.shown == ["b"])
    }

    @Test("a delete of a value it has not seen wins by time, and reports it")
    func deleteUnseen() {
        var shelf = Shelf(.lastWriteWins)
        shelf.write("a")
        let seenA = shelf.knowledge
        shelf.write("b", seen: seenA)
        #expect(Outcome(shelf.write(nil, seen: seenA)) == .applied(replaced: [], discarded: ["b"]))
        #expect(shelf.shown.isEmpty)
    }

    @Test("a delete that knows of something unknown here happens")
    func deleteUnknown() {
        var shelf = Shelf(.lastWriteWins)
        let elsewhere = Knowledge(
            context: CausalContext(dots: [dot(7, 3)]), timestamp: HybridTimestamp(milliseconds: 3))
        #expect(Outcome(shelf.write(nil, seen: elsewhere, at: 4)) == .applied(replaced: [], discarded: []))
        var late = CausalObject(versions: [version(7, 3, at: 3, "late")], context: CausalContext())
        _ = ConflictStrategy.lastWriteWins.merge(shelf.object, into: &late)
        #expect(ConflictStrategy.lastWriteWins.visibleVersions(of: late).isEmpty)
    }
}

@Suite struct ImmutableStrategyTests {
    @Test("the first content stays")
    func put() {
        var shelf = Shelf(.immutable)
        #expect(Outcome(shelf.write("a")) == .applied(replaced: [], discarded: []))
        let stored = shelf.object
        #expect(Outcome(shelf.write("a")) == .unchanged)
        #expect(Outcome(shelf.write("b")) == .refused(.exists))
        #expect(Outcome(shelf.write("b", seen: shelf.knowledge)) == .refused(.exists))
        #expect(Outcome(shelf.write("")) == .refused(.exists))
        #expect(Outcome(shelf.write(nil)) == .refused(.immutable))
        #expect(Outcome(shelf.write(nil, seen: shelf.knowledge)) == .refused(.immutable))
        #expect(shelf.object == stored)
    }

    @Test("an empty content is a content")
    func emptyContent() {
        var shelf = Shelf(.immutable)
        shelf.write("")
        #expect(Outcome(shelf.write("")) == .unchanged)
        #expect(Outcome(shelf.write("a")) == .refused(.exists))
        #expect(shelf.shown == [""])
    }

    @Test("a writer's context says nothing: it cannot replace, so it is not taken over")
    func contextIsIgnored() {
        var shelf = Shelf(.immutable)
        shelf.write("a", seen: Knowledge(context: CausalContext(dots: [dot(7, 1)])))
        #expect(shelf.object.context == CausalContext(vector([1: 1])))
    }

    @Test("the earliest of several is shown; equal contents are one; what is kept can be written again")
    func conflict() {
        var shelf = Shelf(.immutable)
        shelf.write("a", at: 50)
        let others = [
            version(2, 1, at: 40, "b"), version(3, 1, at: 45, "a"), version(4, 1, at: 45, "b"),
            version(5, 1, at: 40, "c"),
        ]
        for other in others {
            _ = ConflictStrategy.immutable.merge(
                CausalObject(versions: [other], context: CausalContext()), into: &shelf.object)
        }
        #expect(shelf.shown == ["b"])
        #expect(shelf.object.versions == [others[0], others[1], others[3]])
        #expect(Outcome(shelf.write("b")) == .unchanged)
        #expect(Outcome(shelf.write("a")) == .unchanged)
        #expect(Outcome(shelf.write("d")) == .refused(.exists))
    }
}
