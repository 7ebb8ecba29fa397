/// One wish of an operator for the nodes of the cluster.
package enum MembershipChange: Hashable, Sendable {
    /// A registered node gets replicas; one that is leaving stays after all.
    case join(NodeID)
    /// A node gives all its replicas away.
    case leave(NodeID)
    /// A registered node takes over exactly the replicas of another one, if zone and weight are the same. That one
    /// leaves, if it is not lost already.
    case replace(NodeID, with: NodeID)
    /// A node's share changes.
    case reweigh(NodeID, UInt16)
}

/// What a change of the cluster's nodes means for every partition, before anything happens.
package struct MembershipPlan: Hashable, Sendable {
    /// What was asked for.
    package let changes: [MembershipChange]
    /// The epoch of the nodes that the plan was made for.
    package let membershipEpoch: UInt64
    /// The partitions whose members change, or change their order.
    package let partitions: [PartitionChange]
    /// How many replicas each partition has afterwards: fewer than the topology's n if there are fewer nodes.
    package let replicas: UInt8
    /// In how many zones they are: in as many as there are, up to their number.
    package let zones: UInt8

    /// What happens to one partition.
    package struct PartitionChange: Hashable, Sendable {
        package let partition: UInt16
        /// The nodes of its members before.
        package let old: [NodeID]
        /// The nodes of its members afterwards, in the order of the preference list.
        package let new: [NodeID]
        /// How much has to be sent to each new member.
        package let bytes: UInt64

        /// The nodes that get a replica.
        package var arriving: [NodeID] { new.filter { !old.contains($0) } }
        /// The nodes that give theirs away.
        package var leaving: [NodeID] { old.filter { !new.contains($0) } }
    }

    /// How many replicas are copied to another node.
    package var movedReplicas: Int { partitions.reduce(0) { $0 + $1.arriving.count } }

    /// How much has to be sent in all.
    package var movedBytes: UInt64 {
        partitions.reduce(0) { sum, change in
            let bytes = change.bytes.multipliedReportingOverflow(by: UInt64(change.arriving.count))
            let total = sum.addingReportingOverflow(bytes.partialValue)
            return bytes.overflow || total.overflow ? .max : total.partialValue
        }
    }
}

extension Topology {
    /// Works out what changes of the nodes mean for every partition. Nothing changes by it.
    ///
    /// With no changes at all, the plan moves what is not where it belongs: after a node was lost, or a change was
    /// given up.
    ///
    /// - Parameter bytes: how large a partition is, for the operator to see what will be sent.
    /// - Throws: `changeInProgress` while members change as an earlier plan said; see `cancelPlan`.
    package func plan(
        _ changes: [MembershipChange], bytes: (UInt16) -> UInt64 = { _ in 0 }
    ) throws(TopologyRefusal) -> MembershipPlan {
        guard !isChanging else { throw .changeInProgress }
        let eligible = try nodes(after: changes).filter { $0.state == .member }
        guard !eligible.isEmpty else { throw .noNodes }
        let replicas = Int(min(UInt64(n), UInt64(eligible.count)))
        let zones = min(Set(eligible.map(\.zone)).count, replicas)
        var partitions: [MembershipPlan.PartitionChange] = []
        for record in records {
            let partition = record.view.partition
            let new = RendezvousPlacement.replicas(partition: partition, nodes: eligible, n: n)
            let used = eligible.filter { new.contains($0.id) }
            precondition(
                used.count == replicas && Set(used.map(\.zone)).count == zones,
                "partition \(partition) placed on \(new), wanted \(replicas) nodes in \(zones) zones")
            guard new != record.nodes else { continue }
            partitions.append(
                MembershipPlan.PartitionChange(
                    partition: partition, old: record.nodes, new: new, bytes: bytes(partition)))
        }
        return MembershipPlan(
            changes: changes, membershipEpoch: membershipEpoch, partitions: partitions, replicas: UInt8(replicas),
            zones: UInt8(zones))
    }

    /// Puts a plan into effect: the nodes change now, the partitions a few at a time.
    ///
    /// - Throws: `stalePlan` if nodes have changed since the plan was made, or a partition's members.
    package mutating func begin(_ plan: MembershipPlan) throws(TopologyRefusal) {
        guard !isChanging else { throw .changeInProgress }
        guard plan.membershipEpoch == membershipEpoch else { throw .stalePlan }
        var changed = self
        changed.nodes = try nodes(after: plan.changes)
        changed.membershipEpoch += 1
        for change in plan.partitions {
            guard let record = record(of: change.partition) else { throw .noSuchPartition }
            guard record.nodes == change.old else { throw .stalePlan }
            changed.records[Int(change.partition)].progress = .waiting(target: change.new)
        }
        changed.goOn()
        self = changed
    }

    /// Makes every plan stale that has been made so far: what it was made of is going to be something else.
    package mutating func outdatePlans() {
        membershipEpoch += 1
    }

    /// Gives up what has not been done yet of the last plan. The nodes stay as it made them, so that a plan without
    /// changes would go on where it was given up.
    ///
    /// - Returns: the partitions for which it is too late: their new members count already, or only they are sure to
    ///   have every acknowledged version. They go on.
    package mutating func cancelPlan() -> [UInt16] {
        let lost = lostNodes
        var tooLate: [UInt16] = []
        for index in records.indices where records[index].progress != .settled {
            var record = records[index]
            do throws(TopologyRefusal) {
                try record.cancel(lost: lost)
                record.advance(lost: lost)
                records[index] = record
            } catch {
                tooLate.append(record.view.partition)
            }
        }
        membershipEpoch += 1
        goOn()
        return tooLate
    }

    /// The nodes as they would be after some changes.
    private func nodes(after changes: [MembershipChange]) throws(TopologyRefusal) -> [ClusterNode] {
        var changed = self
        for change in changes {
            switch change {
            case .join(let id): try changed.move(id, from: [.joining, .leaving], to: .member)
            case .leave(let id): try changed.move(id, from: [.joining, .member], to: .leaving)
            case .replace(let old, let new):
                let oldIndex = try index(of: old)
                if nodes[oldIndex].state != .lost { try changed.move(old, from: [.member, .leaving], to: .leaving) }
                try changed.move(new, from: [.joining], to: .member)
                changed.nodes[try index(of: new)].seat = nodes[oldIndex].seat
            case .reweigh(let id, let weight):
                guard weight > 0 else { throw .outOfBounds }
                changed.nodes[try index(of: id)].weight = weight
            }
        }
        guard changed.nodes.haveDistinctSeats else { throw .seatTaken }
        return changed.nodes
    }

    private mutating func move(
        _ id: NodeID, from states: [ClusterNode.State], to state: ClusterNode.State
    ) throws(TopologyRefusal) {
        let index = try index(of: id)
        guard states.contains(nodes[index].state) else { throw .wrongNodeState(nodes[index].state) }
        nodes[index].state = state
    }
}
