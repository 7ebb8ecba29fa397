/// A bucket type as it is shown to people.
public struct BucketType: Hashable, Sendable {
    /// The type `default`: the buckets that requests name without a type.
    public static let defaultID: UInt32 = 0
    /// The name of that type.
    public static let defaultName = [UInt8]("default".utf8)

    /// Its number in storage keys. Never used again for another type.
    public let id: UInt32
    /// Text, in UTF-8, without control characters.
    public let name: [UInt8]
    /// A created type can be looked at and changed, but not be used until it is active.
    public internal(set) var isActive: Bool
    /// All properties by name.
    public internal(set) var properties: PropertySet

    /// The name of the strategy, or of the data type where that takes the strategy's place.
    public var strategyName: String {
        (properties["datatype"] ?? properties["conflict_strategy"])?.text ?? ConflictStrategy.versionVectors.rawValue
    }
}

/// Why a bucket type could not be created or changed, or was not found.
public enum BucketTypeError: Error, Hashable, Sendable {
    /// There is no type of this name, or, where a bucket was meant, no active one.
    case unknown([UInt8])
    case alreadyExists([UInt8])
    /// The type `default` is there from the beginning and stays as it is; only its buckets' properties can be set.
    case defaultType
    case invalidName(String)
    case invalidProperties(InvalidProperties)
    /// There are as many types, or buckets with properties of their own, as there may be.
    case tooMany(String)
}

extension BucketTypeError: CustomStringConvertible {
    /// One line for a protocol's error text; an unknown type is said in Riak's words, which clients compare.
    public var description: String {
        switch self {
        case .unknown(let name): "No bucket-type named '\(String(decoding: name, as: UTF8.self))'"
        case .alreadyExists(let name): "Bucket type '\(String(decoding: name, as: UTF8.self))' already exists"
        case .defaultType: "The bucket type 'default' cannot be created or updated; its buckets can"
        case .invalidName(let reason): "Invalid name: \(reason)"
        case .invalidProperties(let problems): problems.description
        case .tooMany(let reason): reason
        }
    }
}

/// A record that storage keeps so that a registry can be rebuilt.
package struct BucketTypeRecord: Hashable, Sendable {
    package let key: [UInt8]
    /// Nil: the record is to be deleted.
    package let value: [UInt8]?
}

