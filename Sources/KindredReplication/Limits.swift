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

    // MARK: Partitions

    /// How many partitions the key space has, unless chosen otherwise when the data directory is created.
    package static let defaultPartitions: UInt16 = 64
    /// A log is folded into its partition's checkpoint after so many events. A restart reads at most this many entries for each
    /// partition, which takes about two milliseconds.
    package static let eventsPerCheckpoint: UInt64 = 4_096

    // MARK: Time

    /// How far the clock's durable ceiling runs ahead, in milliseconds. After a crash, hybrid time starts at the ceiling, so this is
    /// also how far it may be ahead of the wall clock then.
    package static let clockCeilingMilliseconds: UInt64 = 5_000

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
