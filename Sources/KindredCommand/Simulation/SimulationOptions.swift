import ArgumentParser
import KindredModel
import KindredSimulator

extension FaultProfile: ExpressibleByArgument {}

/// What every command that runs seeds takes: what the cluster is like. None has a value unless it is given, so that a
/// command can tell what was asked for.
struct SimulationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("How many nodes the cluster begins with, 1 to 16. (default: 4)", valueName: "number"))
    var nodes: Int?

    @Option(
        help: ArgumentHelp(
            "What goes wrong; 'kindred sim profiles' lists the profiles. (default: everything)", valueName: "name"))
    var profile: FaultProfile?

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp(
            "For how long clients write and faults happen, in simulated time, such as 500ms, 60s, 5m or 1h. "
                + "(default: 20s)",
            valueName: "simulated"),
        transform: SimulatedDuration.init(argument:))
    var duration: SimulatedDuration?

    @Option(help: ArgumentHelp("How many clients there are, 1 to 1000. (default: 8)", valueName: "number"))
    var clients: Int?

    @Option(
        help: ArgumentHelp(
            "Make this mistake in the replication core, to see whether it is noticed; 'kindred sim planted' has their "
                + "names.",
            valueName: "fault"),
        transform: PlantedFault.init(argument:))
    var plant: PlantedFault?

    static let nodeRange = 1...16
    static let clientRange = 1...1_000

    func validate() throws {
        if let nodes, !Self.nodeRange.contains(nodes) { throw ValidationError("--nodes is 1 to 16") }
        if let clients, !Self.clientRange.contains(clients) { throw ValidationError("--clients is 1 to 1000") }
        if plant != nil, !PlantedFault.isAvailable { throw ValidationError(PlantedFault.unavailable) }
    }

    /// Whether nothing was asked for.
    var isEmpty: Bool { nodes == nil && profile == nil && duration == nil && clients == nil && plant == nil }

    /// The settings that follow. A cluster of fewer nodes than replicas has as many replicas as nodes.
    var settings: SimulationSettings {
        var settings = SimulationSettings()
        if let nodes { settings.nodes = nodes }
        settings.replicas = min(settings.replicas, settings.nodes)
        if let profile { settings.profile = profile }
        if let duration { settings.duration = duration.microseconds }
        if let clients { settings.clients = clients }
        return settings
    }
}

/// Simulated time as people write it: `500ms`, `60s`, `5m`, `1h`.
struct SimulatedDuration: Hashable, Sendable, CustomStringConvertible {
    /// Always whole milliseconds, so that the text says all of it.
    let microseconds: UInt64

    /// Below, no client would get to write; above, the trace of one seed would be too long for anything.
    static let range: ClosedRange<UInt64> = 100_000...86_400_000_000

    private static let units: [(suffix: String, microseconds: UInt64)] = [
        ("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000),
    ]

    /// So many microseconds, rounded up to the next millisecond.
    init(microseconds: UInt64) {
        self.microseconds = (microseconds + 999) / 1_000 * 1_000
    }

    init(argument: String) throws {
        let digits = argument.prefix { $0.isASCII && $0.isNumber }
        guard let number = UInt64(digits),
            let unit = Self.units.first(where: { $0.suffix == argument[digits.endIndex...] })
        else {
            throw ValidationError("'\(argument)' is no duration; write a number and ms, s, m or h, such as 60s")
        }
        let (microseconds, isTooMuch) = number.multipliedReportingOverflow(by: unit.microseconds)
        guard !isTooMuch, Self.range.contains(microseconds) else {
            throw ValidationError("'\(argument)' is out of range; a duration is 100ms to 24h")
        }
        self.microseconds = microseconds
    }

    /// In the largest unit that leaves no remainder.
    var description: String {
        for unit in Self.units.reversed() where microseconds.isMultiple(of: unit.microseconds) {
            return "\(microseconds / unit.microseconds)\(unit.suffix)"
        }
        return "\((microseconds + 999) / 1_000)ms"
    }
}

/// Seeds as people write them: `7`, or `1..5000` with both ends.
struct SeedRange: Hashable, Sendable, CustomStringConvertible {
    let seeds: ClosedRange<UInt64>

    /// The largest seed: JSON has it as a signed number.
    static let largest = UInt64(Int64.max)

    init(_ seeds: ClosedRange<UInt64>) {
        self.seeds = seeds
    }

    init(argument: String) throws {
        let ends = argument.split(separator: "..", omittingEmptySubsequences: false)
        guard (1...2).contains(ends.count), let first = Self.seed(ends[0]), let last = Self.seed(ends[ends.count - 1])
        else { throw ValidationError("'\(argument)' is no range of seeds; write 7, or 1..5000") }
        guard first <= last else { throw ValidationError("'\(argument)' is empty; the smaller seed comes first") }
        seeds = first...last
    }

    private static func seed(_ text: Substring) -> UInt64? {
        guard !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }), let seed = UInt64(text), seed <= largest
        else { return nil }
        return seed
    }

    /// How many there are.
    var count: Int { Int(clamping: seeds.upperBound - seeds.lowerBound + 1) }

    var description: String {
        seeds.count == 1 ? "\(seeds.lowerBound)" : "\(seeds.lowerBound)..\(seeds.upperBound)"
    }
}
