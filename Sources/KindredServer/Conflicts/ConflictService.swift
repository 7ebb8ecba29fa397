import Foundation
import KindredModel
import KindredNode
import KindredReplication
import KindredStorage

/// What can be asked of the conflict log, and done about it, over a node's data loop.
struct ConflictService: Sendable {
    let loop: DataLoop

    init(loop: DataLoop) {
        self.loop = loop
    }

    /// Which conflicts are wanted.
    struct Query: Sendable {
        var filter = ConflictFilter()
        /// The state of a report; nil for any.
        var state: String?
        var limit = 100
        /// Only conflicts before this one, in the order of pages.
        var before: ConflictPosition?
    }

    static let largestPage = 1_000
    /// How many conflicts are in memory at most while a page is looked for, and how many bytes they have.
    private static let mostAtOnce = 16_000
    private static let mostBytesAtOnce = 32 << 20
    /// A page with conflicts of so many bytes is full.
    private static let bytesOfPage = 8 << 20

    // MARK: Reading

    /// The conflicts that are asked for, the newest first.
    func page(_ query: Query) async throws -> ConflictPage {
        var page = ConflictPage(conflicts: [], next: nil)
        var filter = query.filter
        if let state = query.state {
            let kinds = Self.kinds(withState: state)
            filter.kinds = filter.kinds.isEmpty ? kinds : filter.kinds.intersection(kinds)
            guard !filter.kinds.isEmpty else { return page }
        }
        // A state is only known once the key has been read, so what has another one is passed over. Each look at the logs begins at their
        // new end, so it takes many at once, and ever more.
        var batch = query.state == nil ? query.limit : 2 * Self.largestPage
        var before = query.before
        var bytes = 0
        while true {
            let (entries, restored, isAll) = try await newest(filter, before: before, limit: batch)
            for entry in entries {
                before = entry.position
                let state = try await state(of: entry, restored: restored)
                if let wanted = query.state, wanted != state { continue }
                if let report = try await report(entry, state: state) { page.conflicts.append(report) }
                bytes += entry.byteCount
                if page.conflicts.count == query.limit || bytes >= Self.bytesOfPage {
                    page.next = before?.text
                    return page
                }
            }
            if isAll { return page }
            batch = min(2 * batch, Self.mostAtOnce)
        }
    }

    /// The newest conflicts before a position, and the names of those that have been restored.
    ///
    /// Each log is read from its new end, and no further than it can have conflicts for this page. So what is told twice has been met before,
    /// and so has whatever restored a conflict. A page near the new end costs in proportion to its size; one far down costs
    /// reading up to it.
    private func newest(
        _ filter: ConflictFilter, before: ConflictPosition?, limit: Int
    ) async throws -> (entries: [ConflictEntry], restored: Set<String>, isAll: Bool) {
        var wide = filter
        // What has been restored is told by other conflicts, whoever wrote them.
        if !wide.kinds.isEmpty { wide.kinds.insert(.resolved) }
        (wide.since, wide.until, wide.writer, wide.actor) = (nil, nil, nil, nil)
        func isWanted(_ entry: ConflictEntry) -> Bool {
            filter.admits(entry) && before.map { entry.position < $0 } ?? true
        }
        var found: [ConflictEntry] = []
        var restored: Set<String> = []
        var isAll = true
        for partition in 0..<(try await loop.partitionCount()) {
            let oldest = isAll ? nil : found.last?.position.time
            var gathering = ConflictGathering(partition: partition, filter: wide)
            var (wanted, bytes) = (0, 0)
            _ = try await loop.readConflicts(inPartition: partition, pageSize: UInt32(max(16, limit / 4))) {
                stored, _ in
                if let oldest, stored.time < oldest { return false }
                // A record is never older by its timestamp than by the clock of who has noticed it.
                if let since = filter.since, stored.time.milliseconds < since { return false }
                let known = gathering.entries.count
                gathering.add(stored)
                for entry in gathering.entries[known...] where isWanted(entry) {
                    wanted += 1
                    bytes += entry.byteCount
                }
                guard wanted < limit, bytes < Self.mostBytesAtOnce else {
                    isAll = false
                    return false
                }
                return true
            }
            restored.formUnion(gathering.entries.compactMap(Self.restoredName))
            found += gathering.entries.filter(isWanted)
            found.sort { $0.position > $1.position }
            let kept = Self.prefix(of: found, limit: limit)
            if kept < found.count {
                found.removeLast(found.count - kept)
                isAll = false
            }
        }
        return (found, restored, isAll)
    }

    /// How many of these conflicts, at least one, can be in memory at once.
    private static func prefix(of entries: [ConflictEntry], limit: Int) -> Int {
        var bytes = 0
        for (index, entry) in entries.enumerated() {
            bytes += entry.byteCount
            if index == limit || (index > 0 && bytes > mostBytesAtOnce) { return index }
        }
        return entries.count
    }

