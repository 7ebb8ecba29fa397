import KindredSimulator

/// Makes steps of their JSON, in order.
struct ScenarioStepReader {
    private let replicas: [String]
    private let fallbacks: [String]
    /// The backups that the steps so far have made.
    private var backups: Set<String> = []

    init(replicas: [String], fallbacks: [String]) {
        self.replicas = replicas
        self.fallbacks = fallbacks
    }

    /// As long as a node takes them; storage keys are bounded by that.
    private static let keyBytesMaximum = 4_096

    mutating func step(_ fields: JSONFields) throws(ScenarioFileError) -> ScenarioStep {
        let operation = try fields.text("op")
        switch operation {
        case "get":
            return .get(
                at: try readers(fields), key: try key(fields), bind: try fields.optionalText("as"),
                repair: try fields.optionalBool("repair") ?? false)
        case "put":
            return .put(
                at: try replica("at", fields), value: try fields.value("value").scenarioValue(fields),
                key: try key(fields), context: try fields.optionalText("ctx"), bind: try fields.optionalText("as"))
        case "delete":
            return .delete(
                at: try replica("at", fields), key: try key(fields), context: try fields.optionalText("ctx"),
                bind: try fields.optionalText("as"))
        case "crdt":
            _ = try fields.optionalText("ctx")
            return .dataType(
                at: try replica("at", fields), operation: try fields.text("do"),
                path: try fields.optionalText("path") ?? "",
                key: try key(fields))
        case "replicate":
            return .replicate(message: try fields.text("from"), to: try replica("to", fields))
        case "hint":
            return .hint(message: try fields.text("from"), to: try fallback("to", fields))
        case "handoff":
            return .handoff(
                from: try fallback("from", fields), to: try replica("to", fields),
                keep: try fields.optionalBool("keep") ?? false)
        case "pull":
            return .pull(from: try replica("from", fields), to: try replica("to", fields))
        case "exchange":
            return .exchange(try replica("a", fields), try replica("b", fields))
        case "partition":
            return .partition(groups: try groups(fields))
        case "heal":
            return .heal
        case "skew":
            let milliseconds = try fields.integer("ms")
            guard milliseconds.magnitude <= ScenarioClock.millisecondsMaximum else {
                throw fields.error("'ms' is out of range")
            }
            return .skew(at: try replica("at", fields), milliseconds: milliseconds)
        case "amnesia":
            return .amnesia(at: try node(try fields.text("at"), fields))
        case "snapshot":
            let name = try fields.text("as")
            backups.insert(name)
            return .snapshot(at: try replica("at", fields), name: name)
        case "restore":
            let name = try fields.text("from")
            guard backups.contains(name) else { throw fields.error("no snapshot before it is called \(name)") }
            return .restore(at: try replica("at", fields), name: name)
        case "prune":
            return .prune(at: try replica("at", fields))
        case "failover":
            return .failover(to: try replica("to", fields))
        default:
            throw fields.error("the operation \(operation) is not known")
        }
    }

    private func key(_ fields: JSONFields) throws(ScenarioFileError) -> String {
        let key = try fields.optionalText("key") ?? ScenarioStep.defaultKey
        guard key.utf8.count <= Self.keyBytesMaximum else { throw fields.error("'key' is too long") }
        return key
    }

    // MARK: Names

    private func replica(_ member: String, _ fields: JSONFields) throws(ScenarioFileError) -> Int {
        try replica(named: try fields.text(member), fields)
    }

    private func replica(named name: String, _ fields: JSONFields) throws(ScenarioFileError) -> Int {
        guard let position = replicas.firstIndex(of: name) else {
            throw fields.error("\(name) is no replica of the scenario")
        }
        return position
    }

    private func fallback(_ member: String, _ fields: JSONFields) throws(ScenarioFileError) -> Int {
        let name = try fields.text(member)
        guard let position = fallbacks.firstIndex(of: name) else {
            throw fields.error("\(name) is no fallback of the scenario")
        }
        return replicas.count + position
    }

    private func node(_ name: String, _ fields: JSONFields) throws(ScenarioFileError) -> Int {
        if let position = fallbacks.firstIndex(of: name) { return replicas.count + position }
        return try replica(named: name, fields)
    }

    /// One replica, or a list of them.
    private func readers(_ fields: JSONFields) throws(ScenarioFileError) -> [Int] {
        guard case .list(let names) = try fields.value("at") else { return [try replica("at", fields)] }
        var readers: [Int] = []
        for name in names {
            let reader = try replica(named: try fields.text("at", name), fields)
            if !readers.contains(reader) { readers.append(reader) }
        }
        guard !readers.isEmpty else { throw fields.error("'at' names nobody") }
        return readers
    }

    private func groups(_ fields: JSONFields) throws(ScenarioFileError) -> [[Int]] {
        var groups: [[Int]] = []
        var seen: Set<Int> = []
        for group in try fields.list("groups") {
            guard case .list(let names) = group else { throw fields.error("'groups' must be a list of lists") }
            var members: [Int] = []
            for name in names {
                let member = try node(try fields.text("groups", name), fields)
                guard seen.insert(member).inserted else { throw fields.error("somebody is in two groups") }
                members.append(member)
            }
            groups.append(members)
        }
        return groups
    }
}
