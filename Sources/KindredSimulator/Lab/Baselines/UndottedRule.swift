package import KindredModel

/// Baseline 3: version vectors with one entry per replica, and no dots. A write gets what its client had read, with the
/// coordinator's entry raised. So of two writes that have read the same, the second one at the same replica gets the
/// higher entry, and seems to have seen the first. (Dynamo, Voldemort and Riak had servers as actors before dots:
/// Preguiça et al., arXiv:1011.5808, section 3.)
package struct UndottedRule: BaselineRule {
    package struct Object: Sendable {
        var versions: [Stamped] = []
    }

    package struct Stamped: Sendable {
        /// By replica.
        var vector: [UInt64]
        var version: BaselineVersion
    }

    private let replicas: Int

    package init(replicas: Int) {
        self.replicas = replicas
    }

    package static var nothing: Object { Object() }

    package mutating func apply(_ write: BaselineWrite<Object>, to object: inout Object) {
        var vector = Array(repeating: UInt64(0), count: replicas)
        for seen in write.context?.versions ?? [] { vector = zip(vector, seen.vector).map(max) }
        let seen = vector
        object.versions.removeAll { Self.isCovered($0.vector, by: seen) }
        vector[write.node] = object.versions.reduce(vector[write.node]) { max($0, $1.vector[write.node]) } + 1
        // The two are kept beside each other here, and nowhere else: the next exchange takes the new one to have seen
        // the other.
        object.versions.append(Stamped(vector: vector, version: write.version))
    }

    package func join(_ other: Object, into object: inout Object) {
        let all = object.versions + other.versions
        var kept: [Stamped] = []
        for candidate in all {
            if kept.contains(where: { $0.version == candidate.version }) { continue }
            let isOlder = all.contains {
                $0.vector != candidate.vector && Self.isCovered(candidate.vector, by: $0.vector)
            }
            if !isOlder { kept.append(candidate) }
        }
        object.versions = kept.sorted { $0.version.write < $1.version.write }
    }

    private static func isCovered(_ vector: [UInt64], by other: [UInt64]) -> Bool {
        zip(vector, other).allSatisfy { $0 <= $1 }
    }

    package func versions(of object: Object) -> [BaselineVersion] { object.versions.map(\.version) }

    package func encode(_ object: Object, into bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(object.versions.count))
        for version in object.versions {
            let entries = version.vector.enumerated().filter { $0.element > 0 }
            bytes.append(varint: UInt64(entries.count))
            for (replica, counter) in entries {
                bytes.append(varint: UInt64(replica))
                bytes.append(varint: counter)
            }
            version.version.encode(into: &bytes)
        }
    }

    package func decode(from reader: inout ByteReader) throws(MalformedBytes) -> Object {
        var object = Object()
        for _ in 0..<(try reader.count(ofAtLeast: 3)) {
            var vector = Array(repeating: UInt64(0), count: replicas)
            for _ in 0..<(try reader.count(ofAtLeast: 2)) {
                let replica = Int(truncatingIfNeeded: try reader.varint())
                guard vector.indices.contains(replica) else { throw MalformedBytes("an entry of no replica") }
                vector[replica] = try reader.varint()
            }
            object.versions.append(Stamped(vector: vector, version: try BaselineVersion(from: &reader)))
        }
        return object
    }
}
