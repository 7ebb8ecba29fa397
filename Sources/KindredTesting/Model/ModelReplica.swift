package import KindredModel

/// A fault that a test plants into `ModelReplica` to show that the comparison with `CausalHistory` would find it.
package enum PlantedDefect: Hashable, Sendable, CaseIterable {
    /// A write's answer carries everything the replica knows, so it claims siblings its writer was never shown.
    case answerKnowsEverything
    /// "What I read, plus my own write" is rounded up to a vector without gaps.
    case contextRoundedUp
    /// Contexts are stripped up to the highest event of an actor instead of the last one before a gap.
    case stripBeyondGap
    /// A receiver takes over the sender's clock instead of the events whose objects it was sent.
    case clockMerged
    /// An object arrives without the knowledge that its sender's clock carried for it.
    case notFilled
    /// A version that the other side has replaced is taken for one it has not heard of.
    case contextLostInMerge
    /// An object travels with the events of its versions alone; those that removed something stay behind.
    case effectWithoutEvent
}

/// What travels between replicas: objects of one snapshot as they are stored, the base they were stripped with, and *all* events of
/// these keys that the receiver may record once it has applied the objects.
package struct ModelMessage: Hashable, Sendable {
    /// The contiguous part of the sender's clock in the snapshot.
    package var base: VersionVector
    /// The sender's whole clock; only a planted defect looks at it.
    var clock: ReplicaClock
    /// The stored records by key; nil where nothing is stored, which is knowledge too.
    package var records: [Int: [UInt8]?]
    /// The events that changed these keys, as far as the sender knows them.
    package var events: [Dot: Int]
}

