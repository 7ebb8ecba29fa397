/// A table of a page.
package struct Table: Hashable, Sendable {
    /// A column.
    package struct Column: Hashable, Sendable {
        /// Its heading.
        package var title: String
        /// Whether it has numbers, which stand right.
        package var isNumeric: Bool

        /// Describes a column.
        package init(_ title: String, isNumeric: Bool = false) {
            self.title = title
            self.isNumeric = isNumeric
        }
    }

    /// A cell.
    package struct Cell: Hashable, Sendable, ExpressibleByStringLiteral {
        /// What it says.
        package var text: String
        /// A remark in small letters below.
        package var note: String
        /// A fate whose mark stands before the text.
        package var fate: Fate?

        /// Describes a cell.
        package init(_ text: String, note: String = "", fate: Fate? = nil) {
            self.text = text
            self.note = note
            self.fate = fate
        }

        /// A cell that says just this.
        package init(stringLiteral value: String) {
            self.init(value)
        }
    }

    /// A row.
    package struct Row: Hashable, Sendable {
        /// Its cells; the first one names the row.
        package var cells: [Cell]
        /// A remark on the whole row, below its first cell.
        package var note: String

        /// Describes a row.
        package init(_ cells: [Cell], note: String = "") {
            self.cells = cells
            self.note = note
        }
    }

    /// What the table shows.
    package var caption: String
    /// The columns.
    package var columns: [Column]
    /// The rows; of cells, as many as there are columns count.
    package var rows: [Row]

    /// Describes a table.
    package init(caption: String, columns: [Column], rows: [Row]) {
        self.caption = caption
        self.columns = columns
        self.rows = rows
    }

    /// The most that one table shows.
    static let limit = 5_000

    var markup: String {
        let name = SafeText.escaped(SafeText.shortened(caption, to: 300))
        let heads = columns.map {
            "<th scope=\"col\"\($0.isNumeric ? " class=\"number\"" : "")>\(Self.text($0.title))</th>"
        }
        let lines = rows.prefix(Self.limit).map { "<tr>\(cells(of: $0))</tr>\n" }
        let rest = rows.count - lines.count
        let more = rest > 0 ? "<p class=\"note\">\(Figures.grouped(rest)) more rows are not shown.</p>\n" : ""
        return """
            <div class="scroll table" tabindex="0" role="region" aria-label="\(name)">
            <table>
            <caption>\(name)</caption>
            <thead><tr>\(heads.joined())</tr></thead>
            <tbody>
            \(lines.joined())</tbody>
            </table>
            </div>
            \(more)
            """
    }

    private func cells(of row: Row) -> String {
        columns.enumerated().map { number, column in
            let cell = number < row.cells.count ? row.cells[number] : Cell("")
            var content = cell.fate.map { Self.mark($0) } ?? ""
            content += Self.text(cell.text)
            for note in number == 0 ? [cell.note, row.note] : [cell.note] where !note.isEmpty {
                content += "<span class=\"note\">\(Self.text(note))</span>"
            }
            let style = column.isNumeric ? " class=\"number\"" : ""
            return number == 0 ? "<th scope=\"row\"\(style)>\(content)</th>" : "<td\(style)>\(content)</td>"
        }.joined()
    }

    private static func text(_ text: String) -> String { SafeText.escaped(SafeText.shortened(text, to: 400)) }

    private static func mark(_ fate: Fate) -> String {
        var canvas = Canvas()
        canvas.mark(fate, at: Point(x: 7, y: 7))
        return "<svg class=\"mark\" width=\"14\" height=\"14\" viewBox=\"0 0 14 14\" role=\"img\" "
            + "aria-label=\"\(fate.name)\">\(canvas.markup)</svg>"
    }
}
