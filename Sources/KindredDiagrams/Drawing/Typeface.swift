/// How wide text becomes. The reader's fonts are unknown, so these are careful estimates: wider than most fonts are.
enum Typeface {
    case sans
    case mono

    /// The fonts to take, the first one that is there.
    var family: String {
        switch self {
        case .sans:
            "system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",\"Liberation Sans\",Arial,sans-serif"
        case .mono: "ui-monospace,SFMono-Regular,Menlo,Consolas,\"Liberation Mono\",monospace"
        }
    }

    /// The width in pixels of visible text at a size.
    func width(_ text: some StringProtocol, size: Double) -> Double {
        text.reduce(0) { $0 + advance($1) } * size
    }

    private func advance(_ character: Character) -> Double {
        guard let scalar = character.unicodeScalars.first else { return 0 }
        guard scalar.isASCII else { return Self.isWide(scalar) ? 1.3 : self == .mono ? 0.62 : 0.66 }
        guard self == .sans else { return 0.61 }
        switch character {
        case "i", "j", "l", "I", "t", "f", "r", ".", ",", ":", ";", "'", "|", "!", " ", "(", ")", "[", "]": return 0.36
        case "m", "w", "M", "W", "@", "%": return 0.92
        default: return character.isUppercase ? 0.68 : 0.58
        }
    }

    /// Whether East Asian fonts and emoji make it a square.
    static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.properties.isEmojiPresentation { return true }
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF,
            0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x20000...0x3FFFD:
            return true
        default: return false
        }
    }

    /// The visible text, cut with an ellipsis so that it fits into `width` pixels.
    func fitted(_ text: some StringProtocol, into width: Double, size: Double) -> String {
        // What cannot fit need not be measured.
        let beginning = text.prefix(max(1, Int(width / size * 4)))
        let visible = SafeText.visible(beginning)
        if beginning.endIndex == text.endIndex, self.width(visible, size: size) <= width { return visible }
        var result = ""
        var taken = size
        for character in visible {
            taken += advance(character) * size
            if taken > width { break }
            result.append(character)
        }
        return result + "…"
    }
}
