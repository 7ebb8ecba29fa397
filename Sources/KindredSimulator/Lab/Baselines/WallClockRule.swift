package import KindredModel

/// Baseline 1: last write wins by the coordinator's wall clock, in milliseconds. No hybrid time, no context: a write
/// that has *seen* another one loses to it if its node's clock is behind, and nobody is told. (Cassandra's cells;
/// Riak's `last_write_wins` buckets.)
package struct WallClockRule: BaselineRule {
    package struct Object: Sendable {
        var time: UInt64 = 0
        var version: BaselineVersion?
    }

    package init() {}

    package static var nothing: Object { Object() }

    package mutating func apply(_ write: BaselineWrite<Object>, to object: inout Object) {
        join(Object(time: write.wall, version: write.version), into: &object)
    }

    package func join(_ other: Object, into object: inout Object) {
        guard let theirs = other.version else { return }
        // Ties are broken by the value, as Cassandra does it, so that all replicas choose the same one.
        if let ours = object.version, (object.time, ours.write) >= (other.time, theirs.write) { return }
        object = other
    }

    package func versions(of object: Object) -> [BaselineVersion] { object.version.map { [$0] } ?? [] }

    package func encode(_ object: Object, into bytes: inout [UInt8]) {
        bytes.append(object.version == nil ? 0 : 1)
        guard let version = object.version else { return }
        bytes.append(bigEndian: object.time)
        version.encode(into: &bytes)
    }

    package func decode(from reader: inout ByteReader) throws(MalformedBytes) -> Object {
        guard try reader.byte() == 1 else { return Object() }
        let time = try reader.bigEndian(UInt64.self)
        return Object(time: time, version: try BaselineVersion(from: &reader))
    }
}
