/// The rules that come with Kindred. docs/resolvers.md tells which laws each of them obeys, and the tests hold it to
/// that.
extension Resolver {
    /// The names of all built-in rules.
    public static let builtInNames: [String] = builtIns.map(\.name)

    /// The built-in rule of this name; nil if there is none.
    ///
    /// `merge-json` without a parameter is `merge-json:fail`.
    public static func builtIn(_ name: String) -> Resolver? {
        let name = name == "merge-json" ? Resolver.mergeJSON(onConflict: .fail).name : name
        return builtIns.first { $0.name == name }
    }

    private static var builtIns: [Resolver] {
        [.union(), .union(of: .json), .union(of: .lines), .largest, .longest, .latest]
            + OnConflict.allCases.map { .mergeJSON(onConflict: $0) }
    }

    // MARK: Rules that choose

    /// The sibling with the latest timestamp, then with the largest dot. A delete may be the latest, too.
    public static let latest = Resolver(name: "latest", version: 1) { Choice.choose(from: $0, by: Choice.isEarlier) }

    /// The largest value: numbers by their value, anything else bytewise, and larger than every number.
    ///
    /// The two orders are one: if siblings were compared as numbers only where all of them are, `10` and `9` would
    /// give `10` by themselves and `9` beside a text, so that replicas which saw the text at different times would
    /// not agree. Deletes are the smallest.
    public static let largest = Resolver(name: "largest", version: 1) { Choice.choose(from: $0, by: Choice.isSmaller) }

    /// The value with the most bytes, among those the largest bytewise. Deletes are the shortest.
    public static let longest = Resolver(name: "longest", version: 1) { Choice.choose(from: $0, by: Choice.isShorter) }

    // MARK: Rules that merge

    /// What a union is made of.
    public enum UnionElements: String, Hashable, Sendable, CaseIterable {
        /// As the content types say: JSON for `application/json`, `text/json` and `…+json`, lines for any other
        /// `text/…`.
        case byContentType
        /// JSON arrays as sets, JSON objects member by member.
        case json
        /// Lines of text.
        case lines
    }

    /// All elements of all siblings, each once, in a canonical order. Nothing is ever removed by it: deletes count
    /// only if all siblings are deletes, and an ancestor is not looked at.
    ///
    /// - Elements of arrays are equal if their canonical texts are, and ordered by kind and value.
    /// - Objects are united member by member. Members that both have are united if they are arrays or
    ///   objects, and must be equal otherwise: `conflict` is thrown.
    /// - Lines are ordered bytewise; empty ones are left out, and each ends with a line feed.
    public static func union(of elements: UnionElements = .byContentType) -> Resolver {
        let name = elements == .byContentType ? "union" : "union:\(elements.rawValue)"
        return Resolver(name: name, version: 1) { try Union(elements: elements).resolve($0) }
    }

    /// What decides where siblings have changed the same field to different things.
    public enum OnConflict: String, Hashable, Sendable, CaseIterable {
        /// The latest of the siblings that changed the field. Not associative: see `mergeJSON(onConflict:)`.
        case latest
        /// The largest value, in the canonical order of JSON: null, booleans, numbers, texts, arrays, objects.
        /// Removing is the smallest.
        case largest
        /// Nothing: `conflict` is thrown, and the siblings stay.
        case fail
    }

    /// Merges JSON documents field by field, compared with the common ancestor: what only one sibling has changed,
    /// added or removed is taken from it. Fields that several have changed are merged in turn if they are objects,
    /// and otherwise decided by `onConflict`. Arrays are changed as a whole.
    ///
    /// Without an ancestor every field counts as added: a removed one comes back from siblings that still have it,
    /// and the result has the note `withoutAncestor`.
    ///
    /// With `latest` replicas that merge in steps may disagree: a document has one timestamp, so a field that is
    /// merged with a later document's other fields becomes later itself. It is for merging all siblings at one place.
    public static func mergeJSON(onConflict: OnConflict) -> Resolver {
        Resolver(name: "merge-json:\(onConflict.rawValue)", version: 1) { try JSONMerge.resolve($0, onConflict) }
    }
}
