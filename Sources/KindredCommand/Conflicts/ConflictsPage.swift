import KindredServer

/// Conflicts as a table for people: a line each, or two where a line is too narrow.
struct ConflictsPage {
    let conflicts: [ConflictReport]

    /// With so many columns for key and words, one line has room for everything.
    private static let leastRoom = 40
    /// So that lines that come one by one stand below each other.
    private static let usual = (id: 14, state: 8, strategy: 15)
    private static let heading = ["WHEN (UTC)", "ID", "STATE", "STRATEGY", "KEY"]

    func lines(width: Int) -> [StyledLine] {
        guard !conflicts.isEmpty else { return ["No conflicts."] }
        let layout = Layout(conflicts, width: width)
        return [layout.heading] + conflicts.flatMap { layout.lines(of: $0) }
    }

    /// A conflict that has come just now.
    static func lines(ofOne conflict: ConflictReport, width: Int) -> [StyledLine] {
        Layout([conflict], width: width).lines(of: conflict)
    }

    /// How wide the columns are.
    private struct Layout {
        let isWide: Bool
        let id: Int
        let state: Int
        let strategy: Int
        let key: Int
        let summary: Int

        init(_ conflicts: [ConflictReport], width: Int) {
            func widest(_ least: Int, _ most: Int, _ text: (ConflictReport) -> String) -> Int {
                min(most, max(least, conflicts.map { TextLayout.width(ConflictWords.safe(text($0))) }.max() ?? 0))
            }
            id = widest(ConflictsPage.usual.id, 40, \.id)
            state = widest(ConflictsPage.usual.state, 12, \.state)
            strategy = widest(ConflictsPage.usual.strategy, 20, \.strategy)
            let names = min(400, conflicts.map { TextLayout.width(ConflictWords.address($0)) }.max() ?? 0)
            let taken = id + state + strategy + 8
            // Names and words are no use in less.
            isWide = width == .max || width - 21 - taken >= ConflictsPage.leastRoom
            if width == .max {
                (key, summary) = (names, 100)
            } else if isWide {
                let room = width - 21 - taken
                key = max(10, min(names, room * 2 / 5))
                summary = room - key
            } else {
                (key, summary) = (max(8, width - 11 - taken), max(20, width - 13))
            }
        }

        var heading: StyledLine {
            let cells = row(ConflictsPage.heading)
            return StyledLine(isWide ? cells + "  WHAT" : cells, .faint)
        }

        private func row(_ cells: [String]) -> String {
            let widths = [isWide ? 19 : 11, id, state, strategy, isWide ? key : 0]
            return zip(cells, widths).map { TextLayout.padded($0, to: $1) }.joined(separator: "  ")
        }

        func lines(of conflict: ConflictReport) -> [StyledLine] {
            func cell(_ text: String, _ width: Int) -> String {
                TextLayout.padded(TextLayout.cut(text, to: width), to: width)
            }
            let when = ConflictWords.second(conflict.noticedMs)
            // Without the year and the seconds: `show` tells them.
            let short = String(when.dropFirst(5).prefix(11))
            let start = StyledLine((isWide ? when : short) + "  ", .faint)
            let name = StyledLine(cell(ConflictWords.safe(conflict.id), id) + "  ", .strong)
            let state = StyledLine(cell(ConflictWords.safe(conflict.state), self.state) + "  ", role(conflict.state))
            let rule = StyledLine(cell(ConflictWords.safe(conflict.strategy), strategy) + "  ")
            let address = ConflictWords.address(conflict)
            let summary = TextLayout.cut(
                ConflictWords.summary(conflict, columns: self.summary), to: self.summary)
            let first = start + name + state + rule
            if isWide { return [first + StyledLine(cell(address, key) + "  ") + StyledLine(summary)] }
            return [
                first + StyledLine(TextLayout.cut(address, to: key)),
                StyledLine(String(repeating: " ", count: 13)) + StyledLine(summary),
            ]
        }

        private func role(_ state: String) -> Style.Role {
            switch state {
            case "open", "lost": .bad
            case "restored", "resolved": .good
            default: .plain
            }
        }
    }
}
