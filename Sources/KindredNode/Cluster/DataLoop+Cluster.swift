import KindredModel
package import KindredReplication
package import KindredStorage
import Logging
import NIOCore

/// How the data loop takes part in a cluster: peers' messages and time go into ticks like requests, and what the replication core wants done
/// comes out of them once it is durable.
extension DataLoop: PeerObserver {
    var isMember: Bool {
        if case .member = role { true } else { false }
    }

    /// What this node's part in a cluster has done; nil if it has none.
    package var clusterStatistics: ClusterStatistics? {
        if case .member(let member) = role { member.statistics } else { nil }
    }

    /// Milliseconds of a clock that never goes back.
    var monotonic: UInt64 { NIODeadline.now().uptimeNanoseconds / 1_000_000 }

    /// Has `rejoin` called when the node must join its cluster anew, because the storage has failed.
    package func whenStorageFails(_ rejoin: @escaping @Sendable () -> Void) {
        cluster.rejoin = rejoin
    }

    // MARK: Coming and going

    /// Takes part in the cluster from now on, as the node with this id.
    ///
    /// - Parameter generation: how many times the node has been started, as the configuration counts.
    package func enterCluster(
        _ configuration: ClusterConfiguration, as id: NodeID, generation: UInt64, transport: any PeerTransport,
        configurator: Configurator
    ) throws(StorageError) {
        guard let topology = configuration.topology else { return }
        try MembershipRecord(clusterID: configuration.clusterID, node: id).save(in: store.engine)
        identity.clusterID = configuration.clusterID
        identity.tokenSecret = configuration.tokenSecret
        identity.partitions = topology.partitions
        try identity.save(in: store.engine)
        seal = TokenSeal(secret: configuration.tokenSecret)
        let node = try loadNode(topology, as: id, generation, isTrusted: identity.isTrusted)
        identity.isTrusted = true
        let member = ClusterMember(
            node: node, configuration: configuration, transport: transport, configurator: configurator,
            transferLimit: transferBytesPerSecond, recorder: recorder, logger: logger)
        role = .member(member)
        tellWhoIsReachable(member)
        member.connect()
        // The network may know the others' clocks already, from before the storage failed.
        member.watchClocks(now: monotonic, wall: environment.wallClock())
        cluster.isTickDue = true
        // Now, and not when there is time: the start has been counted, and the replicas' records must say so before anything else happens.
        tick()
    }

    private func loadNode(
        _ topology: Topology, as id: NodeID, _ generation: UInt64, isTrusted: Bool
    ) throws(StorageError) -> ReplicaNode {
        try ReplicaNode(
            id: id, generation: generation, store: store, settings: clusterSettings(replicas: Int(topology.n)),
            views: topology.records.map(\.view), fallbacks: topology.fallbacks(of:), isTrusted: isTrusted,
            now: monotonic,
            wall: environment.wallClock())
    }

    private func tellWhoIsReachable(_ member: ClusterMember) {
        for (id, isReachable) in cluster.reachable {
            member.step(.reachable(id, isReachable), now: monotonic, wall: environment.wallClock())
        }
    }

    /// Says why the node does not serve requests yet.
    func cannotJoin(_ reason: String) {
        if case .waiting = role { role = .waiting(reason) }
    }

    /// What tells this data directory from every other; made when it is asked for the first time.
    func directoryID() throws(StorageError) -> [UInt8] {
        let key = KeyLayout.metadataKey("node/directory")
        if let known = try store.engine.value(.metadata, for: key) { return known }
        let new = environment.randomBytes(16)
        var batch = WriteBatch()
        batch.mayUseReserve = true
        batch.put(.metadata, key: key, value: new)
        try store.engine.commit(batch)
        try store.engine.synchronize()
        return new
    }

