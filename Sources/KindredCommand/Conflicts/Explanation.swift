import KindredDiagrams
import KindredServer

/// How a key came to be what it is: in lines for a terminal, as a drawing and as a page.
struct Explanation {
    let report: ExplainReport

    /// Nothing has been written to the key, or nothing is known of it any more.
    var isEmpty: Bool { report.events.isEmpty }

    private var title: String { "\(report.type)/\(report.bucket)/\(report.key)" }

    // MARK: Events

    /// Names that are unique, also of writes that were refused and have none.
    private var names: [String] {
        var refused = 0
        return report.events.map { event in
            if let dot = event.party.dot { return dot }
            refused += 1
            return refused == 1 ? "–" : "–\(refused)"
        }
    }

    /// What drawings call a fate.
    private static func fate(_ event: ExplainReport.Event) -> Fate {
        switch event.fate {
        case "shown": .kept
        case "sibling": .sibling
        case "lost": .lostReported
        case "refused": .refused
        case "replaced": .replaced
        // Kept beside what is shown, or a delete: the line says so.
        default: .other
        }
    }

    /// What the drawings' names of fates leave open.
    private static func remark(_ event: ExplainReport.Event) -> String? {
        switch event.fate {
        case "shadowed": "kept, not shown"
        case "shown", "sibling", "lost", "refused", "replaced", "deleted": nil
        default: event.fate
        }
    }

    private var edges: [CausalGraph.Edge] {
        zip(report.events, names).flatMap { event, name in
            Self.saw(event).map { CausalGraph.Edge(name, hadSeen: $0) }
        }
    }

    /// What the writer had seen, also what is not known any more but for its name.
    private static func saw(_ event: ExplainReport.Event) -> [String] {
        guard let parent = event.party.parent, !event.sawDots.contains(parent) else { return event.sawDots }
        return [parent] + event.sawDots
    }

    /// What is only known because a later version names it as the one that it has replaced.
    private var forgotten: [String] {
        let known = Set(report.events.compactMap(\.party.dot))
        var told: Set<String> = []
        return report.events.compactMap(\.party.parent).filter { !known.contains($0) && told.insert($0).inserted }
    }

    private static let forgottenTitle = "(its value is not kept)"

    private static func client(_ event: ExplainReport.Event) -> String { event.party.client ?? "(no name)" }

    // MARK: For a terminal

    /// A line for each write.
    func lines(style: Style, width: Int, charset: CausalGraph.Charset) -> [String] {
        let name = ConflictWords.safe(title)
        var lines = [style.apply(.strong, name) + "  " + style.apply(.faint, ConflictWords.safe(report.strategy)), ""]
        if !isEmpty { lines += graphLines(style: style, width: width, charset: charset) + [""] }
        for line in report.verdict { lines += TextLayout.broken(ConflictWords.safe(line), width: max(40, width)) }
        guard !report.conflicts.isEmpty else { return lines }
        lines.append("")
        for conflict in report.conflicts {
            lines.append(style.apply(.strong, ConflictWords.safe(conflict.id)))
            lines += TextLayout.broken(ConflictWords.sentence(conflict), width: max(38, width - 2)).map { "  " + $0 }
        }
        return lines
    }

    private func graphLines(style: Style, width: Int, charset: CausalGraph.Charset) -> [String] {
        let days = Set(report.events.map { ConflictWords.second($0.party.writtenMs).prefix(10) })
        let clients = report.events.map { TextLayout.cut(ConflictWords.safe(Self.client($0)), to: 20) }
        let widest = clients.map { TextLayout.width($0) }.max() ?? 0
        let nodes = zip(zip(report.events, names), clients).map { pair, client in
            let (event, name) = pair
            // The day is only said where there are several.
            let time = ConflictWords.time(event.party.writtenMs).dropFirst(days.count == 1 ? 11 : 0).dropLast(4)
            let value = ConflictWords.excerpt(event.party.value, columns: max(12, width - widest - 50))
            let remark = Self.remark(event).map { "  \($0)" } ?? ""
            return CausalGraph.Node(
                name: name, title: "\(TextLayout.padded(client, to: widest))  \(time)  \(value)\(remark)",
                fate: Self.fate(event))
        }
        let older = forgotten.map { CausalGraph.Node(name: $0, title: Self.forgottenTitle, fate: .replaced) }
        let graph = CausalGraph(title: title, nodes: older + nodes, edges: edges)
        return graph.text(width: width, charset: charset) { fate, text in
            style.apply(Self.role(fate), text)
        }
    }

    private static func role(_ fate: Fate) -> Style.Role {
        switch fate {
        case .kept, .sibling: .good
        case .lostReported, .lostSilently, .refused: .bad
        case .replaced: .faint
        case .read, .other: .plain
        }
    }

    // MARK: A drawing

    var drawing: CausalGraph {
        let nodes = zip(report.events, names).map { event, name in
            var lines = [Self.client(event), ConflictWords.time(event.party.writtenMs)]
            if let remark = Self.remark(event) { lines.append(remark) }
            return CausalGraph.Node(
                name: name, title: ConflictWords.excerpt(event.party.value, columns: 32), lines: lines,
                fate: Self.fate(event))
        }
        let older = forgotten.map { CausalGraph.Node(name: $0, title: Self.forgottenTitle, fate: .replaced) }
        return CausalGraph(
            title: "\(title) (\(report.strategy))", nodes: older + nodes, edges: edges,
            caption: report.verdict.joined(separator: " "))
    }

    // MARK: A page

    var page: HTMLPage {
        var sections = [
            HTMLPage.Section("Who had seen whom", [.graph(drawing)]),
            HTMLPage.Section("Writes", [.table(writes)]),
        ]
        if !report.conflicts.isEmpty { sections.append(HTMLPage.Section("Conflicts", [.table(conflicts)])) }
        return HTMLPage(
            title: title, lead: report.verdict, sections: sections,
            footer: "Made by 'kindred explain' from what the key has and from its conflict log; "
                + "writes that were replaced knowingly and met nobody are not known any more. Times are UTC.")
    }

    private var writes: Table {
        let rows = zip(report.events, names).map { event, name in
            Table.Row([
                Table.Cell(name), Table.Cell(Self.client(event)), Table.Cell(ConflictWords.time(event.party.writtenMs)),
                Table.Cell(ConflictWords.excerpt(event.party.value, columns: 120)),
                Table.Cell(event.fate, fate: Self.fate(event)),
                Table.Cell(Self.saw(event).isEmpty ? "none of these" : Self.saw(event).joined(separator: ", ")),
            ])
        }
        let columns = ["Dot", "Client", "When", "Value", "Fate", "Had seen"]
        return Table(caption: "Every write that is known, oldest first", columns: columns.map { .init($0) }, rows: rows)
    }

    private var conflicts: Table {
        let rows = report.conflicts.map { conflict in
            Table.Row([
                Table.Cell(conflict.id), Table.Cell(ConflictWords.time(conflict.noticedMs)),
                Table.Cell(conflict.kind), Table.Cell(conflict.state), Table.Cell(ConflictWords.sentence(conflict)),
            ])
        }
        let columns = ["Id", "Noticed", "Kind", "State", "What happened"]
        return Table(
            caption: "What the conflict log has on the key", columns: columns.map { .init($0) }, rows: rows)
    }
}
