import KindredReplication
import KindredTesting

/// One cluster under one workload: in one thread, in virtual time, over the simulator's network. The same for the real
/// core and for the baselines; what differs is the cluster.
///
///     workload ──► clients ──► a node's step ──► messages ──► network ──► steps ──► …
///                                  │
///                                  └──► answers, and what replicas have after each step ──► history, measures
///
/// Everything follows from the settings: the same settings give the same run, to the last byte.
package struct LabRun<Cluster: LabCluster> {
    private enum Event {
        case begin(Int)
        case write(Int)
        case deliver([UInt8], from: Int, to: Int, about: [Int], sent: VirtualTime)
        case tick(Int)
        case reminder(Int, to: Int)
        case cut
        case heal
        case detect(isCut: Bool)
        case look
    }

    package let settings: LabSettings
    package let timeline: LabTimeline
    package let workload: [LabOperation]
    package private(set) var cluster: Cluster
    private var queue = EventQueue<Event>()
    private var network: SimulatedNetwork
    private let clocks: [SimulatedClock]

    var history: LabHistory
    /// What each operation's client was shown, and what it carries.
    private var readings: [Reading?]
    var measures = LabMeasures()
    var record: LabRecord
    /// What each replica has of each key: by node, then by key.
    private(set) var held: [[LabHolding]]
    /// When the replicas were last seen to differ.
    private var lastDifference: VirtualTime?
    private var networkBefore = NetworkStatistics()

    private struct Reading {
        var seen: EventBits
        var context: Cluster.Context
    }

    /// How long it is quiet at the end at least: longer than tombstones live, and some rounds of anti-entropy.
    private static var quiet: UInt64 { 6_000_000 }
    /// Who has not converged by then never will.
    private static var patience: UInt64 { 60_000_000 }
    private static var lookInterval: UInt64 { 20_000 }
    /// A failure detector needs a while.
    private static var detection: UInt64 { 300_000 }

    /// Sets a run up.
    ///
    /// - Parameter isRecorded: whether messages and answers are kept, for drawing.
    package init(_ settings: LabSettings, workload: [LabOperation], cluster: Cluster, isRecorded: Bool = false) {
        self.settings = settings
        self.workload = workload
        self.cluster = cluster
        timeline = LabTimeline(settings)
        let lag = settings.lag * 1_000
        network = SimulatedNetwork(
            seed: settings.seed,
            conditions: NetworkConditions(baseLatency: lag / 2...max(lag * 3 / 4, 100), jitter: lag / 4))
        clocks = (0..<settings.replicas).map { SimulatedClock(offsetMilliseconds: settings.clockOffset(of: $0)) }
        history = LabHistory(operations: workload.count)
        readings = Array(repeating: nil, count: workload.count)
        record = LabRecord(isKept: isRecorded)
        held = Array(
            repeating: Array(repeating: LabHolding(), count: settings.keys), count: settings.replicas)
        for operation in workload { queue.schedule(.begin(operation.id), at: operation.time) }
        for node in 0..<settings.replicas {
            queue.schedule(.tick(node), at: VirtualTime(milliseconds: UInt64(node) * 7))
        }
        if let cut = timeline.cut, let healed = timeline.healed {
            queue.schedule(.cut, at: cut)
            queue.schedule(.detect(isCut: true), at: cut.advanced(byMicroseconds: Self.detection))
            queue.schedule(.heal, at: healed)
            queue.schedule(.detect(isCut: false), at: healed.advanced(byMicroseconds: Self.detection))
        }
        queue.schedule(.look, at: timeline.calm)
    }

    /// Runs until everything is quiet, and judges.
    package mutating func run() {
        while !isOver, let (_, event) = queue.takeNext() { perform(event) }
        judge()
    }

    private var isOver: Bool {
        let end = timeline.ends.advanced(byMicroseconds: Self.quiet)
        guard queue.now >= end else { return false }
        if queue.now >= timeline.ends.advanced(byMicroseconds: Self.patience) { return true }
        return queue.now.microseconds(since: lastDifference ?? .zero) >= Self.quiet
    }

    /// Whether every replica has the same values of every key.
    var isConverged: Bool {
        held.dropFirst().allSatisfy { node in zip(node, held[0]).allSatisfy { $0.values == $1.values } }
    }

    var convergence: UInt64? {
        guard let lastDifference else { return 0 }
        return lastDifference.microseconds(since: timeline.calm)
    }

    // MARK: Events

    private mutating func perform(_ event: Event) {
        switch event {
        case .begin(let id): begin(workload[id])
        case .write(let id): write(workload[id])
        case .deliver(let bytes, let from, let to, let about, let sent):
            record.delivered(about, from: from, to: to, sent: sent, at: queue.now)
            step(to, .message(bytes, from: from))
        case .tick(let node):
            step(node, .tick)
            queue.schedule(.tick(node), afterMicroseconds: 100_000)
        case .reminder(let number, let node): step(node, .reminder(number))
        case .cut:
            let nodes = (0..<settings.replicas).map(NodeID.init(position:))
            network.partition([Array(nodes[..<settings.minority]), Array(nodes[settings.minority...])])
        case .heal: network.heal()
        case .detect(let isCut): detect(isCut)
        case .look: look()
        }
    }

    private mutating func detect(_ isCut: Bool) {
        for node in 0..<settings.replicas {
            for other in 0..<settings.replicas where isMinority(node) != isMinority(other) {
                step(node, .reachable(other, !isCut))
            }
        }
    }

    func isMinority(_ node: Int) -> Bool { node < settings.minority }

    private mutating func look() {
        if queue.now == timeline.calm { measureAtCalm() }
        if let resumes = timeline.calmEnds, queue.now >= resumes, queue.now < timeline.ends {
            // Clients work again, so that replicas differ all the time.
            if measures.convergence.isEmpty {
                measures.convergence = [isConverged ? convergence : nil]
                if isConverged { findResurrected() }
            }
        } else if !isConverged {
            lastDifference = queue.now.advanced(byMicroseconds: Self.lookInterval)
        }
        queue.schedule(.look, afterMicroseconds: Self.lookInterval)
    }

    private mutating func measureAtCalm() {
        for node in held.indices {
            for key in held[node].indices {
                let holding = cluster.holding(key, at: node)
                if holding.metadataBytes == 0 { continue }
                measures.metadataBytes += holding.metadataBytes
                measures.metadataKeys += 1
            }
        }
    }

    // MARK: Clients

    private mutating func begin(_ operation: LabOperation) {
        if operation.id == 0 { networkBefore = network.statistics }
        guard operation.readsFirst else { return write(operation) }
        measures.asked(on: side(of: operation))
        step(operation.node, .read(key: operation.key, token: operation.id * 2))
    }

    private mutating func write(_ operation: LabOperation) {
        measures.writesAsked += 1
        measures.asked(on: side(of: operation))
        record.asked(operation, at: queue.now)
        let write = LabWrite(
            id: operation.id, client: operation.client, key: operation.key, isDelete: operation.kind == .delete,
            context: readings[operation.id]?.context)
        step(operation.node, .write(write, token: operation.id * 2 + 1))
    }

    /// Which side of the cut an operation of that time is on; nil if it begins at another time.
    private func side(of operation: LabOperation) -> LabSide? {
        guard timeline.isCut(operation.time) else { return nil }
        return isMinority(operation.node) ? .minority : .majority
    }

    private mutating func answered(_ token: Int, _ answer: LabAnswer<Cluster.Context>) {
        let operation = workload[token / 2]
        if case .unavailable = answer {
            measures.unavailable += 1
        } else {
            measures.served(on: side(of: operation))
        }
        switch answer {
        case .shown(let shown): self.shown(shown, operation)
        case .acknowledged:
            measures.acknowledged += 1
            history.acknowledged(operation.id)
        case .unchanged: measures.unchanged += 1
        case .refused:
            measures.refused += 1
            record.fates[operation.id] = .refused
        case .unavailable:
            if token % 2 == 1, history[operation.id] == nil { record.fates[operation.id] = .unavailable }
        }
        record.answered(operation, isWrite: token % 2 == 1, answer, at: queue.now)
    }

    private mutating func shown(_ shown: LabShown<Cluster.Context>, _ operation: LabOperation) {
        let falseOnes = history.falseSiblings(shown.values)
        measures.shown(shown.values.count, false: falseOnes.count, contextBytes: shown.contextBytes)
        if let first = falseOnes.first { record.foundFalse(first, among: shown.values, operation, at: queue.now) }
        guard operation.isWrite else { return }
        readings[operation.id] = Reading(
            seen: history.closure(of: shown.values + shown.deletes), context: shown.context)
        queue.schedule(.write(operation.id), afterMicroseconds: operation.thought)
    }

    // MARK: Steps

    private mutating func step(_ node: Int, _ input: LabInput<Cluster.Context>) {
        let now = queue.now
        let moment = LabMoment(
            time: now, wall: clocks[node].wallMilliseconds(at: now),
            isCutOff: timeline.isCut(now) && isMinority(node))
        var effects: [LabEffect<Cluster.Context>] = []
        cluster.step(node, input, at: moment, into: &effects)
        var happened: [Int] = []
        var changed: [Int] = []
        for effect in effects {
            switch effect {
            case .happened(let write):
                happened.append(write)
                history.happened(
                    workload[write], seen: readings[write]?.seen ?? EventBits(), at: now, node: node)
            case .changed(let key): if !changed.contains(key) { changed.append(key) }
            case .send, .answer, .remind: break
            }
        }
        for key in changed { compare(key, at: node, happened) }
        for effect in effects {
            switch effect {
            case .send(let bytes, let receiver, let about): send(bytes, from: node, to: receiver, about: about)
            case .answer(let token, let answer): answered(token, answer)
            case .remind(let number, let receiver, let delay):
                queue.schedule(.reminder(number, to: receiver), afterMicroseconds: delay)
            case .happened, .changed: break
            }
        }
    }

    private mutating func send(_ bytes: [UInt8], from node: Int, to receiver: Int, about: [Int]) {
        let fate = network.send(bytes, from: NodeID(position: node), to: NodeID(position: receiver), at: queue.now)
        if fate.arrivals.isEmpty { record.blocked(about, from: node, to: receiver, at: queue.now) }
        for arrival in fate.arrivals {
            queue.schedule(
                .deliver(bytes, from: node, to: receiver, about: about, sent: queue.now), at: arrival)
        }
        if queue.now <= timeline.ends {
            measures.messages = network.statistics.sent - networkBefore.sent
            measures.bytes = network.statistics.bytes - networkBefore.bytes
        }
    }

    /// Looks at what a replica has of a key, and takes down what it has dropped without anybody having replaced it.
    private mutating func compare(_ key: Int, at node: Int, _ happened: [Int]) {
        let before = held[node][key]
        let after = cluster.holding(key, at: node)
        held[node][key] = after
        let arrived = happened.filter { workload[$0].key == key && workload[$0].kind == .put }
        let gone = (before.values + arrived).filter { !after.values.contains($0) }
        for write in gone where !history.isReplacedKnowingly(write) {
            record.dropped(
                LabDrop(time: queue.now, node: node, write: write, holding: after.values + after.tombstones))
        }
        if after.values != before.values { record.changed(key, at: node, after.values, queue.now) }
    }
}

extension NodeID {
    /// The name of the node at a position of the lab's cluster.
    fileprivate init(position: Int) { self.init(UInt32(position + 1)) }
}
