import Foundation
import KindredSimulator

/// A file of scenarios (docs/formats/scenarios.md), read and checked as a whole before anything is run.
struct ScenarioFile {
    var clock: ScenarioClock
    var scenarios: [Scenario]

    /// A file is read into memory at once.
    static let bytesMaximum = 64 << 20
    /// Every scenario of a file together with the others takes memory for its results.
    static let scenariosMaximum = 100_000

    /// Reads a file.
    init(path: String) throws(ScenarioFileError) {
        let bytes: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            bytes = try handle.read(upToCount: Self.bytesMaximum + 1) ?? Data()
        } catch {
            throw ScenarioFileError("cannot be read")
        }
        guard bytes.count <= Self.bytesMaximum else { throw ScenarioFileError("larger than 64 MiB") }
        try self.init(json: bytes)
    }

    init(json: Data) throws(ScenarioFileError) {
        let document: JSONValue
        do {
            document = try JSONDecoder().decode(JSONValue.self, from: json)
        } catch {
            throw ScenarioFileError("not JSON, or nested too deeply")
        }
        let root = try JSONFields(document, "the file")
        let format = try root.integer("format")
        guard format == 1 else { throw ScenarioFileError("format \(format) is not known, only 1") }
        let limit = Int64(ScenarioClock.millisecondsMaximum)
        func milliseconds(_ name: String, _ usual: Int64) throws(ScenarioFileError) -> UInt64 {
            let value = try root.optionalInteger(name) ?? usual
            guard (0...limit).contains(value) else { throw root.error("'\(name)' is out of range") }
            return UInt64(value)
        }
        clock = ScenarioClock(
            base: try milliseconds("clock_base_ms", 1_000_000), step: try milliseconds("clock_step_ms", 10))
        guard clock.step <= ScenarioClock.millisecondsMaximum / UInt64(Scenario.stepsMaximum) else {
            throw root.error("'clock_step_ms' is out of range")
        }
        let list = try root.list("scenarios")
        guard list.count <= Self.scenariosMaximum else {
            throw ScenarioFileError("more than \(Self.scenariosMaximum) scenarios")
        }
        scenarios = []
        var ids: Set<String> = []
        for (index, value) in list.enumerated() {
            let scenario = try ScenarioReader(value, number: index).scenario()
            guard ids.insert(scenario.id).inserted else {
                throw ScenarioFileError("two scenarios have the id \(scenario.id)")
            }
            scenarios.append(scenario)
        }
    }
}

/// Why a file of scenarios makes no sense, with the scenario and the step where that is known.
struct ScenarioFileError: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// The members of a JSON object, and where it is, for messages. Members that nobody asks for are ignored.
struct JSONFields {
    let members: [String: JSONValue]
    let place: String

    init(_ value: JSONValue, _ place: String) throws(ScenarioFileError) {
        guard case .object(let members) = value else {
            throw ScenarioFileError("\(place): must be an object, is \(value.kind)")
        }
        self.members = members
        self.place = place
    }

    func error(_ reason: String) -> ScenarioFileError { ScenarioFileError("\(place): \(reason)") }

    func value(_ name: String) throws(ScenarioFileError) -> JSONValue {
        guard let value = members[name] else { throw error("'\(name)' is missing") }
        return value
    }

    /// A member that may be absent, or null.
    func optional(_ name: String) -> JSONValue? {
        guard let value = members[name], value != .null else { return nil }
        return value
    }

    func text(_ name: String) throws(ScenarioFileError) -> String {
        try text(name, try value(name))
    }

    func optionalText(_ name: String) throws(ScenarioFileError) -> String? {
        guard let value = optional(name) else { return nil }
        return try text(name, value)
    }

    func integer(_ name: String) throws(ScenarioFileError) -> Int64 {
        guard case .integer(let value) = try value(name) else { throw error("'\(name)' must be a whole number") }
        return value
    }

    func optionalInteger(_ name: String) throws(ScenarioFileError) -> Int64? {
        optional(name) == nil ? nil : try integer(name)
    }

    func optionalBool(_ name: String) throws(ScenarioFileError) -> Bool? {
        guard let value = optional(name) else { return nil }
        guard case .bool(let bool) = value else { throw error("'\(name)' must be true or false") }
        return bool
    }

    func list(_ name: String) throws(ScenarioFileError) -> [JSONValue] {
        guard case .list(let values) = try value(name) else { throw error("'\(name)' must be a list") }
        return values
    }

    func texts(_ name: String) throws(ScenarioFileError) -> [String] {
        var texts: [String] = []
        for value in try list(name) { texts.append(try text(name, value)) }
        return texts
    }

    func object(_ name: String) throws(ScenarioFileError) -> JSONFields {
        try JSONFields(try value(name), "\(place), '\(name)'")
    }

    func text(_ name: String, _ value: JSONValue) throws(ScenarioFileError) -> String {
        guard case .text(let text) = value else { throw error("'\(name)' must be a text, is \(value.kind)") }
        return text
    }
}
