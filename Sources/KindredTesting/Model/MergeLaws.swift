package import KindredModel

/// Checks that merging is a join: commutative, associative, idempotent, and never forgets an event.
package enum MergeLaws {
    /// Tries every triple of some objects with a strategy's merge, and checks that none of them reports a divergence.
    ///
    /// - Returns: the first violation found; nil if there is none.
    package static func violation(of strategy: ConflictStrategy, among objects: [CausalObject]) -> String? {
        var divergences: [CausalObject.Divergence] = []
        let violation = violation(among: objects) { other, object in
            divergences += strategy.merge(other, into: &object)
        }
        return violation ?? (divergences.isEmpty ? nil : "divergences \(divergences)")
    }

    /// Tries every triple of some objects.
    ///
    /// - Parameter merge: joins its first argument into the second.
    /// - Returns: the first violation found; nil if there is none.
    package static func violation(
        among objects: [CausalObject], merge: (CausalObject, inout CausalObject) -> Void
    ) -> String? {
        func join(_ left: CausalObject, _ right: CausalObject) -> CausalObject {
            var result = left
            merge(right, &result)
            return result
        }
        // joined[i][j] is the join of the objects i and j.
        let joined = objects.map { left in objects.map { join(left, $0) } }
        for (i, left) in objects.enumerated() {
            if joined[i][i] != left { return "not idempotent: \(left) with itself gives \(joined[i][i])" }
            for (j, right) in objects.enumerated() {
                let both = joined[i][j]
                if both != joined[j][i] {
                    return "not commutative: \(left) and \(right) give \(both) or \(joined[j][i])"
                }
                var events = left.context
                events.merge(right.context)
                if both.context != events { return "forgets: \(left) and \(right) give \(both)" }
                for (k, third) in objects.enumerated() {
                    let one = join(both, third)
                    let other = join(left, joined[j][k])
                    if one != other {
                        return "not associative: \(left), \(right) and \(third) give \(one) or \(other)"
                    }
                }
            }
        }
        return nil
    }
}
