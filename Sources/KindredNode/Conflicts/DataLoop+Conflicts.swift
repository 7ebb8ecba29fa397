import Crypto
package import KindredModel
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

    /// The conflicts of one partition that the filter admits, in the order in which they were noticed.
    package func conflicts(
        inPartition partition: UInt16, _ filter: ConflictFilter
    ) async throws(RequestFailure) -> [ConflictEntry] {
        try await conflictLog(ofPartition: partition, filter).entries
    }

    /// The conflicts of one partition, and the events that the replica which told them had when it began.
    package func conflictLog(
        ofPartition partition: UInt16, _ filter: ConflictFilter
    ) async throws(RequestFailure) -> (entries: [ConflictEntry], base: VersionVector) {
        // A conflict's name may come from anybody.
        guard partition < identity.partitions else { return ([], VersionVector()) }
        var gathering = ConflictGathering(partition: partition, filter: filter)
        var request = ListRequest(
            id: 0, partition: partition, bucketType: 0, bucket: [], after: nil, limit: UInt32(Limits.namesPerPage))
        var base: VersionVector?
        while true {
            let question = request
            let result = await withCheckedContinuation { continuation in
                eventLoop.execute { self.fetch(question) { continuation.resume(returning: $0) } }
            }
            let page = try result.get()
            // Another replica may have told this page than the one before, and it may have had less.
            base = base.map { page.base?.common(with: $0) ?? $0 } ?? page.base
            for name in page.names {
                do throws(MalformedBytes) {
                    let (dot, record) = try ConflictScan.record(name)
                    gathering.add(record, dot: dot)
                } catch {
                    // One that cannot be read, of a newer version it may be, must not hide the others.
                    logger.warning(
                        "a record of the conflict log is left out",
                        metadata: ["partition": "\(partition)", "reason": "\(error.reason)"])
                }
            }
            guard !page.isLast, let last = page.names.last else { break }
            request.after = last
        }
        return (gathering.entries, base ?? VersionVector())
    }

    /// The conflict with this name; nil if the log does not have it, or no more.
    package func conflict(_ id: ConflictID) async throws(RequestFailure) -> ConflictEntry? {
        var filter = ConflictFilter()
        filter.kinds = [id.kind]
        return try await conflicts(inPartition: id.partition, filter).first { $0.id == id }
    }

    /// How many partitions the key space has.
    package var partitionCount: UInt16 { identity.partitions }

    /// The contiguous part of the clock of this node's own replica of a partition, and of the closed actors that it reflects all they had;
    /// nil if it has no replica.
    func base(ofPartition partition: UInt16) -> VersionVector? {
        switch role {
        case .alone: return replicas[Int(partition)].base
        case .member(let member):
            guard let replica = member.node.replica(of: partition) else { return nil }
            var base = replica.base
            let epoch = base.counter(of: .closed)
            for closing in replica.view.closed.closings where closing.epoch <= epoch && closing.last > 0 {
                base.include(through: Dot(closing.actor, closing.last))
            }
            return base
        case .waiting: return nil
        }
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

    /// Looks after the sizes of the logs of a node that is alone, one partition at a time.
    func tidyConflicts() {
        guard case .alone = role, case .running = state, !replicas.isEmpty else { return }
        conflictTidying = (conflictTidying + 1) % replicas.count
        let wall = environment.wallClock()
        do throws(StorageError) {
            // Those that are too large at once, and the others in turn.
            for partition in replicas.indices
            where partition == conflictTidying || replicas[partition].hasTooManyConflicts(conflictRetention) {
                try replicas[partition].tidyConflicts(
                    conflictRetention, wall: wall, hash: DataLoop.cacheHash, in: store)
            }
            if store.hasStagedChanges { scheduleTick() }
        } catch {
            logger.error("the conflict log cannot be read", metadata: ["error": "\(error)"])
        }
    }
}
