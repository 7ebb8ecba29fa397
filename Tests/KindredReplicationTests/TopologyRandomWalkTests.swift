import KindredModel
import KindredReplication
import KindredTesting
import Testing

/// Everything that can be done to a topology, in any order, and what must be true after each step.
@Suite struct TopologyRandomWalkTests {
    @Test(arguments: UInt64(1)...60)
    func invariantsHoldAfterEveryStep(seed: UInt64) throws {
        var walk = try Walk(seed: seed)
        for step in 0..<300 {
            try walk.step()
            try walk.check("seed \(seed), step \(step)")
        }
        try walk.finish("seed \(seed), at the end")
    }

    private struct Walk {
        var chance: SplitMix64
        var topology: Topology
        /// What was there before the last step.
        var before: Topology
        /// Every incarnation ever seen, and where: by partition and actor.
        var incarnations: [[ActorID: NodeID]]
        var nodes: Set<NodeID>
        /// Whether a member has ever been renewed or a node lost: only planned changes promise that quorums stay whole.
        var wasHit = false

        init(seed: UInt64) throws {
            chance = SplitMix64(seed: seed)
            let zones = Array(["a", "b", "c"].prefix(1 + chance.below(3)))
            let n = UInt8(1 + chance.below(4))
            topology = try Topology.cluster(
                1 + chance.below(5), zones: zones, partitions: 4, n: n, maximumTransitions: UInt16(1 + chance.below(3)))
            before = topology
            incarnations = topology.records.map { record in
                Dictionary(uniqueKeysWithValues: record.view.members.map { ($0.actor, $0.node) })
            }
            nodes = Set(topology.nodes.map(\.id))
        }

        mutating func pick<Element>(_ elements: [Element]) -> Element? {
            elements.isEmpty ? nil : elements[chance.below(elements.count)]
        }

        // MARK: Steps

        /// One operation, sensible or not. A refused one must leave no trace.
        mutating func step() throws {
            before = topology
            let partition = UInt16(chance.below(4))
            let view = try topology.current(partition)
            do {
                switch chance.below(20) {
                case 0:
                    _ = try topology.register(zone: pick(["a", "b", "c", "d"]) ?? "", weight: UInt16(chance.below(4)))
                case 1, 2: try begin()
                case 3: if chance.chance(30) { _ = topology.cancelPlan() }
                case 4: if chance.chance(15) { try lose() }
                case 5: try renew(view)
                case 6, 7:
                    if let member = pick(view.members) {
                        try topology.raiseCeiling(
                            of: member.actor, in: partition, to: member.counterCeiling + UInt64(chance.below(3)))
                    }
                case 8:
                    try topology.raiseClockFloor(
                        in: partition, to: HybridTimestamp(rawValue: UInt64(chance.below(1_000))))
                case 9, 10: try lead(view)
                case 11, 12, 13: try reportClosing(view)
                default: try report(view)
                }
            } catch is TopologyRefusal {
                #expect(topology == before, "a refused change has changed something")
            }
        }

        private mutating func begin() throws {
            var changes: [MembershipChange] = []
            for node in topology.nodes {
                switch node.state {
                case .joining where chance.chance(60): changes.append(.join(node.id))
                case .joining where chance.chance(50):
                    if let old = pick(topology.nodes) { changes = [.replace(old.id, with: node.id)] }
                case .member where chance.chance(15): changes.append(.leave(node.id))
                case .member where chance.chance(10): changes.append(.reweigh(node.id, UInt16(1 + chance.below(4))))
                case .leaving where chance.chance(20): changes.append(.join(node.id))
                default: break
                }
            }
            try topology.begin(try topology.plan(changes))
        }

        private mutating func lose() throws {
            guard topology.nodes.count(where: { $0.state != .lost }) > 2, let node = pick(topology.nodes) else {
                return
            }
            wasHit = true
            try topology.declareLost(node.id)
        }

