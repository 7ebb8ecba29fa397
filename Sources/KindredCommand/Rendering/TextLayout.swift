/// Text as a terminal shows it.
enum TextLayout {
    /// How many columns the text takes. Approximate where terminals differ among themselves.
    static func width(_ text: some StringProtocol) -> Int {
        text.reduce(0) { $0 + width($1) }
    }

    static func width(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        if first.isASCII { return 1 }
        if character.unicodeScalars.contains(where: { $0.properties.isEmojiPresentation || $0 == "\u{FE0F}" }) {
            return 2
        }
        switch first.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
            return 2
        default:
            switch first.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .format: return 0
            default: return 1
            }
        }
    }

    /// The text with nothing in it that a terminal would obey: control characters are shown as escapes. Line ends and tabs stay.
    static func harmless(_ text: some StringProtocol) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n", "\t":
                result.unicodeScalars.append(scalar)
            default:
                switch scalar.properties.generalCategory {
                case .control, .lineSeparator, .paragraphSeparator:
                    result += "\\u{\(String(scalar.value, radix: 16))}"
                case .format where turnsAround(scalar):
                    result += "\\u{\(String(scalar.value, radix: 16))}"
                default:
                    result.unicodeScalars.append(scalar)
                }
            }
        }
        return result
    }

    /// Whether it changes the direction of what stands beside it.
    private static func turnsAround(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    /// Bytes that are shown on one line: as text if they are text, else in base 16, cut off after 32 bytes.
    static func name(_ bytes: some Collection<UInt8>) -> String {
        if let text = String(validating: bytes, as: UTF8.self) {
            return harmless(text).replacing("\n", with: "\\n").replacing("\t", with: "\\t")
        }
        return "0x" + bytes.prefix(32).map(hexadecimal).joined() + (bytes.count > 32 ? "…" : "")
    }

    /// A value as lines no wider than `width`: text broken where it must be, anything else as bytes in base 16.
    ///
    /// - Parameter limit: how many lines there may be; the last one says what was left out.
    static func lines(of value: some Collection<UInt8>, width: Int, limit: Int) -> [String] {
        let width = max(width, 8)
        guard let text = String(validating: value, as: UTF8.self) else {
            return bytesAsLines(value, width: width, limit: limit)
        }
        // What a screenful cannot show need not be laid out.
        let beginning = text.prefix(width * (limit + 1))
        var lines = harmless(beginning).split(separator: "\n", omittingEmptySubsequences: false).flatMap {
            broken($0.replacing("\t", with: "    "), width: width)
        }
        if lines.count > 1, lines.last?.isEmpty == true { lines.removeLast() }
        guard lines.count > limit || beginning.endIndex < text.endIndex else { return lines }
        return lines.prefix(limit - 1) + ["… (\(count(value.count, "byte")) in all)"]
    }

    private static func bytesAsLines(_ value: some Collection<UInt8>, width: Int, limit: Int) -> [String] {
        // Each byte takes two digits and a space, and a column of its own if it is a printable character.
        let perLine = max(1, (width - 1) / 4)
        var lines: [String] = []
        var rest = value[...]
        while !rest.isEmpty {
            if lines.count == limit - 1, rest.count > perLine {
                return lines + ["… (\(count(value.count, "byte")) in all)"]
            }
            let line = rest.prefix(perLine)
            let digits = line.map(hexadecimal).joined(separator: " ")
            let characters = line.map { (0x20..<0x7F).contains($0) ? String(UnicodeScalar($0)) : "." }.joined()
            lines.append(padded(digits, to: perLine * 3) + characters)
            rest = rest.dropFirst(perLine)
        }
        return lines
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    /// Breaks a line so that no part is wider than `width`, between words where there are any.
    static func broken(_ line: some StringProtocol, width: Int) -> [String] {
        var lines: [String] = []
        var current: String?
        for word in line.split(separator: " ", omittingEmptySubsequences: false) {
            if let begun = current, Self.width(begun) + 1 + Self.width(word) <= width {
                current = begun + " " + word
                continue
            }
            if let begun = current { lines.append(begun) }
            var part = ""
            var partWidth = 0
            for character in word {
                let characterWidth = Self.width(character)
                if partWidth + characterWidth > width {
                    lines.append(part)
                    (part, partWidth) = ("", 0)
                }
                part.append(character)
                partWidth += characterWidth
            }
            current = part
        }
        return lines + [current ?? ""]
    }

    /// The text, cut so that it takes at most `width` columns.
    static func cut(_ text: String, to width: Int) -> String {
        guard self.width(text) > width else { return text }
        var result = ""
        var taken = 0
        for character in text {
            let next = self.width(character)
            if taken + next > width - 1 { break }
            result.append(character)
            taken += next
        }
        return result + "…"
    }

    /// The text, filled up with spaces to `width` columns.
    static func padded(_ text: String, to width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - self.width(text)))
    }

    /// "1 byte", "3,072 bytes".
    static func count(_ number: Int, _ unit: String) -> String {
        "\(grouped(number)) \(unit)\(number == 1 ? "" : "s")"
    }

    /// `1,234,567`.
    static func grouped(_ number: Int) -> String {
        let digits = String(number)
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3), result != "-" { result.append(",") }
            result.append(digit)
        }
        return result
    }

    /// Rows of cells, as wide as their widest cell, two spaces apart.
    static func table(_ rows: [[String]]) -> [String] {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], width(cell))
            }
        }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : padded(cell, to: widths[column])
            }
            return cells.joined(separator: "  ")
        }
    }
}
