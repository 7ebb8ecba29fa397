import KindredDiagrams
import KindredModel
import KindredSimulator

extension ReplayFigures {
    /// The replay as a page that needs nothing else.
    func page(of file: String) -> HTMLPage {
        let fates: [Fate] = [.kept, .replaced, .sibling, .lostReported, .refused]
        let bars = results.map { result in
            Chart.Bar(
                result.strategy.rawValue,
                [
                    result.kept + result.unchanged, result.replaced, result.siblings, result.lost + result.shadowed,
                    result.refusedPuts,
                ].map(Double.init))
        }
        let figures = Table(
            caption: "Figures by strategy",
            columns: [Table.Column("")] + results.map { Table.Column($0.strategy.rawValue, isNumeric: true) },
            rows: rows.map { row in
                Table.Row([Table.Cell(row.name)] + row.values.map { Table.Cell($0) }, note: row.note)
            })
        var sections = [
            HTMLPage.Section(
                "What would have become of the writes",
                [
                    .chart(
                        Chart.stackedBars(
                            title: "Puts by what becomes of them", parts: fates.map { .init($0) }, bars: bars)),
                    .text(
                        "A value counts as lost if it is not there at the end and nobody who had been shown it has "
                            + "written. Values that an immutable key keeps without showing them count as lost "
                            + "in the chart."
                    ),
                    .table(figures),
                ])
        ]
        for result in results where !result.worst.isEmpty {
            sections.append(
                HTMLPage.Section(
                    "Worst keys under \(result.strategy.rawValue)",
                    [
                        .table(
                            Table(
                                caption: "At most ten keys, those with most losses first",
                                columns: Self.worstHeads.enumerated().map {
                                    Table.Column($1.prefix(1) + $1.dropFirst().lowercased(), isNumeric: $0 > 0)
                                },
                                rows: worst(result).map { Table.Row($0.map { Table.Cell($0) }) }))
                    ]))
        }
        return HTMLPage(
            title: "A recorded workload under \(results.count == 1 ? "one strategy" : "\(results.count) strategies")",
            lead: [lead.joined(separator: " "), Self.caveat], sections: sections,
            footer: "Made by kindred lab replay from \(TextLayout.name(Array(file.utf8))).")
    }
}
