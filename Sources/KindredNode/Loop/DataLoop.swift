package import KindredModel
package import KindredReplication
package import KindredStorage
package import Logging
package import NIOCore

/// Runs everything that touches the node's data, on one event loop, in ticks.
///
/// A tick serves all connections that have something to say: each runs its requests to completion against the partitions' replicas,
/// which stage their changes; then all changes are committed as one batch, and each connection sends its answers at once.
/// With `synced` durability the answers wait until a synchronization covers them; the loop does not. No request costs a task, a
/// future, a closure or a lock.
///
///     connection ─enqueue─►  tick: perform … perform │ commit │ finish … finish ─► answers
///                                                        └──► GroupCommit ─► synchronize ─► release ─► answers
///
/// **When storage fails**, the replicas' memory is ahead of their disk. A batch that was refused for want of space was not written at
/// all: the partitions it touched are loaded again. After any other failure nobody knows what was kept: the engine is reopened,
/// everything is loaded anew, and a new actor mints from then on. Until that has worked, every request is refused.
///
/// - Note: `@unchecked Sendable` because it is passed to threads that hand results back to the event loop. All of its state belongs to
///   that loop and is touched only there.
package final class DataLoop: @unchecked Sendable {
    package let eventLoop: any EventLoop
    package let durability: Durability
    package let logger: Logger
    let environment: NodeEnvironment

    internal(set) package var identity: NodeIdentity
    package let store: ObjectStore
    /// The replicas of a node that is not of a cluster; a cluster's are in its `ClusterMember`.
    package internal(set) var replicas: [PartitionReplica]
    package internal(set) var time: HybridLogicalClock
    package internal(set) var bucketTypes: BucketTypeRegistry
    package internal(set) var seal: TokenSeal
    /// What part this node has in a cluster.
    var role: Role
    /// What the loop keeps for its part in a cluster, whatever that part is at the moment.
    var cluster = ClusterSide()
    let nodeName: String
    let transferBytesPerSecond: UInt64
    /// How conflicts are remembered, in buckets that want it; nil if in none.
    let conflictLogging: ConflictLogging?
    let conflictLogLimits: ConflictLogLimits
    /// The partition whose conflict log was looked after last.
    var conflictTidying = ConflictTidying()
    package internal(set) var statistics = NodeStatistics()
    /// Which keys with many siblings have been spoken of.
    var siblingAlarms = KeyAlarms()
    /// Who records what clients do.
    let recorder = WorkloadRecorder()

    /// The wall clock of this tick, in milliseconds since 1970.
    package private(set) var wall: UInt64 = 0
    /// Up to where hybrid time may run before a higher ceiling has to be made durable.
    private var timeCeiling: HybridTimestamp

    // The tick.
    private var enqueued: [any TickParticipant] = []
    private var performed: [(participant: any TickParticipant, after: CommitSequence)] = []
    private var isTickScheduled = false
    private(set) var current: (any TickParticipant)?
    private var mustWaitFor = CommitSequence.zero
    var writesInTick = 0
    private var touchedPartitions: [UInt16] = []
    private var bucketTypesBeforeTick: BucketTypeRegistry?

    // The way to the disk.
    private var groupCommit = GroupCommit()
    private var waitingForDisk: [any TickParticipant] = []
    private var unsynchronizedBytes = 0
    private var isStalled = false

    // Objects on their way from the disk, and those that could not be read: the requests that wait for them are told in the next tick.
    private var loads: [[UInt8]: [any TickParticipant]] = [:]
    private var failedLoads: [[UInt8]: StorageError] = [:]

    enum State {
        case running
        /// The last commit was refused for want of space; the next write that comes after this moment finds out whether there is some.
        case full(reason: String, until: NIODeadline)
        case failed(StorageError)
        case closed
    }
    private(set) var state = State.running
    private var nextFullWarning = NIODeadline.now()

    /// A node's part in a cluster.
    enum Role {
        /// There is no cluster: this node has all partitions.
        case alone
        /// It cannot serve requests yet, or no more, for this reason.
        case waiting(String)
        case member(ClusterMember)
    }

    /// Takes over the data of `engine`. May take a moment; call it before the event loop serves anybody.
    package init(
        on eventLoop: any EventLoop, engine: any StorageEngine, configuration: NodeConfiguration,
        environment: NodeEnvironment, logger: Logger
    ) throws(StorageError) {
        self.eventLoop = eventLoop
        self.environment = environment
        self.logger = logger
        durability = configuration.durability
        identity = try NodeIdentity.takeOver(
            engine, partitions: configuration.partitions, bootID: environment.bootID,
            randomBytes: environment.randomBytes)
        seal = TokenSeal(secret: identity.tokenSecret)
        store = ObjectStore(engine: engine, byteLimit: configuration.cacheBytes)
        bucketTypes = try BucketTypeRecords.load(from: engine)
        timeCeiling = try TimeCeiling.load(from: engine)
        time = HybridLogicalClock(floor: timeCeiling)
        replicas = []
        nodeName = configuration.name
        transferBytesPerSecond = configuration.transferBytesPerSecond
        conflictLogging = configuration.keepsConflictLog ? DataLoop.conflictLogging : nil
        conflictLogLimits = configuration.conflictLogLimits
        role = configuration.isClustered ? .waiting("the node has not joined its cluster yet") : .alone
        try checkMembership(isClustered: configuration.isClustered)
        if case .alone = role { replicas = try loadReplicas() }
    }

    /// Starts what happens by the clock.
    package func start() {
        startClusterTicks()
        let pause = TimeAmount.milliseconds(Int64(Limits.conflictTidyMilliseconds))
        eventLoop.scheduleRepeatedTask(initialDelay: pause, delay: pause) { _ in self.tidyConflicts() }
        guard durability == .relaxed else { return }
        eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in self.synchronizeNow() }
    }

    // MARK: Ticks

    /// Has the participant perform in the next tick.
    package func enqueue(_ participant: any TickParticipant) {
        enqueued.append(participant)
        scheduleTick()
    }

    func scheduleTick() {
        guard !isTickScheduled, !isStalled else { return }
        isTickScheduled = true
        // Runs after the event loop has read from every socket that is readable now, so the tick serves them all.
        eventLoop.execute { self.tick() }
    }

    func tick() {
        isTickScheduled = false
        wall = environment.wallClock()
        takeClusterInputs()
        let participants = enqueued
        enqueued.removeAll(keepingCapacity: true)
        for participant in participants {
            mustWaitFor = .zero
            current = participant
            cluster.beginPerformance()
            participant.perform(on: self)
            cluster.endPerformance(of: participant)
            current = nil
            performed.append((participant, mustWaitFor))
            if store.stagedByteCount >= Limits.stagedBytesPerTick { commit() }
        }
        commit()
        if !failedLoads.isEmpty { failedLoads.removeAll() }
    }

    /// Commits what the participants so far have staged, and lets them answer.
    private func commit() {
        if store.hasStagedChanges {
            if case .member(let member) = role { member.endTick() } else { stageTimeCeiling() }
        }
        let stagedBytes = store.stagedByteCount
        let end: Result<CommitSequence, StorageError>
        do throws(StorageError) {
            end = .success(try store.commit())
        } catch {
            end = .failure(error)
        }
        let participants = performed
        performed.removeAll(keepingCapacity: true)
        let writes = writesInTick
        writesInTick = 0
        switch end {
        case .failure(let error):
            recorder.forget()
            recover(from: error)
            for (participant, _) in participants { participant.finish(tickEnd(failedBy: error)) }
        case .success:
            recorder.release()
            touchedPartitions.removeAll(keepingCapacity: true)
            bucketTypesBeforeTick = nil
            unsynchronizedBytes += stagedBytes
            let durable = store.lastSynchronized
            for (participant, after) in participants {
                participant.finish(.committed(after: durability == .synced && after > durable ? after : nil))
            }
            if writes > 0 || (isMember && store.lastCommit > store.lastSynchronized) { synchronizeSoon(max(writes, 1)) }
            if case .success(let sequence) = end { clusterCommitted(sequence) }
            releaseReadersOfRefusedCommits()
        }
    }

    /// What a failed commit means for the answers of its tick. In a cluster nothing: they came from the coordinator, who had waited for what
    /// they rest on.
    private func tickEnd(failedBy error: StorageError) -> TickEnd {
        if case .alone = role { .failed(error) } else { .committed(after: nil) }
    }

    // MARK: What requests do

    /// Throws if the storage cannot answer anything at the moment. A request that has been answered already is told that, whatever has
    /// happened since.
    func checkReadable() throws(RequestFailure) {
        if hasAnswer { return }
        switch state {
        case .running, .full: return
        case .failed(let error): throw .storage(error)
        case .closed: throw .storage(.closed)
        }
    }

    /// Throws if the storage takes no writes at the moment.
    func checkWritable() throws(RequestFailure) {
        if hasAnswer { return }
        if case .full(let reason, let until) = state {
            guard NIODeadline.now() >= until else { throw .storage(.full(reason)) }
            state = .running
        }
        try checkReadable()
    }

    /// Notes that the current participant's answers show something that only this commit makes durable.
    func waitFor(_ sequence: CommitSequence?) {
        if let sequence, sequence > mustWaitFor { mustWaitFor = sequence }
    }

    /// Notes that the current participant has staged a write.
    func staged(inPartition partition: UInt16?) {
        writesInTick += 1
        waitFor(CommitSequence(rawValue: store.lastCommit.rawValue + 1))
        if let partition { touchedPartitions.append(partition) }
    }

    /// Stages a change of bucket types. The registry is changed at once, and changed back if the commit fails.
    func stage(_ changed: BucketTypeRegistry, _ record: BucketTypeRecord) {
        if bucketTypesBeforeTick == nil { bucketTypesBeforeTick = bucketTypes }
        bucketTypes = changed
        BucketTypeRecords.stage(record, in: store)
        staged(inPartition: nil)
    }

    /// Loads an object from the disk, on a thread that may wait, and then has the current participant try again.
    ///
    /// - Throws: if that has just failed.
    func load(_ key: ObjectKey, _ ticket: LoadTicket) throws(RequestFailure) {
        if let error = failedLoads[key.storage.bytes] { throw .storage(error) }
        guard let participant = current else { return }
        statistics.diskReads += 1
        if loads[key.storage.bytes] != nil {
            loads[key.storage.bytes]?.append(participant)
            return
        }
        loads[key.storage.bytes] = [participant]
        let engine = store.engine
        environment.offload {
            let value: Result<[UInt8]?, StorageError>
            do throws(StorageError) {
                value = .success(try engine.value(.objects, for: key.storage.bytes))
            } catch {
                value = .failure(error)
            }
            self.eventLoop.execute { self.loaded(key, value, ticket) }
        }
    }

    private func loaded(_ key: ObjectKey, _ value: Result<[UInt8]?, StorageError>, _ ticket: LoadTicket) {
        let participants = loads.removeValue(forKey: key.storage.bytes) ?? []
        switch value {
        case .success(let value): store.install(key.storage, value: value, loadedWith: ticket)
        case .failure(let error):
            logger.error("an object cannot be read", metadata: ["error": "\(error)"])
            failedLoads[key.storage.bytes] = error
        }
        for participant in participants { enqueue(participant) }
    }

    // MARK: Durability

    private func synchronizeSoon(_ writes: Int) {
        switch durability {
        case .synced:
            perform(groupCommit.committed(writes, at: NIODeadline.now().uptimeNanoseconds))
        case .relaxed:
            if unsynchronizedBytes >= Limits.unsynchronizedBytes / 2, !groupCommit.isSynchronizing {
                perform(groupCommit.committed(writes, at: NIODeadline.now().uptimeNanoseconds))
            }
        }
        if unsynchronizedBytes >= Limits.unsynchronizedBytes { isStalled = true }
    }

    /// Readers may wait for a commit that was refused for want of space: nobody would have it synchronized. When no synchronization is
    /// under way or planned, every commit that was not refused is durable, so they need not wait, and a full disk is left alone.
    private func releaseReadersOfRefusedCommits() {
        guard durability == .synced, groupCommit.isIdle, store.lastCommit > store.lastSynchronized else { return }
        switch state {
        case .running, .full: break
        case .failed, .closed: return
        }
        store.markSynchronized(upTo: store.lastCommit)
        let waiting = waitingForDisk
        waitingForDisk.removeAll(keepingCapacity: true)
        for participant in waiting { participant.release(.success(store.lastCommit)) }
    }

    /// With relaxed durability, called once a second.
    func synchronizeNow() {
        guard case .running = state, store.lastCommit > store.lastSynchronized, !groupCommit.isSynchronizing else {
            return
        }
        perform(groupCommit.committed(1, at: NIODeadline.now().uptimeNanoseconds))
    }

    private func perform(_ action: GroupCommit.Action) {
        switch action {
        case .none: break
        case .wake(let moment):
            eventLoop.scheduleTask(deadline: .uptimeNanoseconds(moment)) {
                self.perform(self.groupCommit.timeIsUp(at: NIODeadline.now().uptimeNanoseconds))
            }
        case .synchronize:
            let engine = store.engine
            let upTo = store.lastCommit
            let bytes = unsynchronizedBytes
            environment.synchronizer {
                let result: Result<CommitSequence, StorageError>
                do throws(StorageError) {
                    try engine.synchronize()
                    result = .success(upTo)
                } catch {
                    result = .failure(error)
                }
                self.eventLoop.execute { self.synchronized(result, bytes: bytes) }
            }
        }
    }

    private func synchronized(_ result: Result<CommitSequence, StorageError>, bytes: Int) {
        statistics.synchronizations += 1
        guard case .success(let sequence) = result else {
            if case .failure(let error) = result, groupCommit.isSynchronizing { recover(from: error) }
            return
        }
        unsynchronizedBytes -= min(bytes, unsynchronizedBytes)
        store.markSynchronized(upTo: sequence)
        let waiting = waitingForDisk
        waitingForDisk.removeAll(keepingCapacity: true)
        for participant in waiting { participant.release(.success(sequence)) }
        releaseClusterEffects()
        perform(groupCommit.finished(at: NIODeadline.now().uptimeNanoseconds))
        releaseReadersOfRefusedCommits()
        if isStalled, unsynchronizedBytes < Limits.unsynchronizedBytes {
            isStalled = false
            if !enqueued.isEmpty { scheduleTick() }
        }
    }

    /// Has the participant released once, when the next synchronization is done: it asks again if it waits for a later one.
    package func awaitSynchronization(_ participant: any TickParticipant) {
        waitingForDisk.append(participant)
    }

    // MARK: Failure

    private func recover(from error: StorageError) {
        if let before = bucketTypesBeforeTick {
            bucketTypes = before
            bucketTypesBeforeTick = nil
        }
        let touched = touchedPartitions
        touchedPartitions.removeAll(keepingCapacity: true)
        if case .full(let reason) = error {
            do throws(StorageError) {
                for partition in Set(touched) { replicas[Int(partition)] = try loadReplica(partition) }
                abandonClusterWork(error)
                if NIODeadline.now() >= nextFullWarning {
                    logger.warning("disk full: writes are refused", metadata: ["reason": "\(reason)"])
                    nextFullWarning = .now() + .minutes(1)
                }
                state = .full(reason: reason, until: .now() + .milliseconds(250))
                return
            } catch {
                fail(error)
            }
        } else {
            fail(error)
        }
    }

    private func fail(_ error: StorageError) {
        if case .closed = state { return }
        logger.error("storage failed: requests are refused until it is open again", metadata: ["error": "\(error)"])
        state = .failed(error)
        statistics.storageFailures += 1
        let waiting = waitingForDisk
        waitingForDisk.removeAll()
        groupCommit.reset()
        unsynchronizedBytes = 0
        isStalled = false
        for participant in waiting { participant.release(.failure(error)) }
        abandonClusterWork(error)
        if !enqueued.isEmpty { scheduleTick() }
        scheduleReopening()
    }

    private func scheduleReopening() {
        eventLoop.scheduleTask(in: .seconds(1)) { self.reopen() }
    }

    private func reopen() {
        guard case .failed = state else { return }
        do throws(StorageError) {
            try store.reopen()
            identity.actor = try identity.nextActor()
            identity.isTrusted = false
            try identity.save(in: store.engine)
            if case .alone = role {
                bucketTypes = try BucketTypeRecords.load(from: store.engine)
                replicas = try loadReplicas()
            }
            // Opening wrote everything that was recovered to the disk.
            store.markSynchronized(upTo: store.lastCommit)
            state = .running
            logger.notice("storage is open again", metadata: ["actor": "\(identity.actor.rawValue)"])
        } catch {
            logger.error("storage cannot be opened", metadata: ["error": "\(error)"])
            state = .failed(error)
            scheduleReopening()
        }
    }

    private func loadReplicas() throws(StorageError) -> [PartitionReplica] {
        var loaded: [PartitionReplica] = []
        for partition in 0..<identity.partitions { loaded.append(try loadReplica(partition)) }
        return loaded
    }

    private func loadReplica(_ partition: UInt16) throws(StorageError) -> PartitionReplica {
        try PartitionReplica(partition: partition, actor: identity.actor, loadingFrom: store.engine)
    }

    /// Sees to it that hybrid time never goes back, whatever happens to this process and to the wall clock: before time passes the
    /// ceiling, a higher one is in the same batch.
    private func stageTimeCeiling() {
        guard time.last >= timeCeiling else { return }
        timeCeiling = HybridTimestamp(milliseconds: time.last.milliseconds + Limits.clockCeilingMilliseconds)
        store.stage(.metadata, key: TimeCeiling.key, value: TimeCeiling.encode(timeCeiling))
    }

    // MARK: Closing

    /// Commits and synchronizes everything, writes checkpoints so that the next start has no log to read, and closes the engine.
    package func close() throws(StorageError) {
        if case .closed = state { return }
        if case .failed(let error) = state {
            state = .closed
            try? store.engine.close()
            throw error
        }
        commit()
        leaveClusterQuietly()
        for partition in replicas.indices where replicas[partition].needsCheckpoint {
            replicas[partition].checkpoint(in: store)
        }
        try store.commit()
        try store.engine.synchronize()
        let waiting = waitingForDisk
        waitingForDisk.removeAll()
        store.markSynchronized(upTo: store.lastCommit)
        for participant in waiting { participant.release(.success(store.lastCommit)) }
        identity.isClosed = true
        try identity.save(in: store.engine)
        state = .closed
        try store.engine.close()
    }
}
