import KindredSimulator

/// Figures of a comparison as texts. Whole numbers are divided as such, so that they are the same everywhere.
enum LabFigures {
    /// `1.25`; a dash where there is nothing to divide by.
    static func hundredths(_ count: Int, _ of: Int) -> String {
        guard of > 0 else { return "–" }
        let value = (count * 100 + of / 2) / of
        return "\(value / 100).\(value % 100 < 10 ? "0" : "")\(value % 100)"
    }

    /// `3.4`
    static func tenths(_ count: Int, _ of: Int) -> String {
        guard of > 0 else { return "–" }
        let value = (count * 10 + of / 2) / of
        return "\(value / 10).\(value % 10)"
    }

    static func rounded(_ count: Int, _ of: Int) -> String {
        of > 0 ? TextLayout.grouped((count + of / 2) / of) : "–"
    }

    static func percent(_ count: Int, _ of: Int) -> String {
        of > 0 ? "\((count * 100 + of / 2) / of)%" : "–"
    }

    /// The longest of the runs.
    static func convergence(_ longest: UInt64?, diverged: Int) -> String {
        if diverged > 0 { return "never" }
        guard let longest else { return "late" }
        return "\(tenths(Int(longest / 1_000), 1_000)) s"
    }

    /// `12.345s`
    static func seconds(_ time: VirtualTime) -> String {
        let milliseconds = String(time.microseconds / 1_000 % 1_000)
        let whole = String(time.microseconds / 1_000_000)
        return String(repeating: " ", count: max(0, 2 - whole.count)) + whole + "."
            + String(repeating: "0", count: 3 - milliseconds.count) + milliseconds + "s"
    }
}
