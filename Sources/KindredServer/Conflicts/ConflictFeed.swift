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
    func covers(_ dot: Dot, in partition: UInt16) -> Bool {
        seen[Int(partition)].contains(dot)
    }

    /// Everything that a replica had, and these records, have been looked at.
    mutating func advance(_ partition: UInt16, to base: VersionVector, _ records: [Dot]) {
        // What the base covers needs no dots of its own, so the cursor stays as small as the clock.
        var context = seen[Int(partition)]
        context.merge(base)
        for dot in records where !context.contains(dot) { context.insert(dot) }
        seen[Int(partition)] = context
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

    init(_ service: ConflictService, _ filter: ConflictFilter, from cursor: ConflictCursor) {
        self.service = service
        self.filter = filter
        self.cursor = cursor
        revisions = Array(repeating: nil, count: Int(service.loop.partitionCount))
    }

    /// The partitions to look through: all whose logs have changed here since they were last looked through.
    ///
    /// - Parameter asksOthers: whether also those that only other nodes have.
    func changed(asksOthers: Bool) async throws -> [(partition: UInt16, revision: UInt64?)] {
        let loop = service.loop
        let now = try await loop.run { loop throws(RequestFailure) -> [UInt64?]? in loop.conflictRevisions }
        return (0..<loop.partitionCount).compactMap { partition in
            let revision = now[Int(partition)]
            let isChanged = revision == nil ? asksOthers : revision != revisions[Int(partition)]
            return isChanged ? (partition, revision) : nil
        }
    }

    /// What has been noticed in a partition since it was last looked through, each conflict once, however many replicas notice it: with the
    /// first of its records. `tell` is called for each; only when it has been for all does the cursor move on.
    mutating func lookThrough(
        _ partition: UInt16, revision: UInt64?, _ tell: (ConflictReport) async throws -> Void
    ) async throws -> Bool {
        let log = try await service.loop.conflictLog(ofPartition: partition, ConflictFilter())
        var hasTold = false
        for entry in log.entries where !entry.records.contains(where: { cursor.covers($0, in: partition) }) {
            guard filter.admits(entry) else { continue }
            let state = try await service.state(of: entry, restored: [])
            guard let report = try await service.report(entry, state: state) else { continue }
            try await tell(report)
            hasTold = true
        }
        cursor.advance(partition, to: log.base, log.entries.flatMap(\.records))
        revisions[Int(partition)] = revision
        return hasTold
    }

    /// Passes over everything that there is by now.
    mutating func skipToNow() async throws {
        for partition in 0..<service.loop.partitionCount {
            let log = try await service.loop.conflictLog(ofPartition: partition, ConflictFilter())
            cursor.advance(partition, to: log.base, log.entries.flatMap(\.records))
        }
    }
}
