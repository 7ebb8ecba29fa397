/// How keys of the three tables are written, so that the order of their bytes is the order of their fields.
///
///     objects   partition u16 │ bucket type u32 │ bucket length u16 │ bucket … │ key …
///     log       partition u16 │ actor u32 │ counter u64                            value: the object's key
///     metadata  a short name in ASCII
///
/// All integers are big-endian. A bucket's name follows its length, so that no bucket's keys are among another's;
/// buckets of one type are therefore ordered by length first, then by name.
package enum KeyLayout {
    /// The longest bucket name that a key can hold, in bytes. (What a client may use is less, see the node's limits.)
    package static let longestBucket = Int(UInt16.max)

    /// How many bytes of an object's key say which partition it is in.
    package static let partitionLength = 2

    private static let bucketOffset = 8
    private static let logKeyLength = 14

    // MARK: Objects

    /// The key of an object, or nil if the bucket's name is longer than `longestBucket`.
    package static func objectKey(
        partition: UInt16, bucketType: UInt32, bucket: [UInt8], key: [UInt8]
    ) -> [UInt8]? {
        bucket.withUnsafeBytes { bucket in
            key.withUnsafeBytes { key in
                objectKey(partition: partition, bucketType: bucketType, bucket: bucket, key: key)
            }
        }
    }

    /// The key of an object, or nil if the bucket's name is longer than `longestBucket`.
    package static func objectKey(
        partition: UInt16, bucketType: UInt32, bucket: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer
    ) -> [UInt8]? {
        guard bucket.count <= longestBucket else { return nil }
        let length = bucketOffset + bucket.count + key.count
        return [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            writeHead(raw, partition: partition, bucketType: bucketType, bucketLength: UInt16(bucket.count))
            UnsafeMutableRawBufferPointer(rebasing: raw[bucketOffset...]).copyMemory(from: bucket)
            UnsafeMutableRawBufferPointer(rebasing: raw[(bucketOffset + bucket.count)...]).copyMemory(from: key)
            count = length
        }
    }

    /// What all keys of a partition begin with.
    package static func prefix(partition: UInt16) -> [UInt8] {
        bigEndianBytes(partition)
    }

    /// What all keys of a bucket type in a partition begin with.
    package static func prefix(partition: UInt16, bucketType: UInt32) -> [UInt8] {
        bigEndianBytes(partition) + bigEndianBytes(bucketType)
    }

    /// What all keys of a bucket in a partition begin with, or nil if its name is longer than `longestBucket`.
    ///
    /// `successor(ofPrefix:)` of this is the least key that any later bucket can have: a scan that wants each bucket
    /// once seeks there after the first key of a bucket.
    package static func prefix(partition: UInt16, bucketType: UInt32, bucket: [UInt8]) -> [UInt8]? {
        objectKey(partition: partition, bucketType: bucketType, bucket: bucket, key: [])
    }

    /// The least byte string that is greater than every one beginning with `prefix`: where a scan of the prefix ends.
    /// Nil if there is none, because `prefix` is empty or all its bytes are 0xFF: then the scan has no upper bound.
    package static func successor(ofPrefix prefix: [UInt8]) -> [UInt8]? {
        guard let last = prefix.lastIndex(where: { $0 != 0xFF }) else { return nil }
        var result = Array(prefix[...last])
        result[last] += 1
        return result
    }

    // MARK: Conflicts

    // The records of the conflict log are in the bucket without a name of the first type, where no client's object can be. They come
    // before all objects, so that whoever takes over a partition in the order of its keys has what was noticed before what it was about.

    /// The key of a record of the conflict log: that bucket, and then the event's time and name, so that records are in the order of
    /// their times.
    package static func conflictKey(partition: UInt16, timestamp: UInt64, actor: UInt32, counter: UInt64) -> [UInt8] {
        conflictPrefix(partition: partition) + bigEndianBytes(timestamp) + bigEndianBytes(actor)
            + bigEndianBytes(counter)
    }

    /// What all keys of a partition's conflict log begin with.
    package static func conflictPrefix(partition: UInt16) -> [UInt8] {
        bigEndianBytes(partition) + [0, 0, 0, 0, 0, 0]
    }

    /// Whether a key is one of the conflict log.
    package static func isConflict(_ key: [UInt8]) -> Bool {
        key.count >= bucketOffset && key[6] == 0 && key[7] == 0 && key[2] == 0 && key[3] == 0 && key[4] == 0
            && key[5] == 0
    }

    /// The hybrid time in the key of a record of the conflict log; nil if the key is none.
    package static func conflictTimestamp(of key: [UInt8]) -> UInt64? {
        guard isConflict(key), key.count == bucketOffset + 20 else { return nil }
        return key[bucketOffset..<(bucketOffset + 8)].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The actor and the counter of the event that a record of the conflict log is; nil if the key is none.
    package static func conflictEvent(of key: [UInt8]) -> (actor: UInt32, counter: UInt64)? {
        guard isConflict(key), key.count == bucketOffset + 20 else { return nil }
        let actor = key[(bucketOffset + 8)..<(bucketOffset + 12)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let counter = key[(bucketOffset + 12)...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return (actor, counter)
    }

    // MARK: Log

    /// The key under which the log keeps which object the event (actor, counter) of a partition wrote.
    package static func logKey(partition: UInt16, actor: UInt32, counter: UInt64) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: logKeyLength) { buffer, count in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            raw.storeBytes(of: partition.bigEndian, as: UInt16.self)
            raw.storeBytes(of: actor.bigEndian, toByteOffset: 2, as: UInt32.self)
            raw.storeBytes(of: counter.bigEndian, toByteOffset: 6, as: UInt64.self)
            count = logKeyLength
        }
    }

    /// What all log keys of an actor in a partition begin with.
    package static func logPrefix(partition: UInt16, actor: UInt32) -> [UInt8] {
        bigEndianBytes(partition) + bigEndianBytes(actor)
    }

    // MARK: Metadata

    /// The key of the metadata record with this name.
    package static func metadataKey(_ name: String) -> [UInt8] {
        Array(name.utf8)
    }

    // MARK: Helpers

    private static func writeHead(
        _ raw: UnsafeMutableRawBufferPointer, partition: UInt16, bucketType: UInt32, bucketLength: UInt16
    ) {
        raw.storeBytes(of: partition.bigEndian, as: UInt16.self)
        raw.storeBytes(of: bucketType.bigEndian, toByteOffset: 2, as: UInt32.self)
        raw.storeBytes(of: bucketLength.bigEndian, toByteOffset: 6, as: UInt16.self)
    }

    private static func bigEndianBytes(_ integer: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: integer.bigEndian) { Array($0) }
    }
}

