package import KindredModel

/// A question for the keys of a bucket, or the buckets of a type, in one partition. No replica has to know more than it does: a listing shows
/// what one sure replica of each partition has.
package struct ListRequest: Hashable, Sendable {
    package var id: UInt64
    package var partition: UInt16
    package var bucketType: UInt32
    /// Whose keys; nil lists the buckets that have an object. The bucket without a name, of the first type, is the conflict log: each
    /// name is a record's name, and then the record, and the newest comes first.
    package var bucket: [UInt8]?
    /// The last name of the page before; nil for the first page.
    package var after: [UInt8]?
    /// How many names at most.
    package var limit: UInt32

    package init(id: UInt64, partition: UInt16, bucketType: UInt32, bucket: [UInt8]?, after: [UInt8]?, limit: UInt32) {
        self.id = id
        self.partition = partition
        self.bucketType = bucketType
        self.bucket = bucket
        self.after = after
        self.limit = limit
    }
}

/// A page of names.
package struct ListReply: Hashable, Sendable {
    package var id: UInt64
    package var result: Result<ListPage, ReplicaRefusal>

    package init(id: UInt64, result: Result<ListPage, ReplicaRefusal>) {
        self.id = id
        self.result = result
    }
}

package struct ListPage: Hashable, Sendable {
    /// Each once, in the order of the storage.
    package var names: [[UInt8]]
    /// Whether the partition has no more.
    package var isLast: Bool
    /// Of a page of the conflict log: what there was when the replica began to read it.
    package var log: ConflictLogState?

    package init(names: [[UInt8]], isLast: Bool, log: ConflictLogState? = nil) {
        self.names = names
        self.isLast = isLast
        self.log = log
    }
}

/// How far a replica's part of the conflict log has come.
package struct ConflictLogState: Hashable, Sendable {
    /// Whose log it is.
    package let actor: ActorID
    /// Grows with every record that comes into the log; nil while a full transfer is under way, whose records come in before the clock knows
    /// of them.
    package var revision: UInt64?
    /// The events that the replica reflected.
    package let clock: ReplicaClock
    /// The actors of the partition that mint no more.
    package let closed: ClosedActors
    /// The contiguous part of the events, or what others have of it.
    package var base: VersionVector

    package init(actor: ActorID, revision: UInt64?, clock: ReplicaClock, closed: ClosedActors) {
        self.actor = actor
        self.revision = revision
        self.clock = clock
        self.closed = closed
        base = clock.base
    }

    /// Whether the replica reflected an event.
    package func reflects(_ dot: Dot) -> Bool {
        clock.contains(dot) || closed.cover(dot, by: clock.base(of: .closed))
    }

    /// How many records have come into the log since an earlier state of the same replica; nil if that cannot be told.
    package func records(since earlier: ConflictLogState) -> UInt64? {
        guard actor == earlier.actor, let revision, let past = earlier.revision, revision >= past else { return nil }
        return revision - past
    }
}

// MARK: - Coding

extension ListRequest: MessageField {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        bytes.append(varint: UInt64(partition))
        bytes.append(varint: UInt64(bucketType))
        bytes.append(optionalBytes: bucket)
        bytes.append(optionalBytes: after)
        bytes.append(varint: UInt64(limit))
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(
            id: try reader.varint(), partition: try reader.varint(as: UInt16.self),
            bucketType: try reader.varint(as: UInt32.self),
            bucket: try reader.bool() ? try reader.lengthPrefixedBytes() : nil,
            after: try reader.bool() ? try reader.lengthPrefixedBytes() : nil,
            limit: try reader.varint(as: UInt32.self))
    }
}

extension ListReply: MessageField {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: id)
        bytes.append(result)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(id: try reader.varint(), result: try reader.result(ListPage.self))
    }
}

extension ListPage: MessageField {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(flags: isLast, log != nil)
        bytes.append(varint: UInt64(names.count))
        for name in names { bytes.append(lengthPrefixed: name) }
        log?.encode(into: &bytes)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        let flags = try reader.flags(2)
        let count = try reader.count(ofAtLeast: 1)
        var names: [[UInt8]] = []
        names.reserveCapacity(count)
        for _ in 0..<count { names.append(try reader.lengthPrefixedBytes()) }
        self.init(names: names, isLast: flags[0], log: flags[1] ? try ConflictLogState(from: &reader) : nil)
    }
}

extension ConflictLogState: MessageField {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(actor.rawValue))
        bytes.append(flags: revision != nil)
        if let revision { bytes.append(varint: revision) }
        clock.encode(into: &bytes)
        closed.encode(into: &bytes)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init(
            actor: ActorID(try reader.varint(as: UInt32.self)),
            revision: try reader.flags(1)[0] ? try reader.varint() : nil, clock: try ReplicaClock(from: &reader),
            closed: try ClosedActors(from: &reader))
    }
}
