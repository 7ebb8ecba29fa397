/// A set of events of one key, by their position in the key's history.
package struct EventBits: Hashable, Sendable {
    private var words: [UInt64] = []

    package init() {}

    package var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    package func contains(_ position: Int) -> Bool {
        let word = position >> 6
        return word < words.count && words[word] & (1 << UInt64(position & 63)) != 0
    }

    package mutating func insert(_ position: Int) {
        let word = position >> 6
        while words.count <= word { words.append(0) }
        words[word] |= 1 << UInt64(position & 63)
    }

    package mutating func formUnion(_ other: EventBits) {
        while words.count < other.words.count { words.append(0) }
        for index in other.words.indices { words[index] |= other.words[index] }
    }

    /// Whether every event of `other` is in this set.
    package func isSuperset(of other: EventBits) -> Bool {
        other.words.indices.allSatisfy { index in
            other.words[index] & ~(index < words.count ? words[index] : 0) == 0
        }
    }

    /// The positions, in ascending order.
    package var positions: [Int] {
        var result: [Int] = []
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                result.append(index << 6 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
        return result
    }
}
