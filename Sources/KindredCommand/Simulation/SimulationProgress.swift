import KindredSimulator

/// How far a run of many seeds is.
struct SimulationProgress {
    let total: Int
    var done = 0
    /// Virtual microseconds.
    var simulated: UInt64 = 0
    var violations = 0
    /// Seconds.
    var elapsed = 0.0

    init(total: Int) {
        self.total = total
    }

    mutating func count(_ outcome: SeedOutcome) {
        done += 1
        simulated += outcome.counts.simulated
        if outcome.violation != nil { violations += 1 }
    }

    private var rate: Double { elapsed > 0 ? Double(done) / elapsed : 0 }

    /// How many seconds are left if it goes on like this; nil if nothing can be said yet.
    var secondsLeft: Double? { rate > 0 ? Double(total - done) / rate : nil }

    /// `[###······]  120 of 300 seeds  …`, at most as wide as the terminal.
    func line(width: Int) -> String {
        let share = total > 0 ? Double(done) / Double(total) : 1
        let barWidth = 20
        let filled = min(barWidth, Int(share * Double(barWidth)))
        let bar = String(repeating: "#", count: filled) + String(repeating: "·", count: barWidth - filled)
        return TextLayout.cut("[\(bar)]  " + facts, to: width)
    }

    /// The same without the bar, for logs.
    var facts: String {
        let left = secondsLeft.map { "\(Self.duration($0)) left" } ?? "…"
        return [
            "\(TextLayout.grouped(done)) of \(TextLayout.count(total, "seed"))",
            "\(Self.decimal(rate))/s",
            "\(Self.hours(simulated)) simulated",
            TextLayout.count(violations, "violation"),
            left,
        ].joined(separator: "  ")
    }

    // MARK: Numbers

    /// `2.5 h` of virtual microseconds.
    static func hours(_ microseconds: UInt64) -> String { decimal(Double(microseconds) / 3_600_000_000) + " h" }

    /// One decimal below a hundred, none above.
    static func decimal(_ value: Double) -> String {
        guard value < 99.95 else { return TextLayout.grouped(Int(value.rounded())) }
        let tenths = Int((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    /// `0.4s`, `42s`, `9m 30s`, `2h 05m`.
    static func duration(_ seconds: Double) -> String {
        guard seconds >= 10 else { return decimal(max(0, seconds)) + "s" }
        guard seconds < 1e12 else { return "for ever" }
        let whole = Int(seconds.rounded())
        if whole < 60 { return "\(whole)s" }
        if whole < 3_600 { return "\(whole / 60)m \(twoDigits(whole % 60))s" }
        return "\(TextLayout.grouped(whole / 3_600))h \(twoDigits(whole / 60 % 60))m"
    }

    private static func twoDigits(_ value: Int) -> String { (value < 10 ? "0" : "") + String(value) }
}

/// Shows progress: one line that rewrites itself on a terminal, a line now and then elsewhere, nothing for programs.
struct ProgressLine {
    /// How often a log gets a line, in seconds.
    private static let logInterval = 10.0

    let console: Console
    let isSilent: Bool
    private var lastLogged = 0.0
    private var isShown = false

    init(console: Console, isSilent: Bool) {
        self.console = console
        self.isSilent = isSilent
    }

    /// Shows `line` on a terminal; in a log, `facts` if it is time for a line.
    mutating func show(elapsed: Double, line: (_ width: Int) -> String, facts: () -> String) {
        guard !isSilent else { return }
        if console.isTerminal {
            console.write(Array(("\r" + line(console.width - 1) + "\u{1B}[K").utf8))
            isShown = true
        } else if elapsed - lastLogged >= Self.logInterval {
            lastLogged = elapsed
            console.complain(facts())
        }
    }

    /// Leaves nothing of it on a terminal.
    mutating func end() {
        if isShown { console.write(Array("\r\u{1B}[K".utf8)) }
        isShown = false
    }
}
