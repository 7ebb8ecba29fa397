import KindredModel
import KindredStorage

/// A partition's clock as of some moment; the log has what came after. One record of the `metadata` table.
enum Checkpoint {
    private static let formatVersion: UInt8 = 1

    static func key(_ partition: UInt16) -> [UInt8] {
        KeyLayout.metadataKey("partition/\(partition)/checkpoint")
    }

    /// The record: format version, then the clock.
    static func encode(_ clock: ReplicaClock) -> [UInt8] {
        var bytes = [formatVersion]
        clock.encode(into: &bytes)
        return bytes
    }

    static func decode(_ record: [UInt8], partition: UInt16) throws(StorageError) -> ReplicaClock {
        let decoded = record.withUnsafeBytes { buffer in
            Result { () throws(MalformedBytes) -> ReplicaClock in
                var reader = ByteReader(buffer)
                guard try reader.byte() == formatVersion else { throw MalformedBytes("unknown format version") }
                let clock = try ReplicaClock(from: &reader)
                guard reader.isAtEnd else { throw MalformedBytes("bytes after the end") }
                return clock
            }
        }
        switch decoded {
        case .success(let clock): return clock
        case .failure(let error): throw .corrupt("checkpoint of partition \(partition): \(error.reason)")
        }
    }
}
