/// What can be chosen when a `RocksDBStorageEngine` is opened. All of it may differ from one opening to the next.
package struct RocksDBConfiguration: Sendable {
    /// Where the data is. It is created if it does not exist, with the directories above it.
    package var directory: String

    /// The memory for blocks of files that have been read, in bytes. (Indexes and Bloom filters are not counted: they
    /// are always in memory, about 2 bytes for each object, so that a key that does not exist never costs a disk
    /// access.)
    package var blockCacheBytes = 256 << 20

    /// How much of each table is collected in memory before it becomes a file, in bytes. Up to four times as much can
    /// be in memory while files are being written.
    package var objectsMemtableBytes = 64 << 20
    /// As `objectsMemtableBytes`: the log's entries are small, 16 MiB of them belong to several 64 MiB of objects.
    package var logMemtableBytes = 16 << 20
    /// As `objectsMemtableBytes`.
    package var metadataMemtableBytes = 4 << 20

    /// When the write-ahead log is longer than this many bytes, the tables whose changes it alone holds become files.
    /// This bounds what has to be replayed after a crash, and the space that a seldom written table can hold on to.
    package var writeAheadLogBytes: UInt64 = 256 << 20

    /// Commits are refused while the file system has less than this many bytes left.
    package var freeSpaceReserve: UInt64 = 64 << 20

    /// Measures the bytes left in the file system of a directory; nil if that is unknown, and then commits go on.
    package var freeSpace: @Sendable (_ directory: String) -> UInt64? = DataDirectory.freeSpace

    /// The defaults, in this directory.
    package init(directory: String) {
        self.directory = directory
    }
}
