public import KindredModel

/// Checks whether a resolver obeys the laws that make replicas agree.
///
/// The laws are checked with random triples of siblings. Each case follows from the seed and its number, so a run
/// finds the same again on every machine. What breaks a law is made as small as it can be before it is shown.
///
/// This is a search for a counter-example, not a proof: what it has not found may be there. It is part of this
/// module, and not of what Kindred's own tests share, because whoever writes a resolver needs it in tests of their
/// own.
public enum ResolverLaws {
    /// Checks a resolver.
    ///
    /// - Parameters:
    ///   - values: what the siblings hold. A resolver that refuses all of it has not been checked: see
    ///     `LawReport.unchecked`.
    ///   - seed: decides all cases.
    ///   - cases: how many triples are tried.
    ///   - laws: which laws are checked.
    ///   - shrinkingTries: how many smaller cases are tried for each counter-example.
    public static func check(
        _ resolver: Resolver, values: LawValues, seed: UInt64 = 1, cases: Int = 10_000,
        laws: [ResolverLaw] = ResolverLaw.allCases, shrinkingTries: Int = 5_000
    ) -> LawReport {
        var results = laws.map { LawResult(law: $0) }
        for number in 0..<max(0, cases) {
            let lawCase = values.lawCase(number, seed: seed)
            var evaluation = LawEvaluation(resolver, lawCase)
            // A broken law is not looked at any further: its first counter-example is as good as another.
            for index in results.indices where results[index].violation == nil {
                for (left, right) in results[index].law.equations where results[index].violation == nil {
                    switch evaluation.compare(left, right) {
                    case .equal:
                        results[index].compared += 1
                    case .refused(let error):
                        results[index].refused += 1
                        if results[index].firstRefusal == nil { results[index].firstRefusal = error }
                    case .different:
                        results[index].compared += 1
                        var shrinker = LawShrinker(resolver, left, right, maximumTries: shrinkingTries)
                        results[index].violation = shrinker.shrink(
                            lawCase, of: results[index].law, number: number, seed: seed)
                    }
                }
            }
        }
        return LawReport(
            resolver: resolver.description, values: values.name, seed: seed, cases: cases, results: results)
    }
}

/// What a check has found.
public struct LawReport: Hashable, Sendable {
    /// Name and version of the resolver.
    public let resolver: String
    /// What the values are called.
    public let values: String
    /// The seed of all cases.
    public let seed: UInt64
    /// How many triples were tried.
    public let cases: Int
    /// One for each law that was checked.
    public let results: [LawResult]

    /// The counter-examples, one at most for each law.
    public var violations: [Violation] { results.compactMap(\.violation) }

    /// The laws about which nothing can be said: the resolver has refused every case.
    public var unchecked: [ResolverLaw] { results.filter { $0.compared == 0 }.map(\.law) }
}

/// What a check has found about one law.
public struct LawResult: Hashable, Sendable {
    /// The law.
    public let law: ResolverLaw
    /// How many pairs of results were compared.
    public internal(set) var compared = 0
    /// How many pairs were not, because the resolver has refused both.
    public internal(set) var refused = 0
    /// What it said the first time.
    public internal(set) var firstRefusal: ResolutionError?
    /// A counter-example, if one was found.
    public internal(set) var violation: Violation?

    init(law: ResolverLaw) {
        self.law = law
    }
}

/// A counter-example to a law.
public struct Violation: Hashable, Sendable {
    /// What a resolver has made of siblings.
    public enum Outcome: Hashable, Sendable {
        case value(ObjectContent)
        case deleted
        case refused(ResolutionError)

        init(_ result: Result<SiblingValue, ResolutionError>) {
            switch result {
            case .success(let sibling): self = sibling.content.map { .value($0) } ?? .deleted
            case .failure(let error): self = .refused(error)
            }
        }
    }

    /// A sibling, and what the sides of the law call it.
    public struct NamedSibling: Hashable, Sendable {
        /// `a`, `b` or `c`.
        public let name: String
        /// The sibling.
        public let value: SiblingValue
    }

    /// A side of the law, and what came out.
    public struct Side: Hashable, Sendable {
        /// What was called: `resolve(resolve(a, b), c)`.
        public let expression: String
        /// What came out.
        public let outcome: Outcome
    }

    /// The law that is broken.
    public let law: ResolverLaw
    /// The siblings that the law speaks of.
    public let siblings: [NamedSibling]
    /// What the siblings have in common; nil if the counter-example needs no ancestor.
    public let ancestor: SiblingValue?
    /// What should be the same.
    public let left: Side
    /// What should be the same.
    public let right: Side
    /// The number of the case, from 0, in which it was found; with the seed and the values, it is found again there.
    public let caseNumber: Int
    /// The seed of all cases.
    public let seed: UInt64
    /// How many smaller cases were tried.
    public let tries: Int
    /// Whether nothing smaller was left to try. False if the tries ran out.
    public let isMinimal: Bool
}
