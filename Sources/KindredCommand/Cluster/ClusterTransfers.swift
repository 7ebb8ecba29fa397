import ArgumentParser
import KindredNode

/// `kindred cluster transfers`
struct ClusterTransfers: ClusterCommand {
    static let configuration = CommandConfiguration(
        commandName: "transfers",
        abstract: "Show which replicas move, and how far they are.",
        discussion: """
            Each node is asked for its own replicas. Rates and times come from two looks, a second apart.

            EXAMPLES
              kindred cluster transfers
              kindred cluster transfers --watch
              kindred cluster transfers --json | jq '.transfers[] | {partition, arrives, secondsLeft}'
            """)

    @Flag(help: "Look again every second until nothing moves.")
    var watch = false
    @OptionGroup var common: OperatorOptions

    func run(_ cluster: ClusterClient, _ console: Console) async throws -> ExitCode {
        let clock = SampleClock()
        var earlier: TransferSample?
        while true {
            let sample = try await cluster.sample(clock)
            let page = TransfersPage(sample, earlier: earlier)
            // Without two looks there is no rate.
            if watch || page.isEmpty || earlier != nil { try show(page, console) }
            if page.isEmpty || (!watch && earlier != nil) { return .success }
            earlier = sample
            // A picture a second is what a person can follow.
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func show(_ page: TransfersPage, _ console: Console) throws {
        if common.json { return try console.print(json: page.document) }
        // From the top of the screen, and nothing left of what was there.
        if watch, console.isTerminal { console.write(Array("\u{1B}[H\u{1B}[J".utf8)) }
        console.print(page.lines)
        if watch, !console.isTerminal, !page.isEmpty { console.print() }
    }
}

/// Times of samples.
struct SampleClock: Sendable {
    private let start = ContinuousClock.now

    /// Seconds since it was made.
    var now: Double {
        let elapsed = ContinuousClock.now - start
        return Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    }
}

extension ClusterClient {
    /// Asks one node for the changes of members, and those that they are about for their bytes.
    func sample(_ clock: SampleClock) async throws(CommandFailure) -> TransferSample {
        let report = try await report().value
        let answers = await ask(TransferSample.involved(in: report), of: report)
        return TransferSample(time: clock.now, report: report, answers: answers)
    }
}

/// Waits until the changes of a commit are done, and shows how far they are.
struct TransferWait {
    private let cluster: ClusterClient
    private let console: Console
    private let total: Int
    private let clock = SampleClock()
    private var line: ProgressLine

    /// - Parameter total: how many partitions change.
    init(_ cluster: ClusterClient, _ console: Console, total: Int, isSilent: Bool) {
        self.cluster = cluster
        self.console = console
        self.total = total
        line = ProgressLine(console: console, isSilent: isSilent)
    }

    /// - Returns: how many seconds it took.
    mutating func run() async throws -> Double {
        defer { line.end() }
        let (cluster, clock) = (cluster, clock)
        func look() async throws(CommandFailure) -> TransferSample { try await cluster.sample(clock) }
        var patience = Patience(cluster.timeout)
        while true {
            if let sample = try await patience.ask(look) {
                if sample.report.transfers.isEmpty { return clock.now }
                let progress = CommitProgress(sample, total: total, elapsed: clock.now)
                line.show(elapsed: clock.now, line: progress.line(width:), facts: { progress.facts })
            }
            // A rate needs two samples: long enough apart to say something, short enough to wait for.
            try await Task.sleep(for: .milliseconds(500))
        }
    }
}

/// A node that is asked again and again may be away for a while.
struct Patience {
    private let limit: Duration
    private var lastAnswer = ContinuousClock.now

    init(_ limit: Duration) {
        self.limit = limit
    }

    /// - Returns: nil if no node can be reached, and has not been for less than the limit.
    mutating func ask<Answer>(
        _ question: () async throws(CommandFailure) -> Answer
    ) async throws(CommandFailure) -> Answer? {
        do throws(CommandFailure) {
            let answer = try await question()
            lastAnswer = .now
            return answer
        } catch {
            guard error.code == .unreachable, ContinuousClock.now - lastAnswer < limit else { throw error }
            return nil
        }
    }
}

/// How far a commit is.
struct CommitProgress {
    let sample: TransferSample
    /// Partitions.
    let total: Int
    let done: Int
    /// Seconds.
    let elapsed: Double

    init(_ sample: TransferSample, total: Int, elapsed: Double) {
        self.sample = sample
        self.elapsed = elapsed
        self.total = max(total, sample.report.transfers.count)
        done = self.total - sample.report.transfers.count
    }

    /// `[###······]  12 of 48 partitions  …`, at most as wide as the terminal.
    func line(width: Int) -> String {
        let barWidth = 20
        let filled = total > 0 ? done * barWidth / total : barWidth
        let bar = String(repeating: "#", count: filled) + String(repeating: "·", count: barWidth - filled)
        return TextLayout.cut("[\(bar)]  \(facts)", to: width)
    }

    /// The same without the bar, for logs.
    var facts: String {
        let totals = TransferTotals(sample)
        var parts = ["\(TextLayout.grouped(done)) of \(Page.count(total, "partition"))"]
        parts.append("\(totals.changing) changing")
        if done > 0, elapsed > 0 {
            parts.append("\(SimulationProgress.duration(elapsed / Double(done) * Double(total - done))) left")
        }
        if let rate = totals.rate { parts.append(rate) }
        // Nothing moves to or from a node that is away.
        if let warning = sample.report.warnings.first { parts.append("! \(Page.name(warning))") }
        return parts.joined(separator: "  ")
    }
}
