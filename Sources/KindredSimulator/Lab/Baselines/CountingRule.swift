package import KindredModel

/// Baseline 2: version numbers, counted by every replica for itself. On a single replica the rule is right: a write
/// names the number that it has read, replaces everything up to it, and what is newer stays beside it. Between replicas
/// the bigger or equal number replaces, and a number says nothing about what two replicas have counted apart.
/// (Kleppmann, "Designing Data-Intensive Applications", chapter 5, has the rule, and says that it is for one replica.)
package struct CountingRule: BaselineRule {
    package struct Object: Sendable {
        /// The highest number given out.
        var number: UInt64 = 0
        var versions: [Numbered] = []
    }

    package struct Numbered: Sendable {
        var number: UInt64
        var version: BaselineVersion
    }

    package init() {}

    package static var nothing: Object { Object() }

    package mutating func apply(_ write: BaselineWrite<Object>, to object: inout Object) {
        let seen = write.context?.number ?? 0
        object.number = max(object.number, seen) + 1
        object.versions.removeAll { $0.number <= seen }
        object.versions.append(Numbered(number: object.number, version: write.version))
    }

    package func join(_ other: Object, into object: inout Object) {
        if other.number > 0, other.number >= object.number { object = other }
    }

    package func versions(of object: Object) -> [BaselineVersion] { object.versions.map(\.version) }

    package func encode(_ object: Object, into bytes: inout [UInt8]) {
        bytes.append(varint: object.number)
        bytes.append(varint: UInt64(object.versions.count))
        for version in object.versions {
            bytes.append(varint: version.number)
            version.version.encode(into: &bytes)
        }
    }

    package func decode(from reader: inout ByteReader) throws(MalformedBytes) -> Object {
        var object = Object(number: try reader.varint())
        for _ in 0..<(try reader.count(ofAtLeast: 2)) {
            let number = try reader.varint()
            object.versions.append(Numbered(number: number, version: try BaselineVersion(from: &reader)))
        }
        return object
    }
}
