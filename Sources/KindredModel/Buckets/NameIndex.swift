/// Names (any bytes) to numbers, looked up by raw bytes without an allocation.
///
/// The names lie in one array and are searched by bisection, so a request touches no reference counts on its way. Insertion and removal
/// move everything behind them, which suits names that people give: few, and rarely changed.
struct NameIndex: Hashable, Sendable {
    private struct Entry: Hashable {
        var start: Int
        var end: Int
        var number: UInt32
    }

    private var names: [UInt8] = []
    private var entries: [Entry] = []

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }

    /// The number of `name`, if it is here.
    func number(of name: UnsafeRawBufferPointer) -> UInt32? {
        let index = lowerBound(of: name)
        guard index < entries.count, compare(entries[index], name) == 0 else { return nil }
        return entries[index].number
    }

    /// The number of `name`, if it is here.
    func number(of name: [UInt8]) -> UInt32? {
        name.withUnsafeBytes { number(of: $0) }
    }

    /// Adds `name`, or gives it another number.
    mutating func set(_ name: [UInt8], to number: UInt32) {
        let index = name.withUnsafeBytes { lowerBound(of: $0) }
        if index < entries.count, name.withUnsafeBytes({ compare(entries[index], $0) }) == 0 {
            entries[index].number = number
            return
        }
        let start = index < entries.count ? entries[index].start : names.count
        names.insert(contentsOf: name, at: start)
        entries.insert(Entry(start: start, end: start + name.count, number: number), at: index)
        for later in entries.index(after: index)..<entries.endIndex {
            entries[later].start += name.count
            entries[later].end += name.count
        }
    }

    /// Removes `name` and answers its number, if it was here.
    mutating func remove(_ name: [UInt8]) -> UInt32? {
        let index = name.withUnsafeBytes { lowerBound(of: $0) }
        guard index < entries.count, name.withUnsafeBytes({ compare(entries[index], $0) }) == 0 else { return nil }
        let removed = entries.remove(at: index)
        names.removeSubrange(removed.start..<removed.end)
        for later in index..<entries.endIndex {
            entries[later].start -= name.count
            entries[later].end -= name.count
        }
        return removed.number
    }

    /// All names in ascending order of their bytes.
    var sorted: [(name: [UInt8], number: UInt32)] {
        entries.map { (Array(names[$0.start..<$0.end]), $0.number) }
    }

    private func lowerBound(of name: UnsafeRawBufferPointer) -> Int {
        names.withUnsafeBytes { names in
            entries.withUnsafeBufferPointer { entries in
                var low = 0
                var high = entries.count
                while low < high {
                    let middle = low + (high - low) / 2
                    if Self.compare(entries[middle], in: names, name) < 0 { low = middle + 1 } else { high = middle }
                }
                return low
            }
        }
    }

    private func compare(_ entry: Entry, _ name: UnsafeRawBufferPointer) -> Int {
        names.withUnsafeBytes { Self.compare(entry, in: $0, name) }
    }

    /// Negative, zero or positive as the entry's name lies before, at or after `name`.
    private static func compare(
        _ entry: Entry, in names: UnsafeRawBufferPointer, _ name: UnsafeRawBufferPointer
    ) -> Int {
        let length = entry.end - entry.start
        let shared = min(length, name.count)
        var offset = 0
        while offset < shared {
            let (ours, theirs) = (names[entry.start + offset], name[offset])
            if ours != theirs { return Int(ours) - Int(theirs) }
            offset += 1
        }
        return length - name.count
    }
}
