import KindredModel
import KindredReplication
import KindredStorage

/// Two replicas of one partition, each over a memory engine of its own. Everything that one says to the other goes
/// through the bytes of a peer message, and is counted.
struct ReplicaPair {
    /// What the two have said to each other.
    struct Traffic {
        var messages = 0
        var bytes = 0
    }

    private(set) var first: MeasuredReplica
    private(set) var second: MeasuredReplica
    var traffic = Traffic()

    /// Two empty replicas.
    init() {
        let members = (1...2).map {
            ReplicaMember(node: NodeID($0), actor: ActorID($0), role: .voter, counterCeiling: .max)
        }
        let view = PartitionView(partition: 0, epoch: 1, members: members)
        first = MeasuredReplica(actor: ActorID(1), view: view)
        second = MeasuredReplica(actor: ActorID(2), view: view)
    }

    /// The same objects on both: written at the first one, brought to the second one by a full transfer or a pull, whichever
    /// it needs. Afterwards both have forgotten what they can.
    init(keys: Int, valueBytes: Int) throws {
        self.init()
        try fill(keys: keys, valueBytes: valueBytes)
        try exchange()
        try comeToRest()
    }

    /// Writes objects at the first replica.
    mutating func fill(keys: Int, valueBytes: Int) throws {
        for number in 0..<keys { try first.write(number, valueBytes: valueBytes) }
    }

    // MARK: Exchanges

    /// Each asks the other for what it lacks, until it lacks nothing.
    mutating func exchange() throws {
        try ReplicaPair.pull(&second, from: &first, &traffic)
        try ReplicaPair.pull(&first, from: &second, &traffic)
    }

    /// One question and one answer.
    mutating func ask() throws {
        _ = try ReplicaPair.ask(&second, from: &first, &traffic)
    }

    /// The objects' digests are known, contexts are stripped and the logs pruned.
    mutating func comeToRest() throws {
        try first.settle()
        try second.settle()
        try exchange()
        first.prune()
        second.prune()
        try first.commit()
        try second.commit()
    }

    private static func ask(
        _ asker: inout MeasuredReplica, from answerer: inout MeasuredReplica, _ traffic: inout Traffic
    ) throws -> (reply: PullReply, outcome: PullOutcome) {
        guard case .pull(let request) = try carried(.pull(asker.replica.pullRequest(id: 1)), &traffic),
            case .pulled(let reply) = try carried(.pulled(try answerer.answer(request)), &traffic)
        else { throw BenchmarkFailure("a message became another one") }
        return (reply, try asker.apply(reply))
    }

    private static func pull(
        _ asker: inout MeasuredReplica, from answerer: inout MeasuredReplica, _ traffic: inout Traffic
    ) throws {
        while true {
            let (reply, outcome) = try ask(&asker, from: &answerer, &traffic)
            if outcome.needsTransfer { try transfer(&asker, from: &answerer, reply.clock, &traffic) }
            if case .nothing = reply.content { return }
        }
    }

    private static func transfer(
        _ asker: inout MeasuredReplica, from source: inout MeasuredReplica, _ goal: ReplicaClock,
        _ traffic: inout Traffic
    ) throws {
        asker.replica.beginTransfer(from: source.replica.actor, clock: goal, in: asker.store)
        while asker.replica.transfer != nil {
            guard case .transfer(let request) = try carried(.transfer(asker.replica.transferRequest(id: 1)), &traffic),
                case .transferred(let reply) = try carried(.transferred(try source.answer(request)), &traffic)
            else { throw BenchmarkFailure("a message became another one") }
            try asker.apply(reply)
        }
    }

    private static func carried(_ message: PeerMessage, _ traffic: inout Traffic) throws -> PeerMessage {
        let bytes = message.encoded()
        traffic.messages += 1
        traffic.bytes += bytes.count
        return try PeerMessage(encoded: bytes)
    }

    // MARK: Changes and checks

    /// Overwrites so many of the first replica's objects, spread over all of them, as a client does that has read them.
    ///
    /// - Returns: the bytes of the objects: their stored records and their keys.
    mutating func overwrite(_ writes: Int, of keys: Int, valueBytes: Int) throws -> Int {
        var bytes = 0
        for write in 0..<writes {
            bytes += try first.write(write * (keys / writes), valueBytes: valueBytes, isNew: false)
        }
        return bytes
    }

    /// The bytes of the first replica's objects: their stored records and their keys.
    func objectBytes() throws -> Int {
        var bytes = 0
        try first.store.engine.scan(.objects, from: [], to: nil) { key, value in
            bytes += key.count + value.count
            return .next
        }
        return bytes
    }

