package import KindredModel

/// What a baseline does with one key: how its replicas apply, compare and join. What replicas say to each other, and
/// when, is the same for all baselines and in `BaselineCluster`.
///
/// Baselines are mistakes that systems have made, each as small as it can be. They are for comparison: nothing but the
/// lab uses them.
package protocol BaselineRule: Sendable {
    /// What a replica has of a key. A reader carries the same as its context.
    associatedtype Object: Sendable

    /// Nothing known.
    static var nothing: Object { get }

    /// Applies a client's write.
    mutating func apply(_ write: BaselineWrite<Object>, to object: inout Object)

    /// Joins two objects.
    func join(_ other: Object, into object: inout Object)

    /// Takes in what another replica has: joins it, unless the rule remembers more than the object.
    mutating func merge(_ other: Object, into object: inout Object, now: VirtualTime, key: Int)

    /// Forgets what time has made superfluous.
    mutating func age(_ object: inout Object, key: Int, now: VirtualTime)

    /// The writes whose values, or tombstones, an object has.
    func versions(of object: Object) -> [BaselineVersion]

    func encode(_ object: Object, into bytes: inout [UInt8])
    func decode(from reader: inout ByteReader) throws(MalformedBytes) -> Object
}

/// A write on its way into an object.
package struct BaselineWrite<Object: Sendable>: Sendable {
    package var version: BaselineVersion
    package var key: Int
    /// What the client has read; nil if it wrote blindly.
    package var context: Object?
    /// The coordinator, from 0, and what its wall clock shows.
    package var node: Int
    package var wall: UInt64
    package var time: VirtualTime
}

/// A value or a tombstone, by the write that stored it.
package struct BaselineVersion: Hashable, Sendable {
    package var write: Int
    package var isDelete: Bool

    package init(write: Int, isDelete: Bool) {
        self.write = write
        self.isDelete = isDelete
    }

    /// How many of the encoded bytes are the value, and not metadata.
    var payload: Int { isDelete ? 0 : LabValue.length }

    func encode(into bytes: inout [UInt8]) {
        bytes.append(isDelete ? 1 : 0)
        if isDelete {
            // A tombstone has no value; the lab has to know whose it is all the same.
            bytes.append(varint: UInt64(write))
        } else {
            bytes += LabValue.bytes(write)
        }
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        isDelete = try reader.byte() == 1
        if isDelete {
            write = Int(truncatingIfNeeded: try reader.varint())
        } else {
            let range = try reader.range(of: LabValue.length)
            write = LabValue.write(reader.copy(range)) ?? 0
        }
    }
}

extension BaselineRule {
    package mutating func merge(_ other: Object, into object: inout Object, now: VirtualTime, key: Int) {
        join(other, into: &object)
    }

    package mutating func age(_ object: inout Object, key: Int, now: VirtualTime) {}

    func encoded(_ object: Object) -> [UInt8] {
        var bytes: [UInt8] = []
        encode(object, into: &bytes)
        return bytes
    }

    /// The bytes beside the values.
    func metadataBytes(_ object: Object) -> Int {
        let versions = versions(of: object)
        if versions.isEmpty { return 0 }
        return encoded(object).count - versions.reduce(0) { $0 + $1.payload }
    }

    func values(of object: Object) -> [Int] {
        versions(of: object).filter { !$0.isDelete }.map(\.write).sorted()
    }

    func tombstones(of object: Object) -> [Int] {
        versions(of: object).filter(\.isDelete).map(\.write).sorted()
    }
}
