/// What happened to one key in one run, as data for a space-time diagram: a line for each client and node, writes and
/// reads as points, messages as arrows. It knows nothing of drawing.
package struct LabSpaceTime: Hashable, Sendable, Codable {
    /// A line: clients first, then nodes.
    package struct Line: Hashable, Sendable, Codable {
        package let name: String
        package let isNode: Bool
    }

    /// A write, from the client's question to its fate.
    package struct Write: Hashable, Sendable, Codable {
        package let name: String
        package let isDelete: Bool
        /// Positions among the lines.
        package let client: Int
        package let node: Int
        /// When the client asked, and when a replica applied it first; nil if none did. In microseconds.
        package let asked: UInt64
        package let applied: UInt64?
        /// What its client had been shown itself.
        package let shown: [String]
        package let isBlind: Bool
        package let fate: LabFate
    }

    /// What a client was shown.
    package struct Read: Hashable, Sendable, Codable {
        package let client: Int
        package let node: Int
        package let time: UInt64
        package let values: [String]
    }

    /// A message between nodes that was about the key.
    package struct Message: Hashable, Sendable, Codable {
        package let from: Int
        package let to: Int
        package let sent: UInt64
        /// Nil if the cut has swallowed it.
        package let arrived: UInt64?
    }

    /// A replica has something else than before.
    package struct Change: Hashable, Sendable, Codable {
        package let node: Int
        package let time: UInt64
        package let values: [String]
    }

    package let strategy: LabStrategy
    package let key: String
    package let lines: [Line]
    package let writes: [Write]
    package let reads: [Read]
    package let messages: [Message]
    package let changes: [Change]
    /// What all replicas have in the end.
    package let final: [String]
    /// When the network was cut, and when that ended.
    package let cut: UInt64?
    package let healed: UInt64?

    /// Takes a key out of a run that was recorded.
    package init(of key: Int, in outcome: LabOutcome) {
        let record = outcome.record
        let settings = outcome.settings
        let timeline = LabTimeline(settings)
        func isKey(_ operation: Int) -> Bool { outcome.workload[operation].key == key }
        func node(_ number: Int) -> Int { settings.clients + number }
        func names(_ writes: [Int]) -> [String] { writes.map(LabStory.name) }
        strategy = outcome.strategy
        self.key = "k\(key)"
        lines =
            (0..<settings.clients).map { Line(name: "client \($0 + 1)", isNode: false) }
            + (0..<settings.replicas).map { Line(name: "n\($0 + 1)", isNode: true) }
        writes = record.asked.filter { isKey($0.operation) }.map { asked in
            let operation = outcome.workload[asked.operation]
            let event = outcome.history[asked.operation]
            return Write(
                name: LabStory.name(operation.id), isDelete: operation.kind == .delete, client: operation.client,
                node: node(event?.node ?? operation.node), asked: asked.time.microseconds,
                applied: event?.time.microseconds, shown: names(outcome.history.shown(to: operation.id)),
                isBlind: !operation.readsFirst, fate: record.fates[operation.id] ?? .unavailable)
        }
        reads = record.answers.filter { !$0.isWrite && $0.outcome == .shown && isKey($0.operation) }.map { answer in
            let operation = outcome.workload[answer.operation]
            return Read(
                client: operation.client, node: node(operation.node), time: answer.time.microseconds,
                values: names(answer.values))
        }
        messages = record.messages.filter { $0.keys.contains(key) }.map {
            Message(
                from: node($0.from), to: node($0.to), sent: $0.sent.microseconds, arrived: $0.arrived?.microseconds)
        }
        changes = record.changes.filter { $0.key == key }.map {
            Change(node: node($0.node), time: $0.time.microseconds, values: names($0.values))
        }
        final = names(outcome.final[key])
        cut = timeline.cut?.microseconds
        healed = timeline.healed?.microseconds
    }
}
