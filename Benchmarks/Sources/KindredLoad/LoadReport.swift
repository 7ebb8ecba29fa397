import Foundation
import Histogram

/// CPU time of one process during the measured time.
struct CPUUse {
    var seconds: Double
    /// Of all CPU time, the part spent in user mode; from coarse clock ticks, so only good as a share.
    var userShare: Double

    #if os(Linux)
        /// What was used between two readings; nil if there are none.
        init?(from earlier: ProcessTime?, to later: ProcessTime?) {
            guard let earlier, let later else { return nil }
            seconds = Double(later.nanoseconds(since: earlier)) / 1e9
            let user = Double(later.user &- earlier.user)
            let system = Double(later.system &- earlier.system)
            userShare = user + system > 0 ? user / (user + system) : 0
        }
    #endif
}

/// The result of a run, as JSON and as text. Latencies are in microseconds.
package struct LoadReport: Codable, Equatable, Sendable {
    /// The distribution of the latencies of one kind of request.
    package struct Latency: Codable, Equatable, Sendable {
        package var mean, p50, p99, p999, max: Double
    }

    /// One kind of request.
    package struct OperationReport: Codable, Equatable, Sendable {
        /// Replies within the measured time that were no errors.
        package var count: Int
        package var perSecond: Double
        /// Of these requests and of those in flight at the end; from the moment a request was sent (closed loop) or due
        /// (open loop).
        package var latencyMicroseconds: Latency?
    }

    /// CPU time of one process in the measured time.
    package struct CPUReport: Codable, Equatable, Sendable {
        package var microsecondsPerOperation: Double
        /// CPU seconds per second: 1 is one core always busy.
        package var cores: Double
        package var userShare: Double
    }

    package var server: String
    package var wire: String
    package var load: String
    package var openLoop: Bool
    package var seconds: Double
    package var operations: Int
    package var operationsPerSecond: Double
    package var get: OperationReport
    package var put: OperationReport
    package var errorCount: Int
    package var errors: [String: Int]
    package var notFound: Int
    package var siblingReplies: Int
    package var mostSiblings: Int
    /// Open loop: requests that were due but could not be sent in time to be measured.
    package var unsent: Int
    package var serverCPU: CPUReport?
    package var generatorCPU: CPUReport?

    init(_ options: LoadOptions, _ counts: WorkerCounts, server: CPUUse?, generator: CPUUse?) {
        let seconds = options.durationSeconds
        let operations = counts.completedGets + counts.completedPuts
        func operation(_ count: Int, _ latency: Histogram<UInt64>) -> OperationReport {
            OperationReport(
                count: count, perSecond: Self.rounded(Double(count) / seconds, to: 1),
                latencyMicroseconds: latency.totalCount == 0
                    ? nil
                    : Latency(
                        mean: Self.rounded(latency.mean / 1e3, to: 1), p50: Self.microseconds(latency, 50),
                        p99: Self.microseconds(latency, 99), p999: Self.microseconds(latency, 99.9),
                        max: Self.rounded(Double(latency.max) / 1e3, to: 1)))
        }
        func cpu(_ use: CPUUse?) -> CPUReport? {
            use.map {
                CPUReport(
                    microsecondsPerOperation: Self.rounded($0.seconds * 1e6 / Double(max(1, operations)), to: 3),
                    cores: Self.rounded($0.seconds / seconds, to: 3), userShare: Self.rounded($0.userShare, to: 2))
            }
        }
        self.server = "\(options.host):\(options.port)"
        wire = options.wire.rawValue
        load = Self.describe(options)
        openLoop = options.rate != nil
        self.seconds = seconds
        self.operations = operations
        operationsPerSecond = Self.rounded(Double(operations) / seconds, to: 1)
        get = operation(counts.completedGets, counts.getLatency)
        put = operation(counts.completedPuts, counts.putLatency)
        errorCount = counts.errors.values.reduce(0, +)
        errors = counts.errors
        notFound = counts.notFound
        siblingReplies = counts.siblingReplies
        mostSiblings = counts.mostSiblings
        unsent = counts.unsent
        serverCPU = cpu(server)
        generatorCPU = cpu(generator)
    }

    private static func microseconds(_ latency: Histogram<UInt64>, _ percentile: Double) -> Double {
        rounded(Double(min(latency.valueAtPercentile(percentile), latency.max)) / 1e3, to: 1)
    }

    private static func rounded(_ number: Double, to digits: Int) -> Double {
        let scale = pow(10, Double(digits))
        return (number * scale).rounded() / scale
    }

    private static func describe(_ options: LoadOptions) -> String {
        var text = "\(options.connections) connections × \(options.pipeline) in flight"
        text += ", get:put \(options.gets):\(options.puts), \(options.valueSize)-byte values"
        text += ", \(options.keys) keys (\(options.distribution.rawValue))"
        if options.wire == .riak { text += ", type \(options.bucketType), context \(options.context.rawValue)" }
        text += options.rate.map { ", open loop at \($0)/s" } ?? ", closed loop"
        return text + ", \(options.durationSeconds) s after \(options.warmupSeconds) s of warm-up"
    }

    /// The report as one JSON object, keys sorted.
    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// The report for people.
    package func text() -> String {
        var lines = ["\(wire) \(server): \(load)"]
        lines.append(Self.row("", ["ops", "ops/s", "mean µs", "p50 µs", "p99 µs", "p99.9 µs", "max µs"]))
        for (name, operation) in [("get", get), ("put", put)] {
            guard let latency = operation.latencyMicroseconds else { continue }
            let numbers = [latency.mean, latency.p50, latency.p99, latency.p999, latency.max].map { "\($0)" }
            lines.append(Self.row(name, ["\(operation.count)", "\(operation.perSecond)"] + numbers))
        }
        lines.append(Self.row("total", ["\(operations)", "\(operationsPerSecond)"]))
        for (name, cpu) in [("server", serverCPU), ("generator", generatorCPU)] {
            guard let cpu else { continue }
            lines.append(
                "\(name) CPU: \(cpu.microsecondsPerOperation) µs per operation, \(cpu.cores) cores busy, "
                    + "\(Int(cpu.userShare * 100)) % of it in user mode")
        }
        if let generatorCPU, generatorCPU.cores > 0.95, !openLoop {
            lines.append("the generator was busy all the time: it may be the limit, not the server")
        }
        if notFound > 0 { lines.append("gets that found nothing: \(notFound)") }
        if siblingReplies > 0 { lines.append("gets with siblings: \(siblingReplies), at most \(mostSiblings) each") }
        if unsent > 0 { lines.append("due but not sent (the server is slower than the rate): \(unsent)") }
        lines.append("errors: \(errorCount == 0 ? "none" : Self.list(errors))")
        return lines.joined(separator: "\n")
    }

    /// Errors with their counts, the most frequent first.
    static func list(_ errors: [String: Int]) -> String {
        errors.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
            .map { "\($0.value) × \"\($0.key)\"" }
            .joined(separator: ", ")
    }

    private static func row(_ name: String, _ cells: [String]) -> String {
        func pad(_ cell: String) -> String { String(repeating: " ", count: max(1, 12 - cell.count)) + cell }
        return name + String(repeating: " ", count: max(0, 6 - name.count)) + cells.map(pad).joined()
    }
}
