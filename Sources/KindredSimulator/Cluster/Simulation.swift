import KindredModel
import KindredReplication
import KindredStorage
import KindredTesting

/// A whole cluster in one thread and in virtual time: the real replication code, message by message through the real codec, over simulated
/// disks, clocks and networks. Everything follows from one seed.
///
///     events ──► a node's step ──► commit ──► synchronized ──► messages, answers, requests to the service ──► events
///                    │
///                    └──► checkers: what the node has is compared with what it must have, by the oracle
package struct Simulation {
    /// What can happen next.
    enum Event {
        case deliver([UInt8], from: NodeID, to: NodeID)
        case tick(Int, process: Int)
        case synchronized(Int, process: Int)
        case start(Int)
        case fault(Int)
        case client(Int)
        case clientTimeout(Int, number: UInt64)
        case configure(ConfigurationRequest, from: NodeID)
        case view(PartitionView, fallbacks: [NodeID], to: Int, process: Int)
        case observe
        case operate
        case quiet
        case converged
    }

    package let seed: UInt64
    package let settings: SimulationSettings
    package let plan: FaultPlan
    let keys: [SimulatedKey]
    let ends: VirtualTime

    var queue = EventQueue<Event>()
    var chance: SplitMix64
    var network: SimulatedNetwork
    var service: SimulatedService
    var nodes: [SimulatedNode] = []
    var clients: [SimulatedClient] = []
    let schedule: [TimedFault]
    /// The node behind a node of the fault plan, which names machines before they exist.
    var machines: [NodeID: Int] = [:]
    /// What the operator has yet to do.
    var operations: [Fault] = []
    /// Whom each node holds to be unreachable.
    var suspicions: [[Bool]] = []
    var isQuiet = false

    // What is known to be right.
    var histories: [KeyHistory]
    var events = OpenEvents()
    /// Per key, the events that were acknowledged by a majority of replicas, and not by fallbacks.
    var strict: [EventBits]
    /// Per key, the highest version number that was acknowledged.
    var highestNumbers: [UInt64]
    /// The writes that each process has minted under a client's name.
    var minted: Set<MintedRequest> = []
    /// The incarnations that have caught up since they began, by partition. Those of the beginning have.
    var whole: Set<Incarnation> = []
    /// Whether a disk was destroyed, and not everything that was on it is elsewhere again.
    var isMending = false
    /// The replicas whose records were found to be damaged, and when: what they had goes away with the incarnation.
    var damages: [(node: Int, partition: UInt16, time: VirtualTime)] = []
    /// When a disk was last destroyed.
    var lastDestruction = VirtualTime.zero

    package internal(set) var hash = TraceHash()
    package var trace: Trace
    package var violations: [Violation] = []
    package var counts = SimulationCounts()

    /// Sets a cluster up.
    ///
    /// - Parameters:
    ///   - plan: the faults; nil for those that belong to the seed.
    ///   - traceLines: how many lines of the trace are kept.
    package init(
        seed: UInt64, settings: SimulationSettings = SimulationSettings(), plan: FaultPlan? = nil, traceLines: Int = 0
    ) {
        let (settings, habits) = settings.mixed(by: seed)
        self.seed = seed
        self.settings = settings
        let ids = (1...settings.nodes).map { NodeID(UInt32($0)) }
        let policy = FaultPolicy(nodes: settings.nodes, replicas: settings.replicas)
        self.plan =
            plan
            ?? FaultPlan.generate(
                seed: seed, profile: settings.profile, nodes: ids,
                quietFrom: VirtualTime(microseconds: settings.duration),
                policy: policy)
        schedule = self.plan.schedule
        ends = VirtualTime(microseconds: settings.duration + 120_000_000)
        chance = SplitMix64(seed: seed ^ 0x5157_4553_5449_4f4e)
        network = SimulatedNetwork(
            seed: seed, conditions: settings.profile.networkConditions, archivedMessages: 64)
        trace = Trace(keepingLast: traceLines)
        keys = SimulatedKey.all(settings)
        strict = keys.map { _ in EventBits() }
        highestNumbers = keys.map { _ in 0 }
        histories = keys.map { KeyHistory(strategy: $0.strategy) }
        var topology: Topology
        do throws(TopologyRefusal) {
            topology = try Topology.create(
                nodes: ids.map { ClusterNode(id: $0) }, partitions: settings.partitions, n: UInt8(settings.replicas))
        } catch {
            preconditionFailure("no topology for \(settings): \(error)")
        }
        topology.maximumTransitions = 2
        service = SimulatedService(topology: topology)
        for id in ids { addNode(id) }
        for index in 0..<settings.clients {
            clients.append(
                SimulatedClient(
                    habit: habits[index % habits.count], keys: keys.count, usesSessions: chance.chance(30)))
            queue.schedule(.client(index), afterMicroseconds: UInt64(chance.below(Int(settings.pause))))
        }
        for (index, step) in schedule.enumerated() { queue.schedule(.fault(index), at: step.time) }
        queue.schedule(.quiet, at: VirtualTime(microseconds: settings.duration))
        queue.schedule(.observe, afterMicroseconds: 100_000)
        queue.schedule(.operate, afterMicroseconds: 300_000)
    }

    /// Runs to the end, or to the first violation.
    package mutating func run() {
        while violations.isEmpty, let (time, event) = queue.takeNext(notAfter: ends) {
            counts.events += 1
            hash.combine(time)
            perform(event)
            if case .converged = event, checkEnd() { break }
        }
        counts.simulated = queue.now.microseconds
        counts.network = network.statistics
    }

    var now: VirtualTime { queue.now }

    mutating func violated(_ kind: Violation.Kind, _ text: String) {
        guard violations.isEmpty else { return }
        let violation = Violation(kind: kind, time: now, text: text)
        violations.append(violation)
        trace.record(now, "VIOLATION \(violation.kind.rawValue): \(violation.text)")
    }

    // MARK: Events

    private mutating func perform(_ event: Event) {
        switch event {
        case .deliver(let bytes, let from, let to): deliver(bytes, from: from, to: to)
        case .tick(let index, let process):
            guard nodes[index].process?.number == process else { return }
            step(index, .tick)
            queue.schedule(.tick(index, process: process), afterMicroseconds: 100_000)
        case .synchronized(let index, let process): synchronized(index, process: process)
        case .start(let index): start(index)
        case .fault(let index): inject(schedule[index].fault)
        case .client(let index): clientActs(index)
        case .clientTimeout(let index, let number): clientGivesUp(index, number: number)
        case .configure(let request, let node):
            if isCutOff(node) { return }
            let before = service.topology
            service.handle(request, from: node)
            if service.topology != before { publish(since: before) }
        case .view(let view, let fallbacks, let index, let process):
            guard nodes[index].process?.number == process, !service.isAway, !isCutOff(nodes[index].id) else { return }
            step(index, .view(view, fallbacks: fallbacks))
        case .observe:
            observe()
            queue.schedule(.observe, afterMicroseconds: 200_000)
        case .operate:
            operate()
            queue.schedule(.operate, afterMicroseconds: 300_000)
        case .quiet: beginQuiet()
        case .converged: queue.schedule(.converged, afterMicroseconds: 500_000)
        }
    }

    // MARK: Nodes

    mutating func addNode(_ id: NodeID) {
        machines[id] = nodes.count
        nodes.append(
            SimulatedNode(
                id: id, seed: chance.next(), clockOffset: Int64(chance.below(100)) - 50,
                synchronizationTime: 200 + UInt64(chance.below(3_000))))
        for index in suspicions.indices { suspicions[index].append(false) }
        suspicions.append(Array(repeating: false, count: nodes.count))
        queue.schedule(.start(nodes.count - 1), afterMicroseconds: 1)
    }

    func index(of node: NodeID) -> Int? { nodes.firstIndex { $0.id == node } }

    /// Starts a process on a machine, if none runs.
    private mutating func start(_ index: Int) {
        guard nodes[index].process == nil, !nodes[index].isGone else { return }
        let id = nodes[index].id
        guard let generation = service.registerStart(of: id) else {
            queue.schedule(.start(index), afterMicroseconds: 500_000)
            return
        }
        nodes[index].disk.start()
        // Right after a start most objects are on the disk only.
        nodes[index].disk.setMemoryCold(chance.chance(40))
        let topology = service.topology
        let store = ObjectStore(engine: nodes[index].disk, byteLimit: 1_024)
        do throws(StorageError) {
            let node = try ReplicaNode(
                id: id, generation: generation, store: store, settings: nodeSettings,
                views: (0..<topology.partitions).compactMap(topology.view(of:)),
                fallbacks: topology.fallbacks(of:), isTrusted: nodes[index].isTrusted,
                now: nodes[index].monotonic(at: now), wall: nodes[index].wall(at: now))
            nodes[index].processes += 1
            nodes[index].process = SimulatedNode.Process(number: nodes[index].processes, store: store, node: node)
            nodes[index].isTrusted = true
            nodes[index].durableClocks = [:]
            for partition in node.partitions {
                nodes[index].durableClocks[partition.replica.partition] = partition.replica.clock
            }
            trace.record(now, "\(id) starts, generation \(generation)")
            events.restarted(index, node) { key, position in histories[key].forget(position) }
            for other in nodes.indices { suspicions[index][other] = false }
            step(index, .tick)
            queue.schedule(
                .tick(index, process: nodes[index].processes), afterMicroseconds: UInt64(chance.below(100_000)))
        } catch {
            trace.record(now, "\(id) cannot start: \(error)")
            if case .corrupt = error {
                // A person gives the machine an empty disk.
                nodes[index].disk.vanish()
                lostDisk(index)
            }
            queue.schedule(.start(index), afterMicroseconds: 300_000)
        }
    }

    private var nodeSettings: NodeSettings {
        NodeSettings(
            replicas: settings.replicas, maximumSkew: 500, siblingLimit: 100, objectsPerTransfer: 1,
            hash: { SimulatedKey.hash($0) },
            rules: { ConflictRules(SimulatedKey.strategy(ofAddress: $0)) },
            conflictLogging: SimulatedKey.conflictLogging)
    }

    /// Feeds a node one input, commits what it stages, and holds back what it wants done until that is durable.
    mutating func step(_ index: Int, _ input: NodeInput) {
        guard var process = nodes[index].process else { return }
        nodes[index].process = nil
        var effects: [NodeEffect] = []
        let fences = FenceState(input, process.node)
        process.node.step(
            input, now: nodes[index].monotonic(at: now), wall: nodes[index].wall(at: now), into: &effects)
        process.node.endTick()
        counts.steps += 1
        let armed = nodes[index].armedCrash
        if let armed, process.store.hasStagedChanges, chance.chance(30) {
            nodes[index].process = process
            register(effects, index)
            crash(index, armed)
            return
        }
        do throws(StorageError) {
            let sequence = try process.store.commit()
            process.held.append((sequence, effects))
            nodes[index].process = process
            register(effects, index)
            check(input, effects, index)
            if let fences { checkFences(fences, effects, index) }
            if armed != nil, process.store.lastCommit > process.store.lastSynchronized {
                crash(index, armed ?? .process)
                return
            }
        } catch {
            nodes[index].process = process
            register(effects, index)
            trace.record(now, "\(nodes[index].id) cannot commit: \(error)")
            counts.failedCommits += 1
            // The shell drops the node's memory, reopens the storage and begins anew. What was kept, the disk will tell.
            crash(index, .process)
            if case .full = error {} else { nodes[index].isTrusted = false }
            queue.schedule(.start(index), afterMicroseconds: 200_000)
            return
        }
        release(index)
    }

    /// Does what waits for nothing any more, and begins a synchronization if something waits.
    private mutating func release(_ index: Int) {
        guard let process = nodes[index].process else { return }
        let durable =
            PlantedFault.answeredBeforeDurable.isActive ? process.store.lastCommit : process.store.lastSynchronized
        var ready: [NodeEffect] = []
        var waiting = process.held[...]
        while let first = waiting.first, first.after <= durable {
            ready += first.effects
            waiting.removeFirst()
        }
        nodes[index].process?.held = Array(waiting)
        if process.store.lastCommit > process.store.lastSynchronized, !process.isSynchronizing {
            nodes[index].process?.isSynchronizing = true
            queue.schedule(
                .synchronized(index, process: process.number), afterMicroseconds: nodes[index].synchronizationTime)
        }
        for effect in ready { perform(effect, of: index) }
    }

    private mutating func synchronized(_ index: Int, process number: Int) {
        guard let process = nodes[index].process, process.number == number else { return }
        do throws(StorageError) {
            try nodes[index].disk.synchronize()
            process.store.markSynchronized(upTo: process.store.lastCommit)
            nodes[index].process?.isSynchronizing = false
            for partition in process.node.partitions {
                nodes[index].durableClocks[partition.replica.partition] = partition.replica.clock
            }
            events.confirm(index)
            release(index)
        } catch {
            trace.record(now, "\(nodes[index].id) cannot synchronize: \(error)")
            crash(index, .process)
            nodes[index].isTrusted = false
            queue.schedule(.start(index), afterMicroseconds: 200_000)
        }
    }

    private mutating func perform(_ effect: NodeEffect, of index: Int) {
        switch effect {
        case .send(let message, let receiver): send(message, from: index, to: receiver)
        case .reply(let token, let reply):
            clientIsAnswered(Int(token >> 40), number: token & 0xFF_FFFF_FFFF, reply, by: index)
        case .configure(let request):
            queue.schedule(
                .configure(request, from: nodes[index].id), afterMicroseconds: 1_000 + UInt64(chance.below(20_000)))
        case .alarm(let alarm): alarmed(alarm, by: index)
        case .coordinated, .salvaged: break
        }
    }

    mutating func crash(_ index: Int, _ kind: CrashKind) {
        nodes[index].armedCrash = nil
        guard nodes[index].process != nil else { return }
        nodes[index].process = nil
        let report = nodes[index].disk.crash(kind)
        if kind == .power { nodes[index].isTrusted = false }
        if report.brokenPromises > 0 { lostDisk(index) }
        trace.record(now, "\(nodes[index].id) crashes (\(kind)), \(report.lostBatches) batches lost")
        hash.combine(UInt64(index))
    }

    // MARK: Messages

    private mutating func send(_ message: PeerMessage, from index: Int, to receiver: NodeID) {
        let bytes = message.encoded()
        hash.combine(bytes: bytes)
        let sender = nodes[index].id
        let fate = network.send(bytes, from: sender, to: receiver, at: now)
        trace.record(now, "\(sender) → \(receiver): \(message.summary)" + (fate.arrivals.isEmpty ? "  ✗" : ""))
        for arrival in fate.arrivals { queue.schedule(.deliver(bytes, from: sender, to: receiver), at: arrival) }
    }

    mutating func deliver(_ bytes: [UInt8], from sender: NodeID, to receiver: NodeID) {
        guard let index = index(of: receiver), nodes[index].process != nil else { return }
        do throws(MalformedBytes) {
            step(index, .message(try PeerMessage(encoded: bytes), from: sender))
        } catch {
            violated(.codec, "\(sender) → \(receiver): \(error)")
        }
    }

    // MARK: The configuration service

    /// Whether a node is on the wrong side of a cut: the configuration service is with the majority.
    private func isCutOff(_ node: NodeID) -> Bool {
        let others = nodes.filter { $0.id != node && !$0.isGone }
        let reached = others.count {
            !network.isBlocked(from: node, to: $0.id) && !network.isBlocked(from: $0.id, to: node)
        }
        return (reached + 1) * 2 <= others.count + 1 && !others.isEmpty
    }

    /// Tells every running node everything: an operator has just changed something.
    mutating func publishAll() {
        for index in nodes.indices {
            guard let node = nodes[index].process?.node else { continue }
            for partition in 0..<service.topology.partitions {
                if let view = service.topology.view(of: partition), node.isBehind(view) { tell(index, view) }
            }
        }
    }

    /// Tells the running nodes what has changed. A word to a node may come late, so that it is overtaken by a later one.
    private mutating func publish(since before: Topology) {
        for partition in 0..<service.topology.partitions {
            guard let view = service.topology.view(of: partition), view != before.view(of: partition) else { continue }
            trace.record(now, "service: \(view.summary)")
            for index in nodes.indices { tell(index, view) }
        }
    }

    private mutating func tell(_ index: Int, _ view: PartitionView) {
        guard let process = nodes[index].process else { return }
        let delay = 1_000 + UInt64(chance.below(chance.chance(10) ? 800_000 : 30_000))
        queue.schedule(
            .view(
                view, fallbacks: service.topology.fallbacks(of: view.partition), to: index, process: process.number),
            afterMicroseconds: delay)
    }

    /// The failure detectors, and the service's watches, which come back after an outage.
    private mutating func observe() {
        if isMending, unfinished(exceptRequests: true) == nil { isMending = false }
        for observer in nodes.indices {
            guard let process = nodes[observer].process else { continue }
            for subject in nodes.indices where subject != observer {
                let isDown =
                    nodes[subject].process == nil
                    || network.isBlocked(from: nodes[observer].id, to: nodes[subject].id)
                    || network.isBlocked(from: nodes[subject].id, to: nodes[observer].id)
                // It takes two looks, or more, to believe it.
                guard isDown != suspicions[observer][subject], chance.chance(50) else { continue }
                suspicions[observer][subject] = isDown
                step(observer, .reachable(nodes[subject].id, !isDown))
                guard nodes[observer].process != nil else { break }
            }
            if !service.isAway, chance.chance(20), nodes[observer].process != nil {
                for partition in 0..<service.topology.partitions {
                    if let view = service.topology.view(of: partition), process.node.isBehind(view) {
                        tell(observer, view)
                    }
                }
            }
        }
    }
}
