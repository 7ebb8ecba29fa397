/// What a node has done since it was started.
package struct NodeStatistics: Sendable {
    package var gets: UInt64 = 0
    package var puts: UInt64 = 0
    package var deletes: UInt64 = 0
    /// Writes that a strategy, a limit or a precondition refused.
    package var refusals: UInt64 = 0
    /// Puts that left siblings.
    package var siblingPuts: UInt64 = 0
    /// Of these, puts that left so many that the application seems not to resolve them.
    package var siblingWarnings: UInt64 = 0
    /// Versions that last-write-wins dropped although their successor's writer had not seen them.
    package var discardedVersions: UInt64 = 0
    /// Objects that had to be read from the disk.
    package var diskReads: UInt64 = 0
    package var synchronizations: UInt64 = 0
    package var storageFailures: UInt64 = 0
    package var connections: UInt64 = 0
    package var connectionsTotal: UInt64 = 0

    package init() {}
}