/// The fields of a key in the `objects` table, as parts of the buffer it was read from and valid only as long as that
/// is.
package struct ObjectKeyFields {
    package let partition: UInt16
    package let bucketType: UInt32
    package let bucket: UnsafeRawBufferPointer
    package let key: UnsafeRawBufferPointer

    /// Nil if these bytes are no object key: they are too short for their bucket.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 8 else { return nil }
        let bucketLength = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 6, as: UInt16.self)))
        guard bytes.count - 8 >= bucketLength else { return nil }
        partition = UInt16(bigEndian: bytes.loadUnaligned(as: UInt16.self))
        bucketType = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
        bucket = UnsafeRawBufferPointer(rebasing: bytes[8..<(8 + bucketLength)])
        key = UnsafeRawBufferPointer(rebasing: bytes[(8 + bucketLength)...])
    }
}

/// The fields of an object's address: its key without the partition. Parts of the buffer it was read from, valid only as long as that is.
package struct AddressFields {
    package let bucketType: UInt32
    package let bucket: UnsafeRawBufferPointer
    package let key: UnsafeRawBufferPointer

    /// Nil if these bytes are no address: they are too short for their bucket.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= 6 else { return nil }
        let bucketLength = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self)))
        guard bytes.count - 6 >= bucketLength else { return nil }
        bucketType = UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))
        bucket = UnsafeRawBufferPointer(rebasing: bytes[6..<(6 + bucketLength)])
        key = UnsafeRawBufferPointer(rebasing: bytes[(6 + bucketLength)...])
    }
}

/// The fields of a key in the `log` table.
package struct LogKeyFields: Hashable, Sendable {
    package let partition: UInt16
    package let actor: UInt32
    package let counter: UInt64

    /// Nil if these bytes are no log key: they are not 14.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 14 else { return nil }
        partition = UInt16(bigEndian: bytes.loadUnaligned(as: UInt16.self))
        actor = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt32.self))
        counter = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 6, as: UInt64.self))
    }
}
