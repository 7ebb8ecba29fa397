/// What a replica knows of one key: the versions that nothing it knows of has replaced, and the events that this reflects.
///
/// A dotted version vector set with explicit dots. The versions are values and the context is knowledge: an event in the context whose
/// version is not here has been replaced or deleted. So a delete is the *absence* of a version whose dot the context covers, and needs no
/// tombstone.
///
/// *Stored* objects are stripped of what the replica's clock vouches for; *filled* ones carry it again. Everything below works on
/// filled objects, except where it says otherwise.
/// (Preguiça et al., arXiv:1011.5808; Gonçalves et al., DottedDB, 2017. Unlike both, dots are explicit and the context has a
/// cloud: counters belong to a partition replica, not to a key, so those of one key are sparse.)
public struct CausalObject: Hashable, Sendable {
    /// The versions, sorted by dot. More than one means siblings.
    public private(set) var versions: [Version]
    /// The events this object reflects, those of its versions included.
    public package(set) var context: CausalContext

    /// Nothing known: neither versions nor events.
    public init() {
        versions = []
        context = CausalContext()
    }

    /// An object of these versions and this knowledge; the versions' own dots are added to the context.
    public init(versions: [Version], context: CausalContext) {
        self.versions = versions.sorted { $0.dot < $1.dot }
        self.context = context
        for version in versions { self.context.insert(version.dot) }
    }

    /// Whether storing it would say nothing: no version, and no event beyond what was stripped.
    public var isEmpty: Bool { versions.isEmpty && context.isEmpty }

    /// The latest of the versions' timestamps; zero if there are none.
    public var latestTimestamp: HybridTimestamp {
        versions.reduce(.zero) { max($0, $1.timestamp) }
    }

    /// The highest of the versions' numbers; zero if there are none.
    public var latestNumber: UInt64 {
        versions.reduce(0) { max($0, $1.number) }
    }

    // MARK: Local events

    /// Removes the versions that `seen` covers, and takes over its knowledge.
    ///
    /// - Returns: the versions removed.
    public mutating func discard(_ seen: CausalContext) -> [Version] {
        context.merge(seen)
        return removeVersions { seen.contains($0.dot) }
    }

    /// Removes the versions that satisfy the condition; their dots stay known.
    ///
    /// - Returns: the versions removed, in order of their dots.
    public mutating func removeVersions(where isRemoved: (Version) -> Bool) -> [Version] {
        var removed: [Version] = []
        versions.removeAll { version in
            guard isRemoved(version) else { return false }
            removed.append(version)
            return true
        }
        return removed
    }

    /// Adds a version under its own new dot.
    public mutating func insert(_ version: Version) {
        var index = versions.count
        while index > 0, versions[index - 1].dot >= version.dot { index -= 1 }
        if index < versions.count, versions[index].dot == version.dot { return }
        versions.insert(version, at: index)
        context.insert(version.dot)
    }

    /// Records an event that leaves no version: a delete.
    public mutating func record(_ dot: Dot) {
        context.insert(dot)
    }

    /// A writer that is not shown the object is answered no more dots beyond a gap than this.
    public static let answeredCloudLimit = 64

    /// What the writer of `dot` knows, now that this object reflects the write: what it had seen, and its own write. Never more, because it
    /// has not been shown the rest.
    ///
    /// The replica's counter moves with every write to the partition, so a writer that never reads would collect a gap with each
    /// write, until its token is too long. Beyond the limit the oldest dots are therefore forgotten whose versions this object has
    /// seen replaced: here they have no effect any more. At a replica that lags so far behind that it still holds such a version, the
    /// writer's next write leaves it as a sibling until the events that replaced it arrive; nothing can be lost.
    public func contextForWriter(
        of dot: Dot, having seen: CausalContext, cloudLimit: Int = answeredCloudLimit
    ) -> CausalContext {
        var known = seen
        known.insert(dot)
        let excess = known.cloud.count - cloudLimit
        if excess > 0 {
            // The oldest of each actor first: what a client wrote last, anywhere, is what a replica that lags a little still lacks. (The
            // counters of different actors say nothing of who was earlier, so each keeps as many.)
            let replaced = known.cloud.filter { gone in
                gone != dot && context.contains(gone) && !versions.contains { $0.dot == gone }
            }
            var ages: [(dot: Dot, laterOnes: Int)] = []
            for gone in replaced.reversed() {
                let isSameActor = ages.last?.dot.actor == gone.actor
                ages.append((gone, isSameActor ? (ages.last?.laterOnes ?? 0) + 1 : 0))
            }
            let oldest = ages.sorted { ($0.laterOnes, $1.dot) > ($1.laterOnes, $0.dot) }
            let forgotten = Set(oldest.prefix(excess).map(\.dot))
            known.removeFromCloud(where: forgotten.contains)
        }
        return known
    }

