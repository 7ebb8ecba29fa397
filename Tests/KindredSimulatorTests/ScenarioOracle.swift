import KindredSimulator

/// What a scenario must come to, found in the most naive way: every event carries the set of events that its writer had
/// seen, every replica has the set of events that it knows, and what is shown follows from those sets alone. No
/// vectors, no dots, no clocks of replicas, no merging of objects.
///
/// It knows neither leaders nor a bound on skew.
struct ScenarioOracle {
    struct Event {
        let key: String
        /// Nil for a delete.
        let value: ScenarioValue?
        let seen: Set<Int>
        /// Milliseconds and a count, actor, and how-manieth event of the actor.
        let time: Time
    }

    struct Time: Comparable {
        var moment: UInt64
        var actor: Int
        var number: Int

        static func < (left: Time, right: Time) -> Bool {
            (left.moment, left.actor, left.number) < (right.moment, right.actor, right.number)
        }
    }

    private struct Replica {
        var actor: Int
        var known: Set<Int> = []
        var last: UInt64 = 0
        var skew: Int64 = 0
        var minted = 0
    }

    private let scenario: Scenario
    private let strategy: ScenarioStrategy
    private let clock: ScenarioClock
    private var events: [Event] = []
    private var replicas: [Replica]
    private var fallbacks: [[Set<Int>]]
    private var group: [Int]
    private var contexts: [String: (key: String, seen: Set<Int>)] = [:]
    private var messages: [String: (sender: Int, known: Set<Int>)] = [:]
    private var backups: [String: Set<Int>] = [:]
    private var nextActor: Int

    init(_ scenario: Scenario, _ strategy: ScenarioStrategy, _ clock: ScenarioClock) {
        self.scenario = scenario
        self.strategy = strategy
        self.clock = clock
        replicas = scenario.replicas.indices.map { Replica(actor: $0 + 1) }
        fallbacks = scenario.fallbacks.map { _ in [] }
        group = [Int](repeating: 0, count: replicas.count + fallbacks.count)
        nextActor = replicas.count + 1
    }

    mutating func result() -> ScenarioResult {
        var outcomes: [ScenarioStepOutcome] = []
        for (index, step) in scenario.steps.enumerated() {
            if let outcome = take(step, at: index) {
                outcomes.append(ScenarioStepOutcome(index: index, outcome: outcome))
            }
        }
        var everything: Set<Int> = []
        for replica in replicas { everything.formUnion(replica.known) }
        for hints in fallbacks { for hint in hints { everything.formUnion(hint) } }
        return ScenarioResult(
            id: scenario.id, strategy: strategy, steps: outcomes, final: .agreed(final(scenario.keys, everything)))
    }

    /// What the first replica shows.
    func final(_ keys: [String]) -> [ScenarioKeyValues] { final(keys, replicas[0].known) }

    /// A client has lost its context.
    mutating func forget(_ context: String) { contexts[context] = nil }

    private func final(_ keys: [String], _ known: Set<Int>) -> [ScenarioKeyValues] {
        keys.map { ScenarioKeyValues(key: $0, shown: shown(of($0, known))) }
    }

    private func of(_ key: String, _ known: Set<Int>) -> Set<Int> { known.filter { events[$0].key == key } }

    private func live(_ known: Set<Int>) -> [Int] {
        known.filter { candidate in
            events[candidate].value != nil && !known.contains { events[$0].seen.contains(candidate) }
        }
    }

    private func shown(_ known: Set<Int>) -> ScenarioValues {
        switch strategy {
        case .lastWriteWins:
            let latest = known.max { events[$0].time < events[$1].time }
            return ScenarioValues(values: latest.flatMap { events[$0].value }.map { [$0] } ?? [])
        case .immutable:
            let first = known.min { events[$0].time < events[$1].time }.flatMap { events[$0].value }
            let others = known.compactMap { events[$0].value }.filter { $0 != first }
            return ScenarioValues(values: first.map { [$0] } ?? [], conflict: others.isEmpty ? nil : others)
        case .versionVectors, .versionNumbers, .dataTypes:
            return ScenarioValues(values: live(known).compactMap { events[$0].value })
        }
    }

    private mutating func learn(_ replica: Int, _ news: Set<Int>) {
        replicas[replica].known.formUnion(news)
        replicas[replica].last = max(replicas[replica].last, told(news).map { events[$0].time.moment }.max() ?? 0)
    }

    /// The events that a message shows. Of equal contents of an immutable key it is the earliest only.
    private func told(_ known: Set<Int>) -> Set<Int> {
        guard strategy == .immutable else { return known }
        return known.filter { event in
            !known.contains { other in
                events[other].key == events[event].key && events[other].value == events[event].value
                    && events[other].time < events[event].time
            }
        }
    }

    private func reaches(_ left: Int, _ right: Int) -> Bool { group[left] == group[right] }

