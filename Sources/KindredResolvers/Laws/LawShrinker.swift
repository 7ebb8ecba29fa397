import KindredModel

/// Makes a case that breaks a law as small as it can, while the same two sides differ.
///
/// It takes the first smaller case that still breaks the law, again and again, until none does. Each step makes one
/// value shorter, or simpler at the same length, or a timestamp smaller, so it ends. What is left is a case of which
/// no *single* step can be taken any more, not the smallest there is.
struct LawShrinker {
    private let resolver: Resolver
    private let left: LawExpression
    private let right: LawExpression
    private let maximumTries: Int
    private var tries = 0

    init(_ resolver: Resolver, _ left: LawExpression, _ right: LawExpression, maximumTries: Int) {
        self.resolver = resolver
        self.left = left
        self.right = right
        self.maximumTries = maximumTries
    }

    /// The counter-example that is left of a case that breaks the law.
    mutating func shrink(_ lawCase: LawCase, of law: ResolverLaw, number: Int, seed: UInt64) -> Violation? {
        guard var outcomes = difference(lawCase) else { return nil }
        var best = lawCase
        var isMinimal = false
        search: while !isMinimal {
            for candidate in candidates(best) {
                if tries >= maximumTries { break search }
                tries += 1
                guard let found = difference(candidate) else { continue }
                (best, outcomes) = (candidate, found)
                continue search
            }
            isMinimal = true
        }
        return Violation(
            law: law,
            siblings: used.map { .init(name: LawCase.names[$0], value: best.siblings[$0]) }, ancestor: best.ancestor,
            left: .init(expression: left.description, outcome: outcomes.0),
            right: .init(expression: right.description, outcome: outcomes.1), caseNumber: number, seed: seed,
            tries: tries, isMinimal: isMinimal)
    }

    private var used: [Int] { left.siblings.union(right.siblings).sorted() }

    private func difference(_ lawCase: LawCase) -> (Violation.Outcome, Violation.Outcome)? {
        var evaluation = LawEvaluation(resolver, lawCase)
        guard case .different(let one, let other) = evaluation.compare(left, right) else { return nil }
        return (one, other)
    }

    private func candidates(_ lawCase: LawCase) -> [LawCase] {
        var result: [LawCase] = []
        func add(_ change: (inout LawCase) -> Void) {
            var candidate = lawCase
            change(&candidate)
            result.append(candidate)
        }
        if let ancestor = lawCase.ancestor {
            add { $0.ancestor = nil }
            for content in Self.smaller(ancestor.content) { add { $0.ancestor?.content = content } }
        }
        for index in used {
            for content in Self.smaller(lawCase.siblings[index].content) {
                add { $0.siblings[index].content = content }
            }
            let timestamp = lawCase.siblings[index].timestamp
            for smaller in Set([1, timestamp / 2, timestamp &- 1]).sorted() where smaller < timestamp && smaller > 0 {
                add { $0.siblings[index].timestamp = smaller }
            }
        }
        // One change by itself can break what two together would not: the same value becomes smaller everywhere.
        for value in Set(used.compactMap { lawCase.siblings[$0].content?.value }) where value.count > 1 {
            for smaller in SmallerValues.of(value).prefix(20) {
                add { candidate in
                    for index in used where candidate.siblings[index].content?.value == value {
                        candidate.siblings[index].content?.value = smaller
                    }
                    if candidate.ancestor?.content?.value == value { candidate.ancestor?.content?.value = smaller }
                }
            }
        }
        return result
    }

    /// The content without what is said about it, and with smaller values.
    private static func smaller(_ content: ObjectContent?) -> [ObjectContent] {
        guard let content else { return [] }
        var result: [ObjectContent] = []
        var bare = ObjectContent(value: content.value, contentType: content.contentType)
        if bare != content { result.append(bare) }
        bare.contentType = nil
        if bare != content { result.append(bare) }
        for value in SmallerValues.of(content.value) {
            var smaller = content
            smaller.value = value
            result.append(smaller)
        }
        return result
    }
}
