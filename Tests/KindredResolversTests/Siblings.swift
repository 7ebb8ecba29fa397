import KindredModel
import KindredResolvers
import Testing

/// Siblings with these values: `texts[0]` is the earliest. A nil stands for a delete.
func siblings(_ texts: String?..., type: String = "application/json") -> [SiblingValue] {
    texts.enumerated().map { index, text in
        SiblingValue(
            content: text.map { ObjectContent(value: Array($0.utf8), contentType: Array(type.utf8)) },
            timestamp: UInt64(10 * (index + 1)), dot: Dot(ActorID(UInt32(index + 1)), 1))
    }
}

/// The ancestor with this value.
func ancestor(_ text: String?) -> SiblingValue {
    SiblingValue(
        content: text.map { ObjectContent(value: Array($0.utf8), contentType: Array("application/json".utf8)) },
        timestamp: 1, dot: Dot(ActorID(9), 1))
}

extension Resolver {
    /// The value of the result as text; nil if the key is deleted.
    func text(_ siblings: [SiblingValue], ancestor: SiblingValue? = nil) throws(ResolutionError) -> String? {
        let result = try resolve(try ResolutionInput(siblings, ancestor: ancestor))
        return result.content.map { String(decoding: $0.value, as: UTF8.self) }
    }

    /// Why these siblings are refused; nil if they are not.
    func refusal(_ siblings: [SiblingValue], ancestor: SiblingValue? = nil) -> ResolutionError? {
        do throws(ResolutionError) {
            _ = try text(siblings, ancestor: ancestor)
            return nil
        } catch {
            return error
        }
    }
}
