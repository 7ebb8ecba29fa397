package import KindredModel
package import KindredReplication
import KindredStorage
import Logging

/// Names an object, in the bytes of somebody's buffer: valid only during the call it is passed to.
package struct ObjectReference {
    /// The bucket type's name; nil means `default`.
    package let type: UnsafeRawBufferPointer?
    package let bucket: UnsafeRawBufferPointer
    package let key: UnsafeRawBufferPointer

    package init(type: UnsafeRawBufferPointer?, bucket: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) {
        self.type = type
        self.bucket = bucket
        self.key = key
    }
}

/// How many replicas a request wants to hear from; `default` leaves it to the bucket's properties.
///
/// One node has all replicas, so what it answers satisfies any number that the bucket's `n_val` allows.
package struct ReplicaCounts {
    package var first = Quorum.default
    package var primary = Quorum.default
    package var durable = Quorum.default
    package var nodeConfirms = Quorum.default
    /// Asks for another number of replicas than the bucket has.
    package var nVal: UInt32?
    /// Whether a replica without the key counts; nil leaves it to the bucket.
    package var notFoundOK: Bool?
    /// Whether a read ends as soon as a majority does not have the key; nil leaves it to the bucket.
    package var basicQuorum: Bool?
    /// Whether other nodes may stand in for replicas that cannot be reached; nil means yes.
    package var isSloppy: Bool?
    /// How long the client waits, in milliseconds.
    package var timeoutMilliseconds: UInt32?
    /// Names a write, so that in a cluster its coordinator recognises it if it comes again.
    package var requestID: ClientRequestID?

    package init() {}

    func check(against properties: BucketProperties) throws(RequestFailure) {
        let available = properties.nVal
        let nVal = nVal.map { Int($0) } ?? available
        guard nVal <= available, nVal > 0, first.replicas(of: nVal) != nil, primary.replicas(of: nVal) != nil,
            durable.replicas(of: nVal) != nil, nodeConfirms.replicas(of: nVal) != nil
        else { throw .tooManyReplicasAskedFor(nVal: nVal) }
    }
}

/// A put as a protocol hands it over.
package struct PutRequest {
    package let object: ObjectReference
    /// The encoded `ObjectContent`.
    package let content: [UInt8]
    /// The causal token; nil or empty means that the writer has seen nothing.
    package let token: UnsafeRawBufferPointer?
    package let precondition: Precondition
    /// Also demands that the object be unchanged since the token.
    package let ifNotModified: Bool
    package let replicas: ReplicaCounts
    /// The name that the client gives itself; nil if it gives none.
    package let writer: ArraySlice<UInt8>?
    /// Why a command makes this write; see `ClientWrite`.
    package let note: [UInt8]

    package init(
        object: ObjectReference, content: [UInt8], token: UnsafeRawBufferPointer?,
        precondition: Precondition = .none, ifNotModified: Bool = false, replicas: ReplicaCounts = ReplicaCounts(),
        writer: ArraySlice<UInt8>? = nil, note: [UInt8] = []
    ) {
        self.writer = writer
        self.note = note
        self.object = object
        self.content = content
        self.token = token
        self.precondition = precondition
        self.ifNotModified = ifNotModified
        self.replicas = replicas
    }
}

/// What a read found.
package struct ObjectAnswer {
    package let key: ObjectKey
    package let strategy: ConflictStrategy
    /// What the bucket's strategy shows; empty if there is no value.
    package let versions: [Version]
    /// What the reader knows now. Meaningful for an absent object too.
    package let knowledge: Knowledge
}

/// What became of a put.
package struct PutAnswer {
    /// The object as it is now.
    package let object: ObjectAnswer
    /// What the writer knows, if it is not shown the object: what it knew, and its own write.
    package let writerKnows: Knowledge
    /// Whether anything has changed; false if an immutable key had this content already, or there was nothing to delete.
    package let isNew: Bool
}

/// The operations on objects. Each answers nil if the object has to be loaded from the disk first: then nothing has happened, and the
/// participant performs again once it is there.
extension DataLoop {
    /// Reads an object.
    package func get(
        _ object: ObjectReference, replicas counts: ReplicaCounts = ReplicaCounts()
    ) throws(RequestFailure) -> ObjectAnswer? {
        try checkReadable()
        let (key, properties) = try locate(object)
        try counts.check(against: properties)
        guard case .alone = role else {
            guard let found = try clusterGet(key, properties, counts) else { return nil }
            statistics.gets += 1
            let answer = answer(found, key, properties.strategy)
            record(read: answer)
            return answer
        }
        switch try read(key) {
        case .needsDisk(let ticket):
            try load(key, ticket)
            return nil
        case .object(let found, let unsynchronized):
            waitFor(unsynchronized)
            statistics.gets += 1
            let answer = answer(found, key, properties.strategy)
            record(read: answer)
            return answer
        }
    }

