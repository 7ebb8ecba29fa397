package import KindredStorage
internal import KindredTesting
internal import Synchronization

/// What the simulation does to the disk from outside, while no call of the process is under way.
extension SimulatedDisk {
    // MARK: Ends and beginnings of a process

    /// Opens the engine for a new process. If an old one still had it open, that one counts as killed.
    package func start() {
        state.withLock { state in
            state.settle()
            state.isOpen = true
        }
    }

    /// Ends the process that uses the disk. Every call throws `.closed` until `start`.
    ///
    /// - Parameter surviving: how many of the batches not synchronized a power cut leaves, at most all of them. Unless
    ///   given, the disk's seed decides. A killed process loses none.
    @discardableResult
    package func crash(_ kind: CrashKind, surviving: Int? = nil) -> CrashReport {
        state.withLock { state in
            state.settle()
            state.isOpen = false
            state.statistics.crashes += 1
            let batches = state.contents.unsynchronizedBatches
            guard kind == .power else { return CrashReport(survivingBatches: batches) }

            let survivors = min(surviving ?? state.chance.below(batches + 1), batches)
            var report = CrashReport(survivingBatches: survivors, lostBatches: batches - survivors)
            // The first one lost may have been half written. Its checksum fails, so that opening drops it and ends
            // there.
            if report.lostBatches > 0 && state.chance.chance(50) { report.tornBatches = 1 }
            report.brokenPromises = max(0, state.contents.promisedBatches - survivors)
            state.contents.losePower(survivors: survivors)
            state.statistics.losses.survivingBatches += report.survivingBatches
            state.statistics.losses.lostBatches += report.lostBatches
            state.statistics.losses.tornBatches += report.tornBatches
            state.statistics.losses.brokenPromises += report.brokenPromises
            return report
        }
    }

    // MARK: Whole disks

    /// Loses everything, as if another, empty disk had been put in. The process ends with it.
    package func vanish() {
        replace(with: DiskImage())
    }

    /// The image of what is committed now, as a backup would have it. Takes no time, whatever the disk holds.
    package func snapshot() -> DiskSnapshot {
        state.withLock { DiskSnapshot(image: $0.contents.image) }
    }

    /// Puts an older image back, on this disk or another. The process ends with it; the image is durable.
    package func restore(_ snapshot: DiskSnapshot) {
        replace(with: snapshot.image)
    }

    private func replace(with image: DiskImage) {
        state.withLock { state in
            state.unseenBatch = nil
            state.failure = nil
            state.isOpen = false
            state.contents.replace(with: image)
        }
    }

    // MARK: Failures

    /// Makes the next `count` reads and scans fail.
    package func failReads(next count: Int) {
        state.withLock { $0.readFailures = count }
    }

    /// Makes one record unreadable until it is written again; false if there is no such record.
    @discardableResult
    package func makeUnreadable(_ table: Table, key: [UInt8]) -> Bool {
        state.withLock { $0.contents.damage(DiskImage.RecordName(table: table, key: key), .unreadable) }
    }

    /// Flips a bit of one record: reading it throws `.corrupt` until it is written again. False if there is no such
    /// record.
    @discardableResult
    package func flipBit(_ table: Table, key: [UInt8]) -> Bool {
        state.withLock { $0.contents.damage(DiskImage.RecordName(table: table, key: key), .flipped) }
    }

    /// Flips a bit of some record in one of these tables, each as likely as the others; nil if they are empty. Walks
    /// through the tables.
    @discardableResult
    package func flipSomeBit(in tables: [Table] = Table.allCases) -> DamagedRecord? {
        state.withLock { state in
            var records = 0
            for table in tables {
                state.contents.image.forEachEntry(table, from: []) { _, _ in
                    records += 1
                    return true
                }
            }
            guard records > 0 else { return nil }
            var left = state.chance.below(records)
            var chosen: DamagedRecord?
            for table in tables where chosen == nil {
                state.contents.image.forEachEntry(table, from: []) { key, _ in
                    if left == 0 { chosen = DamagedRecord(table: table, key: key) }
                    left -= 1
                    return chosen == nil
                }
            }
            guard let chosen else { return nil }
            let isDone = state.contents.damage(DiskImage.RecordName(table: chosen.table, key: chosen.key), .flipped)
            return isDone ? chosen : nil
        }
    }

    /// The records that cannot be read, by table and key.
    package var damagedRecords: [DamagedRecord] {
        state.withLock { $0.contents.image.damage.keys }
            .map { DamagedRecord(table: $0.table, key: $0.key) }
            .sorted { left, right in
                left.table == right.table
                    ? Bytes.compare(left.key, right.key) < 0 : left.table.rawValue < right.table.rawValue
            }
    }

    /// Fills the disk, or makes room. While it is full, commits that may not use the reserve are refused.
    package func setFull(_ isFull: Bool) {
        state.withLock { $0.isFull = isFull }
    }

    /// Makes the next commit fail; whether its batch was written shows when the engine is reopened.
    package func failNextCommit(_ fate: CommitFate = .chance) {
        state.withLock { $0.commitFailure = fate }
    }

    /// Makes the next synchronization fail. Nothing becomes durable by it.
    package func failNextSynchronization() {
        state.withLock { $0.synchronizeFails = true }
    }

    /// Makes `synchronize` return without doing anything, as a drive does that keeps its cache and says otherwise. When
    /// it ends, what was promised in the meantime becomes true.
    package func setLying(_ isLying: Bool) {
        state.withLock { state in
            state.isLying = isLying
            if !isLying { state.contents.keepPromises() }
        }
    }

    /// Makes `valueInMemory` answer `.needsDisk` to everything, or ends that.
    package func setMemoryCold(_ isCold: Bool) {
        state.withLock { $0.memoryIsCold = isCold }
    }

    /// Ends every fault, and forgets those whose moment has not come. Flipped bits stay: no disk takes them back.
    package func heal() {
        state.withLock { state in
            state.isFull = false
            state.isLying = false
            state.contents.keepPromises()
            state.readFailures = 0
            state.commitFailure = nil
            state.synchronizeFails = false
            state.contents.makeReadable()
        }
    }

    // MARK: State

    /// Whether it reports synchronizations that it has not done.
    package var isLying: Bool { state.withLock { $0.isLying } }

    /// Whether a process has the engine open.
    package var isOpen: Bool { state.withLock { $0.isOpen } }

    /// How many committed batches a power cut could take.
    package var unsynchronizedBatches: Int { state.withLock { $0.contents.unsynchronizedBatches } }

    /// What happened so far.
    package var statistics: DiskStatistics { state.withLock { $0.statistics } }
}
