package import KindredModel

/// Something that holds in every correct implementation did not hold.
package struct LawViolation: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was found and what was expected.
    package let description: String

    /// - Parameter description: what was found and what was expected.
    package init(_ description: String) {
        self.description = description
    }
}

/// One thing that happens to a `ModelCluster`. Every operation can happen in every state: numbers out of range wrap around, and what
/// makes no sense does nothing, so a failing list of them can be shortened at will.
package enum ModelOperation: Hashable, Sendable {
    /// A client reads a key from some replicas (bit *i* for replica *i*), merges their answers and remembers what it saw.
    case read(client: Int, replicas: Int, key: Int)
    /// A client writes a key at a replica, with what it remembers or with nothing, and remembers the answer.
    case put(client: Int, replica: Int, key: Int, content: UInt8, withContext: Bool)
    /// A client deletes a key at a replica, of what it remembers, or all that the replica knows.
    case delete(client: Int, replica: Int, key: Int, withContext: Bool)
    /// A message on its way arrives; its sender may send it again.
    case deliver(message: Int, again: Bool)
    /// A message on its way is lost.
    case lose(message: Int)
    /// A replica asks another for what it misses, and gets a batch of it.
    case pull(into: Int, from: Int, limit: Int)
    /// Time passes, in milliseconds.
    case wait(Int)
}

