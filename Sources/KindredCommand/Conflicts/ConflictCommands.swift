import ArgumentParser
import Foundation

/// `kindred conflicts`: which writes met without having known of each other, and what can be done about it.
struct ConflictCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "conflicts",
        abstract: "See which writes were lost or met as siblings, follow them, and resolve them.",
        discussion: """
            Every write that meets another one, of which its writer had not known, is entered into the conflict log. A node \
            is asked over HTTP; any node of a cluster knows the whole log.

            EXAMPLES
              kindred conflicts
              kindred conflicts list --state open --since 2h
              kindred conflicts show 17-3.a7-lost
              kindred conflicts watch --cursor-file ./cursor --json
              kindred conflicts restore 17-3.a7-lost
              kindred conflicts resolve siblings/carts/anna --rule latest
              kindred conflicts resolve siblings/carts/anna --keep 3.a7 --seen 3.a7,3.a8
            """,
        subcommands: [
            ConflictsList.self, ConflictsShow.self, ConflictsCounts.self, ConflictsWatch.self, ConflictsRestore.self,
            ConflictsResolve.self,
        ],
        defaultSubcommand: ConflictsList.self)
}

/// A command about conflicts, which asks nodes over HTTP.
protocol ConflictCommand: AsyncParsableCommand {
    var common: OperatorOptions { get }
    /// For how long a node may say nothing in the middle of an answer; nil for as long as it takes.
    var silence: Duration? { get }

    /// Does what the command says.
    ///
    /// - Returns: the exit code.
    func run(_ client: ConflictClient, _ console: Console) async throws -> ExitCode
}

extension ConflictCommand {
    var silence: Duration? { nil }

    func run() async throws {
        let code = await perform(.standard)
        if code != .success { throw code }
    }

    /// Does what the command says, and says what went wrong.
    func perform(_ console: Console) async -> ExitCode {
        do {
            let nodes = try common.nodes(ProcessInfo.processInfo.environment)
            return try await ConflictClient.with(nodes, timeout: .seconds(common.timeout), silence: silence) {
                try await run($0, console)
            }
        } catch {
            return console.complain(error)
        }
    }
}

/// Which conflicts are meant.
struct ConflictFilterOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only in buckets of this type.", valueName: "type"))
    var type: String?
    @Option(help: ArgumentHelp("Only in buckets of this name.", valueName: "bucket"))
    var bucket: String?
    @Option(help: ArgumentHelp("Only of keys of this name.", valueName: "key"))
    var key: String?
    @Option(
        help: ArgumentHelp(
            "Only by this strategy: last-write-wins, version-vectors, version-numbers or immutable.",
            valueName: "strategy"))
    var strategy: String?
    @Option(
        help: ArgumentHelp(
            "Only of this kind: lost, shadowed, refused, sibling, outlived, resolved or orphaned.", valueName: "kind"))
    var kind: String?
    @Option(help: ArgumentHelp("Only with a write of the client that calls itself so.", valueName: "name"))
    var client: String?
    @Option(help: ArgumentHelp("Only with a write of this actor: the 3 of the dot 3.a7.", valueName: "actor"))
    var actor: String?

    var query: QueryText {
        var query = QueryText()
        query.add("type", type)
        query.add("bucket", bucket)
        query.add("key", key)
        query.add("strategy", strategy)
        query.add("kind", kind)
        query.add("writer", client)
        query.add("actor", actor)
        return query
    }
}

/// When conflicts were noticed.
struct PeriodOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Only what was noticed at this time or later: 90s, 15m, 2h, 3d or 1w ago, 2026-11-26, "
                + "or 2026-11-26T14:03:12 (UTC, or with an offset such as +01:00).",
            valueName: "time"))
    var since: TimeArgument?
    @Option(help: ArgumentHelp("Only what was noticed before this time.", valueName: "time"))
    var until: TimeArgument?

    func add(to query: inout QueryText, now: UInt64) {
        query.add("since", since.map { "\($0.milliseconds(now: now))" })
        query.add("until", until.map { "\($0.milliseconds(now: now))" })
    }
}

/// In whose name a command writes.
struct WriterOptions: ParsableArguments {
    @Option(
        name: .customLong("as"),
        help: ArgumentHelp("The client's name that the write carries. (default: who you are here)", valueName: "name"))
    var name: String?

    func validate() throws {
        let isHeader = name.map { !$0.isEmpty && $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } } ?? true
        guard isHeader else { throw ValidationError("--as is a name without control characters") }
    }

    func client(_ environment: [String: String]) -> String {
        let own = ["USER", "LOGNAME"].compactMap { environment[$0] }.first { name in
            !name.isEmpty && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F }
        }
        return name ?? own ?? "kindred"
    }
}

extension UInt64 {
    /// Milliseconds since 1970 by this machine's clock.
    static var nowMilliseconds: UInt64 { UInt64(Swift.max(0, Date.now.timeIntervalSince1970) * 1_000) }
}
