package import KindredModel
import KindredReplication
import KindredStorage

/// The real core in the lab: `ReplicaNode`s, whose messages go through the real codec, over an engine in memory.
/// Commits are durable at once: what disks do is the simulator's subject, not the lab's.
package struct CoreCluster: LabCluster {
    package typealias Context = Knowledge

    struct Member {
        let id: NodeID
        let store: ObjectStore
        var node: ReplicaNode
    }

    private let strategy: ConflictStrategy
    private let settings: LabSettings
    private let addresses: [[UInt8]]
    private(set) var members: [Member] = []
    private var service: SimulatedService
    /// Which write has which dot. Only looked up.
    private(set) var writes: [Dot: Int] = [:]
    /// The deletes of each key. What they have removed can be seen, but not they.
    private var deletes: [[(dot: Dot, write: Int)]]
    /// Which key a read is about, by its token. Only looked up.
    private var reading: [UInt64: Int] = [:]
    /// News of the service on their way: a reminder's number is a position here.
    private var news: [PartitionView] = []

    /// How long the service takes to answer, in virtual microseconds.
    private static let serviceTime: UInt64 = 20_000
    private static let requestTimeout: UInt64 = 3_000
    /// The lab's values are short enough to be remembered whole, so no digest is ever asked for.
    private static let logging = ConflictLogging(
        hash: { SimulatedKey.hash($0) }, digest: { SimulatedKey.conflictLogging.digest($0) })

    package init(_ strategy: ConflictStrategy, _ settings: LabSettings) {
        self.strategy = strategy
        self.settings = settings
        let all = SimulatedKey.all(
            SimulationSettings(partitions: 1, keysPerStrategy: settings.keys, strategies: [strategy]))
        addresses = all.map(\.address)
        deletes = all.map { _ in [] }
        let ids = (0..<settings.replicas).map { NodeID(UInt32($0 + 1)) }
        do throws(TopologyRefusal) {
            service = SimulatedService(
                topology: try Topology.create(
                    nodes: ids.map { ClusterNode(id: $0) }, partitions: 1, n: UInt8(settings.replicas)))
        } catch {
            preconditionFailure("no topology for \(settings.replicas) nodes: \(error)")
        }
        for index in ids.indices { start(ids[index], at: index) }
    }

    private mutating func start(_ id: NodeID, at index: Int) {
        let generation = service.registerStart(of: id) ?? 1
        let store = ObjectStore(engine: MemoryStorageEngine(), byteLimit: 1 << 20)
        let nodeSettings = NodeSettings(
            replicas: settings.replicas, hash: { SimulatedKey.hash($0) },
            rules: { ConflictRules(SimulatedKey.strategy(ofAddress: $0)) }, conflictLogging: Self.logging)
        do throws(StorageError) {
            let node = try ReplicaNode(
                id: id, generation: generation, store: store, settings: nodeSettings,
                views: service.topology.view(of: 0).map { [$0] } ?? [], fallbacks: service.topology.fallbacks(of:),
                isTrusted: true, now: 0, wall: SimulatedClock.epochMilliseconds)
            members.append(Member(id: id, store: store, node: node))
        } catch {
            preconditionFailure("an engine in memory has failed: \(error)")
        }
    }

    // MARK: Steps

    package mutating func step(
        _ node: Int, _ input: LabInput<Knowledge>, at moment: LabMoment, into effects: inout [LabEffect<Knowledge>]
    ) {
        if case .read(let key, let token) = input { reading[UInt64(token)] = key }
        guard let input = nodeInput(input) else { return }
        var wanted: [NodeEffect] = []
        members[node].node.step(input, now: moment.monotonic, wall: moment.wall, into: &wanted)
        members[node].node.endTick()
        do throws(StorageError) {
            members[node].store.markSynchronized(upTo: try members[node].store.commit())
        } catch {
            preconditionFailure("an engine in memory has failed: \(error)")
        }
        for effect in wanted { take(effect, node, moment, into: &effects) }
        for key in touched(by: input) { effects.append(.changed(key: key)) }
    }

    private func nodeInput(_ input: LabInput<Knowledge>) -> NodeInput? {
        switch input {
        case .read(let key, let token): return .client(request(key, .get), token: UInt64(token))
        case .write(let write, let token):
            let content = write.isDelete ? nil : LabValue.bytes(write.id)[...]
            let operation = ClientRequest.Operation.write(
                ClientWrite(content: content, seen: write.context), precondition: .none,
                request: ClientRequestID(client: UInt64(write.client), number: UInt64(write.id)))
            return .client(request(write.key, operation), token: UInt64(token))
        case .message(let bytes, let sender):
            guard let message = try? PeerMessage(encoded: bytes) else { return nil }
            return .message(message, from: members[sender].id)
        case .reachable(let other, let isReachable): return .reachable(members[other].id, isReachable)
        case .tick: return .tick
        case .reminder(let number):
            guard news.indices.contains(number) else { return nil }
            return .view(news[number], fallbacks: service.topology.fallbacks(of: 0))
        }
    }

    private func request(_ key: Int, _ operation: ClientRequest.Operation) -> ClientRequest {
        let asked = UInt8(settings.quorum.count(of: settings.replicas))
        return ClientRequest(
            partition: 0, address: addresses[key], strategy: strategy, operation: operation,
            quorums: RequestQuorums(n: UInt8(settings.replicas), r: asked, w: asked), timeout: Self.requestTimeout)
    }

    private mutating func take(
        _ effect: NodeEffect, _ node: Int, _ moment: LabMoment, into effects: inout [LabEffect<Knowledge>]
    ) {
        switch effect {
        case .send(let message, let receiver):
            guard let to = members.firstIndex(where: { $0.id == receiver }) else { return }
            effects.append(.send(message.encoded(), to: to, about: keys(of: message)))
        case .reply(let token, let reply): effects.append(.answer(token: Int(token), answer(reply, token)))
        case .coordinated(let request, let write):
            coordinated(request, write, into: &effects)
        case .configure(let request):
            guard !moment.isCutOff else { return }
            let before = service.topology.view(of: 0)
            service.handle(request, from: members[node].id)
            guard let view = service.topology.view(of: 0), view != before else { return }
            news.append(view)
            for other in members.indices {
                effects.append(.remind(news.count - 1, to: other, afterMicroseconds: Self.serviceTime))
            }
        case .salvaged, .alarm: break
        }
    }

    /// The core has decided a client's write: from now on it has a dot.
    private mutating func coordinated(
        _ request: ClientRequest, _ write: CoordinatedWrite, into effects: inout [LabEffect<Knowledge>]
    ) {
        guard let dot = write.dot, case .write(let asked, _, let name) = request.operation, let name,
            let key = addresses.firstIndex(of: request.address)
        else { return }
        writes[dot] = Int(name.number)
        if asked.content == nil { deletes[key].append((dot, Int(name.number))) }
        effects.append(.happened(write: Int(name.number)))
        effects.append(.changed(key: key))
    }

    // MARK: Answers

    private mutating func answer(_ reply: ClientReply, _ token: UInt64) -> LabAnswer<Knowledge> {
        let key = reading.removeValue(forKey: token)
        switch reply {
        case .object(let object): return key.map { .shown(shown(object, $0)) } ?? .unavailable
        case .written(let written): return written.dot == nil ? .unchanged : .acknowledged
        case .refused: return .refused
        case .unavailable: return .unavailable
        }
    }

    private func shown(_ object: CausalObject, _ key: Int) -> LabShown<Knowledge> {
        let knowledge = Knowledge(
            context: object.context, timestamp: object.latestTimestamp, number: object.latestNumber)
        return LabShown(
            values: strategy.visibleVersions(of: object).compactMap { writes[$0.dot] }.sorted(),
            deletes: deletes[key].filter { object.context.contains($0.dot) }.map(\.write), context: knowledge,
            contextBytes: SimulatedToken.seal(knowledge, address: addresses[key]).count)
    }
}

