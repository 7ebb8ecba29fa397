import Foundation
import KindredClient
import KindredModel
import KindredResolvers

/// What is to be done about one key when a bucket is copied into one with another strategy. Nothing that is in the target is ever replaced
/// unless that was asked for, and nothing is chosen among siblings without a rule.
enum CopyStep: Equatable {
    /// The source has no value.
    case nothing
    /// The target has it already.
    case same
    /// Write these, one beside the other, where the target has nothing.
    case write([ObjectContent])
    /// Write these beside what the target has, which are others of the source's siblings: an earlier copy was interrupted.
    case add([ObjectContent])
    /// Write this over what the target has, having seen it.
    case replace(ObjectContent)
    /// Leave the key, for this reason.
    case leave(Reason)

    enum Reason: Equatable {
        /// The source has several values, and the target's strategy keeps one.
        case severalValues(Int)
        /// The rule cannot merge them: its own words.
        case unmergeable(String)
        /// The target has something else.
        case differs

        var text: String {
            switch self {
            case .severalValues(let count):
                "has \(count) values, and the target keeps one: name a --rule that merges them"
            case .unmergeable(let reason): "cannot be merged: \(reason)"
            case .differs: "has other content in the target already"
            }
        }
    }

    /// Decides about one key.
    ///
    /// - Parameters:
    ///   - keepsSiblings: whether the target's strategy keeps several values.
    ///   - rule: merges siblings into one; nil where they are kept, or left.
    ///   - overwrites: whether what the target has may be replaced.
    init(
        from source: StoredObject, to target: StoredObject, keepsSiblings: Bool, rule: Resolver?, overwrites: Bool
    ) {
        let values = source.siblings.filter { !$0.isDeleted }
        guard !values.isEmpty else {
            self = .nothing
            return
        }
        var contents = values.map(\.content)
        if contents.count > 1, let rule {
            do throws(ResolutionError) {
                let result = try rule.resolve(try ResolutionInput(values.enumerated().map(CopyStep.sibling)))
                guard let content = result.content else {
                    self = .nothing
                    return
                }
                contents = [content]
            } catch {
                self = .leave(.unmergeable("\(error)"))
                return
            }
        }
        if contents.count > 1, !keepsSiblings {
            self = .leave(.severalValues(contents.count))
            return
        }
        let present = target.siblings.filter { !$0.isDeleted }.map(\.content)
        if present.isEmpty {
            self = .write(contents)
        } else if Set(present) == Set(contents) {
            self = .same
        } else if keepsSiblings, Set(present).isSubset(of: contents) {
            self = .add(contents.filter { !present.contains($0) })
        } else if overwrites, contents.count == 1 {
            self = .replace(contents[0])
        } else {
            self = .leave(.differs)
        }
    }

    private static func sibling(_ position: Int, _ value: Sibling) -> SiblingValue {
        // The dots are not told; the order of the answer is that of the dots.
        SiblingValue(
            content: value.content,
            timestamp: value.lastModified.map { UInt64(max($0.timeIntervalSince1970, 0) * 1_000) } ?? 0,
            dot: Dot(ActorID(1), UInt64(position + 1)))
    }
}

/// How many keys had what done about them.
struct CopyTotals: Equatable {
    var copied = 0
    var merged = 0
    var same = 0
    var replaced = 0
    var left = 0
    var failed = 0

    var all: Int { copied + same + replaced + left + failed }

    var properties: [Property] {
        [
            Property("keys", .integer(Int64(all))), Property("copied", .integer(Int64(copied))),
            Property("merged", .integer(Int64(merged))), Property("same", .integer(Int64(same))),
            Property("replaced", .integer(Int64(replaced))), Property("left", .integer(Int64(left))),
            Property("failed", .integer(Int64(failed))),
        ]
    }

    var sentence: String {
        var parts = ["\(TextLayout.count(copied, "key")) copied"]
        if merged > 0 { parts.append("\(merged) of them merged by the rule") }
        if replaced > 0 { parts.append("\(replaced) replaced") }
        if same > 0 { parts.append("\(same) there already") }
        if left > 0 { parts.append("\(left) left as they are") }
        if failed > 0 { parts.append("\(failed) failed") }
        return parts.joined(separator: ", ")
    }
}
