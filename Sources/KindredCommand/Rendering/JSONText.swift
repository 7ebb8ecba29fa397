import Foundation
import KindredModel

/// JSON as the commands write it: members in a meaningful order, two spaces of indentation, UTF-8.
///
/// A `PropertyValue` maps to JSON one to one, so it is the document here, too.
enum JSONText {
    /// The document, without an end of line.
    static func encode(_ value: PropertyValue, indentation: Int = 0) -> String {
        let inner = String(repeating: " ", count: indentation + 2)
        let outer = String(repeating: " ", count: indentation)
        switch value {
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        case .text(let text): return quoted(text)
        case .list(let values):
            if values.isEmpty { return "[]" }
            let items = values.map { inner + encode($0, indentation: indentation + 2) }
            return "[\n\(items.joined(separator: ",\n"))\n\(outer)]"
        case .object(let fields):
            if fields.isEmpty { return "{}" }
            let members = fields.map { field in
                "\(inner)\(quoted(field.name)): \(encode(field.value, indentation: indentation + 2))"
            }
            return "{\n\(members.joined(separator: ",\n"))\n\(outer)}"
        }
    }

    /// The document without line ends; text by itself without quotes. For people.
    static func onOneLine(_ value: PropertyValue) -> String {
        switch value {
        case .text(let text): TextLayout.name(Array(text.utf8))
        case .list(let values): "[" + values.map(onOneLine).joined(separator: ", ") + "]"
        case .object(let fields):
            "{" + fields.map { "\($0.name): \(onOneLine($0.value))" }.joined(separator: ", ") + "}"
        case .bool, .integer: encode(value)
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.properties.generalCategory == .control:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// Bytes as members: `name` as text if they are UTF-8; otherwise `name` in base 64, and `marker` says so.
    static func members(_ name: String, _ bytes: [UInt8], marker: String) -> [Property] {
        if let text = String(validating: bytes, as: UTF8.self) { return [Property(name, .text(text))] }
        return [Property(name, .text(Data(bytes).base64EncodedString())), Property(marker, "base64")]
    }
}