    mutating func take(_ step: ScenarioStep, at index: Int) -> ScenarioOutcome? {
        switch step {
        case .get(let at, let key, let bind, let repair):
            var known: Set<Int> = []
            for replica in at { known.formUnion(of(key, replicas[replica].known)) }
            if let bind { contexts[bind] = (key, known) }
            if repair { for replica in at where reaches(at[0], replica) { learn(replica, known) } }
            return ScenarioOutcome(.ok, shown: shown(known))
        case .put(let at, let value, let key, let context, let bind):
            return write(value, key, at, context, bind, index)
        case .delete(let at, let key, let context, let bind):
            return write(nil, key, at, context, bind, index)
        case .replicate(let name, let to):
            guard let message = messages[name] else { return ScenarioOutcome(.skipped) }
            guard reaches(message.sender, to) else { return ScenarioOutcome(.dropped) }
            learn(to, message.known)
            return ScenarioOutcome(.ok)
        case .hint(let name, let to):
            guard let message = messages[name] else { return ScenarioOutcome(.skipped) }
            guard reaches(message.sender, to) else { return ScenarioOutcome(.dropped) }
            fallbacks[to - replicas.count].append(message.known)
            return ScenarioOutcome(.ok)
        case .handoff(let from, let to, let keep):
            guard reaches(from, to) else { return ScenarioOutcome(.dropped) }
            for hint in fallbacks[from - replicas.count] { learn(to, hint) }
            if !keep { fallbacks[from - replicas.count] = [] }
            return ScenarioOutcome(.ok)
        case .pull(let from, let to):
            guard reaches(from, to) else { return ScenarioOutcome(.dropped) }
            learn(to, replicas[from].known)
            return ScenarioOutcome(.ok)
        case .exchange(let left, let right):
            guard reaches(left, right) else { return ScenarioOutcome(.dropped) }
            learn(left, replicas[right].known)
            learn(right, replicas[left].known)
            return ScenarioOutcome(.ok)
        case .partition(let groups):
            group = group.map { _ in 0 }
            for (number, members) in groups.enumerated() { for member in members { group[member] = number + 1 } }
        case .heal: group = group.map { _ in 0 }
        case .skew(let at, let milliseconds): replicas[at].skew = milliseconds
        case .amnesia(let at):
            if at < replicas.count { restart(at, []) } else { fallbacks[at - replicas.count] = [] }
        case .snapshot(let at, let name): backups[name] = replicas[at].known
        case .restore(let at, let name): restart(at, backups[name] ?? [])
        case .prune, .dataType: break
        case .failover: return ScenarioOutcome(.ok)
        }
        return nil
    }

    private mutating func restart(_ replica: Int, _ known: Set<Int>) {
        replicas[replica].actor = nextActor
        replicas[replica].minted = 0
        replicas[replica].known = known
        replicas[replica].last = events.map(\.time.moment).max() ?? 0
        nextActor += 1
    }

    private mutating func write(
        _ value: ScenarioValue?, _ key: String, _ at: Int, _ context: String?, _ bind: String?, _ index: Int
    ) -> ScenarioOutcome {
        var seen: Set<Int> = []
        if let context {
            guard let carried = contexts[context] else { return ScenarioOutcome(.skipped) }
            guard carried.key == key else { return ScenarioOutcome(.rejected) }
            seen = carried.seen
        }
        let known = of(key, replicas[at].known)
        var outcome = ScenarioOutcome(.ok)
        var isNew = true
        if strategy == .immutable, !known.isEmpty {
            isNew = false
            if !known.contains(where: { events[$0].value == value }) { outcome = ScenarioOutcome(.rejected) }
        } else if value == nil {
            if strategy == .immutable { isNew = false }
            if context == nil { seen = known }
            // A delete that neither removes anything nor knows more says nothing new; with last-write-wins it has a
            // time.
            if strategy != .lastWriteWins, seen.isSubset(of: known), !live(known).contains(where: seen.contains) {
                isNew = false
            }
        }
        // A write that is refused, or needs not happen, takes no time.
        let skewed = Int64(clock.time(before: index)) + replicas[at].skew
        let after = max(
            replicas[at].last, told(known).union(seen).map { events[$0].time.moment }.max() ?? 0)
        let moment = max(UInt64(max(0, skewed)) << 16, after + 1)
        if isNew {
            replicas[at].last = moment
            replicas[at].minted += 1
            let time = Time(moment: moment, actor: replicas[at].actor, number: replicas[at].minted)
            events.append(Event(key: key, value: value, seen: seen, time: time))
            // An immutable key has nothing to do with what its writer had seen.
            if strategy != .immutable { replicas[at].known.formUnion(seen) }
            replicas[at].known.insert(events.count - 1)
            if let bind { contexts[bind] = (key, seen.union([events.count - 1])) }
        } else if let bind {
            contexts[bind] = (key, seen)
        }
        if let bind { messages[bind] = (at, of(key, replicas[at].known)) }
        return outcome
    }
}
