import KindredModel
import KindredReplication
import KindredStorage
import NIOCore

/// What a participant's current request has been answered so far.
///
/// In a cluster a request does not run to completion in one go: it gives a question to the coordinator, says "parked", and performs again when
/// the answer is there. It then finds in its journal, in order, what it has been answered, and asks only what is not there yet. So a
/// request that needs two questions reads like one that needs none.
struct RequestJournal {
    var entries: [JournalEntry] = []
}

enum JournalEntry {
    case reply(ClientReply)
    case changed
    /// A key that was made for an object whose client leaves the choice to us.
    case madeKey([UInt8])
    case failed(RequestFailure)
}

extension DataLoop {
    // MARK: The journal

    /// Whether the current request has got an answer that it has not used.
    var hasAnswer: Bool {
        guard !cluster.journals.isEmpty, let participant = current else { return false }
        return cluster.journalPosition < cluster.journals[ObjectIdentifier(participant)]?.entries.count ?? 0
    }

    /// The next answer that the current request has got; nil if it has to ask.
    func nextAnswer() throws(RequestFailure) -> JournalEntry? {
        guard let participant = current, let journal = cluster.journals[ObjectIdentifier(participant)],
            cluster.journalPosition < journal.entries.count
        else { return nil }
        let entry = journal.entries[cluster.journalPosition]
        cluster.journalPosition += 1
        if case .failed(let failure) = entry { throw failure }
        return entry
    }

    /// The current participant's request has been answered, and it goes on with another one. A connection calls this after each request that
    /// did not have to wait.
    package func endRequest() {
        guard !cluster.journals.isEmpty, let participant = current else { return }
        cluster.journals[ObjectIdentifier(participant)] = nil
        cluster.journalPosition = 0
    }

    /// A key for an object whose client leaves the choice to us; the same one each time the request performs again.
    package func makeKeyForRequest() -> [UInt8] {
        if case .alone = role { return makeKey() }
        guard let participant = current else { return makeKey() }
        let journal = cluster.journals[ObjectIdentifier(participant)] ?? RequestJournal()
        if cluster.journalPosition < journal.entries.count,
            case .madeKey(let key) = journal.entries[cluster.journalPosition]
        {
            cluster.journalPosition += 1
            return key
        }
        let key = makeKey()
        cluster.journals[ObjectIdentifier(participant), default: RequestJournal()].entries.append(.madeKey(key))
        cluster.journalPosition += 1
        return key
    }

    // MARK: Questions to the coordinator

    /// - Returns: the coordinator's answer; nil if it has yet to come.
    private func ask(
        _ key: ObjectKey, _ properties: BucketProperties, _ operation: ClientRequest.Operation, _ counts: ReplicaCounts
    ) throws(RequestFailure) -> ClientReply? {
        if let entry = try nextAnswer() {
            if case .reply(let reply) = entry { return reply }
            // An answer to another question than this one: the request has changed on its way, and must not wait for ever.
            throw .unavailable(.timeout, mayHaveHappened: true)
        }
        guard let participant = current else { return nil }
        let member = try member()
        let request = ClientRequest(
            partition: key.partition, address: Array(key.address), strategy: properties.strategy,
            logsConflicts: properties.logsConflicts, operation: operation,
            quorums: try quorums(counts, properties, of: key.partition, in: member),
            timeout: UInt64(counts.timeoutMilliseconds.flatMap { $0 == 0 ? nil : $0 } ?? 60_000))
        cluster.isAsking = true
        let before = store.stagedByteCount
        member.request(request, for: participant, now: monotonic, wall: wall)
        if store.stagedByteCount > before { writesInTick += 1 }
        return nil
    }

    func member() throws(RequestFailure) -> ClusterMember {
        switch role {
        case .member(let member): return member
        case .waiting(let reason): throw .notServing(reason)
        case .alone: throw .notServing("the node is not of a cluster")
        }
    }

    func clusterGet(
        _ key: ObjectKey, _ properties: BucketProperties, _ counts: ReplicaCounts
    ) throws(RequestFailure) -> CausalObject? {
        switch try ask(key, properties, .get, counts) {
        case nil: return nil
        case .object(let object): return object
        case .unavailable(let reason, let mayHaveHappened): throw failure(reason, mayHaveHappened)
        case .written, .refused: throw .unavailable(.timeout, mayHaveHappened: false)
        }
    }

