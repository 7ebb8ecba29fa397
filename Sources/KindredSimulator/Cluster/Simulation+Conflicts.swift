import KindredModel
import KindredReplication
import KindredStorage

/// The conflict log is held to two promises in the end: whatever met without knowledge of each other, and has cost something or still
/// stands side by side, is in it; and what is in it had no knowledge of each other.
extension Simulation {
    mutating func checkConflictLog(_ partition: UInt16) {
        guard let view = service.topology.view(of: partition), let first = view.members.first,
            let index = index(of: first.node), let process = nodes[index].process,
            let replica = process.node.replica(of: partition)
        else { return }
        var records: [ConflictRecord] = []
        do throws(StorageError) {
            let prefix = KeyLayout.conflictPrefix(partition: partition)
            let scan = try process.store.scan(from: prefix, to: KeyLayout.successor(ofPrefix: prefix), limit: .max)
            for entry in scan.entries {
                guard let object = try? CausalObject(encoded: entry.value),
                    let content = object.versions.first?.content,
                    let record = try? ConflictRecord(encoded: content)
                else { return violated(.conflictLog, "a record does not decode") }
                records.append(record)
            }
        } catch {
            return violated(.conflictLog, "\(first.node) cannot be read: \(error)")
        }
        counts.conflictRecords += records.count
        for key in keys.indices where keys[key].partition == partition {
            let own = records.filter { $0.address == keys[key].address }.flatMap(\.conflicts)
            checkExactness(own, key: key)
            checkCompleteness(own, key: key, replica)
        }
    }

    /// No conflict has a side that had seen the other. (Immutable keys do not ask what a writer had seen: any other content is a
    /// conflict there.)
    private mutating func checkExactness(_ conflicts: [Conflict], key: Int) {
        if keys[key].strategy == .immutable { return }
        for conflict in conflicts where conflict.kind != .resolved {
            guard let subject = conflict.subject.dot.flatMap(histories[key].position(of:)) else { continue }
            for other in conflict.others {
                guard let other = other.dot.flatMap(histories[key].position(of:)) else { continue }
                let events = (histories[key].events[subject], histories[key].events[other])
                // What a replica that has just begun knows cannot be told from its events.
                if events.0.isLoose || events.1.isLoose || events.0.isVoid || events.1.isVoid { continue }
                if events.0.seen.contains(other) || events.1.seen.contains(subject) {
                    violated(
                        .conflictLog,
                        "\(events.0.dot) and \(events.1.dot) of \(keys[key].name) are called a conflict, and one had seen the other"
                    )
                }
            }
        }
    }

    private mutating func checkCompleteness(_ conflicts: [Conflict], key: Int, _ replica: PartitionReplica) {
        let known = histories[key].known { replica.reflects($0) }
        let kept = histories[key].kept(known)
        func isEntered(_ dot: Dot, as kinds: Conflict.Kind...) -> Bool {
            conflicts.contains { $0.subject.dot == dot && kinds.contains($0.kind) }
        }
        switch keys[key].strategy {
        case .lastWriteWins:
            var replaced = EventBits()
            for position in known.positions { replaced.formUnion(histories[key].events[position].seen) }
            for position in known.positions where !replaced.contains(position) {
                let event = histories[key].events[position]
                if event.content == nil || event.isExempt || event.isVoid || !event.isAcknowledged { continue }
                if kept.contains(where: { $0.dot == event.dot }) || isEntered(event.dot, as: .lost, .orphaned) {
                    continue
                }
                violated(
                    .conflictLog, "\(event.dot) of \(keys[key].name) is lost, and the conflict log does not say so")
            }
        case .versionVectors, .versionNumbers, .immutable:
            guard kept.count > 1 else { return }
            let first = kept.min { KeyHistory.isLater($1, than: $0) }
            for event in kept where event.dot != first?.dot && !event.isExempt {
                if isEntered(event.dot, as: .sibling, .shadowed) { continue }
                violated(
                    .conflictLog,
                    "\(event.dot) of \(keys[key].name) stands beside \(list(kept.map(\.dot).filter { $0 != event.dot })), and the conflict log does not say so"
                )
            }
        }
    }
}