    /// Throws if the data directory belongs to another cluster, or to another of its nodes.
    func checkDirectory(for configuration: ClusterConfiguration, _ name: String) throws {
        guard let record = try MembershipRecord.load(from: store.engine) else { return }
        guard record.clusterID == configuration.clusterID else {
            throw ClusterRefusal("the data directory belongs to another cluster of this name")
        }
        guard let owner = configuration.node(record.node), owner.name != name,
            let state = configuration.topology?.node(record.node)?.state, state != .lost
        else { return }
        throw ClusterRefusal("the data directory belongs to node '\(owner.name)', not to '\(name)'")
    }

    /// Takes over what is new in the cluster's configuration.
    package func adopt(_ news: ConfigurationNews) {
        switch news {
        case .bucketTypes(let newer):
            bucketTypes = newer
            cluster.ruleTable.registry = newer
        case .cluster(let newer):
            guard case .member(let member) = role else { return }
            member.adopt(newer, now: monotonic, wall: environment.wallClock())
            scheduleTick()
        }
    }

    private func clusterSettings(replicas: Int) -> NodeSettings {
        let ruleTable = cluster.ruleTable
        ruleTable.registry = bucketTypes
        return NodeSettings(
            replicas: replicas, hash: Self.cacheHash, rules: { ruleTable.rules(of: $0) },
            conflictLogging: conflictLogging, conflictRetention: conflictRetention)
    }

    /// A directory belongs to a cluster's node, or to a node on its own, and not now to this and now to that.
    func checkMembership(isClustered: Bool) throws(StorageError) {
        let record = try MembershipRecord.load(from: store.engine)
        if let record, !isClustered {
            throw .failed(
                "this directory belongs to node \(record.node.rawValue) of a cluster: start it with --etcd and --cluster"
            )
        }
        guard record == nil, isClustered else { return }
        var isEmpty = true
        try store.engine.scan(.log, from: [], to: nil) { _, _ in
            isEmpty = false
            return .stop
        }
        try store.engine.scan(.objects, from: [], to: nil) { _, _ in
            isEmpty = false
            return .stop
        }
        if !isEmpty {
            throw .failed(
                "this directory holds the data of a node on its own: a cluster's node starts with an empty one")
        }
    }

    /// At a good end: what was staged is committed, and nobody is answered any more.
    func leaveClusterQuietly() {
        guard case .member(let member) = role else { return }
        tellAbandoned(member.abandon(), .closed)
        role = .waiting("the node is shutting down")
    }

    // MARK: Inputs

    package func received(_ messages: [PeerMessage], from node: NodeID) {
        // While the loop waits for its disk there are no ticks. What is too much then is dropped: whoever sent it sends it again.
        guard cluster.inbox.count < Limits.inboxReads else { return }
        cluster.inbox.append((messages, node))
        scheduleTick()
    }

    package func reachabilityChanged(of node: NodeID, isReachable: Bool) {
        if !isReachable, cluster.reachable[node] == nil {
            // Not seen yet. When a whole cluster is started, nodes come one after the other, which is no reason to elect other leaders.
            eventLoop.scheduleTask(in: .milliseconds(Int64(Limits.firstContactMilliseconds))) {
                if self.cluster.reachable[node] == nil { self.note(node, isReachable: false) }
            }
            return
        }
        note(node, isReachable: isReachable)
    }

    private func note(_ node: NodeID, isReachable: Bool) {
        cluster.reachable[node] = isReachable
        guard case .member(let member) = role else { return }
        logger.notice(
            "a node \(isReachable ? "can be reached" : "cannot be reached")",
            metadata: ["node": "\(member.configuration.name(of: node))"])
        member.step(.reachable(node, isReachable), now: monotonic, wall: environment.wallClock())
        scheduleTick()
    }

    func startClusterTicks() {
        if case .alone = role { return }
        let pause = TimeAmount.milliseconds(Int64(Limits.clusterTickMilliseconds))
        eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { _ in
            self.cluster.isTickDue = true
            self.scheduleTick()
        }
    }

