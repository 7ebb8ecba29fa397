/// Dates of HTTP (RFC 9110 §5.6.7), as seconds since the beginning of 1970 in UTC.
package enum RiakHTTPDate {
    private static let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let longDays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    /// The last second of the year 9999, which is the last that the format can write.
    private static let lastSecond: Int64 = 253_402_300_799

    /// Writes an IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`. A time outside of 1970 to 9999 becomes the nearest one inside.
    package static func format(_ seconds: Int64) -> String {
        let seconds = min(max(seconds, 0), lastSecond)
        let day = seconds / 86_400
        let date = civil(ofDay: day)
        let second = seconds % 86_400
        func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        // 1970 began on a Thursday.
        let weekday = days[Int((day + 4) % 7)]
        return "\(weekday), \(two(date.day)) \(months[Int(date.month - 1)]) \(date.year) "
            + "\(two(second / 3600)):\(two(second / 60 % 60)):\(two(second % 60)) GMT"
    }

    /// Reads an IMF-fixdate or one of the two older forms that a recipient must accept:
    ///
    ///     Sun, 06 Nov 1994 08:49:37 GMT
    ///     Sunday, 06-Nov-94 08:49:37 GMT
    ///     Sun Nov  6 08:49:37 1994
    ///
    /// - Parameter now: for the century of the second form: one that would lie more than 50 years ahead lies in the past.
    /// - Returns: nil for anything else, impossible dates included. The weekday is not compared with the date.
    package static func parse(_ text: String, now: Int64) -> Int64? {
        let words = text.split(separator: " ", omittingEmptySubsequences: true)
        switch words.count {
        case 6:
            guard days.contains(where: { $0 + "," == words[0] }), words[1].utf8.count == 2, words[3].utf8.count == 4,
                words[5] == "GMT"
            else { return nil }
            return seconds(year: words[3], month: words[2], day: words[1], time: words[4])
        case 5:
            guard days.contains(where: { $0 == words[0] }), words[4].utf8.count == 4 else { return nil }
            return seconds(year: words[4], month: words[1], day: words[2], time: words[3])
        case 4:
            let date = words[1].split(separator: "-", omittingEmptySubsequences: false)
            guard longDays.contains(where: { $0 + "," == words[0] }), words[3] == "GMT", date.count == 3,
                date[0].utf8.count == 2, date[2].utf8.count == 2
            else { return nil }
            guard
                let recent = seconds(year: "20" + date[2], month: date[1], day: date[0], time: words[2]),
                let earlier = seconds(year: "19" + date[2], month: date[1], day: date[0], time: words[2])
            else { return nil }
            return recent - 50 * 31_556_952 > now ? earlier : recent
        default:
            return nil
        }
    }

    private static func seconds(
        year: Substring, month: Substring, day: Substring, time: Substring
    ) -> Int64? {
        let clock = time.split(separator: ":", omittingEmptySubsequences: false)
        guard let year = number(year), let day = number(day), year >= 1,
            let month = months.firstIndex(where: { $0 == month }).map({ Int64($0) + 1 }),
            clock.count == 3, clock.allSatisfy({ $0.utf8.count == 2 }),
            let hour = number(clock[0]), let minute = number(clock[1]), let second = number(clock[2]),
            // 60 is a leap second, which counts as the first second after.
            hour < 24, minute < 60, second <= 60
        else { return nil }
        let number = dayNumber(year: year, month: month, day: day)
        let back = civil(ofDay: number)
        guard back.year == year, back.month == month, back.day == day else { return nil }
        return number * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func number(_ digits: Substring) -> Int64? {
        guard !digits.isEmpty, digits.utf8.count <= 4, digits.utf8.allSatisfy(RiakHTTPText.isDigit) else { return nil }
        return Int64(digits)
    }

    // The two conversions count years from March, so that the leap day is the last of its year, in eras of 400 years, which all have
    // 146,097 days; 719,468 days lie between the beginning of the first era and 1970.

    private static func dayNumber(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(ofDay day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        )
    }
}
