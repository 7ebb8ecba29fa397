/// Text in columns of equal width, as terminals have them.
enum TextLines {
    /// How many columns visible text takes. Approximate where terminals differ among themselves.
    static func columns(_ text: some StringProtocol) -> Int { text.reduce(0) { $0 + columns($1) } }

    private static func columns(_ character: Character) -> Int {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        if scalar.isASCII { return 1 }
        if Typeface.isWide(scalar) || character.unicodeScalars.contains("\u{FE0F}") { return 2 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return 1
        }
    }

    /// Visible text, cut with an ellipsis to at most `limit` columns.
    static func cut(_ text: String, to limit: Int, ellipsis: Character = "…") -> String {
        guard columns(text) > limit else { return text }
        var result = ""
        var taken = 1
        for character in text {
            taken += columns(character)
            if taken > limit { break }
            result.append(character)
        }
        return limit > 0 ? result + String(ellipsis) : ""
    }

    /// Lines no wider than `columns`, broken between words; a word that is wider is cut.
    static func broken(_ text: String, columns limit: Int) -> [String] {
        var lines: [String] = []
        var current = ""
        for word in text.split(separator: " ") {
            let word = cut(String(word), to: max(1, limit))
            if current.isEmpty {
                current = word
            } else if columns(current) + 1 + columns(word) <= limit {
                current += " " + word
            } else {
                lines.append(current)
                current = word
            }
        }
        return current.isEmpty ? lines : lines + [current]
    }
}
