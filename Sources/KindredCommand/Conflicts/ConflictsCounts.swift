import ArgumentParser
import KindredServer

/// `kindred conflicts counts`
struct ConflictsCounts: ConflictCommand {
    static let configuration = CommandConfiguration(
        commandName: "counts",
        abstract: "Count conflicts by bucket, day and kind.",
        discussion: """
            EXAMPLES
              kindred conflicts counts
              kindred conflicts counts --since 1w --strategy last-write-wins
              kindred conflicts counts --json | jq '[.counts[] | select(.kind == "lost") | .count] | add'
            """)

    @OptionGroup var filter: ConflictFilterOptions
    @OptionGroup var period: PeriodOptions
    @OptionGroup var common: OperatorOptions

    func run(_ client: ConflictClient, _ console: Console) async throws -> ExitCode {
        var query = filter.query
        period.add(to: &query, now: .nowMilliseconds)
        let answer = try await client.counts(query)
        if common.json {
            console.print(json: answer.text)
        } else {
            console.print(CountsPage(counts: answer.value.counts).lines)
        }
        return .success
    }
}

/// Counts, a row for each bucket and day, a column for each kind there is.
struct CountsPage {
    let counts: [ConflictCount]

    private struct Row: Hashable {
        let day: String
        let bucket: String
        let strategy: String
    }

    var lines: [StyledLine] {
        guard !counts.isEmpty else { return ["No conflicts."] }
        // In the order in which a node names them, whichever there are.
        let usual = ["lost", "shadowed", "refused", "sibling", "outlived", "resolved", "orphaned"]
        let present = Set(counts.map(\.kind))
        let kinds = usual.filter(present.contains) + present.subtracting(usual).sorted()
        var order: [Row] = []
        var table: [Row: [String: Int]] = [:]
        for count in counts {
            let bucket = "\(ConflictWords.safe(count.type))/\(ConflictWords.safe(count.bucket))"
            let row = Row(
                day: ConflictWords.safe(count.day), bucket: TextLayout.cut(bucket, to: 40),
                strategy: ConflictWords.safe(count.strategy))
            if table[row] == nil { order.append(row) }
            table[row, default: [:]][count.kind, default: 0] &+= count.count
        }
        var rows = [["DAY (UTC)", "BUCKET", "STRATEGY"] + kinds.map { ConflictWords.safe($0).uppercased() } + ["ALL"]]
        for row in order {
            let cells = table[row] ?? [:]
            rows.append(
                [row.day, row.bucket, row.strategy] + kinds.map { cells[$0].map(TextLayout.grouped) ?? "" }
                    + [TextLayout.grouped(cells.values.reduce(0, &+))])
        }
        if order.count > 1 {
            rows.append(
                ["all", "", ""]
                    + kinds.map { kind in
                        TextLayout.grouped(counts.reduce(0) { $0 &+ ($1.kind == kind ? $1.count : 0) })
                    }
                    + [TextLayout.grouped(counts.reduce(0) { $0 &+ $1.count })])
        }
        return Page.table(rows)
    }
}
