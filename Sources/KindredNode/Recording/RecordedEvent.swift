package import KindredModel
import KindredReplication
import KindredStorage

/// What somebody wants recorded.
package struct RecordingOptions: Hashable, Sendable {
    /// What is told of a value.
    package enum Values: String, Codable, Hashable, Sendable, CaseIterable {
        /// Nothing.
        case none
        /// Its length, and a salted digest that tells equal content apart from other content.
        case sizes
        /// The value, too.
        case full
    }

    /// The id of the only bucket type that counts; nil for all.
    package var type: UInt32?
    /// The only bucket that counts; nil for all.
    package var bucket: [UInt8]?
    /// Whether keys, and the names of clients, are told as salted hashes.
    package var hashesKeys = false
    package var values = Values.sizes
    /// Whether reads are recorded, too.
    package var includesReads = false

    package init() {}

    func admit(_ address: [UInt8]) -> Bool {
        guard type != nil || bucket != nil else { return true }
        return address.withUnsafeBytes { bytes in
            guard let fields = AddressFields(bytes) else { return false }
            return (type ?? fields.bucketType) == fields.bucketType
                && (bucket.map { fields.bucket.elementsEqual($0) } ?? true)
        }
    }
}

/// What a client did at a node, as the data loop hands it to whoever records. Nothing is worked out on that loop:
/// names, digests and JSON are the reader's business, on its own thread.
package enum RecordedEvent: Sendable {
    case write(RecordedWrite)
    case read(RecordedRead)

    /// About how much memory it holds.
    var cost: Int {
        switch self {
        case .write(let write):
            let events = write.context.eventCount + (write.reflected?.eventCount ?? 0) + write.found.count
            return 256 + write.address.count + 16 * events + (write.content?.count ?? 0)
        case .read(let read): return 128 + read.address.count + 16 * read.shown.count
        }
    }
}

/// A client's write that this node has coordinated.
package struct RecordedWrite: Sendable {
    package enum Outcome: Sendable {
        case applied(Dot, HybridTimestamp)
        case unchanged
        case refused(WriteRefusal)
    }

    /// The node's wall clock, in milliseconds since 1970.
    package var wall: UInt64
    package var partition: UInt16
    /// Bucket type, bucket and key: `ObjectKey.address`.
    package var address: [UInt8]
    package var strategy: ConflictStrategy
    package var isDelete: Bool
    /// Whether the client has shown a token.
    package var hasToken: Bool
    /// What the token has seen; of a delete without one, everything that the replica knew.
    package var context: CausalContext
    package var precondition: Precondition
    package var writer: [UInt8]
    /// The encoded content; nil for a delete, or if values are not told.
    package var content: ArraySlice<UInt8>?
    /// The versions that were there when the write came.
    package var found: [Dot]
    /// The events that the replica knew of then, and perhaps this write; nil for a node that is alone, which knows all.
    package var reflected: CausalContext?
    package var outcome: Outcome
}

/// A client's read.
package struct RecordedRead: Sendable {
    package var wall: UInt64
    package var partition: UInt16
    package var address: [UInt8]
    package var strategy: ConflictStrategy
    /// The versions that it was shown.
    package var shown: [Dot]
}

extension RecordedWrite {
    /// - Parameters:
    ///   - object: the object after the write.
    ///   - isAlone: whether this is the only replica.
    init(
        _ write: ClientWrite, _ precondition: Precondition, address: [UInt8], partition: UInt16,
        _ strategy: ConflictStrategy, outcome: WriteOutcome, object: CausalObject,
        event: (dot: Dot, timestamp: HybridTimestamp)?, wall: UInt64, isAlone: Bool
    ) {
        self.wall = wall
        self.partition = partition
        self.address = address
        self.strategy = strategy
        self.precondition = precondition
        isDelete = write.content == nil
        hasToken = write.seen != nil
        context = write.seen?.context ?? (write.content == nil ? object.context : CausalContext())
        writer = write.writer.map { Array($0) } ?? []
        content = write.content
        reflected = isAlone ? nil : object.context
        switch outcome {
        case .applied(let replaced, let discarded):
            found = (replaced + discarded + object.versions).map(\.dot).filter { $0 != event?.dot }.sorted()
            self.outcome = event.map { .applied($0.dot, $0.timestamp) } ?? .unchanged
        case .unchanged:
            found = object.versions.map(\.dot)
            self.outcome = .unchanged
        case .refused(let refusal):
            found = object.versions.map(\.dot)
            self.outcome = .refused(refusal)
        }
    }
}

extension CausalContext {
    fileprivate var eventCount: Int { vector.entries.count + cloud.count }
}