        private mutating func renew(_ view: PartitionView) throws {
            guard let member = pick(view.members) else { return }
            wasHit = true
            // Sometimes for an incarnation it does not have.
            let actor = chance.chance(80) ? member.actor : ActorID(UInt32(1 + chance.below(9)))
            _ = try topology.renew(member.node, in: view.partition, replacing: actor)
        }

        private mutating func lead(_ view: PartitionView) throws {
            let epoch = try #require(topology.record(of: view.partition)).leadershipEpoch
            let nodes = view.members.map(\.node)
            guard let node = pick(nodes) else { return }
            var members = nodes.filter { $0 != node && chance.chance(50) }
            members.append(node)
            guard view.leadership != nil else {
                return try topology.electLeaderUncleanly(node, members: members, in: view.partition, replacing: epoch)
            }
            if chance.chance(50) {
                try topology.addLeadershipMember(node, in: view.partition, to: epoch)
            } else {
                try topology.electLeader(node, members: members, in: view.partition, replacing: epoch)
            }
        }

        private mutating func reportClosing(_ view: PartitionView) throws {
            guard let actor = pick(view.closing), let member = pick(view.members) else { return }
            let report = try ClosingReport(
                actor: actor, reporter: member.actor, base: 5, beyond: chance.chance(80) ? [8] : [])
            try topology.reportClosing(report, in: view.partition, epoch: view.epoch - UInt64(chance.below(2)))
        }

        private mutating func report(_ view: PartitionView) throws {
            if let report = pick(topology.awaitedReports(of: view.partition)), chance.chance(90) {
                try topology.report(report, in: view.partition, epoch: view.epoch - UInt64(chance.below(2)))
            } else if let member = pick(view.members) {
                let any: [TransitionReport] = [
                    .ready(member.actor), .acknowledged(member.actor), .caughtUp(member.actor),
                    .pulled(from: member.actor, by: view.members[0].actor),
                ]
                if let report = pick(any) { try topology.report(report, in: view.partition, epoch: view.epoch) }
            }
        }

        // MARK: Checks

        mutating func check(_ comment: Comment) throws {
            for node in topology.nodes { nodes.insert(node.id) }
            let known = Set(topology.nodes.map(\.id))
            #expect(topology.records.count { $0.transition != nil } <= Int(topology.maximumTransitions), comment)
            for (record, old) in zip(topology.records, before.records) {
                try check(record, after: old, known: known, comment)
            }
            #expect(try Topology(decoding: topology.encoded()) == topology, comment)
        }

        private mutating func check(
            _ record: PartitionRecord, after old: PartitionRecord, known: Set<NodeID>, _ comment: Comment
        ) throws {
            let view = record.view
            let partition = Int(view.partition)
            #expect(view == old.view || view.epoch > old.view.epoch, comment)
            #expect(record.since <= view.epoch && record.since >= old.since, comment)
            #expect(Set(record.nodes).count == view.members.count, comment)
            #expect(known.isSuperset(of: record.nodes), "\(comment): a member's node has been forgotten")
            #expect(view.members.contains { $0.role.isOldVoter }, comment)
            #expect(view.members.contains { $0.role.isNewVoter }, comment)

            for member in view.members {
                if let place = incarnations[partition][member.actor] {
                    #expect(place == member.node, "\(comment): an actor is used twice")
                } else {
                    let newest = incarnations[partition].keys.max() ?? .closed
                    #expect(member.actor > newest || view.members.contains { $0.actor == newest }, comment)
                }
                incarnations[partition][member.actor] = member.node
                #expect(view.closed.closing(of: member.actor) == nil, "\(comment): a closed actor is a member")
                #expect(!view.closing.contains(member.actor), "\(comment): a closing actor is a member")
                let was = old.view.members.first { $0.actor == member.actor }
                #expect(member.counterCeiling >= was?.counterCeiling ?? 0, comment)
            }
            #expect(view.closed.epoch >= old.view.closed.epoch, comment)
            #expect(view.clockFloor >= old.view.clockFloor, comment)
            #expect(view.closing.allSatisfy { view.closed.closing(of: $0) == nil }, comment)
            // Who minted and is no member any more is closing or closed: never just gone.
            for member in old.view.members where member.counterCeiling > 0 {
                #expect(
                    view.members.contains { $0.actor == member.actor } || view.closing.contains(member.actor)
                        || view.closed.closing(of: member.actor) != nil, comment)
            }
            checkLeadership(record, after: old, comment)
            checkStage(record, comment)
        }