    /// What this node's own replica knows of an object, which may lag; where it has none, what a read says. For those who tell of keys
    /// rather than serve them: it asks neither other replicas nor a leader.
    package func known(_ object: ObjectReference) throws(RequestFailure) -> ObjectAnswer? {
        try checkReadable()
        let (key, properties) = try locate(object)
        guard case .member(let member) = role, member.isSure(of: key.partition),
            let replica = member.node.replica(of: key.partition)
        else { return try get(object) }
        let read: ReplicaRead
        do throws(StorageError) {
            read = try replica.read(key, from: store)
        } catch {
            throw .storage(error)
        }
        switch read {
        case .needsDisk(let ticket):
            try load(key, ticket)
            return nil
        case .object(let found, let unsynchronized):
            waitFor(unsynchronized)
            return answer(found, key, properties.strategy)
        }
    }

    /// Stores an object.
    package func put(_ request: PutRequest) throws(RequestFailure) -> PutAnswer? {
        try checkWritable()
        guard request.content.count <= Limits.objectMaximumBytes else { throw .tooLarge(request.content.count) }
        let (key, properties) = try locate(request.object)
        try request.replicas.check(against: properties)
        let seen = try open(request.token, for: key)
        var precondition = request.precondition
        if request.ifNotModified { precondition.notModifiedSince = seen?.context ?? CausalContext() }
        let write = ClientWrite(
            content: request.content[...], seen: seen, writer: request.writer?.prefix(Version.longestWriter),
            note: request.note)
        guard let reply = try perform(write, on: key, properties, precondition, request.replicas) else { return nil }
        statistics.puts += 1
        let object = answer(reply.object, key, properties.strategy)
        if object.versions.count > 1 {
            statistics.siblingPuts += 1
            if object.versions.count >= Limits.siblingWarning {
                warn(ofSiblings: object.versions.count, request.object, key)
            }
        }
        if request.content.count >= Limits.objectWarningBytes {
            logger.warning(
                "large object",
                metadata: ["bytes": "\(request.content.count)", "bucket": "\(text(request.object.bucket))"])
        }
        if !reply.isNew { return PutAnswer(object: object, writerKnows: object.knowledge, isNew: false) }
        return PutAnswer(object: object, writerKnows: reply.writerKnows, isNew: true)
    }

    /// Deletes what the token has seen of an object, or without a token all of it. Nil only while it is loaded.
    package func delete(
        _ object: ObjectReference, token: UnsafeRawBufferPointer?, precondition: Precondition = .none,
        replicas counts: ReplicaCounts = ReplicaCounts(), writer: ArraySlice<UInt8>? = nil, note: [UInt8] = []
    ) throws(RequestFailure) -> PutAnswer? {
        try checkWritable()
        let (key, properties) = try locate(object)
        try counts.check(against: properties)
        let write = ClientWrite(
            content: nil, seen: try open(token, for: key), writer: writer?.prefix(Version.longestWriter), note: note)
        guard let reply = try perform(write, on: key, properties, precondition, counts) else { return nil }
        statistics.deletes += 1
        return PutAnswer(
            object: answer(reply.object, key, properties.strategy), writerKnows: reply.writerKnows, isNew: reply.isNew)
    }

    /// A key for an object whose client leaves the choice to us: 160 random bits in base 62.
    package func makeKey() -> [UInt8] {
        let digits = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        // 27 digits of 62 hold 160 bits; the bias of a remainder does not matter for uniqueness.
        return environment.randomBytes(27).map { digits[Int($0) % digits.count] }
    }

    /// The causal token of an object for a client that knows this much.
    package func token(_ knowledge: Knowledge, for key: ObjectKey) -> [UInt8] {
        seal.seal(knowledge, for: key)
    }

    /// What a client knows that shows this token; nil if it shows none.
    package func open(
        _ token: UnsafeRawBufferPointer?, for key: ObjectKey
    ) throws(RequestFailure) -> Knowledge? {
        guard let token, !token.isEmpty else { return nil }
        let knowledge: Knowledge
        do throws(CausalToken.Refusal) {
            knowledge = try seal.open(token, for: key)
        } catch {
            throw .invalidContext(error)
        }
        // In a cluster the replica that coordinates the write knows.
        guard case .alone = role else { return knowledge }
        guard replicas[Int(key.partition)].couldHaveShown(knowledge.context) else {
            throw .invalidContext(.fromTheFuture)
        }
        return knowledge
    }

    /// Finds where an object lives and what its bucket wants.
    package func locate(_ object: ObjectReference) throws(RequestFailure) -> (ObjectKey, BucketProperties) {
        guard !object.key.isEmpty else { throw .empty(.key) }
        guard object.key.count <= Limits.keyBytes else { throw .tooLong(.key, limit: Limits.keyBytes) }
        let (type, properties) = try bucket(object.bucket, ofType: object.type)
        guard properties.dataType == nil else { throw .dataTypeBucket }
        guard
            let key = ObjectKey(
                bucketType: type, bucket: object.bucket, key: object.key, partitions: identity.partitions,
                hash: Self.cacheHash)
        else { throw .tooLong(.bucket, limit: Limits.bucketNameBytes) }
        return (key, properties)
    }

