import Histogram

/// What a worker has seen in the measured time, and the errors of its whole life.
struct WorkerCounts {
    /// Latencies are kept from one microsecond to ten minutes with three digits.
    private static let longestLatency: UInt64 = 600_000_000_000
    /// Different error texts that are told apart; the rest is counted together.
    private static let mostErrorTexts = 50

    /// Replies within the measured time that were no errors.
    private(set) var completedGets = 0
    private(set) var completedPuts = 0
    /// Latencies, in nanoseconds, of these requests and of those still in flight when the measured time ended: a request
    /// that takes long is not left out for it.
    private(set) var getLatency = Self.emptyHistogram()
    private(set) var putLatency = Self.emptyHistogram()
    private(set) var errors: [String: Int] = [:]
    var notFound = 0
    /// Gets that returned more than one value, and the most values that one returned.
    var siblingReplies = 0
    var mostSiblings = 0
    /// Open loop: requests that were due but never sent, because the server had not answered enough of the others.
    var unsent = 0

    private static func emptyHistogram() -> Histogram<UInt64> {
        Histogram(
            lowestDiscernibleValue: 1_000, highestTrackableValue: longestLatency, numberOfSignificantValueDigits: .three
        )
    }

    @inline(__always)
    mutating func completed(_ operation: Operation) {
        switch operation {
        case .get: completedGets += 1
        case .put: completedPuts += 1
        }
    }

    @inline(__always)
    mutating func record(_ operation: Operation, _ nanoseconds: UInt64) {
        switch operation {
        case .get: getLatency.record(min(nanoseconds, Self.longestLatency))
        case .put: putLatency.record(min(nanoseconds, Self.longestLatency))
        }
    }

    /// Counts an error under its text.
    mutating func note(_ error: String, count: Int = 1) {
        let text = errors.count < Self.mostErrorTexts || errors[error] != nil ? error : "other errors"
        errors[text, default: 0] += count
    }

    /// Adds another worker's counts.
    mutating func add(_ other: WorkerCounts) {
        completedGets += other.completedGets
        completedPuts += other.completedPuts
        getLatency.add(other.getLatency)
        putLatency.add(other.putLatency)
        for (text, count) in other.errors { note(text, count: count) }
        notFound += other.notFound
        siblingReplies += other.siblingReplies
        mostSiblings = max(mostSiblings, other.mostSiblings)
        unsent += other.unsent
    }
}
