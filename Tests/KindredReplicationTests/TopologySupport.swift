import KindredModel
import KindredReplication
import KindredTesting
import Testing

extension Topology {
    /// Nodes 1, 2, …, with zones that repeat.
    static func cluster(
        _ count: Int, zones: [String] = [""], partitions: UInt16 = 8, n: UInt8 = 3, maximumTransitions: UInt16 = 2
    ) throws(TopologyRefusal) -> Topology {
        let nodes = (0..<count).map { ClusterNode(id: NodeID(UInt32($0) + 1), zone: zones[$0 % zones.count]) }
        return try create(
            nodes: nodes, partitions: partitions, n: n, maximumTransitions: maximumTransitions)
    }

    func current(_ partition: UInt16) throws -> PartitionView {
        try #require(view(of: partition))
    }

    func epoch(_ partition: UInt16) throws -> UInt64 {
        try current(partition).epoch
    }

    func roles(_ partition: UInt16) throws -> [NodeID: ReplicaMember.Role] {
        Dictionary(uniqueKeysWithValues: try current(partition).members.map { ($0.node, $0.role) })
    }

    /// Sends every report that one partition waits for, once.
    mutating func reportAll(_ partition: UInt16) throws {
        for awaited in awaitedReports(of: partition) {
            let epoch = try epoch(partition)
            // A report may have moved the partition on, so that the next one is about members who have left.
            do {
                try report(awaited, in: partition, epoch: epoch)
            } catch TopologyRefusal.notCurrent {
                continue
            }
        }
        if awaitsLeadershipMember(in: partition) {
            let view = try current(partition)
            let leadership = try #require(view.leadership)
            let member = try #require(view.members.first { $0.role.isNewVoter })
            try addLeadershipMember(member.node, in: partition, to: leadership.epoch)
        }
    }

    /// Sends reports until no partition waits for any.
    mutating func settle() throws {
        for _ in 0..<10_000 {
            var isWaiting = false
            for partition in 0..<partitions
            where !awaitedReports(of: partition).isEmpty || awaitsLeadershipMember(in: partition) {
                isWaiting = true
                try reportAll(partition)
            }
            if !isWaiting { return }
        }
        Issue.record("the topology never settles")
    }

    /// All members report the same about every closing actor.
    mutating func close(_ partition: UInt16, base: UInt64 = 0, beyond: [UInt64] = []) throws {
        for actor in try current(partition).closing {
            for member in try current(partition).members where try current(partition).closing.contains(actor) {
                let report = try ClosingReport(actor: actor, reporter: member.actor, base: base, beyond: beyond)
                try reportClosing(report, in: partition, epoch: try epoch(partition))
            }
        }
    }

    func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        encode(into: &bytes)
        return bytes
    }

    init(decoding bytes: [UInt8]) throws {
        self = try bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer)
            let topology = try Topology(from: &reader)
            guard reader.isAtEnd else { throw MalformedBytes("bytes after the end") }
            return topology
        }
    }
}
