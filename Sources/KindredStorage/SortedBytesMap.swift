/// An ordered map from byte strings to byte strings, with value semantics: a copy is a snapshot.
///
/// A list of sorted chunks, each with at most `chunkLimit` entries: a B-tree of two levels. A million keys make some
/// 6,000 chunks, so that an insertion moves a few hundred references and, when a chunk splits, a few thousand. Copying
/// the map costs one retain; a change to a copied map then copies the list of chunks and the one chunk that changes.
///
/// Deliberately lacking: deeper levels, and merging of chunks that have become small (empty ones are removed).
package struct SortedBytesMap: Sendable {
    private struct Chunk {
        var keys: [[UInt8]]
        var values: [[UInt8]]
    }

    /// A place in the map: the entry itself, or where it would be inserted.
    package struct Position {
        fileprivate var chunk: Int
        fileprivate var offset: Int
    }

    private static let chunkLimit = 256

    /// Ascending, and never an empty one.
    private var chunks: [Chunk] = []

    /// Makes an empty map.
    package init() {}

    /// The value of `key`, or nil.
    package func value(for key: [UInt8]) -> [UInt8]? {
        let (position, isPresent) = find(key)
        return isPresent ? chunks[position.chunk].values[position.offset] : nil
    }

    /// Sets the value of `key`.
    package mutating func put(_ key: [UInt8], _ value: [UInt8]) {
        let (position, isPresent) = find(key)
        if isPresent {
            chunks[position.chunk].values[position.offset] = value
            return
        }
        if chunks.isEmpty {
            chunks.append(Chunk(keys: [key], values: [value]))
            return
        }
        // A position after the last chunk's last entry is reported as being in that chunk, so this is in bounds.
        chunks[position.chunk].keys.insert(key, at: position.offset)
        chunks[position.chunk].values.insert(value, at: position.offset)
        if chunks[position.chunk].keys.count > Self.chunkLimit {
            split(position.chunk)
        }
    }

    /// Removes `key`, which need not be there.
    package mutating func delete(_ key: [UInt8]) {
        let (position, isPresent) = find(key)
        guard isPresent else { return }
        chunks[position.chunk].keys.remove(at: position.offset)
        chunks[position.chunk].values.remove(at: position.offset)
        if chunks[position.chunk].keys.isEmpty {
            chunks.remove(at: position.chunk)
        }
    }

    /// Deletes every key with `lower <= key < upper`.
    package mutating func deleteRange(from lower: [UInt8], to upper: [UInt8]) {
        guard Bytes.compare(lower, upper) < 0, !chunks.isEmpty else { return }
        let start = find(lower).position
        let end = find(upper).position
        if start.chunk == end.chunk {
            remove(start.offset..<end.offset, fromChunk: start.chunk)
        } else {
            remove(0..<end.offset, fromChunk: end.chunk)
            remove(start.offset..<chunks[start.chunk].keys.count, fromChunk: start.chunk)
            chunks.removeSubrange((start.chunk + 1)..<end.chunk)
        }
        let touched = start.chunk...min(start.chunk + 1, chunks.count - 1)
        for chunk in touched.reversed() where chunks[chunk].keys.isEmpty {
            chunks.remove(at: chunk)
        }
    }

    /// The position of the first entry whose key is not before `key`.
    package func firstPosition(notBefore key: [UInt8]) -> Position {
        find(key).position
    }

    /// The entry at `position`, or nil at the end of the map. `position` is moved to the next chunk where one ends.
    package func entry(at position: inout Position) -> (key: [UInt8], value: [UInt8])? {
        guard position.chunk < chunks.count else { return nil }
        if position.offset >= chunks[position.chunk].keys.count {
            position = Position(chunk: position.chunk + 1, offset: 0)
            guard position.chunk < chunks.count else { return nil }
        }
        let chunk = chunks[position.chunk]
        return (chunk.keys[position.offset], chunk.values[position.offset])
    }

    /// The position of the next entry, or the end of the map.
    package func position(after position: Position) -> Position {
        Position(chunk: position.chunk, offset: position.offset + 1)
    }

    /// The place of `key`: in the last chunk that does not begin after it.
    private func find(_ key: [UInt8]) -> (position: Position, isPresent: Bool) {
        var low = 0
        var high = chunks.count
        while low < high {
            let middle = (low + high) / 2
            if Bytes.compare(chunks[middle].keys[0], key) <= 0 { low = middle + 1 } else { high = middle }
        }
        let chunk = max(0, low - 1)
        guard chunk < chunks.count else { return (Position(chunk: 0, offset: 0), false) }

        low = 0
        high = chunks[chunk].keys.count
        while low < high {
            let middle = (low + high) / 2
            let order = Bytes.compare(chunks[chunk].keys[middle], key)
            if order == 0 { return (Position(chunk: chunk, offset: middle), true) }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return (Position(chunk: chunk, offset: low), false)
    }

    private mutating func split(_ index: Int) {
        let half = chunks[index].keys.count / 2
        let upper = Chunk(keys: Array(chunks[index].keys[half...]), values: Array(chunks[index].values[half...]))
        remove(half..<chunks[index].keys.count, fromChunk: index)
        chunks.insert(upper, at: index + 1)
    }

    private mutating func remove(_ range: Range<Int>, fromChunk chunk: Int) {
        chunks[chunk].keys.removeSubrange(range)
        chunks[chunk].values.removeSubrange(range)
    }
}
