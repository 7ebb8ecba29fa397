import ArgumentParser
import Foundation
import KindredModel
import KindredSimulator

/// `kindred sim planted`: makes each mistake of `PlantedFault`, and sees what notices it.
struct SimPlanted: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "planted",
        abstract: "Make mistakes in the replication core on purpose, and see which seeds notice them.",
        discussion: """
            For each mistake the profiles are run that are likely to notice it, then the others, seed after seed, \
            until a promise is broken that the same seed keeps without the mistake. The command ends with 1 if a \
            mistake went unnoticed. It needs a build with the mistakes in it: \
            swift build -c release -Xswiftc -DKINDRED_PLANTED_FAULTS

            EXAMPLES
              kindred sim planted
              kindred sim planted --fault merge-by-maximum --fault clock-merged --seeds 5000
            """)

    @Option(help: ArgumentHelp("How many seeds each profile gets for each mistake.", valueName: "number"))
    var seeds = 500

    @Option(
        name: .customLong("fault"),
        help: ArgumentHelp("Only this mistake. Can be given several times.", valueName: "name"),
        transform: PlantedFault.init(argument:))
    var faults: [PlantedFault] = []

    @Option(help: ArgumentHelp("How many seeds run at a time. (default: one for each processor)", valueName: "number"))
    var jobs: Int?

    @Flag(help: "Write the table as Markdown, and no progress.")
    var markdown = false

    @Flag(help: "Write JSON, and no progress.")
    var json = false

    func validate() throws {
        guard PlantedFault.isAvailable else { throw ValidationError(PlantedFault.unavailable) }
        guard (1...1_000_000).contains(seeds) else { throw ValidationError("--seeds is 1 to 1000000") }
        if let jobs, !(1...1_024).contains(jobs) { throw ValidationError("--jobs is 1 to 1024") }
        if markdown, json { throw ValidationError("choose --markdown or --json") }
    }

    func run() throws {
        let code = perform(.standard)
        if code != .success { throw code }
    }

    /// Does what the command says.
    ///
    /// - Returns: the exit code.
    func perform(_ console: Console) -> ExitCode {
        let chosen = faults.isEmpty ? PlantedFault.allCases : faults
        let jobs = jobs ?? ProcessInfo.processInfo.activeProcessorCount
        var table = PlantedFaultTable()
        var line = ProgressLine(console: console, isSilent: markdown || json)
        let begun = ContinuousClock.now
        for (number, fault) in chosen.enumerated() {
            let hunt = FaultHunt(fault: fault, seeds: seeds, jobs: jobs)
            let row = hunt.run { profile, done in
                let text =
                    "\(number + 1) of \(chosen.count)  \(fault.name)  profile \(profile.rawValue)  "
                    + TextLayout.count(done, "seed")
                line.show(
                    elapsed: (ContinuousClock.now - begun) / .seconds(1), line: { TextLayout.cut(text, to: $0) },
                    facts: { text })
            }
            table.rows.append(row)
        }
        line.end()
        if json {
            console.print(JSONText.encode(table.json))
        } else {
            for text in markdown ? table.markdown : table.lines(console.style) { console.print(text) }
        }
        return table.exitCode
    }
}

/// The search for a seed that notices one planted fault.
struct FaultHunt {
    let fault: PlantedFault
    /// How many seeds each profile gets.
    let seeds: Int
    let jobs: Int

    /// Runs profile after profile, seeds from 1 on.
    ///
    /// A seed that breaks a promise without the fault, too, has not noticed the fault: it is passed over. The number of
    /// seeds does not depend on `jobs`.
    func run(progress: (FaultProfile, _ done: Int) -> Void) -> PlantedFaultTable.Row {
        let begun = ContinuousClock.now
        var row = PlantedFaultTable.Row(fault: fault)
        for profile in fault.profiles where row.caught == nil {
            let settings = SimulationSettings(profile: profile)
            var first: UInt64 = 1
            while row.caught == nil, let violation = search(from: first, settings, progress: { progress(profile, $0) })
            {
                PlantedFault.plantIfAvailable(nil)
                if SeedOutcome(running: violation.seed, settings).violation == nil {
                    row.caught = (violation, profile)
                    row.seeds += Int(violation.seed)
                } else {
                    row.passedOver += 1
                    first = violation.seed + 1
                }
            }
            if row.caught == nil { row.seeds += seeds }
        }
        row.seconds = (ContinuousClock.now - begun) / .seconds(1)
        return row
    }

    /// The smallest seed that breaks a promise with the fault.
    private func search(
        from first: UInt64, _ settings: SimulationSettings, progress: (Int) -> Void
    ) -> FoundViolation? {
        guard first <= UInt64(seeds) else { return nil }
        PlantedFault.plantIfAvailable(fault)
        defer { PlantedFault.plantIfAvailable(nil) }
        var found: FoundViolation?
        var done = Int(first) - 1
        SeedPool(seeds: first...UInt64(seeds), stopsAtViolation: true).run(jobs: jobs) { seed in
            SeedOutcome(running: seed, settings)
        } each: { outcome in
            done += 1
            guard let violation = outcome.violation else { return }
            found = found.map { $0.seed < violation.seed ? $0 : violation } ?? violation
        } pulse: {
            progress(done)
        }
        return found
    }
}
