import Foundation
import KindredModel
import KindredResolvers
import Synchronization
import Testing

@Suite("The laws of resolvers")
struct ResolverLawsTests {
    /// The laws that a rule breaks, of those that were checked at all.
    private func broken(_ resolver: Resolver, _ values: LawValues, cases: Int = 2_000) -> Set<ResolverLaw> {
        let report = ResolverLaws.check(resolver, values: values, cases: cases)
        #expect(report.unchecked.isEmpty, "\(report)")
        return Set(report.violations.map(\.law))
    }

    @Test(
        "The built-in rules obey all laws but one",
        arguments: [
            ("union", ["json", "lines"]), ("union:json", ["json"]), ("union:lines", ["lines"]),
            ("largest", ["mixed", "numbers", "bytes", "json"]), ("longest", ["mixed", "bytes", "lines"]),
            ("latest", ["mixed", "bytes", "lines"]), ("merge-json:largest", ["json"]), ("merge-json:fail", ["json"]),
        ])
    func builtInRules(name: String, kinds: [String]) throws {
        let resolver = try #require(Resolver.builtIn(name))
        for kind in kinds {
            let values = try #require(LawValues.builtIn.first { $0.name == kind })
            let report = ResolverLaws.check(resolver, values: values, seed: 5, cases: 1_500)
            #expect(report.violations.isEmpty && report.unchecked.isEmpty, "\(report)")
        }
    }

    @Test("merge-json:latest depends on what is merged first, as its page says")
    func latestOfFieldsIsNotAssociative() throws {
        #expect(broken(.mergeJSON(onConflict: .latest), .json) == [.associative, .grouped])
    }

    // MARK: Bad resolvers

    private func content(_ text: String) -> ObjectContent { ObjectContent(value: Array(text.utf8)) }

    private static let first = Resolver(name: "first", version: 1) { input in
        input.siblings[0].content.map { ResolvedValue($0) } ?? .delete
    }

    private static let concatenate = Resolver(name: "concatenate", version: 1) { input in
        ResolvedValue(value: input.siblings.flatMap { $0.content?.value ?? [] })
    }

    private static let average = Resolver(name: "average", version: 1) { input in
        let numbers = input.siblings.compactMap { sibling in
            sibling.content.flatMap { Double(String(decoding: $0.value, as: UTF8.self)) }
        }
        guard numbers.count == input.siblings.count else { throw ResolutionError.refused("not a number") }
        let mean = numbers.reduce(0, +) / Double(numbers.count)
        return ResolvedValue(value: Array(String(mean).utf8), contentType: "text/plain")
    }

    /// Few numbers that a double can hold: the laws are to be broken by the average, not by rounding.
    private static let small = LawValues("small numbers") { random in
        ObjectContent(value: Array(String(4 * random.below(100)).utf8))
    }

    @Test("Taking the first is not commutative, and the counter-example is two values of one byte at most")
    func theFirstIsCaught() throws {
        #expect(broken(Self.first, .bytes) == [.commutative, .unordered])
        let report = ResolverLaws.check(Self.first, values: .lines)
        let violation = try #require(report.violations.first { $0.law == .commutative })
        #expect(violation.isMinimal)
        #expect(violation.siblings.map(\.name) == ["a", "b"])
        #expect(violation.siblings.reduce(0) { $0 + ($1.value.content?.value.count ?? 0) } <= 1)
        #expect(violation.left.expression == "resolve(a, b)")
        #expect(violation.right.expression == "resolve(b, a)")
    }

    @Test("Concatenating is neither commutative nor idempotent, though it is associative")
    func concatenatingIsCaught() throws {
        #expect(broken(Self.concatenate, .lines) == [.commutative, .unordered, .idempotent])
        let report = ResolverLaws.check(Self.concatenate, values: .lines)
        let twice = try #require(report.violations.first { $0.law == .idempotent })
        #expect(twice.siblings.map(\.value.content?.value) == [Array("0".utf8)])
        #expect(twice.left.outcome == .value(ObjectContent(value: Array("00".utf8))))
    }

    @Test("An average is not associative, and three small numbers show it")
    func averagingIsCaught() throws {
        let report = ResolverLaws.check(Self.average, values: Self.small)
        #expect(Set(report.violations.map(\.law)) == [.associative, .grouped], "\(report)")
        let violation = try #require(report.violations.first)
        #expect(violation.isMinimal)
        let values = violation.siblings.compactMap {
            $0.value.content.map { String(decoding: $0.value, as: UTF8.self) }
        }
        #expect(values.sorted() == ["0", "0", "1"])
        #expect(values[0] != values[2], "the sides differ in what they weigh less")
    }

    @Test("A result that depends on how often it was asked for is caught")
    func chanceIsCaught() throws {
        let counter = Counter()
        let moody = Resolver(name: "moody", version: 1) { _ in ResolvedValue(value: [counter.next()]) }
        #expect(broken(moody, .bytes, cases: 5).contains(.repeatable))
    }