/// All bucket types of a cluster, and the buckets that differ from their type.
///
/// A value: whoever changes it persists the record that the change returns, then puts the new value where requests see it. It knows
/// Riak's rules (a type is created, then activated; `default` is fixed; what decides how objects are stored never changes) and it answers
/// a request's two questions, `typeID(named:)` and `resolved(type:bucket:)`, without allocating.
package struct BucketTypeRegistry: Sendable {
    /// The most types there can be: people make them by hand, and every node holds all of them in memory.
    package static let maximumTypes = 1024
    /// The most buckets, over all types, that can have properties of their own. A client can make them without asking an operator, and
    /// every node holds all of them in memory.
    package static let maximumBucketsWithProperties = 16_384
    /// The longest name of a type, in bytes.
    package static let maximumTypeNameLength = 255
    /// The longest name of a bucket with properties of its own, in bytes.
    package static let maximumBucketNameLength = 4096

    /// What `resolved` needs of a type, without references.
    private struct Fast {
        var isActive: Bool
        var hasOverrides: Bool
        var resolved: BucketProperties
    }

    /// By id, which is the index: types are never removed.
    private var types: [BucketType] = []
    private var fast: [Fast] = []
    private var idsByName = NameIndex()
    /// By id of the type: names of the buckets that differ from it to indices of the two arrays below.
    private var buckets: [NameIndex] = []
    /// Only what was set on the bucket itself; the rest follows its type. Nil where an index is free.
    private var ownProperties: [PropertySet?] = []
    private var ownResolved: [BucketProperties] = []
    private var freeIndices: [UInt32] = []

    /// The registry of a new node: `default` as Riak has it, and one type for each strategy, all active.
    package init() {
        append(name: BucketType.defaultName, isActive: true, properties: PropertyRules.ofDefaultType)
        let builtIn: [(name: String, strategy: ConflictStrategy)] = [
            ("siblings", .versionVectors), ("last_write_wins", .lastWriteWins), ("immutable", .immutable),
            ("versioned", .versionNumbers),
        ]
        for type in builtIn {
            // The rules accept a strategy by itself on the defaults; a test holds them to that.
            let properties = try? Self.propertiesOfNewType(["conflict_strategy": .text(type.strategy.rawValue)])
            append(name: Array(type.name.utf8), isActive: true, properties: properties ?? PropertyRules.ofOtherTypes)
        }
    }

    // MARK: What requests ask

    /// The id of the active type of this name.
    package func typeID(named name: UnsafeRawBufferPointer) -> UInt32? {
        guard let id = idsByName.number(of: name), fast[Int(id)].isActive else { return nil }
        return id
    }

    /// The properties in force in a bucket, or nil where `type` is not the id of an active type.
    package func resolved(type: UInt32, bucket: UnsafeRawBufferPointer) -> BucketProperties? {
        guard type < fast.count, fast[Int(type)].isActive else { return nil }
        guard fast[Int(type)].hasOverrides, let own = buckets[Int(type)].number(of: bucket) else {
            return fast[Int(type)].resolved
        }
        return ownResolved[Int(own)]
    }

    // MARK: What people ask

    /// All types, created and active, in ascending order of their ids.
    package var list: [BucketType] { types }

    /// The type of this name, active or not.
    package func type(named name: [UInt8]) -> BucketType? {
        idsByName.number(of: name).map { types[Int($0)] }
    }

    /// The type with this id, active or not.
    package func type(id: UInt32) -> BucketType? {
        id < types.count ? types[Int(id)] : nil
    }

    /// All properties of a type, active or not.
    package func properties(ofType name: [UInt8]) throws(BucketTypeError) -> PropertySet {
        guard let type = type(named: name) else { throw .unknown(name) }
        return type.properties
    }

    /// All properties in force in a bucket of an active type.
    package func properties(ofBucket bucket: [UInt8], inType name: [UInt8]) throws(BucketTypeError) -> PropertySet {
        let type = try activeType(name)
        guard let own = own(bucket, type.id) else { return type.properties }
        return type.properties.overridden(by: own)
    }

    // MARK: Changes

    /// Creates a type, which is not active yet. Properties that are not given are Riak's defaults for types other than `default`.
    package mutating func create(_ name: [UInt8], _ properties: PropertySet) throws(BucketTypeError) -> BucketTypeRecord
    {
        guard name != BucketType.defaultName else { throw .defaultType }
        try Self.check(typeName: name)
        guard idsByName.number(of: name) == nil else { throw .alreadyExists(name) }
        guard types.count < Self.maximumTypes else {
            throw .tooMany("there are \(Self.maximumTypes) bucket types, and no more can be created")
        }
        append(name: name, isActive: false, properties: try Self.propertiesOfNewType(properties))
        return record(of: types[types.count - 1])
    }

    /// Makes a type usable. A type that is active already stays so.
    package mutating func activate(_ name: [UInt8]) throws(BucketTypeError) -> BucketTypeRecord {
        guard let id = idsByName.number(of: name) else { throw .unknown(name) }
        types[Int(id)].isActive = true
        fast[Int(id)].isActive = true
        return record(of: types[Int(id)])
    }

    /// Changes properties of a type, active or not. Buckets of it that have set the same property themselves keep theirs.
    package mutating func update(_ name: [UInt8], _ properties: PropertySet) throws(BucketTypeError) -> BucketTypeRecord
    {
        guard name != BucketType.defaultName else { throw .defaultType }
        guard let id = idsByName.number(of: name) else { throw .unknown(name) }
        let type = types[Int(id)]
        let changes = try Self.changes(properties, to: type.properties, at: .type, isActive: type.isActive)
        types[Int(id)].properties = type.properties.overridden(by: changes)
        fast[Int(id)].resolved = BucketProperties(types[Int(id)].properties)
        for bucket in buckets[Int(id)].sorted { resolveOwn(bucket.number, of: id) }
        return record(of: types[Int(id)])
    }

    /// Sets properties of one bucket of an active type; the others go on following the type.
    package mutating func setProperties(
        _ properties: PropertySet, ofBucket bucket: [UInt8], inType name: [UInt8]
    ) throws(BucketTypeError) -> BucketTypeRecord {
        let type = try activeType(name)
        guard (1...Self.maximumBucketNameLength).contains(bucket.count) else {
            throw .invalidName("a bucket's name has 1 to \(Self.maximumBucketNameLength) bytes")
        }
        let own = own(bucket, type.id) ?? PropertySet()
        let current = type.properties.overridden(by: own)
        let changes = try Self.changes(properties, to: current, at: .bucket, isActive: type.isActive)
        let changed = own.overridden(by: changes)
        guard !changed.isEmpty else { return try resetProperties(ofBucket: bucket, inType: name) }
        if own.isEmpty, ownProperties.count - freeIndices.count >= Self.maximumBucketsWithProperties {
            throw .tooMany(
                "\(Self.maximumBucketsWithProperties) buckets have properties of their own, and no more can: "
                    + "set them on a bucket type, or reset some buckets")
        }
        setOwn(changed, bucket: bucket, of: type.id)
        return record(of: changed, bucket: bucket, type: type.id)
    }

    /// Lets a bucket follow its type again in everything.
    package mutating func resetProperties(
        ofBucket bucket: [UInt8], inType name: [UInt8]
    ) throws(BucketTypeError) -> BucketTypeRecord {
        let type = try activeType(name)
        if let number = buckets[Int(type.id)].remove(bucket) {
            ownProperties[Int(number)] = nil
            freeIndices.append(number)
        }
        fast[Int(type.id)].hasOverrides = !buckets[Int(type.id)].isEmpty
        return BucketTypeRecord(key: Self.key(ofBucket: bucket, type: type.id), value: nil)
    }

    // MARK: Inside

    private func activeType(_ name: [UInt8]) throws(BucketTypeError) -> BucketType {
        guard let type = type(named: name), type.isActive else { throw .unknown(name) }
        return type
    }

    private mutating func append(name: [UInt8], isActive: Bool, properties: PropertySet) {
        let id = UInt32(types.count)
        types.append(BucketType(id: id, name: name, isActive: isActive, properties: properties))
        fast.append(Fast(isActive: isActive, hasOverrides: false, resolved: BucketProperties(properties)))
        buckets.append(NameIndex())
        idsByName.set(name, to: id)
    }

    /// What was set on the bucket itself.
    private func own(_ bucket: [UInt8], _ type: UInt32) -> PropertySet? {
        buckets[Int(type)].number(of: bucket).flatMap { ownProperties[Int($0)] }
    }

    private mutating func setOwn(_ properties: PropertySet, bucket: [UInt8], of type: UInt32) {
        if let number = buckets[Int(type)].number(of: bucket) {
            ownProperties[Int(number)] = properties
            resolveOwn(number, of: type)
            return
        }
        let number: UInt32
        if let free = freeIndices.popLast() {
            ownProperties[Int(free)] = properties
            number = free
        } else {
            number = UInt32(ownProperties.count)
            ownProperties.append(properties)
            ownResolved.append(fast[Int(type)].resolved)
        }
        resolveOwn(number, of: type)
        buckets[Int(type)].set(bucket, to: number)
        fast[Int(type)].hasOverrides = true
    }

    private mutating func resolveOwn(_ number: UInt32, of type: UInt32) {
        guard let own = ownProperties[Int(number)] else { return }
        ownResolved[Int(number)] = BucketProperties(types[Int(type)].properties.overridden(by: own))
    }

    private static func propertiesOfNewType(_ properties: PropertySet) throws(BucketTypeError) -> PropertySet {
        let changes = try changes(properties, to: PropertyRules.ofOtherTypes, at: .newType, isActive: false)
        var complete = PropertyRules.ofOtherTypes.overridden(by: changes)
        if complete["datatype"] != nil { complete["conflict_strategy"] = nil }
        return complete
    }

    private static func changes(
        _ properties: PropertySet, to current: PropertySet, at scope: PropertyScope, isActive: Bool
    ) throws(BucketTypeError) -> PropertySet {
        do {
            return try StrategyRules.changes(properties, to: current, at: scope, isActive: isActive)
        } catch {
            throw .invalidProperties(error)
        }
    }

    /// Names of types are typed by people into URLs and shells: text without control characters.
    private static func check(typeName name: [UInt8]) throws(BucketTypeError) {
        guard (1...maximumTypeNameLength).contains(name.count) else {
            throw .invalidName("a bucket type's name has 1 to \(maximumTypeNameLength) bytes")
        }
        guard let text = String(validating: name, as: UTF8.self),
            text.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else { throw .invalidName("a bucket type's name is UTF-8 text without control characters") }
        guard text != "any" else { throw .invalidName("'any' means all bucket types in grants") }
    }
}

