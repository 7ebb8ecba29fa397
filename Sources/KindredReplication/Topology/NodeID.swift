/// Names a node of the cluster. Assigned when the node joins, never used again after it has left.
package struct NodeID: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The id as assigned, from 1.
    package let rawValue: UInt32

    /// Wraps an assigned id.
    package init(_ rawValue: UInt32) {
        self.rawValue = rawValue
    }

    package static func < (left: NodeID, right: NodeID) -> Bool { left.rawValue < right.rawValue }

    /// `n3` is node 3.
    package var description: String { "n\(rawValue)" }
}
