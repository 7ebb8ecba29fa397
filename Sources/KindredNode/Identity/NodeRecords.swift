import KindredModel
import KindredStorage

/// The bucket types in the `metadata` table: the registry's records, each under its own name.
enum BucketTypeRecords {
    private static let prefix = KeyLayout.metadataKey("buckets/")

    static func stage(_ record: BucketTypeRecord, in store: ObjectStore) {
        if let value = record.value {
            store.stage(.metadata, key: prefix + record.key, value: value)
        } else {
            store.stageDelete(.metadata, key: prefix + record.key)
        }
    }

    /// Rebuilds the registry. A new node's is made, and its records are written.
    static func load(from engine: any StorageEngine) throws(StorageError) -> BucketTypeRegistry {
        var records: [(key: [UInt8], value: [UInt8])] = []
        try engine.scan(.metadata, from: prefix, to: KeyLayout.successor(ofPrefix: prefix)) { key, value in
            records.append((key: Array(key.dropFirst(prefix.count)), value: Array(value)))
            return .next
        }
        guard !records.isEmpty else {
            let registry = BucketTypeRegistry()
            var batch = WriteBatch()
            batch.mayUseReserve = true
            for record in registry.records {
                if let value = record.value { batch.put(.metadata, key: prefix + record.key, value: value) }
            }
            try engine.commit(batch)
            return registry
        }
        do {
            return try BucketTypeRegistry(records: records)
        } catch {
            throw .corrupt("bucket types: \(error)")
        }
    }
}
