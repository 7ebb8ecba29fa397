import KindredModel
import KindredReplication
import KindredStorage
import Logging

/// A data loop's part in a cluster: the replication core, what it wants done and may not do yet, and who waits for its answers.
///
///     requests, peers' messages, time ─► ReplicaNode.step ─► effects of this tick ─(commit, disk)─► messages, answers, wishes
///
/// Nothing of what a tick wants done happens before the tick is as durable as configured: a message must not carry what a power cut could
/// take back. The data loop says when that is. Belongs to the loop's event loop.
final class ClusterMember {
    private(set) var node: ReplicaNode
    let transport: any PeerTransport
    private let configurator: Configurator
    private let recorder: WorkloadRecorder
    let logger: Logger
    /// The newest configuration that has been taken over.
    private(set) var configuration: ClusterConfiguration
    private(set) var statistics = ClusterStatistics()

    /// What is known of the others' clocks.
    var clocks = ClockWatch()

    private var now: UInt64 = 0
    private var wall: UInt64 = 0
    /// What the tick that is under way wants done.
    private var effects: [NodeEffect] = []
    /// What waits for the disk, oldest first.
    private var held: [(after: CommitSequence, effects: [NodeEffect])] = []
    private var nextToken: UInt64 = 0
    /// Whose request has which token.
    private var waiting: [UInt64: any TickParticipant] = [:]
    private var lastAlarms: [String: UInt64] = [:]
    private(set) var transfers: TransferRate
    /// Requests for the next part of a transfer that wait, so as not to bring too much at a time.
    private var paused: [(until: UInt64, message: PeerMessage, receiver: NodeID)] = []

    init(
        node: ReplicaNode, configuration: ClusterConfiguration, transport: any PeerTransport,
        configurator: Configurator,
        transferLimit: UInt64, recorder: WorkloadRecorder, logger: Logger
    ) {
        self.recorder = recorder
        transfers = TransferRate(limit: transferLimit)
        self.node = node
        self.configuration = configuration
        self.transport = transport
        self.configurator = configurator
        self.logger = logger
    }

    /// How many requests of this node's clients wait for an answer.
    var waitingRequests: Int { waiting.count }

    // MARK: What happens

    func step(_ input: NodeInput, now: UInt64, wall: UInt64) {
        if case .message(.transferred(let reply), _) = input { transfers.received(reply, now: now) }
        if case .tick = input { resumeTransfers(now) }
        self.now = now
        self.wall = wall
        node.step(input, now: now, wall: wall, into: &effects)
    }

    /// Gives a client's request to the coordinator. The participant is enqueued again when the answer is there.
    func request(_ request: ClientRequest, for participant: any TickParticipant, now: UInt64, wall: UInt64) {
        nextToken += 1
        waiting[nextToken] = participant
        step(.client(request, token: nextToken), now: now, wall: wall)
    }

    /// Takes over a newer configuration.
    func adopt(_ newer: ClusterConfiguration, now: UInt64, wall: UInt64) {
        configuration = newer
        guard let topology = newer.topology else { return }
        for record in topology.records where node.isBehind(record.view) {
            let fallbacks = topology.fallbacks(of: record.view.partition)
            step(.view(record.view, fallbacks: fallbacks), now: now, wall: wall)
        }
        connect()
    }

    /// Tells the transport who the others are.
    func connect() {
        var peers: [NodeID: PeerAddress] = [:]
        for other in configuration.nodes {
            if let id = other.id, id != node.id { peers[id] = other.peer }
        }
        transport.setPeers(peers)
    }

    /// Sends a message that no tick has anything to do with.
    func send(_ message: PeerMessage, to node: NodeID) {
        transport.send(message, to: node)
        transport.flush()
    }

    /// Has a change of bucket types carried to all nodes, and calls `done` on no particular thread.
    func changeBucketTypes(
        _ change: @escaping @Sendable (inout BucketTypeRegistry) throws(BucketTypeError) -> BucketTypeRecord,
        then done: @escaping @Sendable (Result<Void, BucketTypeChangeFailure>) -> Void
    ) {
        let configurator = configurator
        Task { done(await configurator.changeBucketTypes(change)) }
    }

    // MARK: What is known

    private func view(of partition: UInt16) -> PartitionView? {
        configuration.topology?.view(of: partition)
    }

    /// How many replicas a key of the partition can have.
    func places(in partition: UInt16) -> Int {
        view(of: partition)?.places ?? 0
    }

    /// Whether this node has a replica of the partition that is sure of its past.
    func isSure(of partition: UInt16) -> Bool {
        guard let replica = node.replica(of: partition) else { return false }
        return replica.isSure && replica.view.member(at: node.id)?.role.isOldVoter ?? false
    }

    /// Whom to ask for what a partition holds: this node first, then the others, those last that cannot be reached.
    func replicasForReading(_ partition: UInt16, reachable: [NodeID: Bool]) -> [NodeID] {
        let voters = view(of: partition)?.members.filter(\.role.isOldVoter).map(\.node) ?? []
        let own = voters.filter { $0 == node.id }
        let others = voters.filter { $0 != node.id }
        return own + others.filter { reachable[$0] ?? true } + others.filter { !(reachable[$0] ?? true) }
    }

