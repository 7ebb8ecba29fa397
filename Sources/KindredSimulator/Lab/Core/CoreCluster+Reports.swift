import KindredModel
import KindredReplication
import KindredStorage

/// What the core has reported: its conflict log. Everything that the lab counts as "lost and reported" comes from here,
/// and from nowhere else.
extension CoreCluster {
    /// The writes of which a node's conflict log says that they were lost, as an operator of that node would list them.
    package func reported(at node: Int) -> [Int] {
        let store = members[node].store
        let prefix = KeyLayout.conflictPrefix(partition: 0)
        guard let scan = try? store.scan(from: prefix, to: KeyLayout.successor(ofPrefix: prefix), limit: .max) else {
            return []
        }
        var lost: [Int] = []
        for entry in scan.entries {
            guard let object = try? CausalObject(encoded: entry.value),
                let content = object.versions.first?.content, let record = try? ConflictRecord(encoded: content)
            else { continue }
            for conflict in record.conflicts where conflict.kind == .lost || conflict.kind == .orphaned {
                if let write = conflict.subject.dot.flatMap({ writes[$0] }) { lost.append(write) }
            }
        }
        return lost
    }

    /// The addresses of the objects that a message names.
    func addresses(in message: PeerMessage) -> [[UInt8]] {
        switch message {
        case .replicate(let request): return [request.update.address]
        case .read(let request): return [request.address]
        case .readReply(let reply):
            guard case .success(let update) = reply.result else { return [] }
            return [update.address]
        case .forward(let request): return [request.request.address]
        case .pulled(let reply):
            guard case .updates(let updates, _) = reply.content else { return [] }
            return updates.map(\.address)
        case .transferred(let reply): return reply.updates.map(\.address)
        default: return []
        }
    }
}
