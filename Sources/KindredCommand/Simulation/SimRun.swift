import ArgumentParser
import Foundation
import KindredModel
import KindredSimulator

/// `kindred sim run`: searches seeds for a broken promise.
struct SimRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Simulate whole clusters with faults, seed after seed, and check every promise.",
        discussion: """
            Each seed is a cluster of its own, with its clients, its network, disks and clocks, and everything that \
            goes wrong with them: the same seed with the same settings is the same run, on every machine. The command \
            stops at the first broken promise and says how to replay it. It ends with 0 if none was broken, with 1 if \
            something bad happened, and with 2 if only something good did not happen.

            EXAMPLES
              kindred sim run --seeds 1..1000
              kindred sim run --profile disk --for 5m --seeds 1..100 --keep-going
              kindred sim run --json | jq '.violations[].replay'
            """)

    @Option(
        help: ArgumentHelp("The seeds to run, both ends included.", valueName: "first..last"),
        transform: SeedRange.init(argument:))
    var seeds = SeedRange(1...100)

    @OptionGroup var options: SimulationOptions

    @Option(help: ArgumentHelp("How many seeds run at a time. (default: one for each processor)", valueName: "number"))
    var jobs: Int?

    @Flag(help: "Run all seeds, whatever is found.")
    var keepGoing = false

    @Option(
        help: ArgumentHelp(
            "Write a line to this file when a seed begins and when it ends, to tell after a crash which one it was.",
            valueName: "file"),
        completion: .file())
    var traceSeeds: String?

    @Flag(help: "Write the report as JSON, and no progress.")
    var json = false

    func validate() throws {
        if let jobs, !(1...1_024).contains(jobs) { throw ValidationError("--jobs is 1 to 1024") }
    }

    func run() throws {
        let code = perform(.standard)
        if code != .success { throw code }
    }

    /// Does what the command says.
    ///
    /// - Returns: the exit code.
    func perform(_ console: Console) -> ExitCode {
        var log: SeedLog?
        if let traceSeeds {
            log = SeedLog(path: traceSeeds)
            guard log != nil else {
                console.complain("kindred: \(traceSeeds) cannot be written: \(String(cString: strerror(errno)))")
                return .usage
            }
        }
        let report = search(console, log)
        if json {
            console.print(JSONText.encode(report.json))
        } else {
            for line in report.lines(console.style) { console.print(line) }
        }
        return report.exitCode
    }

    private func search(_ console: Console, _ log: SeedLog?) -> SimulationReport {
        let settings = options.settings
        var report = SimulationReport(seeds: seeds, settings: settings, planted: options.plant)
        var progress = SimulationProgress(total: seeds.count)
        var line = ProgressLine(console: console, isSilent: json)
        let pool = SeedPool(seeds: seeds.seeds, stopsAtViolation: !keepGoing)
        let interruption = Interruption(pool)
        let begun = ContinuousClock.now
        PlantedFault.plantIfAvailable(options.plant)
        pool.run(jobs: jobs ?? ProcessInfo.processInfo.activeProcessorCount) { seed in
            log?.begins(seed)
            defer { log?.ends(seed) }
            return SeedOutcome(running: seed, settings)
        } each: { outcome in
            report.totals.add(outcome)
            progress.count(outcome)
        } pulse: {
            progress.elapsed = (ContinuousClock.now - begun) / .seconds(1)
            line.show(elapsed: progress.elapsed, line: progress.line(width:), facts: { progress.facts })
        }
        PlantedFault.plantIfAvailable(nil)
        line.end()
        report.wallTime = (ContinuousClock.now - begun) / .seconds(1)
        report.isInterrupted = interruption.end() && report.totals.seeds < seeds.count
        return report
    }
}
