package import KindredModel

/// What one strategy would have made of a recorded workload.
package struct ReplayResult: Sendable {
    package let strategy: ConflictStrategy
    /// Puts and deletes that were asked for.
    package var puts = 0
    package var deletes = 0
    /// Of these, what clients would have been told has worked, "nothing had to change" included.
    package var acknowledged = 0
    /// Puts of content that was there already.
    package var unchanged = 0
    /// Acknowledged puts by what became of them. The one value of its key at the end:
    package var kept = 0
    /// One of several values at the end:
    package var siblings = 0
    /// Gone because a later writer had seen it:
    package var replaced = 0
    /// Puts that were dropped for one that had not seen them: about what a conflict log enters as lost. Another writer
    /// that had read such a value may write all the same; then it counts as replaced in the end.
    package var overwrittenUnseen = 0
    /// Gone although no writer had seen it, because of a write without a context, which cannot have seen anything:
    package var lostToBlind = 0
    /// The same because of a write with a context, which had seen something else:
    package var lostToInformed = 0
    /// Of those that were lost, how many had the same content as what they lost to.
    package var lostToEqual = 0
    /// Kept and not shown: other content was given to an immutable key elsewhere.
    package var shadowed = 0
    /// How many were refused for which reason.
    package var refused: [String: Int] = [:]
    /// Of these, how many were puts.
    package var refusedPuts = 0
    /// Writes that met a value which they had not seen.
    package var conflicts = 0
    /// Of these, how many met nothing but the content that they wrote themselves.
    package var harmless = 0
    /// The most values that a key had at a time.
    package var mostSiblings = 0
    /// How many times a key came to have several values: an application would have had to merge them.
    package var merges = 0
    /// Of these, how many were there still at the end.
    package var unresolved = 0
    /// How long they stood, in milliseconds.
    package var standing: UInt64 = 0
    package var longestStanding: UInt64 = 0
    /// The sum and number of values that keys had after writes.
    package var valuesAfterWrites = 0
    package var effectiveWrites = 0
    package var keys = 0
    /// Keys with a conflict, a loss or a refusal.
    package var keysAffected = 0
    /// The worst of them, at most ten.
    package var worst: [KeyResult] = []

    package init(_ strategy: ConflictStrategy) { self.strategy = strategy }

    package var lost: Int { lostToBlind + lostToInformed }
    package var refusals: Int { refused.values.reduce(0, +) }

    /// How many values a key had on average after a write.
    package var meanValues: Double {
        effectiveWrites == 0 ? 0 : Double(valuesAfterWrites) / Double(effectiveWrites)
    }

    /// How long several values stood on average, in milliseconds.
    package var meanStanding: UInt64 { merges == 0 ? 0 : standing / UInt64(merges) }

    static let worstCount = 10

    /// What one key adds.
    package struct KeyResult: Hashable, Sendable {
        package var name: String
        package var writes = 0
        package var lost = 0
        package var shadowed = 0
        package var refused = 0
        package var conflicts = 0
        package var mostSiblings = 0

        var isAffected: Bool { lost + shadowed + refused + conflicts > 0 }

        /// Losses first: they cannot be made good.
        static func isWorse(_ left: KeyResult, _ right: KeyResult) -> Bool {
            let (one, two) = (left.lost + left.shadowed, right.lost + right.shadowed)
            if one != two { return one > two }
            let (more, less) = (left.refused + left.conflicts, right.refused + right.conflicts)
            return more == less ? left.name < right.name : more > less
        }
    }

    mutating func add(_ key: KeyResult) {
        keys += 1
        guard key.isAffected else { return }
        keysAffected += 1
        if worst.count == Self.worstCount, let last = worst.last, KeyResult.isWorse(last, key) { return }
        worst.append(key)
        worst.sort(by: KeyResult.isWorse)
        if worst.count > Self.worstCount { worst.removeLast() }
    }
}
