import ArgumentParser
import Foundation

/// `kindred-microbenchmarks anti-entropy`: what replicas say to each other, in bytes and CPU time.
struct AntiEntropyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "anti-entropy",
        abstract: "Measures what two replicas of a partition say to each other.",
        discussion: """
            Two replicas over memory engines have the same keys. Then some writes happen at one of them, and the two
            exchange what they lack, through the bytes of the peer protocol. Exits with status 1 if a target is missed,
            or if the two are not equal afterwards. Build in release mode.

            EXAMPLES
              kindred-microbenchmarks anti-entropy
              kindred-microbenchmarks anti-entropy --value-bytes 1024
              kindred-microbenchmarks anti-entropy --docs docs/PERFORMANCE.md
            """)

    @Option(help: "The keys that both replicas have.")
    var keys = 1_000_000

    @Option(help: "The bytes of a value.")
    var valueBytes = 100

    @Option(help: "The writes that one of them lacks.")
    var writes = 100

    @Option(help: "The exchanges between equal replicas that are measured.")
    var exchanges = 100_000

    @Option(help: "The keys of the full transfer to an empty replica.")
    var transferKeys = 100_000

    @Option(help: "Put the table into the marked section of this Markdown file.")
    var docs: String?

    /// How often the writes and the exchange that follows are repeated, for the median of the CPU time.
    private static let rounds = 7

    func validate() throws {
        guard (1...10_000_000).contains(keys) else { throw ValidationError("keys: 1 to 10000000") }
        guard (1...1_048_576).contains(valueBytes) else { throw ValidationError("value-bytes: 1 to 1048576") }
        guard (1...min(keys, 50_000)).contains(writes) else {
            throw ValidationError("writes: 1 to 50000, and no more than there are keys")
        }
        guard (1...100_000_000).contains(exchanges) else { throw ValidationError("exchanges: 1 to 100000000") }
        guard (70_000...10_000_000).contains(transferKeys) else {
            throw ValidationError("transfer-keys: 70000 to 10000000; the log can tell of fewer, without a transfer")
        }
    }

    func run() throws {
        let rows = try exchangeRows() + transferRows()
        let table = table(rows)
        print(table)
        if let docs { try Document.fill(docs, section: "anti-entropy", table) }
        if rows.contains(where: { $0.isMet == false }) { throw ExitCode(1) }
    }

    // MARK: Measuring

    private struct Row {
        var name: String
        var figure: String
        var target = ""
        /// Nil if there is no target.
        var isMet: Bool?
    }

    private func exchangeRows() throws -> [Row] {
        var pair = try ReplicaPair(keys: keys, valueBytes: valueBytes)
        // The figures in bytes are of the first round: each has as much to say as any other.
        var traffic = ReplicaPair.Traffic()
        var objectBytes = 0
        var microseconds: [Double] = []
        for round in 0..<Self.rounds {
            let written = try pair.overwrite(writes, of: keys, valueBytes: valueBytes)
            pair.traffic = ReplicaPair.Traffic()
            let start = threadTime()
            try pair.exchange()
            microseconds.append((threadTime() - start) / 1_000)
            if round == 0 { (traffic, objectBytes) = (pair.traffic, written) }
            try pair.comeToRest()
            try pair.expectEqual()
        }
        let median = microseconds.sorted()[Self.rounds / 2]
        let most = objectBytes * 3 / 2 + 4_096
        let ratio = Double(traffic.bytes) / Double(objectBytes)

        pair.traffic = ReplicaPair.Traffic()
        let equalStart = threadTime()
        for _ in 0..<exchanges { try pair.ask() }
        let each = (threadTime() - equalStart) / 1_000 / Double(exchanges)
        let equalBytes = pair.traffic.bytes / exchanges
        try pair.expectEqual()

        return [
            Row(
                name: "\(writes) writes missing among \(keys) keys: messages",
                figure: "\(traffic.messages) with \(traffic.bytes) bytes"),
            Row(name: "the \(writes) objects, their records and keys", figure: "\(objectBytes) bytes"),
            Row(
                name: "messages ÷ objects", figure: String(format: "%.2f", ratio),
                target: "≤ 1.5 × objects + 4 KiB", isMet: traffic.bytes <= most),
            Row(
                name: "CPU of both sides for this exchange",
                figure: String(format: "%.0f µs, %.1f µs for each write", median, median / Double(writes))),
            Row(
                name: "equal replicas, one question and its answer", figure: "\(equalBytes) bytes",
                target: "< 200 bytes", isMet: equalBytes < 200),
            Row(
                name: "CPU of both sides for this", figure: String(format: "%.2f µs", each), target: "< 50 µs",
                isMet: each < 50),
        ]
    }

    private func transferRows() throws -> [Row] {
        var pair = ReplicaPair()
        try pair.fill(keys: transferKeys, valueBytes: valueBytes)
        let objectBytes = try pair.objectBytes()
        let start = threadTime()
        try pair.exchange()
        let seconds = (threadTime() - start) / 1e9
        let traffic = pair.traffic
        try pair.comeToRest()
        try pair.expectEqual()
        return [
            Row(
                name: "full transfer of \(transferKeys) keys: messages",
                figure: "\(traffic.messages) with \(traffic.bytes) bytes"),
            Row(
                name: "messages ÷ objects",
                figure: String(format: "%.2f", Double(traffic.bytes) / Double(objectBytes))),
            Row(
                name: "CPU of both sides for this",
                figure: String(
                    format: "%.2f s, %.1f µs for each key", seconds, seconds * 1e6 / Double(transferKeys))),
        ]
    }

    private func table(_ rows: [Row]) -> String {
        var lines = ["\(Document.heading) Values of \(valueBytes) bytes.", ""]
        lines += ["| what | figure | target | |", "|---|---|---|---|"]
        for row in rows {
            let verdict = row.isMet.map { $0 ? "met" : "not met" } ?? ""
            lines.append("| \(row.name) | \(row.figure) | \(row.target) | \(verdict) |")
        }
        return lines.joined(separator: "\n")
    }
}
