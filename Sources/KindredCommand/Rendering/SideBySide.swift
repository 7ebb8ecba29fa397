/// Boxes beside each other, as many as the width has room for; the others below.
struct SideBySide {
    typealias Line = (role: Style.Role, text: String)

    /// A box: what is known about something, and below a rule what it is.
    struct Box {
        var head: [Line]
        /// As many lines as there are, for a width.
        var body: (_ width: Int) -> [Line]
    }

    let boxes: [Box]

    // A column needs room for a time.
    private static let narrowest = 38
    private static let widest = 60

    func lines(style: Style, width: Int) -> [String] {
        let perRow = max(1, min(boxes.count, (width - 1) / Self.narrowest))
        let column = min(Self.widest, (width - 1) / perRow - 1)
        return stride(from: 0, to: boxes.count, by: perRow).flatMap { first in
            row(boxes[first..<min(first + perRow, boxes.count)], column: max(column, 4), style: style)
        }
    }

    private func row(_ boxes: ArraySlice<Box>, column: Int, style: Style) -> [String] {
        let inner = column - 2
        func rule(_ left: String, _ middle: String, _ right: String) -> String {
            let line = String(repeating: "─", count: column)
            return style.apply(.faint, left + boxes.map { _ in line }.joined(separator: middle) + right)
        }
        func rows(_ cells: [[Line]]) -> [String] {
            let bar = style.apply(.faint, "│")
            let height = cells.map(\.count).max() ?? 0
            return (0..<height).map { line in
                let row = cells.map { cell in
                    let (role, text) = line < cell.count ? cell[line] : (.plain, "")
                    let cut = TextLayout.cut(text, to: inner)
                    return " " + style.apply(role, cut)
                        + String(repeating: " ", count: max(0, inner - TextLayout.width(cut))) + " "
                }
                return bar + row.joined(separator: bar) + bar
            }
        }
        return [rule("┌", "┬", "┐")] + rows(boxes.map(\.head)) + [rule("├", "┼", "┤")]
            + rows(boxes.map { $0.body(inner) }) + [rule("└", "┴", "┘")]
    }
}
