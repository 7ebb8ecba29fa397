import KindredModel
import KindredReplication
import KindredStorage
import KindredTesting

/// What goes wrong in a simulated cluster, and what people do about it.
extension Simulation {
    mutating func inject(_ fault: Fault) {
        let machine = fault.node.flatMap { machines[$0] }
        if let machine, nodes[machine].isGone { return }
        guard mayHappen(fault, at: machine) else {
            trace.record(now, "left out, because the last damage is not mended: \(fault)")
            if case .replaceNode = fault, let machine { queue.schedule(.start(machine), afterMicroseconds: 1) }
            return
        }
        switch fault {
        case .diskBitFlip, .lyingSync: isMending = true
        default: break
        }
        counts.faults.count(fault)
        hash.combine(fault.description)
        trace.record(now, "FAULT \(fault)")
        switch fault {
        case .crash(_, let kind): crashSoon(machine, kind)
        case .restart: if let machine { queue.schedule(.start(machine), afterMicroseconds: 1) }
        case .partition(let groups): network.partition(groups.map { $0.compactMap(actual) })
        case .blockOneWay(let from, let to):
            if let from = actual(from), let to = actual(to) { network.block(from: from, to: to) }
        case .heal: network.heal()
        case .slowNode(let node, let factor): if let node = actual(node) { network.setSlowdown(factor, of: node) }
        case .nodeSpeedRestored(let node): if let node = actual(node) { network.setSlowdown(1, of: node) }
        case .replayOldMessage:
            if let old = network.replayOldMessage(ofAge: 500_000, at: now) {
                queue.schedule(.deliver(old.bytes, from: old.from, to: old.to), afterMicroseconds: 1)
            }
        case .clockJump(_, let milliseconds): if let machine { nodes[machine].clock.jump(byMilliseconds: milliseconds) }
        case .clockDrift(_, let rate): if let machine { nodes[machine].clock.setDrift(partsPerMillion: rate, at: now) }
        case .clockCorrected: if let machine { nodes[machine].clock.correct(at: now) }
        case .diskReadErrors(_, let count): disk(machine) { $0.failReads(next: count) }
        case .diskBitFlip: disk(machine) { _ = $0.flipSomeBit(in: [.objects]) }
        case .diskScrub: scrub(machine)
        case .diskFull: disk(machine) { $0.setFull(true) }
        case .diskFreed: disk(machine) { $0.setFull(false) }
        case .diskCommitFailure: disk(machine) { $0.failNextCommit() }
        case .diskHealed: disk(machine) { $0.heal() }
        case .diskLost:
            if let machine { loseDisk(machine) { $0.vanish() } }
        case .takeSnapshot: if let machine { nodes[machine].snapshot = nodes[machine].disk.snapshot() }
        case .diskRollback:
            if let machine, let snapshot = nodes[machine].snapshot { loseDisk(machine) { $0.restore(snapshot) } }
        case .lyingSync: disk(machine) { $0.setLying(true) }
        case .honestSync: disk(machine) { $0.setLying(false) }
        case .replaceNode, .removeNode, .addNode: operations.append(fault)
        case .serviceOutageBegins: service.isAway = true
        case .serviceOutageEnds: service.isAway = false
        }
    }

    private func actual(_ node: NodeID) -> NodeID? { machines[node].map { nodes[$0].id } }

    private func disk(_ machine: Int?, _ change: (SimulatedDisk) -> Void) {
        if let machine { change(nodes[machine].disk) }
    }

    // MARK: How much may go wrong at a time

    /// A fault that destroys copies must wait until what an earlier one destroyed has been copied again: with three replicas nobody can
    /// promise anything about two that go at once.
    private func mayHappen(_ fault: Fault, at machine: Int?) -> Bool {
        switch fault {
        case .diskLost, .diskRollback, .diskBitFlip, .lyingSync: !isMending
        case .replaceNode: machine.map { nodes[$0].process != nil } ?? false || !isMending
        default: true
        }
    }

    /// What only a single copy was promised of may be gone now.
    mutating func lostDisk(_ index: Int) {
        nodes[index].durableClocks = [:]
        nodes[index].isTrusted = false
        isMending = true
        lastDestruction = now
        for key in histories.indices { histories[key].exemptSingleCopies() }
    }

    private mutating func loseDisk(_ index: Int, _ change: (SimulatedDisk) -> Void) {
        crash(index, .power)
        change(nodes[index].disk)
        lostDisk(index)
        queue.schedule(.start(index), afterMicroseconds: 300_000)
    }

    // MARK: Processes

    /// Half of the crashes come in the middle of a commit: before it, or after it and before anything of it is told.
    private mutating func crashSoon(_ machine: Int?, _ kind: CrashKind) {
        guard let machine else { return }
        if chance.chance(50), nodes[machine].process != nil {
            nodes[machine].armedCrash = kind
        } else {
            crash(machine, kind)
        }
    }

    /// A person has every record of a disk read: the node's own scan does that when it starts.
    private mutating func scrub(_ machine: Int?) {
        guard let machine, !nodes[machine].disk.damagedRecords.isEmpty else { return }
        crash(machine, .process)
        queue.schedule(.start(machine), afterMicroseconds: 200_000)
    }

    // MARK: The operator

    /// Does the next thing on the operator's list, if the service lets it.
    mutating func operate() {
        guard let next = operations.first else { return }
        let isDone: Bool
        switch next {
        case .addNode(let node):
            isDone = add(node) { .join($0) }
        case .replaceNode(let old, let new):
            guard let machine = machines[old] else {
                operations.removeFirst()
                return
            }
            if nodes[machine].process == nil, let node = service.topology.node(nodes[machine].id), node.state != .lost {
                guard service.declareLost(nodes[machine].id) else { return }
                nodes[machine].isGone = true
                lostDisk(machine)
            }
            let replaced = nodes[machine].id
            let state = service.topology.node(replaced)?.state
            let isMember = state != nil && state != .joining
            isDone = add(new) { isMember ? .replace(replaced, with: $0) : .join($0) }
        case .removeNode(let node):
            isDone = actual(node).map { service.change([.leave($0)]) } ?? true
        default: isDone = true
        }
        if isDone {
            trace.record(now, "operator: \(next) is under way")
            operations.removeFirst()
        } else {
            trace.record(
                now, "operator: \(next) has to wait: \(service.lastRefusal.map { "\($0)" } ?? "the service is away")")
        }
        publishAll()
    }

    private mutating func add(_ node: NodeID, _ change: (NodeID) -> MembershipChange) -> Bool {
        if machines[node] == nil {
            guard let id = service.register() else { return false }
            addNode(id)
            machines[node] = nodes.count - 1
        }
        guard let id = actual(node) else { return true }
        return service.change([change(id)])
    }

    // MARK: The end of it

    /// Nothing goes wrong any more, and nobody writes: what is left is to become equal.
    mutating func beginQuiet() {
        isQuiet = true
        trace.record(now, "quiet: no more faults, no more requests")
        network.heal()
        network.conditions = .good
        service.isAway = false
        for index in nodes.indices {
            nodes[index].armedCrash = nil
            nodes[index].disk.setLying(false)
            nodes[index].disk.setFull(false)
            nodes[index].disk.heal()
            nodes[index].clock.correct(at: now)
            network.setSlowdown(1, of: nodes[index].id)
            if !nodes[index].disk.damagedRecords.isEmpty { scrub(index) }
            if nodes[index].process == nil { queue.schedule(.start(index), afterMicroseconds: 1) }
        }
        queue.schedule(.converged, afterMicroseconds: 500_000)
    }
}
