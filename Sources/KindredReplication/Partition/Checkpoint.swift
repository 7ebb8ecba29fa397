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
        try Record.decode(record, "checkpoint of partition \(partition)", version: formatVersion) {
            reader throws(MalformedBytes) in try ReplicaClock(from: &reader)
        }
    }
}