    func clusterWrite(
        _ write: ClientWrite, _ precondition: Precondition, _ key: ObjectKey, _ properties: BucketProperties,
        _ counts: ReplicaCounts
    ) throws(RequestFailure) -> WrittenReply? {
        let operation = ClientRequest.Operation.write(write, precondition: precondition, request: counts.requestID)
        switch try ask(key, properties, operation, counts) {
        case nil: return nil
        case .written(let reply): return reply
        case .unavailable(let reason, let mayHaveHappened): throw failure(reason, mayHaveHappened)
        case .object: throw .unavailable(.timeout, mayHaveHappened: true)
        case .refused(.exists):
            statistics.refusals += 1
            throw .exists
        case .refused(.immutable):
            statistics.refusals += 1
            throw .immutable
        case .refused(let refusal):
            // What the key has now goes into the refusal, so that the client can go on without another request.
            guard let current = try clusterGet(key, properties, ReplicaCounts()) else { return nil }
            statistics.refusals += 1
            throw failure(refusal, current, key, properties.strategy)
        }
    }

    private func failure(_ reason: Unavailability, _ mayHaveHappened: Bool) -> RequestFailure {
        switch reason {
        case .timeout: return .timeout
        case .tooManyAskedFor(let n): return .tooManyReplicasAskedFor(nVal: Int(n))
        case .notTheLeader(let leader):
            var address: String?
            if case .member(let member) = role, let leader, let node = member.configuration.node(leader) {
                address = "\(node.name), at \(node.pb) (protocol buffers) and \(node.http) (HTTP)"
            }
            return .notTheLeader(leader: address, mayHaveHappened: mayHaveHappened)
        default: return .unavailable(reason, mayHaveHappened: mayHaveHappened)
        }
    }

    /// What the request and the bucket ask for, as numbers. A bucket's `n_val` above what the cluster has means all there are.
    private func quorums(
        _ counts: ReplicaCounts, _ properties: BucketProperties, of partition: UInt16, in member: ClusterMember
    ) throws(RequestFailure) -> RequestQuorums {
        let places = member.places(in: partition)
        let wanted = counts.nVal.map { Int($0) } ?? properties.nVal
        guard wanted > 0, wanted <= properties.nVal else { throw .tooManyReplicasAskedFor(nVal: wanted) }
        let n = min(wanted, max(places, 1))
        func number(_ asked: Quorum, _ fallback: Quorum) throws(RequestFailure) -> UInt8 {
            // A word means as many as there are; a number is checked against what the bucket promises.
            let resolved = asked.orElse(fallback)
            guard let replicas = resolved.replicas(of: wanted) else { throw .tooManyReplicasAskedFor(nVal: wanted) }
            if case .number = resolved { return UInt8(clamping: min(replicas, n)) }
            return UInt8(clamping: resolved.replicas(of: n) ?? n)
        }
        return RequestQuorums(
            n: UInt8(clamping: n), r: try number(counts.first, properties.r),
            pr: try number(counts.primary, properties.pr),
            w: try number(counts.first, properties.w), pw: try number(counts.primary, properties.pw),
            dw: try number(counts.durable, properties.dw), notFoundOK: counts.notFoundOK ?? properties.notfoundOK,
            basicQuorum: counts.basicQuorum ?? properties.basicQuorum, isSloppy: counts.isSloppy ?? true)
    }

    // MARK: Bucket types

    /// Has a change of bucket types carried to all nodes.
    ///
    /// - Returns: whether it is done; otherwise the participant performs again when it is.
    func changeClusterBucketTypes(
        _ change: @escaping @Sendable (inout BucketTypeRegistry) throws(BucketTypeError) -> BucketTypeRecord
    ) throws(RequestFailure) -> Bool {
        if try nextAnswer() != nil { return true }
        let member = try member()
        guard let participant = current else { return false }
        cluster.isAsking = true
        let waiting = NIOLoopBound(participant, eventLoop: eventLoop)
        member.changeBucketTypes(change) { result in
            self.eventLoop.execute {
                switch result {
                case .success: self.answer(waiting.value, JournalEntry.changed)
                case .failure(.refused(let error)): self.answer(waiting.value, JournalEntry.failed(.bucketType(error)))
                case .failure(.unavailable(let reason)):
                    self.answer(
                        waiting.value, JournalEntry.failed(.notServing("bucket types cannot be changed now: \(reason)"))
                    )
                }
            }
        }
        return false
    }
}
