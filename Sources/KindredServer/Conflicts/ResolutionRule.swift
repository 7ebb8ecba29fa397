import KindredModel

/// A built-in rule that makes one content of several.
struct ResolutionRule: Sendable {
    private let name: String

    static let names = ["latest", "largest", "longest"]

    init(_ name: String) throws(ConflictRefusal) {
        guard Self.names.contains(name) else {
            throw ConflictRefusal(
                description: "no rule '\(name)'; there are: \(Self.names.joined(separator: ", "))", status: 400)
        }
        self.name = name
    }

    func content(of versions: [Version]) throws -> [UInt8] {
        let chosen: Version?
        switch name {
        case "latest": chosen = versions.max { $1.isLater(than: $0) }
        case "longest":
            chosen = versions.max { ($0.content?.count ?? 0, $1.dot) < ($1.content?.count ?? 0, $0.dot) }
        default: chosen = versions.max { ($0.content ?? []).lexicographicallyPrecedes($1.content ?? []) }
        }
        return chosen?.content.map { Array($0) } ?? []
    }
}
