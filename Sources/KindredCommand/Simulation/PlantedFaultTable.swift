import ArgumentParser
import KindredModel
import KindredSimulator

/// What notices which planted fault.
struct PlantedFaultTable {
    /// What became of one fault.
    struct Row {
        let fault: PlantedFault
        /// The promise that was broken, and with which profile; nil if the fault went unnoticed.
        var caught: (violation: FoundViolation, profile: FaultProfile)?
        /// How many seeds it took, over all profiles.
        var seeds = 0
        /// How many seeds broke a promise without the fault, too.
        var passedOver = 0
        var seconds = 0.0

        init(fault: PlantedFault) {
            self.fault = fault
        }
    }

    var rows: [Row] = []

    /// Whether every fault was noticed.
    var exitCode: ExitCode { rows.allSatisfy { $0.caught != nil } ? .success : .failure }

    private static let titles = ["fault", "what goes wrong", "caught by", "profile", "seeds", "time"]

    private func cells(_ row: Row) -> [String] {
        [
            row.fault.name, row.fault.summary, row.caught?.violation.kind.rawValue ?? "not caught",
            row.caught?.profile.rawValue ?? "–", TextLayout.grouped(row.seeds),
            SimulationProgress.duration(row.seconds),
        ]
    }

    private var conclusion: String {
        let caught = rows.count { $0.caught != nil }
        return "\(caught) of \(TextLayout.count(rows.count, "planted fault")) caught."
    }

    private var remark: String? {
        let passedOver = rows.reduce(0) { $0 + $1.passedOver }
        guard passedOver > 0 else { return nil }
        return "Passed over, because they break a promise without a planted fault, too: "
            + TextLayout.count(passedOver, "run") + "."
    }

    /// For people.
    func lines(_ style: Style) -> [String] {
        // The summaries are long, so each has a line of its own.
        let table = TextLayout.table(([Self.titles] + rows.map(cells)).map(Self.withoutSummary))
        var lines = [style.apply(.strong, table[0])]
        for (row, text) in zip(rows, table.dropFirst()) {
            lines.append(style.apply(row.caught == nil ? .bad : .plain, text))
            lines.append("  " + style.apply(.faint, row.fault.summary))
        }
        lines += ["", style.apply(exitCode == .success ? .good : .bad, conclusion)]
        if let remark { lines.append(remark) }
        return lines
    }

    private static func withoutSummary(_ cells: [String]) -> [String] {
        var cells = cells
        cells.remove(at: 1)
        return cells
    }

    /// A table for a document.
    var markdown: [String] {
        func line(_ cells: [String]) -> String { "| " + cells.joined(separator: " | ") + " |" }
        var lines = [line(Self.titles), line(Self.titles.map { _ in "---" })]
        for row in rows {
            var cells = cells(row)
            cells[0] = "`\(cells[0])`"
            lines.append(line(cells))
        }
        lines += ["", conclusion]
        if let remark { lines.append(remark) }
        return lines
    }

    /// A list of `fault`, `summary`, `caught`, `promise`, `profile`, `seed`, `seeds`, `passedOver`, `milliseconds`.
    var json: PropertyValue {
        .list(
            rows.map { row in
                var members = [
                    Property("fault", .text(row.fault.name)), Property("summary", .text(row.fault.summary)),
                    Property("caught", .bool(row.caught != nil)),
                ]
                if let caught = row.caught {
                    members += [
                        Property("promise", .text(caught.violation.kind.rawValue)),
                        Property("profile", .text(caught.profile.rawValue)),
                        Property("seed", .integer(Int64(clamping: caught.violation.seed))),
                    ]
                }
                members += [
                    Property("seeds", .integer(Int64(row.seeds))),
                    Property("passedOver", .integer(Int64(row.passedOver))),
                    Property("milliseconds", .integer(Int64(row.seconds * 1_000))),
                ]
                return .object(members)
            })
    }
}
