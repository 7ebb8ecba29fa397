import ArgumentParser
import Foundation
import KindredModel
import KindredSimulator

/// `kindred sim replay`: runs one seed again and shows what happens in it.
struct SimReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Run one seed again, show what happens in it, and make it smaller.",
        discussion: """
            The settings must be those with which the seed was found. The hash is that of everything that happened: \
            equal hashes are equal runs. With --shrink, clients, time and faults are taken away as long as a promise \
            of the same kind is broken; what is left is written to a file that --plan reads.

            EXAMPLES
              kindred sim replay --seed 17 --profile disk --lines 50
              kindred sim replay --seed 17 --key version-vectors/k0 --lines all
              kindred sim replay --seed 17 --shrink --out small.json
              kindred sim replay --plan small.json
            """)

    @Option(help: ArgumentHelp("The seed to run.", valueName: "number"))
    var seed: UInt64?

    @Option(
        help: ArgumentHelp("Run what this file says, which --shrink has written.", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var plan: String?

    @OptionGroup var options: SimulationOptions

    @Option(
        help: ArgumentHelp(
            "How many lines of what happens are shown, the last ones; 'all' for all.", valueName: "number"),
        transform: LineLimit.init(argument:))
    var lines = LineLimit(number: 200)

    @Option(
        help: ArgumentHelp(
            "Only lines about this key, such as k0 or last-write-wins/k0, and faults.", valueName: "name"))
    var key: String?

    @Flag(help: "Look for the smallest run that breaks the same promise.")
    var shrink = false

    @Option(
        help: ArgumentHelp("How many runs --shrink may try.", valueName: "number"))
    var tries = 500

    @Option(
        help: ArgumentHelp(
            "Where --shrink writes what is left. (default: kindred-seed-N.json in this folder)", valueName: "file"),
        completion: .file(extensions: ["json"]))
    var out: String?

    @Flag(help: "Write JSON, for programs.")
    var json = false

    func validate() throws {
        guard (seed == nil) != (plan == nil) else { throw ValidationError("name either a --seed or a --plan") }
        if let seed, seed > SeedRange.largest { throw ValidationError("--seed is 0 to \(SeedRange.largest)") }
        if plan != nil, !options.isEmpty {
            throw ValidationError(
                "a plan has its settings in it; leave out --nodes, --profile, --for, --clients, --plant")
        }
        if out != nil, !shrink { throw ValidationError("--out is for what --shrink finds") }
        guard (1...1_000_000).contains(tries) else { throw ValidationError("--tries is 1 to 1000000") }
    }

    func run() throws {
        let code = perform(.standard)
        if code != .success { throw code }
    }

    /// Does what the command says.
    ///
    /// - Returns: the exit code.
    func perform(_ console: Console) -> ExitCode {
        do throws(ReplayPlanError) {
            return try replay(console)
        } catch {
            console.complain("kindred: \(TextLayout.harmless(error.message))")
            return .usage
        }
    }

    private func replay(_ console: Console) throws(ReplayPlanError) -> ExitCode {
        var plan: ReplayPlan
        var command: String
        if let path = self.plan {
            plan = try ReplayPlan(path: path)
            command = "kindred sim replay --plan \(path)"
        } else {
            plan = ReplayPlan(seed: seed ?? 0, settings: options.settings, planted: options.plant)
            command = SimulationReport(
                seeds: SeedRange(plan.seed...plan.seed), settings: plan.settings, planted: plan.planted
            )
            .replay(plan.seed)
        }
        if plan.planted != nil, !PlantedFault.isAvailable {
            throw ReplayPlanError(message: PlantedFault.unavailable)
        }
        PlantedFault.plantIfAvailable(plan.planted)
        defer { PlantedFault.plantIfAvailable(nil) }
        var shrunk: ShrunkRun?
        if shrink {
            let path = out ?? "kindred-seed-\(plan.seed).json"
            shrunk = shrinking(plan, console)
            if let shrunk {
                try shrunk.plan.write(to: path)
                plan = shrunk.plan
                command = "kindred sim replay --plan \(path)"
            }
        }
        let filter = TraceFilter(limit: lines.number, key: key)
        var simulation = plan.simulation(traceLines: filter.capacity)
        simulation.run()
        let rendering = ReplayRendering(
            plan: plan, outcome: SeedOutcome(simulation), trace: filter.lines(simulation.trace.lines),
            shrunk: shrunk, command: command)
        if json {
            console.print(JSONText.encode(rendering.json))
        } else {
            if shrink, shrunk == nil {
                console.complain("kindred: no promise is broken, so there is nothing to shrink")
            }
            for line in rendering.lines(console.style) { console.print(line) }
        }
        return rendering.outcome.violation.map { .forViolations([$0.kind]) } ?? .success
    }

    /// The smallest run that was found; nil if the plan breaks no promise.
    private func shrinking(_ plan: ReplayPlan, _ console: Console) -> ShrunkRun? {
        var simulation = plan.simulation()
        simulation.run()
        guard let violation = simulation.violations.first else { return nil }
        var line = ProgressLine(console: console, isSilent: json)
        let begun = ContinuousClock.now
        var runs = 0
        var shrinker = PlanShrinker(maximumTries: tries) { candidate in
            runs += 1
            let text =
                "shrinking: run \(runs), \(candidate.faults.episodes.count) episodes of faults, "
                + "\(TextLayout.count(candidate.settings.clients, "client")), "
                + "\(SimulatedDuration(microseconds: candidate.settings.duration))"
            line.show(elapsed: (ContinuousClock.now - begun) / .seconds(1), line: { TextLayout.cut(text, to: $0) }) {
                text
            }
            var simulation = candidate.simulation()
            simulation.run()
            guard let found = simulation.violations.first, found.kind == violation.kind else { return nil }
            return found.time
        }
        let smallest = shrinker.shrink(plan, brokenAt: violation.time)
        line.end()
        return ShrunkRun(
            plan: smallest, original: plan, episodesBefore: plan.faults.episodes.count, tries: shrinker.tries,
            isMinimal: shrinker.isMinimal)
    }
}

/// How many lines: a number, or all of them.
struct LineLimit: Hashable, Sendable, CustomStringConvertible {
    /// nil for all.
    let number: Int?

    init(number: Int?) {
        self.number = number
    }

    init(argument: String) throws {
        if argument == "all" {
            number = nil
        } else if let number = Int(argument), (0...1_000_000_000).contains(number) {
            self.number = number
        } else {
            throw ValidationError("'\(argument)' is no number of lines; write a number, or 'all'")
        }
    }

    var description: String { number.map(String.init) ?? "all" }
}
