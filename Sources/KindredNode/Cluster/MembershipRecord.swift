import KindredModel
import KindredReplication
import KindredStorage

/// Which node of which cluster a data directory belongs to: one record of the `metadata` table.
struct MembershipRecord: Hashable {
    let clusterID: [UInt8]
    let node: NodeID

    private static let formatVersion: UInt8 = 1
    private static let key = KeyLayout.metadataKey("node/member")

    func save(in engine: any StorageEngine) throws(StorageError) {
        var bytes = [Self.formatVersion]
        bytes.append(lengthPrefixed: clusterID)
        bytes.append(varint: UInt64(node.rawValue))
        var batch = WriteBatch()
        batch.mayUseReserve = true
        batch.put(.metadata, key: Self.key, value: bytes)
        try engine.commit(batch)
        try engine.synchronize()
    }

    /// Nil if the directory belongs to no cluster.
    static func load(from engine: any StorageEngine) throws(StorageError) -> MembershipRecord? {
        guard let record = try engine.value(.metadata, for: key) else { return nil }
        let decoded = record.withUnsafeBytes { buffer in
            Result { () throws(MalformedBytes) -> MembershipRecord in
                var reader = ByteReader(buffer)
                guard try reader.byte() == formatVersion else { throw MalformedBytes("unknown format version") }
                let clusterID = reader.copy(try reader.lengthPrefixedRange())
                guard let node = UInt32(exactly: try reader.varint()), reader.isAtEnd else {
                    throw MalformedBytes("node out of bounds")
                }
                return MembershipRecord(clusterID: clusterID, node: NodeID(node))
            }
        }
        switch decoded {
        case .success(let record): return record
        case .failure(let error): throw .corrupt("the node's membership: \(error.reason)")
        }
    }
}
