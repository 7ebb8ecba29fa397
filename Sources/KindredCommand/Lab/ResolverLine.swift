import Foundation
import KindredModel
import KindredResolvers

/// The lines that a resolver in another process reads and writes. docs/resolvers.md describes them.
enum ResolverLine {
    /// What a program has answered.
    enum Answer {
        case value(ResolvedValue)
        /// It says that it cannot resolve these siblings: an answer like any other.
        case refusal(String)
    }

    /// Siblings as a line, without its end.
    static func question(_ input: ResolutionInput) -> [UInt8] {
        var members = [ExactJSON.Member("siblings", .array(input.siblings.map(json)))]
        if let ancestor = input.ancestor { members.append(.init("ancestor", json(ancestor))) }
        return ExactJSON.object(unordered: members).canonical()
    }

    private static func json(_ sibling: SiblingValue) -> ExactJSON {
        var members: [ExactJSON.Member] = [
            .init("timestamp", .integer(sibling.timestamp)), .init("version", .string(sibling.dot.description)),
            .init("deleted", .bool(sibling.isDeleted)),
        ]
        if let content = sibling.content {
            if String(validating: content.value, as: UTF8.self) != nil {
                members.append(.init("value", .string(content.value)))
            } else {
                members.append(.init("value", .string(Data(content.value).base64EncodedString())))
                members.append(.init("encoding", .string("base64")))
            }
            if let type = content.contentType {
                members.append(.init("contentType", .string(String(decoding: type, as: UTF8.self))))
            }
        }
        return .object(unordered: members)
    }

    /// What a line says.
    static func answer(_ line: [UInt8]) throws(LabFailure) -> Answer {
        let document: ExactJSON
        do throws(ExactJSONError) {
            document = try ExactJSON(reading: line)
        } catch {
            throw LabFailure("its answer is not JSON: \(error.description)")
        }
        if let error = document["error"] {
            guard let text = error.text else { throw LabFailure("its answer has an 'error' that is no text") }
            return .refusal(String(decoding: text, as: UTF8.self))
        }
        if document["deleted"] == .bool(true) { return .value(.delete) }
        guard let text = document["value"]?.text else {
            throw LabFailure("its answer has neither a text 'value', nor 'deleted', nor 'error'")
        }
        var value = text
        switch document["encoding"] {
        case nil: break
        case .string(let encoding) where encoding == Array("base64".utf8):
            guard let bytes = Data(base64Encoded: Data(text)) else {
                throw LabFailure("its answer's 'value' is not in base 64")
            }
            value = [UInt8](bytes)
        default: throw LabFailure("its answer has an unknown 'encoding'")
        }
        return .value(ResolvedValue(ObjectContent(value: value, contentType: document["contentType"]?.text)))
    }
}
