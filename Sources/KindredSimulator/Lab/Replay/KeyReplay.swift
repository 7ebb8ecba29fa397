import KindredModel
import KindredReplication

/// Replays the writes of one key under one strategy.
///
/// The strategies and the merging are those that nodes run. Each write keeps the name that it had (those that had none
/// get one that nobody can have seen), so a recorded causal context means the same here: it replaces exactly what its
/// writer had been told of. What a writer had been *shown* depends on the strategy: where only one value is shown, it
/// is the winner of what the context covers.
///
/// An acknowledged put is lost if it is not among the values at the end, and nobody who had been shown it has written.
struct KeyReplay {
    private let strategy: ConflictStrategy
    private var replicas: ReplayReplicas
    private var clocks: [HybridLogicalClock]
    /// What all replicas know together.
    private var whole = CausalObject()

    /// A write that was applied.
    private struct Applied {
        let dot: Dot
        let timestamp: HybridTimestamp
        /// Nil for a delete.
        let content: ArraySlice<UInt8>?
        let hasContext: Bool
        var isSuperseded = false
        /// What it was dropped for, if that had not seen it.
        var lostTo: (hasContext: Bool, isEqual: Bool)?
    }
    private var applied: [Applied] = []
    /// The places of the applied writes in the order of their timestamps.
    private var byTime: [Int] = []
    /// The places of the applied writes by name.
    private var positions: [Dot: Int] = [:]
    private var standingSince: UInt64?
    private var nextDots: [UInt64]
    private(set) var key: ReplayResult.KeyResult

    /// - Parameter lag: after how many milliseconds replicas hear of each other's writes; nil for "as recorded".
    init(_ recorded: RecordedKey, under strategy: ConflictStrategy, nodes: Int, lag: UInt64?) {
        self.strategy = strategy
        // Version numbers are handed out by one leader.
        let coordinators: Set<Int> = strategy == .versionNumbers ? [0] : Set(recorded.writes.map(\.coordinator))
        let count = max(nodes, (coordinators.max() ?? 0) + 1)
        replicas = ReplayReplicas(strategy, coordinators: coordinators, count: count, lag: lag)
        clocks = Array(repeating: HybridLogicalClock(), count: count)
        nextDots = Array(repeating: 0, count: count)
        key = ReplayResult.KeyResult(name: recorded.name, writes: recorded.writes.count)
    }

    /// - Parameter end: when the recording ended; until then stands what nobody has merged.
    mutating func run(_ recorded: RecordedKey, until end: UInt64, into result: inout ReplayResult) {
        let known = Set(recorded.writes.compactMap(\.dot))
        var older: Set<Dot> = []
        for write in recorded.writes {
            for dot in write.found where !known.contains(dot) && older.insert(dot).inserted {
                insertUnrecorded(dot, before: write)
            }
            replay(write, &result)
        }
        finish(max(end, recorded.writes.last?.moment ?? 0), &result)
    }

    /// A version that the recording does not have as a write: it is older, or its node was not recorded.
    private mutating func insertUnrecorded(_ dot: Dot, before write: ReplayWrite) {
        let content = Array("unrecorded \(dot)".utf8)[...]
        let timestamp = HybridTimestamp(rawValue: write.order &- 1)
        let version = Version(dot: dot, timestamp: timestamp, content: content)
        let single = CausalObject(versions: [version], context: CausalContext())
        replicas.joinEverywhere(single)
        _ = strategy.merge(single, into: &whole)
    }

    // MARK: One write

