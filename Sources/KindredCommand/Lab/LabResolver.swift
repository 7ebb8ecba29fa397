import ArgumentParser
import Foundation
import KindredModel
import KindredResolvers

/// `kindred lab check-resolver`: looks for siblings with which a resolver breaks a law.
struct LabResolver: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-resolver",
        abstract: "Look for siblings with which a resolver breaks a law.",
        discussion: """
            Replicas that merge siblings on their own agree only if the order and the grouping in which they hear of \
            writes does not matter. The command tries a rule with many random siblings, and shows the smallest \
            counter-example to each law that it breaks. Rules: \(Resolver.builtInNames.joined(separator: ", ")); \
            or a program of your own, which reads a line of JSON for each question and answers with one. \
            docs/resolvers.md has the rules, the laws and the lines.

            It ends with 0 if no law was broken, with 1 if one was or the program has failed, and with 2 if there was \
            nothing to compare because the resolver refused everything.

            EXAMPLES
              kindred lab check-resolver union
              kindred lab check-resolver merge-json --on-conflict latest
              kindred lab check-resolver largest --values carts.jsonl --json | jq '.reports[].laws[]'
              kindred lab check-resolver --generate lines --cases 1000 --exec ./merge.py --verbose
            """)

    @Argument(help: ArgumentHelp("A built-in rule.", valueName: "rule"))
    var rule: String?

    @Option(
        help: ArgumentHelp("What merge-json does about conflicts: latest, largest or fail.", valueName: "how"),
        transform: LabResolver.conflictRule)
    var onConflict: Resolver.OnConflict?

    @Option(
        help: ArgumentHelp(
            "Take the values from this file: one JSON document in each line; a line that is a text is a value of text.",
            valueName: "file"),
        completion: .file(extensions: ["jsonl"]))
    var values: String?

    @Option(
        help: ArgumentHelp(
            "Make values of this kind: json, numbers, lines, bytes or mixed. Can be given several times. "
                + "(default: what suits the rule; json for a program)",
            valueName: "kind"))
    var generate: [String] = []

    @Option(help: ArgumentHelp("How many triples of siblings are tried.", valueName: "number"))
    var cases = 10_000

    @Option(help: ArgumentHelp("Decides all siblings.", valueName: "number"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("How many seconds the program may take for an answer.", valueName: "seconds"))
    var timeout = 5

    @Flag(help: "Write the report as JSON.")
    var json = false

    @Option(
        parsing: .remaining,
        help: ArgumentHelp(
            "Check this program. All that follows are its arguments, so this comes last.",
            valueName: "program"),
        completion: .file())
    var exec: [String] = []

    func validate() throws {
        guard (rule == nil) != exec.isEmpty else {
            throw ValidationError("name a rule, or a program with --exec; there are the rules \(Self.rules)")
        }
        if let rule {
            guard Resolver.builtIn(rule) != nil else {
                throw ValidationError("there is no rule '\(rule)'; there are: \(Self.rules)")
            }
        }
        if onConflict != nil, rule != "merge-json" {
            throw ValidationError("--on-conflict is for merge-json")
        }
        for kind in generate where !LawValues.builtIn.contains(where: { $0.name == kind }) {
            let kinds = LawValues.builtIn.map(\.name).joined(separator: ", ")
            throw ValidationError("--generate is one of \(kinds)")
        }
        guard values == nil || generate.isEmpty else { throw ValidationError("give --values or --generate") }
        guard (1...10_000_000).contains(cases) else { throw ValidationError("--cases is 1 to 10000000") }
        guard (1...3_600).contains(timeout) else { throw ValidationError("--timeout is 1 to 3600 seconds") }
    }

    private static func conflictRule(_ name: String) throws -> Resolver.OnConflict {
        guard let rule = Resolver.OnConflict(rawValue: name) else {
            throw ValidationError("--on-conflict is latest, largest or fail")
        }
        return rule
    }

    private static var rules: String { Resolver.builtInNames.joined(separator: ", ") }

    func run() throws {
        let code = perform(.standard)
        if code != .success { throw code }
    }

    /// Does what the command says.
    ///
    /// - Returns: the exit code.
    func perform(_ console: Console) -> ExitCode {
        do throws(LabFailure) {
            let values = try chosenValues()
            let program = exec.isEmpty ? nil : try ResolverProgram(exec, timeout: .seconds(timeout))
            defer { program?.end() }
            guard let resolver = program?.resolver ?? builtIn else { return .usage }
            var report = ResolverCheckReport()
            for values in values {
                report.checks.append(ResolverLaws.check(resolver, values: values, seed: seed, cases: cases))
            }
            report.failures = program?.failures
            if json {
                console.print(JSONText.encode(report.json))
            } else {
                for line in report.lines(console.style) { console.print(line) }
            }
            return report.exitCode
        } catch {
            console.complain(TextLayout.harmless("kindred: \(error.description)"))
            return .usage
        }
    }

    private var builtIn: Resolver? {
        if let onConflict { return .mergeJSON(onConflict: onConflict) }
        return rule.flatMap { Resolver.builtIn($0) }
    }

    private func chosenValues() throws(LabFailure) -> [LawValues] {
        if let values { return [try LawValues(file: values)] }
        var kinds = generate
        if kinds.isEmpty {
            switch rule {
            case "union": kinds = ["json", "lines"]
            case "union:lines": kinds = ["lines"]
            case "latest", "largest", "longest": kinds = ["mixed", "bytes"]
            default: kinds = ["json"]
            }
        }
        return kinds.compactMap { kind in LawValues.builtIn.first { $0.name == kind } }
    }
}

/// Why a command of the lab cannot begin.
struct LabFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension LawValues {
    /// As much as values to choose from may take.
    private static let maximumFileBytes = 256 << 20
    private static let maximumValues = 1_000_000

    /// The values of a file: one in each line.
    fileprivate init(file path: String) throws(LabFailure) {
        let bytes: [UInt8]
        do {
            let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? file.close() }
            bytes = [UInt8](try file.read(upToCount: Self.maximumFileBytes + 1) ?? Data())
        } catch {
            throw LabFailure("\(path): \(error.localizedDescription)")
        }
        guard bytes.count <= Self.maximumFileBytes else {
            throw LabFailure("\(path): more than \(Self.maximumFileBytes) bytes")
        }
        var list: [ObjectContent?] = []
        for (number, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            guard list.count < Self.maximumValues else {
                throw LabFailure("\(path): more than \(Self.maximumValues) values")
            }
            do throws(ExactJSONError) {
                switch try ExactJSON(reading: Array(line)) {
                case .string(let text):
                    list.append(ObjectContent(value: text, contentType: Array("text/plain".utf8)))
                case let document:
                    list.append(
                        ObjectContent(value: document.canonical(), contentType: Array("application/json".utf8)))
                }
            } catch {
                throw LabFailure("\(path), line \(number + 1): \(error.description)")
            }
        }
        guard let values = LawValues(path, list: list) else { throw LabFailure("\(path): no values") }
        self = values
    }
}
