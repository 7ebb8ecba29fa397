package import KindredModel
package import KindredStorage

/// What a partition replica remembers about itself, in the same engine as its data, so that losing or restoring the one loses or restores
/// the other. One record of the `metadata` table.
package struct IncarnationRecord: Hashable, Sendable {
    /// Who minted the latest events of this state.
    package var actor: ActorID
    /// How often the node had been started when this was written, as the configuration service counted.
    package var generation: UInt64
    /// The highest counter ceiling that this replica had registered.
    package var counterCeiling: UInt64
    /// The epoch of the latest leader that this replica has promised to follow.
    package var promisedLeaderEpoch: UInt64

    package init(actor: ActorID, generation: UInt64, counterCeiling: UInt64, promisedLeaderEpoch: UInt64 = 0) {
        self.actor = actor
        self.generation = generation
        self.counterCeiling = counterCeiling
        self.promisedLeaderEpoch = promisedLeaderEpoch
    }

    private static let formatVersion: UInt8 = 1

    /// The key of the record in the `metadata` table.
    package static func key(_ partition: UInt16) -> [UInt8] {
        KeyLayout.metadataKey("partition/\(partition)/incarnation")
    }

    /// The record: format version, then the four numbers as varints.
    package func encoded() -> [UInt8] {
        var bytes = [IncarnationRecord.formatVersion]
        bytes.append(varint: UInt64(actor.rawValue))
        bytes.append(varint: generation)
        bytes.append(varint: counterCeiling)
        bytes.append(varint: promisedLeaderEpoch)
        return bytes
    }

    /// Reads a partition's record.
    ///
    /// - Returns: nil if there is none: the replica has never been here, or has lost everything.
    package static func load(
        _ partition: UInt16, from engine: any StorageEngine
    ) throws(StorageError) -> IncarnationRecord? {
        guard let record = try engine.value(.metadata, for: key(partition)) else { return nil }
        return try Record.decode(record, "incarnation of partition \(partition)", version: formatVersion) {
            reader throws(MalformedBytes) in
            guard let actor = UInt32(exactly: try reader.varint()) else { throw MalformedBytes("actor too large") }
            return IncarnationRecord(
                actor: ActorID(actor), generation: try reader.varint(), counterCeiling: try reader.varint(),
                promisedLeaderEpoch: try reader.varint())
        }
    }
}

/// The shape that the records of the metadata table share: a format version, then fields, then nothing.
enum Record {
    static func decode<Value>(
        _ record: [UInt8], _ name: String, version: UInt8,
        _ fields: (inout ByteReader) throws(MalformedBytes) -> Value
    ) throws(StorageError) -> Value {
        let decoded = record.withUnsafeBytes { buffer in
            Result { () throws(MalformedBytes) -> Value in
                var reader = ByteReader(buffer)
                guard try reader.byte() == version else { throw MalformedBytes("unknown format version") }
                let value = try fields(&reader)
                guard reader.isAtEnd else { throw MalformedBytes("bytes after the end") }
                return value
            }
        }
        switch decoded {
        case .success(let value): return value
        case .failure(let error): throw .corrupt("\(name): \(error.reason)")
        }
    }
}