        private func checkLeadership(_ record: PartitionRecord, after old: PartitionRecord, _ comment: Comment) {
            #expect(record.leadershipEpoch >= old.leadershipEpoch, comment)
            guard let leadership = record.view.leadership else { return }
            #expect(leadership.epoch == record.leadershipEpoch, comment)
            #expect(leadership.members.contains(leadership.leader), comment)
            for node in leadership.members {
                let role = record.view.member(at: node)?.role
                #expect(role != nil && role != .draining, "\(comment): \(node) is of the leadership")
            }
            guard let last = old.view.leadership, leadership != last else { return }
            #expect(leadership.epoch > last.epoch, comment)
            // A change that has waited for the leadership goes on at once when a new member is taken in, and may make
            // that one the leader.
            let wasTakenIn =
                old.transition?.stage == .joint && record.transition?.stage != .joint
                && leadership.epoch == last.epoch + 2
            #expect(
                last.members.contains(leadership.leader) || record.uncleanElections > old.uncleanElections
                    || wasTakenIn,
                "\(comment): a leader from outside")
        }

        private func checkStage(_ record: PartitionRecord, _ comment: Comment) {
            let members = record.view.members
            func count(_ role: ReplicaMember.Role) -> Int { members.count { $0.role == role } }
            guard let transition = record.transition else {
                #expect(count(.incoming) + count(.outgoing) + count(.draining) == 0, comment)
                if !wasHit { #expect(count(.voter) == members.count, comment) }
                return
            }
            switch transition.stage {
            case .adding:
                #expect(count(.incoming) + count(.outgoing) + count(.draining) == 0, comment)
                if !wasHit { #expect(count(.voter) == members.count - transition.arriving.count, comment) }
            case .joint:
                #expect(count(.draining) == 0, comment)
                if !wasHit {
                    #expect(count(.voter) + count(.outgoing) == members.count - transition.arriving.count, comment)
                    #expect(count(.voter) + count(.incoming) == transition.target.count, comment)
                }
            case .draining:
                #expect(count(.incoming) + count(.outgoing) == 0, comment)
                if !wasHit { #expect(count(.voter) == transition.target.count, comment) }
            }
        }

        // MARK: The end

        /// Once everybody reports, every change comes to its end, and the next plan puts all replicas where they
        /// belong.
        mutating func finish(_ comment: Comment) throws {
            try topology.settle()
            #expect(!topology.isChanging, comment)
            if !topology.nodes.contains(where: { $0.state == .member }) {
                let id = try topology.register()
                try topology.begin(try topology.plan([.join(id)]))
            } else {
                try topology.begin(try topology.plan([]))
            }
            try topology.settle()
            #expect(!topology.isChanging, comment)
            let eligible = topology.nodes.filter { $0.state == .member }
            let zone = Dictionary(uniqueKeysWithValues: eligible.map { ($0.id, $0.zone) })
            let replicas = min(Int(topology.n), eligible.count)
            for partition in 0..<topology.partitions {
                try topology.close(partition, base: 5)
                let view = try topology.current(partition)
                #expect(view.closing.isEmpty, comment)
                #expect(view.members.allSatisfy { $0.role == .voter }, comment)
                #expect(Set(view.members.map(\.node)).count == replicas, comment)
                #expect(
                    Set(view.members.map { zone[$0.node] }).count == min(Set(zone.values).count, replicas), comment)
            }
            #expect(topology.nodes.allSatisfy { $0.state == .member || $0.state == .joining }, comment)
        }
    }
}
