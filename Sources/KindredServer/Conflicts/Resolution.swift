import Foundation
import KindredModel
import KindredNode
import KindredReplication
import KindredResolvers

/// How the siblings of a key become one value.
enum Resolution: Sendable {
    /// A rule makes it of them.
    case rule(Resolver)
    /// One of them is written again, with all that is said about it.
    case keep(Dot)
    /// Somebody has made it.
    case value(ObjectContent)
    /// There is to be none.
    case delete

    /// What the conflict log says of it.
    var note: String {
        switch self {
        case .rule(let rule): "resolve by \(rule.name)"
        case .keep(let dot): "resolve by keeping \(ConflictReporting.text(dot))"
        case .value: "resolve by value"
        case .delete: "resolve by delete"
        }
    }
}

/// What `/kindred/v1/resolve` is asked for.
struct ResolutionWish: Decodable {
    var type: String?
    var bucket: String
    var key: String
    /// A built-in rule's name.
    var rule: String?
    /// A sibling's dot.
    var keep: String?
    var value: String?
    var valueBase64: String?
    var delete: Bool?
    var contentType: String?
    /// The dots of the siblings that were looked at; nil if it does not matter which they are.
    var seen: [String]?

    enum CodingKeys: String, CodingKey {
        case type, bucket, key, rule, keep, value, delete, seen
        case valueBase64 = "value_base64"
        case contentType = "content_type"
    }

    /// The longest body: the largest value in base 64, and its names beside it.
    static let longestBody = (Limits.objectMaximumBytes + 2) / 3 * 4 + (64 << 10)

    var name: ObjectName {
        ObjectName(type: Array((type ?? "default").utf8), bucket: Array(bucket.utf8), key: Array(key.utf8))
    }

    /// The one way that is named.
    func resolution() throws(ConflictRefusal) -> Resolution {
        var ways: [Resolution] = []
        if let rule { ways.append(.rule(try Self.builtIn(rule))) }
        if let keep { ways.append(.keep(try Self.dot(keep, in: "keep"))) }
        if let value { ways.append(.value(ObjectContent(value: Array(value.utf8), mediaType: contentType))) }
        if let valueBase64 {
            guard let bytes = Data(base64Encoded: valueBase64) else {
                throw Self.refused("value_base64: not base 64")
            }
            ways.append(.value(ObjectContent(value: [UInt8](bytes), mediaType: contentType)))
        }
        if delete == true { ways.append(.delete) }
        guard ways.count == 1, let way = ways.first else {
            let found = ways.isEmpty ? "none is given" : "\(ways.count) are given"
            throw Self.refused("give one of rule, keep, value, value_base64 and delete; \(found)")
        }
        if contentType != nil {
            guard case .value = way else { throw Self.refused("content_type goes with value and value_base64") }
        }
        return way
    }

    func seenDots() throws(ConflictRefusal) -> Set<Dot>? {
        guard let seen else { return nil }
        guard !seen.isEmpty else { throw Self.refused("seen: names no version; leave it out if it does not matter") }
        var dots: Set<Dot> = []
        for text in seen { dots.insert(try Self.dot(text, in: "seen")) }
        return dots
    }

    private static func builtIn(_ name: String) throws(ConflictRefusal) -> Resolver {
        guard let rule = Resolver.builtIn(name) else {
            throw refused("no rule '\(name)'; there are: \(Resolver.builtInNames.joined(separator: ", "))")
        }
        return rule
    }

    private static func dot(_ text: String, in field: String) throws(ConflictRefusal) -> Dot {
        guard let dot = ConflictReporting.dot(text) else {
            throw refused("\(field): '\(text)' names no version; they have names such as 3.a7")
        }
        return dot
    }

    private static func refused(_ description: String) -> ConflictRefusal {
        ConflictRefusal(description: description, status: 400)
    }
}
