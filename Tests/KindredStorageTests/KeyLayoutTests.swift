import KindredStorage
import KindredTesting
import Testing

@Suite("Key layout")
struct KeyLayoutTests {
    private struct ObjectFields: Equatable {
        var partition: UInt16
        var bucketType: UInt32
        var bucket: [UInt8]
        var key: [UInt8]

        var encoded: [UInt8]? {
            KeyLayout.objectKey(partition: partition, bucketType: bucketType, bucket: bucket, key: key)
        }

        static func random(using random: inout SplitMix64) -> ObjectFields {
            func bytes() -> [UInt8] {
                (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0
                }
            }
            return ObjectFields(
                partition: [0, 1, 0xFF, 0x100, 0xFFFF].randomElement(using: &random) ?? 0,
                bucketType: [0, 1, 0xFF, 0x100, 0x8000_0000, .max].randomElement(using: &random) ?? 0,
                bucket: bytes(), key: bytes())
        }

        /// The order of the fields, a bucket being compared by length first.
        func precedes(_ other: ObjectFields) -> Bool {
            if partition != other.partition { return partition < other.partition }
            if bucketType != other.bucketType { return bucketType < other.bucketType }
            if bucket.count != other.bucket.count { return bucket.count < other.bucket.count }
            if bucket != other.bucket { return bucket.lexicographicallyPrecedes(other.bucket) }
            return key.lexicographicallyPrecedes(other.key)
        }
    }

    @Test("An object key is laid out as documented")
    func objectKeyBytes() {
        #expect(
            KeyLayout.objectKey(partition: 0x0102, bucketType: 0x0304_0506, bucket: [0xB1, 0xB2], key: [0xC1])
                == [1, 2, 3, 4, 5, 6, 0, 2, 0xB1, 0xB2, 0xC1])
        #expect(KeyLayout.objectKey(partition: 0, bucketType: 0, bucket: [], key: []) == [0, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test("Object keys decode to what they were made of, and sort like their fields")
    func objectKeys() throws {
        let seed: UInt64 = 5
        var random = SplitMix64(seed: seed)
        for _ in 0..<5_000 {
            let left = ObjectFields.random(using: &random)
            let right = ObjectFields.random(using: &random)
            let a = try #require(left.encoded)
            let b = try #require(right.encoded)
            #expect(decodedObject(a) == left, "seed \(seed)")
            #expect((Bytes.compare(a, b) < 0) == left.precedes(right), "seed \(seed): \(left) and \(right)")
            #expect((a == b) == (left == right), "seed \(seed)")
        }
    }

    @Test("The longest bucket fits; a longer one is refused")
    func longestBucket() throws {
        let longest = [UInt8](repeating: 7, count: KeyLayout.longestBucket)
        let key = try #require(KeyLayout.objectKey(partition: 1, bucketType: 2, bucket: longest, key: [3]))
        #expect(decodedObject(key) == ObjectFields(partition: 1, bucketType: 2, bucket: longest, key: [3]))
        #expect(KeyLayout.objectKey(partition: 1, bucketType: 2, bucket: longest + [7], key: [3]) == nil)
        #expect(KeyLayout.prefix(partition: 1, bucketType: 2, bucket: longest + [7]) == nil)
    }

    @Test("Bytes that are no object key do not decode")
    func malformedObjectKeys() throws {
        let key = try #require(KeyLayout.objectKey(partition: 1, bucketType: 2, bucket: [1, 2, 3], key: []))
        for length in 0..<key.count { #expect(decodedObject(Array(key[..<length])) == nil) }
        #expect(decodedObject(key) != nil)
        #expect(decodedObject([0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1]) == nil)
    }

    @Test("A prefix and its successor enclose exactly the keys of a partition, type or bucket")
    func prefixes() throws {
        let seed: UInt64 = 6
        var random = SplitMix64(seed: seed)
        for _ in 0..<5_000 {
            let wanted = ObjectFields.random(using: &random)
            let fields = ObjectFields.random(using: &random)
            let key = try #require(fields.encoded)
            let bucket = try #require(
                KeyLayout.prefix(partition: wanted.partition, bucketType: wanted.bucketType, bucket: wanted.bucket))
            let type = KeyLayout.prefix(partition: wanted.partition, bucketType: wanted.bucketType)
            let partition = KeyLayout.prefix(partition: wanted.partition)
            let inPartition = fields.partition == wanted.partition
            let inType = inPartition && fields.bucketType == wanted.bucketType
            #expect(isIn(key, partition) == inPartition, "seed \(seed)")
            #expect(isIn(key, type) == inType, "seed \(seed)")
            #expect(isIn(key, bucket) == (inType && fields.bucket == wanted.bucket), "seed \(seed)")
        }
    }

