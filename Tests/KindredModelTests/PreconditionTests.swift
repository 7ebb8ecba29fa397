import KindredModel
import Testing

@Suite struct PreconditionTests {
    private let none: [Version] = []
    private let one = [version(1, 4, at: 50, number: 3, "a")]
    private let two = [version(1, 4, at: 50, number: 3, "a"), version(2, 9, at: 60, number: 4, "b")]

    private func demand(_ change: (inout Precondition) -> Void) -> Precondition {
        var precondition = Precondition()
        change(&precondition)
        return precondition
    }

    @Test("nothing demanded, nothing fails")
    func empty() {
        #expect(Precondition.none.isEmpty)
        for versions in [none, one, two] { #expect(Precondition.none.failure(for: versions) == nil) }
        #expect(!demand { $0.mustExist = true }.isEmpty)
        #expect(!demand { $0.matches = [] }.isEmpty)
    }

    @Test("must not exist, must exist")
    func existence() {
        let absent = demand { $0.mustNotExist = true }
        #expect(absent.failure(for: none) == nil)
        #expect(absent.failure(for: one) == .exists)
        let present = demand { $0.mustExist = true }
        #expect(present.failure(for: none) == .missing)
        #expect(present.failure(for: two) == nil)
    }

    @Test("not modified since: the context must have seen every value")
    func notModified() {
        let seen = demand { $0.notModifiedSince = CausalContext(dots: [dot(1, 4)]) }
        #expect(seen.failure(for: none) == .missing)
        #expect(seen.failure(for: one) == nil)
        #expect(seen.failure(for: two) == .modified)
        let both = demand { $0.notModifiedSince = CausalContext(vector([1: 4, 2: 9])) }
        #expect(both.failure(for: two) == nil)
        let before = demand { $0.notModifiedSince = CausalContext(vector([1: 3])) }
        #expect(before.failure(for: one) == .modified)
        let empty = demand { $0.notModifiedSince = CausalContext() }
        #expect(empty.failure(for: one) == .modified)
    }

    @Test("matches: exactly one value, with one of the tags")
    func matches() {
        let tag = demand { $0.matches = [.tag("9.9"), .tag(one[0].tag)] }
        #expect(tag.failure(for: none) == .missing)
        #expect(tag.failure(for: one) == nil)
        #expect(tag.failure(for: two) == .modified)
        #expect(demand { $0.matches = [.tag("1.5")] }.failure(for: one) == .modified)
        #expect(demand { $0.matches = [] }.failure(for: one) == .modified)
        let number = demand { $0.matches = [.number(3)] }
        #expect(number.failure(for: one) == nil)
        #expect(number.failure(for: two) == .modified)
        #expect(demand { $0.matches = [.number(2)] }.failure(for: one) == .modified)
        // Versions without a number are not named by number 0.
        #expect(demand { $0.matches = [.number(0)] }.failure(for: [version(1, 1, "a")]) == .modified)
    }

    @Test("unmodified since: no value is later, in milliseconds")
    func unmodifiedSince() {
        let since50 = demand { $0.unmodifiedSinceMilliseconds = 50 }
        #expect(since50.failure(for: none) == .missing)
        #expect(since50.failure(for: one) == nil)
        #expect(since50.failure(for: two) == .modified)
        #expect(demand { $0.unmodifiedSinceMilliseconds = 49 }.failure(for: one) == .modified)
        // Events within a millisecond are not told apart.
        let within = Version(
            dot: dot(1, 1), timestamp: HybridTimestamp(rawValue: 50 << 16 | 9), content: content("a"))
        #expect(since50.failure(for: [within]) == nil)
    }

    @Test("several demands must all hold")
    func several() {
        let both = demand {
            $0.mustExist = true
            $0.matches = [.number(3)]
            $0.unmodifiedSinceMilliseconds = 40
        }
        #expect(both.failure(for: none) == .missing)
        #expect(both.failure(for: one) == .modified)
        let impossible = demand {
            $0.mustExist = true
            $0.mustNotExist = true
        }
        #expect(impossible.failure(for: none) == .missing)
        #expect(impossible.failure(for: one) == .exists)
    }
}
