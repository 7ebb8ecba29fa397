/// What a resolver must obey so that replicas agree, whatever they hear of first.
public enum ResolverLaw: String, Hashable, Sendable, CaseIterable {
    /// The same siblings give the same result again.
    case repeatable
    /// `a` and `b` give what `b` and `a` give.
    case commutative
    /// `a` and `b`, then `c`, gives what `a`, with `b` and `c` merged before, gives.
    case associative
    /// A sibling that arrives twice counts once.
    case idempotent
    /// Three siblings give the same in every order.
    case unordered
    /// Three siblings at once give what they give two at a time.
    case grouped
    /// A result that is resolved again, by itself, stays as it is.
    case stable

    /// The law in words, as a reader of a report has it.
    public var meaning: String {
        switch self {
        case .repeatable: "the same siblings give the same result again"
        case .commutative: "two siblings give the same in either order"
        case .associative: "it does not matter which two of three are merged first"
        case .idempotent: "a sibling that arrives twice counts once"
        case .unordered: "three siblings give the same in every order"
        case .grouped: "three siblings at once give what they give two at a time"
        case .stable: "a result by itself stays as it is"
        }
    }

    /// What must give the same.
    var equations: [(LawExpression, LawExpression)] {
        let (a, b, c) = (LawExpression.sibling(0), LawExpression.sibling(1), LawExpression.sibling(2))
        let all = LawExpression.resolve([a, b, c])
        return switch self {
        case .repeatable: [(all, .again(all))]
        case .commutative: [(.resolve([a, b]), .resolve([b, a]))]
        case .associative: [(.resolve([.resolve([a, b]), c]), .resolve([a, .resolve([b, c])]))]
        case .idempotent: [(.resolve([a, a]), .resolve([a]))]
        case .unordered:
            [[a, c, b], [b, a, c], [b, c, a], [c, a, b], [c, b, a]].map { (all, .resolve($0)) }
        case .grouped: [(all, .resolve([.resolve([a, b]), c]))]
        case .stable: [(.resolve([all]), all)]
        }
    }
}

/// One side of a law: calls of a resolver, one within the other.
indirect enum LawExpression: Hashable, Sendable, CustomStringConvertible {
    case sibling(Int)
    case resolve([LawExpression])
    /// The same, worked out a second time.
    case again(LawExpression)

    /// The siblings it speaks of.
    var siblings: Set<Int> {
        switch self {
        case .sibling(let index): [index]
        case .resolve(let parts): Set(parts.flatMap(\.siblings))
        case .again(let expression): expression.siblings
        }
    }

    /// `resolve(resolve(a, b), c)`.
    var description: String {
        switch self {
        case .sibling(let index): LawCase.names[index]
        case .resolve(let parts): "resolve(\(parts.map(\.description).joined(separator: ", ")))"
        case .again(let expression): "\(expression), again"
        }
    }
}

/// Three siblings of a key, and what they have in common, if that is known.
struct LawCase: Hashable, Sendable {
    /// What the siblings are called in reports.
    static let names = ["a", "b", "c"]

    /// Called `a`, `b` and `c` in reports.
    var siblings: [SiblingValue]
    /// The ancestor, which every call of the resolver is given.
    var ancestor: SiblingValue?
}

/// What a resolver makes of the siblings of one case. What it has made once is remembered, except where it is asked
/// for again.
struct LawEvaluation {
    let resolver: Resolver
    let lawCase: LawCase
    private var known: [LawExpression: Result<SiblingValue, ResolutionError>] = [:]

    init(_ resolver: Resolver, _ lawCase: LawCase) {
        self.resolver = resolver
        self.lawCase = lawCase
    }

    mutating func evaluate(_ expression: LawExpression) -> Result<SiblingValue, ResolutionError> {
        switch expression {
        case .sibling(let index):
            return .success(lawCase.siblings[index])
        case .again(let expression):
            var evaluation = LawEvaluation(resolver, lawCase)
            return evaluation.evaluate(expression)
        case .resolve(let parts):
            if let result = known[expression] { return result }
            let result = resolve(parts)
            known[expression] = result
            return result
        }
    }

    private mutating func resolve(_ parts: [LawExpression]) -> Result<SiblingValue, ResolutionError> {
        do throws(ResolutionError) {
            var siblings: [SiblingValue] = []
            for part in parts { siblings.append(try evaluate(part).get()) }
            let input = try ResolutionInput(siblings, ancestor: lawCase.ancestor)
            return .success(input.sibling(with: try resolver.resolve(input)))
        } catch {
            return .failure(error)
        }
    }

    /// How the two sides of an equation compare.
    enum Comparison {
        case equal
        /// The resolver has refused both, so there is nothing that replicas could disagree about; or it has not
        /// answered.
        case refused(ResolutionError)
        case different(Violation.Outcome, Violation.Outcome)
    }

    mutating func compare(_ left: LawExpression, _ right: LawExpression) -> Comparison {
        switch (evaluate(left), evaluate(right)) {
        case (.failure(.unavailable(let why)), _), (_, .failure(.unavailable(let why))): .refused(.unavailable(why))
        case (.failure(let error), .failure): .refused(error)
        case (.success(let one), .success(let other)) where one.content == other.content: .equal
        case (let one, let other): .different(Violation.Outcome(one), Violation.Outcome(other))
        }
    }
}
