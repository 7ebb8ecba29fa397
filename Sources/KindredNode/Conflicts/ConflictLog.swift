package import KindredModel
package import KindredReplication
import KindredStorage

/// Names a conflict, the same at every replica that has noticed it: the partition, the write that it is about, and what happened to it.
package struct ConflictID: Hashable, Sendable, CustomStringConvertible {
    package let partition: UInt16
    /// The subject's dot; of a write that was refused, and so has none, the dot of the record.
    package let dot: Dot
    package let kind: Conflict.Kind

    package init(partition: UInt16, dot: Dot, kind: Conflict.Kind) {
        self.partition = partition
        self.dot = dot
        self.kind = kind
    }

    /// Such as `17-3.a7-lost`: the partition, the actor and counter in base 36, and the kind.
    package var description: String {
        "\(partition)-\(String(dot.actor.rawValue, radix: 36)).\(String(dot.counter, radix: 36))-\(kind.name)"
    }

    /// Reads what `description` wrote; nil if it is no such text.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, let partition = UInt16(parts[0]), let kind = Conflict.Kind(name: parts[2]) else {
            return nil
        }
        let names = parts[1].split(separator: ".", omittingEmptySubsequences: false)
        guard names.count == 2, let actor = UInt32(names[0], radix: 36), let counter = UInt64(names[1], radix: 36)
        else { return nil }
        self.init(partition: partition, dot: Dot(ActorID(actor), counter), kind: kind)
    }
}

extension Conflict.Kind {
    /// What the kind is called in texts and queries.
    package var name: String {
        switch self {
        case .lost: "lost"
        case .shadowed: "shadowed"
        case .refused: "refused"
        case .sibling: "sibling"
        case .outlived: "outlived"
        case .resolved: "resolved"
        case .orphaned: "orphaned"
        }
    }

    package init?(name: some StringProtocol) {
        guard let kind = Conflict.Kind.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }
}

/// A conflict, put together from the records of all replicas that have noticed it.
package struct ConflictEntry: Sendable {
    package let id: ConflictID
    /// Bucket type, bucket and key: `ObjectKey.address`.
    package let address: [UInt8]
    package let strategy: ConflictStrategy
    /// When it was first noticed, in milliseconds since 1970.
    package private(set) var noticed: UInt64
    /// The records' own dots, one for each replica that has noticed it.
    package private(set) var records: [Dot]
    package private(set) var conflict: Conflict
    /// Where it stands in the list of all.
    package private(set) var position: ConflictPosition

    init(_ id: ConflictID, _ record: ConflictRecord, _ conflict: Conflict, dot: Dot, at position: ConflictPosition) {
        self.id = id
        self.position = position
        address = record.address
        strategy = record.strategy
        noticed = record.noticed
        records = [dot]
        self.conflict = conflict
    }

    /// About how many bytes it takes in memory.
    package var byteCount: Int {
        ([conflict.subject] + conflict.others).reduce(address.count + 256) { bytes, party in
            if case .content(let content) = party.value { bytes + content.count + 256 } else { bytes + 256 }
        }
    }

    /// Takes in what another replica has noticed of the same conflict.
    mutating func merge(_ record: ConflictRecord, _ other: Conflict, dot: Dot, at place: ConflictPosition) {
        noticed = min(noticed, record.noticed)
        position = max(position, place)
        records.append(dot)
        // One may know what the subject's writer had seen, the other whom it met later.
        if conflict.subject.seen == nil { conflict.subject.seen = other.subject.seen }
        if case .kept = conflict.subject.value { conflict.subject.value = other.subject.value }
        if conflict.note.isEmpty { conflict.note = other.note }
        for party in other.others {
            if let index = conflict.others.firstIndex(where: { $0.dot == party.dot }) {
                if conflict.others[index].seen == nil { conflict.others[index].seen = party.seen }
            } else {
                conflict.others.append(party)
            }
        }
    }
}

/// What conflicts somebody asks for. What is nil does not matter.
package struct ConflictFilter: Sendable {
    package var type: UInt32?
    package var bucket: [UInt8]?
    package var key: [UInt8]?
    package var strategies: Set<ConflictStrategy> = []
    package var kinds: Set<Conflict.Kind> = []
    /// The name of a client that wrote one of the sides.
    package var writer: [UInt8]?
    /// The actor of the replica that accepted one of the sides.
    package var actor: ActorID?
    /// Noticed at this time or later, in milliseconds since 1970.
    package var since: UInt64?
    /// Noticed before this time.
    package var until: UInt64?

    package init() {}

    /// Whether the filter admits a conflict that has been put together already.
    package func admits(_ entry: ConflictEntry) -> Bool {
        let record = ConflictRecord(
            address: entry.address, strategy: entry.strategy, noticed: entry.noticed, conflicts: [])
        return admits(record) && admits(entry.conflict)
    }

    func admits(_ record: ConflictRecord) -> Bool {
        if !strategies.isEmpty, !strategies.contains(record.strategy) { return false }
        if let since, record.noticed < since { return false }
        if let until, record.noticed >= until { return false }
        guard type != nil || bucket != nil || key != nil else { return true }
        return record.address.withUnsafeBytes { bytes in
            guard let fields = AddressFields(bytes) else { return false }
            return (type ?? fields.bucketType) == fields.bucketType
                && (bucket.map { fields.bucket.elementsEqual($0) } ?? true)
                && (key.map { fields.key.elementsEqual($0) } ?? true)
        }
    }

    func admits(_ conflict: Conflict) -> Bool {
        if !kinds.isEmpty, !kinds.contains(conflict.kind) { return false }
        let parties = [conflict.subject] + conflict.others
        if let writer, !parties.contains(where: { $0.writer == writer }) { return false }
        if let actor, !parties.contains(where: { $0.dot?.actor == actor }) { return false }
        return true
    }
}

