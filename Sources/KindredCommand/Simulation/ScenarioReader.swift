import KindredSimulator

/// Makes a scenario of its JSON, and checks that all it names is there.
struct ScenarioReader {
    private let fields: JSONFields
    private let id: String

    /// - Parameter number: which one of its file it is, for messages about one that has no id.
    init(_ value: JSONValue, number: Int) throws(ScenarioFileError) {
        let nameless = try JSONFields(value, "scenario number \(number)")
        id = try nameless.text("id")
        fields = try JSONFields(value, "scenario \(id)")
    }

    func scenario() throws(ScenarioFileError) -> Scenario {
        let replicas = try fields.texts("replicas")
        guard (1...Scenario.replicasMaximum).contains(replicas.count) else {
            throw fields.error("1 to \(Scenario.replicasMaximum) replicas, not \(replicas.count)")
        }
        let fallbacks = fields.optional("fallbacks") == nil ? [] : try fields.texts("fallbacks")
        guard fallbacks.count <= Scenario.replicasMaximum else {
            throw fields.error("at most \(Scenario.replicasMaximum) fallbacks, not \(fallbacks.count)")
        }
        let nodes = replicas + fallbacks
        guard Set(nodes).count == nodes.count else { throw fields.error("two replicas or fallbacks have one name") }
        var leader = 0
        if let name = try fields.optionalText("leader") {
            guard let position = replicas.firstIndex(of: name) else {
                throw fields.error("the leader \(name) is no replica")
            }
            leader = position
        }
        let skew = try fields.optionalInteger("max_skew")
        guard skew.map({ (0...Int64(ScenarioClock.millisecondsMaximum)).contains($0) }) ?? true else {
            throw fields.error("'max_skew' is out of range")
        }
        let strategies = try strategies()
        let steps = try steps(replicas: replicas, fallbacks: fallbacks)
        return Scenario(
            id: id, title: try fields.optionalText("title") ?? "", replicas: replicas, fallbacks: fallbacks,
            leader: leader, maximumSkew: skew.map { UInt64($0) }, strategies: strategies, steps: steps,
            expectations: try expectations(of: strategies, steps: steps.count))
    }

    private func strategies() throws(ScenarioFileError) -> [ScenarioStrategy] {
        var strategies: [ScenarioStrategy] = []
        for name in try fields.texts("strategies") {
            guard let strategy = ScenarioStrategy(rawValue: name) else {
                throw fields.error("the strategy \(name) is not known")
            }
            if !strategies.contains(strategy) { strategies.append(strategy) }
        }
        guard !strategies.isEmpty else { throw fields.error("no strategies") }
        if strategies.count > 1, strategies.contains(.dataTypes) {
            throw fields.error("crdt does not go with other strategies")
        }
        return strategies
    }

    private func steps(replicas: [String], fallbacks: [String]) throws(ScenarioFileError) -> [ScenarioStep] {
        let list = try fields.list("steps")
        guard list.count <= Scenario.stepsMaximum else {
            throw fields.error("more than \(Scenario.stepsMaximum) steps")
        }
        var reader = ScenarioStepReader(replicas: replicas, fallbacks: fallbacks)
        var steps: [ScenarioStep] = []
        for (index, value) in list.enumerated() {
            steps.append(try reader.step(try JSONFields(value, "\(fields.place), step \(index)")))
        }
        let isDataType = try self.strategies() == [.dataTypes]
        for (index, step) in steps.enumerated() {
            if case .dataType = step, !isDataType {
                throw fields.error("step \(index): crdt goes with the strategy crdt only")
            }
        }
        return steps
    }

    // MARK: Expectations

    private func expectations(
        of strategies: [ScenarioStrategy], steps: Int
    ) throws(ScenarioFileError) -> [ScenarioExpectation] {
        guard fields.optional("expect") != nil else { return [] }
        let expected = try fields.object("expect")
        var expectations: [ScenarioExpectation] = []
        // Those of data types look different, and are not compared with anything.
        for strategy in strategies where strategy != .dataTypes && expected.optional(strategy.rawValue) != nil {
            let one = try expected.object(strategy.rawValue)
            var outcomes: [ScenarioStepOutcome] = []
            if one.optional("steps") != nil {
                let named = try one.object("steps")
                for (name, value) in named.members {
                    guard let index = Int(name), (0..<steps).contains(index) else {
                        throw named.error("there is no step \(name)")
                    }
                    let outcome = try Self.outcome(JSONFields(value, "\(named.place), step \(name)"))
                    outcomes.append(ScenarioStepOutcome(index: index, outcome: outcome))
                }
            }
            var final: [ScenarioKeyValues] = []
            if one.optional("final") != nil {
                let named = try one.object("final")
                for (key, value) in named.members {
                    let shown = try Self.values(JSONFields(value, "\(named.place), key \(key)"))
                    final.append(ScenarioKeyValues(key: key, shown: shown))
                }
            }
            expectations.append(
                ScenarioExpectation(
                    strategy: strategy, steps: outcomes.sorted { $0.index < $1.index },
                    final: final.sorted { $0.key < $1.key }))
        }
        return expectations
    }

    private static func outcome(_ fields: JSONFields) throws(ScenarioFileError) -> ScenarioOutcome {
        let name = try fields.text("status")
        guard let status = ScenarioOutcome.Status(rawValue: name) else {
            throw fields.error("the status \(name) is not known")
        }
        let shown = fields.optional("values") == nil ? nil : try values(fields)
        return ScenarioOutcome(status, shown: shown, why: try fields.optionalText("why"))
    }

    private static func values(_ fields: JSONFields) throws(ScenarioFileError) -> ScenarioValues {
        func list(_ name: String) throws(ScenarioFileError) -> [ScenarioValue] {
            var values: [ScenarioValue] = []
            for value in try fields.list(name) { values.append(try value.scenarioValue(fields)) }
            return values
        }
        return ScenarioValues(
            values: try list("values"), conflict: fields.optional("conflict") == nil ? nil : try list("conflict"))
    }
}

extension JSONValue {
    func scenarioValue(_ fields: JSONFields) throws(ScenarioFileError) -> ScenarioValue {
        do {
            return ScenarioValue(try canonical())
        } catch {
            throw fields.error("a value that cannot be written as JSON")
        }
    }
}
