package import KindredModel

/// Dotted version vector sets, which are right, and two mistakes that can be made with them. Without a mistake this
/// loses nothing: it is the control of the other two.
///
/// Counters are of a key and a replica, and a replica remembers them beside the object, so that forgetting never names
/// two writes alike: what goes wrong here is the forgetting itself. (Preguiça et al., arXiv:1011.5808.)
package struct DottedRule: BaselineRule {
    /// What is done wrong.
    package enum Mistake: Hashable, Sendable {
        case none
        /// Baseline 4: vectors are pruned to so many entries, the oldest go. What went is no longer known to have been
        /// replaced, so that replaced versions come back as siblings. (Riak's `small_vclock` and `big_vclock`.)
        case pruned(Int)
        /// Baseline 5: a key of nothing but tombstones is forgotten after so many microseconds. A replica that was away
        /// longer still has what they have deleted, and nobody knows better. (Riak's `delete_mode`, Cassandra's
        /// `gc_grace_seconds`.)
        case forgetful(UInt64)
    }

    package struct Object: Sendable {
        var versions: [Dotted] = []
        /// What is known, versions or not.
        var entries: [Entry] = []
    }

    package struct Dotted: Sendable {
        var replica: Int
        var counter: UInt64
        var version: BaselineVersion
    }

    package struct Entry: Sendable {
        var replica: Int
        var counter: UInt64
        /// When it was raised, in virtual milliseconds; pruning goes by it.
        var time: UInt64
    }

    private let mistake: Mistake
    /// The last counter given out, and since when there have been nothing but tombstones, by key.
    private var counters: [UInt64]
    private var deletedSince: [VirtualTime?]

    package init(_ mistake: Mistake, keys: Int) {
        self.mistake = mistake
        counters = Array(repeating: 0, count: keys)
        deletedSince = Array(repeating: nil, count: keys)
    }

    package static var nothing: Object { Object() }

    package mutating func apply(_ write: BaselineWrite<Object>, to object: inout Object) {
        let seen = write.context?.entries ?? []
        object.versions.removeAll { Self.covers(seen, $0) }
        Self.raise(&object.entries, by: seen)
        counters[write.key] += 1
        let counter = counters[write.key]
        Self.raise(
            &object.entries,
            by: [Entry(replica: write.node, counter: counter, time: write.time.microseconds / 1_000)])
        object.versions.append(Dotted(replica: write.node, counter: counter, version: write.version))
        changed(&object, key: write.key, now: write.time)
    }

    package func join(_ other: Object, into object: inout Object) {
        let ours = object
        var versions = ours.versions.filter { version in
            !Self.covers(other.entries, version) || other.versions.contains { $0.version == version.version }
        }
        for version in other.versions where !versions.contains(where: { $0.version == version.version }) {
            if !Self.covers(ours.entries, version) || ours.versions.contains(where: { $0.version == version.version }) {
                versions.append(version)
            }
        }
        object.versions = versions.sorted { $0.version.write < $1.version.write }
        Self.raise(&object.entries, by: other.entries)
    }

    package mutating func merge(_ other: Object, into object: inout Object, now: VirtualTime, key: Int) {
        join(other, into: &object)
        changed(&object, key: key, now: now)
    }

    package mutating func age(_ object: inout Object, key: Int, now: VirtualTime) {
        guard case .forgetful(let lifetime) = mistake, let since = deletedSince[key],
            now.microseconds(since: since) >= lifetime
        else { return }
        object = Object()
        deletedSince[key] = nil
    }

    private mutating func changed(_ object: inout Object, key: Int, now: VirtualTime) {
        if case .pruned(let bound) = mistake, object.entries.count > bound {
            object.entries.sort { ($0.time, $0.replica) > ($1.time, $1.replica) }
            object.entries.removeLast(object.entries.count - bound)
            object.entries.sort { $0.replica < $1.replica }
        }
        let isDeleted = !object.versions.isEmpty && object.versions.allSatisfy(\.version.isDelete)
        deletedSince[key] = isDeleted ? deletedSince[key] ?? now : nil
    }

    private static func covers(_ entries: [Entry], _ version: Dotted) -> Bool {
        entries.contains { $0.replica == version.replica && $0.counter >= version.counter }
    }

    private static func raise(_ entries: inout [Entry], by others: [Entry]) {
        for other in others {
            guard let index = entries.firstIndex(where: { $0.replica == other.replica }) else {
                entries.append(other)
                continue
            }
            if other.counter > entries[index].counter { entries[index] = other }
        }
        entries.sort { $0.replica < $1.replica }
    }

    // MARK: Bytes

    package func versions(of object: Object) -> [BaselineVersion] { object.versions.map(\.version) }

    package func encode(_ object: Object, into bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(object.entries.count))
        for entry in object.entries {
            bytes.append(varint: UInt64(entry.replica))
            bytes.append(varint: entry.counter)
            bytes.append(varint: entry.time)
        }
        bytes.append(varint: UInt64(object.versions.count))
        for version in object.versions {
            bytes.append(varint: UInt64(version.replica))
            bytes.append(varint: version.counter)
            version.version.encode(into: &bytes)
        }
    }

    package func decode(from reader: inout ByteReader) throws(MalformedBytes) -> Object {
        var object = Object()
        for _ in 0..<(try reader.count(ofAtLeast: 3)) {
            object.entries.append(
                Entry(
                    replica: Int(truncatingIfNeeded: try reader.varint()), counter: try reader.varint(),
                    time: try reader.varint()))
        }
        for _ in 0..<(try reader.count(ofAtLeast: 4)) {
            let replica = Int(truncatingIfNeeded: try reader.varint())
            let counter = try reader.varint()
            object.versions.append(
                Dotted(replica: replica, counter: counter, version: try BaselineVersion(from: &reader)))
        }
        return object
    }
}
