import KindredModel

/// The document `buckets`: format version, then the registry's records, each a key and a value with their lengths before them.
enum BucketTypeDocument {
    private static let formatVersion: UInt8 = 1

    static func encode(_ registry: BucketTypeRegistry) -> [UInt8] {
        var bytes = [formatVersion]
        let records = registry.records
        bytes.append(varint: UInt64(records.count))
        for record in records {
            bytes.append(lengthPrefixed: record.key)
            bytes.append(lengthPrefixed: record.value ?? [])
        }
        return bytes
    }

    static func decode(_ bytes: [UInt8]) throws(MalformedBytes) -> BucketTypeRegistry {
        let result = bytes.withUnsafeBytes { buffer in
            Result { () throws(MalformedBytes) -> BucketTypeRegistry in
                var reader = ByteReader(buffer)
                guard try reader.byte() == formatVersion else { throw MalformedBytes("bucket types: unknown version") }
                var records: [(key: [UInt8], value: [UInt8])] = []
                for _ in 0..<(try reader.count(ofAtLeast: 2)) {
                    let key = reader.copy(try reader.lengthPrefixedRange())
                    records.append((key, reader.copy(try reader.lengthPrefixedRange())))
                }
                return try BucketTypeRegistry(records: records)
            }
        }
        return try result.get()
    }
}
