/// The history in which a strategy fails: the writes of one key that it takes, and how a reader of them sees that
/// something is wrong.
package struct LabStory: Hashable, Sendable {
    /// What is wrong.
    package enum Failure: String, Hashable, Sendable, Codable {
        case lostSilently
        case falseSibling
        case resurrected
    }

    /// Something that happened, at a time, at a node.
    package struct Step: Hashable, Sendable {
        package let time: VirtualTime
        package let node: Int
        package let text: String
    }

    package let failure: Failure
    package let key: Int
    /// The write that it went wrong for.
    package let write: Int
    /// The others that it takes, ascending.
    package let others: [Int]
    /// Whether the write had seen what it was lost to.
    package let hadSeen: Bool
    package let steps: [Step]

    /// The smallest history that fails in a run, the first of equal ones; nil if none does. One that shows the
    /// strategy's own mistake comes first.
    package init?(of outcome: LabOutcome) {
        let kinds = [outcome.strategy.typicalFailure, .lostSilently, .resurrected, .falseSibling]
        let best = kinds.lazy.compactMap { kind in
            Self.candidates(kind, outcome).enumerated().min { left, right in
                let (first, second) = (left.element, right.element)
                return (first.isTypical ? 0 : 1, first.size, left.offset)
                    < (second.isTypical ? 0 : 1, second.size, right.offset)
            }?.element
        }.first
        guard let best, let event = outcome.history[best.write] else { return nil }
        failure = best.failure
        key = event.operation.key
        write = best.write
        others = best.others.filter { $0 != best.write }.sorted()
        hadSeen = best.others.contains { event.seen.contains($0) }
        steps = Self.steps(outcome, best, key: key, others: others)
    }

    /// A write that went wrong.
    private struct Candidate {
        let failure: Failure
        let write: Int
        let others: [Int]
        /// How many writes one has to know to follow it.
        let size: Int
        /// Whether it shows what is special about the strategy's mistake.
        var isTypical = true
        /// The read that has shown it.
        var read: LabRecord.FalseSibling?
    }

    private static func candidates(_ failure: Failure, _ outcome: LabOutcome) -> [Candidate] {
        let history = outcome.history
        func candidate(_ write: Int, _ others: [Int]) -> Candidate {
            Candidate(
                failure: failure, write: write, others: others,
                size: history.closure(of: [write] + others).positions.count)
        }
        switch failure {
        case .lostSilently:
            return outcome.record.drops.filter { outcome.record.fates[$0.write] == .lostSilently }.map { drop in
                var found = candidate(drop.write, drop.holding)
                // That it loses to what it has seen is what a wall clock can do and others cannot.
                found.isTypical =
                    outcome.strategy != .wallClock
                    || drop.holding.contains { history[drop.write]?.seen.contains($0) ?? false }
                return found
            }
        case .resurrected:
            return history.order.filter { outcome.record.fates[$0] == .resurrected }
                .compactMap { write in history.deleter(of: write).map { candidate(write, [$0]) } }
        case .falseSibling:
            return outcome.record.falseSiblings.map { read in
                var found = candidate(
                    read.write, read.shown.filter { history[$0]?.seen.contains(read.write) ?? false })
                found.read = read
                return found
            }
        }
    }

    private static func steps(_ outcome: LabOutcome, _ found: Candidate, key: Int, others: [Int]) -> [Step] {
        var steps: [Step] = []
        for id in [found.write] + others {
            guard let event = outcome.history[id] else { continue }
            let verb = event.operation.kind == .delete ? "deletes" : "writes"
            let shown = outcome.history.shown(to: id)
            let knowing =
                event.operation.readsFirst
                ? "having been shown \(shown.isEmpty ? "nothing" : names(shown))" : "blindly"
            steps.append(
                Step(
                    time: event.time, node: event.node,
                    text: "client \(event.operation.client + 1) \(verb) \(name(id)) \(knowing)"))
        }
        steps += changes(outcome, found, key: key)
        if let read = found.read {
            let reader = outcome.workload[read.operation]
            steps.append(
                Step(
                    time: read.time, node: reader.node,
                    text: "client \(reader.client + 1) is shown \(names(read.shown))"))
        }
        // Equal times stay in the order of what follows from what.
        return steps.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
            .map(\.element)
    }

    /// How many comings and goings of the write are told.
    private static let limit = 8

    /// Where the write has come and gone.
    private static func changes(_ outcome: LabOutcome, _ found: Candidate, key: Int) -> [Step] {
        let write = found.write
        var steps: [Step] = []
        var had = Array(repeating: false, count: outcome.settings.replicas)
        var hadOnce = had
        var lastReturn: Int?
        for change in outcome.record.changes where change.key == key {
            let has = change.values.contains(write)
            defer { had[change.node] = has }
            guard has != had[change.node] else { continue }
            let rest = change.values.filter { $0 != write }
            if has, hadOnce[change.node] {
                lastReturn = steps.count
                steps.append(
                    Step(
                        time: change.time, node: change.node,
                        text: "has \(name(write)) again\(rest.isEmpty ? "" : ", beside \(names(rest))")"))
            } else if !has {
                let text = "drops \(name(write))" + (rest.isEmpty ? "" : " and has \(names(rest))")
                steps.append(Step(time: change.time, node: change.node, text: text))
            }
            if has { hadOnce[change.node] = true }
        }
        if steps.isEmpty, let drop = outcome.record.drops.first(where: { $0.write == write }) {
            steps.append(
                Step(
                    time: drop.time, node: drop.node,
                    text: "drops \(name(write)) at once" + (drop.holding.isEmpty ? "" : " for \(names(drop.holding))")))
        }
        // What comes after it has gone wrong is another story.
        if let read = found.read { steps.removeAll { $0.time > read.time } }
        if found.failure == .resurrected, let lastReturn { steps.removeLast(steps.count - lastReturn - 1) }
        return Array(steps.prefix(limit))
    }

    /// What writes are called.
    package static func name(_ write: Int) -> String { "w\(write)" }

    static func names(_ writes: [Int]) -> String { writes.map(name).joined(separator: ", ") }

    /// What went wrong, in a line.
    package var conclusion: String {
        let name = Self.name(write)
        let names = Self.names(others)
        return switch failure {
        case .lostSilently: "\(name) was acknowledged and is gone\(reason), and nobody was told."
        case .falseSibling: "\(name) is shown beside \(names), written by somebody who had seen and replaced it."
        case .resurrected: "\(name) came back, although \(names) had deleted it, having seen it."
        }
    }

    /// Why a lost write is gone.
    private var reason: String {
        if others.isEmpty { return "; nobody had replaced it" }
        let names = Self.names(others)
        return hadSeen
            ? " for \(names), which it had seen and replaced" : " for \(names), written without having seen it"
    }
}
