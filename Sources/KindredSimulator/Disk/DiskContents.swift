internal import KindredStorage

/// What is wrong with a stored record.
enum Damage: Hashable, Sendable {
    /// The device cannot read it.
    case unreadable
    /// A bit of it has changed. Records carry checksums, so that a reader notices.
    case flipped
}

/// The three tables at one moment, and which of their records are damaged. A copy shares everything until it changes.
struct DiskImage: Sendable {
    struct RecordName: Hashable, Sendable {
        let table: Table
        let key: [UInt8]
    }

    var tables = [SortedBytesMap](repeating: SortedBytesMap(), count: Table.allCases.count)
    /// Looked up by name only, or filtered: the order of a dictionary differs between processes.
    var damage: [RecordName: Damage] = [:]

    /// Calls `visit` with the entries from `lower` on, until it returns false.
    func forEachEntry(
        _ table: Table, from lower: [UInt8], _ visit: (_ key: [UInt8], _ value: [UInt8]) -> Bool
    ) {
        let map = tables[Int(table.rawValue)]
        var position = map.firstPosition(notBefore: lower)
        while let (key, value) = map.entry(at: &position) {
            guard visit(key, value) else { return }
            position = map.position(after: position)
        }
    }
}

/// What a disk holds, and how to take back what a power cut would lose.
///
/// There is one set of tables, with everything that was committed. Beside it, for each batch that is not yet durable,
/// are the steps that undo it. So a commit costs a look-up more than it would without crashes, synchronizing forgets
/// the steps, and a power cut costs what it loses. Nothing is ever copied as a whole, except lazily after a snapshot.
struct DiskContents: Sendable {
    private struct UndoStep {
        let record: DiskImage.RecordName
        /// Nil if there was no record.
        let value: [UInt8]?
        let damage: Damage?
    }

    /// Above this many batches that are not durable the oldest half is written back, as an operating system does when
    /// nobody asks it to: it bounds the memory of a run that never synchronizes.
    static let unsynchronizedBatchLimit = 1 << 16

    private(set) var image = DiskImage()
    private var undoSteps: [UndoStep] = []
    /// For each batch that is not durable, where its steps end.
    private var batchEnds: [Int] = []
    /// How many of the batches that are not durable were reported to be.
    private(set) var promisedBatches = 0

    /// How many batches a power cut could take.
    var unsynchronizedBatches: Int { batchEnds.count }

    // MARK: Changes

    mutating func apply(_ batch: WriteBatch) {
        for operation in batch.operations {
            switch operation {
            case .put(let table, let key, let value):
                noteForUndo(table, key)
                image.tables[Int(table.rawValue)].put(key, value)
            case .delete(let table, let key):
                noteForUndo(table, key)
                image.tables[Int(table.rawValue)].delete(key)
            case .deleteRange(let table, let lower, let upper):
                noteForUndo(table, from: lower, to: upper)
                image.tables[Int(table.rawValue)].deleteRange(from: lower, to: upper)
            }
        }
        batchEnds.append(undoSteps.count)
        if batchEnds.count > Self.unsynchronizedBatchLimit { makeDurable(firstBatches: batchEnds.count / 2) }
    }

    /// Remembers what is about to be overwritten. What is written anew is no longer damaged.
    private mutating func noteForUndo(_ table: Table, _ key: [UInt8]) {
        let record = DiskImage.RecordName(table: table, key: key)
        let damage = image.damage.isEmpty ? nil : image.damage.removeValue(forKey: record)
        undoSteps.append(
            UndoStep(record: record, value: image.tables[Int(table.rawValue)].value(for: key), damage: damage))
    }

    private mutating func noteForUndo(_ table: Table, from lower: [UInt8], to upper: [UInt8]) {
        // Gathered first: the map must not be shared while it is changed, or it would be copied.
        var removed: [UndoStep] = []
        image.forEachEntry(table, from: lower) { key, value in
            guard Bytes.compare(key, upper) < 0 else { return false }
            let record = DiskImage.RecordName(table: table, key: key)
            removed.append(UndoStep(record: record, value: value, damage: image.damage[record]))
            return true
        }
        for step in removed where step.damage != nil { image.damage[step.record] = nil }
        undoSteps.append(contentsOf: removed)
    }

    // MARK: Durability

    mutating func makeEverythingDurable() {
        undoSteps.removeAll(keepingCapacity: true)
        batchEnds.removeAll(keepingCapacity: true)
        promisedBatches = 0
    }

    /// Everything committed so far is said to be durable, and is not.
    mutating func promiseEverything() {
        promisedBatches = batchEnds.count
    }

    /// Makes true what was promised.
    mutating func keepPromises() {
        makeDurable(firstBatches: promisedBatches)
    }

    private mutating func makeDurable(firstBatches count: Int) {
        guard count > 0 else { return }
        let steps = batchEnds[count - 1]
        undoSteps.removeFirst(steps)
        batchEnds.removeFirst(count)
        for index in batchEnds.indices { batchEnds[index] -= steps }
        promisedBatches = max(0, promisedBatches - count)
    }

    /// Takes back all but the first `survivors` batches that are not durable; what is left is durable then.
    mutating func losePower(survivors: Int) {
        let end = survivors == 0 ? 0 : batchEnds[survivors - 1]
        for step in undoSteps[end...].reversed() {
            let table = Int(step.record.table.rawValue)
            if let value = step.value {
                image.tables[table].put(step.record.key, value)
            } else {
                image.tables[table].delete(step.record.key)
            }
            if step.damage != nil || !image.damage.isEmpty { image.damage[step.record] = step.damage }
        }
        makeEverythingDurable()
    }

    // MARK: Whole disks

    /// Puts another image on the disk; all of it is durable.
    mutating func replace(with newImage: DiskImage) {
        image = newImage
        makeEverythingDurable()
    }

    // MARK: Damage

    mutating func damage(_ record: DiskImage.RecordName, _ damage: Damage) -> Bool {
        guard image.tables[Int(record.table.rawValue)].value(for: record.key) != nil else { return false }
        image.damage[record] = damage
        return true
    }

    /// The device reads again what it could not. A flipped bit stays flipped.
    mutating func makeReadable() {
        image.damage = image.damage.filter { $0.value == .flipped }
    }
}
