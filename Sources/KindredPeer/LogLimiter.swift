import NIOCore

/// Keeps what repeats from filling the log: the same text at most once in ten seconds, and different ones no faster
/// than one a second.
struct LogLimiter {
    private var last: (text: String, time: NIODeadline)?
    private var suppressed = 0

    private static let sameAgain = TimeAmount.seconds(10)
    private static let anyAgain = TimeAmount.seconds(1)

    /// - Returns: how many lines have been left out since the last one; nil if this one is to be left out, too.
    mutating func admit(_ text: String, now: NIODeadline = .now()) -> Int? {
        if let last {
            guard now - last.time >= (text == last.text ? Self.sameAgain : Self.anyAgain) else {
                suppressed += 1
                return nil
            }
        }
        defer { suppressed = 0 }
        last = (text, now)
        return suppressed
    }
}
