import KindredNode

/// What a plan means for each node, and whether it keeps what it promises, worked out from the partitions themselves.
struct PlanSummary: Hashable {
    struct Node: Hashable {
        var name: String
        var zone: String
        /// Replicas.
        var before = 0
        var after = 0
        var gets = 0
        var gives = 0
    }

    /// In the order of the report; nodes that it does not know come last.
    let nodes: [Node]
    /// On how many distinct nodes, in how many zones, each partition is afterwards: the least there is.
    let distinctNodes: Int
    let zones: Int
    /// Where the plan is not what it says.
    let faults: [String]

    private static let faultsShown = 5

    /// - Parameter report: of the same membership epoch as the plan: it has the partitions that stay as they are, and the zones.
    init(_ plan: PlanReport, _ report: ClusterReport) {
        var tally = Tally(report)
        let planned = Dictionary(plan.partitions.map { ($0.partition, $0) }) { first, _ in first }
        var faults: [String] = []
        var fewestNodes = Int.max
        var fewestZones = Int.max
        for partition in report.partitionStates {
            let members = partition.members.map(\.node)
            let change = planned[partition.partition]
            let new = change?.new ?? members
            tally.count(from: members, to: new)
            let distinct = Set(new)
            let zones = Set(distinct.map(tally.zone))
            fewestNodes = min(fewestNodes, distinct.count)
            fewestZones = min(fewestZones, zones.count)
            if distinct.count != new.count {
                faults.append("partition \(partition.partition) would be twice on one node: \(Page.names(new))")
            } else if distinct.count != plan.replicas {
                faults.append(
                    "partition \(partition.partition) would be on \(Page.count(distinct.count, "node")), not \(plan.replicas)"
                )
            } else if zones.count < plan.zones {
                faults.append(
                    "partition \(partition.partition) would be in \(Page.count(zones.count, "zone")), not \(plan.zones)"
                )
            }
            if let change, Set(change.old) != Set(members) {
                faults.append("partition \(partition.partition) has other members by now than the plan was made for")
            }
        }
        let known = Set(report.partitionStates.map(\.partition))
        for change in plan.partitions where !known.contains(change.partition) {
            faults.append("partition \(change.partition) does not exist")
        }
        nodes = tally.nodes
        let used = nodes.filter { $0.after > 0 }
        let possible = min(Set(used.map(\.zone)).count, plan.replicas)
        if faults.isEmpty, !used.isEmpty, fewestZones < possible {
            faults.append("there are nodes in \(possible) zones, and some partition would be in \(fewestZones) only")
        }
        distinctNodes = fewestNodes == .max ? 0 : fewestNodes
        zones = fewestZones == .max ? 0 : fewestZones
        if faults.count > Self.faultsShown {
            let more = faults.count - Self.faultsShown
            faults = faults.prefix(Self.faultsShown) + ["… and \(more) more"]
        }
        self.faults = faults
    }

    private struct Tally {
        var nodes: [Node]
        private var places: [String: Int]

        init(_ report: ClusterReport) {
            nodes = report.nodes.map { Node(name: $0.name, zone: $0.zone) }
            places = Dictionary(nodes.enumerated().map { ($1.name, $0) }) { first, _ in first }
        }

        func zone(of name: String) -> String { places[name].map { nodes[$0].zone } ?? "" }

        mutating func count(from old: [String], to new: [String]) {
            for name in old {
                update(name) { node in
                    node.before += 1
                    if !new.contains(name) { node.gives += 1 }
                }
            }
            for name in new {
                update(name) { node in
                    node.after += 1
                    if !old.contains(name) { node.gets += 1 }
                }
            }
        }

        private mutating func update(_ name: String, _ change: (inout Node) -> Void) {
            let place = places[name] ?? nodes.count
            if place == nodes.count {
                nodes.append(Node(name: name, zone: ""))
                places[name] = place
            }
            change(&nodes[place])
        }
    }
}

/// A plan, for people.
struct PlanPage {
    let plan: PlanReport
    let report: ClusterReport
    let summary: PlanSummary

    init(_ plan: PlanReport, _ report: ClusterReport) {
        self.plan = plan
        self.report = report
        summary = PlanSummary(plan, report)
    }

    /// Whether a commit would do anything.
    var isEmpty: Bool { plan.changes.isEmpty && plan.partitions.isEmpty }

    func lines(verbose: Bool) -> [StyledLine] {
        guard !isEmpty else { return ["Nothing is staged, and every replica is where it belongs."] + promise }
        var lines = [StyledLine("Plan for membership epoch \(plan.membershipEpoch)", .strong)]
        lines += plan.changes.map { StyledLine("  \(Page.name($0))") }
        if plan.changes.isEmpty { lines.append("  no change of nodes: replicas go where they belong") }
        lines.append("")
        lines += nodeTable
        lines.append("")
        lines += movement
        lines += promise
        if verbose, !plan.partitions.isEmpty { lines += [""] + partitionTable }
        return lines
    }

    private var nodeTable: [StyledLine] {
        let rows = summary.nodes.map { node in
            [
                Page.name(node.name), Page.zone(node.zone), "\(node.before)", "→ \(node.after)",
                node.gets > 0 ? "+\(node.gets)" : "", node.gives > 0 ? "−\(node.gives)" : "",
            ]
        }
        return Page.table([["NODE", "ZONE", "REPLICAS", "AFTER", "GETS", "GIVES"]] + rows)
    }

    private var movement: [StyledLine] {
        guard plan.movedReplicas > 0 else {
            let reordered = plan.partitions.count
            guard reordered > 0 else { return ["No replica moves."] }
            return [
                StyledLine("No replica is copied; \(Page.count(reordered, "partition")) change members or their order.")
            ]
        }
        let size: String
        if let bytes = plan.movedBytes {
            size = "about \(Page.bytes(bytes))"
        } else {
            size = "how much that is, \(Page.name(report.answeredBy)) cannot tell: it has not all of these partitions"
        }
        func list(_ count: (PlanSummary.Node) -> Int) -> String {
            summary.nodes.filter { count($0) > 0 }.map { "\(Page.name($0.name)) \(count($0))" }.joined(separator: ", ")
        }
        let from = list(\.gives)
        let partitions = Page.count(plan.partitions.count, "partition")
        return [
            StyledLine("Copies \(Page.count(plan.movedReplicas, "replica")) in \(partitions): \(size)."),
            StyledLine("  to    \(list(\.gets))"),
            StyledLine("  from  \(from.isEmpty ? "nobody: no node gives one away" : from)"),
        ]
    }

    /// The sentence that the partitions have been checked against.
    private var promise: [StyledLine] {
        guard summary.faults.isEmpty else {
            return [StyledLine("This plan is wrong:", .bad)] + summary.faults.map { StyledLine("  ✗ \($0)", .bad) }
        }
        var sentence =
            "each partition on \(summary.distinctNodes) distinct \(summary.distinctNodes == 1 ? "node" : "nodes")"
            + " in \(Page.count(summary.zones, "zone"))"
        if summary.distinctNodes < report.replicas {
            sentence += " (for \(report.replicas) replicas there are not enough nodes)"
        }
        return [StyledLine("✓ ", .good) + StyledLine(sentence)]
    }

    private var partitionTable: [StyledLine] {
        Page.table(
            [["PARTITION", "BEFORE", "AFTER", "ARRIVES"]]
                + plan.partitions.map { change in
                    [
                        "\(change.partition)", Page.names(change.old), Page.names(change.new),
                        Page.names(change.arriving),
                    ]
                })
    }
}
