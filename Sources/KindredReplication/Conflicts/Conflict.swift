package import KindredModel

/// Two or more writes of a key that met without having known of each other, and what became of them; or what has become of such a
/// conflict since.
///
/// A conflict is named by its *subject*, and the same one at every replica: with last-write-wins that is the write that was lost, with
/// siblings the later of those that met, by the total order of versions. So however many replicas notice it, it is one conflict.
package struct Conflict: Hashable, Sendable {
    package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        /// Last-write-wins has dropped the subject in favour of a later write that had not seen it.
        case lost = 1
        /// An immutable key had been given other content elsewhere: the subject is kept, and not shown.
        case shadowed = 2
        /// An immutable key had content already: the subject was refused, and its writer told so.
        case refused = 3
        /// The subject became a sibling of versions that it had not seen, or that had not seen it.
        case sibling = 4
        /// The subject is a delete, and has left versions that it had not seen.
        case outlived = 5
        /// The subject has replaced several siblings, having seen them; or was written by a command that resolves a conflict.
        case resolved = 6
        /// The subject turned up late, under a dot that had been declared void, where last-write-wins had no place for it.
        case orphaned = 7
    }

    package var kind: Kind
    package var subject: ConflictParty
    /// Whom it met: what won against it, stands beside it, or was replaced by it.
    package var others: [ConflictParty]
    /// Why the subject was written, if a command wrote it: the conflict that it resolves. Empty otherwise.
    package var note: [UInt8]

    package init(kind: Kind, subject: ConflictParty, others: [ConflictParty], note: [UInt8] = []) {
        self.kind = kind
        self.subject = subject
        self.others = others
        self.note = note
    }
}

/// A write that is part of a conflict.
package struct ConflictParty: Hashable, Sendable {
    /// The write's name; nil if it was refused.
    package var dot: Dot?
    package var timestamp: HybridTimestamp
    /// The version number; 0 outside of buckets with version numbers.
    package var number: UInt64
    /// What its writer had seen. Known of the write that has met the others at its own coordinator; nil of those that were there.
    package var seen: CausalContext?
    /// The version that it has replaced, its writer having seen it; see `Version`.
    package var parent: Dot?
    /// The name that the writing client gives itself; empty if it gives none.
    package var writer: [UInt8]
    package var value: ConflictValue

    package init(
        dot: Dot?, timestamp: HybridTimestamp, number: UInt64 = 0, seen: CausalContext? = nil, parent: Dot? = nil,
        writer: [UInt8] = [], value: ConflictValue
    ) {
        self.dot = dot
        self.timestamp = timestamp
        self.number = number
        self.seen = seen
        self.parent = parent
        self.writer = writer
        self.value = value
    }
}

/// What a conflict remembers of what a write had stored.
package enum ConflictValue: Hashable, Sendable {
    /// The object still has it.
    case kept
    /// It was a delete.
    case deletion
    /// The encoded `ObjectContent`, whole.
    case content([UInt8])
    /// It was too long to be remembered: how many bytes it had, and their digest (SHA-256 in a server).
    case oversized(length: UInt64, digest: [UInt8])
}

/// What one replica has noticed about one key in one step: an entry of the conflict log.
package struct ConflictRecord: Hashable, Sendable {
    /// The key: `ObjectKey.address`.
    package var address: [UInt8]
    package var strategy: ConflictStrategy
    /// When it was noticed, by the noticing replica's wall clock, in milliseconds since 1970.
    package var noticed: UInt64
    package var conflicts: [Conflict]

    package init(address: [UInt8], strategy: ConflictStrategy, noticed: UInt64, conflicts: [Conflict]) {
        self.address = address
        self.strategy = strategy
        self.noticed = noticed
        self.conflicts = conflicts
    }
}

/// How a node keeps its conflict log.
package struct ConflictLogging: Sendable {
    /// A value of more bytes is not remembered, only its length and digest.
    package var valueLimit: Int
    /// Hashes a storage key; see `ObjectKey`.
    package var hash: @Sendable (UnsafeRawBufferPointer) -> UInt64
    /// The digest of a value that is too long.
    package var digest: @Sendable (ArraySlice<UInt8>) -> [UInt8]

    package init(
        valueLimit: Int = Limits.conflictValueBytes, hash: @escaping @Sendable (UnsafeRawBufferPointer) -> UInt64,
        digest: @escaping @Sendable (ArraySlice<UInt8>) -> [UInt8]
    ) {
        self.valueLimit = valueLimit
        self.hash = hash
        self.digest = digest
    }

    /// What is remembered of a version that the object does not keep.
    func remembered(_ version: Version) -> ConflictParty {
        ConflictParty(version, value: value(of: version.content))
    }

    func value(of content: ArraySlice<UInt8>?) -> ConflictValue {
        guard let content else { return .deletion }
        if content.count <= valueLimit { return .content(Array(content)) }
        return .oversized(length: UInt64(content.count), digest: digest(content))
    }
}

extension ConflictParty {
    /// A version that the object keeps, or whose value does not matter.
    init(_ version: Version, value: ConflictValue? = nil) {
        self.init(
            dot: version.dot, timestamp: version.timestamp, number: version.number, parent: version.parent,
            writer: version.writer.map { Array($0) } ?? [], value: value ?? (version.isTombstone ? .deletion : .kept))
    }
}