    private mutating func replay(_ write: ReplayWrite, _ result: inout ReplayResult) {
        let replica = strategy == .versionNumbers ? 0 : write.coordinator
        replicas.deliver(to: replica, for: write)
        if write.isDelete { result.deletes += 1 } else { result.puts += 1 }

        let shown = strategy.visibleVersions(of: replicas.objects[replica])
        guard precondition(of: write).failure(for: shown) == nil else {
            refuse(write, "precondition", &result)
            return
        }
        let winner = lastShown(to: write)
        let before = replicas.objects[replica]
        let seenTime = winner.map { applied[$0].timestamp } ?? .zero
        let event = WriteEvent(
            dot: write.dot ?? freshDot(replica),
            timestamp: timestamp(of: write, after: max(seenTime, before.latestTimestamp), at: replica))
        let content = write.isDelete ? nil : content(of: write, event.dot)
        let request = ClientWrite(
            content: content, seen: write.hasContext ? Knowledge(context: write.seen, timestamp: seenTime) : nil)
        let outcome = strategy.apply(
            request, as: event, to: &replicas.objects[replica], siblingLimit: Limits.siblingMaximum)
        meet(write, content, before: before, &result)
        switch outcome {
        case .refused(let refusal):
            refuse(write, Self.word(refusal), &result)
        case .unchanged:
            result.acknowledged += 1
            if !write.isDelete { result.unchanged += 1 }
        case .applied(let replaced, _):
            clocks[replica] = HybridLogicalClock(floor: max(clocks[replica].last, event.timestamp))
            result.acknowledged += 1
            supersede(write, winner, replaced)
            note(
                Applied(dot: event.dot, timestamp: event.timestamp, content: content, hasContext: write.hasContext))
            took(effect: write, event.dot, content, replaced, at: replica, &result)
            count(write.moment, &result)
        }
    }

    /// Counts it if the write meets a value that it had not seen.
    private mutating func meet(
        _ write: ReplayWrite, _ content: ArraySlice<UInt8>?, before: CausalObject, _ result: inout ReplayResult
    ) {
        // A delete without a context asks for all that its coordinator knows to be gone.
        let unseen = strategy.visibleVersions(of: whole).filter { version in
            write.isDelete && !write.hasContext
                ? !before.context.contains(version.dot) : !write.seen.contains(version.dot)
        }
        guard !unseen.isEmpty else { return }
        result.conflicts += 1
        key.conflicts += 1
        if write.content != nil || write.isDelete, unseen.allSatisfy({ $0.content == content }) {
            result.harmless += 1
        }
    }

    private mutating func refuse(_ write: ReplayWrite, _ reason: String, _ result: inout ReplayResult) {
        result.refused[reason, default: 0] += 1
        if !write.isDelete { result.refusedPuts += 1 }
        key.refused += 1
    }

    private static func word(_ refusal: WriteRefusal) -> String {
        switch refusal {
        case .exists: "exists"
        case .immutable: "immutable"
        case .tooManySiblings: "too-many-siblings"
        case .preconditionFailed: "precondition"
        }
    }

    /// What the writer has been told the key's value is, if one value is shown: a place in `applied`.
    private func lastShown(to write: ReplayWrite) -> Int? {
        guard write.hasContext, strategy == .lastWriteWins else { return nil }
        return byTime.last { write.seen.contains(applied[$0].dot) }
    }

    private mutating func note(_ write: Applied) {
        positions[write.dot] = applied.count
        // They nearly come in order: only what nodes had refused when it was recorded may be out of it.
        var place = byTime.count
        while place > 0,
            (applied[byTime[place - 1]].timestamp, applied[byTime[place - 1]].dot)
                > (write.timestamp, write.dot)
        {
            place -= 1
        }
        byTime.insert(applied.count, at: place)
        applied.append(write)
    }

    /// The one that it had, if that follows what it has seen here; else a new one.
    private func timestamp(
        of write: ReplayWrite, after floor: HybridTimestamp, at replica: Int
    ) -> HybridTimestamp {
        if let recorded = write.timestamp, recorded > floor { return recorded }
        var clock = clocks[replica]
        return clock.tick(wall: write.moment, after: floor)
    }

    private mutating func supersede(_ write: ReplayWrite, _ winner: Int?, _ replaced: [Version]) {
        if let winner { applied[winner].isSuperseded = true }
        let isBlindDelete = write.isDelete && !write.hasContext
        for version in replaced where isBlindDelete || strategy != .lastWriteWins {
            if let index = positions[version.dot] { applied[index].isSuperseded = true }
        }
        guard strategy != .lastWriteWins else { return }
        // What its writer saw elsewhere need not have reached this coordinator.
        for version in whole.versions where write.seen.contains(version.dot) {
            if let index = positions[version.dot] { applied[index].isSuperseded = true }
        }
    }

