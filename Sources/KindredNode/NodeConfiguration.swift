import KindredReplication

/// When a write is acknowledged.
package enum Durability: String, Sendable, CaseIterable {
    /// Once it would survive a power cut.
    case synced
    /// Once the operating system has it: a killed process loses nothing, a power cut up to a second of writes.
    case relaxed
}

/// What can be chosen about a node's data.
package struct NodeConfiguration: Sendable {
    package var durability: Durability
    /// Memory for objects that were used lately, in bytes.
    package var cacheBytes: Int
    /// How many partitions a *new* data directory gets.
    package var partitions: UInt16
    /// The name that clients are told.
    package var name: String
    /// Whether the node is one of a cluster, and waits until it has joined.
    package var isClustered: Bool
    /// What full transfers may bring in, in bytes a second.
    package var transferBytesPerSecond: UInt64
    /// Whether conflicts are entered into the conflict log.
    package var keepsConflictLog: Bool
    /// How long the conflict log remembers.
    package var conflictLogLimits: ConflictLogLimits

    package init(
        durability: Durability, cacheBytes: Int, partitions: UInt16, name: String, isClustered: Bool = false,
        transferBytesPerSecond: UInt64 = 64 << 20, keepsConflictLog: Bool = true,
        conflictLogLimits: ConflictLogLimits = ConflictLogLimits()
    ) {
        self.keepsConflictLog = keepsConflictLog
        self.conflictLogLimits = conflictLogLimits
        self.durability = durability
        self.cacheBytes = cacheBytes
        self.partitions = partitions
        self.name = name
        self.isClustered = isClustered
        self.transferBytesPerSecond = transferBytesPerSecond
    }
}

/// How long a node's conflict log remembers, over all its partitions: what goes beyond either goes, the oldest first.
package struct ConflictLogLimits: Sendable {
    package var milliseconds: UInt64
    /// Each partition has its share, at least 1 MiB.
    package var bytes: Int

    package init(milliseconds: UInt64 = Limits.conflictRetentionMilliseconds, bytes: Int = 1 << 30) {
        self.milliseconds = milliseconds
        self.bytes = bytes
    }
}

/// What the node needs of the world, passed in so that the composition decides.
package struct NodeEnvironment: Sendable {
    /// Milliseconds since 1970.
    package var wallClock: @Sendable () -> UInt64
    /// Names the current boot of the machine; empty if unknown.
    package var bootID: String
    /// So many random bytes, fit for secrets.
    package var randomBytes: @Sendable (Int) -> [UInt8]
    /// Runs work that waits for the disk on one of several threads.
    package var offload: @Sendable (@escaping @Sendable () -> Void) -> Void
    /// Runs synchronizations on a thread of their own, one after the other.
    package var synchronizer: @Sendable (@escaping @Sendable () -> Void) -> Void

    package init(
        wallClock: @escaping @Sendable () -> UInt64, bootID: String, randomBytes: @escaping @Sendable (Int) -> [UInt8],
        offload: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void,
        synchronizer: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) {
        self.wallClock = wallClock
        self.bootID = bootID
        self.randomBytes = randomBytes
        self.offload = offload
        self.synchronizer = synchronizer
    }
}
