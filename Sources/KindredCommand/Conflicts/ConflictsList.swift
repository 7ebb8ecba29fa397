import ArgumentParser
import KindredServer

/// `kindred conflicts list`
struct ConflictsList: ConflictCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List conflicts, the newest first.",
        discussion: """
            Each has a name, which 'show' and 'restore' take. Its state is what it is now: open (siblings are still \
            there), resolved, lost (a value is gone from its key, and the log has it), restored, refused or shadowed \
            (an immutable key keeps other content beside the one it shows).

            EXAMPLES
              kindred conflicts list
              kindred conflicts list --state open --type siblings
              kindred conflicts list --kind lost --since 2h --until 1h
              kindred conflicts list --bucket carts --since 2026-11-26 --all
              kindred conflicts list --json | jq -r '.conflicts[] | select(.kind == "lost") | .id'
            """)

    @OptionGroup var filter: ConflictFilterOptions
    @Option(
        help: ArgumentHelp(
            "Only in this state: open, resolved, lost, restored, refused or shadowed.", valueName: "state"))
    var state: String?
    @OptionGroup var period: PeriodOptions
    @Option(help: ArgumentHelp("How many, up to 1000.", valueName: "n"))
    var limit = 50
    @Option(help: ArgumentHelp("Go on behind an earlier list: what it ended with.", valueName: "position"))
    var before: String?
    @Flag(help: "All there are, page by page. With --json a document for each page.")
    var all = false
    @OptionGroup var common: OperatorOptions

    static let largestPage = 1_000

    func validate() throws {
        guard (1...Self.largestPage).contains(limit) else {
            throw ValidationError("--limit is 1 to \(Self.largestPage); --all lists everything")
        }
    }

    func run(_ client: ConflictClient, _ console: Console) async throws -> ExitCode {
        var query = filter.query
        query.add("state", state)
        period.add(to: &query, now: .nowMilliseconds)
        query.add("limit", "\(all ? Self.largestPage : limit)")
        var position = before
        var isFirst = true
        while true {
            var wanted = query
            wanted.add("before", position)
            let answer = try await client.page(wanted)
            let page = answer.value
            if common.json {
                console.print(json: answer.text)
            } else if isFirst || !page.conflicts.isEmpty {
                let lines = ConflictsPage(conflicts: page.conflicts).lines(
                    width: console.isTerminal ? console.width : .max)
                console.print(isFirst ? lines : Array(lines.dropFirst()))
            }
            isFirst = false
            // A node that names the same position again would be asked for ever.
            guard let next = page.next, next != position else { return .success }
            guard all else {
                if !common.json {
                    console.print([StyledLine("Older ones: --before \(next), or --all", .faint)])
                }
                return .success
            }
            position = next
        }
    }
}
