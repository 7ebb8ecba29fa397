import ArgumentParser
import KindredModel
import KindredSimulator

/// What `kindred sim run` says in the end.
struct SimulationReport {
    let seeds: SeedRange
    let settings: SimulationSettings
    let planted: PlantedFault?
    var totals = SimulationTotals()
    /// Seconds.
    var wallTime = 0.0
    var isInterrupted = false

    init(seeds: SeedRange, settings: SimulationSettings, planted: PlantedFault? = nil) {
        self.seeds = seeds
        self.settings = settings
        self.planted = planted
    }

    /// What the command ends with. A violation that was found before the interruption counts for more than that.
    var exitCode: ExitCode {
        isInterrupted && totals.exitCode == .success ? .interrupted : totals.exitCode
    }

    /// The command that runs this seed again, all settings spelled out: defaults may change.
    func replay(_ seed: UInt64) -> String {
        var words = ["kindred sim replay", "--seed \(seed)"] + Self.words(settings)
        if let planted { words.append("--plant \(planted.name)") }
        return words.joined(separator: " ")
    }

    private static func words(_ settings: SimulationSettings) -> [String] {
        [
            "--nodes \(settings.nodes)", "--profile \(settings.profile.rawValue)",
            "--for \(SimulatedDuration(microseconds: settings.duration))", "--clients \(settings.clients)",
        ]
    }

    // MARK: For people

    /// How many violations are shown in full.
    private static let shownViolations = 20

    func lines(_ style: Style) -> [String] {
        var lines = [style.apply(.strong, "\(TextLayout.count(totals.seeds, "seed")) of \(seeds): \(described)")]
        let hours = Double(totals.counts.simulated) / 3_600_000_000
        lines.append(
            "\(SimulationProgress.hours(totals.counts.simulated)) simulated in "
                + SimulationProgress.duration(wallTime) + " of wall time"
                + (wallTime > 0 && hours > 0
                    ? ", \(SimulationProgress.decimal(hours * 3_600 / wallTime)) times as fast as real time" : ""))
        for section in totals.sections {
            lines.append("")
            lines += Self.table(
                section.title, section.entries.map { [$0.title, TextLayout.grouped($0.value)] }, style)
        }
        lines.append("")
        lines += Self.table(
            "Faults",
            totals.faults.map {
                [$0.kind.rawValue, TextLayout.grouped($0.count), $0.count == 0 ? "did not happen" : ""]
            }, style)
        lines.append("")
        lines += Self.table("Checks", [["made", TextLayout.grouped(totals.counts.checks)]], style)
        lines.append("")
        lines += violationLines(style)
        if isInterrupted { lines.append("Interrupted.") }
        return lines
    }

    private var described: String {
        let planted = planted.map { ", with the planted fault \($0.name)" } ?? ""
        return "profile \(settings.profile.rawValue), \(TextLayout.count(settings.nodes, "node")), "
            + "\(TextLayout.count(settings.clients, "client")), "
            + "\(SimulatedDuration(microseconds: settings.duration)) each\(planted)"
    }

    private func violationLines(_ style: Style) -> [String] {
        guard !totals.violations.isEmpty else { return [style.apply(.good, "No promise was broken.")] }
        var lines = [style.apply(.strong, "Violations")]
        lines += TextLayout.table(totals.kinds.map { ["  \($0.kind.rawValue)", TextLayout.count($0.count, "seed")] })
        for violation in totals.violations.prefix(Self.shownViolations) {
            lines.append("")
            lines += Self.lines(about: violation, style)
            lines.append("  replay with: \(replay(violation.seed))")
        }
        let others = totals.violationCount - Self.shownViolations
        if others > 0 { lines += ["", "… and \(TextLayout.count(others, "other seed")); --json has them."] }
        return lines
    }

    /// Which promise was broken, when, and how.
    static func lines(about violation: FoundViolation, _ style: Style) -> [String] {
        [
            style.apply(.bad, "VIOLATION  \(violation.kind.rawValue)"),
            "  seed \(violation.seed), after \(violation.time) simulated seconds",
            "  \(TextLayout.harmless(violation.text))",
        ]
    }

    /// A heading, and rows whose second cell is a number.
    private static func table(_ title: String, _ rows: [[String]], _ style: Style) -> [String] {
        let names = rows.map { TextLayout.width($0[0]) }.max() ?? 0
        let numbers = rows.map { TextLayout.width($0[1]) }.max() ?? 0
        return [style.apply(.strong, title)]
            + rows.map { row in
                let number = String(repeating: " ", count: numbers - TextLayout.width(row[1])) + row[1]
                let remark = row.count > 2 && !row[2].isEmpty ? "  " + style.apply(.faint, row[2]) : ""
                return "  " + TextLayout.padded(row[0], to: names) + "  " + number + remark
            }
    }

    // MARK: For programs

    /// `seeds`, `seedsRun`, `settings`, `wallMilliseconds`, `simulatedMilliseconds`, the counts by section, `faults`,
    /// `checks`, `passed`, `violationsByKind`, `violations`.
    var json: PropertyValue {
        var members = [
            Property("seeds", .text(seeds.description)), Property("seedsRun", .integer(Int64(totals.seeds))),
            Property("settings", Self.json(settings, planted)),
            Property("wallMilliseconds", .integer(Int64(wallTime * 1_000))),
            Property("simulatedMilliseconds", .integer(Int64(totals.counts.simulated / 1_000))),
        ]
        members += Self.json(totals)
        members += [
            Property("passed", .bool(totals.violations.isEmpty)), Property("interrupted", .bool(isInterrupted)),
            Property(
                "violationsByKind",
                .object(totals.kinds.map { Property($0.kind.rawValue, .integer(Int64($0.count))) })),
            Property(
                "violations",
                .list(totals.violations.map { Self.json($0, replay: replay($0.seed)) })),
        ]
        return .object(members)
    }

    static func json(_ settings: SimulationSettings, _ planted: PlantedFault?) -> PropertyValue {
        var members = [
            Property("nodes", .integer(Int64(settings.nodes))),
            Property("replicas", .integer(Int64(settings.replicas))),
            Property("profile", .text(settings.profile.rawValue)),
            Property("for", .text(SimulatedDuration(microseconds: settings.duration).description)),
            Property("clients", .integer(Int64(settings.clients))),
        ]
        if let planted { members.append(Property("planted", .text(planted.name))) }
        return .object(members)
    }

    /// The counts by section, `faults`, `checks`.
    static func json(_ totals: SimulationTotals) -> [Property] {
        totals.sections.map { section in
            Property(
                section.title.lowercased(),
                .object(section.entries.map { Property($0.key, .integer(Int64($0.value))) }))
        } + [
            Property("faults", .object(totals.faults.map { Property($0.kind.rawValue, .integer(Int64($0.count))) })),
            Property("checks", .integer(Int64(totals.counts.checks))),
        ]
    }

    /// `seed`, `promise`, `liveness`, `microseconds`, `text`, `replay`.
    static func json(_ violation: FoundViolation, replay: String) -> PropertyValue {
        .object([
            Property("seed", .integer(Int64(clamping: violation.seed))),
            Property("promise", .text(violation.kind.rawValue)),
            Property("liveness", .bool(violation.kind.isLiveness)),
            Property("microseconds", .integer(Int64(clamping: violation.time.microseconds))),
            Property("text", .text(violation.text)), Property("replay", .text(replay)),
        ])
    }
}
