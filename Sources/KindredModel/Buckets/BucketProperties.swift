/// The data type of a bucket type whose values the system merges. The names are Riak's.
public enum DataType: String, CaseIterable, Hashable, Sendable {
    case counter
    case set
    case map
    case hll
    case gset
}

/// How far a write has to go before it is acknowledged, as Riak's `sync_on_write` says it.
public enum SyncOnWrite: String, CaseIterable, Hashable, Sendable {
    /// As the node's durability says.
    case backend
    /// Synced at one replica.
    case one
    /// Synced at all replicas that count.
    case all
}

/// What a request has to know about its bucket: the properties that decide something, typed.
///
/// A plain value without references, so that a request can have one for the price of a copy. All properties by name are in the
/// registry's `properties(ofType:)` and `properties(ofBucket:inType:)`.
public struct BucketProperties: Hashable, Sendable {
    /// What happens to concurrent writes.
    public let strategy: ConflictStrategy
    /// Whether what has happened to them is entered into the conflict log, at nodes that keep one.
    public let logsConflicts: Bool
    /// Set where the values are data types; requests for plain objects are refused then.
    public let dataType: DataType?
    /// How many replicas a key has.
    public let nVal: Int
    /// How many replicas have to answer a read.
    public let r: Quorum
    /// How many replicas have to acknowledge a write.
    public let w: Quorum
    /// How many of them after it is durable there.
    public let dw: Quorum
    /// How many replicas have to take part in a delete.
    public let rw: Quorum
    /// How many of the replicas that answer a read must be primary ones.
    public let pr: Quorum
    /// How many of the replicas that acknowledge a write must be primary ones.
    public let pw: Quorum
    /// On how many different nodes the replicas that count must be.
    public let nodeConfirms: Quorum
    /// Whether a replica without the key counts towards `r`.
    public let notfoundOK: Bool
    /// Whether a read ends as soon as a majority does not have the key.
    public let basicQuorum: Bool
    /// How far a write must have gone before it is acknowledged.
    public let syncOnWrite: SyncOnWrite

    /// What a replica has to know of the bucket.
    package var conflictRules: ConflictRules { ConflictRules(strategy, logsConflicts: logsConflicts) }

    /// Whether the values are data types, so that plain objects cannot be read or written.
    public var isDataType: Bool { dataType != nil }

    /// Takes the properties that matter from a complete, validated set.
    ///
    /// - Parameter set: where a property is missing, Riak's default is taken.
    package init(_ set: PropertySet) {
        func quorum(_ name: String, orElse fallback: Quorum) -> Quorum {
            switch set[name] {
            case .integer(let number): UInt32(exactly: number).map(Quorum.number) ?? fallback
            case .text(let word): Quorum(word: word) ?? fallback
            default: fallback
            }
        }
        strategy = set["conflict_strategy"]?.text.flatMap(ConflictStrategy.init(rawValue:)) ?? .versionVectors
        logsConflicts = set["conflict_log"]?.bool ?? true
        dataType = set["datatype"]?.text.flatMap(DataType.init(rawValue:))
        nVal = set["n_val"]?.integer.flatMap { Int(exactly: $0) } ?? 3
        r = quorum("r", orElse: .quorum)
        w = quorum("w", orElse: .quorum)
        dw = quorum("dw", orElse: .quorum)
        rw = quorum("rw", orElse: .quorum)
        pr = quorum("pr", orElse: .number(0))
        pw = quorum("pw", orElse: .number(0))
        nodeConfirms = quorum("node_confirms", orElse: .number(0))
        notfoundOK = set["notfound_ok"]?.bool ?? true
        basicQuorum = set["basic_quorum"]?.bool ?? false
        syncOnWrite = set["sync_on_write"]?.text.flatMap(SyncOnWrite.init(rawValue:)) ?? .backend
    }
}

/// What a replica does about concurrent writes in a bucket, whoever has made them.
package struct ConflictRules: Hashable, Sendable {
    /// What becomes of them.
    package let strategy: ConflictStrategy
    /// Whether that is entered into the conflict log.
    package let logsConflicts: Bool

    package init(_ strategy: ConflictStrategy, logsConflicts: Bool = true) {
        self.strategy = strategy
        self.logsConflicts = logsConflicts
    }
}
