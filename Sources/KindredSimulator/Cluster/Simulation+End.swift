import KindredModel
import KindredReplication
import KindredStorage

/// What must hold in the end: everybody has the same, nothing is left over, and nothing that was acknowledged is missing.
extension Simulation {
    /// Whether the cluster has come to rest and everything holds; a violation if it takes too long.
    mutating func checkEnd() -> Bool {
        if let reason = unfinished() {
            if ends.microseconds - now.microseconds < 1_000_000 { violated(.liveness, reason) }
            return false
        }
        for partition in 0..<settings.partitions { checkEquality(partition) }
        for key in keys.indices { checkAcknowledged(key) }
        for partition in 0..<settings.partitions { checkConflictLog(partition) }
        return true
    }

    // MARK: Rest

    /// What is not done yet; nil if nothing is left to do.
    ///
    /// - Parameters:
    ///   - exceptRequests: whether requests that are under way are no matter.
    ///   - dead: a machine that does not count.
    func unfinished(exceptRequests: Bool = false, without dead: Int? = nil) -> String? {
        if service.topology.isChanging, dead == nil {
            let awaited = (0..<settings.partitions).flatMap(service.topology.awaitedReports(of:))
            return "members are changing: the service waits for \(awaited)"
        }
        if !operations.isEmpty, dead == nil { return "the operator waits to \(operations[0])" }
        for index in nodes.indices where index != dead && !nodes[index].isGone {
            guard let process = nodes[index].process else {
                // A node that had left before it was started again is not taken back, and not missed.
                if service.topology.node(nodes[index].id) == nil { continue }
                return "\(nodes[index].id) is down"
            }
            if process.node.hints.count > 0 { return "\(nodes[index].id) holds \(process.node.hints.count) hints" }
            if !nodes[index].disk.damagedRecords.isEmpty { return "\(nodes[index].id) has a damaged disk" }
            if nodes[index].disk.isLying { return "\(nodes[index].id)'s disk lies" }
        }
        for partition in 0..<settings.partitions {
            guard let view = service.topology.view(of: partition) else { continue }
            if let reason = unfinished(view, exceptRequests: exceptRequests, without: dead) {
                return "partition \(partition): \(reason)"
            }
        }
        return nil
    }

    private func unfinished(_ view: PartitionView, exceptRequests: Bool, without dead: Int?) -> String? {
        if !view.closing.isEmpty { return "actors \(view.closing.map(\.rawValue)) are closing" }
        let members = view.members.filter { $0.node != dead.map { nodes[$0].id } }
        var first: ReplicaClock?
        for member in members {
            if member.role != .voter { return "\(member.node) is \(member.role)" }
            guard let replica = replica(member, view.partition) else { return "\(member.node) is not there" }
            if replica.actor != member.actor { return "\(member.node) is not actor \(member.actor.rawValue) yet" }
            if replica.view.epoch != view.epoch { return "\(member.node) is at epoch \(replica.view.epoch)" }
            if !replica.isSure { return "\(member.node) is not sure of its past" }
            if replica.transfer != nil { return "\(member.node) is in a full transfer" }
            // Under load clocks differ all the time; it is enough that all have what was there a moment ago.
            if let first, replica.clock != first, !exceptRequests {
                return "clocks differ: \(first) and \(replica.clock) at \(member.node)"
            }
            if exceptRequests, replica.lags(behind: members.map(\.actor)) { return "\(member.node) lags" }
            first = replica.clock
            if exceptRequests { continue }
            if replica.digest == nil { return "\(member.node) has not surveyed its objects" }
            let backlog = replica.backlog
            if let first = backlog.logEntries.first {
                return "\(member.node) has \(first.count) log entries of actor \(first.actor.rawValue)"
            }
            if backlog.unsettledKeys > 0 { return "\(member.node) has \(backlog.unsettledKeys) unsettled keys" }
        }
        if !exceptRequests, dead == nil, let leadership = view.leadership,
            leadership.members.count < members.count
        {
            return "the leader has \(leadership.members.count) of \(members.count) members"
        }
        return nil
    }

    private func replica(_ member: ReplicaMember, _ partition: UInt16) -> PartitionReplica? {
        index(of: member.node).flatMap { nodes[$0].process?.node.replica(of: partition) }
    }

    // MARK: Equality and size

    private mutating func checkEquality(_ partition: UInt16) {
        guard let view = service.topology.view(of: partition) else { return }
        var digests: [PartitionDigest] = []
        var contents: [[[UInt8]: [Version]]] = []
        for member in view.members {
            guard let index = index(of: member.node), let process = nodes[index].process,
                let replica = process.node.replica(of: partition)
            else { continue }
            if let digest = replica.digest { digests.append(digest) }
            let prefix = KeyLayout.prefix(partition: partition)
            var content: [[UInt8]: [Version]] = [:]
            do throws(StorageError) {
                let scan = try process.store.scan(from: prefix, to: KeyLayout.successor(ofPrefix: prefix), limit: .max)
                for entry in scan.entries {
                    guard let object = try? CausalObject(encoded: entry.value) else {
                        violated(.noConvergence, "\(member.node) has a record that does not decode")
                        continue
                    }
                    if !object.context.isEmpty {
                        violated(.metadata, "\(member.node) still stores the context \(object.context)")
                    }
                    if object.versions.allSatisfy(\.isTombstone) {
                        violated(.metadata, "\(member.node) still stores a key without a value")
                    }
                    content[entry.key] = object.versions
                }
            } catch {
                violated(.noConvergence, "\(member.node) cannot be read: \(error)")
            }
            let open = view.members.count + 1
            if replica.clock.entries.count > open {
                violated(
                    .metadata,
                    "\(member.node) has a clock of \(replica.clock.entries.count) entries, \(open) actors are open")
            }
            contents.append(content)
            for key in keys.indices where keys[key].partition == partition { checkReplica(process.node, key: key) }
        }
        if contents.contains(where: { $0 != contents[0] }) {
            violated(.noConvergence, "partition \(partition): equal clocks, different objects")
        }
        if digests.contains(where: { $0 != digests[0] }) {
            violated(.digest, "partition \(partition): equal objects, different digests")
        }
    }

    // MARK: Nothing lost

    /// Every acknowledged write is there, or somebody has replaced it knowingly; with last-write-wins, or something later is.
    private mutating func checkAcknowledged(_ key: Int) {
        guard let view = service.topology.view(of: keys[key].partition), let first = view.members.first,
            let index = index(of: first.node), let node = nodes[index].process?.node,
            let replica = node.replica(of: keys[key].partition)
        else { return }
        let known = histories[key].known { replica.reflects($0) }
        let closure = histories[key].closure(of: known)
        let kept = histories[key].kept(known).compactMap { histories[key].position(of: $0.dot) }
        let latest = max(
            known.positions.map { histories[key].events[$0].timestamp }.max() ?? .zero, histories[key].latestReported)
        for (position, event) in histories[key].events.enumerated() where event.isAcknowledged && !event.isExempt {
            if event.isVoid, let successor = event.successor, closure.contains(successor) { continue }
            if closure.contains(position) { continue }
            // A delete has done what it was acknowledged for when nothing that it had seen is left.
            if event.content == nil, !kept.contains(where: event.seen.contains) { continue }
            if keys[key].strategy == .lastWriteWins, latest >= event.timestamp { continue }
            violated(
                .lostWrite,
                "\(event.dot) of \(keys[key].name), acknowledged to client \(event.client), is known to nobody"
            )
        }
    }
}