    @Test("A result that is changed when it is resolved again is caught")
    func unstableResultsAreCaught() throws {
        let longer = Resolver(name: "longer", version: 1) { input in
            let most = input.siblings.map { $0.content?.value.count ?? 0 }.max() ?? 0
            return ResolvedValue(value: [UInt8](repeating: 1, count: most + 1))
        }
        #expect(broken(longer, .bytes).contains(.stable))
    }

    @Test("A rule that decides by what all siblings are is not associative: why largest has one order of everything")
    func ordersThatChangeAreCaught() throws {
        let naive = Resolver(name: "naive-largest", version: 1) { input in
            let contents = input.siblings.compactMap(\.content)
            let numbers = contents.map { Double(String(decoding: $0.value, as: UTF8.self)) }
            let isNumeric = numbers.allSatisfy { $0 != nil }
            let order = contents.indices.max { left, right in
                let (one, other) = (numbers[left], numbers[right])
                if isNumeric, let one, let other, one != other { return one < other }
                return contents[left].value.lexicographicallyPrecedes(contents[right].value)
            }
            return order.map { ResolvedValue(contents[$0]) } ?? .delete
        }
        #expect(broken(naive, .mixed).contains(.associative))
    }

    @Test("Refusing one grouping and not the other is a broken law")
    func oneSidedRefusalsAreCaught() throws {
        let fussy = Resolver(name: "fussy", version: 1) { input in
            if input.siblings[0].content?.value.isEmpty == true { throw ResolutionError.notText }
            return ResolvedValue(value: [1])
        }
        let report = ResolverLaws.check(fussy, values: .bytes)
        let violation = try #require(report.violations.first { $0.law == .commutative })
        let outcomes = [violation.left.outcome, violation.right.outcome]
        #expect(outcomes.contains(.refused(.notText)))
    }

    // MARK: The check itself

    @Test("A resolver that refuses everything has not been checked")
    func refusalsAreNoSuccess() throws {
        let none = Resolver(name: "none", version: 1) { _ in throw ResolutionError.notText }
        let refused = ResolverLaws.check(none, values: .json, cases: 50)
        #expect(refused.unchecked == ResolverLaw.allCases)
        #expect(refused.results[0].firstRefusal == .notText)
        #expect(refused.description.contains("not checked"))
    }

    @Test("The same seed finds the same, another seed looks elsewhere")
    func seedsDecide() throws {
        func check(_ seed: UInt64) -> LawReport {
            ResolverLaws.check(.mergeJSON(onConflict: .latest), values: .json, seed: seed, cases: 500)
        }
        #expect(check(3) == check(3))
        #expect(Set((1...5).map { check($0).violations.first?.caseNumber }).count > 1)
    }

    @Test("Values can be taken from a list")
    func valuesFromAList() throws {
        #expect(LawValues("none", list: []) == nil)
        let values = try #require(LawValues("mine", list: [content("x"), content("y")]))
        let report = ResolverLaws.check(Self.first, values: values, laws: [.commutative])
        #expect(report.results.count == 1)
        #expect(report.violations.count == 1)
        #expect(report.values == "mine")
    }

    @Test("The tries to make a counter-example smaller are bounded")
    func shrinkingIsBounded() throws {
        let report = ResolverLaws.check(Self.average, values: Self.small, laws: [.associative], shrinkingTries: 2)
        let violation = try #require(report.violations.first)
        #expect(violation.tries <= 2)
        #expect(!violation.isMinimal)
        #expect(violation.description.contains("not all there are"))
    }

    @Test("The page about resolvers shows what its example prints")
    func thePageIsRight() throws {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/resolvers.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let report = ResolverLaws.check(Self.average, values: Self.small)
        #expect(text.contains("```\n\(report)\n```\n"), "\(report)")
    }

    @Test("A counter-example is printed with its law, its siblings and both results")
    func counterExamplesArePrinted() throws {
        let text = ResolverLaws.check(Self.average, values: Self.small, laws: [.associative]).description
        for part in [
            "average, version 1: 10000 cases of small numbers, seed 1", "associative  BROKEN",
            "associative: it does not matter which two of three are merged first", "(timestamp 1, version ",
            "resolve(resolve(a, b), c)", "resolve(a, resolve(b, c))", "of seed 1, made smaller in",
        ] { #expect(text.contains(part), "\(text)") }
        let raw = ResolverLaws.check(
            Self.first, values: .init("control") { ObjectContent(value: [0x1B, UInt8($0.below(9))]) })
        #expect(!raw.description.contains("\u{1B}"))
    }
}

/// Counts how often it is asked.
private final class Counter: Sendable {
    private let count = Mutex(UInt8(0))

    func next() -> UInt8 {
        count.withLock { count in
            count &+= 1
            return count
        }
    }
}
