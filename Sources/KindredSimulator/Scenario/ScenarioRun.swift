import KindredModel
import KindredReplication
import KindredStorage

extension Scenario {
    /// Runs the scenario through the replication core.
    ///
    /// The replicas are the real ones over stores in memory, every message and every context passes through its bytes,
    /// and nothing depends on anything but the arguments.
    ///
    /// - Returns: nil for data types, which the core does not have.
    package func run(_ scenarioStrategy: ScenarioStrategy, clock: ScenarioClock) -> ScenarioResult? {
        guard let strategy = scenarioStrategy.strategy else { return nil }
        var outcomes: [ScenarioStepOutcome] = []
        do {
            var run = try ScenarioRun(self, strategy, clock)
            for (index, step) in steps.enumerated() {
                if let outcome = try run.take(step, at: index) {
                    outcomes.append(ScenarioStepOutcome(index: index, outcome: outcome))
                }
            }
            let final = try run.converge(after: steps.count)
            return ScenarioResult(
                id: id, strategy: scenarioStrategy, steps: outcomes, final: .agreed(final),
                lost: try run.reportedLosses())
        } catch {
            return ScenarioResult(
                id: id, strategy: scenarioStrategy, steps: outcomes, final: .failed(why: ScenarioRun.words(error)))
        }
    }
}

/// A scenario under way.
///
/// The clients' steps are in `+Clients`, what replicas and fallbacks tell each other in `+Messages`, new incarnations
/// in `+Incarnations`, the leader of version numbers in `+Leader`, and the end in `+Convergence`.
struct ScenarioRun {
    let scenario: Scenario
    let strategy: ConflictStrategy
    let clock: ScenarioClock

    var replicas: [ScenarioReplica]
    /// What each fallback holds: encoded hints, in the order in which they came.
    var fallbacks: [[[UInt8]]]
    var network: ScenarioNetwork
    var view: PartitionView
    /// Actors are handed out in order, and never twice.
    var nextActor: UInt32
    /// Whether an incarnation has been replaced.
    var hasReplacedIncarnation = false
    /// The latest timestamp that a write was given.
    var latestTimestamp = HybridTimestamp.zero

    /// What clients carry: tokens by name.
    var contexts: [String: [UInt8]] = [:]
    /// What the put or delete of a name told the others.
    var messages: [String: ScenarioMessage] = [:]
    var backups: [String: ScenarioBackup] = [:]

    var leadership: ScenarioLeadership
    var nextExchange: UInt64 = 0
    /// The time before the step that is under way, in milliseconds, without any replica's offset.
    var now: UInt64

    static let partition: UInt16 = 0

    init(_ scenario: Scenario, _ strategy: ConflictStrategy, _ clock: ScenarioClock) throws(StorageError) {
        self.scenario = scenario
        self.strategy = strategy
        self.clock = clock
        now = clock.time(before: 0)
        let members = scenario.replicas.indices.map { index in
            ReplicaMember(
                node: NodeID(UInt32(index + 1)), actor: ActorID(UInt32(index + 1)), role: .voter, counterCeiling: .max)
        }
        view = PartitionView(partition: Self.partition, epoch: 1, members: members)
        nextActor = UInt32(members.count + 1)
        replicas = []
        for member in members {
            replicas.append(
                try ScenarioReplica(node: member.node, actor: member.actor, view: view, backup: nil, floor: .zero))
        }
        fallbacks = scenario.fallbacks.map { _ in [] }
        network = ScenarioNetwork(nodes: members.count + fallbacks.count)
        leadership = ScenarioLeadership(leader: scenario.leader, members: Array(members.indices))
    }

    /// Does one step.
    ///
    /// - Returns: what became of it; nil for what nobody is answered: it cannot fail.
    mutating func take(_ step: ScenarioStep, at index: Int) throws -> ScenarioOutcome? {
        now = clock.time(before: index)
        switch step {
        case .get(let at, let key, let bind, let repair):
            return try get(key, at: at, bind: bind, repair: repair)
        case .put(let at, let value, let key, let context, let bind):
            let content = ObjectContent(value: Array(value.text.utf8)).encoded()
            return try write(content[...], to: key, at: at, context: context, bind: bind)
        case .delete(let at, let key, let context, let bind):
            return try write(nil, to: key, at: at, context: context, bind: bind)
        case .dataType:
            throw ScenarioFailure("\(strategy.rawValue) has no operations of data types")
        case .replicate(let message, let to): return try replicate(message, to: to)
        case .hint(let message, let to): return try hint(message, at: to)
        case .handoff(let from, let to, let keep): return try handOff(from, to: to, keep: keep)
        case .pull(let from, let to): return try pullIfReachable(by: to, from: from)
        case .exchange(let left, let right): return try exchange(left, right)
        case .failover(let to): return try failOver(to: to)
        case .partition(let groups): network.divide(groups)
        case .heal: network.heal()
        case .skew(let at, let milliseconds): replicas[at].skew = milliseconds
        case .amnesia(let at): try loseDisk(of: at)
        case .snapshot(let at, let name): backups[name] = try replicas[at].backup()
        case .restore(let at, let name):
            guard let backup = backups[name] else { throw ScenarioFailure("there is no backup \(name)") }
            try restart(at, from: backup)
        case .prune(let at): try prune(at)
        }
        return nil
    }

    // MARK: What replicas depend on

    /// A replica's physical clock, in milliseconds. It does not go below zero.
    func wall(of replica: Int) -> UInt64 {
        let skew = replicas[replica].skew
        return skew < 0 ? now - min(now, skew.magnitude) : now + skew.magnitude
    }

    func surroundings(of replica: Int) -> MergeSurroundings {
        MergeSurroundings(
            wall: wall(of: replica), maximumSkew: scenario.maximumSkew ?? .max, hash: Self.hash,
            rules: { [strategy] _ in ConflictRules(strategy) }, logging: Self.conflictLogging)
    }

    /// Scenarios keep a conflict log, as servers do.
    static let conflictLogging = ConflictLogging(hash: { hash($0) }, digest: { _ in [] })

    func objectKey(_ key: String) throws(ScenarioFailure) -> ObjectKey {
        let bucket: [UInt8] = Array("scenario".utf8)
        let bytes = Array(key.utf8)
        let placed = bucket.withUnsafeBytes { bucket in
            bytes.withUnsafeBytes { key in
                ObjectKey(bucketType: 1, bucket: bucket, key: key, partitions: 1, hash: Self.hash)
            }
        }
        guard let placed else { throw ScenarioFailure("no place for the key \(key)") }
        return placed
    }

    /// FNV-1a, finished with the mixer of MurmurHash3, because the cache uses the low bits.
    static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        hash ^= hash >> 33
        hash = hash &* 0xff51_afd7_ed55_8ccd
        return hash ^ hash >> 33
    }

    mutating func exchangeID() -> UInt64 {
        nextExchange += 1
        return nextExchange
    }

    static func words(_ error: any Error) -> String {
        switch error {
        case let error as MalformedBytes: "malformed message: \(error.reason)"
        case let error as StorageError: "storage: \(error)"
        default: "\(error)"
        }
    }
}

/// What a coordinator has to tell the others of one write.
struct ScenarioMessage {
    /// Who coordinated it, and sends it.
    let sender: Int
    /// An encoded `Replicate`.
    let bytes: [UInt8]
}
