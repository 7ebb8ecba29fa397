import Foundation
import KindredModel
import KindredNode
import KindredReplication
import KindredWire

/// Up to where somebody has been told of conflicts: for each partition the events that have been looked through. The same at every node, so
/// a reader can go on at another one; it may be told something twice then, and nothing is left out.
struct ConflictCursor: Hashable, Sendable {
    private(set) var seen: [CausalContext]

    init(partitions: UInt16) {
        seen = Array(repeating: CausalContext(), count: Int(partitions))
    }

    /// Whether a record has been looked at.
    ///
    /// - Parameter closed: of the partition.
    func covers(_ dot: Dot, in partition: UInt16, _ closed: ClosedActors) -> Bool {
        let seen = seen[Int(partition)]
        return seen.contains(dot) || closed.cover(dot, by: seen.closedEpoch)
    }

    /// Everything that a replica had, and these records, have been looked at.
    mutating func advance(_ partition: UInt16, to log: ConflictLogState, _ records: [Dot]) {
        // What the base covers needs no dots of its own, and what is closed no actor, so the cursor stays as small as the clock.
        seen[Int(partition)].merge(log.base)
        seen[Int(partition)].merge(CausalContext(dots: records))
        log.closed.fold(&seen[Int(partition)])
    }

    // MARK: Text

    private static let version: UInt8 = 1
    private static let longest = 1 << 20

    /// The cursor in base 64.
    var text: String {
        var bytes: [UInt8] = [ConflictCursor.version]
        bytes.append(varint: UInt64(seen.count))
        for context in seen { context.encode(into: &bytes) }
        return Base64.encode(bytes)
    }

    /// Nil if the text is no cursor of a cluster with so many partitions.
    init?(_ text: String, partitions: UInt16) {
        guard text.utf8.count <= ConflictCursor.longest, let bytes = Base64.decode(text) else { return nil }
        let contexts = bytes.withUnsafeBytes { buffer -> [CausalContext]? in
            var reader = ByteReader(buffer)
            do throws(MalformedBytes) {
                guard try reader.byte() == ConflictCursor.version,
                    try reader.count(ofAtLeast: 2) == Int(partitions)
                else { return nil }
                var contexts: [CausalContext] = []
                for _ in 0..<partitions { contexts.append(try CausalContext(from: &reader)) }
                return reader.isAtEnd ? contexts : nil
            } catch {
                return nil
            }
        }
        guard let contexts else { return nil }
        seen = contexts
    }
}

/// Conflicts as they are noticed, from a cursor on.
struct ConflictFeed: Sendable {
    let service: ConflictService
    let filter: ConflictFilter
    private(set) var cursor: ConflictCursor
    /// What the own replicas' logs were like when they were last looked through.
    private var revisions: [UInt64?]
    /// How far the logs had come when they were last looked through, wherever that was; nil if it has to be done anew.
    private var logs: [ConflictLogState?]
    private var told = RecentConflicts()

    init(_ service: ConflictService, _ filter: ConflictFilter, from cursor: ConflictCursor) {
        self.service = service
        self.filter = filter
        self.cursor = cursor
        revisions = Array(repeating: nil, count: cursor.seen.count)
        logs = Array(repeating: nil, count: cursor.seen.count)
    }

    /// The partitions to look through: all whose logs have changed here since they were last looked through.
    ///
    /// - Parameter asksOthers: whether also those that only other nodes have.
    func changed(asksOthers: Bool) async throws -> [(partition: UInt16, revision: UInt64?)] {
        let now = try await service.loop.run { loop throws(RequestFailure) -> [UInt64?]? in loop.conflictRevisions }
        guard now.count == revisions.count else { throw RequestFailure.notServing("the cluster is another one now") }
        return now.enumerated().compactMap { partition, revision in
            let isChanged = revision == nil ? asksOthers : revision != revisions[partition]
            return isChanged ? (UInt16(partition), revision) : nil
        }
    }

    /// What has been noticed in a partition since it was last looked through, each conflict once, however many replicas notice it: with the
    /// first of its records. `tell` is called for each; only when it has been for all does the cursor move on.
    ///
    /// - Returns: whether the cursor has moved.
    mutating func lookThrough(
        _ partition: UInt16, revision: UInt64?, _ tell: (ConflictReport) async throws -> Void
    ) async throws -> Bool {
        guard let (entries, log) = try await news(of: partition) else { return false }
        var hasTold = false
        let last = logs[Int(partition)]?.clock
        func isKnown(_ record: Dot) -> Bool {
            cursor.covers(record, in: partition, log.closed) || last?.contains(record) ?? false
        }
        let restored = Set(entries.compactMap(ConflictService.restoredName))
        // The one noticed last comes first.
        for entry in entries.reversed() where !told.contains(entry.id) && !entry.records.contains(where: isKnown) {
            guard filter.admits(entry) else { continue }
            let state = try await service.state(of: entry, restored: restored)
            guard let report = try await service.report(entry, state: state) else { continue }
            try await tell(report)
            told.insert(entry.id)
            hasTold = true
        }
        cursor.advance(partition, to: log, entries.flatMap(\.records))
        revisions[Int(partition)] = revision
        logs[Int(partition)] = log.revision == nil ? nil : log
        return hasTold
    }

    /// The newest entries of a log, up to the last one that has come in since it was last looked through; all of it, if that cannot be told.
    private func news(
        of partition: UInt16
    ) async throws(RequestFailure) -> (entries: [ConflictEntry], log: ConflictLogState)? {
        let last = logs[Int(partition)]
        var gathering = ConflictGathering(partition: partition, filter: ConflictFilter())
        var late: [StoredConflicts] = []
        var wanted = UInt64.max
        var found: UInt64 = 0
        let log = try await service.loop.readConflicts(inPartition: partition, pageSize: 8) { stored, log in
            wanted = last.flatMap { log.records(since: $0) } ?? .max
            guard found < wanted else { return false }
            guard log.reflects(stored.dot) else {
                // It has come in since this began, and will be counted the next time; unless the clock will never tell of it.
                late.append(stored)
                return true
            }
            gathering.add(stored)
            let isKnown =
                cursor.covers(stored.dot, in: partition, log.closed) || last?.clock.contains(stored.dot) ?? false
            if !isKnown { found += 1 }
            return true
        }
        guard let log else { return nil }
        if found < wanted { late.forEach { gathering.add($0) } }
        return (gathering.entries, log)
    }

    /// Passes over everything that there is by now.
    mutating func skipToNow() async throws {
        for partition in 0..<UInt16(cursor.seen.count) {
            let log = try await service.loop.readConflicts(inPartition: partition, pageSize: 1) { _, _ in false }
            guard let log else { continue }
            cursor.advance(partition, to: log, [])
            logs[Int(partition)] = log.revision == nil ? nil : log
        }
    }
}

/// The conflicts that were told last: who notices one of them later need not be heard.
private struct RecentConflicts {
    private static let limit = 4_096
    private var names: Set<ConflictID> = []
    private var order: [ConflictID] = []
    /// Where in `order` the oldest one is, once it is full.
    private var oldest = 0

    func contains(_ id: ConflictID) -> Bool { names.contains(id) }

    mutating func insert(_ id: ConflictID) {
        guard names.insert(id).inserted else { return }
        if order.count < Self.limit {
            order.append(id)
        } else {
            names.remove(order[oldest])
            order[oldest] = id
            oldest = (oldest + 1) % Self.limit
        }
    }
}
