import KindredSimulator

/// A comparison as people read it: a few tables with the same rows, and the histories that fail.
struct LabTable {
    let comparison: LabComparison

    init(_ comparison: LabComparison) {
        self.comparison = comparison
    }

    func lines(_ style: Style) -> [String] {
        var lines = [
            style.apply(
                .strong,
                "One workload, \(comparison.rows.count) \(comparison.rows.count == 1 ? "strategy" : "strategies")")
        ]
        lines += described
        lines += section("Acknowledged writes, and what became of them", style, Self.fateTitles) { row in
            let m = row.measures
            return [
                Cell(m.acknowledged), Cell(m.lostSilently, isBad: m.lostSilently > 0), Cell(m.lostAndReported),
                Cell(m.resurrected, isBad: m.resurrected > 0), Cell(m.refused), Cell(m.unavailable),
            ]
        }
        lines += section("What readers saw", style, Self.siblingTitles) { row in
            let m = row.measures
            return [
                Cell(m.siblingsMaximum), Cell(LabFigures.hundredths(m.valuesShown, m.readsWithValue)),
                Cell(m.falseSiblings, isBad: m.falseSiblings > 0), Cell(m.readsToMerge), Cell(m.valuesToMerge),
            ]
        }
        lines += section("The cut, and what it all cost", style, Self.costTitles) { row in
            let m = row.measures
            return [
                Cell(LabFigures.percent(m.servedByMinority, m.askedOfMinority)),
                Cell(LabFigures.percent(m.servedByMajority, m.askedOfMajority)),
                Cell(LabFigures.convergence(m.longestConvergence, diverged: m.diverged), isBad: m.diverged > 0),
                Cell(LabFigures.rounded(m.metadataBytes, m.metadataKeys)),
                Cell(LabFigures.rounded(m.contextBytes, m.reads)),
                Cell(LabFigures.tenths(m.messages, m.answeredWrites)),
                Cell(LabFigures.rounded(m.bytes, m.answeredWrites)),
            ]
        }
        lines += sweep(style)
        lines += notes(style)
        for row in comparison.rows where row.failure != nil {
            lines.append("")
            lines += history(row, style)
        }
        return lines
    }

    // MARK: Parts

    private static let fateTitles = [
        "acknowledged", "lost silently", "lost, reported", "resurrected", "refused", "unavailable",
    ]
    private static let siblingTitles = ["siblings max", "mean", "false", "reads to merge", "values to merge"]
    private static let costTitles = [
        "small side", "large side", "converged", "bytes/key", "bytes/context", "messages/write", "bytes/write",
    ]

    private struct Cell {
        var text: String
        var isBad = false

        init(_ number: Int, isBad: Bool = false) {
            text = TextLayout.grouped(number)
            self.isBad = isBad
        }

        init(_ text: String, isBad: Bool = false) {
            self.text = text
            self.isBad = isBad
        }
    }

    /// What was asked for, in two lines.
    var described: [String] {
        let settings = comparison.settings
        let cut =
            settings.partition == 0 || settings.replicas < 2
            ? "no cut" : "\(settings.minority) of them cut off for \(LabDuration.text(settings.partition))"
        let seeds =
            comparison.seeds == 1
            ? "seed \(settings.seed)" : "seeds \(settings.seed) to \(settings.seed + UInt64(comparison.seeds) - 1)"
        return [
            "\(TextLayout.count(settings.clients, "client")) for \(LabDuration.text(settings.duration)), "
                + "\(TextLayout.count(settings.keys, "key")), \(TextLayout.count(settings.replicas, "node")), \(cut),",
            "clocks \(settings.skew) ms apart, messages take up to \(settings.lag) ms, "
                + "requests wait for \(settings.quorum == .one ? "one replica" : "a majority"), \(seeds).",
        ]
    }

    private var nameWidth: Int { comparison.rows.map { TextLayout.width(name($0.strategy)) }.max() ?? 0 }

    private func name(_ strategy: LabStrategy) -> String { (strategy.isBaseline ? "  " : "") + strategy.rawValue }

    /// A heading with the titles of the columns, and a line for each strategy, numbers to the right.
    private func section(
        _ heading: String, _ style: Style, _ titles: [String], _ cells: (LabComparison.Row) -> [Cell]
    ) -> [String] {
        let rows = comparison.rows.map { ($0.strategy, cells($0)) }
        let widths = titles.indices.map { column in
            max(TextLayout.width(titles[column]), rows.map { TextLayout.width($0.1[column].text) }.max() ?? 0)
        }
        func right(_ text: String, _ column: Int) -> String {
            String(repeating: " ", count: widths[column] - TextLayout.width(text) + 2) + text
        }
        var lines = ["", style.apply(.strong, heading)]
        let head = titles.indices.map { right(titles[$0], $0) }.joined()
        lines.append(style.apply(.faint, String(repeating: " ", count: nameWidth) + head))
        var wasCore = true
        for (strategy, cells) in rows {
            if strategy.isBaseline, wasCore { lines.append(style.apply(.faint, "classic mistakes")) }
            wasCore = !strategy.isBaseline
            let line = cells.indices.map { column in
                style.apply(cells[column].isBad ? .bad : .plain, right(cells[column].text, column))
            }
            lines.append(TextLayout.padded(name(strategy), to: nameWidth) + line.joined())
        }
        return lines
    }

    private func sweep(_ style: Style) -> [String] {
        guard let first = comparison.rows.first, !first.sweep.isEmpty else { return [] }
        return section(
            "Lost as clocks drift apart; in brackets: later, in truth, than what they were lost to", style,
            first.sweep.map { "\($0.skew) ms" }
        ) { row in
            row.sweep.map { point in
                let lost = point.lostSilently + point.lostAndReported
                return Cell(lost == 0 ? "0" : "\(lost) (\(point.lostLater))", isBad: point.lostSilently > 0)
            }
        }
    }

    private func notes(_ style: Style) -> [String] {
        var notes: [String] = []
        for row in comparison.rows {
            let name = row.strategy.rawValue
            if row.measures.hidden > 0 {
                let values = TextLayout.count(row.measures.hidden, "value")
                notes.append("\(name): \(values) kept as evidence beside the one that is shown.")
            }
            if row.measures.diverged > 0 {
                let runs = TextLayout.count(row.measures.diverged, "run")
                notes.append("\(name): replicas did not become equal in \(runs).")
            }
        }
        return notes.isEmpty ? [] : [""] + notes.map { style.apply(.faint, $0) }
    }

    // MARK: Histories

    /// The history in which a strategy fails; that it does not, if it does not.
    func history(of strategy: LabStrategy, _ style: Style) -> [String] {
        guard let row = comparison.rows.first(where: { $0.strategy == strategy }) else { return [] }
        if row.failure != nil { return history(row, style) }
        return [
            style.apply(
                .good,
                "\(strategy.rawValue) does not fail under this workload: nothing is lost in silence, false or back.")
        ]
    }

    private func history(_ row: LabComparison.Row, _ style: Style) -> [String] {
        guard let story = row.failure else { return [] }
        var lines = [
            style.apply(.strong, "How \(row.strategy.rawValue) fails") + style.apply(.faint, "  key k\(story.key)"),
            "  " + style.apply(.faint, row.strategy.summary),
        ]
        for step in story.steps {
            lines.append("  \(LabFigures.seconds(step.time))  n\(step.node + 1)  \(step.text)")
        }
        lines.append("  " + style.apply(.bad, story.conclusion))
        return lines
    }
}
