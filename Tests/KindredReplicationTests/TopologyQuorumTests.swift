import KindredModel
import KindredReplication
import KindredTesting
import Testing

/// Writes and reads by quorum while the members change, with nodes that hear of changes late. What is acknowledged is
/// read.
@Suite struct TopologyQuorumTests {
    @Test(arguments: UInt64(1)...150)
    func plannedChangesLoseNoAcknowledgedWrite(seed: UInt64) throws {
        var model = try Model(seed: seed)
        for step in 0..<400 { try model.step("seed \(seed), step \(step)") }
        #expect(model.reads > 5, "seed \(seed): hardly any read found a quorum")
    }

    /// One partition. A node has a view of its own, which may be old, and a set of writes.
    private struct Model {
        var chance: SplitMix64
        var topology: Topology
        var views: [NodeID: PartitionView] = [:]
        var writes: [NodeID: Set<Int>] = [:]
        var acknowledged: Set<Int> = []
        var nextWrite = 0
        var reads = 0

        init(seed: UInt64) throws {
            chance = SplitMix64(seed: seed)
            topology = try Topology.cluster(1 + chance.below(5), partitions: 1, n: UInt8(1 + chance.below(5)))
            for node in topology.nodes { views[node.id] = try topology.current(0) }
        }

        mutating func step(_ comment: Comment) throws {
            switch chance.below(12) {
            case 0: try change()
            case 1, 2, 3:
                // Somebody hears of the newest view.
                let nodes = views.keys.sorted()
                views[nodes[chance.below(nodes.count)]] = try topology.current(0)
            case 4, 5, 6: write()
            case 7, 8: read(comment)
            default: try report()
            }
        }

        private mutating func change() throws {
            if topology.isChanging {
                if chance.chance(5) { _ = topology.cancelPlan() }
                return
            }
            var changes: [MembershipChange] = []
            for node in topology.nodes where node.state == .member && chance.chance(40) {
                changes.append(.leave(node.id))
            }
            for _ in 0..<chance.below(4) {
                let id = try topology.register()
                views[id] = try topology.current(0)
                changes.append(.join(id))
            }
            do {
                try topology.begin(try topology.plan(changes))
            } catch TopologyRefusal.noNodes {
                return
            }
        }

        /// A coordinator, and the members that serve it: they go by no newer view, and take over its view if theirs is
        /// older.
        private mutating func exchange() -> (view: PartitionView, served: [NodeID]) {
            let nodes = views.keys.sorted()
            guard let view = views[nodes[chance.below(nodes.count)]] else { return (topology.records[0].view, []) }
            var served: [NodeID] = []
            for member in view.members where chance.chance(70) {
                guard let known = views[member.node], known.epoch <= view.epoch else { continue }
                views[member.node] = view
                served.append(member.node)
            }
            return (view, served)
        }

        /// Whether a majority of the old voters and one of the new are among them.
        private func isQuorum(_ served: [NodeID], of view: PartitionView) -> Bool {
            let old = view.members.filter(\.role.isOldVoter).map(\.node)
            let new = view.members.filter(\.role.isNewVoter).map(\.node)
            return [old, new].allSatisfy { voters in
                voters.count { served.contains($0) } >= voters.count / 2 + 1
            }
        }

        private mutating func write() {
            let (view, served) = exchange()
            nextWrite += 1
            for node in served { writes[node, default: []].insert(nextWrite) }
            if isQuorum(served, of: view) { acknowledged.insert(nextWrite) }
        }

        private mutating func read(_ comment: Comment) {
            let (view, served) = exchange()
            guard isQuorum(served, of: view) else { return }
            reads += 1
            var found: Set<Int> = []
            for node in served where view.member(at: node)?.role != .learner {
                found.formUnion(writes[node, default: []])
            }
            let lost = acknowledged.subtracting(found)
            #expect(lost.isEmpty, "\(comment): \(lost.sorted()) lost to \(served) of \(view.members)")
        }

        /// A member reports what is awaited of it, if that is true.
        private mutating func report() throws {
            let awaited = topology.awaitedReports(of: 0)
            guard !awaited.isEmpty else { return }
            let report = awaited[chance.below(awaited.count)]
            let record = topology.records[0]
            func node(_ actor: ActorID) -> NodeID? { record.view.members.first { $0.actor == actor }?.node }
            func goesBy(_ node: NodeID) -> Bool { (views[node]?.epoch ?? 0) >= record.since }
            switch report {
            case .acknowledged(let actor):
                guard let member = node(actor), goesBy(member) else { return }
            case .ready(let actor), .caughtUp(let actor):
                guard let member = node(actor), goesBy(member) else { return }
                for voter in record.view.members where voter.role.isOldVoter {
                    // Pulling from a voter tells it of the newer view.
                    if let own = views[member], let theirs = views[voter.node], theirs.epoch < own.epoch {
                        views[voter.node] = own
                    }
                    writes[member, default: []].formUnion(writes[voter.node, default: []])
                }
            case .pulled(let drained, let actor):
                guard let member = node(actor), let source = node(drained), goesBy(member), goesBy(source) else {
                    return
                }
                writes[member, default: []].formUnion(writes[source, default: []])
            case .led(let actor):
                // Version numbers are no part of this model.
                guard let member = node(actor), goesBy(member) else { return }
            }
            try topology.report(report, in: 0, epoch: record.view.epoch)
            if topology.awaitsLeadershipMember(in: 0), let epoch = record.view.leadership?.epoch,
                let arriving = topology.records[0].view.members.first(where: { $0.role.isNewVoter })
            {
                try topology.addLeadershipMember(arriving.node, in: 0, to: epoch)
            }
            // A node without a replica keeps nothing.
            let members = topology.records[0].nodes
            for node in writes.keys.sorted() where !members.contains(node) { writes[node] = nil }
        }
    }
}
