package import KindredStorage

/// Where an object lives: its partition, and its key in the storage.
package struct ObjectKey: Sendable {
    /// The partition, from 0.
    package let partition: UInt16
    /// The key in the `objects` table, with the hash that the cache uses.
    package let storage: StorageKey

    /// Places an object.
    ///
    /// - Parameters:
    ///   - bucketType: the id of the bucket type.
    ///   - partitions: how many partitions the key space has; at least 1.
    ///   - hash: hashes the storage key for the cache. Keyed by a secret of the process, so that nobody can choose keys that
    ///     collide. Placement has a hash of its own, which must be the same for ever.
    /// - Returns: nil if the bucket's name is too long for a storage key.
    package init?(
        bucketType: UInt32, bucket: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, partitions: UInt16,
        hash: (UnsafeRawBufferPointer) -> UInt64
    ) {
        let partition = Placement.partition(bucketType: bucketType, bucket: bucket, key: key, of: partitions)
        guard
            let bytes = KeyLayout.objectKey(partition: partition, bucketType: bucketType, bucket: bucket, key: key)
        else { return nil }
        self.partition = partition
        storage = StorageKey(bytes: bytes, hash: bytes.withUnsafeBytes(hash))
    }

    /// Places an object that another node has named.
    ///
    /// - Parameters:
    ///   - address: bucket type, bucket and key, as `address` gives them.
    ///   - hash: see the other initializer.
    package init(partition: UInt16, address: some Collection<UInt8>, hash: (UnsafeRawBufferPointer) -> UInt64) {
        self.partition = partition
        let bytes = KeyLayout.prefix(partition: partition) + address
        storage = StorageKey(bytes: bytes, hash: bytes.withUnsafeBytes(hash))
    }

    /// The bytes that name the object within its cluster: bucket type, bucket and key, not the partition. Causal tokens are
    /// bound to them.
    package var address: ArraySlice<UInt8> { storage.bytes[2...] }

    /// Whether the object is a record of the conflict log.
    package var isConflict: Bool { KeyLayout.isConflict(storage.bytes) }
}

/// Which partition an object belongs to. Part of the storage format: it must never change.
package enum Placement {
    /// FNV-1a (64 bits) over the type's id in big-endian order, the bucket's length in big-endian order, the bucket and the
    /// key, finished with the mixer of MurmurHash3, then scaled to the number of partitions by its high bits.
    package static func partition(
        bucketType: UInt32, bucket: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer, of partitions: UInt16
    ) -> UInt16 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        func mix(_ byte: UInt8) {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        mix(UInt8(truncatingIfNeeded: bucketType >> 24))
        mix(UInt8(truncatingIfNeeded: bucketType >> 16))
        mix(UInt8(truncatingIfNeeded: bucketType >> 8))
        mix(UInt8(truncatingIfNeeded: bucketType))
        mix(UInt8(truncatingIfNeeded: bucket.count >> 8))
        mix(UInt8(truncatingIfNeeded: bucket.count))
        for byte in bucket { mix(byte) }
        for byte in key { mix(byte) }
        hash ^= hash >> 33
        hash = hash &* 0xff51_afd7_ed55_8ccd
        hash ^= hash >> 33
        hash = hash &* 0xc4ce_b9fe_1a85_ec53
        hash ^= hash >> 33
        return UInt16(truncatingIfNeeded: ((hash >> 32) &* UInt64(partitions)) >> 32)
    }
}
