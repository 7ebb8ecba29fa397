import KindredModel
import KindredSimulator

/// A run that was made smaller.
struct ShrunkRun {
    let plan: ReplayPlan
    let original: ReplayPlan
    let episodesBefore: Int
    let tries: Int
    let isMinimal: Bool

    var description: String {
        let episodes = plan.faults.episodes.count
        let clients = plan.settings.clients
        return "Shrunk in \(TextLayout.count(tries, "run")): \(episodes) of "
            + "\(TextLayout.count(episodesBefore, "episode")) of faults, \(clients) of "
            + "\(TextLayout.count(original.settings.clients, "client")), "
            + "\(SimulatedDuration(microseconds: plan.settings.duration)) of "
            + "\(SimulatedDuration(microseconds: original.settings.duration))"
            + (isMinimal ? "" : "; more --tries may find less")
    }
}

/// How `kindred sim replay` answers.
struct ReplayRendering {
    let plan: ReplayPlan
    let outcome: SeedOutcome
    let trace: [String]
    let shrunk: ShrunkRun?
    let command: String

    // MARK: For people

    func lines(_ style: Style) -> [String] {
        var lines = trace.map { style.apply(Self.role(of: $0), TextLayout.harmless($0)) }
        if !lines.isEmpty { lines.append("") }
        if let shrunk {
            lines.append(shrunk.description)
            lines += plan.faults.episodes.map { "  \($0)" }
            lines.append("")
        }
        if let violation = outcome.violation {
            lines += SimulationReport.lines(about: violation, style)
        } else {
            lines.append(
                style.apply(.good, "No promise was broken.")
                    + " \(TextLayout.count(outcome.counts.checks, "check")) in \(seconds) simulated seconds,"
                    + " \(TextLayout.count(outcome.counts.requests, "request")),"
                    + " \(TextLayout.count(outcome.counts.faults.total, "fault"))"
                    + (outcome.counts.faults.total > 0 ? ": \(outcome.counts.faults)" : ""))
        }
        lines.append("  hash \(outcome.hash)")
        lines.append("  replay with: \(command)")
        return lines
    }

    private var seconds: VirtualTime { VirtualTime(microseconds: outcome.counts.simulated) }

    private static func role(of line: String) -> Style.Role {
        if line.contains("  VIOLATION ") { return .bad }
        if line.contains("  FAULT ") || line.contains(" crashes (") { return .strong }
        return line.contains("  client ") ? .client(0) : .plain
    }

    // MARK: For programs

    /// `seed`, `settings`, `episodes`, `hash`, the counts by section, `faults`, `checks`, `violation` if there is one,
    /// `shrunk` if asked for, `trace`, `replay`.
    var json: PropertyValue {
        var totals = SimulationTotals()
        totals.add(outcome)
        var members = [
            Property("seed", .integer(Int64(clamping: plan.seed))),
            Property("settings", SimulationReport.json(plan.settings, plan.planted)),
            Property("episodes", .list(plan.faults.episodes.map { .text("\($0)") })),
            Property("hash", .text("\(outcome.hash)")), Property("passed", .bool(outcome.violation == nil)),
            Property("simulatedMilliseconds", .integer(Int64(clamping: outcome.counts.simulated / 1_000))),
        ]
        members += SimulationReport.json(totals)
        if let violation = outcome.violation {
            members.append(Property("violation", SimulationReport.json(violation, replay: command)))
        }
        if let shrunk {
            members.append(
                Property(
                    "shrunk",
                    .object([
                        Property("tries", .integer(Int64(shrunk.tries))), Property("minimal", .bool(shrunk.isMinimal)),
                        Property("episodesBefore", .integer(Int64(shrunk.episodesBefore))),
                    ])))
        }
        members += [Property("trace", .list(trace.map { .text($0) })), Property("replay", .text(command))]
        return .object(members)
    }
}