extension BucketTypeRegistry: Equatable {
    /// Whether all types and buckets are the same, whatever order they were set in.
    package static func == (left: BucketTypeRegistry, right: BucketTypeRegistry) -> Bool {
        left.records == right.records
    }
}

// MARK: - Records

// One record for each type and for each bucket with properties of its own:
//
//     "bucket-type/"       type id (4, big-endian)                  → version (1), active (1), name (length, bytes), properties
//     "bucket-properties/" type id (4, big-endian), name of bucket  → properties

extension BucketTypeRegistry {
    private static let typeKeyPrefix = [UInt8]("bucket-type/".utf8)
    private static let bucketKeyPrefix = [UInt8]("bucket-properties/".utf8)
    private static let typeVersion: UInt8 = 1

    /// Every record of a registry starts with one of these, and no other record does.
    package static let recordKeyPrefixes = [bucketKeyPrefix, typeKeyPrefix]

    /// All records, for a node that has none yet.
    package var records: [BucketTypeRecord] {
        types.map(record(of:))
            + zip(types, buckets).flatMap { type, buckets in
                buckets.sorted.compactMap { bucket in
                    ownProperties[Int(bucket.number)].map { record(of: $0, bucket: bucket.name, type: type.id) }
                }
            }
    }

    /// Rebuilds a registry from all its records, in any order. A property that has been added since they were written has its default.
    ///
    /// Throws where a record does not decode, is against the rules or misses another: a node must not serve a bucket with rules that
    /// nobody set. No records at all is such a case; a new node starts with `init()` and writes its `records`.
    package init(records: some Sequence<(key: [UInt8], value: [UInt8])>) throws(MalformedBytes) {
        var found: [BucketType] = []
        var foundBuckets: [(type: UInt32, bucket: [UInt8], properties: PropertySet)] = []
        for record in records {
            if record.key.starts(with: Self.typeKeyPrefix) {
                found.append(try Self.decodeType(record.key, record.value))
            } else if record.key.starts(with: Self.bucketKeyPrefix) {
                foundBuckets.append(try Self.decodeBucket(record.key, record.value))
            } else {
                throw MalformedBytes("a record that is none of bucket types")
            }
        }
        found.sort { $0.id < $1.id }
        guard found.first?.name == BucketType.defaultName else { throw MalformedBytes("no record of the type default") }
        guard found.count <= Self.maximumTypes else { throw MalformedBytes("too many bucket types") }
        for type in found {
            guard type.id == types.count else { throw MalformedBytes("a bucket type's record is missing") }
            guard idsByName.number(of: type.name) == nil else { throw MalformedBytes("two bucket types of one name") }
            append(name: type.name, isActive: type.isActive, properties: type.properties)
        }
        guard foundBuckets.count <= Self.maximumBucketsWithProperties else {
            throw MalformedBytes("too many buckets with properties")
        }
        for entry in foundBuckets {
            guard entry.type < types.count else { throw MalformedBytes("properties of a bucket of no type") }
            try Self.check(stored: types[Int(entry.type)].properties.overridden(by: entry.properties))
            setOwn(entry.properties, bucket: entry.bucket, of: entry.type)
        }
    }

