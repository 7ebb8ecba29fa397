import KindredModel

/// The nodes of a cluster, and who replicates what: the value that the configuration service holds.
///
/// Every change is a function of the value and its arguments, and either happens or is refused. Whoever stores the
/// value applies changes one after another (in etcd: compare and swap), so that every decision is taken on what is
/// there.
///
/// **Guarantees.** The id of a node or of an incarnation is never used twice. The epoch of a view grows with every
/// change of it. At all times, a view has a voter of the old members and one of the new, and a *planned* change takes
/// no voter from either before the others have what it has: see `PartitionRecord`.
///
/// Deliberately lacking: time, failure detection, and anything that decides by itself who is lost or who leads. That is
/// for operators and nodes.
package struct Topology: Hashable, Sendable {
    /// How many replicas a partition has, if there are as many nodes.
    package let n: UInt8
    /// The nodes, sorted by id.
    package internal(set) var nodes: [ClusterNode]
    /// Grows with every change of `nodes` but the count of their starts. A plan is for one of these epochs.
    package internal(set) var membershipEpoch: UInt64
    /// The partitions, from 0.
    package internal(set) var records: [PartitionRecord]
    /// How many partitions change their members at the same time.
    package var maximumTransitions: UInt16
    /// The id of the next node.
    var nextNode: UInt32

    init(
        n: UInt8, nodes: [ClusterNode], membershipEpoch: UInt64, records: [PartitionRecord],
        maximumTransitions: UInt16, nextNode: UInt32
    ) {
        self.n = n
        self.nodes = nodes
        self.membershipEpoch = membershipEpoch
        self.records = records
        self.maximumTransitions = maximumTransitions
        self.nextNode = nextNode
    }

    /// A new cluster: all nodes are members, each partition's replicas are placed, and all of them vote.
    ///
    /// - Parameters:
    ///   - nodes: ids must be distinct and not 0; their states do not matter.
    ///   - n: how many replicas a partition has. With fewer nodes than that it has one on each.
    package static func create(
        nodes: [ClusterNode], partitions: UInt16, n: UInt8,
        maximumTransitions: UInt16 = Limits.partitionTransitions
    ) throws(TopologyRefusal) -> Topology {
        guard !nodes.isEmpty else { throw .noNodes }
        guard nodes.count <= Limits.nodes, partitions > 0, n > 0, n <= Limits.replicas, maximumTransitions > 0 else {
            throw .outOfBounds
        }
        var sorted = nodes.sorted { $0.id < $1.id }
        var last: UInt32 = 0
        for index in sorted.indices {
            let id = sorted[index].id.rawValue
            guard id > last, id < .max, sorted[index].isValid else { throw .outOfBounds }
            last = id
            sorted[index].state = .member
        }
        guard sorted.haveDistinctSeats else { throw .seatTaken }
        let records = (0..<partitions).map { partition in
            PartitionRecord(
                partition: partition,
                nodes: RendezvousPlacement.replicas(partition: partition, nodes: sorted, n: n))
        }
        return Topology(
            n: n, nodes: sorted, membershipEpoch: 1, records: records, maximumTransitions: maximumTransitions,
            nextNode: last + 1)
    }

    // MARK: What there is

    /// How many partitions the key space has.
    package var partitions: UInt16 { UInt16(records.count) }

    /// The node of this name.
    package func node(_ id: NodeID) -> ClusterNode? {
        nodes.first { $0.id == id }
    }

    /// The current view of a partition.
    package func view(of partition: UInt16) -> PartitionView? {
        record(of: partition)?.view
    }

    /// A partition's view, and how far a change of its members has come.
    package func record(of partition: UInt16) -> PartitionRecord? {
        Int(partition) < records.count ? records[Int(partition)] : nil
    }

    /// The nodes that stand in for the partition's replicas, in order of preference: those that have none, first from
    /// zones without one.
    package func fallbacks(of partition: UInt16) -> [NodeID] {
        guard let view = view(of: partition) else { return [] }
        let members = nodes.filter { view.member(at: $0.id) != nil }
        let others = nodes.filter { $0.state == .member && view.member(at: $0.id) == nil }
        return RendezvousPlacement.order(partition: partition, nodes: others, beside: members)
    }

    /// The reports that a partition waits for to go on with a change of members, or to count a learner among the voters
    /// again.
    package func awaitedReports(of partition: UInt16) -> [TransitionReport] {
        record(of: partition)?.awaited(lost: lostNodes) ?? []
    }

    /// Whether a partition's change of members waits for its leader to take an arriving member into the leadership.
    package func awaitsLeadershipMember(in partition: UInt16) -> Bool {
        guard let record = record(of: partition), record.transition?.stage == .joint else { return false }
        return record.awaited(lost: lostNodes).isEmpty && !record.canSwitch
    }

    /// Whether members are changing, or waiting to.
    package var isChanging: Bool { records.contains { $0.progress != .settled } }

    var lostNodes: [NodeID] { nodes.filter { $0.state == .lost }.map(\.id) }

    // MARK: Nodes

    /// Registers a node that wants to join. It gets replicas when a plan says so.
    package mutating func register(zone: String = "", weight: UInt16 = 1) throws(TopologyRefusal) -> NodeID {
        let node = ClusterNode(id: NodeID(nextNode), zone: zone, weight: weight)
        guard node.isValid else { throw .outOfBounds }
        guard nodes.count < Limits.nodes, nextNode < .max else { throw .exhausted }
        nodes.append(node)
        nextNode += 1
        membershipEpoch += 1
        return node.id
    }

    /// Counts a start of a node's process.
    ///
    /// - Returns: how many there have been, this one included.
    package mutating func registerStart(of id: NodeID) throws(TopologyRefusal) -> UInt64 {
        let index = try index(of: id)
        guard nodes[index].state != .lost else { throw .wrongNodeState(.lost) }
        nodes[index].generation += 1
        return nodes[index].generation
    }

    /// Declares that a node will not come back, on an operator's word: what only it had is lost. Nobody waits for it
    /// any more, and changes that were to give it a replica, or to keep one there, are given up. The next plan moves
    /// its replicas.
    package mutating func declareLost(_ id: NodeID) throws(TopologyRefusal) {
        let index = try index(of: id)
        guard nodes[index].state != .lost else { return }
        guard nodes.contains(where: { $0.id != id && $0.state != .lost }) else { throw .noNodes }
        var changed = self
        changed.nodes[index].state = .lost
        changed.membershipEpoch += 1
        let lost = changed.lostNodes
        for index in changed.records.indices {
            try changed.records[index].lose(id, lost: lost)
            changed.records[index].advance(lost: lost)
        }
        changed.goOn()
        self = changed
    }

    // MARK: Changing a partition

    /// Applies a change to a partition, and whatever follows from it; nothing if it is refused.
    mutating func change<Result>(
        _ partition: UInt16, _ body: (inout PartitionRecord, _ lost: [NodeID]) throws(TopologyRefusal) -> Result
    ) throws(TopologyRefusal) -> Result {
        guard var record = record(of: partition) else { throw .noSuchPartition }
        let lost = lostNodes
        let result = try body(&record, lost)
        record.advance(lost: lost)
        let hasFinished = record.progress == .settled && records[Int(partition)].progress != .settled
        records[Int(partition)] = record
        if hasFinished { goOn() }
        return result
    }

    /// Begins the changes whose turn it is, and forgets the nodes that have left.
    mutating func goOn() {
        let lost = lostNodes
        var running = records.count { $0.transition != nil }
        for index in records.indices where running < Int(maximumTransitions) {
            guard case .waiting = records[index].progress else { continue }
            var record = records[index]
            do throws(TopologyRefusal) {
                try record.start()
                record.advance(lost: lost)
            } catch {
                // No ids are left for new incarnations: the members stay.
                record = records[index]
                record.progress = .settled
            }
            records[index] = record
            if record.transition != nil { running += 1 }
        }
        let departed = nodes.filter { node in
            (node.state == .leaving || node.state == .lost)
                && !records.contains { $0.view.member(at: node.id) != nil || $0.wants(node.id) }
        }
        guard !departed.isEmpty else { return }
        nodes.removeAll { departed.contains($0) }
        membershipEpoch += 1
    }

    func index(of id: NodeID) throws(TopologyRefusal) -> Int {
        guard let index = nodes.firstIndex(where: { $0.id == id }) else { throw .noSuchNode }
        return index
    }
}

extension ClusterNode {
    /// Whether its properties are within their bounds.
    var isValid: Bool { weight > 0 && zone.utf8.count <= Limits.zoneNameBytes }
}

extension [ClusterNode] {
    /// Whether no two nodes that get replicas draw the same numbers.
    var haveDistinctSeats: Bool {
        let seats = filter { $0.state == .member }.map(\.seat).sorted()
        return zip(seats, seats.dropFirst()).allSatisfy { $0 != $1 }
    }
}

extension PartitionRecord {
    /// Whether a node is to have a replica after the change that is under way or waiting.
    func wants(_ node: NodeID) -> Bool {
        switch progress {
        case .settled: false
        case .waiting(let target): target.contains(node)
        case .changing(let transition): transition.target.contains(node)
        }
    }
}
