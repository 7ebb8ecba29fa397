import ArgumentParser
import KindredModel
import KindredSimulator

/// A promise that a seed broke.
struct FoundViolation: Hashable, Sendable {
    let seed: UInt64
    let kind: Violation.Kind
    let time: VirtualTime
    let text: String
}

/// What became of one seed.
struct SeedOutcome: Sendable {
    let seed: UInt64
    let counts: SimulationCounts
    let hash: TraceHash
    /// The first promise that was broken; the run ended there.
    let violation: FoundViolation?

    init(seed: UInt64, counts: SimulationCounts, hash: TraceHash = TraceHash(), violation: FoundViolation? = nil) {
        self.seed = seed
        self.counts = counts
        self.hash = hash
        self.violation = violation
    }

    /// What became of a simulation that has run.
    init(_ simulation: Simulation) {
        self.init(
            seed: simulation.seed, counts: simulation.counts, hash: simulation.hash,
            violation: simulation.violations.first.map {
                FoundViolation(seed: simulation.seed, kind: $0.kind, time: $0.time, text: $0.text)
            })
    }

    /// Runs a seed from its beginning to its end, in this thread.
    init(running seed: UInt64, _ settings: SimulationSettings) {
        var simulation = Simulation(seed: seed, settings: settings)
        simulation.run()
        self.init(simulation)
    }
}

extension Violation.Kind {
    /// Whether something good did not happen, rather than something bad.
    var isLiveness: Bool { self == .liveness || self == .noConvergence }
}

extension ExitCode {
    /// Something bad happened in a simulation.
    static let safetyViolation = ExitCode(1)
    /// Something good did not happen in a simulation, and nothing bad either.
    static let livenessViolation = ExitCode(2)
    /// The person at the keyboard had enough.
    static let interrupted = ExitCode(130)

    /// What a command ends with that has found these.
    static func forViolations(_ kinds: some Sequence<Violation.Kind>) -> ExitCode {
        var code = ExitCode.success
        for kind in kinds {
            guard kind.isLiveness else { return .safetyViolation }
            code = .livenessViolation
        }
        return code
    }
}