    private func record(of type: BucketType) -> BucketTypeRecord {
        var key = Self.typeKeyPrefix
        key.append(bigEndian: type.id)
        var value: [UInt8] = [Self.typeVersion, type.isActive ? 1 : 0]
        value.append(lengthPrefixed: type.name)
        // The default is left out: nodes from before this property refuse what they do not know, and go on without a difference
        // until somebody switches a log off.
        var stored = type.properties
        if stored["conflict_log"] == true { stored["conflict_log"] = nil }
        stored.encode(into: &value)
        return BucketTypeRecord(key: key, value: value)
    }

    private func record(of properties: PropertySet, bucket: [UInt8], type: UInt32) -> BucketTypeRecord {
        var value: [UInt8] = []
        properties.encode(into: &value)
        return BucketTypeRecord(key: Self.key(ofBucket: bucket, type: type), value: value)
    }

    private static func key(ofBucket bucket: [UInt8], type: UInt32) -> [UInt8] {
        var key = bucketKeyPrefix
        key.append(bigEndian: type)
        key.append(contentsOf: bucket)
        return key
    }

    private static func decodeType(_ key: [UInt8], _ value: [UInt8]) throws(MalformedBytes) -> BucketType {
        let id = try Self.reading(key, from: typeKeyPrefix.count) { reader throws(MalformedBytes) in
            let id = try reader.bigEndian(UInt32.self)
            guard reader.isAtEnd else { throw MalformedBytes("key of a bucket type too long") }
            return id
        }
        return try Self.reading(value, from: 0) { reader throws(MalformedBytes) in
            guard try reader.byte() == typeVersion else { throw MalformedBytes("unknown version of a bucket type") }
            let active = try reader.byte()
            guard active <= 1 else { throw MalformedBytes("neither an active nor a created bucket type") }
            let name = reader.copy(try reader.lengthPrefixedRange())
            let stored = try PropertySet(decoding: &reader)
            guard reader.isAtEnd, (1...maximumTypeNameLength).contains(name.count) else {
                throw MalformedBytes("a bucket type's record that is too long, or has no name")
            }
            var defaults = id == BucketType.defaultID ? PropertyRules.ofDefaultType : PropertyRules.ofOtherTypes
            if stored["datatype"] != nil { defaults["conflict_strategy"] = nil }
            let properties = defaults.overridden(by: stored)
            try check(stored: properties)
            return BucketType(id: id, name: name, isActive: active == 1, properties: properties)
        }
    }

