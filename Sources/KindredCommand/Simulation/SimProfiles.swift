import ArgumentParser
import KindredModel
import KindredSimulator

/// `kindred sim profiles`: what a simulation can do to a cluster, and what it checks.
struct SimProfiles: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "profiles",
        abstract: "List the profiles, the kinds of faults, and the promises that are checked.",
        discussion: """
            EXAMPLES
              kindred sim profiles
              kindred sim profiles --json | jq -r '.profiles[].name'
            """)

    @Flag(help: "Write JSON, for programs.")
    var json = false

    func run() {
        perform(.standard)
    }

    func perform(_ console: Console) {
        let faults = FaultKind.allCases.filter { !$0.isRelief }
        if json {
            console.print(
                JSONText.encode(
                    .object([
                        Self.list("profiles", FaultProfile.allCases.map { ($0.rawValue, $0.summary) }),
                        Self.list("faults", faults.map { ($0.rawValue, $0.summary) }),
                        Self.list("promises", Violation.Kind.allCases.map { ($0.rawValue, $0.summary) }),
                    ])))
            return
        }
        Self.show("Profiles", FaultProfile.allCases.map { [$0.rawValue, $0.summary] }, console)
        console.print()
        Self.show("Faults", faults.map { [$0.rawValue, $0.summary] }, console)
        console.print()
        Self.show(
            "Promises",
            Violation.Kind.allCases.map { [$0.rawValue, $0.summary + ($0.isLiveness ? " (liveness)" : "")] }, console)
    }

    private static func list(_ name: String, _ entries: [(name: String, summary: String)]) -> Property {
        Property(
            name,
            .list(
                entries.map {
                    .object([Property("name", .text($0.name)), Property("summary", .text($0.summary))])
                }))
    }

    /// Rows of two cells, side by side; one above the other where the first cells would take half of the width.
    private static func show(_ title: String, _ rows: [[String]], _ console: Console) {
        console.print(console.style.apply(.strong, title))
        let names = rows.map { TextLayout.width($0[0]) }.max() ?? 0
        let isStacked = names * 2 > console.width
        let indentation = isStacked ? 4 : names + 4
        for row in rows {
            if isStacked { console.print("  " + row[0]) }
            let parts = TextLayout.broken(row[1], width: max(20, console.width - indentation))
            for (number, part) in parts.enumerated() {
                let beginning = number == 0 && !isStacked ? "  " + row[0] : ""
                console.print(TextLayout.padded(beginning, to: indentation) + part)
            }
        }
    }
}
