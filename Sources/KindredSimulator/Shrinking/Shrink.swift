/// What `shrink` found.
package struct ShrinkResult<Item> {
    /// The items that are left: a subsequence of those given, with which the failure still happens.
    package let items: [Item]
    /// How often the failure was tried to be reproduced.
    package let tries: Int
    /// Whether no single item can be removed any more. False if the tries ran out before.
    package let isMinimal: Bool
}

extension ShrinkResult: Sendable where Item: Sendable {}

/// Makes a list that causes a failure as short as it can: first without large pieces, then without ever smaller ones,
/// at last without single items, until none can be spared or the tries have run out.
///
/// The order of items is kept. `items` itself is taken to fail and is not tried. The result is a list from which no
/// *single* item can be removed; finding a shortest one would take exponentially many tries.
///
/// (After Zeller, Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002. Only complements are tried: a
/// simulation is seldom made to fail by a part of its faults that is small and contiguous.)
///
/// - Parameters:
///   - maximumTries: how often `stillFails` may be called; each call is a whole run.
///   - stillFails: whether the failure happens with these items.
package func shrink<Item>(
    _ items: [Item], maximumTries: Int, stillFails: ([Item]) -> Bool
) -> ShrinkResult<Item> {
    var items = items
    var tries = 0
    var size = max(1, items.count / 2)
    while !items.isEmpty {
        var removedAny = false
        // From the end: what comes late often matters least, and removing it leaves what leads there unchanged.
        var end = items.count
        while end > 0 {
            guard tries < maximumTries else { return ShrinkResult(items: items, tries: tries, isMinimal: false) }
            let start = max(0, end - size)
            var candidate = items
            candidate.removeSubrange(start..<end)
            tries += 1
            if stillFails(candidate) {
                items = candidate
                removedAny = true
            }
            end = start
        }
        if size > 1 {
            size = max(1, min(size, items.count) / 2)
        } else if !removedAny {
            break
        }
    }
    return ShrinkResult(items: items, tries: tries, isMinimal: true)
}
