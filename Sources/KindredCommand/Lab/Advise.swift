import ArgumentParser
import Foundation
import KindredClient
import KindredModel
import KindredNode
import KindredServer
import KindredSimulator

/// `kindred advise`: which strategy a bucket should have, by what its clients do.
struct Advise: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Advise on a bucket's conflict strategy, from what its clients do.",
        discussion: """
            It records the bucket for a while, or takes a recording that is there, replays it under every strategy, \
            looks into the conflict log, and draws a conclusion: with the numbers that it rests on, how sure it is, \
            and what would change it. If there is too little data it says so, and how much would be enough. Nothing is \
            changed.

            With --from a node is asked for its conflict log only if --node names one. It ends with 0, also if there \
            is too little data; with 1 if something went wrong, with 2 if there is no such bucket type, \
            and with 69 if no node can be reached.

            EXAMPLES
              kindred advise carts/eu
              kindred advise carts/eu --watch 10m
              kindred advise carts/eu --from carts.jsonl
              kindred advise carts/eu --from carts.jsonl --json | jq .strategy
            """)

    @Argument(help: ArgumentHelp("Which bucket.", valueName: "[type/]bucket"))
    var word: String
    @Option(help: ArgumentHelp("The bucket type, if it is not in the path.", valueName: "type"))
    var type: String?
    @Option(
        help: ArgumentHelp("A recording of the bucket.", valueName: "file"),
        completion: .file(extensions: ["jsonl"]))
    var from: String?
    @Option(
        help: ArgumentHelp("For how long to record, such as 60s or 10m. (default: 60s)", valueName: "time"),
        transform: SimulatedDuration.init(argument:))
    var watch: SimulatedDuration?
    @OptionGroup var common: OperatorOptions

    func validate() throws {
        _ = try Bucket(word: word, type: type)
        if from != nil, watch != nil { throw ValidationError("either --from a recording or --watch the bucket") }
    }

    func run() async throws {
        let code = await perform(.standard)
        if code != .success { throw code }
    }

    /// Does what the command says, and says what went wrong.
    func perform(_ console: Console) async -> ExitCode {
        do {
            return try await advise(console)
        } catch {
            return console.complain(error)
        }
    }

    private func advise(_ console: Console) async throws -> ExitCode {
        let bucket = try Bucket(word: word, type: type)
        let names = (
            type: String(decoding: bucket.type.bytes, as: UTF8.self),
            bucket: String(decoding: bucket.name.bytes, as: UTF8.self)
        )
        var builder = RecordingBuilder(filter: names)
        if let from {
            try builder.read(path: from)
        } else {
            builder = try await record(names, console)
        }
        let workload = builder.workload()
        let replay = WorkloadReplay(workload)
        var replays: [ConflictStrategy: ReplayResult] = [:]
        for strategy in ConflictStrategy.allCases { replays[strategy] = replay.run(strategy) }
        let evidence = AdviceEvidence(
            WorkloadFacts(workload), replays, logged: try await logged(names, console))
        let page = AdvicePage(
            bucket: bucket.path, evidence: evidence, strategies: builder.strategies.sorted(),
            advice: AdviceRules.advise(evidence))
        if common.json {
            try console.print(json: page.document)
        } else {
            console.print(page.lines(width: console.width))
        }
        return .success
    }

    private func record(
        _ names: (type: String, bucket: String), _ console: Console
    ) async throws -> RecordingBuilder {
        let named = try common.nodes(ProcessInfo.processInfo.environment)
        let nodes = try await RecordingClient.nodes(from: named, timeout: .seconds(common.timeout))
        let tally = RecordingTally(keepsLines: true, filter: names, write: nil)
        let seconds = Int(((watch?.microseconds ?? 60_000_000) + 999_999) / 1_000_000)
        let client = RecordingClient(
            nodes: nodes,
            wish: RecordingClient.Wish(type: names.type, bucket: names.bucket, seconds: seconds))
        console.complain(
            "recording \(TextLayout.name(Array(names.type.utf8)))/\(TextLayout.name(Array(names.bucket.utf8))) for "
                + "\(seconds) s; Control-C ends it sooner")
        let failures = try await RecordingProgress.run(client, tally, console)
        if try RecordingProgress.code(failures, of: nodes.count, console) != .success {
            console.complain("what those nodes coordinate is missing")
        }
        return await tally.builder
    }

    /// How many conflicts the log has by kind; nil if nobody was asked.
    private func logged(_ names: (type: String, bucket: String), _ console: Console) async throws -> [String: Int]? {
        if from != nil, common.node == nil { return nil }
        let nodes = try common.nodes(ProcessInfo.processInfo.environment)
        do {
            let answer = try await ConflictClient.with(nodes, timeout: .seconds(common.timeout)) { client in
                var query = QueryText()
                query.add("type", names.type)
                query.add("bucket", names.bucket)
                return try await client.counts(query)
            }
            guard answer.value.logged ?? true else {
                console.complain("the conflict log is off for this bucket, so that it has nothing says nothing")
                return nil
            }
            // A node may send anything.
            return answer.value.counts.reduce(into: [:]) { $0[$1.kind, default: 0] += min(max(0, $1.count), 1 << 40) }
        } catch {
            console.complain("the conflict log could not be asked: \(CommandFailure(error).message)")
            return nil
        }
    }
}
