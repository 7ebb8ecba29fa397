import KindredModel
import KindredSimulator

/// What a replay says, as rows of figures: the same for people, in a terminal or on a page.
struct ReplayFigures {
    struct Row {
        let name: String
        let note: String
        let values: [String]
    }

    /// What limits every replay.
    static let caveat =
        "A recording tells what writers had seen under the strategy in force; under another one they might have acted "
        + "differently."

    let workload: RecordedWorkload
    let strategies: [String]
    let results: [ReplayResult]
    let lag: UInt64?
    let facts: WorkloadFacts

    init(_ workload: RecordedWorkload, recordedUnder strategies: Set<String>, _ results: [ReplayResult], lag: UInt64?) {
        self.workload = workload
        self.strategies = strategies.sorted()
        self.results = results
        self.lag = lag
        facts = WorkloadFacts(workload)
    }

    /// What was recorded, in a sentence or two.
    var lead: [String] {
        var lines = [
            "\(TextLayout.count(workload.writeCount, "write")) of \(TextLayout.count(workload.keys.count, "key")) over "
                + "\(Self.time(facts.milliseconds)), coordinated by \(TextLayout.count(workload.nodes.count, "node")), "
                + "recorded under \(strategies.isEmpty ? "no strategy" : strategies.joined(separator: ", "))."
        ]
        if let lag {
            lines.append("Replicas hear of each other's writes after \(lag) ms.")
        } else if facts.late > 0 {
            lines.append(
                "\(TextLayout.count(facts.late, "write")) came to a node that an earlier write had not reached, up to "
                    + "\(Self.time(facts.longestLag)) after it; the replay keeps that.")
        }
        if workload.dropped > 0 {
            lines.append(
                "The recording lacks \(TextLayout.count(Int(clamping: workload.dropped), "event")): losses and "
                    + "conflicts are "
                    + "too low, or values appear whose write is not there.")
        }
        if !facts.knowsContents {
            lines.append("The recording does not tell contents apart: each write counts as other content.")
        }
        return lines
    }

    var rows: [Row] {
        func row(_ name: String, _ note: String, _ value: (ReplayResult) -> String) -> Row {
            Row(name: name, note: note, values: results.map(value))
        }
        func number(_ name: String, _ note: String, _ value: (ReplayResult) -> Int) -> Row {
            row(name, note, { TextLayout.grouped(value($0)) })
        }
        return [
            number("acknowledged", "writes whose client is told that it has worked", \.acknowledged),
            number(
                "overwritten unseen",
                "dropped for a write that had not seen them; about what a conflict log enters as lost",
                \.overwrittenUnseen),
            number("lost for good", "of these, nobody who had been shown them has written", \.lost),
            number("  to writers with a context", "they had read, but something else", \.lostToInformed),
            number("  of equal content", "the same content is there", \.lostToEqual),
            number("not shown", "kept beside an immutable value", \.shadowed),
            row("refused", "the client is told", Self.refusals),
            number("conflicts", "writes that met a value which they had not seen", \.conflicts),
            number("  harmless", "it was the content that they wrote", \.harmless),
            number("merges", "times a key came to have several values", \.merges),
            number("  still open", "at the end", \.unresolved),
            row("values at most", "of a key at a time", { TextLayout.grouped($0.mostSiblings) }),
            row("values on average", "of a key after a write", { Self.decimal($0.meanValues) }),
            row("they stood on average", "until a write had seen them all", { Self.time($0.meanStanding) }),
            row("they stood at most", "", { Self.time($0.longestStanding) }),
            number("keys affected", "with a conflict, a loss or a refusal", \.keysAffected),
        ]
    }

    /// The worst keys of a strategy: name, lost, not shown, refused, conflicts, most values.
    func worst(_ result: ReplayResult) -> [[String]] {
        result.worst.map { key in
            [
                TextLayout.cut(TextLayout.name(Array(key.name.utf8)), to: 40), TextLayout.grouped(key.writes),
                TextLayout.grouped(key.lost), TextLayout.grouped(key.shadowed), TextLayout.grouped(key.refused),
                TextLayout.grouped(key.conflicts), TextLayout.grouped(key.mostSiblings),
            ]
        }
    }

    static let worstHeads = ["KEY", "WRITES", "LOST", "NOT SHOWN", "REFUSED", "CONFLICTS", "VALUES"]

