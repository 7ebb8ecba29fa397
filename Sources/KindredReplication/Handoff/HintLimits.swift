/// The bounds of what a node keeps for others.
extension Limits {
    /// The hints a node keeps, for all others together. Each is a key in memory.
    package static let hints = 100_000
    /// What they may take, in memory and on disk alike: a minute of writes for a node that restarts. What a longer
    /// absence misses, anti-entropy brings.
    package static let hintBytes = 64 << 20
    /// What a hint is counted with beside its key and its record: the decoded update, and its entries in a table and a
    /// queue.
    package static let hintOverhead = 512
}