    // MARK: Synchronisation

    /// Two replicas hold different content under one dot: one of them is damaged, or an actor id was used twice.
    public struct Divergence: Hashable, Sendable {
        /// The dot that names two writes.
        public let dot: Dot
    }

    /// Joins what another replica knows: keeps the versions that both have, and those of either that the other has not heard of.
    ///
    /// Commutative, associative and idempotent. Of two different versions of one dot it keeps the one with the later timestamp, then the
    /// higher number, then the larger bytes: on every replica the same one. They are reported, and must raise an alarm.
    public mutating func merge(_ other: CausalObject) -> [Divergence] {
        var divergences: [Divergence] = []
        var merged: [Version] = []
        merged.reserveCapacity(versions.count + other.versions.count)
        var left = versions[...]
        var right = other.versions[...]
        while let ours = left.first, let theirs = right.first {
            if ours.dot == theirs.dot {
                if ours != theirs { divergences.append(Divergence(dot: ours.dot)) }
                merged.append(CausalObject.dominant(ours, theirs))
                left.removeFirst()
                right.removeFirst()
            } else if ours.dot < theirs.dot {
                if !other.hasReplaced(ours.dot) { merged.append(ours) }
                left.removeFirst()
            } else {
                if !hasReplaced(theirs.dot) { merged.append(theirs) }
                right.removeFirst()
            }
        }
        merged += left.filter { !other.hasReplaced($0.dot) }
        merged += right.filter { !hasReplaced($0.dot) }
        versions = merged
        context.merge(other.context)
        return divergences
    }

    /// Whether this side knows of an event whose version it does not have.
    private func hasReplaced(_ dot: Dot) -> Bool {
        if PlantedFault.replacedVersionKept.isActive, versions.isEmpty { return false }
        if PlantedFault.mergeByMaximum.isActive { return context.roundedUp.contains(dot) }
        return context.contains(dot)
    }

    /// A fixed choice between two versions of one dot that should have been equal.
    private static func dominant(_ left: Version, _ right: Version) -> Version {
        if left == right { return left }
        if left.timestamp != right.timestamp { return left.timestamp > right.timestamp ? left : right }
        if left.number != right.number { return left.number > right.number ? left : right }
        guard let leftContent = left.content, let rightContent = right.content else {
            return left.content == nil ? right : left
        }
        return leftContent.lexicographicallyPrecedes(rightContent) ? right : left
    }

    // MARK: Stripping and filling

    /// Adds what the replica's clock vouches for: every event of the base that touched this key is reflected here.
    ///
    /// - Parameter base: the base of the clock of the same snapshot; never an older one than the object was stripped with.
    public mutating func fill(_ base: VersionVector) {
        context.merge(base)
    }

    /// Removes from the context what the replica's clock vouches for; `fill` brings it back.
    public mutating func strip(_ base: VersionVector) {
        context.strip(base)
    }
}

// MARK: - Coding

extension CausalObject {
    /// The first byte of every encoded object.
    public static let formatVersion: UInt8 = 1

    private enum Flags {
        static let tombstone: UInt8 = 1
        static let number: UInt8 = 2
        static let parent: UInt8 = 4
        static let writer: UInt8 = 8
        static let all: UInt8 = tombstone | number | parent | writer
    }

