import ArgumentParser
import KindredLoad

/// `kindred-load`: options in, report out.
@main
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kindred-load",
        abstract: "Loads a server with gets and puts and reports throughput, latency and CPU per operation.",
        discussion: """
            Speaks Riak's protocol buffers (Kindred, Riak) or Redis's RESP, so that figures of both come from the same \
            generator. Closed loop by default: every connection keeps --pipeline requests in flight. With --rate, an \
            open loop: latency counts from the moment a request was due, whatever the server did.

            Keys are 'key:' and twelve digits; values are random bytes. Every reply is checked: with --preload, a get \
            must find its key, with a value that was put to that key. The exit status is 1 if there was any error.

            EXAMPLES
              Hot gets on 64 connections, with the server's CPU time per operation:
                kindred-load --server 127.0.0.1:8087 --mix 100:0 --preload --server-pid $(pidof kindred)
              Puts that the last write wins, 16 in flight on each connection:
                kindred-load --mix 0:100 --type last_write_wins --pipeline 16
              Reads and writes with causal contexts on a type that keeps siblings:
                kindred-load --mix 50:50 --type siblings --preload --context echo
              Latency at a fixed rate, popular keys first, as JSON:
                kindred-load --rate 20000 --distribution zipfian --mix 95:5 --preload --json
              The same load on Redis:
                kindred-load --protocol redis --server 127.0.0.1:6379 --mix 100:0 --preload
            """)

    @Option(name: .long, help: "The protocol: riak or redis.")
    var `protocol` = LoadOptions.Wire.riak

    @Option(help: "The server, HOST:PORT. (default: 127.0.0.1:8087, redis: 127.0.0.1:6379)")
    var server: String?

    @Option(help: "Connections, over all threads.")
    var connections = 64

    @Option(help: "Requests in flight on each connection.")
    var pipeline = 1

    @Option(help: "Threads of the generator.")
    var threads = 1

    @Option(help: "Shares of gets and puts, GETS:PUTS.")
    var mix = "50:50"

    @Option(help: "Bytes of each value.")
    var valueSize = 1_024

    @Option(help: "Number of keys.")
    var keys = 10_000

    @Option(help: "How keys are chosen: uniform, zipfian, sequential or latest.")
    var distribution = LoadOptions.Distribution.uniform

    @Option(help: "Bucket type (riak).")
    var type = "default"

    @Option(help: "Bucket (riak).")
    var bucket = "benchmark"

    @Option(help: "Seconds to measure.")
    var duration = 10.0

    @Option(help: "Seconds to run before measuring.")
    var warmup = 2.0

    @Flag(help: "Put every key once before the warm-up, and check what gets return.")
    var preload = false

    @Option(
        help: """
            What puts say they have seen: none, or echo: the causal context of the last get of their key. With echo, \
            every key is read once before the warm-up; a put returns no context, so use a mix with gets on types that \
            keep siblings.
            """)
    var context = LoadOptions.ContextUse.none

    @Option(help: "Operations per second to send, an open loop. Without it, as fast as replies come.")
    var rate: Double?

    @Option(help: "Process whose CPU time is divided by the operations.")
    var serverPid: Int32?

    @Option(help: "Seconds without a reply after which the run is given up.")
    var stall = 30.0

    @Option(help: "Seed of every random choice.")
    var seed: UInt64 = 1

    @Flag(help: "Print the report as JSON.")
    var json = false

    /// The options, checked.
    func options() throws -> LoadOptions {
        var options = LoadOptions()
        options.wire = `protocol`
        if options.wire == .redis { options.port = 6379 }
        if let server { (options.host, options.port) = try LoadOptions.parseServer(server) }
        (options.gets, options.puts) = try LoadOptions.parseMix(mix)
        options.connections = connections
        options.pipeline = pipeline
        options.threads = threads
        options.valueSize = valueSize
        options.keys = keys
        options.distribution = distribution
        options.bucketType = type
        options.bucket = bucket
        options.durationSeconds = duration
        options.warmupSeconds = warmup
        options.preload = preload
        options.context = context
        options.rate = rate
        options.serverPID = serverPid
        options.stallSeconds = stall
        options.seed = seed
        return try options.validated()
    }

    func validate() throws {
        do {
            _ = try options()
        } catch {
            throw ValidationError("\(error)")
        }
    }

    func run() throws {
        let report = try LoadRun.run(try options())
        print(json ? try report.json() : report.text())
        if report.errorCount > 0 { throw ExitCode(1) }
    }
}

extension LoadOptions.Wire: ExpressibleByArgument {}
extension LoadOptions.Distribution: ExpressibleByArgument {}
extension LoadOptions.ContextUse: ExpressibleByArgument {}