/// Conflicts by their names, as their records come in.
package struct ConflictGathering {
    private let partition: UInt16
    private let filter: ConflictFilter
    private var positions: [ConflictID: Int] = [:]
    package private(set) var entries: [ConflictEntry] = []

    package init(partition: UInt16, filter: ConflictFilter) {
        self.partition = partition
        self.filter = filter
    }

    /// Takes in a record.
    package mutating func add(_ stored: StoredConflicts) {
        guard filter.admits(stored.record) else { return }
        for (index, conflict) in stored.record.conflicts.enumerated() where filter.admits(conflict) {
            let id = ConflictID(partition: partition, dot: conflict.subject.dot ?? stored.dot, kind: conflict.kind)
            let position = ConflictPosition(
                time: stored.time, partition: partition, dot: stored.dot, index: index)
            if let known = positions[id] {
                entries[known].merge(stored.record, conflict, dot: stored.dot, at: position)
            } else {
                positions[id] = entries.count
                entries.append(ConflictEntry(id, stored.record, conflict, dot: stored.dot, at: position))
            }
        }
    }
}

/// Where a record stands in the log of its partition, and a conflict in the list of all: by the newest record that tells of it.
package struct ConflictPosition: Hashable, Comparable, Sendable {
    /// The hybrid timestamp of the record.
    package let time: HybridTimestamp
    package let partition: UInt16
    /// The record's own event.
    package let dot: Dot
    /// Which of the record's conflicts it is.
    package let index: Int

    package init(time: HybridTimestamp, partition: UInt16, dot: Dot, index: Int) {
        self.time = time
        self.partition = partition
        self.dot = dot
        self.index = index
    }

    package static func < (left: ConflictPosition, right: ConflictPosition) -> Bool {
        (left.time, left.partition, left.dot, left.index) < (right.time, right.partition, right.dot, right.index)
    }
}

/// A record with its name.
package struct StoredConflicts: Sendable {
    package let time: HybridTimestamp
    package let dot: Dot
    package let record: ConflictRecord
}

/// Reads a page of a partition's conflict log from the disk: call it on a thread that may wait.
enum ConflictScan {
    private static let nameLength = 20
    private static let bytesPerPage = 1 << 20

    /// A page, the newest record first. Each name is the record's name, and then the record; `request.after` is such a name, of which only the
    /// record's name counts.
    static func page(_ request: ListRequest, in engine: any StorageEngine) throws(StorageError) -> ListPage {
        let prefix = KeyLayout.conflictPrefix(partition: request.partition)
        let upper = request.after.map { prefix + $0.prefix(nameLength) } ?? KeyLayout.successor(ofPrefix: prefix)
        let limit = Int(min(request.limit, Limits.namesPerPage))
        var names: [[UInt8]] = []
        var bytes = 0
        var isLast = true
        var failure: MalformedBytes?
        try engine.scanBackwards(.objects, from: prefix, to: upper) { key, value in
            guard names.count < limit, bytes < bytesPerPage else {
                isLast = false
                return false
            }
            do throws(MalformedBytes) {
                // What has been voided is elsewhere under another dot.
                for version in try CausalObject(encoded: Array(value)).versions {
                    guard let content = version.content else { continue }
                    names.append(Array(key.dropFirst(prefix.count)) + content)
                    bytes += content.count
                }
                return true
            } catch {
                failure = error
                return false
            }
        }
        if let failure {
            throw .corrupt("conflict log of partition \(request.partition): \(failure.reason)")
        }
        return ListPage(names: names, isLast: isLast)
    }

    /// What a name of a page says.
    static func record(_ name: [UInt8]) throws(MalformedBytes) -> StoredConflicts {
        guard name.count > nameLength else { throw MalformedBytes("conflict: truncated") }
        func number(_ range: Range<Int>) -> UInt64 { name[range].reduce(0) { $0 << 8 | UInt64($1) } }
        return StoredConflicts(
            time: HybridTimestamp(rawValue: number(0..<8)),
            dot: Dot(ActorID(UInt32(truncatingIfNeeded: number(8..<12))), number(12..<20)),
            record: try ConflictRecord(encoded: name[nameLength...]))
    }
}
