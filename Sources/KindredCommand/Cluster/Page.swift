import KindredDiagrams

/// A line of a page for people, as pieces with their roles.
struct StyledLine: Hashable, Sendable, ExpressibleByStringLiteral {
    struct Piece: Hashable, Sendable {
        var role: Style.Role
        var text: String
    }

    var pieces: [Piece]

    init(_ text: String, _ role: Style.Role = .plain) {
        pieces = [Piece(role: role, text: text)]
    }

    init(stringLiteral text: String) {
        self.init(text)
    }

    static func + (first: StyledLine, second: StyledLine) -> StyledLine {
        var line = first
        line.pieces += second.pieces
        return line
    }

    /// Nothing of a piece acts on the terminal, wherever its text comes from; only its role does.
    func text(_ style: Style) -> String {
        pieces.map { style.apply($0.role, SafeText.visible($0.text)) }.joined()
    }

    /// What it says, without colours.
    var plain: String { text(Style(isOn: false)) }
}

/// How the pages for people are laid out.
enum Page {
    /// A table whose first row is its heading.
    static func table(_ rows: [[String]]) -> [StyledLine] {
        // Before it is laid out: an escape is wider than what it stands for.
        TextLayout.table(rows.map { $0.map { SafeText.visible($0) } }).enumerated().map { index, line in
            StyledLine(line.trimmingTrailingSpaces, index == 0 ? .faint : .plain)
        }
    }

    /// Names that a node has sent: nothing in them that a terminal would obey.
    static func name(_ text: String) -> String { TextLayout.name(Array(text.utf8)) }

    static func names(_ names: [String]) -> String { names.map(name).joined(separator: ", ") }

    /// A zone; nodes without one are all in the same.
    static func zone(_ text: String) -> String { text.isEmpty ? "–" : name(text) }

    /// "1 partition", "2 partitions".
    static func count(_ number: Int, _ unit: String) -> String { TextLayout.count(number, unit) }

    /// `1 replica is`, `2 replicas are`.
    static func are(_ number: Int, _ unit: String) -> String { "\(count(number, unit)) \(number == 1 ? "is" : "are")" }

    /// `812 bytes`, `1.5 MiB`.
    static func bytes(_ number: UInt64) -> String {
        guard number >= 1_024 else { return count(Int(number), "byte") }
        var value = Double(number) / 1_024
        for unit in ["KiB", "MiB", "GiB"] {
            if value < 1_023.95 { return "\(SimulationProgress.decimal(value)) \(unit)" }
            value /= 1_024
        }
        return "\(SimulationProgress.decimal(value)) TiB"
    }

    /// `250 µs`, `1.4 ms`, `2.0s`, `1h 05m`.
    static func time(microseconds: UInt64) -> String {
        if microseconds < 1_000 { return "\(microseconds) µs" }
        let milliseconds = Double(microseconds) / 1_000
        if milliseconds < 999.95 { return "\(SimulationProgress.decimal(milliseconds)) ms" }
        return SimulationProgress.duration(milliseconds / 1_000)
    }

    /// `14 ms`, `2.0s`, `1h 05m`.
    static func time(milliseconds: UInt64) -> String {
        milliseconds < 1_000 ? "\(milliseconds) ms" : SimulationProgress.duration(Double(milliseconds) / 1_000)
    }
}

extension String {
    fileprivate var trimmingTrailingSpaces: String {
        guard let last = lastIndex(where: { $0 != " " }) else { return "" }
        return String(self[...last])
    }
}