    private static func refusals(_ result: ReplayResult) -> String {
        let reasons = result.refused.sorted { $0.key < $1.key }.map { "\($0.key) \(TextLayout.grouped($0.value))" }
        return reasons.isEmpty ? "0" : reasons.joined(separator: ", ")
    }

    static func decimal(_ value: Double) -> String {
        let hundredths = Int((value * 100).rounded())
        return "\(hundredths / 100).\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
    }

    /// `12 ms`, `3.4 s`, `2 min`.
    static func time(_ milliseconds: UInt64) -> String {
        if milliseconds < 1_000 { return "\(milliseconds) ms" }
        if milliseconds < 120_000 { return "\(milliseconds / 1_000).\(milliseconds % 1_000 / 100) s" }
        return milliseconds < 7_200_000 ? "\(milliseconds / 60_000) min" : "\(milliseconds / 3_600_000) h"
    }
}

extension ReplayFigures {
    var lines: [StyledLine] {
        let table = Page.table([[""] + results.map(\.strategy.rawValue)] + rows.map { [$0.name] + $0.values })
        var lines = lead.map { StyledLine($0) } + [""] + table
        for result in results where !result.worst.isEmpty {
            lines += ["", StyledLine("Worst keys under \(result.strategy.rawValue)", .strong)]
            lines += Page.table([Self.worstHeads] + worst(result))
        }
        return lines + ["", StyledLine(Self.caveat, .faint)]
    }

    // MARK: For programs

    struct Document: Encodable {
        var writes: Int
        var keys: Int
        var nodes: [String]
        var milliseconds: UInt64
        var dropped: UInt64
        var recordedUnder: [String]
        var lagMilliseconds: UInt64?
        var lateWrites: Int
        var longestLagMilliseconds: UInt64
        var caveat: String
        var strategies: [Strategy]
    }

    struct Strategy: Encodable {
        var strategy: String
        var puts: Int
        var deletes: Int
        var acknowledged: Int
        var unchanged: Int
        var kept: Int
        var siblings: Int
        var replaced: Int
        var overwrittenUnseen: Int
        var lost: Int
        var lostToWritersWithContext: Int
        var lostToWritersWithoutContext: Int
        var lostToEqualContent: Int
        var notShown: Int
        var refused: [String: Int]
        var conflicts: Int
        var harmlessConflicts: Int
        var merges: Int
        var unresolvedMerges: Int
        var mostValues: Int
        var meanValues: Double
        var meanStandingMilliseconds: UInt64
        var longestStandingMilliseconds: UInt64
        var keysAffected: Int
        var worstKeys: [Key]

        init(_ result: ReplayResult) {
            strategy = result.strategy.rawValue
            puts = result.puts
            deletes = result.deletes
            acknowledged = result.acknowledged
            unchanged = result.unchanged
            kept = result.kept
            siblings = result.siblings
            replaced = result.replaced
            overwrittenUnseen = result.overwrittenUnseen
            lost = result.lost
            lostToWritersWithContext = result.lostToInformed
            lostToWritersWithoutContext = result.lostToBlind
            lostToEqualContent = result.lostToEqual
            notShown = result.shadowed
            refused = result.refused
            conflicts = result.conflicts
            harmlessConflicts = result.harmless
            merges = result.merges
            unresolvedMerges = result.unresolved
            mostValues = result.mostSiblings
            meanValues = (result.meanValues * 1_000).rounded() / 1_000
            meanStandingMilliseconds = result.meanStanding
            longestStandingMilliseconds = result.longestStanding
            keysAffected = result.keysAffected
            worstKeys = result.worst.map(Key.init)
        }
    }

    struct Key: Encodable {
        var key: String
        var writes: Int
        var lost: Int
        var notShown: Int
        var refused: Int
        var conflicts: Int
        var mostValues: Int

        init(_ key: ReplayResult.KeyResult) {
            self.key = key.name
            writes = key.writes
            lost = key.lost
            notShown = key.shadowed
            refused = key.refused
            conflicts = key.conflicts
            mostValues = key.mostSiblings
        }
    }

    var document: Document {
        Document(
            writes: workload.writeCount, keys: workload.keys.count, nodes: workload.nodes,
            milliseconds: facts.milliseconds, dropped: workload.dropped, recordedUnder: strategies,
            lagMilliseconds: lag, lateWrites: facts.late, longestLagMilliseconds: facts.longestLag,
            caveat: Self.caveat, strategies: results.map(Strategy.init))
    }
}
