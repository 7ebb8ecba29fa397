import KindredClient

/// What happened to one key, as its clients saw it.
///
/// A value: playing fills it, drawing and judging read it.
struct History: Sendable {
    /// One thing a client did.
    enum Event: Hashable, Sendable {
        /// It wrote `value`, having seen `seen`.
        case write(client: Int, value: String, seen: [String], WriteResult)
        /// It read the key and was shown `values`.
        case read(client: Int, values: [String])
    }

    enum WriteResult: Hashable, Sendable {
        /// The write was accepted, as this version; it has a number in buckets with version numbers.
        case stored(version: String, number: Int?)
        /// The key had this content already.
        case unchanged
        case refused(reason: String)
    }

    let bucket: Bucket
    let key: Name
    let clients: [String]
    /// All that happened, in its order.
    var events: [Event] = []
    /// What the key has in the end.
    var kept: [String] = []
    /// The most values that any answer showed.
    var mostSiblings = 0

    /// Values that were accepted and then replaced by a write that had seen them, and by which.
    var replaced: [(value: String, by: String)] {
        accepted.enumerated().compactMap { index, write in
            guard !kept.contains(write.value) else { return nil }
            let successor = accepted[(index + 1)...].first { $0.seen.contains(write.value) }
            return successor.map { (write.value, $0.value) }
        }
    }

    /// Values that were accepted and are gone although no write that had seen them came after.
    var lost: [String] {
        let replaced = Set(replaced.map(\.value))
        return accepted.map(\.value).filter { !kept.contains($0) && !replaced.contains($0) }
    }

    /// Values that the node did not accept.
    var refused: [String] {
        events.compactMap { event in
            if case .write(_, let value, _, .refused) = event { value } else { nil }
        }
    }

    /// The numbers of the versions, in the order of the writes.
    var numbers: [Int] {
        events.compactMap { event in
            if case .write(_, _, _, .stored(_, let number?)) = event { number } else { nil }
        }
    }

    private var accepted: [(value: String, seen: [String])] {
        events.compactMap { event in
            if case .write(_, let value, let seen, .stored) = event { (value, seen) } else { nil }
        }
    }
}

/// A history, and whether it ended as the bucket type promises.
struct Demonstration: Sendable {
    /// Something promised, and whether it came true.
    struct Check: Hashable, Sendable {
        let promise: String
        let holds: Bool
    }

    let id: String
    let title: String
    /// What the strategy does, in a sentence.
    let rule: String
    let history: History
    let checks: [Check]
    /// How many events at the beginning are drawn; nil is all.
    var drawn: Int?

    var passed: Bool { checks.allSatisfy(\.holds) }
}