/// A partition replica reduced to what causality needs: encoded and stripped objects, a clock, a log, and nothing else.
///
/// It is made of the real values of `KindredModel`, and shows the order in which they have to be used; disks, requests and quorums are
/// somebody else's.
package struct ModelReplica: Hashable, Sendable {
    /// Who mints the dots of this replica.
    package let actor: ActorID
    /// What the bucket does with concurrent writes.
    package let strategy: ConflictStrategy
    /// Which events the records reflect.
    package private(set) var clock = ReplicaClock()
    /// The records, encoded and stripped; a key that would say nothing has none.
    package private(set) var records: [Int: [UInt8]] = [:]
    /// Every event in the clock, and the key it changed.
    package private(set) var log: [Dot: Int] = [:]
    /// How many dots it has minted.
    package private(set) var counter: UInt64 = 0
    private var hybridClock = HybridLogicalClock()
    private let cloudLimit: Int
    private let defect: PlantedDefect?

    /// An empty replica.
    ///
    /// - Parameter cloudLimit: how many dots beyond a gap it tells a writer.
    package init(
        actor: ActorID, strategy: ConflictStrategy, cloudLimit: Int = CausalObject.answeredCloudLimit,
        defect: PlantedDefect? = nil
    ) {
        self.actor = actor
        self.strategy = strategy
        self.cloudLimit = cloudLimit
        self.defect = defect
    }

    /// What it knows of a key: the stored record, filled with what the clock vouches for.
    package func object(_ key: Int) throws(MalformedBytes) -> CausalObject {
        var object =
            try records[key].map { record throws(MalformedBytes) in try CausalObject(encoded: record) }
            ?? CausalObject()
        object.fill(clock.base)
        return object
    }

    /// What a write did.
    package struct Written: Sendable {
        /// What became of it.
        package var outcome: WriteOutcome
        /// The dot it was given, if it happened.
        package var event: WriteEvent
        /// What its writer knows now.
        package var knowledge: Knowledge
    }

    /// Coordinates a client's write.
    ///
    /// - Parameter wall: this replica's wall clock in milliseconds.
    package mutating func write(
        _ write: ClientWrite, key: Int, wall: UInt64, siblingLimit: Int = 100
    ) throws(MalformedBytes) -> Written {
        var object = try object(key)
        let everything = Knowledge(
            context: object.context, timestamp: object.latestTimestamp, number: object.latestNumber)
        let seen = write.seen ?? (write.content == nil ? everything : .nothing)
        let event = WriteEvent(
            dot: Dot(actor, counter + 1), timestamp: hybridClock.tick(wall: wall, after: seen.timestamp))
        let outcome = strategy.apply(write, as: event, to: &object, siblingLimit: siblingLimit)
        guard case .applied = outcome else { return Written(outcome: outcome, event: event, knowledge: seen) }
        counter += 1
        clock.insert(event.dot)
        log[event.dot] = key
        save(object, key: key)

        var knowledge = Knowledge(
            context: object.contextForWriter(of: event.dot, having: seen.context, cloudLimit: cloudLimit),
            timestamp: event.timestamp, number: seen.number)
        knowledge.number = object.versions.first { $0.dot == event.dot }?.number ?? seen.number
        if defect == .answerKnowsEverything { knowledge.context = object.context }
        if defect == .contextRoundedUp { knowledge.context = knowledge.context.roundedUp }
        return Written(outcome: outcome, event: event, knowledge: knowledge)
    }

    /// Everything to be told about one key: what a coordinator sends after a write.
    package func message(about key: Int) throws(MalformedBytes) -> ModelMessage {
        var message = ModelMessage(
            base: clock.base, clock: clock, records: [key: records[key]], events: log.filter { $0.value == key })
        if defect == .effectWithoutEvent {
            let versions = try object(key).versions
            message.events = message.events.filter { event in versions.contains { $0.dot == event.key } }
        }
        return message
    }

    /// The answer to a replica that has `peer` and wants the rest: about the keys of the first `limit` missing events, and for
    /// these keys *all* missing events.
    package func changes(since peer: ReplicaClock, limit: Int) -> ModelMessage {
        var message = ModelMessage(base: clock.base, clock: clock, records: [:], events: [:])
        for dot in clock.events(missingFrom: peer, limit: limit) {
            if let key = log[dot] { message.records[key] = .some(records[key]) }
        }
        message.events = log.filter { message.records.keys.contains($0.value) && !peer.contains($0.key) }
        return message
    }

    /// Joins what another replica sent, and only then records the events that came with it: in one step, as one atomic record.
    package mutating func receive(
        _ message: ModelMessage, wall: UInt64
    ) throws(MalformedBytes) -> [CausalObject.Divergence] {
        var divergences: [CausalObject.Divergence] = []
        var merged: [Int: CausalObject] = [:]
        for (key, record) in message.records {
            var theirs =
                try record.map { record throws(MalformedBytes) in try CausalObject(encoded: record) }
                ?? CausalObject()
            if defect != .notFilled { theirs.fill(message.base) }
            if defect == .contextLostInMerge {
                theirs = CausalObject(versions: theirs.versions, context: CausalContext())
            }
            var ours = try object(key)
            divergences += strategy.merge(theirs, into: &ours)
            merged[key] = ours
            // A replica that never refuses for skew: the limit is tested by itself.
            try? hybridClock.observe(theirs.latestTimestamp, wall: wall, maximumSkew: .max)
        }
        for (dot, key) in message.events {
            clock.insert(dot)
            log[dot] = key
        }
        if defect == .clockMerged {
            for dot in message.clock.events(missingFrom: clock, limit: .max) { clock.insert(dot) }
        }
        for (key, object) in merged { save(object, key: key) }
        return divergences
    }

    /// Strips every record again: a base that has grown since a record was saved leaves something to strip.
    package mutating func compact() throws(MalformedBytes) {
        for key in Array(records.keys) { save(try object(key), key: key) }
    }

    private mutating func save(_ filled: CausalObject, key: Int) {
        var object = filled
        object.strip(defect == .stripBeyondGap ? clock.highest : clock.base)
        records[key] = object.isEmpty ? nil : object.encoded()
    }
}
