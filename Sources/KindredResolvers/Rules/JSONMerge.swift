import KindredModel

/// The rule `merge-json`: see `Resolver.mergeJSON(onConflict:)`.
///
/// One function serves all: with the ancestor, a value is unchanged, changed, added or removed; a missing ancestor
/// makes every value an added one; a deleted key is a document that was removed.
///
/// With `largest` the merge is a join. For each field, in the eyes of an ancestor: unchanged < removed < null <
/// booleans < numbers < texts < arrays < objects, and objects among each other are joined field by field. With `fail`
/// it is a partial one: a conflict of two siblings stays one whatever is merged first.
struct JSONMerge {
    private let onConflict: Resolver.OnConflict
    private var notes: [ResolutionNote] = []

    /// What a sibling has at some place. `rank` orders the siblings by time, and is the same for siblings that cannot
    /// be told apart.
    private struct Side {
        let rank: Int
        let value: ExactJSON?
    }

    static func resolve(
        _ input: ResolutionInput, _ onConflict: Resolver.OnConflict
    ) throws(ResolutionError) -> ResolvedValue {
        // From the earliest to the latest. Siblings that neither time nor name orders are ordered by what they hold.
        let siblings = input.siblings.sorted { left, right in
            if right.isLater(than: left) { return true }
            if left.isLater(than: right) { return false }
            return (left.content?.encoded() ?? []).lexicographicallyPrecedes(right.content?.encoded() ?? [])
        }
        var sides: [Side] = []
        for (rank, sibling) in siblings.enumerated() {
            sides.append(Side(rank: rank, value: try sibling.content?.json()))
        }
        let ancestor = try input.ancestor?.content?.json()
        var merge = JSONMerge(onConflict: onConflict)
        if input.ancestor == nil, sides.count > 1 { merge.notes.append(.withoutAncestor) }
        guard let value = try merge.merge(sides, ancestor: ancestor, at: JSONPath()) else {
            return ResolvedValue(content: nil, notes: merge.notes)
        }
        return ResolvedValue(
            .merged(siblings.compactMap(\.content), value: value.canonical()), notes: merge.notes)
    }

    private init(onConflict: Resolver.OnConflict) {
        self.onConflict = onConflict
    }

    /// Merges what the siblings have at one place; nil if there is nothing in the end.
    private mutating func merge(
        _ sides: [Side], ancestor: ExactJSON?, at path: JSONPath
    ) throws(ResolutionError) -> ExactJSON? {
        let changed = sides.filter { $0.value != ancestor }
        guard let first = changed.first else { return ancestor }
        if changed.allSatisfy({ $0.value == first.value }) { return first.value }
        let objects = changed.filter { $0.value?.members != nil }
        if objects.count == changed.count { return try mergeMembers(objects, ancestor: ancestor, at: path) }
        switch onConflict {
        case .fail:
            throw .conflict(path: path.description)
        case .latest:
            notes.append(.chosen(path: path.description, by: "latest"))
            return changed.max { $0.rank < $1.rank }?.value
        case .largest:
            notes.append(.chosen(path: path.description, by: "largest"))
            if !objects.isEmpty { return try mergeMembers(objects, ancestor: ancestor, at: path) }
            return changed.compactMap(\.value).max()
        }
    }

    private mutating func mergeMembers(
        _ objects: [Side], ancestor: ExactJSON?, at path: JSONPath
    ) throws(ResolutionError) -> ExactJSON {
        var members: [ExactJSON.Member] = []
        // The ancestor is the last column.
        var rows = MemberRows(objects.map { $0.value?.members ?? [] } + [ancestor?.members ?? []])
        while let (name, row) = rows.next() {
            let sides = zip(objects, row).map { Side(rank: $0.rank, value: $1) }
            let value = try merge(sides, ancestor: row[objects.count], at: path.appending(name))
            if let value { members.append(.init(name, value)) }
        }
        return .object(members)
    }
}