    /// Feeds the core what has come since the last tick.
    func takeClusterInputs() {
        guard case .member(let member) = role else {
            cluster.inbox.removeAll()
            return
        }
        let now = monotonic
        if canStage {
            for (messages, sender) in cluster.inbox {
                for message in messages { step(member, .message(message, from: sender), now) }
            }
        } else {
            // The disk is full or away: what would have to be written is dropped, and its sender asks again.
            for (messages, sender) in cluster.inbox {
                for message in messages where message.needsNoRoom { step(member, .message(message, from: sender), now) }
            }
        }
        cluster.inbox.removeAll(keepingCapacity: true)
        if cluster.isTickDue, canStage {
            cluster.isTickDue = false
            cluster.ticks += 1
            if cluster.ticks % Limits.ticksPerClockWatch == 0 { member.watchClocks(now: now, wall: wall) }
            if cluster.ticks % (1_000 / Limits.clusterTickMilliseconds) == 0 { member.secondHasPassed() }
            step(member, .tick, now)
        }
    }

    private func step(_ member: ClusterMember, _ input: NodeInput, _ now: UInt64) {
        if case .message(let message, let sender) = input, answerListing(message, from: sender, member) { return }
        let before = store.stagedByteCount
        member.step(input, now: now, wall: wall)
        if store.stagedByteCount > before { writesInTick += 1 }
    }

    private var canStage: Bool {
        switch state {
        case .running: true
        case .full(_, let until): NIODeadline.now() >= until
        case .failed, .closed: false
        }
    }

    // MARK: Outputs

    func clusterCommitted(_ sequence: CommitSequence) {
        guard case .member(let member) = role else { return }
        member.committed(sequence)
        releaseClusterEffects()
    }

    func releaseClusterEffects() {
        guard case .member(let member) = role else { return }
        let durable = durability == .synced ? store.lastSynchronized : store.lastCommit
        member.release(upTo: durable) { participant, reply in answer(participant, reply) }
    }

    /// Notes the answer to a participant's request, and lets it go on.
    func answer(_ participant: any TickParticipant, _ reply: ClientReply) {
        answer(participant, JournalEntry.reply(reply))
    }

    func answer(_ participant: any TickParticipant, _ entry: JournalEntry) {
        cluster.journals[ObjectIdentifier(participant), default: RequestJournal()].entries.append(entry)
        enqueue(participant)
    }

    // MARK: Failure

    /// The storage has failed, so the core's memory is ahead of it: the core is dropped, and another one begins with what there is.
    func abandonClusterWork(_ error: StorageError) {
        guard case .member(let member) = role else { return }
        tellAbandoned(member.abandon(), error)
        if case .full = error, let topology = member.configuration.topology {
            // Nothing was written: what is there is the latest, and this run goes on.
            do throws(StorageError) {
                var node = try loadNode(topology, as: member.node.id, member.node.generation, isTrusted: true)
                node.takeOverNumbers(of: member.node)
                member.resume(with: node, wall: wall)
                return tellWhoIsReachable(member)
            } catch {
                logger.error("the replicas cannot be loaded again", metadata: ["error": "\(error)"])
            }
        }
        role = .waiting("the storage has failed, and the node is joining again: \(error)")
        cluster.rejoin?()
    }

    /// Their writes may have been committed in an earlier tick, and be at other replicas already: also a full disk leaves their fate unknown.
    private func tellAbandoned(_ participants: [any TickParticipant], _ error: StorageError) {
        let unknown: StorageError
        if case .full(let reason) = error {
            unknown = .failed("the disk became full meanwhile: \(reason)")
        } else {
            unknown = error
        }
        for participant in participants { answer(participant, JournalEntry.failed(.storage(unknown))) }
    }
}

extension PeerMessage {
    /// Whether it can be served without writing anything.
    fileprivate var needsNoRoom: Bool {
        switch self {
        case .read, .readReply, .forwarded, .replicated, .hinted, .list, .listed: true
        case .replicate, .hint, .pull, .pulled, .transfer, .transferred, .promise, .promised, .forward: false
        }
    }
}
