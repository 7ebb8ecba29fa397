import KindredModel
import KindredReplication
import KindredStorage
import NIOCore

/// What operators ask of a cluster and do with it.
extension ClusterService {
    // MARK: Changes

    /// Makes a cluster of the nodes that have registered.
    ///
    /// - Parameter names: which ones; nil means all.
    package func create(partitions: UInt16, n: UInt8, nodes names: [String]?) async throws(ClusterRefusal) {
        try await configurator.change { configuration throws(ClusterRefusal) in
            try configuration.create(partitions: partitions, n: n, nodes: names)
        }
    }

    /// One change that an operator stages.
    package enum Wish: Sendable {
        case join(String)
        case leave(String)
        case replace(String, with: String)
        case reweigh(String, UInt16)
    }

    package func stage(_ wish: Wish) async throws(ClusterRefusal) {
        try await configurator.change { configuration throws(ClusterRefusal) in
            func id(_ name: String) throws(ClusterRefusal) -> NodeID {
                guard let node = configuration.node(named: name) else {
                    let names = configuration.nodes.map(\.name).joined(separator: ", ")
                    throw ClusterRefusal("there is no node '\(name)'; there are: \(names)")
                }
                guard let id = node.id else {
                    throw ClusterRefusal("node '\(name)' has not been started since the cluster was created")
                }
                return id
            }
            switch wish {
            case .join(let name): try configuration.stage(.join(try id(name)))
            case .leave(let name): try configuration.stage(.leave(try id(name)))
            case .replace(let old, let new): try configuration.stage(.replace(try id(old), with: try id(new)))
            case .reweigh(let name, let weight): try configuration.stage(.reweigh(try id(name), weight))
            }
        }
    }

    package func clearStaged() async throws(ClusterRefusal) {
        try await configurator.change { $0.clearStaged() }
    }

    package func commit(planFor epoch: UInt64?) async throws(ClusterRefusal) {
        try await configurator.change { configuration throws(ClusterRefusal) in
            try configuration.commit(planFor: epoch)
        }
    }

    /// - Returns: the partitions for which it is too late.
    package func cancel() async throws(ClusterRefusal) -> [UInt16] {
        try await configurator.change { configuration throws(ClusterRefusal) in try configuration.cancel() }
    }

    package func declareLost(_ name: String) async throws(ClusterRefusal) {
        try await configurator.change { configuration throws(ClusterRefusal) in
            guard let node = configuration.node(named: name) else {
                throw ClusterRefusal("there is no node '\(name)' in the cluster")
            }
            if let id = node.id { try configuration.declareLost(id) } else { configuration.forget(name) }
        }
    }

    // MARK: Questions

    package func plan() async throws(ClusterRefusal) -> PlanReport {
        let configuration = try await configurator.change { $0 }
        let sizes = await loop.partitionSizes()
        let plan = try configuration.plan { partition in sizes[partition] ?? 0 }
        let knowsSizes = plan.partitions.allSatisfy { sizes[$0.partition] != nil }
        return PlanReport(
            membershipEpoch: plan.membershipEpoch, changes: plan.changes.map { $0.text(configuration) },
            partitions: plan.partitions.map { change in
                PartitionPlanReport(
                    partition: change.partition, old: change.old.map(configuration.name(of:)),
                    new: change.new.map(configuration.name(of:)), arriving: change.arriving.map(configuration.name(of:))
                )
            },
            movedReplicas: plan.movedReplicas, movedBytes: knowsSizes ? plan.movedBytes : nil,
            replicas: Int(plan.replicas), zones: Int(plan.zones))
    }

    /// Why this node does not serve requests; nil if it does. Cheap enough for whoever asks every second.
    package func impediment() async -> String? {
        guard let configuration = try? await configurator.latest() else {
            return "the configuration has not been read yet"
        }
        let local = await loop.clusterState()
        guard local.report.state == "serving" else { return local.report.state }
        let own = configuration.node(named: registration.name)?.id.flatMap { configuration.topology?.node($0) }
        return own == nil || own?.state == .lost ? "the node has left the cluster" : nil
    }

    /// How far the other nodes' clocks are from this node's.
    package func clocks() async -> ClockReport { await loop.clusterState().report.clocks }

