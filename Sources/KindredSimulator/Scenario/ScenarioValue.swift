/// A value of a scenario as one canonical text: what a replica stores, and what outcomes are compared by.
///
/// Whoever reads a scenario chooses the text (`kindred sim scenario`: JSON with sorted members); two values are the
/// same if their texts are.
package struct ScenarioValue: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let text: String

    package init(_ text: String) {
        self.text = text
    }

    package var description: String { text }

    package static func < (left: ScenarioValue, right: ScenarioValue) -> Bool { left.text < right.text }
}

/// What a read shows: the values, and what an immutable key keeps beside them.
package struct ScenarioValues: Hashable, Sendable {
    /// Without duplicates, sorted.
    package var values: [ScenarioValue]
    /// What was written at the same time and is not shown, without duplicates, sorted. Nil where nothing is said about
    /// it.
    package var conflict: [ScenarioValue]?

    package init(values: [ScenarioValue], conflict: [ScenarioValue]? = nil) {
        self.values = Array(Set(values)).sorted()
        self.conflict = conflict.map { Array(Set($0)).sorted() }
    }

    /// Whether this satisfies an expectation. A conflict that is not named is not constrained.
    package func satisfies(_ expected: ScenarioValues) -> Bool {
        values == expected.values && (expected.conflict == nil || (conflict ?? []) == expected.conflict)
    }
}

/// What became of a step.
package struct ScenarioOutcome: Hashable, Sendable {
    package enum Status: String, Hashable, Sendable, CaseIterable {
        /// It was done.
        case ok
        /// The strategy, a limit or the token refuses the client's request.
        case rejected
        /// There is no leader that could answer.
        case unavailable
        /// A timestamp is too far ahead of the receiver's clock.
        case refused
        /// The client had no context to send, or there is no such message.
        case skipped
        /// A partition of the network is between the two.
        case dropped
    }

    package var status: Status
    /// What a read shows; nil for what is not a read.
    package var shown: ScenarioValues?
    /// The reason in words. Never compared.
    package var why: String?

    package init(_ status: Status, shown: ScenarioValues? = nil, why: String? = nil) {
        self.status = status
        self.shown = shown
        self.why = why
    }

    /// Whether this satisfies an expectation. What is not named is not constrained.
    package func satisfies(_ expected: ScenarioOutcome) -> Bool {
        guard status == expected.status else { return false }
        guard let wanted = expected.shown else { return true }
        return (shown ?? ScenarioValues(values: [])).satisfies(wanted)
    }
}
