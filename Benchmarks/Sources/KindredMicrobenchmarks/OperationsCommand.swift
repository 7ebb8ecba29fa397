import ArgumentParser
import Foundation

/// `kindred-microbenchmarks operations`: what the operations of the model and the codec of the peer messages cost, in
/// nanoseconds and allocations.
struct OperationsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operations",
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

    func validate() throws {
        guard (1...10_000).contains(samples) else { throw ValidationError("samples: 1 to 10000") }
        guard sampleSeconds > 0, sampleSeconds <= 10 else { throw ValidationError("sample-seconds: above 0, up to 10") }
    }

    func run() throws {
        let wanted = (ModelBenchmarks.all + MessageBenchmarks.all).filter { benchmark in
            filter.map { benchmark.name.contains($0) } ?? true
        }
        let results = wanted.map { $0.measure(samples: samples, sampleSeconds: sampleSeconds) }
        let table = Self.table(results)
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(results), as: UTF8.self))
        } else {
            print(table)
        }
        if let docs { try Document.fill(docs, section: "microbenchmarks", table) }
        if check, results.contains(where: { $0.isMet == false }) { throw ExitCode(1) }
    }

    private static func table(_ results: [Benchmark.Result]) -> String {
        var lines = [Document.heading, ""]
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
}
