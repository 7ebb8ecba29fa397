import ArgumentParser
import Foundation

/// `kindred-microbenchmarks`: what the model's operations cost, in nanoseconds and allocations.
@main
struct MicrobenchmarksCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kindred-microbenchmarks",
        abstract: "Measures the operations that every request goes through, each alone.",
        discussion: """
            CPU time of one thread, the median over the samples. Build in release mode.

            EXAMPLES
              kindred-microbenchmarks
              kindred-microbenchmarks --filter merge --samples 50
              kindred-microbenchmarks --docs docs/PERFORMANCE.md
            """)

    @Option(help: "Only the benchmarks whose name contains this.")
    var filter: String?

    @Option(help: "Samples of each benchmark.")
    var samples = 15

    @Option(help: "Seconds of a sample.")
    var sampleSeconds = 0.05

    @Flag(help: "Print JSON instead of a table.")
    var json = false

    @Option(help: "Put the table into the marked section of this Markdown file.")
    var docs: String?

    @Flag(help: "Exit with status 1 if a target is missed.")
    var check = false

    private static let marks = (
        first: "<!-- figures: microbenchmarks -->", last: "<!-- end of figures: microbenchmarks -->"
    )

    func validate() throws {
        guard (1...10_000).contains(samples) else { throw ValidationError("samples: 1 to 10000") }
        guard sampleSeconds > 0, sampleSeconds <= 10 else { throw ValidationError("sample-seconds: above 0, up to 10") }
    }

    func run() throws {
        let wanted = ModelBenchmarks.all.filter { benchmark in filter.map { benchmark.name.contains($0) } ?? true }
        let results = wanted.map { $0.measure(samples: samples, sampleSeconds: sampleSeconds) }
        let table = Self.table(results)
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(results), as: UTF8.self))
        } else {
            print(table)
        }
        if let docs { try fill(docs, table) }
        if check, results.contains(where: { $0.isMet == false }) { throw ExitCode(1) }
    }

    private static func table(_ results: [Benchmark.Result]) -> String {
        let day = Date.now.formatted(.iso8601.year().month().day())
        var lines = ["\(day), \(processor()), one thread.", ""]
        lines += ["| operation | ns | fastest – slowest | allocations | target | |", "|---|---|---|---|---|---|"]
        for result in results {
            var targets: [String] = []
            if let target = result.nanosecondTarget { targets.append("< \(Int(target)) ns") }
            if result.mustNotAllocate { targets.append("no allocation") }
            let cells = [
                result.name, String(format: "%.1f", result.nanoseconds),
                String(format: "%.1f – %.1f", result.fastest, result.slowest),
                result.allocations.map { String(format: "%g", ($0 * 100).rounded() / 100) } ?? "not counted",
                targets.joined(separator: ", "), result.isMet.map { $0 ? "PASS" : "SHORT" } ?? "",
            ]
            lines.append("| \(cells.joined(separator: " | ")) |")
        }
        return lines.joined(separator: "\n")
    }

    private static func processor() -> String {
        let cpuinfo = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model = cpuinfo.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
        return model.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
    }

    /// Replaces what stands between the marks of a Markdown file.
    private func fill(_ path: String, _ table: String) throws {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        guard let first = text.range(of: Self.marks.first), let last = text.range(of: Self.marks.last),
            first.upperBound <= last.lowerBound
        else { throw ValidationError("\(path) has no section marked \(Self.marks.first)") }
        let filled = text[..<first.upperBound] + "\n" + table + "\n" + text[last.lowerBound...]
        try String(filled).write(toFile: path, atomically: true, encoding: .utf8)
    }
}
