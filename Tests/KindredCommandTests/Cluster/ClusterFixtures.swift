@testable import KindredCommand
@testable import KindredNode

/// Reports of clusters that do not exist.
enum MadeUp {
    static func node(
        _ name: String, state: String = "member", present: Bool = true, reachable: Bool? = true, zone: String = "",
        replicas: Int = 0, leads: Int = 0, http: String? = nil
    ) -> NodeReport {
        NodeReport(
            name: name, id: 1, state: state, isPresent: present, isReachable: reachable,
            roundTripMicroseconds: reachable == true ? 310 : nil, zone: zone, weight: 1, peer: "10.0.0.1:8099",
            pb: "10.0.0.1:8087", http: http ?? "\(name).example:8098", replicas: replicas, leads: leads, starts: 1)
    }

    static func partition(
        _ number: UInt16, _ members: [String], roles: [String: String] = [:], leader: String? = "first"
    ) -> PartitionReport {
        PartitionReport(
            partition: number, epoch: 3,
            members: members.enumerated().map { index, name in
                MemberReport(node: name, role: roles[name] ?? "voter", actor: UInt32(index) + 1)
            },
            leader: leader == "first" ? members.first : leader, closing: 0, closed: 0)
    }

    static func transfer(
        _ partition: UInt16, stage: String = "adding", arriving: [String] = ["d"], leaving: [String] = ["a"],
        bytes: UInt64? = nil, awaits: [String] = []
    ) -> TransferReport {
        TransferReport(
            partition: partition, stage: stage, arriving: arriving, leaving: leaving, bytesHere: bytes, awaits: awaits)
    }

    static func local(
        state: String = "serving", hints: Int = 0, unsure: Int = 0, rate: Double = 0, behind: UInt64 = 0
    ) -> LocalReport {
        LocalReport(
            state: state, replicas: 4, unsureReplicas: unsure, transfersUnderWay: 0, transferredObjects: 0,
            transferredBytes: 0, transferBytesPerSecond: rate, hints: hints, waitingRequests: 0, salvagedWrites: 0,
            discardedVersions: 0, alarms: 0, lastAlarm: nil, clockBehindMilliseconds: behind)
    }

    /// Three nodes, four partitions, three replicas, all well.
    static func report(
        answeredBy: String = "a", nodes: [NodeReport]? = nil, staged: [String] = [], transfers: [TransferReport] = [],
        partitions: [PartitionReport]? = nil, local: LocalReport = local(), warnings: [String] = []
    ) -> ClusterReport {
        let names = ["a", "b", "c"]
        let partitions = partitions ?? (0..<4).map { partition($0, names) }
        let nodes =
            nodes
            ?? names.map { node($0, reachable: $0 == answeredBy ? nil : true, replicas: 4, leads: $0 == "a" ? 4 : 0) }
        return ClusterReport(
            cluster: "shop", id: "00ff", answeredBy: answeredBy, isCreated: !partitions.isEmpty,
            partitions: partitions.count, replicas: 3, membershipEpoch: 7, configurationProblem: nil, nodes: nodes,
            staged: staged, transfers: transfers, partitionStates: partitions, local: local, warnings: warnings)
    }

    /// What every node of a report says: all the same, but for some.
    static func answers(_ report: ClusterReport, but others: [String: NodeAnswers.Answer] = [:]) -> NodeAnswers {
        var answers = NodeAnswers()
        for node in report.nodes {
            var own = report
            own.answeredBy = node.name
            answers.answers[node.name] = .report(own)
        }
        answers.answers.merge(others) { $1 }
        return answers
    }

    /// A node `d` takes over the last two partitions from `a`.
    static func plan(
        epoch: UInt64 = 7, changes: [String] = ["d joins"], new: [String] = ["d", "b", "c"], bytes: UInt64? = 3_145_728,
        replicas: Int = 3, zones: Int = 1
    ) -> PlanReport {
        let partitions = [UInt16(2), 3].map { number in
            PartitionPlanReport(
                partition: number, old: ["a", "b", "c"], new: new,
                arriving: new.filter { !["a", "b", "c"].contains($0) })
        }
        return PlanReport(
            membershipEpoch: epoch, changes: changes, partitions: partitions,
            movedReplicas: partitions.reduce(0) { $0 + $1.arriving.count }, movedBytes: bytes, replicas: replicas,
            zones: zones)
    }

    /// Three members and `d`, which has registered.
    static let fourNodes = ["a", "b", "c"].map { node($0, replicas: 4) } + [node("d", state: "joining")]
}

extension [StyledLine] {
    /// The page as it is read without colours.
    var page: String { map(\.plain).joined(separator: "\n") }
}
