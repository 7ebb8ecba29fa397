import ArgumentParser
import Foundation
import KindredSimulator
import Testing

@testable import KindredCommand

/// Files that make no sense are refused with the place that makes none, before anything is run.
@Suite struct SimulationFileTests {
    /// A file with one scenario, of which parts can be replaced.
    private func file(
        _ steps: String = "", replicas: String = #"["A", "B"]"#, strategies: String = #"["lww"]"#, more: String = "",
        top: String = #""format": 1"#
    ) -> String {
        """
        {\(top), "scenarios": [{"id": "S", "replicas": \(replicas), "fallbacks": ["F"], "strategies": \(strategies),
         "steps": [\(steps)]\(more)}]}
        """
    }

    private func refusal(_ text: String) -> String? {
        do throws(ScenarioFileError) {
            _ = try ScenarioFile(json: Data(text.utf8))
            return nil
        } catch {
            return error.description
        }
    }

    @Test func aFileIsReadAsAWhole() throws {
        let text = file(
            #"{"op": "put", "at": "B", "value": {"b": 1, "a": null}, "ctx": "c", "key": "x", "as": "w", "unknown": 1},"#
                + #"{"op": "handoff", "from": "F", "to": "A", "keep": true}"#,
            strategies: #"["lww", "version-vectors", "lww"]"#,
            more:
                #", "max_skew": 7, "leader": "B", "title": "t", "expect": {"lww": {"final": {"x": {"values": [1]}}}}"#,
            top: #""format": 1, "clock_base_ms": 5, "clock_step_ms": 3"#)
        let read = try ScenarioFile(json: Data(text.utf8))
        let scenario = try #require(read.scenarios.first)
        #expect(read.clock == ScenarioClock(base: 5, step: 3))
        #expect(scenario.id == "S" && scenario.title == "t")
        #expect(scenario.replicas == ["A", "B"] && scenario.fallbacks == ["F"])
        #expect(scenario.leader == 1 && scenario.maximumSkew == 7)
        #expect(scenario.strategies == [.lastWriteWins, .versionVectors])
        #expect(
            scenario.steps == [
                .put(at: 1, value: ScenarioValue(#"{"a":null,"b":1}"#), key: "x", context: "c", bind: "w"),
                .handoff(from: 2, to: 0, keep: true),
            ])
        #expect(scenario.expectation(for: .lastWriteWins)?.final.first?.shown.values == [ScenarioValue("1")])
        #expect(scenario.expectation(for: .versionVectors) == nil)
    }

    @Test(arguments: [
        (#"{"op": "jump", "at": "A"}"#, "scenario S, step 0: the operation jump is not known"),
        (#"{"op": "heal"}, {"op": "get", "at": "C"}"#, "scenario S, step 1: C is no replica of the scenario"),
        (#"{"op": "get"}"#, "scenario S, step 0: 'at' is missing"),
        (#"{"op": "get", "at": []}"#, "scenario S, step 0: 'at' names nobody"),
        (#"{"op": "get", "at": "F"}"#, "scenario S, step 0: F is no replica of the scenario"),
        (#"{"op": "put", "at": "A", "ctx": null}"#, "scenario S, step 0: 'value' is missing"),
        (#"{"op": "put", "at": "A", "value": 1, "ctx": 2}"#, "scenario S, step 0: 'ctx' must be a text, is a number"),
        (#"{"op": "hint", "from": "w", "to": "A"}"#, "scenario S, step 0: A is no fallback of the scenario"),
        (#"{"op": "restore", "at": "A", "from": "b"}"#, "scenario S, step 0: no snapshot before it is called b"),
        (
            #"{"op": "partition", "groups": [["A"], ["A"]]}"#, "scenario S, step 0: somebody is in two groups"
        ),
        (#"{"op": "skew", "at": "A", "ms": 0.5}"#, "scenario S, step 0: 'ms' must be a whole number"),
        (#"{"op": "skew", "at": "A", "ms": 999999999999999}"#, "scenario S, step 0: 'ms' is out of range"),
        (
            #"{"op": "crdt", "at": "A", "do": "inc", "path": ""}"#,
            "scenario S: step 0: crdt goes with the strategy crdt only"
        ),
        (#"7"#, "scenario S, step 0: must be an object, is a number"),
    ])
    func aStepThatMakesNoSenseIsNamed(steps: String, reason: String) {
        #expect(refusal(file(steps)) == reason)
    }

    @Test func soIsWhatTheStepsAreAbout() {
        #expect(refusal("[") == "not JSON, or nested too deeply")
        #expect(refusal("[]") == "the file: must be an object, is a list")
        #expect(refusal(file(top: #""format": 2"#)) == "format 2 is not known, only 1")
        #expect(refusal(file(top: #""format": 1, "clock_base_ms": -1"#)) == "the file: 'clock_base_ms' is out of range")
        #expect(refusal(file(replicas: "[]")) == "scenario S: 1 to 7 replicas, not 0")
        #expect(refusal(file(replicas: #"["1","2","3","4","5","6","7","8"]"#)) == "scenario S: 1 to 7 replicas, not 8")
        #expect(refusal(file(replicas: #"["A", "F"]"#)) == "scenario S: two replicas or fallbacks have one name")
        #expect(refusal(file(strategies: #"["newest"]"#)) == "scenario S: the strategy newest is not known")
        #expect(refusal(file(strategies: "[]")) == "scenario S: no strategies")
        #expect(refusal(file(more: #", "leader": "F""#)) == "scenario S: the leader F is no replica")
        #expect(
            refusal(file(more: #", "expect": {"lww": {"steps": {"3": {"status": "ok"}}}}"#))
                == "scenario S, 'expect', 'lww', 'steps': there is no step 3")
        #expect(
            refusal(file(#"{"op": "heal"}"#, more: #", "expect": {"lww": {"steps": {"0": {"status": "fine"}}}}"#))
                == "scenario S, 'expect', 'lww', 'steps', step 0: the status fine is not known")
        #expect(
            refusal(#"{"format": 1, "scenarios": [{"id": 1}]}"#)
                == "scenario number 0: 'id' must be a text, is a number")
    }

    @Test func idsAreUnique() {
        let one = #"{"id": "S", "replicas": ["A"], "strategies": ["lww"], "steps": []}"#
        #expect(refusal(#"{"format": 1, "scenarios": [\#(one), \#(one)]}"#) == "two scenarios have the id S")
    }

    @Test func thereAreBounds() {
        let heal = #"{"op": "heal"}"#
        let steps = [String](repeating: heal, count: Scenario.stepsMaximum)
        #expect(refusal(file(steps.joined(separator: ","))) == nil)
        #expect(refusal(file((steps + [heal]).joined(separator: ","))) == "scenario S: more than 10000 steps")
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        #expect(
            refusal(file(#"{"op": "put", "at": "A", "value": \#(deep), "ctx": null}"#))
                == "not JSON, or nested too deeply")
    }

    @Test func aBadFileEndsWith64AndRunsNothing() throws {
        let bad = try TemporaryFile(file(#"{"op": "jump"}"#))
        let good = try TemporaryFile(file())
        defer {
            bad.remove()
            good.remove()
        }
        for path in [bad.path, "/nowhere/at/all.json"] {
            let console = TestConsole()
            let code = try SimScenario.parse([good.path, path]).perform(console.console())
            #expect(code == ExitCode(64))
            #expect(console.output.isEmpty)
            #expect(console.errors.count == 1 && console.errors[0].contains(path))
        }
    }

    @Test func numbersStayWhatTheyAre() throws {
        for text in ["1", "-7", "0.5", "9007199254740993", "[1,2.25,{\"a\":null}]", "\"1\"", "true"] {
            #expect(try JSONValue(canonical: text).canonical() == text)
        }
        #expect(try JSONValue(canonical: "1") != JSONValue(canonical: "true"))
        #expect(try JSONValue(canonical: "1e30").canonical() == "1e+30")
    }
}