    /// The record: format version, context, varint count of versions; per version a flag byte, varint actor, varint
    /// counter, 8 bytes of timestamp, varint number (if flagged), varint length and bytes of the content (unless a tombstone), varint
    /// actor and counter of the parent (if flagged), and varint length and bytes of the writer's name (if flagged).
    public func encoded() -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(versions.reduce(16 + context.cloud.count * 6) { $0 + 64 + ($1.content?.count ?? 0) })
        bytes.append(CausalObject.formatVersion)
        context.encode(into: &bytes)
        bytes.append(varint: UInt64(versions.count))
        for version in versions {
            var flags: UInt8 = 0
            if version.isTombstone { flags |= Flags.tombstone }
            if version.number > 0 { flags |= Flags.number }
            if version.parent != nil { flags |= Flags.parent }
            if version.writer != nil { flags |= Flags.writer }
            bytes.append(flags)
            bytes.append(varint: UInt64(version.dot.actor.rawValue))
            bytes.append(varint: version.dot.counter)
            bytes.append(bigEndian: version.timestamp.rawValue)
            if version.number > 0 { bytes.append(varint: version.number) }
            if let content = version.content { bytes.append(lengthPrefixed: content) }
            if let parent = version.parent {
                bytes.append(varint: UInt64(parent.actor.rawValue))
                bytes.append(varint: parent.counter)
            }
            if let writer = version.writer { bytes.append(lengthPrefixed: writer) }
        }
        return bytes
    }

    /// Reads what `encoded` wrote. The contents are slices of `record`, not copies.
    ///
    /// The dots of the versions are *not* added to the context: a stripped object has them covered by the clock.
    public init(encoded record: [UInt8]) throws(MalformedBytes) {
        // Typed throws do not pass through `withUnsafeBytes` of older runtimes; a result does.
        let decoded = record.withUnsafeBytes { buffer in
            Result { () throws(MalformedBytes) -> CausalObject in
                try CausalObject(from: ByteReader(buffer), of: record)
            }
        }
        self = try decoded.get()
    }

    private init(from start: ByteReader, of record: [UInt8]) throws(MalformedBytes) {
        var reader = start
        guard try reader.byte() == CausalObject.formatVersion else {
            throw MalformedBytes("causal object: unknown format version")
        }
        context = try CausalContext(from: &reader)
        let count = try reader.count(ofAtLeast: 11)
        versions = []
        versions.reserveCapacity(count)
        for _ in 0..<count {
            let flags = try reader.byte()
            guard flags & ~Flags.all == 0 else { throw MalformedBytes("causal object: unknown flags") }
            guard let actor = UInt32(exactly: try reader.varint()) else {
                throw MalformedBytes("causal object: actor too large")
            }
            let dot = Dot(ActorID(actor), try reader.varint())
            guard dot.counter > 0 else { throw MalformedBytes("causal object: zero counter") }
            guard versions.last.map({ $0.dot < dot }) ?? true else {
                throw MalformedBytes("causal object: versions out of order")
            }
            let timestamp = HybridTimestamp(rawValue: try reader.bigEndian(UInt64.self))
            let number = flags & Flags.number != 0 ? try reader.varint() : 0
            let content = flags & Flags.tombstone != 0 ? nil : record[try reader.lengthPrefixedRange()]
            var parent: Dot?
            if flags & Flags.parent != 0 {
                guard let actor = UInt32(exactly: try reader.varint()) else {
                    throw MalformedBytes("causal object: actor too large")
                }
                let counter = try reader.varint()
                guard counter > 0 else { throw MalformedBytes("causal object: zero counter") }
                parent = Dot(ActorID(actor), counter)
            }
            let writer = flags & Flags.writer != 0 ? record[try reader.lengthPrefixedRange()] : nil
            versions.append(
                Version(
                    dot: dot, timestamp: timestamp, number: number, content: content, parent: parent, writer: writer))
        }
        guard reader.isAtEnd else { throw MalformedBytes("causal object: bytes after the end") }
    }
}