    private static func decodeBucket(
        _ key: [UInt8], _ value: [UInt8]
    ) throws(MalformedBytes) -> (type: UInt32, bucket: [UInt8], properties: PropertySet) {
        let (type, bucket) = try Self.reading(key, from: bucketKeyPrefix.count) { reader throws(MalformedBytes) in
            (try reader.bigEndian(UInt32.self), reader.copy(try reader.range(of: reader.remaining)))
        }
        guard (1...maximumBucketNameLength).contains(bucket.count) else {
            throw MalformedBytes("a bucket's name of a wrong length")
        }
        let properties = try Self.reading(value, from: 0) { reader throws(MalformedBytes) in
            let properties = try PropertySet(decoding: &reader)
            guard reader.isAtEnd else { throw MalformedBytes("a bucket's properties too long") }
            return properties
        }
        return (type, bucket, properties)
    }

    /// What storage gives back must be what the rules once let in: a complete set that could be that of a new type.
    private static func check(stored properties: PropertySet) throws(MalformedBytes) {
        do {
            _ = try changes(properties, to: PropertyRules.ofOtherTypes, at: .newType, isActive: false)
        } catch {
            throw MalformedBytes("stored: \(error)")
        }
    }

    private static func reading<Value>(
        _ bytes: [UInt8], from offset: Int, _ read: (inout ByteReader) throws(MalformedBytes) -> Value
    ) throws(MalformedBytes) -> Value {
        // `withUnsafeBytes` does not pass a typed error through, so the outcome leaves it as a value.
        let result: Result<Value, MalformedBytes> = bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer, offset: offset)
            do throws(MalformedBytes) { return .success(try read(&reader)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}