    /// Wants equal clocks, equal digests, and every object equal to the byte.
    func expectEqual() throws {
        guard first.replica.clock == second.replica.clock else { throw BenchmarkFailure("the clocks differ") }
        guard let digest = first.replica.digest, digest == second.replica.digest else {
            throw BenchmarkFailure("the digests differ")
        }
        var position: [UInt8] = []
        while true {
            let ours = try first.store.scan(from: position, to: nil, limit: 10_000)
            let theirs = try second.store.scan(from: position, to: nil, limit: 10_000)
            guard ours.entries.elementsEqual(theirs.entries, by: ==), ours.isComplete == theirs.isComplete else {
                throw BenchmarkFailure("the objects differ")
            }
            guard !ours.isComplete, let last = ours.entries.last else { return }
            position = last.key + [0]
        }
    }
}

/// A replica with its store and clock.
struct MeasuredReplica {
    let store = ObjectStore(engine: MemoryStorageEngine(), byteLimit: 64 << 20)
    var replica: PartitionReplica
    private var time = HybridLogicalClock()
    private static let wall: UInt64 = 1_800_000_000_000

    init(actor: ActorID, view: PartitionView) {
        replica = PartitionReplica(beginning: 0, actor: actor, view: view)
    }

    private var surroundings: MergeSurroundings {
        MergeSurroundings(wall: Self.wall, maximumSkew: Limits.maximumSkewMilliseconds, hash: fnv1a) { _ in
            ConflictRules(.versionVectors)
        }
    }

    /// Writes an object of the bucket "benchmark", whose key is the number.
    ///
    /// - Returns: the bytes of its stored record and its key.
    @discardableResult
    mutating func write(_ number: Int, valueBytes: Int, isNew: Bool = true) throws -> Int {
        let digits = String(number)
        let name = "key:" + String(repeating: "0", count: 12 - digits.count) + digits
        guard
            let bytes = KeyLayout.objectKey(
                partition: 0, bucketType: 1, bucket: Array("benchmark".utf8), key: Array(name.utf8))
        else { throw BenchmarkFailure("the bucket's name is too long") }
        let key = ObjectKey(partition: 0, address: bytes[KeyLayout.partitionLength...], hash: fnv1a)
        var seen: Knowledge?
        if !isNew, case .object(let object, _) = try replica.read(key, from: store) {
            seen = Knowledge(context: object.context, timestamp: object.latestTimestamp)
        }
        let content = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: valueBytes)
        let request = ReplicaWrite(
            key: key, write: ClientWrite(content: content[...], seen: seen), strategy: .versionVectors)
        guard case .done = try replica.write(request, wall: Self.wall, time: &time, in: store) else {
            throw BenchmarkFailure("a memory engine never needs the disk")
        }
        try commit()
        return bytes.count + (try store.engine.value(.objects, for: bytes)?.count ?? 0)
    }

    mutating func answer(_ request: PullRequest) throws -> PullReply {
        try replica.answer(request, surroundings, from: store)
    }

    func answer(_ request: TransferRequest) throws -> TransferReply {
        try replica.answer(request, surroundings, from: store)
    }

    mutating func apply(_ reply: PullReply) throws -> PullOutcome {
        let outcome = try replica.apply(reply, surroundings, time: &time, in: store)
        try commit()
        try expectFaultless(outcome)
        return outcome
    }

    mutating func apply(_ reply: TransferReply) throws {
        let outcome = try replica.apply(reply, surroundings, time: &time, in: store)
        try commit()
        try expectFaultless(outcome)
    }

    /// Goes through all objects: adds them up to the digest, and strips what can be stripped.
    mutating func settle() throws {
        var isMore = true
        while isMore {
            _ = try replica.settle(limit: Limits.unsettledKeys, surroundings, in: store)
            try commit()
            isMore = try replica.continueSurvey(limit: 10_000, in: store) || replica.backlog.unsettledKeys > 0
        }
    }

    /// Drops the log entries that both replicas have.
    mutating func prune() {
        replica.prune(in: store)
    }

    func commit() throws {
        store.markSynchronized(upTo: try store.commit())
    }

    private func expectFaultless(_ outcome: PullOutcome) throws {
        guard outcome.refused == 0, !outcome.isOwnPastUnknown, !outcome.isDamaged, outcome.merged.divergences.isEmpty
        else {
            throw BenchmarkFailure("an update was refused, or a replica is damaged")
        }
    }
}

/// FNV-1a, for the cache.
private func fnv1a(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    bytes.reduce(14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
}

/// A benchmark could not be run as it should.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
