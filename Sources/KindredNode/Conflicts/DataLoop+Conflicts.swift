import Crypto
import KindredModel
package import KindredReplication
import KindredStorage
import Logging
import NIOCore

/// Reading the conflict log. Each partition's part is read from one replica: this node's own if it has one.
extension DataLoop {
    /// How a server remembers conflicts: long values by their SHA-256.
    static let conflictLogging = ConflictLogging(
        hash: { DataLoop.cacheHash($0) },
        digest: { bytes in
            var hash = SHA256()
            bytes.withUnsafeBytes { hash.update(bufferPointer: $0) }
            return Array(hash.finalize())
        })

    /// The conflicts of one partition that the filter admits, the one noticed last first.
    package func conflicts(
        inPartition partition: UInt16, _ filter: ConflictFilter
    ) async throws(RequestFailure) -> [ConflictEntry] {
        var gathering = ConflictGathering(partition: partition, filter: filter)
        _ = try await readConflicts(inPartition: partition) { record, _ in
            gathering.add(record)
            return true
        }
        return gathering.entries
    }

    /// Reads the log of one partition backwards, the newest record first, for as long as `visit` returns true.
    ///
    /// - Parameters:
    ///   - pageSize: how many records to read at first; who wants more reads more at a time.
    ///   - visit: is also given how far the log had come when this began.
    /// - Returns: how far the log had come when this began; nil if there is no such partition.
    package func readConflicts(
        inPartition partition: UInt16, pageSize: UInt32 = Limits.namesPerPage,
        _ visit: (StoredConflicts, ConflictLogState) -> Bool
    ) async throws(RequestFailure) -> ConflictLogState? {
        var request = ListRequest(
            id: 0, partition: partition, bucketType: 0, bucket: [], after: nil, limit: pageSize)
        var begun: ConflictLogState?
        while true {
            guard let page = try await self.page(request) else { return nil }
            guard var log = page.log else { throw .notServing("a node has told nothing of its conflict log") }
            if let begun, begun.actor != log.actor {
                // Another replica has told this page, and it may have had less. How much is new in its log, nobody knows.
                log.revision = nil
                log.base = log.base.common(with: begun.base)
            } else if let begun {
                log = begun
            }
            begun = log
            for name in page.names {
                do throws(MalformedBytes) {
                    guard visit(try ConflictScan.record(name), log) else { return log }
                } catch {
                    // One that cannot be read, of a newer version it may be, must not hide the others.
                    logger.warning(
                        "a record of the conflict log is left out",
                        metadata: ["partition": "\(partition)", "reason": "\(error.reason)"])
                }
            }
            guard !page.isLast, let last = page.names.last else { return log }
            request.after = last
            request.limit = min(request.limit * 8, Limits.namesPerPage)
        }
    }

    /// Nil if there is no such partition: a conflict's name may come from anybody.
    private func page(_ request: ListRequest) async throws(RequestFailure) -> ListPage? {
        let result: Result<ListPage?, RequestFailure> = await withCheckedContinuation { continuation in
            eventLoop.execute {
                guard request.partition < self.identity.partitions else {
                    return continuation.resume(returning: .success(nil))
                }
                self.fetch(request) { page in continuation.resume(returning: page.map { $0 }) }
            }
        }
        return try result.get()
    }

    /// The conflict with this name; nil if the log does not have it, or no more.
    package func conflict(_ id: ConflictID) async throws(RequestFailure) -> ConflictEntry? {
        var filter = ConflictFilter()
        filter.kinds = [id.kind]
        return try await conflicts(inPartition: id.partition, filter).first { $0.id == id }
    }

    /// Whether the conflicts of a bucket are entered at this node.
    package func logsConflicts(ofType type: UInt32, bucket: [UInt8]) async throws(RequestFailure) -> Bool {
        try await run { loop throws(RequestFailure) -> Bool? in
            let properties = bucket.withUnsafeBytes { loop.bucketTypes.resolved(type: type, bucket: $0) }
            return loop.conflictLogging != nil && properties?.logsConflicts ?? false
        }
    }

    /// How many partitions the key space has. A node that has not joined its cluster does not know.
    package func partitionCount() async throws(RequestFailure) -> UInt16 {
        try await run { loop throws(RequestFailure) -> UInt16? in
            try loop.checkReadable()
            if case .waiting(let reason) = loop.role { throw .notServing(reason) }
            return loop.identity.partitions
        }
    }

    /// How far the log of this node's own replica of a partition has come; nil if it has no replica.
    func conflictLogState(ofPartition partition: UInt16) -> ConflictLogState? {
        let replica: PartitionReplica
        switch role {
        case .alone:
            guard Int(partition) < replicas.count else { return nil }
            replica = replicas[Int(partition)]
        case .member(let member):
            guard let own = member.node.replica(of: partition) else { return nil }
            replica = own
        case .waiting: return nil
        }
        return replica.conflictLogState
    }

    /// For each partition something that changes when a record comes into this node's own part of its log; nil if it has none.
    package var conflictRevisions: [UInt64?] {
        (0..<identity.partitions).map { partition in
            switch role {
            case .alone: replicas[Int(partition)].conflictRevision
            case .member(let member): member.node.replica(of: partition)?.conflictRevision
            case .waiting: nil
            }
        }
    }

    /// How many conflicts of each kind this node's replicas have entered since they were loaded.
    package var conflictCounts: [(kind: Conflict.Kind, count: UInt64)] {
        var counts = [UInt64](repeating: 0, count: Conflict.Kind.allCases.count + 1)
        func add(_ replica: PartitionReplica) {
            for kind in Conflict.Kind.allCases {
                counts[Int(kind.rawValue)] += replica.conflictCounts[Int(kind.rawValue)]
            }
        }
        switch role {
        case .alone: replicas.forEach(add)
        case .member(let member): member.node.partitions.forEach { add($0.replica) }
        case .waiting: break
        }
        return Conflict.Kind.allCases.map { ($0, counts[Int($0.rawValue)]) }
    }

    /// Looks after the sizes of the logs of a node that is alone.
    func tidyConflicts() {
        guard case .alone = role, case .running = state else { return }
        let wall = environment.wallClock()
        let retention = conflictRetention
        do throws(StorageError) {
            try conflictTidying.turn(replicas.count, scans: Limits.conflictScansPerTidying) {
                partition, scans throws(StorageError) in
                try replicas[partition].tidyConflicts(
                    retention, wall: wall, hash: DataLoop.cacheHash, in: store, scans: &scans)
            }
            if store.hasStagedChanges { scheduleTick() }
        } catch {
            logger.error("the conflict log cannot be read", metadata: ["error": "\(error)"])
        }
    }

    /// How long each partition's log remembers: of the node's size its share.
    var conflictRetention: ConflictRetention {
        ConflictRetention(
            milliseconds: conflictLogLimits.milliseconds,
            bytes: max(conflictLogLimits.bytes / Int(max(identity.partitions, 1)), 1 << 20))
    }
}
