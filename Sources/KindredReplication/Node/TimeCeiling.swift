package import KindredModel
package import KindredStorage

/// Up to where hybrid time may have run: one record of the `metadata` table, 8 bytes, big-endian.
package enum TimeCeiling {
    package static let key = KeyLayout.metadataKey("node/time-ceiling")

    package static func encode(_ ceiling: HybridTimestamp) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: ceiling.rawValue)
        return bytes
    }

    package static func load(from engine: any StorageEngine) throws(StorageError) -> HybridTimestamp {
        guard let record = try engine.value(.metadata, for: key) else { return .zero }
        guard record.count == 8 else { throw .corrupt("the ceiling of hybrid time") }
        return HybridTimestamp(rawValue: record.reduce(0) { $0 << 8 | UInt64($1) })
    }
}