    /// How the cluster is, as this node sees it.
    package func report() async throws(ClusterRefusal) -> ClusterReport {
        let configuration = try await configurator.latest()
        let (problem, presences) = await configurator.state()
        let local = await loop.clusterState()
        let topology = configuration.topology
        var report = ClusterReport(
            cluster: clusterName, id: configuration.clusterID.map { hexadecimal($0) }.joined(),
            answeredBy: registration.name, isCreated: topology != nil, partitions: Int(topology?.partitions ?? 0),
            replicas: Int(topology?.n ?? 0), membershipEpoch: topology?.membershipEpoch ?? 0,
            configurationProblem: problem, nodes: [], staged: configuration.staged.map { $0.text(configuration) },
            transfers: [], partitionStates: [], local: local.report, warnings: [])
        for node in configuration.nodes {
            let entry = node.id.flatMap { id in topology?.node(id) }
            let peer = local.peers.first { $0.node == node.id }
            report.nodes.append(
                NodeReport(
                    name: node.name, id: node.id?.rawValue, state: entry.map { "\($0.state)" } ?? "waiting",
                    isPresent: presences[node.name] != nil, isReachable: peer?.isReachable,
                    roundTripMicroseconds: peer?.roundTripMicroseconds, zone: node.zone,
                    weight: entry?.weight ?? node.weight,
                    peer: "\(node.peer)", pb: node.pb, http: node.http,
                    replicas: topology?.records.count { record in
                        node.id.map { record.view.member(at: $0) != nil } ?? false
                    } ?? 0,
                    leads: topology?.records.count { $0.view.leadership?.leader == node.id && node.id != nil } ?? 0,
                    starts: entry?.generation ?? 0))
        }
        if let topology {
            let changing = topology.records.filter { $0.progress != .settled || $0.hasLearner }.map(\.view.partition)
            report.transfers = transfers(topology, configuration, await loop.partitionSizes(of: Set(changing)))
            report.partitionStates = topology.records.map { partition($0, configuration) }
        }
        report.warnings = warnings(report)
        return report
    }

    private func partition(_ record: PartitionRecord, _ configuration: ClusterConfiguration) -> PartitionReport {
        PartitionReport(
            partition: record.view.partition, epoch: record.view.epoch,
            members: record.view.members.map {
                MemberReport(node: configuration.name(of: $0.node), role: "\($0.role)", actor: $0.actor.rawValue)
            },
            leader: record.view.leadership.map { configuration.name(of: $0.leader) },
            closing: record.view.closing.count, closed: record.view.closed.epoch)
    }

    private func transfers(
        _ topology: Topology, _ configuration: ClusterConfiguration, _ sizes: [UInt16: UInt64]
    ) -> [TransferReport] {
        topology.records.compactMap { record in
            let stage: String
            let target: [NodeID]
            switch record.progress {
            case .settled:
                guard record.hasLearner else { return nil }
                stage = "catching up"
                target = record.nodes
            case .waiting(let wanted): (stage, target) = ("waiting", wanted)
            case .changing(let transition): (stage, target) = ("\(transition.stage)", transition.target)
            }
            let learners = record.view.members.filter { $0.role == .learner || $0.role == .incoming }.map(\.node)
            let arriving = target.filter { !record.nodes.contains($0) } + learners
            return TransferReport(
                partition: record.view.partition, stage: stage, arriving: arriving.map(configuration.name(of:)),
                leaving: record.nodes.filter { !target.contains($0) }.map(configuration.name(of:)),
                bytesHere: sizes[record.view.partition],
                awaits: topology.awaitedReports(of: record.view.partition).map { text($0, record, configuration) })
        }
    }

    private func text(
        _ report: TransitionReport, _ record: PartitionRecord, _ configuration: ClusterConfiguration
    ) -> String {
        func name(_ actor: ActorID) -> String {
            record.view.members.first { $0.actor == actor }.map { configuration.name(of: $0.node) }
                ?? "actor \(actor.rawValue)"
        }
        return switch report {
        case .acknowledged(let actor): "\(name(actor)) knows of the change"
        case .ready(let actor): "\(name(actor)) has caught up"
        case .caughtUp(let actor): "\(name(actor)) has everything of the old members"
        case .led(let actor): "\(name(actor)) leads"
        case .pulled(let from, let by): "\(name(by)) has taken over what \(name(from)) knows"
        }
    }