// MARK: - What there is

extension CoreCluster {
    package func holding(_ key: Int, at node: Int) -> LabHolding {
        guard let (object, record) = object(addresses[key], at: node) else { return LabHolding() }
        let values = object.versions.filter { !$0.isTombstone }
        let shown = strategy.visibleVersions(of: object).count
        let payload = values.reduce(0) { $0 + ($1.content?.count ?? 0) }
        return LabHolding(
            values: values.compactMap { writes[$0.dot] }.sorted(),
            tombstones: object.versions.filter(\.isTombstone).compactMap { writes[$0.dot] }.sorted(),
            hidden: values.count - min(shown, values.count), metadataBytes: max(0, record - payload))
    }

    /// A replica's object, filled, and how long its record is.
    private func object(_ address: [UInt8], at node: Int) -> (object: CausalObject, record: Int)? {
        guard let replica = members[node].node.replica(of: 0) else { return nil }
        let store = members[node].store
        let key = ObjectKey(partition: 0, address: address) { SimulatedKey.hash($0) }
        guard case .object(let object, _) = try? replica.read(key, from: store) else { return nil }
        guard case .found(let record, _) = try? store.read(key.storage) else { return (object, 0) }
        return (object, record.count)
    }

    /// The keys that a message names.
    private func keys(of message: PeerMessage) -> [Int] {
        addresses(in: message).compactMap(addresses.firstIndex(of:))
    }

    /// The keys whose objects a step may have changed.
    private func touched(by input: NodeInput) -> [Int] {
        switch input {
        case .client(let request, _): addresses.firstIndex(of: request.address).map { [$0] } ?? []
        case .message(let message, _): keys(of: message)
        // Deadlines may let a coordinator repair its own replica.
        case .tick: Array(addresses.indices)
        case .view, .reachable, .clockAhead: []
        }
    }
}
