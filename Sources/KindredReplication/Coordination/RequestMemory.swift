import KindredModel

/// What became of the latest writes, so that one which arrives again is not written again.
///
/// A write is known by the id its client gave it, and one from another node also by the exchange it came in, because a
/// network may deliver twice. A bounded number is remembered, and only by this run of the node: the promise is
/// "harmless as long as the coordinator remembers", not "exactly once".
struct RequestMemory: Sendable {
    /// How a write is recognised.
    enum Key: Hashable, Sendable {
        /// By the client's id, for one key: a client that uses an id twice for different keys means different writes.
        case client(ClientRequestID, partition: UInt16, address: [UInt8])
        /// By the exchange in which a node has forwarded it.
        case exchange(NodeID, UInt64)
    }

    /// What is known of it.
    enum Fate: Sendable {
        /// The request with this id is about it.
        case underWay(UInt64)
        /// It was decided here; with version numbers, in this epoch. Whether enough replicas have it may be unknown:
        /// replicating it again does no harm.
        case decided(CoordinatedWrite, leaderEpoch: UInt64)
        /// This was answered.
        case answered(ClientReply)
    }

    private struct Entry: Sendable {
        var fate: Fate
        var bytes: Int
        /// Tells an entry from an earlier one with the same key, in `order`.
        var number: UInt64
    }

    private var entries: [Key: Entry] = [:]
    /// The finished ones, oldest first; those before `first` are forgotten.
    private var order: [(key: Key, number: UInt64)] = []
    private var first = 0
    private var bytes = 0
    private var lastNumber: UInt64 = 0
    private let countLimit: Int
    private let byteLimit: Int

    init(countLimit: Int = Limits.rememberedRequests, byteLimit: Int = Limits.rememberedBytes) {
        self.countLimit = countLimit
        self.byteLimit = byteLimit
    }

    /// By what a write is recognised; nothing for a read, which does no harm when it is repeated.
    static func keys(of request: ClientRequest, from origin: Waiter.Origin) -> [Key] {
        guard case .write(_, _, let id) = request.operation else { return [] }
        var keys: [Key] = []
        if let id, !PlantedFault.retryWritesAgain.isActive {
            keys.append(.client(id, partition: request.partition, address: request.address))
        }
        if case .node(let node, let exchange) = origin { keys.append(.exchange(node, exchange)) }
        return keys
    }

    /// What is known of the write with one of these keys. The exchange says more than the client's id: it was answered
    /// already.
    func fate(of keys: [Key]) -> Fate? {
        keys.reversed().lazy.compactMap { entries[$0]?.fate }.first
    }

    /// A request has begun.
    mutating func begin(_ keys: [Key], as request: UInt64) {
        for key in keys { set(.underWay(request), for: key, bytes: 0) }
    }

    /// A request is over.
    ///
    /// - Parameters:
    ///   - reply: what was answered; nil if nobody was waiting any more.
    ///   - write: what the own replica has decided, if it has.
    ///   - leaderEpoch: with version numbers, the epoch in which it was decided; 0 otherwise.
    mutating func finish(_ keys: [Key], reply: ClientReply?, write: CoordinatedWrite?, leaderEpoch: UInt64 = 0) {
        for key in keys {
            guard let fate = RequestMemory.fate(of: key, reply, write, leaderEpoch) else {
                forget(key)
                continue
            }
            set(fate, for: key, bytes: RequestMemory.size(of: fate))
            order.append((key, lastNumber))
        }
        while order.count - first > countLimit || (bytes > byteLimit && order.count > first) {
            let oldest = order[first]
            if entries[oldest.key]?.number == oldest.number { forget(oldest.key) }
            first += 1
        }
        if first > countLimit {
            order.removeFirst(first)
            first = 0
        }
    }

    private static func fate(
        of key: Key, _ reply: ClientReply?, _ write: CoordinatedWrite?, _ leaderEpoch: UInt64
    ) -> Fate? {
        if let write { return .decided(write.remembered, leaderEpoch: leaderEpoch) }
        guard let reply else { return nil }
        switch (key, reply) {
        case (_, .written(var written)):
            written.discarded = []
            return .answered(.written(written))
        case (.exchange, _), (.client, .refused): return .answered(reply)
        // The client may try again: this time it may succeed.
        case (.client, .object), (.client, .unavailable): return nil
        }
    }

    private mutating func set(_ fate: Fate, for key: Key, bytes size: Int) {
        forget(key)
        lastNumber += 1
        bytes += size
        entries[key] = Entry(fate: fate, bytes: size, number: lastNumber)
    }

    private mutating func forget(_ key: Key) {
        if let entry = entries.removeValue(forKey: key) { bytes -= entry.bytes }
    }

    private static func size(of fate: Fate) -> Int {
        switch fate {
        case .underWay: 0
        case .decided(let write, _):
            write.records.reduce(size(of: write.object) + size(of: write.update)) { $0 + size(of: $1) }
        case .answered(.object(let object)): size(of: object)
        case .answered(.written(let reply)): size(of: reply.object)
        case .answered(.refused), .answered(.unavailable): 0
        }
    }

    private static func size(of update: ObjectUpdate) -> Int {
        update.address.count + update.events.count * 16 + size(of: update.object)
    }

    private static func size(of object: CausalObject) -> Int {
        object.versions.reduce(64 + object.context.cloud.count * 16) { $0 + 64 + ($1.content?.count ?? 0) }
    }
}

extension CoordinatedWrite {
    /// What it takes to answer the request again: without the versions that the write has replaced. They are parts of the object's
    /// record as it was, and so may those be that are left: either would hold all of it.
    fileprivate var remembered: CoordinatedWrite {
        guard case .applied(let replaced, let discarded) = outcome, !replaced.isEmpty || !discarded.isEmpty else {
            return self
        }
        var write = self
        write.outcome = .applied(replaced: [], discarded: [])
        if object.versions.count > 1 {
            write.object = object.detached
            write.update.object = update.object.detached
        }
        return write
    }
}
