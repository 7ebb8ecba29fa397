import KindredSimulator
import Testing

@testable import KindredCommand

/// How a run of many seeds says how far it is.
@Suite struct SimulationProgressTests {
    private func progress(done: Int, of total: Int, seconds: Double) -> SimulationProgress {
        var progress = SimulationProgress(total: total)
        var counts = SimulationCounts()
        counts.simulated = 36_000_000
        for seed in 0..<done { progress.count(SeedOutcome(seed: UInt64(seed), counts: counts)) }
        progress.elapsed = seconds
        return progress
    }

    @Test func aLineHasABarAndTheFacts() {
        let line = progress(done: 50, of: 200, seconds: 10).line(width: 120)
        #expect(
            line
                == "[#####···············]  50 of 200 seeds  5.0/s  0.5 h simulated  0 violations  30s left")
    }

    @Test func aLineFitsTheTerminal() {
        #expect(TextLayout.width(progress(done: 50, of: 200, seconds: 10).line(width: 40)) <= 40)
    }

    @Test func nothingIsPromisedBeforeTheFirstSeed() {
        let progress = progress(done: 0, of: 10, seconds: 0)
        #expect(progress.secondsLeft == nil && progress.facts.hasSuffix("…"))
    }

    @Test(
        arguments: [
            (0.04, "0.0s"), (9.94, "9.9s"), (10, "10s"), (59.4, "59s"), (60, "1m 00s"), (570, "9m 30s"),
            (7_500, "2h 05m"), (1e300, "for ever"),
        ] as [(Double, String)])
    func durations(seconds: Double, text: String) {
        #expect(SimulationProgress.duration(seconds) == text)
    }

    @Test func aTerminalHasOneLineThatRewritesItself() {
        let test = TestConsole()
        var line = ProgressLine(console: test.console(isTerminal: true), isSilent: false)
        line.show(elapsed: 0, line: { _ in "one" }, facts: { "" })
        line.show(elapsed: 1, line: { _ in "two" }, facts: { "" })
        line.end()
        #expect(test.output == "\rone\u{1B}[K\rtwo\u{1B}[K\r\u{1B}[K" && test.errors.isEmpty)
    }

    @Test func aLogHasALineEveryTenSeconds() {
        let test = TestConsole()
        var line = ProgressLine(console: test.console(), isSilent: false)
        for second in 0...25 { line.show(elapsed: Double(second), line: { _ in "line" }, facts: { "at \(second)" }) }
        line.end()
        #expect(test.errors == ["at 10", "at 20"] && test.output.isEmpty)
    }

    @Test func programsSeeNoProgress() {
        let test = TestConsole()
        var line = ProgressLine(console: test.console(isTerminal: true), isSilent: true)
        line.show(elapsed: 100, line: { _ in "line" }, facts: { "facts" })
        line.end()
        #expect(test.output.isEmpty && test.errors.isEmpty)
    }
}
