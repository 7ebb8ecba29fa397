/// Hands out the ids of exchanges: no id is used twice, not even by different runs of a node.
package struct ExchangeIDs: Hashable, Sendable {
    private var last: UInt64

    /// - Parameter generation: differs for every start of the node; below 2²⁴.
    package init(generation: UInt64) {
        precondition(generation < 1 << 24, "generation \(generation) does not fit into an id")
        last = generation << 40
    }

    /// A new id.
    package mutating func next() -> UInt64 {
        last += 1
        return last
    }
}
