import KindredDiagrams
import KindredSimulator

/// A comparison as a page: the tables, what they look like, and pictures of what happened to single keys.
struct LabPage {
    private let comparison: LabComparison
    private let report: LabReport

    init(_ comparison: LabComparison) {
        self.comparison = comparison
        report = LabReport(comparison)
    }

    var page: HTMLPage {
        var sections = [writes, reads, costs]
        if let clocks { sections.append(clocks) }
        sections += report.rows.map(section)
        return HTMLPage(
            title: "One workload, \(report.rows.count) strategies",
            lead: [
                LabTable(comparison).described.joined(separator: " "),
                "The first rows are the strategies of the real core. The others are classic mistakes, each as a small "
                    + "model over the same network, clocks and workload. What is lost or false is judged by an oracle "
                    + "that knows who had been shown what.",
            ],
            sections: sections, footer: "Made by kindred lab compare. The same options give the same page.")
    }

    // MARK: The tables

    private func table(
        _ caption: String, _ titles: [String], isExplained: Bool = false, _ cells: (LabMeasures) -> [String]
    ) -> HTMLPage.Block {
        .table(
            Table(
                caption: caption, columns: [.init("Strategy")] + titles.map { .init($0, isNumeric: true) },
                rows: report.rows.map { row in
                    let note = (row.strategy.isBaseline ? "mistake: " : "") + row.strategy.summary
                    return Table.Row(
                        [Table.Cell(row.strategy.rawValue)] + cells(row.measures).map { Table.Cell($0) },
                        note: isExplained ? note : "")
                }))
    }

    private var writes: HTMLPage.Section {
        let parts: [Chart.Part] = [
            .init(.kept), .init(.replaced), .init(.lostReported), .init(.lostSilently),
            .init("back after a delete", colour: .number(4)), .init(.refused),
        ]
        let bars = report.rows.map { row in
            let of = row.measures
            return Chart.Bar(
                row.strategy.rawValue,
                [of.kept, of.replaced, of.lostAndReported, of.lostSilently, of.resurrected, of.refused]
                    .map(Double.init))
        }
        return HTMLPage.Section(
            "What became of the writes",
            [
                .chart(
                    Chart.stackedBars(
                        title: "Puts that were acknowledged, and writes that were refused", parts: parts, bars: bars)),
                table(
                    "Writes",
                    ["Acknowledged", "Lost silently", "Lost, reported", "Resurrected", "Refused", "Unavailable"],
                    isExplained: true
                ) { row in
                    [
                        row.acknowledged, row.lostSilently, row.lostAndReported, row.resurrected, row.refused,
                        row.unavailable,
                    ].map(TextLayout.grouped)
                },
            ])
    }

    private var reads: HTMLPage.Section {
        HTMLPage.Section(
            "What readers saw",
            [
                .text(
                    "A sibling is false if another one that is shown with it had seen and replaced it. Reads of more "
                        + "than one value are work that is left to the application."),
                table("Siblings", ["Most", "Mean", "False", "Reads to merge", "Values to merge"]) { row in
                    [
                        String(row.siblingsMaximum), LabFigures.hundredths(row.valuesShown, row.readsWithValue),
                        TextLayout.grouped(row.falseSiblings), TextLayout.grouped(row.readsToMerge),
                        TextLayout.grouped(row.valuesToMerge),
                    ]
                },
            ])
    }

    private var costs: HTMLPage.Section {
        HTMLPage.Section(
            "The cut, and what it all cost",
            [
                table(
                    "Service and cost",
                    [
                        "Served, small side", "Served, large side", "Converged", "Bytes/key", "Messages/write",
                        "Bytes/write",
                    ]
                ) { row in
                    [
                        LabFigures.percent(row.servedByMinority, row.askedOfMinority),
                        LabFigures.percent(row.servedByMajority, row.askedOfMajority),
                        LabFigures.convergence(row.longestConvergence, diverged: row.diverged),
                        LabFigures.rounded(row.metadataBytes, row.metadataKeys),
                        LabFigures.tenths(row.messages, row.answeredWrites),
                        LabFigures.rounded(row.bytes, row.answeredWrites),
                    ]
                }
            ])
    }

    /// Nil without a sweep.
    private var clocks: HTMLPage.Section? {
        let losing = report.sweep.filter { series in series.points.contains { $0.lost > 0 } }
        guard report.sweep.contains(where: { !$0.points.isEmpty }) else { return nil }
        func chart(_ title: String, _ value: (LabReport.Series.Point) -> Int) -> HTMLPage.Block {
            .chart(
                Chart.lines(
                    title: title, x: "clocks apart, ms", y: "writes",
                    lines: losing.map { series in
                        Chart.Line(
                            series.strategy.rawValue,
                            points: series.points.map { (Double($0.skewMilliseconds), Double(value($0))) })
                    }))
        }
        return HTMLPage.Section(
            "What clocks decide",
            [
                .text(
                    "The same workload with clocks further and further apart. Strategies that lose nothing at any skew "
                        + "are not drawn."),
                chart("Lost writes") { $0.lost },
                chart("Lost writes that were later, in truth, than what they were lost to") { $0.lostLater },
            ])
    }

    // MARK: One strategy

    private func section(_ row: LabReport.Row) -> HTMLPage.Section {
        var blocks: [HTMLPage.Block] = [.text(row.strategy.summary + ".")]
        for picture in report.pictures where picture.spaceTime.strategy == row.strategy {
            if let conclusion = picture.conclusion { blocks.append(.text(conclusion)) }
            let drawing = LabDrawing(picture)
            blocks.append(.spaceTime(drawing.spaceTime))
            if picture.isFailure { blocks.append(.graph(drawing.graph)) }
        }
        return HTMLPage.Section(row.strategy.rawValue, blocks)
    }
}
