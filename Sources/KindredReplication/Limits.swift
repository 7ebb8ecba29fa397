/// Every bound of the replication core and the node, each with its reason. A bound that is missing here is a bug.
package enum Limits {
    // MARK: Objects

    /// The longest key and the longest bucket name in bytes. Both are part of every record and of the log, and are kept in
    /// memory beside each cached object.
    package static let keyBytes = 4_096
    package static let bucketNameBytes = 4_096
    /// An object larger than this is logged: it is slow to read, to write and to repair. Riak's default.
    package static let objectWarningBytes = 5 << 20
    /// A put of more is refused: one request must not hold up the data loop for long. Riak's default.
    package static let objectMaximumBytes = 50 << 20
    /// The links, user metadata and index entries of one object: enough for any use seen, little enough to walk on each read.
    package static let metadataEntries = 10_000

    // MARK: Siblings

    /// From so many siblings on, a warning is logged: the application does not resolve them. Riak's default.
    package static let siblingWarning = 25
    /// No put may add one to so many siblings. Merging, repair and puts that replace what they have seen are never refused, so an
    /// application can always resolve. Riak's default.
    package static let siblingMaximum = 100
    /// Of about so many keys it is remembered that the log has spoken of them.
    package static let keyAlarms = 1_024

    // MARK: Conflicts

    /// A value that a conflict has cost is remembered up to this length; of a longer one only its length and digest.
    package static let conflictValueBytes = 64 << 10
    /// What one partition's conflict log keeps, unless set otherwise: its records are found by a scan.
    package static let conflictsPerPartition = 10_000
    package static let conflictBytesPerPartition = 64 << 20
    /// How long it remembers, unless set otherwise: thirty days.
    package static let conflictRetentionMilliseconds: UInt64 = 30 * 86_400_000
    /// How often a node that is alone looks after its log's size; a node of a cluster does so in each of its ticks.
    package static let conflictTidyMilliseconds: UInt64 = 50
    /// So many scans each time, over all partitions: 80,000 records a second, which is more than a node can enter. One scan takes less than a
    /// millisecond if the disk need not be waited for.
    package static let conflictScansPerTidying = 8
    /// How many records one step of a scan of the log reads.
    package static let conflictsPerScan = 512
    /// One write mints at most so many events: its own, and that of its record in the conflict log.
    package static let eventsPerWrite: UInt64 = 2

    // MARK: Partitions

    /// How many partitions the key space has, unless chosen otherwise when the data directory is created.
    package static let defaultPartitions: UInt16 = 64
    /// A log is folded into its partition's checkpoint after so many events. A restart reads at most this many entries for each
    /// partition, which takes about two milliseconds.
    package static let eventsPerCheckpoint: UInt64 = 4_096

    /// How many events a partition's log keeps for replicas that lag behind: about 10 MiB in memory. Whoever misses more needs a full
    /// transfer, so the bound costs time, never data.
    package static let logEntriesPerPartition = 65_536
    /// How many keys with something left to strip or drop are remembered; with more, they are found again by a scan.
    package static let unsettledKeys = 65_536
    /// One answer to a pull covers at most so many missing events, and about so many bytes: it is built and applied in one step, which
    /// must not hold up the data loop for long.
    package static let eventsPerPull = 512
    package static let bytesPerPull = 1 << 20
    /// One part of a full transfer has at most so many objects, for the same reason.
    package static let objectsPerTransfer = 256

    // MARK: The talk of nodes

    /// How often each replica asks another member what it lacks, in milliseconds. An exchange between equal replicas is some dozens of bytes.
    package static let pullMilliseconds: UInt64 = 500
    /// An answer to such a question that takes longer is not waited for.
    package static let exchangeMilliseconds: UInt64 = 2_000
    /// How often a node repeats what the configuration service has not taken up.
    package static let reportMilliseconds: UInt64 = 500
    /// How often each replica begins a round through the keys that have something left to strip or drop, and how many it visits at a time.
    package static let settlingMilliseconds: UInt64 = 500
    package static let keysPerSettling = 64
    /// A leader that is not the first member hands over after so long a time, and not in the middle of failures.
    package static let leadershipRestMilliseconds: UInt64 = 15_000
    /// How often each replica looks for log entries that everybody has. It costs a checkpoint, so not with each exchange.
    package static let pruneMilliseconds: UInt64 = 2_000
    /// How often hints are sent to a node that can be reached, and how many at a time.
    package static let handOffMilliseconds: UInt64 = 500
    package static let hintsPerHandOff = 64
    /// A replica registers so many counters ahead: one request to the configuration service for each million writes.
    package static let counterBlock: UInt64 = 1_000_000

    // MARK: Time

    /// How far ahead of the own clock a timestamp may be where timestamps decide, in milliseconds. A clock that runs away
    /// further costs its own node's writes, not everybody's data.
    package static let maximumSkewMilliseconds: UInt64 = 500

    /// How far the clock's durable ceiling runs ahead, in milliseconds. After a crash, hybrid time starts at the ceiling, so this is
    /// also how far it may be ahead of the wall clock then: less than `maximumSkewMilliseconds`, or the other nodes would refuse what this one
    /// writes for a while. It costs one small record in so many milliseconds of writing.
    package static let clockCeilingMilliseconds: UInt64 = 250

    // MARK: A tick of the data loop

    /// A tick commits early once it has staged so many bytes, so that its memory and the time of its commit stay bounded.
    package static let stagedBytesPerTick = 8 << 20
    /// A connection yields to the others after so many requests in one tick.
    package static let requestsPerConnectionAndTick = 128
    /// Written but unsynchronized bytes beyond this make the loop wait for the disk: what it accepts stays in proportion to what the disk
    /// can keep up with.
    package static let unsynchronizedBytes = 64 << 20

    // MARK: Listeners

    /// The largest protocol-buffers frame: the largest object, its metadata and a causal context.
    package static let frameBytes = 64 << 20
    /// A connection whose client does not read is not read from while so many bytes wait to be sent.
    package static let outputHighWatermark = 4 << 20
    /// Simultaneous client connections; more are told so and closed. Each costs about 20 KiB when idle.
    package static let connections = 10_000
    /// Memory promised to messages that have begun and are larger than a read: the rest are told "overload".
    package static let partialMessageBytes = 1 << 30
    /// A connection that has begun a message and does not finish it within this many seconds is closed.
    package static let partialMessageSeconds: Int64 = 60

    // MARK: Listing

    /// How many keys one message of a key listing carries.
    package static let keysPerChunk = 500
    /// How many distinct buckets one listing answers; it is an operator's tool, held in memory.
    package static let bucketsPerListing = 100_000
}
