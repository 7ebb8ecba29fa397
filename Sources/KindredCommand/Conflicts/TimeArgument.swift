import ArgumentParser

/// A moment as a person writes it: how long ago, or a date, perhaps with a time of day.
///
/// ```
/// 90s  15m  2h  3d  1w              so long ago
/// 2026-11-26                        the day's beginning, UTC
/// 2026-11-26T14:03[:12[.123]]       UTC; a space may stand for the T
/// 2026-11-26T14:03+01:00, …Z        with an offset
/// 1795701792000                     milliseconds since 1970
/// ```
enum TimeArgument: Hashable, Sendable, ExpressibleByArgument {
    case ago(milliseconds: UInt64)
    case at(milliseconds: UInt64)

    init?(argument: String) {
        let text = Array(argument.utf8)
        guard let time = Self.ago(text) ?? Self.at(text) else { return nil }
        self = time
    }

    /// Milliseconds since 1970.
    func milliseconds(now: UInt64) -> UInt64 {
        switch self {
        case .ago(let milliseconds): now - min(now, milliseconds)
        case .at(let milliseconds): milliseconds
        }
    }

    private static func ago(_ text: [UInt8]) -> TimeArgument? {
        guard let unit = text.last, text.count <= 10, let number = number(text.dropLast()) else { return nil }
        let milliseconds: UInt64? =
            switch unit {
            case UInt8(ascii: "s"): 1_000
            case UInt8(ascii: "m"): 60_000
            case UInt8(ascii: "h"): 3_600_000
            case UInt8(ascii: "d"): 86_400_000
            case UInt8(ascii: "w"): 604_800_000
            default: nil
            }
        return milliseconds.map { .ago(milliseconds: number * $0) }
    }

    private static func at(_ text: [UInt8]) -> TimeArgument? {
        // Shorter numbers would be days in 1970, or a year that somebody meant.
        if (12...15).contains(text.count), let milliseconds = number(text[...]) {
            return .at(milliseconds: milliseconds)
        }
        var rest = text[...]
        guard let year = field(4, &rest), take("-", &rest), let month = field(2, &rest), take("-", &rest),
            let day = field(2, &rest), (1970...9999).contains(year), (1...12).contains(month),
            (1...length(of: month, in: year)).contains(day)
        else { return nil }
        var milliseconds = (days(before: year) + dayOfYear(year, month, day)) * 86_400_000
        if rest.isEmpty { return .at(milliseconds: UInt64(milliseconds)) }
        guard take("T", &rest) || take("t", &rest) || take(" ", &rest), let hour = field(2, &rest), take(":", &rest),
            let minute = field(2, &rest), hour < 24, minute < 60
        else { return nil }
        milliseconds += hour * 3_600_000 + minute * 60_000
        if take(":", &rest) {
            guard let second = field(2, &rest), second < 60 else { return nil }
            milliseconds += second * 1_000
            if take(".", &rest) {
                guard let fraction = field(3, &rest) else { return nil }
                milliseconds += fraction
            }
        }
        guard let offset = offset(&rest), rest.isEmpty, milliseconds >= offset else { return nil }
        return .at(milliseconds: UInt64(milliseconds - offset))
    }

    /// By how much a clock there is ahead of UTC.
    private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int? {
        if rest.isEmpty || take("Z", &rest) || take("z", &rest) { return 0 }
        let sign = take("+", &rest) ? 1 : take("-", &rest) ? -1 : 0
        guard sign != 0, let hours = field(2, &rest), take(":", &rest), let minutes = field(2, &rest), hours < 24,
            minutes < 60
        else { return nil }
        return sign * (hours * 3_600_000 + minutes * 60_000)
    }

    // MARK: Digits

    private static func take(_ character: Unicode.Scalar, _ rest: inout ArraySlice<UInt8>) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private static func field(_ digits: Int, _ rest: inout ArraySlice<UInt8>) -> Int? {
        guard rest.count >= digits, let number = number(rest.prefix(digits)) else { return nil }
        rest = rest.dropFirst(digits)
        return Int(number)
    }

    /// A number of at most 15 digits and nothing else.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard (1...15).contains(digits.count) else { return nil }
        var number: UInt64 = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + UInt64(digit - UInt8(ascii: "0"))
        }
        return number
    }

    // MARK: The calendar

    private static func isLeap(_ year: Int) -> Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    private static func length(of month: Int, in year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// From 1970 to the beginning of a year.
    private static func days(before year: Int) -> Int {
        func leapYears(before year: Int) -> Int { (year - 1) / 4 - (year - 1) / 100 + (year - 1) / 400 }
        return (year - 1970) * 365 + leapYears(before: year) - leapYears(before: 1970)
    }

    /// From the beginning of the year to that of the day.
    private static func dayOfYear(_ year: Int, _ month: Int, _ day: Int) -> Int {
        (1..<month).reduce(0) { $0 + length(of: $1, in: year) } + day - 1
    }
}