    private mutating func took(
        effect write: ReplayWrite, _ dot: Dot, _ content: ArraySlice<UInt8>?, _ replaced: [Version],
        at replica: Int, _ result: inout ReplayResult
    ) {
        let before = whole.versions
        _ = strategy.merge(replicas.objects[replica], into: &whole)
        let isBlindDelete = write.isDelete && !write.hasContext
        for version in before where !whole.versions.contains(where: { $0.dot == version.dot }) {
            let isSeen =
                isBlindDelete ? replaced.contains { $0.dot == version.dot } : write.seen.contains(version.dot)
            guard !isSeen else { continue }
            lose(
                version.dot, to: write.hasContext, isEqual: version.content == content && write.content != nil, &result)
        }
        if content != nil, let winner = whole.versions.last, !whole.versions.contains(where: { $0.dot == dot }) {
            // It has lost at once, against a write from a clock that is ahead.
            let other = positions[winner.dot].map { applied[$0].hasContext } ?? false
            lose(dot, to: other, isEqual: winner.content == content && write.content != nil, &result)
        }
        replicas.publish(dot, of: write, from: replica)
    }

    private mutating func lose(_ dot: Dot, to hasContext: Bool, isEqual: Bool, _ result: inout ReplayResult) {
        // An immutable key drops only what it has once more.
        guard strategy != .immutable, let index = positions[dot], applied[index].content != nil,
            applied[index].lostTo == nil
        else { return }
        applied[index].lostTo = (hasContext, isEqual)
        result.overwrittenUnseen += 1
    }

    private mutating func count(_ moment: UInt64, _ result: inout ReplayResult) {
        let values = strategy.visibleVersions(of: whole).count
        result.effectiveWrites += 1
        result.valuesAfterWrites += values
        result.mostSiblings = max(result.mostSiblings, values)
        key.mostSiblings = max(key.mostSiblings, values)
        if values > 1, standingSince == nil {
            standingSince = moment
            result.merges += 1
        } else if values <= 1, let since = standingSince {
            stood(from: since, to: moment, &result)
            standingSince = nil
        }
    }

    private func stood(from since: UInt64, to moment: UInt64, _ result: inout ReplayResult) {
        let length = moment >= since ? moment - since : 0
        // A file may say anything of the time.
        result.standing &+= length
        result.longestStanding = max(result.longestStanding, length)
    }

    // MARK: The end

    private mutating func finish(_ moment: UInt64, _ result: inout ReplayResult) {
        if let since = standingSince {
            stood(from: since, to: moment, &result)
            result.unresolved += 1
        }
        let visible = Set(strategy.visibleVersions(of: whole).map(\.dot))
        let stored = Set(whole.versions.map(\.dot))
        for put in applied where put.content != nil {
            if visible.contains(put.dot) {
                if visible.count > 1 { result.siblings += 1 } else { result.kept += 1 }
            } else if stored.contains(put.dot) {
                result.shadowed += 1
                key.shadowed += 1
            } else if strategy == .immutable {
                // Equal content, written at two replicas: one of the two stands for both.
                result.kept += 1
            } else if put.isSuperseded {
                result.replaced += 1
            } else {
                if put.lostTo?.hasContext ?? false { result.lostToInformed += 1 } else { result.lostToBlind += 1 }
                if put.lostTo?.isEqual ?? false { result.lostToEqual += 1 }
                key.lost += 1
            }
        }
        result.add(key)
    }

    // MARK: What a write becomes

    /// A name that no recorded context can have seen.
    private mutating func freshDot(_ replica: Int) -> Dot {
        nextDots[replica] += 1
        return Dot(ActorID(.max - UInt32(truncatingIfNeeded: replica)), nextDots[replica])
    }

    /// Content that is not known is taken to be like no other.
    private func content(of write: ReplayWrite, _ dot: Dot) -> ArraySlice<UInt8> {
        (write.content.map { [1] + $0 } ?? [0] + Array("\(dot)".utf8))[...]
    }

    private func precondition(of write: ReplayWrite) -> Precondition {
        var precondition = Precondition()
        for condition in write.conditions {
            switch condition {
            case .absent: precondition.mustNotExist = true
            case .present: precondition.mustExist = true
            case .unchanged: precondition.notModifiedSince = write.seen
            case .other:
                var seen = write.seen
                if write.outcome != .conditionFailed { for dot in write.found { seen.insert(dot) } }
                if !write.found.isEmpty || write.outcome == .conditionFailed { precondition.notModifiedSince = seen }
            }
        }
        return precondition
    }
}
