import Foundation
import KindredModel
import KindredNode
import KindredReplication

/// How a key came to be what it is, as far as that is still known: from the versions it has and from the conflict log.
extension ConflictService {
    /// More than these are no picture any more.
    private static let drawnConflicts = 200

    func explain(_ name: ObjectName) async throws -> ExplainReport {
        let (current, key) = try await loop.run { loop throws(RequestFailure) -> (ObjectBox, UInt16)? in
            try name.withReference { reference throws(RequestFailure) in
                try loop.known(reference).map { (ObjectBox(answer: $0), $0.key.partition) }
            }
        }
        let answer = current.answer
        let address = Array(answer.key.address)
        guard let names = ConflictReporting.Names(address) else {
            throw ConflictRefusal(description: "this is no key", status: 400)
        }
        let isLogged = try await loop.logsConflicts(ofType: names.type, bucket: names.bucket)
        var filter = ConflictFilter()
        (filter.type, filter.bucket, filter.key) = (names.type, names.bucket, names.key)
        let entries = try await loop.conflicts(inPartition: key, filter)
        let restored = Set(entries.compactMap(Self.restoredName))
        let drawn = entries.prefix(Self.drawnConflicts).reversed()
        var conflicts: [ConflictReport] = []
        for entry in drawn {
            if let report = try await report(entry, state: try await state(of: entry, restored: restored)) {
                conflicts.append(report)
            }
        }
        var history = History()
        for version in answer.versions { history.add(version) }
        for entry in drawn { history.add(entry) }
        return ExplainReport(
            type: String(decoding: name.type, as: UTF8.self), bucket: String(decoding: name.bucket, as: UTF8.self),
            key: String(decoding: name.key, as: UTF8.self), strategy: answer.strategy.rawValue,
            verdict: verdict(answer, entries, isLogged: isLogged), events: history.events(shown: answer.versions),
            conflicts: conflicts)
    }

    private func verdict(_ answer: ObjectAnswer, _ entries: [ConflictEntry], isLogged: Bool) -> [String] {
        var lines: [String] = []
        let shown = answer.versions.map { ConflictReporting.text($0.dot) }.joined(separator: ", ")
        switch answer.versions.count {
        case 0: lines.append("The key has no value now.")
        case 1: lines.append("\(shown) is what the key shows now.")
        default:
            lines.append("\(shown) are siblings: none of their writers had seen another's write.")
            lines.append("A write that shows the context of a read replaces all that the read has shown.")
        }
        func count(
            _ kind: Conflict.Kind, _ one: String, _ many: String, where isMeant: (ConflictEntry) -> Bool = { _ in true }
        ) {
            let number = entries.count { $0.conflict.kind == kind && isMeant($0) }
            if number > 0 { lines.append(number == 1 ? "1 \(one)" : "\(number) \(many)") }
        }
        func isOversized(_ entry: ConflictEntry) -> Bool {
            if case .oversized = entry.conflict.subject.value { true } else { false }
        }
        count(
            .lost, "write was lost to a later one that had not seen it; the conflict log has its value.",
            "writes were lost to later ones that had not seen them; the conflict log has their values."
        ) { !isOversized($0) }
        count(
            .lost, "write was lost to a later one; its value was too long for the conflict log, which has its digest.",
            "writes were lost to later ones; their values were too long for the conflict log, which has their digests.",
            where: isOversized)
        count(
            .orphaned, "write turned up when the replica that had it had been given up, too late to be compared.",
            "writes turned up when the replica that had them had been given up, too late to be compared.")
        count(
            .refused, "write was refused, because the key had other content.",
            "writes were refused, because the key had other content.")
        count(
            .shadowed, "other content was accepted elsewhere: it is kept, and not shown.",
            "other contents were accepted elsewhere: they are kept, and not shown.")
        count(.resolved, "write has resolved siblings.", "writes have resolved siblings.") {
            Self.restoredName($0) == nil
        }
        count(.resolved, "write has restored a value.", "writes have restored values.") {
            Self.restoredName($0) != nil
        }
        if entries.count > Self.drawnConflicts {
            lines.append("Only the newest \(Self.drawnConflicts) of \(entries.count) conflicts are drawn.")
        }
        if !isLogged {
            lines.append("The conflict log is off for this bucket: what writes have met since then is not known.")
        } else if entries.isEmpty {
            lines.append("The conflict log knows of no write that met another it had not seen.")
        }
        return lines
    }

    /// The writes that are known of a key.
    private struct History {
        private var parties: [Dot: ConflictParty] = [:]
        private var values: [Dot: PartyReport] = [:]
        private var refused: [ConflictParty] = []
        private var fates: [Dot: String] = [:]
        /// Who is known to have seen whom.
        private var seen: [Dot: Set<Dot>] = [:]

        mutating func add(_ version: Version) {
            values[version.dot] = ConflictReporting.report(version)
            add(
                ConflictParty(
                    dot: version.dot, timestamp: version.timestamp, number: version.number, parent: version.parent,
                    writer: version.writer.map { Array($0) } ?? [], value: .kept))
        }

        mutating func add(_ entry: ConflictEntry) {
            let conflict = entry.conflict
            for party in [conflict.subject] + conflict.others { add(party) }
            guard let subject = conflict.subject.dot else {
                refused.append(conflict.subject)
                return
            }
            switch conflict.kind {
            case .lost, .orphaned: fates[subject] = "lost"
            case .shadowed: fates[subject] = "shadowed"
            case .resolved: seen[subject, default: []].formUnion(conflict.others.compactMap(\.dot))
            case .refused, .sibling, .outlived: break
            }
        }

        private mutating func add(_ party: ConflictParty) {
            guard let dot = party.dot else { return }
            if let known = parties[dot] {
                if known.seen == nil { parties[dot]?.seen = party.seen }
                if case .kept = known.value { parties[dot]?.value = party.value }
                if known.parent == nil { parties[dot]?.parent = party.parent }
            } else {
                parties[dot] = party
            }
            if let parent = party.parent { seen[dot, default: []].insert(parent) }
        }

        func events(shown: [Version]) -> [ExplainReport.Event] {
            let live = Set(shown.map(\.dot))
            let ordered = parties.values.sorted { left, right in
                left.timestamp == right.timestamp
                    ? (left.dot ?? Dot(.closed, 0)) < (right.dot ?? Dot(.closed, 0)) : left.timestamp < right.timestamp
            }
            var events = ordered.compactMap { party -> ExplainReport.Event? in
                guard let dot = party.dot else { return nil }
                var saw = (seen[dot] ?? []).filter { parties[$0] != nil }
                if let context = party.seen {
                    for other in parties.keys where other != dot && context.contains(other) { saw.insert(other) }
                }
                var report = ConflictReporting.report(party)
                if let value = values[dot]?.value { report.value = value }
                return ExplainReport.Event(
                    party: report, fate: fate(of: dot, party, live),
                    sawDots: saw.sorted().map { ConflictReporting.text($0) })
            }
            events += refused.map { party in
                let saw = parties.keys.filter { party.seen?.contains($0) ?? false }
                return ExplainReport.Event(
                    party: ConflictReporting.report(party), fate: "refused",
                    sawDots: saw.sorted().map { ConflictReporting.text($0) })
            }
            return events.sorted { $0.party.writtenMs < $1.party.writtenMs }
        }

        private func fate(of dot: Dot, _ party: ConflictParty, _ live: Set<Dot>) -> String {
            if live.contains(dot) { return live.count > 1 ? "sibling" : "shown" }
            if let fate = fates[dot] { return fate }
            if case .deletion = party.value { return "deleted" }
            return "replaced"
        }
    }
}
