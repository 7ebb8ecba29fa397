import KindredModel
import KindredSimulator

/// A comparison for programs: counts, never quotients.
extension LabComparison {
    /// `settings`, `seeds`, `strategies`: one object each, see docs/lab.md.
    var json: PropertyValue {
        .object([
            Property("settings", settings.json), Property("seeds", .integer(Int64(seeds))),
            Property("strategies", .list(rows.map(\.json))),
        ])
    }
}

extension LabSettings {
    fileprivate var json: PropertyValue {
        .object([
            Property("clients", .integer(Int64(clients))), Property("replicas", .integer(Int64(replicas))),
            Property("keys", .integer(Int64(keys))), Property("contention", .integer(Int64(contention))),
            Property("reads", .integer(Int64(reads))), Property("blind", .integer(Int64(blind))),
            Property("deletes", .integer(Int64(deletes))),
            Property("partitionMicroseconds", .integer(Int64(partition))),
            Property("skewMilliseconds", .integer(Int64(skew))), Property("lagMilliseconds", .integer(Int64(lag))),
            Property("durationMicroseconds", .integer(Int64(duration))), Property("quorum", .text(quorum.rawValue)),
            Property("seed", .integer(Int64(clamping: seed))),
        ])
    }
}

extension LabComparison.Row {
    fileprivate var json: PropertyValue {
        var members = [
            Property("strategy", .text(strategy.rawValue)), Property("summary", .text(strategy.summary)),
            Property("baseline", .bool(strategy.isBaseline)),
        ]
        members += measures.counts.map { Property($0.name, .integer(Int64($0.value))) }
        members.append(
            Property(
                "convergenceMicroseconds",
                .list(measures.convergence.map { .integer($0.map { Int64($0) } ?? -1) })))
        members.append(
            Property(
                "clocks",
                .list(
                    sweep.map { point in
                        .object([
                            Property("skewMilliseconds", .integer(Int64(point.skew))),
                            Property("lostSilently", .integer(Int64(point.lostSilently))),
                            Property("lostAndReported", .integer(Int64(point.lostAndReported))),
                            Property("lostLater", .integer(Int64(point.lostLater))),
                            Property("keysChanged", .integer(Int64(point.keysChanged))),
                            Property("unavailable", .integer(Int64(point.unavailable))),
                        ])
                    })))
        if let failure { members.append(Property("failure", failure.json)) }
        return .object(members)
    }
}

extension LabMeasures {
    /// The counts by name, in the order in which they are shown.
    var counts: [(name: String, value: Int)] {
        [
            ("writes", writesAsked), ("acknowledged", acknowledged), ("unchanged", unchanged), ("refused", refused),
            ("unavailable", unavailable), ("kept", kept), ("replaced", replaced), ("lostSilently", lostSilently),
            ("lostAndReported", lostAndReported), ("lostLater", lostLater), ("resurrected", resurrected),
            ("hidden", hidden), ("reads", reads), ("readsWithValue", readsWithValue), ("valuesShown", valuesShown),
            ("siblingsMaximum", siblingsMaximum), ("falseSiblings", falseSiblings), ("readsToMerge", readsToMerge),
            ("valuesToMerge", valuesToMerge), ("contextBytes", contextBytes), ("messages", messages),
            ("bytes", bytes), ("metadataBytes", metadataBytes), ("metadataKeys", metadataKeys),
            ("askedOfSmallSide", askedOfMinority), ("servedBySmallSide", servedByMinority),
            ("askedOfLargeSide", askedOfMajority), ("servedByLargeSide", servedByMajority), ("diverged", diverged),
        ]
    }
}

extension LabStory {
    fileprivate var json: PropertyValue {
        .object([
            Property("kind", .text(failure.rawValue)), Property("key", .integer(Int64(key))),
            Property("write", .text(LabStory.name(write))),
            Property("others", .list(others.map { .text(LabStory.name($0)) })),
            Property("conclusion", .text(conclusion)),
            Property(
                "steps",
                .list(
                    steps.map { step in
                        .object([
                            Property("microseconds", .integer(Int64(clamping: step.time.microseconds))),
                            Property("node", .integer(Int64(step.node + 1))), Property("text", .text(step.text)),
                        ])
                    })),
        ])
    }
}
