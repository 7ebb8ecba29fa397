import KindredModel
import KindredReplication
import KindredStorage

/// The end of a scenario: everything is healed, handed over and exchanged, and then all replicas must agree.
extension ScenarioRun {
    /// After two rounds every replica has what any other one had; the third one finds nothing, unless something is
    /// wrong.
    private static let roundsMaximum = 8

    /// - Throws: `ScenarioFailure` if the replicas do not come to an agreement.
    /// - Returns: what all of them show, by key in ascending order.
    mutating func converge(after step: Int) throws -> [ScenarioKeyValues] {
        network.heal()
        letTimePass(until: clock.time(before: step))
        for node in fallbacks.indices.map({ replicas.count + $0 }) {
            for replica in replicas.indices {
                if try handOff(node, to: replica, keep: true).status != .ok {
                    throw ScenarioFailure("a hint is refused for ever")
                }
            }
            fallbacks[node - replicas.count] = []
        }
        var round = 0
        while try exchangeAll() {
            round += 1
            if round == Self.roundsMaximum { throw ScenarioFailure("the replicas never stop exchanging") }
        }
        let final = try agreement()
        // What is dropped now must make no difference.
        try settle(Array(replicas.indices))
        guard try agreement() == final else { throw ScenarioFailure("a dropped tombstone made a difference") }
        return final
    }

    /// Refused writes are tried again and again, and let in when time has passed. So here time passes, until the
    /// slowest clock has reached the latest timestamp.
    private mutating func letTimePass(until end: UInt64) {
        now = end
        guard scenario.maximumSkew != nil else { return }
        let late = latestTimestamp.milliseconds
        for replica in replicas {
            let skew = replica.skew.magnitude
            now = max(now, replica.skew < 0 ? late + skew : late - min(late, skew))
        }
    }

    /// Lets every replica ask every other one.
    ///
    /// - Returns: whether anybody learned something.
    private mutating func exchangeAll() throws -> Bool {
        let before = replicas.map(\.core.clock)
        for asker in replicas.indices {
            for answerer in replicas.indices where answerer != asker {
                if try pull(by: asker, from: answerer) != nil { throw ScenarioFailure("a write is refused for ever") }
            }
        }
        return replicas.map(\.core.clock) != before
    }

    /// The values that the conflict log of a replica says were lost.
    func reportedLosses() throws -> [ScenarioValue] {
        guard let replica = replicas.first else { return [] }
        var lost: Set<ScenarioValue> = []
        let prefix = KeyLayout.conflictPrefix(partition: Self.partition)
        let scan = try replica.store.scan(from: prefix, to: KeyLayout.successor(ofPrefix: prefix), limit: .max)
        for entry in scan.entries {
            for version in try CausalObject(encoded: entry.value).versions {
                for conflict in try ConflictRecord(encoded: version.content ?? []).conflicts
                where conflict.kind == .lost || conflict.kind == .orphaned {
                    if case .content(let content) = conflict.subject.value { lost.insert(try value(of: content)) }
                }
            }
        }
        return lost.sorted()
    }

    private func agreement() throws -> [ScenarioKeyValues] {
        guard let first = replicas.first else { return [] }
        for other in replicas.dropFirst() where other.core.clock != first.core.clock {
            throw ScenarioFailure("replicas disagree about what has happened: \(first.core.clock), \(other.core.clock)")
        }
        return try scenario.keys.map { name in
            let key = try objectKey(name)
            let object = try first.read(key)
            let versions = object.versions.filter { !$0.isTombstone }
            for other in replicas.dropFirst()
            where try other.read(key).versions.filter({ !$0.isTombstone }) != versions {
                throw ScenarioFailure("replicas disagree about \(name)")
            }
            return ScenarioKeyValues(key: name, shown: try shown(object))
        }
    }
}