    /// How many conflicts there were, by bucket, day and kind.
    func counts(_ filter: ConflictFilter) async throws -> [ConflictCount] {
        struct Group: Hashable {
            let type: UInt32
            let bucket: [UInt8]
            let strategy: ConflictStrategy
            let day: UInt64
            let kind: Conflict.Kind
        }
        var counts: [Group: Int] = [:]
        for partition in 0..<(try await loop.partitionCount()) {
            for entry in try await loop.conflicts(inPartition: partition, filter) {
                guard let names = ConflictReporting.Names(entry.address) else { continue }
                let group = Group(
                    type: names.type, bucket: names.bucket, strategy: entry.strategy,
                    day: entry.noticed / 86_400_000, kind: entry.conflict.kind)
                counts[group, default: 0] += 1
            }
        }
        var rows: [ConflictCount] = []
        for (group, count) in counts {
            rows.append(
                ConflictCount(
                    type: try await typeName(group.type), bucket: String(decoding: group.bucket, as: UTF8.self),
                    strategy: group.strategy.rawValue, day: Self.day(group.day), kind: group.kind.name, count: count))
        }
        return rows.sorted { ($0.type, $0.bucket, $0.day, $0.kind) < ($1.type, $1.bucket, $1.day, $1.kind) }
    }

    /// Whether the conflicts of the bucket that a filter names are entered at this node; nil if it names none.
    func isLogged(_ filter: ConflictFilter) async throws -> Bool? {
        guard let type = filter.type, let bucket = filter.bucket else { return nil }
        return try await loop.logsConflicts(ofType: type, bucket: bucket)
    }

    private static func day(_ number: UInt64) -> String {
        let date = Date(timeIntervalSince1970: TimeInterval(number) * 86_400)
        return date.formatted(.iso8601.year().month().day())
    }

    /// One conflict; nil if the log does not have it.
    func conflict(_ id: ConflictID) async throws -> ConflictReport? {
        var filter = ConflictFilter()
        filter.kinds = [id.kind, .resolved]
        let entries = try await loop.conflicts(inPartition: id.partition, filter)
        guard let entry = entries.first(where: { $0.id == id }) else { return nil }
        let restored = Set(entries.compactMap(Self.restoredName))
        return try await report(entry, state: try await state(of: entry, restored: restored))
    }

    func report(_ entry: ConflictEntry, state: String) async throws -> ConflictReport? {
        let type = ConflictReporting.Names(entry.address)?.type ?? BucketType.defaultID
        return ConflictReporting.report(entry, type: try await typeName(type), state: state)
    }

    /// The kinds of conflicts that can be in a state.
    private static func kinds(withState state: String) -> Set<Conflict.Kind> {
        switch state {
        case "lost": [.lost, .orphaned]
        case "restored": [.lost, .orphaned]
        case "refused": [.refused]
        case "shadowed": [.shadowed]
        case "open": [.sibling, .outlived]
        case "resolved": [.sibling, .outlived, .resolved]
        default: []
        }
    }

    /// What a conflict is now.
    func state(of entry: ConflictEntry, restored: Set<String>) async throws -> String {
        switch entry.conflict.kind {
        case .lost, .orphaned: return restored.contains(entry.id.description) ? "restored" : "lost"
        case .refused: return "refused"
        case .shadowed: return "shadowed"
        case .resolved: return "resolved"
        case .sibling, .outlived:
            guard let names = ConflictReporting.Names(entry.address) else { return "resolved" }
            let versions = try await read(names)?.versions ?? []
            let parties = ([entry.conflict.subject] + entry.conflict.others).compactMap(\.dot)
            let standing = versions.count { parties.contains($0.dot) }
            return standing > 1 ? "open" : "resolved"
        }
    }

    /// The conflict that a restoring write names; nil if it is none.
    static func restoredName(_ entry: ConflictEntry) -> String? {
        let note = String(decoding: entry.conflict.note, as: UTF8.self)
        return note.hasPrefix("restore ") ? String(note.dropFirst("restore ".count)) : nil
    }

    // MARK: Names and objects

    func typeName(_ id: UInt32) async throws(RequestFailure) -> String {
        try await loop.run { loop throws(RequestFailure) -> String? in
            loop.bucketTypes.type(id: id).map { String(decoding: $0.name, as: UTF8.self) } ?? "#\(id)"
        }
    }

    func objectName(_ names: ConflictReporting.Names) async throws(RequestFailure) -> ObjectName {
        let type = try await typeName(names.type)
        return ObjectName(type: Array(type.utf8), bucket: names.bucket, key: names.key)
    }

    private func read(_ names: ConflictReporting.Names) async throws(RequestFailure) -> ObjectAnswer? {
        let name = try await objectName(names)
        let found = try await loop.run { loop throws(RequestFailure) -> ObjectBox? in
            try name.withReference { reference throws(RequestFailure) in
                try loop.known(reference).map { ObjectBox(answer: $0) }
            }
        }
        return found.answer
    }
}

/// An answer on its way between threads.
struct ObjectBox: Sendable {
    let answer: ObjectAnswer
}

extension ConflictPosition {
    /// As it stands in `next` and `before`: `TIME-PARTITION-ACTOR.COUNTER-INDEX`.
    var text: String {
        "\(time.rawValue)-\(partition)-\(ConflictReporting.text(dot))-\(index)"
    }

    /// Nil if it is no such text.
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, let time = UInt64(parts[0]), let partition = UInt16(parts[1]), let index = Int(parts[3])
        else { return nil }
        let names = parts[2].split(separator: ".", omittingEmptySubsequences: false)
        guard names.count == 2, let actor = UInt32(names[0], radix: 36), let counter = UInt64(names[1], radix: 36)
        else { return nil }
        self.init(
            time: HybridTimestamp(rawValue: time), partition: partition, dot: Dot(ActorID(actor), counter),
            index: index)
    }
}
