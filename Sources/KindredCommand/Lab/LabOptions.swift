import ArgumentParser
import KindredSimulator

/// What the workload, the network and the clocks are like.
struct LabOptions: ParsableArguments {
    private static let defaults = LabSettings()

    @Option(help: ArgumentHelp("How many clients, 1 to 64.", valueName: "number"))
    var clients = defaults.clients

    @Option(help: ArgumentHelp("How many nodes, each with a replica of every key, 1 to 7.", valueName: "number"))
    var replicas = defaults.replicas

    @Option(help: ArgumentHelp("How many keys, 1 to 200.", valueName: "number"))
    var keys = defaults.keys

    @Option(
        help: ArgumentHelp(
            "How many of 100 operations go to the hot eighth of the keys; the others go anywhere.",
            valueName: "percent"))
    var contention = defaults.contention

    @Option(help: ArgumentHelp("How many of 100 operations only read.", valueName: "percent"))
    var reads = defaults.reads

    @Option(help: ArgumentHelp("How many of 100 puts are written without having read.", valueName: "percent"))
    var blind = defaults.blind

    @Option(help: ArgumentHelp("How many of 100 writes are deletes.", valueName: "percent"))
    var deletes = defaults.deletes

    @Option(
        help: ArgumentHelp(
            "How long the network is cut in two, up to 1m; 0 for never. The first nodes are cut off, less than half.",
            valueName: "simulated"),
        transform: LabDuration.init(argument:))
    var partition = LabDuration(microseconds: defaults.partition)

    @Option(
        help: ArgumentHelp("How far the nodes' clocks are apart, up to 1m.", valueName: "simulated"),
        transform: LabDuration.init(argument:))
    var skew = LabDuration(microseconds: defaults.skew * 1_000)

    @Option(
        help: ArgumentHelp("How long a message takes at most, up to 2s.", valueName: "simulated"),
        transform: LabDuration.init(argument:))
    var lag = LabDuration(microseconds: defaults.lag * 1_000)

    @Option(
        help: ArgumentHelp("For how long clients work, 1s to 2m.", valueName: "simulated"),
        transform: LabDuration.init(argument:))
    var duration = LabDuration(microseconds: defaults.duration)

    @Option(
        help: ArgumentHelp("How many replicas a request waits for: one or majority.", valueName: "number"))
    var quorum = defaults.quorum

    @Option(help: ArgumentHelp("How many workloads are drawn and added up, 1 to 1000.", valueName: "number"))
    var seeds = 1

    @Option(help: ArgumentHelp("The first of them.", valueName: "number"))
    var seed = defaults.seed

    func validate() throws {
        func check<Number: Comparable>(_ name: String, _ value: Number, _ range: ClosedRange<Number>) throws {
            if !range.contains(value) {
                throw ValidationError("--\(name) is \(range.lowerBound) to \(range.upperBound)")
            }
        }
        try check("clients", clients, LabSettings.Range.clients)
        try check("replicas", replicas, LabSettings.Range.replicas)
        try check("keys", keys, LabSettings.Range.keys)
        try check("contention", contention, LabSettings.Range.percent)
        try check("reads", reads, LabSettings.Range.percent)
        try check("blind", blind, LabSettings.Range.percent)
        try check("deletes", deletes, LabSettings.Range.percent)
        try check("seeds", seeds, LabSettings.Range.seeds)
        try check("seed", seed, 0...SeedRange.largest)
        func check(_ name: String, _ value: LabDuration, _ range: ClosedRange<UInt64>, _ words: String) throws {
            if !range.contains(value.microseconds) { throw ValidationError("--\(name) is \(words)") }
        }
        try check("partition", partition, LabSettings.Range.partition, "0 to 1m")
        try check("duration", duration, LabSettings.Range.duration, "1s to 2m")
        try check("skew", skew, 0...LabSettings.Range.skew.upperBound * 1_000, "0 to 1m")
        try check("lag", lag, 0...LabSettings.Range.lag.upperBound * 1_000, "0 to 2s")
    }

    var settings: LabSettings {
        LabSettings(
            clients: clients, replicas: replicas, keys: keys, contention: contention, reads: reads, blind: blind,
            deletes: deletes, partition: partition.microseconds, skew: skew.microseconds / 1_000,
            lag: lag.microseconds / 1_000, duration: duration.microseconds, quorum: quorum, seed: seed)
    }
}

/// Simulated time from nothing on: `0`, `250ms`, `5s`, `1m`.
struct LabDuration: Hashable, Sendable, CustomStringConvertible {
    let microseconds: UInt64

    init(microseconds: UInt64) {
        self.microseconds = microseconds
    }

    init(argument: String) throws {
        if argument == "0" {
            microseconds = 0
            return
        }
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        let units: [Substring: UInt64] = ["ms": 1_000, "s": 1_000_000, "m": 60_000_000]
        guard digits.count <= 9, let number = UInt64(digits), let unit = units[argument[digits.endIndex...]] else {
            throw ValidationError("'\(argument)' is no duration; write 0, or a number and ms, s or m, such as 250ms")
        }
        microseconds = number * unit
    }

    var description: String { LabDuration.text(microseconds) }

    /// In the largest unit that leaves no remainder.
    static func text(_ microseconds: UInt64) -> String {
        if microseconds == 0 { return "0" }
        if microseconds.isMultiple(of: 60_000_000) { return "\(microseconds / 60_000_000)m" }
        if microseconds.isMultiple(of: 1_000_000) { return "\(microseconds / 1_000_000)s" }
        return "\(microseconds / 1_000)ms"
    }
}
