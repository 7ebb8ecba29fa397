/// Text that others chose — keys, values, names — made fit to be shown, and to be part of markup.
package enum SafeText {
    /// The most scalars that one character may have. A family of emoji has seven; a pile of accents has as many as its
    /// sender likes.
    static let scalarsPerCharacter = 12

    /// The text on one line with nothing in it that is invisible or acts on its neighbours: control characters, line
    /// ends, marks that turn the direction of writing, and what XML forbids are shown as escapes.
    package static func visible(_ text: some StringProtocol) -> String {
        var result = ""
        for character in text {
            for scalar in character.unicodeScalars.prefix(scalarsPerCharacter) { append(scalar, to: &result) }
        }
        return result
    }

    private static func append(_ scalar: Unicode.Scalar, to result: inout String) {
        switch scalar.value {
        case 0x0A: result += "\\n"
        case 0x0D: result += "\\r"
        case 0x09: result += "\\t"
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFF9...0xFFFB:
            result += escape(scalar)
        case _ where scalar.properties.isNoncharacterCodePoint:
            result += escape(scalar)
        default:
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: result += escape(scalar)
            default: result.unicodeScalars.append(scalar)
            }
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        "\\u{\(String(scalar.value, radix: 16))}"
    }

    /// The visible text; if it is longer than `limit` characters, its beginning, an ellipsis and how long it was.
    package static func shortened(_ text: some StringProtocol, to limit: Int) -> String {
        let beginning = text.prefix(max(1, limit))
        guard beginning.endIndex < text.endIndex else { return visible(text) }
        return visible(beginning) + "… (\(Figures.grouped(text.count)) characters)"
    }

    /// Visible text as part of markup, inside an element or an attribute in quotes.
    static func escaped(_ text: some StringProtocol) -> String {
        var result = ""
        for character in visible(text).unicodeScalars {
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }
}
