/// Some objects in the order of their keys.
package struct ObjectScan: Sendable {
    /// Keys as the `objects` table has them, and their records.
    package var entries: [(key: [UInt8], value: [UInt8])]
    /// Whether the scan reached the end of its range. If not, there may be more after the last entry.
    package var isComplete: Bool
}

extension ObjectStore {
    /// Reads the objects with `lower <= key < upper` in ascending order, what is staged included, until there are `limit` of them or
    /// their keys and records have `byteLimit` bytes; at least one if there is one.
    ///
    /// Reads from the disk and may wait for it; nothing is cached.
    package func scan(
        from lower: [UInt8], to upper: [UInt8]?, limit: Int, byteLimit: Int = .max
    ) throws(StorageError) -> ObjectScan {
        var staged: [(key: [UInt8], value: [UInt8]?)] = []
        for id in stagedIDs {
            let entry = table[Int(id)]
            guard Bytes.compare(entry.key, lower) >= 0 else { continue }
            if let upper, Bytes.compare(entry.key, upper) >= 0 { continue }
            staged.append((entry.key, entry.value))
        }
        staged.sort { Bytes.compare($0.key, $1.key) < 0 }
        var next = 0
        var result = ObjectScan(entries: [], isComplete: true)
        var bytes = 0

        /// Whether there is room for one more; if not, the scan ends before it.
        func append(_ key: [UInt8], _ value: [UInt8]) -> Bool {
            if result.entries.count >= limit || (!result.entries.isEmpty && bytes + key.count + value.count > byteLimit)
            {
                result.isComplete = false
                return false
            }
            bytes += key.count + value.count
            result.entries.append((key, value))
            return true
        }
        /// Takes the staged entries before `key`, or all that are left.
        func appendStaged(before key: [UInt8]?) -> Bool {
            while next < staged.count {
                if let key, Bytes.compare(staged[next].key, key) >= 0 { return true }
                if let value = staged[next].value, !append(staged[next].key, value) { return false }
                next += 1
            }
            return true
        }

        try engine.scan(.objects, from: lower, to: upper) { key, value in
            let key = [UInt8](key)
            guard appendStaged(before: key) else { return .stop }
            if next < staged.count, staged[next].key == key {
                // Staged over what is committed: changed, or removed.
                let changed = staged[next].value
                guard changed.map({ append(key, $0) }) ?? true else { return .stop }
                next += 1
                return .next
            }
            if isErased(key) { return .next }
            return append(key, [UInt8](value)) ? .next : .stop
        }
        if result.isComplete { _ = appendStaged(before: nil) }
        return result
    }
}
