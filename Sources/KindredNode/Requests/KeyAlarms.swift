import KindredReplication

/// Keeps what is said of keys from filling the log: each key is spoken of once a minute.
///
/// Memory is bounded by a table of places that keys' hashes lead to. Keys that share a place speak in turn, at most
/// once a second: something may be left out, and nothing is said too often.
struct KeyAlarms {
    private var places: [(hash: UInt64, toldAt: UInt64)?] = Array(repeating: nil, count: Limits.keyAlarms)

    private static let again: UInt64 = 60_000
    private static let another: UInt64 = 1_000

    /// Whether a key is to be spoken of now.
    ///
    /// - Parameters:
    ///   - hash: the key's.
    ///   - now: milliseconds of a clock that never goes back.
    mutating func admits(_ hash: UInt64, now: UInt64) -> Bool {
        let place = Int(hash % UInt64(places.count))
        if let last = places[place] {
            guard now - min(last.toldAt, now) >= (last.hash == hash ? Self.again : Self.another) else { return false }
        }
        places[place] = (hash, now)
        return true
    }
}
