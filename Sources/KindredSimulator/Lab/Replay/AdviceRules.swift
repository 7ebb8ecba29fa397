import KindredModel

/// The rules of advice, in the order in which they are tried; the first one that holds decides.
///
/// The numbers of "enough" are the rule of three: if something has not happened in *n* independent cases, its rate is
/// below 3/*n* with a confidence of 95 %. Writes are not independent of each other, so this is a floor rather than a
/// proof.
package enum AdviceRules {
    /// With so many overwrites without a conflict, conflicts are rarer than 1 in 100.
    package static let enough = 300
    /// With so many, rarer than 1 in 1,000.
    package static let plenty = 3_000

    package static func advise(_ evidence: AdviceEvidence) -> Advice {
        let rules = [
            writtenOnce, tooLittle, conditional, harmless, lostUpdates, hastyOverwrites, singleWriter, blind, unseen,
        ]
        var advice = rules.lazy.compactMap { $0(evidence) }.first ?? informed(evidence)
        advice.reasons += remarks(evidence)
        if evidence.facts.dropped > 0 { advice.confidence = min(advice.confidence, .low) }
        return advice
    }

    // MARK: Too little

    /// Neither so many overwrites that none in conflict would say anything, nor any conflict.
    private static func tooLittle(_ evidence: AdviceEvidence) -> Advice? {
        let facts = evidence.facts
        let hasSeenConflict =
            evidence.conflicts > evidence.harmless && evidence.lostUpdates + facts.hastyOverwrites >= 3
        guard facts.overwrites < enough, !hasSeenConflict, evidence.loggedConflicts == 0 else { return nil }
        let missing = enough - facts.overwrites
        let time =
            facts.overwrites == 0 || facts.milliseconds == 0
            ? nil : facts.milliseconds / 1_000 * UInt64(missing) / UInt64(facts.overwrites) + 1
        return Advice(
            .tooLittle, nil, .low, "There is too little data for advice.",
            reasons: [
                "\(number(facts.overwrites, "write")) came to keys that had a value; \(enough) without a "
                    + "conflict would "
                    + "show that conflicts are rarer than 1 in 100."
            ],
            changes: [
                "\(number(missing, "more overwrite"))"
                    + (time.map { ": about \(duration($0)) more at this rate." } ?? ": record for longer.")
            ])
    }

    // MARK: No overwrites that matter

    /// Many keys, and none was given other content or deleted.
    private static func writtenOnce(_ evidence: AdviceEvidence) -> Advice? {
        let facts = evidence.facts
        let refusals = evidence.replays[.immutable]?.refusals ?? 0
        guard facts.keys >= enough, facts.keysChanged == 0, facts.deletes == 0, refusals == 0,
            facts.knowsContents || facts.overwrites == 0
        else { return nil }
        return Advice(
            .writtenOnce, .immutable, facts.keys >= plenty ? .high : .medium,
            "Keys are written once: make the bucket type immutable.",
            reasons: [
                "\(number(facts.keys, "key")) got content, and none of them other content later.",
                "Under 'immutable' nothing would have been refused, and reads need not agree on versions.",
            ],
            changes: ["One write that changes or deletes a key: 'immutable' would refuse it."])
    }

    // MARK: Conflicts

    /// Half of the overwrites demand that the key be as their writer had seen it: they want one order.
    private static func conditional(_ evidence: AdviceEvidence) -> Advice? {
        let facts = evidence.facts
        guard facts.conditionalOverwrites * 2 >= facts.overwrites, facts.conditionalOverwrites > 0 else { return nil }
        let failed = evidence.replays[.versionNumbers]?.refused["precondition"] ?? 0
        return Advice(
            .conditional, .versionNumbers, confidence(facts),
            "Writers make conditions, so they need one order: use version numbers.",
            reasons: [
                "\(number(facts.conditionalOverwrites, "overwrite")) of \(grouped(facts.overwrites)) came with a "
                    + "condition. A condition is checked where the write is coordinated; with version numbers "
                    + "that is one "
                    + "leader, elsewhere any replica, which may not have heard of the newest write.",
                "\(grouped(failed)) of the conditions would have failed there.",
            ],
            changes: [
                "If writes must go on while the leader's partition is cut off, version vectors and a merge are the "
                    + "alternative."
            ])
    }

    /// All conflicts are between equal contents.
    private static func harmless(_ evidence: AdviceEvidence) -> Advice? {
        guard evidence.conflicts > 0, evidence.harmless == evidence.conflicts, evidence.facts.knowsContents else {
            return nil
        }
        return Advice(
            .harmless, .lastWriteWins, confidence(evidence.facts),
            "All conflicts are harmless: last-write-wins loses nothing that is not there again.",
            reasons: [
                "\(number(evidence.conflicts, "write")) met a value that the writer had not seen, and each wrote the "
                    + "content that was there already."
            ],
            changes: ["One conflict between different contents."])
    }

    /// Writers that had read lose each other's updates.
    private static func lostUpdates(_ evidence: AdviceEvidence) -> Advice? {
        let facts = evidence.facts
        let isInformed = facts.blindShare < 0.5
        guard evidence.lostUpdates > 0 || (isInformed && evidence.loggedConflicts > 0) else { return nil }
        var reasons = [
            "\(number(evidence.conflicts - evidence.harmless, "write")) of \(grouped(facts.puts + facts.deletes)) met "
                + "another value that the writer had not seen.",
            "Last-write-wins would have dropped \(number(evidence.overwrittenUnseen, "value")) for one that had "
                + "not seen "
                + "it. \(grouped(evidence.lostUpdates)) of them are lost for good, to writers that had read "
                + "something else.",
        ]
        if let vectors = evidence.replays[.versionVectors] {
            reasons.append(
                "Version vectors would have lost none; an application would have had to merge "
                    + "\(number(vectors.merges, "time")), at most \(vectors.mostSiblings) values.")
        }
        return Advice(
            .lostUpdates, .versionVectors,
            evidence.lostUpdates < 10 ? .low : facts.overwrites >= enough ? .high : .medium,
            "Writers lose each other's updates: use version vectors, with a rule that merges siblings.",
            reasons: reasons,
            changes: [
                "If the later of two values is always the right one, last-write-wins is: then these are no losses.",
                "If two writers must never both succeed, use version numbers and conditional writes.",
            ])
    }

    /// Writers that do not read overwrite each other within a second.
    private static func hastyOverwrites(_ evidence: AdviceEvidence) -> Advice? {
        let facts = evidence.facts
        guard facts.hastyOverwrites > 0 || (evidence.loggedConflicts > 0 && facts.blindShare >= 0.5) else {
            return nil
        }
        let lost = evidence.replays[.lastWriteWins]?.lostToBlind ?? 0
        return Advice(
            .hastyOverwrites, .versionVectors, .low,
            "Writers overwrite within a second what they have not read: have them read first and send the "
                + "causal context, "
                + "under version vectors.",
            reasons: [
                "\(number(facts.hastyOverwrites, "overwrite")) without a causal context came within a second of "
                    + "another "
                    + "client's write, or of one whose client gives no name.",
                "Last-write-wins would have dropped \(number(lost, "value")) that no writer had read.",
            ],
            changes: [
                "If a value never depends on the one before (a sensor's reading, a cache), last-write-wins "
                    + "loses nothing "
                    + "that matters.",
                "With contexts in the requests, a recording can tell overwriting from losing.",
            ])
    }

    /// Some of the writers do not read, and what they meet is lost, or would be if nobody else had read it.
    private static func unseen(_ evidence: AdviceEvidence) -> Advice? {
        let facts = evidence.facts
        let met = evidence.conflicts - evidence.harmless
        guard met > 0 else { return nil }
        let latest = evidence.replays[.lastWriteWins]
        var reasons = [
            "\(number(met, "write")) of \(grouped(facts.puts + facts.deletes)) met another value that the writer had "
                + "not seen; \(number(facts.blindOverwrites, "overwrite")) of \(grouped(facts.overwrites)) came without "
                + "a causal context.",
            "Last-write-wins would have dropped \(number(evidence.overwrittenUnseen, "value")) for one that had not "
                + "seen it. \(grouped(latest?.lost ?? 0)) of them are lost for good.",
        ]
        if let vectors = evidence.replays[.versionVectors] {
            reasons.append(
                "Version vectors would have lost none; an application would have had to merge "
                    + "\(number(vectors.merges, "time")), at most \(vectors.mostSiblings) values.")
        }
        return Advice(
            .unseen, .versionVectors, .low,
            "Some writers overwrite what they have not read: use version vectors, and have them read first and send the "
                + "causal context.",
            reasons: reasons,
            changes: [
                "If the later of two values is always the right one, last-write-wins is: then these are no losses.",
                "With contexts in all requests, a recording can tell overwriting from losing.",
            ])
    }

    // MARK: No conflicts

    /// Every key that changes has one named client, which reads before it writes.
    private static func singleWriter(_ evidence: AdviceEvidence) -> Advice? {
        let facts = evidence.facts
        guard evidence.conflicts == 0, facts.busyKeys > 0, facts.sharedKeys == 0, facts.clients > 0,
            facts.blindShare < 0.1
        else { return nil }
        return Advice(
            .singleWriter, .versionNumbers, confidence(facts),
            "Each key has one writer: version numbers cost it nothing, and give its history an order that "
                + "people can read.",
            reasons: [
                "No key was written by two clients, and \(number(facts.busyKeys, "key")) changed at least "
                    + "\(WorkloadFacts.busyChanges) times.",
                "None of \(number(facts.overwrites, "overwrite")) met a value that the writer had not seen.",
            ],
            changes: [
                "A second writer of a key.",
                "If writes must be possible while a key's leader cannot be reached: version vectors cost "
                    + "nothing so far, "
                    + "either.",
            ])
    }

    /// Nobody reads before writing, and writes of a key are far apart.
    private static func blind(_ evidence: AdviceEvidence) -> Advice? {
        let facts = evidence.facts
        guard facts.blindShare >= 0.5 else { return nil }
        return Advice(
            .blind, .lastWriteWins, confidence(facts),
            "Last-write-wins costs nothing so far: writers do not read first, and never came within a second of "
                + "each other.",
            reasons: [
                "\(number(facts.blindOverwrites, "overwrite")) of \(grouped(facts.overwrites)) came without a causal "
                    + "context. Version vectors would keep each of them as a sibling.",
                bound(facts.overwrites, "two writers of a key within a second"),
            ],
            changes: [
                "Writers that come within a second of each other.",
                "Values that depend on the value before: then writers must read first, under version vectors.",
            ])
    }

    /// Writers read first, and have met nothing that they had not seen.
    private static func informed(_ evidence: AdviceEvidence) -> Advice {
        let facts = evidence.facts
        return Advice(
            .informed, .versionVectors, min(confidence(facts), .medium),
            "No strategy has cost anything so far. Version vectors would keep a conflict if there is one; "
                + "last-write-wins would lose a value.",
            reasons: [
                "\(number(evidence.conflicts - evidence.harmless, "write")) of \(grouped(facts.overwrites)) overwrites "
                    + "met another value that the writer had not seen.",
                bound(facts.overwrites, "a conflict"),
            ],
            changes: [
                "If the application cannot merge and the later value is always right: last-write-wins, knowing that.",
                "Conflicts, when there are more clients: record again then.",
            ])
    }

    // MARK: Words

    private static func confidence(_ facts: WorkloadFacts) -> Advice.Confidence {
        facts.overwrites >= plenty ? .high : facts.overwrites >= enough ? .medium : .low
    }

    private static func bound(_ cases: Int, _ what: String) -> String {
        guard cases > 0 else { return "There were no overwrites." }
        return "By the rule of three, \(what) is rarer than 1 in \(grouped(max(cases / 3, 1))) (95 %), if the load "
            + "stays as it is."
    }

    private static func remarks(_ evidence: AdviceEvidence) -> [String] {
        var remarks: [String] = []
        if let logged = evidence.logged {
            let kinds = logged.filter { $0.value > 0 }.sorted { $0.key < $1.key }.map {
                "\($0.key) \(grouped($0.value))"
            }
            remarks.append(
                kinds.isEmpty
                    ? "The conflict log has no conflicts of this bucket."
                    : "The conflict log has of this bucket: \(kinds.joined(separator: ", ")).")
        }
        if evidence.facts.late > 0 {
            remarks.append(
                "\(number(evidence.facts.late, "write")) came to a node that an earlier write had not reached, up to "
                    + "\(grouped(Int(clamping: evidence.facts.longestLag))) ms after it.")
        }
        if evidence.facts.dropped > 0 {
            remarks.append(
                "The recording lacks \(number(Int(clamping: evidence.facts.dropped), "event")): the numbers are "
                    + "too low."
            )
        }
        if !evidence.facts.knowsContents {
            remarks.append(
                "The recording does not tell contents apart, so conflicts may be harmless without its showing.")
        }
        return remarks
    }

    private static func number(_ count: Int, _ unit: String) -> String {
        "\(grouped(count)) \(count == 1 ? unit : unit + "s")"
    }

    private static func duration(_ seconds: UInt64) -> String {
        seconds < 120 ? "\(seconds) s" : seconds < 7_200 ? "\(seconds / 60) min" : "\(seconds / 3_600) h"
    }

    private static func grouped(_ number: Int) -> String {
        var result = ""
        let digits = String(number)
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3), result != "-" { result.append(",") }
            result.append(digit)
        }
        return result
    }
}