/// Replicas, clients and messages on their way, next to the right answers.
///
/// Everything that happens is done twice: by replicas made of the real values, and to plain sets of events in a `CausalHistory`.
/// After every step the two must agree.
package struct ModelCluster: Hashable, Sendable {
    /// How a cluster is set up.
    package struct Configuration: Hashable, Sendable {
        /// What the bucket does with concurrent writes.
        package var strategy: ConflictStrategy
        /// How many replicas, at most `CausalHistory.maximumReplicas`.
        package var replicas: Int
        /// How many clients.
        package var clients: Int
        /// How many keys share the replicas' counters.
        package var keys: Int
        /// How far each replica's wall clock is ahead, in milliseconds.
        package var clockOffsets: [UInt64]
        /// Whether a write is sent to the other replicas at once; if not, they have to ask.
        package var sendsWrites: Bool
        /// Whether answers to writes leave out every dot that they may leave out. A reader may be shown more than the right answer then, as
        /// long as replicas differ, but never less.
        package var forgetsDots: Bool
        /// The fault of every replica, if the test wants one.
        package var defect: PlantedDefect?

        /// Describes a cluster.
        package init(
            strategy: ConflictStrategy, replicas: Int, clients: Int, keys: Int, clockOffsets: [UInt64] = [],
            sendsWrites: Bool = true, forgetsDots: Bool = false, defect: PlantedDefect? = nil
        ) {
            self.strategy = strategy
            self.replicas = min(replicas, CausalHistory.maximumReplicas)
            self.clients = clients
            self.keys = keys
            self.clockOffsets = clockOffsets
            self.sendsWrites = sendsWrites
            self.forgetsDots = forgetsDots
            self.defect = defect
        }
    }

    /// What a client remembers of a key, as it was told and as it is.
    private struct Memory: Hashable {
        var knowledge = Knowledge.nothing
        var events = EventSet()
        var versionNumber: UInt64 = 0
    }

    private struct Travelling: Hashable {
        var message: ModelMessage
        var events: EventSet
        var receiver: Int
    }

    /// How the cluster is set up.
    package let configuration: Configuration
    /// The replicas.
    package private(set) var replicas: [ModelReplica]
    /// What has happened.
    package private(set) var history = CausalHistory()
    private var known: [EventSet]
    private var memories: [[Memory]]
    private var travelling: [Travelling] = []
    private var time: UInt64 = 1_000

    /// A cluster in which nothing has happened.
    package init(_ configuration: Configuration) {
        self.configuration = configuration
        replicas = (0..<configuration.replicas).map { index in
            ModelReplica(
                actor: ActorID(UInt32(index + 1)), strategy: configuration.strategy,
                cloudLimit: configuration.forgetsDots ? 0 : CausalObject.answeredCloudLimit,
                defect: configuration.defect)
        }
        known = Array(repeating: EventSet(), count: configuration.replicas)
        memories = Array(
            repeating: Array(repeating: Memory(), count: configuration.keys), count: configuration.clients)
    }

    private var strategy: ConflictStrategy { configuration.strategy }

    // MARK: What happens

    /// Does one thing, and compares what it changed with the right answer.
    package mutating func perform(_ operation: ModelOperation) throws {
        switch operation {
        case .read(let client, let mask, let key):
            try read(client: client % configuration.clients, mask: mask, key: key % configuration.keys)
        case .put(let client, let replica, let key, let content, let withContext):
            try write(
                client: client, replica: replica, key: key, content: [content], withContext: withContext)
        case .delete(let client, let replica, let key, let withContext):
            try write(client: client, replica: replica, key: key, content: nil, withContext: withContext)
        case .deliver(let index, let again):
            guard !travelling.isEmpty else { return }
            let index = index % travelling.count
            let arriving = travelling[index]
            if !again { travelling.remove(at: index) }
            try receive(arriving)
        case .lose(let index):
            if !travelling.isEmpty { travelling.remove(at: index % travelling.count) }
        case .pull(let receiver, let sender, let limit):
            try pull(receiver % replicas.count, from: sender % replicas.count, limit: limit)
        case .wait(let milliseconds):
            time += UInt64(milliseconds)
        }
    }

    private mutating func read(client: Int, mask: Int, key: Int) throws {
        let chosen = replicas.indices.filter { mask >> $0 & 1 == 1 }
        let asked = chosen.isEmpty ? [mask % replicas.count] : chosen
        var object = CausalObject()
        var events = EventSet()
        for replica in asked {
            let divergences = strategy.merge(try replicas[replica].object(key), into: &object)
            try expect(divergences.isEmpty, "reading key \(key) found divergences \(divergences)")
            events.formUnion(knownEvents(replica, key: key))
        }
        try compare(object, with: events, key: key, where: "read of replicas \(asked)")
        memories[client][key] = Memory(
            knowledge: Knowledge(
                context: object.context, timestamp: object.latestTimestamp, number: object.latestNumber),
            events: events,
            versionNumber: highestNumber(history.live(events, key: key)))
    }

    private mutating func write(
        client: Int, replica: Int, key: Int, content: [UInt8]?, withContext: Bool
    ) throws {
        let client = client % configuration.clients
        let key = key % configuration.keys
        // Version numbers have one leader.
        let replica = strategy == .versionNumbers ? 0 : replica % replicas.count
        guard history.count(ofReplica: replica) < CausalHistory.eventsPerReplica else { return }

        let memory = memories[client][key]
        let before = knownEvents(replica, key: key)
        var seen = withContext ? memory.events : content == nil ? before : EventSet()
        var seenNumber = withContext ? memory.versionNumber : 0
        if content == nil, !withContext { seenNumber = highestNumber(history.live(before, key: key)) }
        let written = try replicas[replica].write(
            ClientWrite(content: content?[...], seen: withContext ? memory.knowledge : nil), key: key,
            wall: wall(replica))
        if !configuration.forgetsDots {
            try check(written.outcome, of: content, seen: seen, known: before, key: key)
        }
        if case .applied = written.outcome {
            if strategy == .immutable { seen = EventSet() }
            let number =
                strategy == .versionNumbers && content != nil
                ? max(seenNumber, highestNumber(history.live(before, key: key))) + 1 : 0
            let event = history.append(
                dot: written.event.dot, key: key, content: content, timestamp: written.event.timestamp,
                versionNumber: number, seen: seen)
            for earlier in history.events(in: seen) where strategy == .lastWriteWins {
                try expect(event.isLater(than: earlier), "\(event.dot) is not later than \(earlier.dot), which it saw")
            }
            known[replica].formUnion(seen.union(EventSet(event)))
            memories[client][key] = Memory(
                knowledge: written.knowledge,
                // An immutable key's write replaces nothing, and yet its writer still knows what it knew.
                events: (withContext ? memory.events : seen).union(EventSet(event)),
                versionNumber: content == nil ? seenNumber : number)
            if configuration.sendsWrites {
                let message = try replicas[replica].message(about: key)
                for receiver in replicas.indices where receiver != replica {
                    travelling.append(
                        Travelling(
                            message: message, events: knownEvents(replica, key: key), receiver: receiver))
                }
            }
        }
        try checkReplica(replica)
        try compare(memories[client][key], key: key, where: "answer to client \(client)")
    }

    private mutating func receive(_ arriving: Travelling) throws {
        let receiver = arriving.receiver
        let divergences = try replicas[receiver].receive(arriving.message, wall: wall(receiver))
        try expect(divergences.isEmpty, "replica \(receiver) found divergences \(divergences)")
        known[receiver].formUnion(arriving.events)
        try checkReplica(receiver)
    }

    private mutating func pull(_ receiver: Int, from sender: Int, limit: Int) throws {
        guard receiver != sender else { return }
        let message = replicas[sender].changes(since: replicas[receiver].clock, limit: max(limit, 1))
        if message.records.isEmpty { return }
        var events = EventSet()
        for key in message.records.keys { events.formUnion(knownEvents(sender, key: key)) }
        try receive(Travelling(message: message, events: events, receiver: receiver))
    }

    private func wall(_ replica: Int) -> UInt64 {
        time + (replica < configuration.clockOffsets.count ? configuration.clockOffsets[replica] : 0)
    }

    private func knownEvents(_ replica: Int, key: Int) -> EventSet {
        known[replica].filter(history) { $0.key == key }
    }

    private func highestNumber(_ events: [CausalHistory.Event]) -> UInt64 {
        events.map(\.versionNumber).max() ?? 0
    }

    // MARK: What must hold

    private func expect(_ condition: Bool, _ message: @autoclosure () -> String) throws {
        if !condition { throw LawViolation(message()) }
    }

    /// A write happens, or not, and replaces and discards exactly what the sets of events say.
    private func check(
        _ outcome: WriteOutcome, of content: [UInt8]?, seen: EventSet, known: EventSet, key: Int
    ) throws {
        let kept = history.kept(known, key: key, by: strategy)
        switch outcome {
        case .applied(let replaced, let discarded):
            var expectedReplaced: [CausalHistory.Event] = []
            var expectedDiscarded: [CausalHistory.Event] = []
            switch strategy {
            case .versionVectors, .versionNumbers:
                expectedReplaced = kept.filter(seen.contains)
            case .lastWriteWins:
                expectedReplaced = kept.filter { seen.contains($0) || $0.content == nil }
                expectedDiscarded = kept.filter { !seen.contains($0) && $0.content != nil }
            case .immutable:
                try expect(content != nil && kept.isEmpty, "an immutable key was changed")
            }
            try expect(
                replaced.map(\.dot) == expectedReplaced.map(\.dot),
                "a write replaced \(replaced.map(\.dot)), not \(expectedReplaced.map(\.dot))")
            try expect(
                discarded.map(\.dot) == expectedDiscarded.map(\.dot),
                "a write discarded \(discarded.map(\.dot)), not \(expectedDiscarded.map(\.dot))")
            // With other keys about, a context may cover events elsewhere, and a delete that changes nothing may happen.
            // With last-write-wins every delete happens: it has a time, and what is older is still on its way.
            if content == nil, configuration.keys == 1, strategy == .versionVectors || strategy == .versionNumbers {
                let removes = kept.contains { seen.contains($0) && $0.content != nil }
                try expect(removes || !known.isSuperset(of: seen), "a delete of nothing happened")
            }
        case .unchanged where strategy == .immutable:
            let kept = history.kept(known, key: key, by: strategy)
            try expect(
                content.map { content in kept.contains { $0.content == content } } ?? kept.isEmpty,
                "a write to an immutable key was taken for a repetition")
        case .unchanged:
            try expect(
                strategy != .lastWriteWins && content == nil && known.isSuperset(of: seen)
                    && !kept.contains { seen.contains($0) && $0.content != nil },
                "a write was taken for one that changes nothing")
        case .refused(let refusal):
            let shown = history.shown(known, key: key, by: strategy)
            try expect(
                strategy == .immutable && !shown.isEmpty && shown.allSatisfy { $0.content != content }
                    && refusal == (content == nil ? .immutable : .exists),
                "a write was refused: \(refusal)")
        }
    }

    /// A replica shows, keeps and knows exactly what it must, for every key.
    private func checkReplica(_ index: Int) throws {
        let replica = replicas[index]
        var objects: [CausalObject] = []
        for key in 0..<configuration.keys {
            let object = try replica.object(key)
            objects.append(object)
            try compare(object, with: knownEvents(index, key: key), key: key, where: "replica \(index)")
            if let record = replica.records[key] {
                var stored = try CausalObject(encoded: record)
                try expect(stored.encoded() == record, "replica \(index): the record of key \(key) changes when read")
                stored.fill(replica.clock.base)
                stored.strip(replica.clock.base)
                stored.fill(replica.clock.base)
                try expect(stored == object, "replica \(index): stripping key \(key) lost \(object.context)")
            }
        }
        for (dot, key) in replica.log {
            try expect(replica.clock.contains(dot), "replica \(index) has \(dot) in its log but not in its clock")
            try expect(
                objects[key].context.contains(dot), "replica \(index) claims \(dot), which it does not reflect")
        }
        try expect(
            replica.clock.base(of: replica.actor) == replica.counter, "replica \(index) has gaps in its own events")
        for (other, peer) in replicas.enumerated() where other != index && peer.clock == replica.clock {
            for key in 0..<configuration.keys {
                try expect(
                    try peer.object(key).versions == objects[key].versions,
                    "replicas \(index) and \(other) have equal clocks and different versions of key \(key)")
            }
        }
        for peer in replicas where peer.actor != replica.actor {
            for key in 0..<configuration.keys {
                for version in try peer.object(key).versions
                where objects[key].context.contains(version.dot) && !objects[key].versions.contains(version) {
                    try expect(
                        replica.log.contains { $0.value == key && !peer.clock.contains($0.key) },
                        "replica \(index) lacks \(version.dot) of key \(key) and has no event that would tell \(peer.actor)"
                    )
                }
            }
        }
    }

    private func compare(_ object: CausalObject, with known: EventSet, key: Int, where place: String) throws {
        let visible = strategy.visibleVersions(of: object)
        let shown = history.shown(known, key: key, by: strategy)
        if configuration.forgetsDots {
            for event in shown {
                try expect(
                    visible.contains { $0.dot == event.dot },
                    "\(place) shows \(describe(visible)) of key \(key), but not \(event.dot)")
            }
            return try compare(object.context, with: known, key: key, where: place)
        }
        try expect(
            same(visible, shown), "\(place) shows \(describe(visible)) of key \(key), not \(describe(shown))")
        let kept = history.kept(known, key: key, by: strategy)
        try expect(
            same(object.versions, kept),
            "\(place) keeps \(describe(object.versions)) of key \(key), not \(describe(kept))")
        try compare(object.context, with: known, key: key, where: place)
    }

    private func same(_ versions: [Version], _ events: [CausalHistory.Event]) -> Bool {
        versions.count == events.count
            && zip(versions, events).allSatisfy { version, event in
                version.dot == event.dot && version.timestamp == event.timestamp
                    && version.number == event.versionNumber && version.content == event.content?[...]
            }
    }

    private func describe(_ versions: [Version]) -> [String] {
        versions.map { "\($0.dot)#\($0.number)@\($0.timestamp.rawValue)=\($0.content.map { [UInt8]($0) } ?? [])" }
    }

    private func describe(_ events: [CausalHistory.Event]) -> [String] {
        events.map { "\($0.dot)#\($0.versionNumber)@\($0.timestamp.rawValue)=\($0.content ?? [])" }
    }

    private func compare(_ memory: Memory, key: Int, where place: String) throws {
        try compare(memory.knowledge.context, with: memory.events, key: key, where: place)
        try expect(
            memory.knowledge.number == memory.versionNumber,
            "\(place) has seen number \(memory.knowledge.number), not \(memory.versionNumber)")
    }

    /// Of the events of a key, a context covers exactly those that are known.
    private func compare(_ context: CausalContext, with known: EventSet, key: Int, where place: String) throws {
        for event in history.allEvents where event.key == key {
            if configuration.forgetsDots, !context.contains(event.dot) { continue }
            try expect(
                context.contains(event.dot) == known.contains(event),
                "\(place) \(context.contains(event.dot) ? "claims" : "does not know") \(event.dot) of key \(key): \(context)"
            )
        }
    }

    /// Lets every replica ask every other until nothing is missing; then all must be equal, with nothing left over.
    package mutating func converge() throws {
        travelling = []
        for _ in 0..<2 {
            for receiver in replicas.indices {
                for sender in replicas.indices { try pull(receiver, from: sender, limit: .max) }
            }
        }
        for replica in replicas.indices { try replicas[replica].compact() }
        guard let first = replicas.first else { return }
        for replica in replicas {
            try expect(replica.clock == first.clock, "the clocks \(first.clock) and \(replica.clock) stay different")
            try expect(!replica.clock.hasGaps, "the clock \(replica.clock) keeps gaps")
            try expect(replica.records == first.records, "records stay different under equal clocks")
            for key in 0..<configuration.keys {
                let versions = try replica.object(key).versions
                let kept = history.kept(known[0], key: key, by: strategy)
                try expect(
                    same(versions, kept),
                    "in the end there are \(describe(versions)) of key \(key), not \(describe(kept))")
            }
            for (key, record) in replica.records {
                let stored = try CausalObject(encoded: record)
                try expect(stored.context.isEmpty, "the context \(stored.context) of key \(key) is never stripped")
                try expect(!stored.versions.isEmpty, "key \(key) is stored without a version")
            }
        }
    }
}
