import KindredDiagrams
import KindredSimulator

/// A scenario with one strategy as a space-time diagram: who wrote what where, having seen what, which messages passed, and what became of
/// each write.
struct ScenarioDrawing {
    private let scenario: Scenario
    private let result: ScenarioResult
    /// Microseconds between two steps of a drawing, which is not to scale.
    private static let step = 10_000

    /// A write, by the position of its step.
    private struct Write {
        let step: Int
        let at: Int
        let key: String
        /// Nil for a delete.
        let value: ScenarioValue?
        /// The steps of the writes that its writer had seen, and those that these had seen.
        let seen: Set<Int>
        let isRefused: Bool
    }

    private var writes: [Write] = []

    init(_ scenario: Scenario, _ result: ScenarioResult) {
        self.scenario = scenario
        self.result = result
        follow()
    }

    /// Finds out what each writer had seen: what a read of a name has shown, or what an earlier write of its own was.
    private mutating func follow() {
        var contexts: [String: Set<Int>] = [:]
        for (index, step) in scenario.steps.enumerated() {
            let outcome = result.outcome(of: index)
            switch step {
            case .get(_, let key, let bind?, _):
                let values = outcome?.shown?.values ?? []
                let shown = writes.filter { write in
                    write.key == key && !write.isRefused && write.value.map(values.contains) ?? false
                }
                contexts[bind] = shown.reduce(into: []) { $0.formUnion($1.seen.union([$1.step])) }
            case .put(let at, let value, let key, let context, let bind):
                note(index, at, key, value, context, bind, outcome, &contexts)
            case .delete(let at, let key, let context, let bind):
                note(index, at, key, nil, context, bind, outcome, &contexts)
            default: break
            }
        }
    }

    private mutating func note(
        _ index: Int, _ at: Int, _ key: String, _ value: ScenarioValue?, _ context: String?, _ bind: String?,
        _ outcome: ScenarioOutcome?, _ contexts: inout [String: Set<Int>]
    ) {
        let seen = context.flatMap { contexts[$0] } ?? []
        let write = Write(
            step: index, at: at, key: key, value: value, seen: seen, isRefused: outcome?.status != .ok)
        writes.append(write)
        if let bind { contexts[bind] = write.isRefused ? seen : seen.union([index]) }
    }

    // MARK: The drawing

    var diagram: SpaceTimeDiagram {
        let nodes = scenario.replicas + scenario.fallbacks
        var events: [SpaceTimeDiagram.Event] = []
        var messages: [SpaceTimeDiagram.Message] = []
        var cut: (from: Int, lanes: [Int])?
        var spans: [SpaceTimeDiagram.Span] = []
        func passes(_ index: Int, _ from: Int, _ to: Int, _ label: String) {
            let time = (index + 1) * Self.step
            messages.append(
                SpaceTimeDiagram.Message(
                    from: .init(lane: from, time: time), to: .init(lane: to, time: time + Self.step / 2),
                    label: label, isLost: result.outcome(of: index)?.status == .dropped))
        }
        for (index, step) in scenario.steps.enumerated() {
            let time = (index + 1) * Self.step
            switch step {
            case .get(let at, _, _, _):
                let values = (result.outcome(of: index)?.shown?.values ?? []).map(\.text)
                for lane in at {
                    events.append(
                        SpaceTimeDiagram.Event(
                            lane: lane, time: time,
                            label: "get: \(values.isEmpty ? "nothing" : values.joined(separator: ", "))",
                            fate: .read))
                }
            case .put, .delete:
                if let write = writes.first(where: { $0.step == index }) { events.append(event(write, time)) }
            case .replicate(let message, let to), .hint(let message, let to):
                if let sender = sender(of: message) { passes(index, sender, to, message) }
            case .pull(let from, let to), .handoff(let from, let to, _): passes(index, from, to, "")
            case .exchange(let left, let right):
                passes(index, left, right, "")
                passes(index, right, left, "")
            case .partition(let groups): cut = (time, groups.min { $0.count < $1.count } ?? [])
            case .heal:
                if let begun = cut {
                    spans.append(SpaceTimeDiagram.Span(time: begun.from...time, label: "cut off", lanes: begun.lanes))
                }
                cut = nil
            case .skew, .amnesia, .snapshot, .restore, .prune, .failover:
                if let lane = step.place {
                    events.append(SpaceTimeDiagram.Event(lane: lane, time: time, label: step.words(nodes)))
                }
            case .dataType: break
            }
        }
        return SpaceTimeDiagram(
            title: "\(scenario.title) (\(result.strategy.rawValue))", lanes: nodes.map { .init($0) }, events: events,
            messages: messages, spans: spans)
    }

    private func event(_ write: Write, _ time: Int) -> SpaceTimeDiagram.Event {
        let seen = writes.filter { write.seen.contains($0.step) }.map { $0.value?.text ?? "a delete" }
        let what = write.value.map { "put \($0.text)" } ?? "delete"
        return SpaceTimeDiagram.Event(
            lane: write.at, time: time, label: what, fate: fate(of: write),
            tooltip: [
                seen.isEmpty ? "its writer had seen nothing" : "its writer had seen \(seen.joined(separator: ", "))"
            ])
    }

    private func sender(of message: String) -> Int? {
        for step in scenario.steps {
            switch step {
            case .put(let at, _, _, _, message), .delete(let at, _, _, message): return at
            default: continue
            }
        }
        return nil
    }

    /// What has become of a write in the end.
    private func fate(of write: Write) -> Fate {
        if write.isRefused { return .refused }
        guard let value = write.value else { return .other }
        var shown: ScenarioValues?
        if case .agreed(let keys) = result.final { shown = keys.first { $0.key == write.key }?.shown }
        if shown?.values.contains(value) ?? false { return (shown?.values.count ?? 0) > 1 ? .sibling : .kept }
        if shown?.conflict?.contains(value) ?? false { return .sibling }
        let wasSeen = writes.contains { $0.seen.contains(write.step) && !$0.isRefused }
        if wasSeen { return .replaced }
        return result.lost.contains(value) ? .lostReported : .lostSilently
    }
}

extension ScenarioStep {
    /// Where something happens to a single node.
    fileprivate var place: Int? {
        switch self {
        case .skew(let at, _), .amnesia(let at), .snapshot(let at, _), .restore(let at, _), .prune(let at),
            .failover(let at):
            at
        default: nil
        }
    }
}