    /// Finds a bucket's type and its properties.
    package func bucket(
        _ bucket: UnsafeRawBufferPointer, ofType name: UnsafeRawBufferPointer?
    ) throws(RequestFailure) -> (type: UInt32, properties: BucketProperties) {
        guard !bucket.isEmpty else { throw .empty(.bucket) }
        guard bucket.count <= Limits.bucketNameBytes else { throw .tooLong(.bucket, limit: Limits.bucketNameBytes) }
        let type = try typeID(name)
        guard let properties = bucketTypes.resolved(type: type, bucket: bucket) else {
            throw .unknownType(name.map { Array($0) } ?? BucketType.defaultName)
        }
        return (type, properties)
    }

    /// The id of an active bucket type.
    package func typeID(_ name: UnsafeRawBufferPointer?) throws(RequestFailure) -> UInt32 {
        guard let name else { return BucketType.defaultID }
        guard !name.isEmpty else { throw .empty(.type) }
        guard let id = bucketTypes.typeID(named: name) else { throw .unknownType(Array(name)) }
        return id
    }

    // MARK: Inside

    /// Keyed by a secret of the process, like all hashes of the standard library: nobody can choose keys that collide.
    static func cacheHash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        return UInt64(bitPattern: Int64(hasher.finalize()))
    }

    private func read(_ key: ObjectKey) throws(RequestFailure) -> ReplicaRead {
        do throws(StorageError) {
            return try replicas[Int(key.partition)].read(key, from: store)
        } catch {
            throw .storage(error)
        }
    }

    /// What both ways of writing say.
    private struct Written {
        let object: CausalObject
        let writerKnows: Knowledge
        let isNew: Bool
    }

    private func perform(
        _ write: ClientWrite, on key: ObjectKey, _ properties: BucketProperties, _ precondition: Precondition,
        _ counts: ReplicaCounts
    ) throws(RequestFailure) -> Written? {
        guard case .alone = role else {
            let reply = try clusterWrite(write, precondition, key, properties, counts)
            return reply.map { Written(object: $0.object, writerKnows: $0.writerKnows, isNew: $0.dot != nil) }
        }
        return try performAlone(write, on: key, properties.conflictRules, precondition)
    }

    private func performAlone(
        _ write: ClientWrite, on key: ObjectKey, _ rules: ConflictRules, _ precondition: Precondition
    ) throws(RequestFailure) -> Written? {
        let request = ReplicaWrite(
            key: key, write: write, strategy: rules.strategy, precondition: precondition,
            logging: rules.logsConflicts ? conflictLogging : nil)
        let result: ReplicaWriteResult
        do throws(StorageError) {
            result = try replicas[Int(key.partition)].write(request, wall: wall, time: &time, in: store)
        } catch {
            throw .storage(error)
        }
        switch result {
        case .needsDisk(let ticket):
            try load(key, ticket)
            return nil
        case .done(let reply):
            record(request, reply)
            if reply.record != nil { staged(inPartition: key.partition) }
            switch reply.outcome {
            case .applied(_, let discarded):
                statistics.discardedVersions += UInt64(discarded.count)
                staged(inPartition: key.partition)
            case .unchanged:
                // What it found may not be durable yet; the same write, acknowledged twice, must be.
                waitFor(reply.unsynchronized)
            case .refused(let refusal):
                statistics.refusals += 1
                waitFor(reply.unsynchronized)
                throw failure(refusal, reply.object, key, rules.strategy)
            }
            var isNew = true
            if case .unchanged = reply.outcome { isNew = false }
            return Written(object: reply.object, writerKnows: reply.writerKnows, isNew: isNew)
        }
    }

    func failure(
        _ refusal: WriteRefusal, _ object: CausalObject, _ key: ObjectKey, _ strategy: ConflictStrategy
    ) -> RequestFailure {
        switch refusal {
        case .exists: .exists
        case .immutable: .immutable
        case .tooManySiblings(let count):
            .tooManySiblings(count, token: token(answer(object, key, strategy).knowledge, for: key))
        case .preconditionFailed(let failure):
            .preconditionFailed(failure, current: strategy.visibleVersions(of: object))
        }
    }

    private func answer(_ object: CausalObject, _ key: ObjectKey, _ strategy: ConflictStrategy) -> ObjectAnswer {
        ObjectAnswer(
            key: key, strategy: strategy, versions: strategy.visibleVersions(of: object),
            knowledge: Knowledge(
                context: object.context, timestamp: object.latestTimestamp, number: object.latestNumber))
    }

    /// Counts every put that leaves many siblings, and speaks of each key now and then.
    private func warn(ofSiblings count: Int, _ object: ObjectReference, _ key: ObjectKey) {
        statistics.siblingWarnings += 1
        guard siblingAlarms.admits(key.storage.hash, now: monotonic) else { return }
        logger.warning(
            "many siblings: the application does not resolve them",
            metadata: [
                "siblings": "\(count)", "limit": "\(Limits.siblingMaximum)",
                "type": "\(object.type.map(text) ?? "default")", "bucket": "\(text(object.bucket))",
                "key": "\(text(object.key))",
            ])
    }

    private func text(_ bytes: UnsafeRawBufferPointer) -> String {
        String(decoding: bytes.prefix(64), as: UTF8.self)
    }
}
