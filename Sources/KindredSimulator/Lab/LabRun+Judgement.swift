/// The end of a run: what became of each write.
extension LabRun {
    /// All values that some replica has of a key in the end, ascending.
    func finalValues(_ key: Int) -> [Int] {
        var values: [Int] = []
        for node in held.indices {
            for value in held[node][key].values where !values.contains(value) { values.append(value) }
        }
        return values.sorted()
    }

    mutating func judge() {
        if measures.convergence.isEmpty { measures.convergence = [isConverged ? convergence : nil] }
        if isConverged { findResurrected() } else { measures.diverged += 1 }
        // Each log is replicated; where replicas have not become equal, one that says so is enough.
        for node in 0..<settings.replicas { record.reported.formUnion(cluster.reported(at: node)) }
        let final = (0..<settings.keys).map(finalValues)
        for key in 0..<settings.keys { measures.hidden += held[0][key].hidden }
        for write in history.order {
            guard let event = history[write] else { continue }
            let fate = fate(of: write, event, final: final[event.operation.key])
            record.fates[write] = fate
            guard event.isAcknowledged, event.operation.kind == .put else { continue }
            count(fate)
            if fate == .lostSilently || fate == .lostAndReported, wasLater(write, event) { measures.lostLater += 1 }
        }
    }

    /// All replicas are equal: what is there and was deleted has come back.
    mutating func findResurrected() {
        for key in 0..<settings.keys {
            for write in finalValues(key) where history.deleter(of: write) != nil { record.resurrected.insert(write) }
        }
    }

    private func fate(of write: Int, _ event: LabHistory.Event, final: [Int]) -> LabFate {
        if event.operation.kind == .delete { return event.isAcknowledged ? .deleted : .unavailable }
        if record.resurrected.contains(write) { return .resurrected }
        if final.contains(write) { return final.count > 1 ? .sibling : .kept }
        if history.isReplacedKnowingly(write) { return .replaced }
        guard event.isAcknowledged else { return .unavailable }
        return record.reported.contains(write) ? .lostAndReported : .lostSilently
    }

    private mutating func count(_ fate: LabFate) {
        switch fate {
        case .kept, .sibling: measures.kept += 1
        case .replaced: measures.replaced += 1
        case .lostAndReported: measures.lostAndReported += 1
        case .lostSilently: measures.lostSilently += 1
        case .resurrected: measures.resurrected += 1
        case .refused, .unavailable, .deleted: break
        }
    }

    /// Whether a lost write had truly happened after everything that it was first dropped for.
    private func wasLater(_ write: Int, _ event: LabHistory.Event) -> Bool {
        guard let drop = record.drops.first(where: { $0.write == write }) else { return false }
        let winners = drop.holding.compactMap { history[$0] }
        return !winners.isEmpty && winners.allSatisfy { $0.time < event.time }
    }
}
