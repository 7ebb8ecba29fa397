import KindredModel
import KindredSimulator

/// Advice, for people and for programs.
struct AdvicePage {
    let bucket: String
    let evidence: AdviceEvidence
    /// The strategies that were in force.
    let strategies: [String]
    let advice: Advice

    func lines(width: Int) -> [StyledLine] {
        let facts = evidence.facts
        var lines = [
            StyledLine("\(bucket): ", .strong) + StyledLine(advice.summary, advice.strategy == nil ? .plain : .good),
            StyledLine(
                "confidence: \(advice.confidence.rawValue), by the rule '\(advice.rule.rawValue)'"
                    + (strategies.isEmpty ? "" : "; now: \(strategies.joined(separator: ", "))"), .faint),
            "",
            "Why",
        ]
        lines += items(advice.reasons, width: width)
        lines += ["", "What would change this advice"]
        lines += items(advice.changes, width: width)
        lines += [
            "",
            StyledLine(
                "seen: \(TextLayout.count(facts.puts, "put")) and \(TextLayout.count(facts.deletes, "delete")) of "
                    + "\(TextLayout.count(facts.keys, "key")) over \(ReplayFigures.time(facts.milliseconds)), "
                    + "\(TextLayout.count(facts.clients, "named client"))", .faint),
        ]
        let results = ConflictStrategy.allCases.compactMap { evidence.replays[$0] }
        lines += Page.table(
            [["", "LOST", "NOT SHOWN", "REFUSED", "CONFLICTS", "MERGES"]]
                + results.map { result in
                    [result.strategy.rawValue]
                        + [result.lost, result.shadowed, result.refusals, result.conflicts, result.merges].map {
                            TextLayout.grouped($0)
                        }
                })
        return lines + [StyledLine(ReplayFigures.caveat, .faint)]
    }

    private func items(_ texts: [String], width: Int) -> [StyledLine] {
        texts.flatMap { text in
            TextLayout.broken(TextLayout.harmless(text), width: max(width - 4, 20)).enumerated().map { index, line in
                StyledLine((index == 0 ? "  - " : "    ") + line)
            }
        }
    }

    struct Document: Encodable {
        var bucket: String
        var strategy: String?
        var rule: String
        var confidence: String
        var summary: String
        var reasons: [String]
        var whatWouldChangeIt: [String]
        var strategiesInForce: [String]
        var facts: Facts
        var conflictLog: [String: Int]?
        var replays: [ReplayFigures.Strategy]
        var caveat: String
    }

    struct Facts: Encodable {
        var milliseconds: UInt64
        var keys: Int
        var puts: Int
        var deletes: Int
        var overwrites: Int
        var overwritesWithoutContext: Int
        var overwritesWithoutContextWithinASecond: Int
        var conditionalOverwrites: Int
        var keysChanged: Int
        var sharedKeys: Int
        var namedClients: Int
        var lateWrites: Int
        var dropped: UInt64

        init(_ facts: WorkloadFacts) {
            milliseconds = facts.milliseconds
            keys = facts.keys
            puts = facts.puts
            deletes = facts.deletes
            overwrites = facts.overwrites
            overwritesWithoutContext = facts.blindOverwrites
            overwritesWithoutContextWithinASecond = facts.hastyOverwrites
            conditionalOverwrites = facts.conditionalOverwrites
            keysChanged = facts.keysChanged
            sharedKeys = facts.sharedKeys
            namedClients = facts.clients
            lateWrites = facts.late
            dropped = facts.dropped
        }
    }

    var document: Document {
        Document(
            bucket: bucket, strategy: advice.strategy?.rawValue, rule: advice.rule.rawValue,
            confidence: advice.confidence.rawValue, summary: advice.summary, reasons: advice.reasons,
            whatWouldChangeIt: advice.changes, strategiesInForce: strategies, facts: Facts(evidence.facts),
            conflictLog: evidence.logged,
            replays: ConflictStrategy.allCases.compactMap { evidence.replays[$0] }.map(ReplayFigures.Strategy.init),
            caveat: ReplayFigures.caveat)
    }
}
