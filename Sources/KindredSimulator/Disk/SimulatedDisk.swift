package import KindredStorage
internal import KindredTesting
internal import Synchronization

/// A `StorageEngine` that can suffer what disks, kernels and machines do to a real one: see
/// `SimulatedDisk+Faults.swift`.
///
/// It outlives the process that uses it: after a crash or `close`, every call throws `.closed` until `start` opens it
/// for the next process.
///
///     commit ──► committed: survives a killed process ──synchronize──► durable: survives a power cut
///
/// **Guarantees.** A batch is there whole or not at all. What a power cut leaves of the batches that were not
/// synchronized is a prefix, as a log with checksums leaves it. Damaged bytes are never returned: reading them throws.
/// The same seed and the same calls give the same failures.
///
/// After a failed commit or synchronization, reads go on without the batch in question, and commits and
/// synchronizations throw until `reopen`, as the engine on RocksDB does it.
///
/// Deliberately lacking: latency. The engine is called synchronously; what a slow disk delays is up to the simulated
/// node.
package final class SimulatedDisk: StorageEngine {
    struct State {
        var chance: SplitMix64
        var contents = DiskContents()
        var isOpen = true
        /// What made the engine need a `reopen`.
        var failure: StorageError?
        /// A batch whose commit failed, and which was written all the same.
        var unseenBatch: WriteBatch?
        var statistics = DiskStatistics()

        // Faults that are waiting for their moment.
        var isFull = false
        var isLying = false
        var memoryIsCold = false
        var readFailures = 0
        var commitFailure: CommitFate?
        var synchronizeFails = false
    }

    let state: Mutex<State>

    /// Makes an empty disk without faults, open. The seed decides what faults leave open.
    package init(seed: UInt64) {
        state = Mutex(State(chance: SplitMix64(seed: seed)))
    }

    // MARK: Reading

    package func value(_ table: Table, for key: [UInt8]) throws(StorageError) -> [UInt8]? {
        try state.withLock { state throws(StorageError) in
            guard state.isOpen else { throw .closed }
            if state.readFailures > 0 {
                state.readFailures -= 1
                throw state.readError(.unreadable)
            }
            if !state.contents.image.damage.isEmpty,
                let damage = state.contents.image.damage[DiskImage.RecordName(table: table, key: key)]
            {
                throw state.readError(damage)
            }
            return state.contents.image.tables[Int(table.rawValue)].value(for: key)
        }
    }

    /// Everything is in memory, except damaged records: what cannot be read has not been read. `setMemoryCold` makes
    /// nothing be.
    package func valueInMemory(_ table: Table, for key: [UInt8]) throws(StorageError) -> MemoryRead {
        try state.withLock { state throws(StorageError) in
            guard state.isOpen else { throw .closed }
            let image = state.contents.image
            let isDamaged =
                !image.damage.isEmpty && image.damage[DiskImage.RecordName(table: table, key: key)] != nil
            if state.memoryIsCold || isDamaged { return .needsDisk }
            if let value = image.tables[Int(table.rawValue)].value(for: key) { return .found(value) }
            return .absent
        }
    }

    /// A scan that fails does so after it has visited some entries, like one that meets a bad block: whoever takes
    /// what it visited for all there is gets caught.
    package func scan(
        _ table: Table, from lower: [UInt8], to upper: [UInt8]?,
        _ visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> ScanStep
    ) throws(StorageError) {
        let (map, damage, failsAfter) = try state.withLock { state throws(StorageError) in
            guard state.isOpen else { throw .closed }
            let image = state.contents.image
            let failsAfter: Int? = state.readFailures > 0 ? state.chance.below(4) : nil
            return (image.tables[Int(table.rawValue)], image.damage, failsAfter)
        }
        var visited = 0
        var position = map.firstPosition(notBefore: lower)
        while let (key, value) = map.entry(at: &position) {
            if let upper, Bytes.compare(key, upper) >= 0 { break }
            if let failsAfter, visited >= failsAfter { break }
            if !damage.isEmpty, let damage = damage[DiskImage.RecordName(table: table, key: key)] {
                throw state.withLock { $0.readError(damage) }
            }
            let step = key.withUnsafeBytes { key in value.withUnsafeBytes { value in visit(key, value) } }
            visited += 1
            switch step {
            case .next:
                position = map.position(after: position)
            case .seek(let target):
                position =
                    Bytes.compare(target, key) > 0
                    ? map.firstPosition(notBefore: target) : map.position(after: position)
            case .stop:
                return
            }
        }
        guard failsAfter != nil else { return }
        throw state.withLock { state in
            state.readFailures = max(0, state.readFailures - 1)
            return state.readError(.unreadable)
        }
    }

    // MARK: Writing

    package func commit(_ batch: WriteBatch) throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            try state.throwUnlessUsable()
            if state.isFull && !batch.mayUseReserve {
                state.statistics.refusedCommits += 1
                throw .full("the simulated disk is full")
            }
            if let fate = state.commitFailure {
                state.commitFailure = nil
                let isKept = fate == .kept || (fate == .chance && state.chance.chance(50))
                if isKept { state.unseenBatch = batch }
                state.statistics.failedCommits += 1
                throw state.fail("a simulated commit")
            }
            state.contents.apply(batch)
            state.statistics.commits += 1
        }
    }

    package func synchronize() throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            try state.throwUnlessUsable()
            if state.synchronizeFails {
                state.synchronizeFails = false
                state.statistics.failedSynchronizations += 1
                throw state.fail("a simulated synchronization")
            }
            state.synchronize()
        }
    }

    // MARK: Lifetime

    package func reopen() throws(StorageError) {
        try state.withLock { state throws(StorageError) in
            guard state.isOpen else { throw .closed }
            state.settle()
        }
    }

    package func close() throws(StorageError) {
        state.withLock { state in
            guard state.isOpen else { return }
            // After a failure the log is left as it is, for the next opening to read.
            if state.failure == nil { state.synchronize() }
            state.settle()
            state.isOpen = false
        }
    }
}

extension SimulatedDisk.State {
    func throwUnlessUsable() throws(StorageError) {
        guard isOpen else { throw .closed }
        if let failure { throw failure }
    }

    /// Makes the engine need a `reopen`; returns the error to throw.
    mutating func fail(_ what: String) -> StorageError {
        let error = StorageError.failed("\(what) failed")
        failure = error
        return error
    }

    mutating func readError(_ damage: Damage) -> StorageError {
        switch damage {
        case .unreadable:
            statistics.readErrors += 1
            return .failed("a simulated read failed")
        case .flipped:
            statistics.corruptReads += 1
            return .corrupt("a simulated record fails its checksum")
        }
    }

    mutating func synchronize() {
        if isLying {
            contents.promiseEverything()
            statistics.lies += 1
        } else {
            contents.makeEverythingDurable()
            statistics.synchronizations += 1
        }
    }

    /// Finds out, as opening the engine does, whether the batch of a failed commit was kept.
    mutating func settle() {
        failure = nil
        guard let batch = unseenBatch else { return }
        unseenBatch = nil
        contents.apply(batch)
        statistics.commits += 1
    }
}
