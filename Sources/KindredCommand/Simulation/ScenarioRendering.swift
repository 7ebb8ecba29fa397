import Foundation
import KindredSimulator

/// The results of a run, and how they compare with what was expected.
struct ScenarioReport {
    /// One scenario with one strategy.
    struct Entry {
        var scenario: Scenario
        var strategy: ScenarioStrategy
        /// Nil if it was not run.
        var result: ScenarioResult?

        var expectation: ScenarioExpectation? { scenario.expectation(for: strategy) }

        var differences: [ScenarioDifference] { result?.differences(from: expectation) ?? [] }
    }

    var entries: [Entry] = []

    /// Runs all scenarios of a file.
    ///
    /// - Parameters:
    ///   - strategies: only these; all if empty.
    ///   - id: only the scenario of this name; nil for all.
    mutating func run(
        _ file: ScenarioFile, only strategies: [ScenarioStrategy], id: String? = nil, each: (Entry) -> Void
    ) {
        for scenario in file.scenarios where id == nil || scenario.id == id {
            for strategy in scenario.strategies where strategies.isEmpty || strategies.contains(strategy) {
                let result = scenario.run(strategy, clock: file.clock)
                let entry = Entry(scenario: scenario, strategy: strategy, result: result)
                each(entry)
                entries.append(entry)
            }
        }
    }

    var passed: Bool { entries.allSatisfy(\.differences.isEmpty) }

    // MARK: For programs

    /// The results file of docs/formats/scenarios.md.
    func json() throws -> [UInt8] {
        var results: [JSONValue] = []
        for entry in entries {
            if let result = entry.result { results.append(try result.json()) }
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        let document = JSONValue.object(["format": .integer(1), "results": .list(results)])
        return Array(try encoder.encode(document)) + Array("\n".utf8)
    }

    // MARK: For people

    /// One line about a scenario with one strategy, and what is wrong with it.
    static func lines(about entry: Entry, _ style: Style) -> [String] {
        let name = "\(entry.scenario.id) \(entry.strategy.rawValue)"
        let title = TextLayout.name(Array(entry.scenario.title.utf8))
        guard let result = entry.result else {
            return ["\(style.apply(.faint, "not run")) \(name)  \(title): data types do not exist yet"]
        }
        let differences = entry.differences
        if differences.isEmpty {
            let verdict = entry.expectation == nil ? style.apply(.plain, "ran    ") : style.apply(.good, "ok     ")
            return ["\(verdict) \(name)  \(title)"]
        }
        var lines = ["\(style.apply(.bad, "FAILED ")) \(name)  \(title)"]
        for difference in differences { lines += explain(difference, entry.scenario) }
        lines.append("    what happened")
        lines += history(of: entry.scenario, result, through: lastStep(of: differences)).map { "      \($0)" }
        return lines
    }

    private static func explain(_ difference: ScenarioDifference, _ scenario: Scenario) -> [String] {
        switch difference {
        case .step(let index, let expected, let got):
            let step = scenario.steps[index].words(scenario.replicas + scenario.fallbacks)
            return [
                "    step \(index): \(step)", "      expected \(words(expected))",
                "      got      \(got.map(words) ?? "no outcome")",
            ].map(TextLayout.harmless)
        case .final(let key, let expected, let got):
            return [
                "    in the end, \(key)", "      expected \(words(expected))",
                "      got      \(got.map(words) ?? "nothing: no step names the key")",
            ].map(TextLayout.harmless)
        case .failure(let why):
            return ["    \(TextLayout.harmless(why))"]
        }
    }

    /// The step up to which the history matters: the first that is wrong, or nil if only the end is.
    private static func lastStep(of differences: [ScenarioDifference]) -> Int? {
        guard case .step(let index, _, _)? = differences.first else { return nil }
        return index
    }

    private static func history(of scenario: Scenario, _ result: ScenarioResult, through last: Int?) -> [String] {
        let nodes = scenario.replicas + scenario.fallbacks
        return scenario.steps.enumerated().prefix(last.map { $0 + 1 } ?? .max).map { index, step in
            let outcome = result.outcome(of: index).map { ": \(words($0))" } ?? ""
            return TextLayout.harmless("\(index)  \(step.words(nodes))\(outcome)")
        }
    }

    static func words(_ outcome: ScenarioOutcome) -> String {
        var text = outcome.status.rawValue
        if let shown = outcome.shown { text += " \(words(shown))" }
        if let why = outcome.why { text += " (\(why))" }
        return text
    }

    static func words(_ shown: ScenarioValues) -> String {
        let values = shown.values.map(\.text).joined(separator: " ")
        let conflict = shown.conflict.map { $0.map(\.text).joined(separator: " ") }
        return "{\(values)}" + (conflict.map { " beside {\($0)}" } ?? "")
    }

    /// The last line.
    func summary(_ style: Style) -> String {
        let failed = entries.filter { !$0.differences.isEmpty }.count
        let skipped = entries.filter { $0.result == nil }.count
        let ran = entries.count - skipped
        let verdict = failed == 0 ? style.apply(.good, "none failed") : style.apply(.bad, "\(failed) failed")
        return "\(ran) ran, \(verdict)" + (skipped > 0 ? ", \(skipped) not run" : "")
    }
}

extension ScenarioResult {
    fileprivate func json() throws -> JSONValue {
        var outcomes: [String: JSONValue] = [:]
        for step in steps { outcomes[String(step.index)] = try step.outcome.json() }
        var shown: [String: JSONValue] = [:]
        switch final {
        case .agreed(let keys):
            for key in keys { shown[key.key] = .object(try key.shown.members()) }
        case .failed(let why):
            shown["why"] = .text(why)
        }
        return .object([
            "id": .text(id), "strategy": .text(strategy.rawValue), "steps": .object(outcomes), "final": .object(shown),
        ])
    }
}

extension ScenarioOutcome {
    fileprivate func json() throws -> JSONValue {
        var members = try shown?.members() ?? [:]
        members["status"] = .text(status.rawValue)
        if let why { members["why"] = .text(why) }
        return .object(members)
    }
}

extension ScenarioValues {
    /// Values by themselves, without those kept beside them if there are none.
    fileprivate func members() throws -> [String: JSONValue] {
        var members: [String: JSONValue] = ["values": .list(try values.map { try JSONValue(canonical: $0.text) })]
        if let conflict, !conflict.isEmpty {
            members["conflict"] = .list(try conflict.map { try JSONValue(canonical: $0.text) })
        }
        return members
    }
}
