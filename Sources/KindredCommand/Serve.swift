import ArgumentParser
import Foundation
import KindredNode
import KindredRocksDB
import KindredServer
import KindredStorage
import Logging
import ServiceLifecycle
import UnixSignals

/// `kindred serve`: reads the configuration, composes the node, and runs it until it is told to stop.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a node in the foreground.",
        discussion: """
            Settings come from a YAML file (--config), from the environment (KINDRED_DATA, KINDRED_PB, …) and from flags; \
            flags win over the environment, and that over the file.

            EXAMPLES
              kindred serve
              kindred serve --data /var/lib/kindred --durability relaxed
              kindred serve --pb 127.0.0.1:0 --http 127.0.0.1:0 --ready-file /tmp/ready.json
              KINDRED_CACHE_MIB=2048 kindred serve --config kindred.yaml
            """)

    @Option(help: ArgumentHelp("Where the data is. (default: ./data)", valueName: "dir"))
    var data: String?
    @Option(help: ArgumentHelp("Where to listen for Riak clients. (default: 127.0.0.1:8087)", valueName: "host:port"))
    var pb: String?
    @Option(help: ArgumentHelp("Where to listen for HTTP. (default: 127.0.0.1:8098)", valueName: "host:port"))
    var http: String?
    @Option(help: ArgumentHelp("The name clients are told. (default: kindred@127.0.0.1)", valueName: "name"))
    var nodeName: String?
    @Option(
        help: ArgumentHelp(
            """
            When a write is acknowledged: 'synced' once it would survive a power cut, 'relaxed' once the operating \
            system has it. (default: synced)
            """,
            valueName: "synced|relaxed"))
    var durability: String?
    @Option(help: ArgumentHelp("Memory for objects used lately, in MiB. (default: 512)", valueName: "n"))
    var cacheMib: String?
    @Option(help: ArgumentHelp("Partitions of a new data directory. (default: 64)", valueName: "n"))
    var partitions: String?
    @Option(
        help: ArgumentHelp("Refuse writes when the disk has less MiB free. (default: 192)", valueName: "n")
    )
    var diskReserveMib: String?
    @Option(
        help: ArgumentHelp(
            "The least severe messages to log: trace … error, critical. (default: info)",
            valueName: "level"))
    var logLevel: String?
    @Option(help: ArgumentHelp("A YAML file of settings.", valueName: "file"))
    var config: String?
    @Option(
        help: ArgumentHelp("Write a JSON object with the addresses here once requests are served.", valueName: "file"))
    var readyFile: String?

    func run() async throws {
        let configuration = try configuration()
        var logger = Logger(label: "kindred") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = configuration.logLevel

        let node: RunningNode
        do {
            node = try await RunningNode.start(configuration, logger: logger) { announce($0, configuration) }
        } catch let error as StorageError {
            throw ServeFailure("\(configuration.data): \(error.explanation)")
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: node)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await group.run()
    }

    private func configuration() throws -> ServerConfiguration {
        var file: (name: String, text: String)?
        if let config {
            guard let text = try? String(contentsOfFile: config, encoding: .utf8) else {
                throw ValidationError("--config: cannot read '\(config)'")
            }
            file = (config, text)
        }
        let flags: [ServerConfiguration.Setting: String?] = [
            .data: data, .pb: pb, .http: http, .nodeName: nodeName, .durability: durability, .cacheMiB: cacheMib,
            .partitions: partitions, .diskReserveMiB: diskReserveMib, .logLevel: logLevel,
        ]
        do {
            return try ServerConfiguration(
                file: file, environment: ProcessInfo.processInfo.environment, flags: flags.compactMapValues { $0 })
        } catch {
            throw ValidationError(error.description)
        }
    }

    /// Tells people where to turn, and programs where to find that.
    private func announce(_ node: RunningNode, _ configuration: ServerConfiguration) {
        print(
            """

            Kindred is running.  Node \(configuration.node.name), data in \(configuration.data), \
            durability \(configuration.node.durability.rawValue).

              protocol buffers  \(node.pbAddress)
              HTTP              http://\(node.httpAddress)

            Try:
              kindred demo --server \(node.pbAddress)
              kindred put --server \(node.pbAddress) --type siblings fruit basket apple
              curl -i http://\(node.httpAddress)/types/siblings/buckets/fruit/keys/basket

            Ctrl-C stops it.
            """)
        let endpoints = [("--pb", configuration.pb), ("--http", configuration.http)]
        for (name, endpoint) in endpoints where !endpoint.isLoopback {
            print("warning: \(name) listens beyond this machine, and there is neither TLS nor access control yet.")
        }
        fflush(nil)
        guard let readyFile else { return }
        let ready = """
            {"pb":"\(node.pbAddress)","http":"\(node.httpAddress)","pid":\(ProcessInfo.processInfo.processIdentifier)}

            """
        do {
            try Data(ready.utf8).write(to: URL(fileURLWithPath: readyFile), options: .atomic)
        } catch {
            print("warning: cannot write \(readyFile): \(error.localizedDescription)")
        }
    }
}

/// Why the node did not start, in a sentence.
struct ServeFailure: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

extension StorageError {
    /// The error in words for people.
    var explanation: String {
        switch self {
        case .full(let text): "no space: \(text)"
        case .failed(let text): text
        case .corrupt(let text): "damaged data: \(text)"
        case .closed: "the storage is closed"
        }
    }
}
