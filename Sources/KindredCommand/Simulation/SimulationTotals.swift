import ArgumentParser
import KindredSimulator

/// What many seeds consisted of, together, and what they found.
struct SimulationTotals {
    /// How many violations are kept in full; the others are counted by kind.
    static let keptViolations = 1_000

    private(set) var seeds = 0
    private(set) var counts = SimulationCounts()
    /// Those with the smallest seeds, in ascending order.
    private(set) var violations: [FoundViolation] = []
    private var violationsByKind: [Violation.Kind: Int] = [:]

    init() {}

    mutating func add(_ outcome: SeedOutcome) {
        seeds += 1
        counts.add(outcome.counts)
        guard let violation = outcome.violation else { return }
        violationsByKind[violation.kind, default: 0] += 1
        let position = violations.firstIndex { $0.seed > violation.seed } ?? violations.count
        violations.insert(violation, at: position)
        if violations.count > Self.keptViolations { violations.removeLast() }
    }

    /// The kinds of promises that were broken, in the order of `Violation.Kind`, and by how many seeds.
    var kinds: [(kind: Violation.Kind, count: Int)] {
        Violation.Kind.allCases.compactMap { kind in violationsByKind[kind].map { (kind, $0) } }
    }

    var violationCount: Int { kinds.reduce(0) { $0 + $1.count } }

    var exitCode: ExitCode { .forViolations(kinds.map(\.kind)) }

    // MARK: The numbers, with their names

    /// A number of a report.
    struct Entry: Hashable {
        /// For programs.
        let key: String
        /// For people.
        let title: String
        let value: Int

        init(_ key: String, _ title: String, _ value: Int) {
            self.key = key
            self.title = title
            self.value = value
        }
    }

    /// A part of a report.
    struct Section: Hashable {
        let title: String
        let entries: [Entry]
    }

    /// All of the counts but the faults.
    var sections: [Section] {
        let network = counts.network
        return [
            Section(
                title: "Cluster",
                entries: [
                    Entry("events", "events", counts.events), Entry("steps", "steps of nodes", counts.steps),
                    Entry("failedCommits", "commits that failed", counts.failedCommits),
                    Entry("salvaged", "writes salvaged", counts.salvaged),
                    Entry("discarded", "writes reported as discarded", counts.discarded),
                    Entry("conflictRecords", "records of conflicts", counts.conflictRecords),
                ]),
            Section(
                title: "Requests",
                entries: [
                    Entry("requests", "sent by clients", counts.requests),
                    Entry("reads", "reads answered", counts.reads),
                    Entry("writes", "writes acknowledged", counts.writes), Entry("refused", "refused", counts.refused),
                    Entry("refusedTokens", "refused for their token", counts.refusedTokens),
                    Entry("unavailable", "unavailable", counts.unavailable),
                    Entry("unsatisfied", "too few replicas answered", counts.unsatisfied),
                    Entry("unknown", "outcome unknown", counts.unknown),
                ]),
            Section(
                title: "Messages",
                entries: [
                    Entry("sent", "sent", network.sent), Entry("bytes", "bytes", network.bytes),
                    Entry("delivered", "delivered", network.delivered), Entry("dropped", "dropped", network.dropped),
                    Entry("duplicated", "duplicated", network.duplicated),
                    Entry("blocked", "blocked by cuts", network.blocked),
                    Entry("replayed", "old, delivered again", network.replayed),
                ]),
        ]
    }

    /// Every kind of fault that is damage, those that did not happen, too.
    var faults: [(kind: FaultKind, count: Int)] {
        FaultKind.allCases.filter { !$0.isRelief }.map { ($0, counts.faults[$0]) }
    }
}

extension SimulationCounts {
    /// Adds what another run consisted of.
    mutating func add(_ other: SimulationCounts) {
        events += other.events
        steps += other.steps
        requests += other.requests
        reads += other.reads
        writes += other.writes
        refused += other.refused
        refusedTokens += other.refusedTokens
        unavailable += other.unavailable
        unsatisfied += other.unsatisfied
        unknown += other.unknown
        failedCommits += other.failedCommits
        salvaged += other.salvaged
        discarded += other.discarded
        checks += other.checks
        conflictRecords += other.conflictRecords
        simulated += other.simulated
        faults += other.faults
        network.add(other.network)
    }
}

extension NetworkStatistics {
    fileprivate mutating func add(_ other: NetworkStatistics) {
        sent += other.sent
        bytes += other.bytes
        delivered += other.delivered
        dropped += other.dropped
        duplicated += other.duplicated
        blocked += other.blocked
        replayed += other.replayed
    }
}
