/// A hash table from `StorageKey` to an object's encoded bytes: the memory under `ObjectStore`.
///
/// A `Dictionary` over `[UInt8]` hashes each key again, with SipHash and by element, which was measured at five times
/// the cost of a hash over raw bytes; here the caller's hash is used as it is. Looking up allocates nothing, and
/// works on a buffer as well as on a key.
///
///     index     … │ 0 │ tag ‖ id+1 │ tag ‖ id+1 │ 0 │ …       a power of two of UInt64, at most 3/4 full
///                           │            └─────────┐
///     entries   │ key value hash sequence flags │ … │        dense, addressed by id, vacant ones reused
///
/// The tag is the low half of the hash: it gives the home slot and lets almost every other key be passed over without
/// touching its entry. Collisions go to the next free slot; a removal moves later slots back into the gap (Knuth's
/// Algorithm R, TAOCP 6.4), so that there are no tombstones and the table does not age. An entry keeps its id for
/// life.
///
/// Not for use from two threads. Ids are the table's own: passing one that is not in use is the caller's bug.
struct ObjectTable: ~Copyable {
    struct Entry {
        var key: [UInt8]
        /// Nil: the object is known not to exist.
        var value: [UInt8]?
        var hash: UInt64
        /// The commit that last wrote the object, staged or done; 0 if none of this run did.
        var sequence: UInt64
        /// CLOCK's second chance: set by a use, cleared by the passing hand.
        var isReferenced: Bool
        var isStaged: Bool
        var isVacant: Bool
    }

    private var index: UnsafeMutablePointer<UInt64>
    private var indexMask: Int
    private var entries: UnsafeMutablePointer<Entry>
    private var entryCapacity: Int
    /// Entries with lower ids are initialized, the vacant ones with empty arrays.
    private(set) var idLimit = 0
    private var vacantIDs: [UInt32] = []

    init() {
        indexMask = 63
        index = .allocate(capacity: 64)
        index.initialize(repeating: 0, count: 64)
        entryCapacity = 48
        entries = .allocate(capacity: entryCapacity)
    }

    deinit {
        index.deallocate()
        entries.deinitialize(count: idLimit)
        entries.deallocate()
    }

    /// How many entries there are.
    var count: Int { idLimit - vacantIDs.count }

    /// The id of the entry with this key, or nil.
    func find(_ key: UnsafeRawBufferPointer, hash: UInt64) -> Int? {
        let tag = hash << 32
        var slot = Int(truncatingIfNeeded: hash) & indexMask
        while true {
            let content = index[slot]
            if content == 0 { return nil }
            if content & 0xFFFF_FFFF_0000_0000 == tag {
                let id = Int(truncatingIfNeeded: content & 0xFFFF_FFFF) &- 1
                let entry = entries + id
                if entry.pointee.hash == hash,
                    entry.pointee.key.withUnsafeBytes({ Bytes.equal($0, key) })
                {
                    return id
                }
            }
            slot = (slot &+ 1) & indexMask
        }
    }

    /// The entry with this id, in use or vacant.
    subscript(id: Int) -> Entry {
        _read { yield entries[id] }
        _modify { yield &entries[id] }
    }

    /// Adds an entry for a key that the table does not have, and returns its id.
    mutating func insert(_ key: StorageKey, value: [UInt8]?, sequence: UInt64, isReferenced: Bool) -> Int {
        if count >= (indexMask &+ 1) / 4 * 3 { growIndex() }
        let entry = Entry(
            key: key.bytes, value: value, hash: key.hash, sequence: sequence, isReferenced: isReferenced,
            isStaged: false,
            isVacant: false)
        let id: Int
        if let vacant = vacantIDs.popLast() {
            id = Int(vacant)
            entries[id] = entry
        } else {
            if idLimit == entryCapacity { growEntries() }
            id = idLimit
            (entries + id).initialize(to: entry)
            idLimit &+= 1
        }
        place(id, hash: key.hash)
        return id
    }

    /// Removes an entry.
    mutating func remove(_ id: Int) {
        let hash = entries[id].hash
        var gap = Int(truncatingIfNeeded: hash) & indexMask
        while index[gap] & 0xFFFF_FFFF != UInt64(id &+ 1) {
            gap = (gap &+ 1) & indexMask
        }
        var slot = (gap &+ 1) & indexMask
        while index[slot] != 0 {
            let home = Int(truncatingIfNeeded: index[slot] >> 32) & indexMask
            // A slot may move back to the gap unless that is before its home: then a search would not find it.
            if (slot &- home) & indexMask >= (slot &- gap) & indexMask {
                index[gap] = index[slot]
                gap = slot
            }
            slot = (slot &+ 1) & indexMask
        }
        index[gap] = 0
        entries[id] = Entry(
            key: [], value: nil, hash: 0, sequence: 0, isReferenced: false, isStaged: false, isVacant: true)
        vacantIDs.append(UInt32(id))
    }

    private mutating func place(_ id: Int, hash: UInt64) {
        var slot = Int(truncatingIfNeeded: hash) & indexMask
        while index[slot] != 0 { slot = (slot &+ 1) & indexMask }
        index[slot] = hash << 32 | UInt64(id &+ 1)
    }

    private mutating func growIndex() {
        index.deallocate()
        let slots = (indexMask &+ 1) * 2
        index = .allocate(capacity: slots)
        index.initialize(repeating: 0, count: slots)
        indexMask = slots - 1
        for id in 0..<idLimit where !entries[id].isVacant {
            place(id, hash: entries[id].hash)
        }
    }

    private mutating func growEntries() {
        precondition(entryCapacity < Int(UInt32.max) / 2, "an object cache of \(count) entries cannot grow")
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: entryCapacity * 2)
        larger.moveInitialize(from: entries, count: idLimit)
        entries.deallocate()
        entries = larger
        entryCapacity *= 2
    }
}