    /// The nodes of a partition's replicas by name.
    func preferenceList(of partition: UInt16) -> [ReplicaPlace] {
        let members = view(of: partition)?.members.filter(\.role.isOldVoter) ?? []
        return members.map { ReplicaPlace(node: configuration.name(of: $0.node), isPrimary: true) }
    }

    // MARK: The end of a tick

    func endTick() {
        node.endTick()
    }

    /// The tick's changes are committed; what it wants done waits for this commit.
    func committed(_ sequence: CommitSequence) {
        guard !effects.isEmpty else { return }
        if held.last?.after == sequence {
            held[held.count - 1].effects += effects
        } else {
            held.append((sequence, effects))
        }
        effects.removeAll(keepingCapacity: true)
    }

    /// Does what waits for nothing any more.
    ///
    /// - Parameter answered: called with each participant whose answer has come.
    func release(upTo sequence: CommitSequence, answered: (any TickParticipant, ClientReply) -> Void) {
        var ready = 0
        while ready < held.count, held[ready].after <= sequence {
            for effect in held[ready].effects { perform(effect, answered) }
            ready += 1
        }
        guard ready > 0 else { return }
        held.removeFirst(ready)
        transport.flush()
    }

    /// The storage has failed: what was to be done may rest on what is lost. Those who wait are told.
    func abandon() -> [any TickParticipant] {
        effects.removeAll()
        held.removeAll()
        paused.removeAll()
        defer { waiting.removeAll() }
        return waiting.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Goes on with a core that has been loaded anew.
    func resume(with loaded: ReplicaNode, wall: UInt64) {
        node = loaded
        // The new core must not take what the old one refused.
        node.step(.clockAhead(milliseconds: clocks.refusal), now: now, wall: wall, into: &effects)
    }

    private func perform(_ effect: NodeEffect, _ answered: (any TickParticipant, ClientReply) -> Void) {
        switch effect {
        case .send(let message, let receiver):
            if case .transfer = message, transfers.pause(now: now) > 0 {
                paused.append((now + transfers.pause(now: now), message, receiver))
            } else {
                transport.send(message, to: receiver)
            }
        case .reply(let token, let reply):
            if let participant = waiting.removeValue(forKey: token) { answered(participant, reply) }
        case .configure(let request):
            configurator.submit(request, from: node.id)
        case .coordinated(let request, let write):
            recorder.record(request, write, wall: wall)
            if case .applied(_, let discarded) = write.outcome {
                statistics.discardedVersions += UInt64(discarded.count)
            }
        case .salvaged:
            statistics.salvagedWrites += 1
        case .alarm(let alarm):
            raise(alarm)
        }
    }

    /// Counts every alarm, and logs each kind at most once a second.
    private func raise(_ alarm: NodeAlarm) {
        statistics.alarms += 1
        let (kind, text) = alarm.explanation
        let second = statistics.seconds
        if let last = lastAlarms[kind], last == second { return }
        lastAlarms[kind] = second
        logger.error("\(text)")
        statistics.lastAlarm = text
    }

    func secondHasPassed() {
        statistics.seconds += 1
        transfers.secondHasPassed()
    }

    private func resumeTransfers(_ now: UInt64) {
        guard paused.contains(where: { $0.until <= now }) else { return }
        for entry in paused where entry.until <= now { transport.send(entry.message, to: entry.receiver) }
        paused.removeAll { $0.until <= now }
        transport.flush()
    }

    func peers() -> [PeerStatus] { transport.status() }
}

/// What a node's part in the cluster has done since it started.
package struct ClusterStatistics: Sendable {
    package var discardedVersions: UInt64 = 0
    package var salvagedWrites: UInt64 = 0
    package var alarms: UInt64 = 0
    package var lastAlarm: String?
    package var seconds: UInt64 = 0

    package init() {}
}

extension NodeAlarm {
    /// A word for the kind, and the alarm in a sentence.
    var explanation: (kind: String, text: String) {
        switch self {
        case .divergence(let partition, let dot):
            ("divergence", "partition \(partition): two different writes are named \(dot); one of them is wrong")
        case .digestMismatch(let partition, let peer):
            (
                "digest",
                "partition \(partition): this replica and actor \(peer.rawValue) know the same events and hold different objects"
            )
        case .storage(let partition, let reason, let isDamaged):
            (
                "storage",
                "partition \(partition): the storage cannot be read\(isDamaged ? ", a record is damaged" : ""): \(reason)"
            )
        case .rolledBack(let partition, let actor):
            (
                "rolled back",
                "partition \(partition): the data of actor \(actor.rawValue) is an older copy; it goes on under a new id"
            )
        case .lost(let partition, let actor):
            ("lost", "partition \(partition): the data of actor \(actor.rawValue) is gone; the others send it again")
        case .discarded(let partition, let dot):
            ("discarded", "partition \(partition): the late write \(dot) lost against a newer one")
        }
    }
}