    private func warnings(_ report: ClusterReport) -> [String] {
        var warnings: [String] = []
        if !report.isCreated { warnings.append("the cluster has not been created yet") }
        if let problem = report.configurationProblem {
            warnings.append(
                "the configuration service cannot be reached, so members cannot change and leaders cannot fail over: \(problem)"
            )
        }
        for node in report.nodes where node.isReachable == false && node.state != "lost" {
            warnings.append("\(node.name) cannot be reached from \(report.answeredBy)")
        }
        for node in report.nodes where !node.isPresent && node.state != "lost" && report.configurationProblem == nil {
            warnings.append("\(node.name) does not run, or cannot reach the configuration service")
        }
        if let own = report.nodes.first(where: { $0.name == report.answeredBy }), report.isCreated, own.replicas == 0,
            own.state != "joining"
        {
            warnings.append("\(report.answeredBy) has no replicas (\(own.state)): stop it, or have it join")
        }
        let leaderless = report.partitionStates.count { $0.leader == nil }
        if leaderless > 0 {
            warnings.append("\(leaderless) partitions have no leader: keys with version numbers wait there")
        }
        warnings += report.local.clocks.warnings(of: report.answeredBy)
        if report.local.alarms > 0, let alarm = report.local.lastAlarm {
            warnings.append("\(report.local.alarms) alarms on \(report.answeredBy), the last: \(alarm)")
        }
        return warnings
    }

    private func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }
}

extension MembershipChange {
    /// The change in words.
    func text(_ configuration: ClusterConfiguration) -> String {
        switch self {
        case .join(let id): "\(configuration.name(of: id)) joins"
        case .leave(let id): "\(configuration.name(of: id)) leaves"
        case .replace(let old, let new): "\(configuration.name(of: new)) replaces \(configuration.name(of: old))"
        case .reweigh(let id, let weight): "\(configuration.name(of: id)) gets weight \(weight)"
        }
    }
}

/// What the data loop knows of its part in the cluster.
struct LocalState: Sendable {
    var report: LocalReport
    var peers: [PeerStatus]
}

extension PartitionRecord {
    fileprivate var hasLearner: Bool { view.members.contains { $0.role == .learner } }
}

extension DataLoop {
    /// The state of this node's part in the cluster.
    func clusterState() async -> LocalState {
        await withCheckedContinuation { continuation in
            eventLoop.execute { continuation.resume(returning: self.clusterStateNow()) }
        }
    }

    private func clusterStateNow() -> LocalState {
        var report = LocalReport(
            state: "serving", replicas: 0, unsureReplicas: 0, transfersUnderWay: 0, transferredObjects: 0,
            transferredBytes: 0, transferBytesPerSecond: 0, hints: 0, waitingRequests: 0,
            salvagedWrites: 0, discardedVersions: 0, alarms: 0, lastAlarm: nil, clockBehindMilliseconds: 0)
        guard case .member(let member) = role else {
            if case .waiting(let reason) = role { report.state = reason }
            return LocalState(report: report, peers: [])
        }
        let partitions = member.node.partitions
        report.replicas = partitions.count
        report.unsureReplicas = partitions.count { $0.needsRenewal || !$0.replica.isSure }
        report.transfersUnderWay = partitions.count { $0.replica.transfer != nil }
        report.hints = member.node.hints.count
        report.waitingRequests = member.waitingRequests
        report.salvagedWrites = member.statistics.salvagedWrites
        report.discardedVersions = member.statistics.discardedVersions
        report.alarms = member.statistics.alarms
        report.lastAlarm = member.statistics.lastAlarm
        let hybrid = member.node.time.last.milliseconds
        let wall = environment.wallClock()
        report.clockBehindMilliseconds = hybrid > wall ? hybrid - wall : 0
        report.clocks = member.clockReport
        report.transferredObjects = member.transfers.objects
        report.transferredBytes = member.transfers.bytes
        report.transferBytesPerSecond = member.transfers.bytesPerSecond
        return LocalState(report: report, peers: member.peers())
    }

    /// About how many bytes the partitions have that this node replicates.
    ///
    /// - Parameter wanted: which ones; nil means all.
    func partitionSizes(of wanted: Set<UInt16>? = nil) async -> [UInt16: UInt64] {
        let hosted: [UInt16] = await withCheckedContinuation { continuation in
            eventLoop.execute {
                guard case .member(let member) = self.role else { return continuation.resume(returning: []) }
                let all = member.node.partitions.map(\.replica.partition)
                continuation.resume(returning: all.filter { wanted?.contains($0) ?? true })
            }
        }
        let engine = store.engine
        return await withCheckedContinuation { continuation in
            environment.offload {
                var sizes: [UInt16: UInt64] = [:]
                for partition in hosted { sizes[partition] = engine.approximateBytes(ofPartition: partition) }
                continuation.resume(returning: sizes)
            }
        }
    }
}
