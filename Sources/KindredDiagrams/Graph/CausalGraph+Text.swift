extension CausalGraph {
    /// The characters that a terminal drawing may use.
    package enum Charset: Hashable, Sendable {
        /// Lines that join, and the marks of fates.
        case unicode
        /// `*`, `|`, `\`, `/` and `_` for the graph. (Titles and lines stay what they are.)
        case ascii
    }

    /// The graph as a terminal shows it, the newest version on top, as `git log --graph` draws commits:
    ///
    /// ```
    /// ◉    3.1  "cherry"  sibling
    /// │         Carol at n3
    /// │ ◉  2.1  "banana"  sibling
    /// ├─╯       Ben at n2
    /// ○    1.1  "apple"  replaced
    ///           Anna at n1
    /// ```
    ///
    /// - Parameters:
    ///   - width: how many columns a line may take; at least 20 are taken.
    ///   - paint: dresses a mark or the name of a fate, in colours say; it must not change what is seen of it.
    /// - Returns: lines without line ends.
    package func text(width: Int, charset: Charset = .unicode, paint: (Fate, String) -> String = { $1 }) -> [String] {
        let nodes = drawnNodes
        let marks: [Character] = nodes.map { charset == .ascii ? "*" : $0.fate.symbol }
        var drawing = TextGraph(order: CausalOrder(self), charset: charset, marks: marks)
        let width = max(20, width)
        var rows: [(prefix: [Character], mark: Int?, node: Int?, text: String)] = []
        let names = nodes.map { TextLines.cut(SafeText.visible($0.name.prefix(60)), to: 24) }
        let nameWidth = names.map { TextLines.columns($0) }.max() ?? 0
        for (index, cells) in drawing.rows() {
            let node = nodes[index]
            let name = names[index] + String(repeating: " ", count: nameWidth - TextLines.columns(names[index]))
            let title = SafeText.shortened(node.title, to: 200)
            rows.append((cells.node, cells.column, index, name + (title.isEmpty ? "" : "  " + title)))
            let lines = node.lines.prefix(Limit.linesPerNode).map { SafeText.shortened($0, to: 300) }
            let indent = String(repeating: " ", count: nameWidth + 2)
            // What stands directly below a version looks as if it had been seen by it.
            let isRoot = cells.connectors.isEmpty && cells.after[cells.column] == " "
            for number in 0..<max(lines.count, cells.connectors.count, isRoot ? 1 : 0) {
                // The lines that lead on from this version come first, what is said of it beside them.
                let prefix = number < cells.connectors.count ? cells.connectors[number] : cells.after
                rows.append((prefix, nil, nil, number < lines.count ? indent + lines[number] : ""))
            }
        }
        let graphWidth = min(rows.map { $0.prefix.count }.max() ?? 0, max(1, width / 2))
        let ellipsis: Character = charset == .ascii ? "~" : "…"
        var result = rows.map { row in
            var prefix = Array(row.prefix.prefix(graphWidth))
            if row.prefix.count > graphWidth { prefix[graphWidth - 1] = ellipsis }
            prefix += Array(repeating: " ", count: graphWidth - prefix.count + 2)
            var line = ""
            for (column, character) in prefix.enumerated() {
                if column == row.mark, let node = row.node, column < graphWidth,
                    row.prefix.count <= graphWidth || column < graphWidth - 1
                {
                    line += paint(nodes[node].fate, String(character))
                } else {
                    line.append(character)
                }
            }
            return line
                + labelled(
                    row.text, fate: row.node.map { nodes[$0].fate }, width: width - graphWidth - 2, ellipsis, paint)
        }
        for index in result.indices { while result[index].last == " " { result[index].removeLast() } }
        while result.last == "" { result.removeLast() }
        if leftOut > 0 { result.append("(\(Figures.grouped(leftOut)) more versions are not drawn)") }
        if !caption.isEmpty {
            result += [""] + TextLines.broken(SafeText.shortened(caption, to: 2_000), columns: width)
        }
        return result
    }

    /// The text, cut so that the fate's name behind it is always there in full, if there is one and it fits at all.
    private func labelled(
        _ text: String, fate: Fate?, width: Int, _ ellipsis: Character, _ paint: (Fate, String) -> String
    ) -> String {
        guard let fate, fate != .other else { return TextLines.cut(text, to: width, ellipsis: ellipsis) }
        let rest = width - fate.name.count - 2
        guard rest >= 4 else { return TextLines.cut(text, to: width, ellipsis: ellipsis) }
        return TextLines.cut(text, to: rest, ellipsis: ellipsis) + "  " + paint(fate, fate.name)
    }
}
