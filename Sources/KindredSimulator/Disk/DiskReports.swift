package import KindredStorage

/// How a process ends that did not want to.
package enum CrashKind: Hashable, CaseIterable, Sendable {
    /// The process is killed. What it committed is with the operating system and survives.
    case process
    /// The machine loses power. What was not synchronized survives up to some point, and not after it.
    case power
}

/// What a failed commit turns out to have done, once the engine has been reopened.
package enum CommitFate: Hashable, CaseIterable, Sendable {
    /// The batch was written.
    case kept
    /// The batch was not written.
    case lost
    /// One or the other; the disk's seed decides.
    case chance
}

/// What a crash has taken.
package struct CrashReport: Hashable, Sendable {
    /// Batches that were not synchronized and are still there.
    package var survivingBatches = 0
    /// Batches that are gone.
    package var lostBatches = 0
    /// Of those that are gone, how many were half written and therefore dropped as a whole: at most one.
    package var tornBatches = 0
    /// Of those that are gone, how many a lying disk had reported as synchronized.
    package var brokenPromises = 0

    /// A crash that took this.
    package init(
        survivingBatches: Int = 0, lostBatches: Int = 0, tornBatches: Int = 0, brokenPromises: Int = 0
    ) {
        self.survivingBatches = survivingBatches
        self.lostBatches = lostBatches
        self.tornBatches = tornBatches
        self.brokenPromises = brokenPromises
    }
}

/// The name of a record that cannot be read.
package struct DamagedRecord: Hashable, Sendable {
    /// The table it is in.
    package let table: Table
    /// Its key.
    package let key: [UInt8]

    /// Names a record.
    package init(table: Table, key: [UInt8]) {
        self.table = table
        self.key = key
    }
}

/// The image of a disk at one moment: what was committed then. Cheap to take and to keep.
package struct DiskSnapshot: Sendable {
    let image: DiskImage
}

/// What a disk has done and suffered since it was made.
package struct DiskStatistics: Hashable, Sendable {
    /// Batches written.
    package var commits = 0
    /// Synchronizations that were done.
    package var synchronizations = 0
    /// Synchronizations that were reported and not done.
    package var lies = 0
    /// Reads and scans that failed with `.failed`.
    package var readErrors = 0
    /// Reads and scans that met a flipped bit.
    package var corruptReads = 0
    /// Commits refused with `.full`.
    package var refusedCommits = 0
    /// Commits whose fate was unknown.
    package var failedCommits = 0
    /// Synchronizations that failed.
    package var failedSynchronizations = 0
    /// Ends of a process that it did not want.
    package var crashes = 0
    /// The sum over all crashes.
    package var losses = CrashReport()
}