    @Test("The successor of a prefix carries over, and does not exist after the last one")
    func successors() {
        #expect(KeyLayout.successor(ofPrefix: [1, 2]) == [1, 3])
        #expect(KeyLayout.successor(ofPrefix: [1, 0xFF]) == [2])
        #expect(KeyLayout.successor(ofPrefix: [1, 0xFF, 0xFF, 5]) == [1, 0xFF, 0xFF, 6])
        #expect(KeyLayout.successor(ofPrefix: [0xFF, 0xFF]) == nil)
        #expect(KeyLayout.successor(ofPrefix: []) == nil)
    }

    @Test("Distinct buckets are found by seeking from one to the next")
    func skipScan() throws {
        let engine = MemoryStorageEngine()
        var batch = WriteBatch()
        let buckets: [[UInt8]] = [[], [0], [0xFF], [0, 0], [0xFF, 0xFF], [1, 2, 3]]
        for bucket in buckets {
            for number in 0..<UInt8(30) {
                let key = try #require(KeyLayout.objectKey(partition: 3, bucketType: 9, bucket: bucket, key: [number]))
                batch.put(.objects, key: key, value: [])
            }
        }
        for (partition, type) in [(UInt16(2), UInt32(9)), (3, 8), (3, 10), (4, 9)] {
            let key = try #require(KeyLayout.objectKey(partition: partition, bucketType: type, bucket: [5], key: []))
            batch.put(.objects, key: key, value: [])
        }
        try engine.commit(batch)

        var found: [[UInt8]] = []
        var visits = 0
        let prefix = KeyLayout.prefix(partition: 3, bucketType: 9)
        try engine.scan(.objects, from: prefix, to: KeyLayout.successor(ofPrefix: prefix)) { key, _ in
            visits += 1
            guard let fields = ObjectKeyFields(key) else { return .stop }
            found.append(Array(fields.bucket))
            let bucket = KeyLayout.prefix(partition: 3, bucketType: 9, bucket: Array(fields.bucket))
            guard let next = bucket.flatMap(KeyLayout.successor(ofPrefix:)) else { return .stop }
            return .seek(next)
        }
        #expect(found == buckets)
        #expect(visits == buckets.count)
    }

    @Test("A log key is laid out as documented, decodes, and sorts by partition, actor and counter")
    func logKeys() {
        #expect(
            KeyLayout.logKey(partition: 0x0102, actor: 0x0304_0506, counter: 0x0708_090A_0B0C_0D0E)
                == Array(1...14))
        let seed: UInt64 = 7
        var random = SplitMix64(seed: seed)
        func fields() -> (UInt16, UInt32, UInt64) {
            let numbers: [UInt64] = [0, 1, 0xFF, 0x100, .max, random.next()]
            func pick() -> UInt64 { numbers.randomElement(using: &random) ?? 0 }
            return (UInt16(truncatingIfNeeded: pick()), UInt32(truncatingIfNeeded: pick()), pick())
        }
        for _ in 0..<2_000 {
            let left = fields()
            let right = fields()
            let a = KeyLayout.logKey(partition: left.0, actor: left.1, counter: left.2)
            let b = KeyLayout.logKey(partition: right.0, actor: right.1, counter: right.2)
            let decoded = a.withUnsafeBytes { LogKeyFields($0) }
            #expect(decoded?.partition == left.0 && decoded?.actor == left.1 && decoded?.counter == left.2)
            #expect((Bytes.compare(a, b) < 0) == (left < right), "seed \(seed): \(left) and \(right)")
            #expect(
                isIn(a, KeyLayout.logPrefix(partition: right.0, actor: right.1))
                    == (left.0 == right.0 && left.1 == right.1))
        }
        for length in [0, 13, 15] {
            #expect([UInt8](repeating: 0, count: length).withUnsafeBytes { LogKeyFields($0) } == nil)
        }
    }

    private func decodedObject(_ bytes: [UInt8]) -> ObjectFields? {
        bytes.withUnsafeBytes { bytes in
            ObjectKeyFields(bytes).map {
                ObjectFields(
                    partition: $0.partition, bucketType: $0.bucketType, bucket: Array($0.bucket), key: Array($0.key))
            }
        }
    }

    private func isIn(_ key: [UInt8], _ prefix: [UInt8]) -> Bool {
        guard Bytes.compare(prefix, key) <= 0 else { return false }
        guard let end = KeyLayout.successor(ofPrefix: prefix) else { return true }
        return Bytes.compare(key, end) < 0
    }
}
