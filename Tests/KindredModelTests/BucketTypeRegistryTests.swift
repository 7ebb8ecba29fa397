import KindredTesting
import Testing

@testable import KindredModel

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

extension BucketTypeRegistry {
    fileprivate func id(_ name: String) -> UInt32? {
        bytes(name).withUnsafeBytes { typeID(named: $0) }
    }

    fileprivate func resolved(_ type: UInt32, _ bucket: String) -> BucketProperties? {
        bytes(bucket).withUnsafeBytes { resolved(type: type, bucket: $0) }
    }
}

/// What a node's storage would hold after the records it was given.
private struct Stored {
    var values: [[UInt8]: [UInt8]] = [:]

    init(_ registry: BucketTypeRegistry) {
        for record in registry.records { apply(record) }
    }

    mutating func apply(_ record: BucketTypeRecord) { values[record.key] = record.value }

    func rebuilt() throws -> BucketTypeRegistry {
        try BucketTypeRegistry(records: values.map { (key: $0.key, value: $0.value) })
    }
}

@Suite("Bucket type registry")
struct BucketTypeRegistryTests {
    @Test("A new registry has the default type and one active type for each strategy")
    func initialTypes() throws {
        let registry = BucketTypeRegistry()
        #expect(
            registry.list.map { String(decoding: $0.name, as: UTF8.self) } == [
                "default", "siblings", "last_write_wins", "immutable", "versioned",
            ])
        #expect(registry.list.map(\.id) == [0, 1, 2, 3, 4])
        #expect(registry.list.filter { !$0.isActive }.isEmpty)
        #expect(
            registry.list.map(\.strategyName) == [
                "last-write-wins", "version-vectors", "last-write-wins", "immutable", "version-numbers",
            ])
        #expect(registry.id("default") == 0)
        #expect(registry.resolved(3, "any bucket")?.strategy == .immutable)
        #expect(registry.resolved(4, "")?.strategy == .versionNumbers)
        #expect(registry.resolved(0, "b")?.isDataType == false)
        #expect(registry.resolved(5, "b") == nil)
        #expect(registry.resolved(.max, "b") == nil)
    }

    @Test("A type is created, then activated; only then do requests and its buckets' properties find it")
    func lifeCycle() throws {
        var registry = BucketTypeRegistry()
        _ = try registry.create(bytes("carts"), ["n_val": 5])
        #expect(registry.id("carts") == nil)
        #expect(registry.resolved(5, "b") == nil)
        #expect(registry.type(named: bytes("carts"))?.isActive == false)
        #expect(try registry.properties(ofType: bytes("carts"))["n_val"] == 5)
        #expect(throws: BucketTypeError.unknown(bytes("carts"))) {
            try registry.properties(ofBucket: bytes("b"), inType: bytes("carts"))
        }
        #expect(throws: BucketTypeError.unknown(bytes("carts"))) {
            try registry.setProperties(["n_val": 1], ofBucket: bytes("b"), inType: bytes("carts"))
        }
        _ = try registry.update(bytes("carts"), ["n_val": 4, "active": false])
        #expect(throws: BucketTypeError.self) { try registry.update(bytes("carts"), ["active": true]) }

        _ = try registry.activate(bytes("carts"))
        let once = registry
        _ = try registry.activate(bytes("carts"))
        #expect(registry == once)
        #expect(registry.id("carts") == 5)
        #expect(registry.resolved(5, "b")?.nVal == 4)
        #expect(throws: BucketTypeError.self) { try registry.update(bytes("carts"), ["active": false]) }
    }

    @Test("What cannot be done says why")
    func refusals() {
        var registry = BucketTypeRegistry()
        #expect(throws: BucketTypeError.defaultType) { try registry.create(bytes("default"), [:]) }
        #expect(throws: BucketTypeError.defaultType) { try registry.update(bytes("default"), ["n_val": 1]) }
        #expect(throws: BucketTypeError.alreadyExists(bytes("siblings"))) {
            try registry.create(bytes("siblings"), [:])
        }
        #expect(throws: BucketTypeError.unknown(bytes("x"))) { try registry.activate(bytes("x")) }
        #expect(throws: BucketTypeError.unknown(bytes("x"))) { try registry.update(bytes("x"), [:]) }
        #expect(throws: BucketTypeError.unknown(bytes("x"))) { try registry.properties(ofType: bytes("x")) }
        #expect(throws: BucketTypeError.unknown(bytes("x"))) {
            try registry.resetProperties(ofBucket: bytes("b"), inType: bytes("x"))
        }
        #expect("\(BucketTypeError.unknown(bytes("x")))" == "No bucket-type named 'x'")
        for name in [[], bytes("any"), bytes("a\nb"), [0xFF], [UInt8](repeating: 0x61, count: 256)] {
            let error = #expect(throws: BucketTypeError.self) { try registry.create(name, [:]) }
            #expect(error.map { if case .invalidName = $0 { true } else { false } } == true)
        }
        #expect(registry == BucketTypeRegistry())
    }

    @Test("Names of 255 bytes are the longest; the number of types has an edge")
    func bounds() throws {
        var registry = BucketTypeRegistry()
        _ = try registry.create([UInt8](repeating: 0x61, count: 255), [:])
        while registry.list.count < BucketTypeRegistry.maximumTypes {
            _ = try registry.create(bytes("t\(registry.list.count)"), [:])
        }
        let error = #expect(throws: BucketTypeError.self) { try registry.create(bytes("one more"), [:]) }
        #expect(error.map { if case .tooMany = $0 { true } else { false } } == true)
    }

    @Test(
        "The number of buckets with properties has an edge, at which those that have some can still change and be reset"
    )
    func boundOfBuckets() throws {
        var registry = BucketTypeRegistry()
        for number in 0..<BucketTypeRegistry.maximumBucketsWithProperties {
            // Descending names would move everything at each insertion; ascending ones keep the test short.
            let name = [
                UInt8(truncatingIfNeeded: number >> 16), UInt8(truncatingIfNeeded: number >> 8),
                UInt8(truncatingIfNeeded: number),
            ]
            _ = try registry.setProperties(["n_val": 2], ofBucket: name, inType: bytes("siblings"))
        }
        let error = #expect(throws: BucketTypeError.self) {
            try registry.setProperties(["n_val": 2], ofBucket: bytes("more"), inType: BucketType.defaultName)
        }
        #expect(error.map { if case .tooMany = $0 { true } else { false } } == true)
        _ = try registry.setProperties(["n_val": 1], ofBucket: [0, 0, 7], inType: bytes("siblings"))
        _ = try registry.resetProperties(ofBucket: [0, 0, 9], inType: bytes("siblings"))
        _ = try registry.setProperties(["n_val": 2], ofBucket: bytes("more"), inType: BucketType.defaultName)
        #expect(registry.resolved(0, "more")?.nVal == 2)
    }

    @Test("A bucket's own properties lie over its type's, which go on shining through")
    func bucketProperties() throws {
        var registry = BucketTypeRegistry()
        let (type, bucket) = (bytes("siblings"), bytes("propsbucket"))
        _ = try registry.setProperties(["n_val": 1, "w": 1], ofBucket: bucket, inType: type)
        #expect(registry.resolved(1, "propsbucket")?.nVal == 1)
        #expect(registry.resolved(1, "propsbucket")?.w == .number(1))
        #expect(registry.resolved(1, "propsbucke")?.nVal == 3)
        #expect(registry.resolved(0, "propsbucket")?.nVal == 3)

        _ = try registry.update(type, ["r": "all", "w": "all"])
        #expect(registry.resolved(1, "propsbucket")?.r == .all)
        #expect(registry.resolved(1, "propsbucket")?.w == .number(1))
        #expect(try registry.properties(ofBucket: bucket, inType: type)["r"] == "all")

        _ = try registry.setProperties(["w": 2], ofBucket: bucket, inType: type)
        #expect(registry.resolved(1, "propsbucket")?.nVal == 1)
        #expect(registry.resolved(1, "propsbucket")?.w == .number(2))

        let record = try registry.resetProperties(ofBucket: bucket, inType: type)
        #expect(record.value == nil)
        #expect(registry.resolved(1, "propsbucket")?.nVal == 3)
        #expect(try registry.properties(ofBucket: bucket, inType: type) == registry.properties(ofType: type))
        for name in [[], [UInt8](repeating: 1, count: BucketTypeRegistry.maximumBucketNameLength + 1)] {
            #expect(throws: BucketTypeError.self) {
                try registry.setProperties(["w": 2], ofBucket: name, inType: type)
            }
        }
    }

    @Test("A bucket that chose its strategy keeps it when its type changes")
    func bucketKeepsItsStrategy() throws {
        var registry = BucketTypeRegistry()
        let (type, bucket) = (bytes("siblings"), bytes("b"))
        _ = try registry.setProperties(["allow_mult": true], ofBucket: bucket, inType: type)
        _ = try registry.setProperties(["n_val": 2], ofBucket: bytes("c"), inType: type)
        _ = try registry.update(type, ["conflict_strategy": "last-write-wins"])
        #expect(registry.resolved(1, "b")?.strategy == .versionVectors)
        #expect(registry.resolved(1, "c")?.strategy == .lastWriteWins)
    }

    @Test("A client may write back everything it read, of every type and bucket, with what Riak adds to it")
    func writeBack() throws {
        var registry = BucketTypeRegistry()
        for dataType in DataType.allCases {
            _ = try registry.create(bytes(dataType.rawValue), ["datatype": .text(dataType.rawValue)])
            _ = try registry.activate(bytes(dataType.rawValue))
        }
        _ = try registry.create(bytes("write_once"), ["write_once": true])
        _ = try registry.activate(bytes("write_once"))
        for type in registry.list {
            let before = registry
            var read = try registry.properties(ofType: type.name)
            read["active"] = true
            read["claimant"] = "riak@127.0.0.1"
            read["name"] = "b"
            if type.id != BucketType.defaultID { _ = try registry.update(type.name, read) }
            #expect(registry == before)
            _ = try registry.setProperties(read, ofBucket: bytes("b"), inType: type.name)
            let inBucket = try registry.properties(ofBucket: bytes("b"), inType: type.name)
            #expect(inBucket == type.properties)
            _ = try registry.setProperties(inBucket, ofBucket: bytes("b"), inType: type.name)
            #expect(try registry.properties(ofBucket: bytes("b"), inType: type.name) == type.properties)
        }
    }

    /// Over protocol buffers a client knows only some of the properties, and it writes back those.
    @Test("A client that reads a part, sets one property and writes the part back restores the bucket type")
    func partialWriteBack() throws {
        var registry = BucketTypeRegistry()
        let name = bytes("no_siblings")
        _ = try registry.create(name, ["allow_mult": false])
        _ = try registry.activate(name)
        let before = registry
        let all = try registry.properties(ofType: name)
        let known = ["n_val", "allow_mult", "last_write_wins", "old_vclock", "notfound_ok", "write_once", "r", "pw"]
        let part = PropertySet(known.compactMap { name in all[name].map { Property(name, $0) } })
        _ = try registry.update(name, ["allow_mult": true])
        #expect(try registry.properties(ofType: name)["allow_mult"] == true)
        _ = try registry.update(name, part)
        #expect(registry == before)
    }

    @Test("A registry rebuilt from its records equals itself after every random change, and ids are never used again")
    func rebuilt() throws {
        for seed in UInt64(1)...20 {
            var random = SplitMix64(seed: seed)
            var registry = BucketTypeRegistry()
            var stored = Stored(registry)
            var named: [UInt32: [UInt8]] = [:]
            for step in 0..<150 {
                let type = bytes("type\(random.next() % 12)")
                let bucket = bytes("bucket\(random.next() % 6)")
                let properties: PropertySet =
                    [
                        ["n_val": .integer(Int64(random.next() % 5))], ["allow_mult": .bool(random.next() % 2 == 0)],
                        ["last_write_wins": .bool(random.next() % 2 == 0), "r": "all"], ["write_once": true],
                        ["conflict_strategy": "version-numbers"], ["datatype": "hll", "hll_precision": 9], [:],
                    ].randomElement(using: &random) ?? [:]
                let before = registry
                do {
                    let record =
                        switch random.next() % 6 {
                        case 0: try registry.create(type, properties)
                        case 1, 2: try registry.activate(type)
                        case 3: try registry.update(type, properties)
                        case 4: try registry.setProperties(properties, ofBucket: bucket, inType: type)
                        default: try registry.resetProperties(ofBucket: bucket, inType: type)
                        }
                    stored.apply(record)
                } catch {
                    #expect(registry == before, "seed \(seed), step \(step): a refused change left something")
                }
                for type in registry.list {
                    #expect(named[type.id] ?? type.name == type.name, "seed \(seed), step \(step)")
                    named[type.id] = type.name
                }
                let again = try stored.rebuilt()
                #expect(again == registry, "seed \(seed), step \(step)")
                for number in 0..<6 {
                    for type in registry.list {
                        #expect(
                            again.resolved(type.id, "bucket\(number)") == registry.resolved(type.id, "bucket\(number)"),
                            "seed \(seed), step \(step)")
                    }
                }
                // What the rules let in one by one must be what they accept in one piece.
                if let type = registry.type(named: type), type.isActive {
                    let inBucket = try registry.properties(ofBucket: bucket, inType: type.name)
                    let resolved = registry.resolved(type.id, String(decoding: bucket, as: UTF8.self))
                    #expect(resolved == BucketProperties(inBucket), "seed \(seed), step \(step)")
                }
            }
        }
    }

    /// As a version before the property wrote it: without it.
    @Test("A record from before the conflict log could be switched reads as on, and is written back as it was")
    func recordsWithoutConflictLog() throws {
        let registry = BucketTypeRegistry()
        var old: [(key: [UInt8], value: [UInt8])] = []
        for type in registry.list {
            var properties = type.properties
            properties["conflict_log"] = nil
            var value: [UInt8] = [1, 1, UInt8(type.name.count)] + type.name
            properties.encode(into: &value)
            old.append((bytes("bucket-type/") + [0, 0, 0, UInt8(type.id)], value))
        }
        let read = try BucketTypeRegistry(records: old)
        for type in read.list {
            #expect(type.properties["conflict_log"] == true)
            #expect(read.resolved(type.id, "b")?.logsConflicts == true)
        }
        #expect(read.records.map(\.value) == old.map(\.value))
    }

    @Test("A switched-off conflict log outlives the records, in types and in single buckets, both ways")
    func recordsWithConflictLog() throws {
        var registry = BucketTypeRegistry()
        for name in ["siblings", "immutable", "versioned", "last_write_wins"] {
            _ = try registry.update(bytes(name), ["conflict_log": "false"])
        }
        _ = try registry.setProperties(["conflict_log": true], ofBucket: bytes("loud"), inType: bytes("siblings"))
        _ = try registry.setProperties(["conflict_log": false], ofBucket: bytes("quiet"), inType: bytes("default"))
        let again = try Stored(registry).rebuilt()
        #expect(again == registry)
        for registry in [registry, again] {
            for type in UInt32(1)...4 { #expect(registry.resolved(type, "b")?.logsConflicts == false) }
            #expect(registry.resolved(1, "loud")?.logsConflicts == true)
            #expect(registry.resolved(0, "quiet")?.logsConflicts == false)
            #expect(registry.resolved(0, "b")?.logsConflicts == true)
        }
        for name in ["siblings", "immutable", "versioned", "last_write_wins"] {
            _ = try registry.update(bytes(name), ["conflict_log": true])
        }
        for type in UInt32(1)...4 { #expect(registry.resolved(type, "b")?.logsConflicts == true) }
        #expect(throws: BucketTypeError.self) { try registry.update(bytes("siblings"), ["conflict_log": "off"]) }
        #expect(throws: BucketTypeError.defaultType) {
            try registry.update(BucketType.defaultName, ["conflict_log": false])
        }
    }

    @Test("Records that are missing, doubled, foreign or damaged are refused, and damage never traps")
    func damagedRecords() throws {
        var registry = BucketTypeRegistry()
        _ = try registry.setProperties(["n_val": 2], ofBucket: bytes("b"), inType: bytes("siblings"))
        let records = registry.records.compactMap { record in record.value.map { (key: record.key, value: $0) } }
        #expect(records.count == 6)
        #expect(throws: MalformedBytes.self) { try BucketTypeRegistry(records: []) }
        for index in 0..<5 {
            var fewer = records
            fewer.remove(at: index)
            if index < 4 { #expect(throws: MalformedBytes.self) { try BucketTypeRegistry(records: fewer) } }
        }
        #expect(throws: MalformedBytes.self) { try BucketTypeRegistry(records: records + [records[2]]) }
        #expect(throws: MalformedBytes.self) {
            try BucketTypeRegistry(records: records + [(key: bytes("identity"), value: [])])
        }
        for (index, record) in records.enumerated() {
            for length in 0..<record.value.count {
                var cut = records
                cut[index].value = Array(record.value.prefix(length))
                #expect(throws: MalformedBytes.self) { try BucketTypeRegistry(records: cut) }
            }
            for length in 0..<min(record.key.count, 16) {
                var cut = records
                cut[index].key = Array(record.key.prefix(length))
                #expect(throws: MalformedBytes.self) { try BucketTypeRegistry(records: cut) }
            }
        }
        var random = SplitMix64(seed: 7)
        for _ in 0..<2000 {
            var changed = records
            let index = Int(random.next() % UInt64(changed.count))
            let position = Int(random.next() % UInt64(changed[index].value.count))
            changed[index].value[position] = UInt8(truncatingIfNeeded: random.next())
            // It may still be a registry, but then it is one: it can be written and read again.
            if let read = try? BucketTypeRegistry(records: changed) { #expect(try Stored(read).rebuilt() == read) }
        }
    }

    @Test("Records carry the prefixes under which storage finds them")
    func recordKeys() throws {
        var registry = BucketTypeRegistry()
        let record = try registry.setProperties(["n_val": 2], ofBucket: bytes("b"), inType: bytes("siblings"))
        #expect(record.key == bytes("bucket-properties/") + [0, 0, 0, 1] + bytes("b"))
        #expect(registry.records[1].key == bytes("bucket-type/") + [0, 0, 0, 1])
        for record in registry.records {
            #expect(BucketTypeRegistry.recordKeyPrefixes.contains { record.key.starts(with: $0) })
        }
    }
}
