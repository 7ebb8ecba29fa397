import KindredClient

/// Draws a history: one column for each client, time goes down.
///
/// ```
///   A                      B
///   │                      │
///   ● milk                 │                  a write
///   ├─────────────────────▶○ reads milk       a read, from the column of the value's writer
///   │                      │
/// ```
struct Timeline {
    let demonstration: Demonstration
    let style: Style

    /// How wide a drawing is.
    static let width = 80
    private static let margin = 4

    private var history: History { demonstration.history }
    private var columnWidth: Int { (Self.width - Self.margin) / max(1, history.clients.count) }
    private func column(_ client: Int) -> Int { Self.margin + client * columnWidth }

    /// The whole drawing, title and outcome included.
    func lines(number: Int) -> [String] {
        var lines = [title(number)]
        lines += TextLayout.broken(demonstration.rule, width: Self.width - Self.margin).map {
            String(repeating: " ", count: Self.margin) + style.apply(.faint, $0)
        }
        lines.append("")
        lines += drawing
        lines.append("")
        lines += outcome
        return lines
    }

    private func title(_ number: Int) -> String {
        let left = "━━ \(number) ━ \(demonstration.title) "
        let right = " type \(history.bucket.type) · key \(history.key) ━━"
        let filling = Self.width - TextLayout.width(left) - TextLayout.width(right)
        return style.apply(.strong, left) + style.apply(.faint, String(repeating: "━", count: max(2, filling)) + right)
    }

    // MARK: The columns

    private var drawing: [String] {
        var canvas = Canvas(style: style)
        var heads = Row()
        for (client, name) in history.clients.enumerated() { heads.put(name, at: column(client), .client(client)) }
        canvas.append(heads)
        let drawn = demonstration.drawn ?? history.events.count
        for event in history.events.prefix(drawn) {
            canvas.append(lanes())
            draw(event, into: &canvas)
        }
        if history.events.count > drawn {
            canvas.append(lanes("┆"))
            var row = lanes("┆")
            row.put("\(history.events.count - drawn) more writes", at: column(0) + 2, .faint)
            canvas.append(row)
            canvas.append(lanes("┆"))
        }
        canvas.append(lanes("╵"))
        return canvas.lines
    }

    /// The columns as they go on, as far as nothing happens.
    private func lanes(_ character: Character = "│") -> Row {
        var row = Row()
        for client in history.clients.indices { row.put(String(character), at: column(client), .client(client)) }
        return row
    }

    private func draw(_ event: History.Event, into canvas: inout Canvas) {
        switch event {
        case .write(let client, let value, let seen, let result):
            var row = lanes()
            var label = "\(history.key) = \(value)"
            var note = seenInWords(seen)
            switch result {
            case .stored(_, let number):
                row.put("●", at: column(client), .client(client))
                if let number { label = "v\(number)  \(value)" }
            case .unchanged:
                row.put("●", at: column(client), .client(client))
                note = "accepted: it is there already"
            case .refused(let reason):
                row.put("✗", at: column(client), .bad)
                note = "refused: \(reason)"
            }
            row.put(TextLayout.cut(label, to: columnWidth - 3), at: column(client) + 2, .strong)
            canvas.append(row)
            annotate(client, note, in: &canvas)
        case .read(let client, let values):
            var row = lanes()
            let writers = writers(of: values)
            drawArrows(to: client, from: writers, into: &row)
            let text = "reads \(valuesInWords(values))"
            // An arrow that comes from the right takes the place of the text.
            if writers.allSatisfy({ $0 <= client }), TextLayout.width(text) <= columnWidth - 3 {
                row.put(Self.breakable(text), at: column(client) + 2, .plain)
                canvas.append(row)
            } else {
                canvas.append(row)
                annotate(client, text, .plain, in: &canvas)
            }
        }
    }

    /// Remarks beside a client's column.
    private func annotate(_ client: Int, _ text: String, _ role: Style.Role = .faint, in canvas: inout Canvas) {
        for line in TextLayout.broken(text, width: columnWidth - 3) {
            var row = lanes()
            row.put(Self.breakable(line), at: column(client) + 2, role)
            canvas.append(row)
        }
    }

    /// A value that is kept on one line if it fits there: its spaces do not count as such until it is drawn.
    private static func unbroken(_ value: String) -> String { value.replacing(" ", with: "\u{A0}") }

    private static func breakable(_ text: String) -> String { text.replacing("\u{A0}", with: " ") }

    // MARK: Words

    /// A value by the name it is told apart by.
    private func name(_ value: String) -> String {
        number(of: [value]).map { "v\($0)" } ?? value
    }

