import KindredModel
import Testing

/// The `counter`-th event of an actor.
func dot(_ actor: UInt32, _ counter: UInt64) -> Dot {
    Dot(ActorID(actor), counter)
}

/// A vector of pairs: actor, counter.
func vector(_ pairs: KeyValuePairs<UInt32, UInt64>) -> VersionVector {
    VersionVector(pairs.map { VersionVector.Entry(ActorID($0.key), $0.value) })
}

/// The bytes of a text, as a content.
func content(_ text: String) -> ArraySlice<UInt8> {
    Array(text.utf8)[...]
}

/// The text of each version's content; nil for a tombstone.
func texts(_ versions: [Version]) -> [String?] {
    versions.map { $0.content.map { String(decoding: $0, as: UTF8.self) } }
}

/// A version with a text as its content.
func version(
    _ actor: UInt32, _ counter: UInt64, at time: UInt64 = 0, number: UInt64 = 0, _ text: String?
) -> Version {
    Version(
        dot: dot(actor, counter), timestamp: HybridTimestamp(milliseconds: time), number: number,
        content: text.map { content($0) })
}

/// Reads a value from bytes.
func decode<Value>(
    _ bytes: [UInt8], _ read: (inout ByteReader) throws(MalformedBytes) -> Value
) throws(MalformedBytes) -> Value {
    let result = bytes.withUnsafeBytes { buffer in
        Result { () throws(MalformedBytes) -> Value in
            var reader = ByteReader(buffer)
            return try read(&reader)
        }
    }
    return try result.get()
}

/// Every set that can be made of these dots.
func subsets(of dots: [Dot]) -> [Set<Dot>] {
    (0..<(1 << dots.count)).map { mask in
        Set(dots.indices.filter { mask >> $0 & 1 == 1 }.map { dots[$0] })
    }
}

/// The actor's events 1 to `last`, for each of some actors.
func dots(ofActors actors: UInt32, upTo last: UInt64) -> [Dot] {
    (1...actors).flatMap { actor in (1...last).map { dot(actor, $0) } }
}

extension Issue {
    /// Records an issue unless the condition holds. In tight loops far cheaper than `#expect`, which captures every operand.
    ///
    /// - Returns: whether it holds.
    @discardableResult
    static func unless(
        _ condition: Bool, _ message: @autoclosure () -> String, sourceLocation: SourceLocation = #_sourceLocation
    ) -> Bool {
        if !condition { Issue.record("\(message())", sourceLocation: sourceLocation) }
        return condition
    }
}
