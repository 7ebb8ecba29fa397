import KindredNode

/// How a cluster is, from what one node reports of it and all say of themselves.
struct ClusterHealth: Encodable {
    /// What a person should look at; nothing if all is well.
    let warnings: [String]
    let partitions: Partitions

    /// Partitions, counted.
    struct Partitions: Encodable, Hashable {
        var total = 0
        /// All voters there should be, on nodes that run.
        var complete = 0
        /// Members are changing, or waiting to.
        var changing = 0
        var leaderless = 0
        /// No majority of the voters runs: writes with a quorum wait.
        var withoutMajority = 0
    }

    /// A wall clock so far behind the cluster's time is worth a look, in milliseconds.
    private static let clockTolerance: UInt64 = 1_000

    var isHealthy: Bool { warnings.isEmpty }

    init(_ report: ClusterReport, _ answers: NodeAnswers) {
        let running = Set(report.nodes.filter { Self.runs($0, report, answers) }.map(\.name))
        partitions = Self.count(report, running)
        var warnings = report.warnings
        for node in report.nodes where node.name != report.answeredBy {
            for warning in answers.report(of: node.name)?.warnings ?? [] where !warnings.contains(warning) {
                warnings.append(warning)
            }
        }
        if !report.nodes.contains(where: { $0.name == report.answeredBy }) {
            warnings.append(
                "\(report.answeredBy) itself is not, or no longer, one of the nodes: what it sees says little; ask another"
            )
        }
        warnings += report.nodes.flatMap { Self.warnings(of: $0, report, answers) }
        warnings += ClocksPage.warnings(report, answers).filter { !warnings.contains($0) }
        warnings += Self.warnings(of: partitions)
        self.warnings = warnings
    }

    // MARK: Nodes

    /// Whether a node runs, as far as anybody can tell.
    private static func runs(_ node: NodeReport, _ report: ClusterReport, _ answers: NodeAnswers) -> Bool {
        guard node.state != "lost" else { return false }
        if let own = answers.report(of: node.name) { return own.local.state == "serving" }
        return node.isPresent && node.isReachable != false
    }

    private static func warnings(of node: NodeReport, _ report: ClusterReport, _ answers: NodeAnswers) -> [String] {
        let name = node.name
        var warnings: [String] = []
        if node.state == "lost" || node.state == "leaving", node.replicas > 0, report.transfers.isEmpty {
            let what = node.state == "lost" ? "has been declared lost" : "is leaving"
            let count = Page.count(node.replicas, "replica")
            warnings.append("\(name) \(what) and still has \(count): 'kindred cluster plan' shows where they go")
        }
        guard node.state != "lost" else { return warnings }
        switch answers.answers[name] {
        case .report(let own) where own.answeredBy == name && own.id == report.id:
            warnings += self.warnings(of: name, node, own.local, report)
        case .report(let own):
            warnings.append(
                "where \(name) should be, \(own.answeredBy) of another cluster or place answers: \(node.http)")
        case .failure(let failure):
            warnings.append("\(name) does not answer at \(failure.node.text): \(failure.reason)")
        case .noAddress:
            warnings.append("\(name) has not said where it speaks HTTP")
        case nil:
            break
        }
        return warnings
    }

    private static func warnings(
        of name: String, _ node: NodeReport, _ local: LocalReport, _ report: ClusterReport
    ) -> [String] {
        var warnings: [String] = []
        if local.state != "serving", report.isCreated, node.state == "member" || node.state == "leaving" {
            warnings.append("\(name) does not serve: \(local.state)")
        }
        // Those that arrive cannot be sure yet.
        let arriving = report.transfers.count { $0.arriving.contains(name) }
        if local.unsureReplicas > arriving {
            warnings.append(
                "\(name): \(Page.are(local.unsureReplicas - arriving, "replica")) not sure to have everything, and being made so"
            )
        }
        if local.clockBehindMilliseconds > clockTolerance {
            let behind = Page.time(milliseconds: local.clockBehindMilliseconds)
            warnings.append("\(name): its clock is \(behind) behind the cluster's time: some clock is or was ahead")
        }
        return warnings
    }

    // MARK: Partitions

    /// Roles whose answers count in a quorum.
    private static let voting: Set<String> = ["voter", "outgoing", "incoming"]

    private static func count(_ report: ClusterReport, _ running: Set<String>) -> Partitions {
        var counts = Partitions()
        counts.total = report.partitionStates.count
        counts.changing = report.transfers.count
        let members = report.nodes.count { $0.state == "member" || $0.state == "leaving" }
        let wanted = min(report.replicas, max(1, members))
        for partition in report.partitionStates {
            let voters = partition.members.filter { voting.contains($0.role) }
            let present = voters.count { running.contains($0.node) }
            if present == voters.count, voters.count >= wanted { counts.complete += 1 }
            if present * 2 <= voters.count { counts.withoutMajority += 1 }
            if partition.leader == nil { counts.leaderless += 1 }
        }
        return counts
    }

    private static func warnings(of partitions: Partitions) -> [String] {
        guard partitions.withoutMajority > 0 else { return [] }
        let count = Page.count(partitions.withoutMajority, "partition")
        return ["\(count) \(partitions.withoutMajority == 1 ? "has" : "have") no majority of voters that run"]
    }
}