    private func valuesInWords(_ values: [String]) -> String {
        guard !values.isEmpty else { return "nothing" }
        let all = values.map(Self.unbroken).joined(separator: " and ")
        return number(of: values).map { "v\($0): \(all)" } ?? all
    }

    private func seenInWords(_ seen: [String]) -> String {
        guard !seen.isEmpty else { return "had seen nothing" }
        if let number = number(of: seen) { return "had read v\(number)" }
        return "had seen \(seen.map(Self.unbroken).joined(separator: " and "))"
    }

    /// The highest number among the versions with these values, which is what showing them is called; nil without version numbers.
    private func number(of values: [String]) -> Int? {
        let numbers = history.events.compactMap { event -> Int? in
            if case .write(_, let value, _, .stored(_, let number)) = event, values.contains(value) {
                number
            } else {
                nil
            }
        }
        return numbers.max()
    }

    // MARK: Arrows

    /// From the columns of the writers to the reader's, on each side.
    private func drawArrows(to reader: Int, from writers: Set<Int>, into row: inout Row) {
        let end = column(reader)
        if let first = writers.filter({ $0 < reader }).min() {
            for position in (column(first) + 1)..<(end - 1) { row.put("─", at: position, .client(first)) }
            for writer in writers where writer < reader {
                row.put(writer == first ? "├" : "┼", at: column(writer), .client(writer))
            }
            row.put("▶", at: end - 1, .client(first))
        }
        if let last = writers.filter({ $0 > reader }).max() {
            for position in (end + 2)..<column(last) { row.put("─", at: position, .client(last)) }
            for writer in writers where writer > reader {
                row.put(writer == last ? "┤" : "┼", at: column(writer), .client(writer))
            }
            row.put("◀", at: end + 1, .client(last))
        }
        row.put("○", at: end, .client(reader))
    }

    /// Who wrote these values.
    private func writers(of values: [String]) -> Set<Int> {
        Set(
            values.compactMap { value in
                for case .write(let client, value, _, .stored) in history.events { return client }
                return nil
            })
    }

    // MARK: The end

    private var outcome: [String] {
        var rows: [(name: String, role: Style.Role, text: String)] = []
        rows.append(("kept", .good, history.kept.isEmpty ? "nothing" : history.kept.joined(separator: "  and  ")))
        let replaced = history.replaced
        if demonstration.drawn != nil {
            rows.append(("replaced", .plain, "\(replaced.count) values, each by a write that had seen it"))
        } else if !replaced.isEmpty {
            rows.append(
                ("replaced", .plain, replaced.map { "\(name($0.value)) by \(name($0.by))" }.joined(separator: " · ")))
        }
        if !history.refused.isEmpty { rows.append(("refused", .bad, history.refused.joined(separator: " · "))) }
        let lost = history.lost
        rows.append(
            lost.isEmpty
                ? ("lost", .plain, "nothing")
                : ("lost", .bad, lost.map { "\($0): no later write had seen it" }.joined(separator: " · ")))
        let indentation = String(repeating: " ", count: Self.margin)
        var lines: [String] = []
        for row in rows {
            let texts = TextLayout.broken(row.text, width: Self.width - Self.margin - 10)
            for (index, text) in texts.enumerated() {
                let name = style.apply(.faint, TextLayout.padded(index == 0 ? row.name : "", to: 10))
                lines.append(indentation + name + style.apply(row.role, text))
            }
        }
        for check in demonstration.checks {
            let mark = check.holds ? style.apply(.good, "✓") : style.apply(.bad, "✗ NOT AS PROMISED:")
            lines.append(indentation + mark + " " + check.promise)
        }
        return lines
    }
}

/// Characters at positions, each with its role.
private struct Row {
    private(set) var cells: [(character: Character, role: Style.Role)] = []

    /// Puts text that is one column wide per character, or the end of the row.
    mutating func put(_ text: String, at position: Int, _ role: Style.Role) {
        for (offset, character) in text.enumerated() {
            while cells.count <= position + offset { cells.append((" ", .plain)) }
            cells[position + offset] = (character, role)
        }
    }

    func rendered(_ style: Style) -> String {
        var result = ""
        var run = ""
        var role = Style.Role.plain
        for cell in cells + [(" ", .plain)] {
            if cell.role != role {
                result += style.apply(role, run)
                run = ""
                role = cell.role
            }
            run.append(cell.character)
        }
        result += style.apply(role, run)
        while result.hasSuffix(" ") { result.removeLast() }
        return result
    }
}

/// Rows from top to bottom.
private struct Canvas {
    let style: Style
    private(set) var lines: [String] = []

    init(style: Style) { self.style = style }

    mutating func append(_ row: Row) { lines.append(row.rendered(style)) }
}
