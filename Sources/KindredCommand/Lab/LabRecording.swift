import ArgumentParser
import Foundation
import KindredNode

extension RecordingOptions.Values: ExpressibleByArgument {}

/// `kindred lab record`: writes down what clients do.
struct LabRecording: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "record",
        abstract: "Record what clients write, to replay it under every strategy.",
        discussion: """
            Each write is recorded by the node that coordinates it: when, which key, what its writer had seen, what \
            the node had, and what came of it. Of a cluster all nodes record at the same time. A node never waits for \
            the reader: what it cannot hand over is dropped, and counted. Values are not recorded unless you ask for \
            them; with --hash-keys keys and the names of clients are not, either.

            It ends with 0 if all nodes recorded to the end, with 1 if some did not, with 2 if there is no such \
            bucket type, and with 69 if none can be reached. Control-C ends a recording in good order.

            EXAMPLES
              kindred lab record --for 60s --out load.jsonl
              kindred lab record --type carts --bucket eu --hash-keys --out carts.jsonl
              kindred lab record --for 10s | jq 'select(.line == "write") | .outcome'
            """)

    @Option(help: ArgumentHelp("Only the buckets of this type.", valueName: "type"))
    var type: String?
    @Option(help: ArgumentHelp("Only this bucket.", valueName: "bucket"))
    var bucket: String?
    @Flag(help: "Record salted hashes instead of keys and clients' names; nobody keeps the salt.")
    var hashKeys = false
    @Option(
        help: ArgumentHelp(
            "What is recorded of a value: its size and a salted digest, nothing, or all.",
            valueName: "sizes|none|full"))
    var values = RecordingOptions.Values.sizes
    @Flag(help: "Record reads, too.")
    var reads = false
    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("For how long, such as 60s, 5m or 1h. (default: until Control-C)", valueName: "time"),
        transform: SimulatedDuration.init(argument:))
    var duration: SimulatedDuration?
    @Option(
        help: ArgumentHelp("Where to write it. (default: the standard output)", valueName: "file"),
        completion: .file(extensions: ["jsonl"]))
    var out: String?
    @OptionGroup var common: OperatorOptions

    func validate() throws {
        if bucket != nil, type == nil { throw ValidationError("name the --type of the bucket, too") }
        if common.json { throw ValidationError("a recording is JSON already, a document on each line") }
    }

    func run() async throws {
        let code = await perform(.standard)
        if code != .success { throw code }
    }

    /// Does what the command says, and says what went wrong.
    func perform(_ console: Console) async -> ExitCode {
        do {
            return try await record(console)
        } catch {
            return console.complain(error)
        }
    }

    private func record(_ console: Console) async throws -> ExitCode {
        let named = try common.nodes(ProcessInfo.processInfo.environment)
        let nodes = try await RecordingClient.nodes(from: named, timeout: .seconds(common.timeout))
        let file = try out.map { path throws(CommandFailure) in try Self.create(path) }
        defer { try? file?.close() }
        let tally = RecordingTally(keepsLines: false) { bytes in
            if let file { try file.write(contentsOf: bytes) } else { console.write(bytes) }
        }
        let seconds = duration.map { Int(($0.microseconds + 999_999) / 1_000_000) }
        let client = RecordingClient(
            nodes: nodes,
            wish: RecordingClient.Wish(
                type: type, bucket: bucket, hashesKeys: hashKeys, values: values, reads: reads, seconds: seconds))
        console.complain(
            "recording at \(nodes.count == 1 ? nodes[0].text : "\(nodes.count) nodes"); Control-C ends it")
        let failures = try await RecordingProgress.run(client, tally, console)
        for line in await tally.summary { console.complain(line) }
        if let out { console.complain("  in \(out); 'kindred lab replay \(out)' tells what each strategy makes of it") }
        return try RecordingProgress.code(failures, of: nodes.count, console)
    }

    private static func create(_ path: String) throws(CommandFailure) -> FileHandle {
        // What clients write is nobody else's business.
        guard
            FileManager.default.createFile(
                atPath: path, contents: nil, attributes: [.posixPermissions: 0o600]),
            let file = FileHandle(forWritingAtPath: path)
        else { throw CommandFailure(.failure, "\(path) cannot be written") }
        return file
    }
}

/// What a recording says while it runs.
enum RecordingProgress {
    private static let pause = Duration.seconds(10)

    static func run(
        _ client: RecordingClient, _ tally: RecordingTally, _ console: Console
    ) async throws -> [NodeFailure] {
        let telling = Task {
            while !Task.isCancelled {
                // Progress is told by the clock: often enough to show that it goes on.
                try await Task.sleep(for: pause)
                console.complain("  \(await tally.progress)")
            }
        }
        defer { telling.cancel() }
        return try await StopSignal.cancels { try await client.run { try await tally.take($0) } }
    }

    /// Says which nodes have failed.
    static func code(_ failures: [NodeFailure], of count: Int, _ console: Console) throws -> ExitCode {
        guard !failures.isEmpty else { return .success }
        if failures.count == count, let first = failures.first { throw failure(first) }
        for failure in failures { _ = console.complain(self.failure(failure)) }
        return .failure
    }

    private static func failure(_ failure: NodeFailure) -> CommandFailure {
        // A recording changes nothing, so there is never a doubt.
        CommandFailure(failure, afterDoubt: "kindred cluster status")
    }
}
