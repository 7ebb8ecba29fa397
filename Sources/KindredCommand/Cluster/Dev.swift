import ArgumentParser
import Foundation
import KindredEtcd
import KindredNode
import Logging
import ServiceLifecycle
import UnixSignals

/// `kindred dev`: a whole cluster on this machine, in one process, for trying things.
struct Dev: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a whole cluster on this machine, for trying things.",
        discussion: """
            Starts the nodes, and an etcd of their own where that is installed; without one the cluster's configuration is kept in this \
            process and is gone with it. Without --data, everything is removed at the end.

            EXAMPLES
              kindred dev
              kindred dev --nodes 5 --replicas 3 --data ./cluster
              kindred dev --no-etcd --durability relaxed
            """)

    @Option(help: ArgumentHelp("How many nodes.", valueName: "n"))
    var nodes = 3
    @Option(help: ArgumentHelp("How many replicas each key has.", valueName: "n"))
    var replicas: UInt8 = 3
    @Option(help: ArgumentHelp("How many partitions a new cluster has.", valueName: "n"))
    var partitions: UInt16 = 64
    @Option(help: ArgumentHelp("Where the data is, one directory a node. (default: a temporary one)", valueName: "dir"))
    var data: String?
    @Option(
        help: ArgumentHelp(
            "The first node's port for Riak clients; the others' are 10 further each.", valueName: "port"))
    var pbPort = 8087
    @Option(help: ArgumentHelp("The first node's port for HTTP; the others' are 10 further each.", valueName: "port"))
    var httpPort = 8098
    @Option(help: ArgumentHelp("When a write is acknowledged.", valueName: "synced|relaxed"))
    var durability = "synced"
    @Option(help: ArgumentHelp("Memory of each node for objects used lately, in MiB.", valueName: "n"))
    var cacheMib = "128"
    @Flag(help: "Keep the configuration in this process even where etcd is installed.")
    var noEtcd = false
    @Option(help: ArgumentHelp("The least severe messages to log.", valueName: "level"))
    var logLevel = "warning"
    @Option(
        help: ArgumentHelp("Write a JSON object with the addresses here once requests are served.", valueName: "file"))
    var readyFile: String?

    func validate() throws {
        guard (1...9).contains(nodes) else { throw ValidationError("--nodes is 1 to 9") }
        guard (1...7).contains(replicas) else { throw ValidationError("--replicas is 1 to 7") }
        guard (1...4_096).contains(partitions) else { throw ValidationError("--partitions is 1 to 4096") }
        guard (0...65_000).contains(pbPort), (0...65_000).contains(httpPort) else {
            throw ValidationError("a port is 0 to 65000")
        }
    }

    func run() async throws {
        let directory = try WorkingDirectory(data)
        defer { directory.removeIfTemporary() }
        let source = try await source(directory.path)
        do {
            try await run(in: directory, source)
        } catch {
            await source.etcd?.stop()
            throw error
        }
        await source.etcd?.stop()
    }

    private func run(in directory: WorkingDirectory, _ source: ConfigurationSource) async throws {
        let level = Logger.Level(rawValue: logLevel) ?? .warning
        func logger(_ label: String) -> Logger {
            var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
            logger.logLevel = level
            return logger
        }

        var running: [RunningNode] = []
        for number in 1...nodes {
            let name = "dev\(number)"
            let configuration = try configuration(name, number, directory.path, source)
            let store = try await source.store(logger(name))
            running.append(try await RunningNode.start(configuration, store: store, logger: logger(name)) { _ in })
        }
        let announcer = DevAnnouncer(
            nodes: running, partitions: partitions, replicas: replicas, storeName: source.description,
            directory: directory.description, readyFile: readyFile)
        let services = running.map { ServiceGroupConfiguration.ServiceConfiguration(service: $0) }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services + [.init(service: announcer)], gracefulShutdownSignals: [.sigterm, .sigint],
                logger: logger("dev")))
        try await group.run()
    }

    private func configuration(
        _ name: String, _ number: Int, _ directory: String, _ source: ConfigurationSource
    ) throws -> ServerConfiguration {
        func port(_ first: Int) -> Int { first == 0 ? 0 : first + 10 * (number - 1) }
        do throws(ServerConfiguration.Invalid) {
            return try ServerConfiguration(
                file: nil, environment: [:],
                flags: [
                    .nodeName: name, .data: "\(directory)/\(name)", .pb: "127.0.0.1:\(port(pbPort))",
                    .http: "127.0.0.1:\(port(httpPort))", .peer: "127.0.0.1:0", .durability: durability,
                    .cacheMiB: cacheMib, .cluster: "dev", .etcd: source.etcd?.url ?? "none",
                ])
        } catch {
            throw ValidationError(error.description)
        }
    }

    // MARK: The configuration

    private struct ConfigurationSource {
        let etcd: EtcdProcess?
        let shared: InProcessConfigurationStore

        var description: String {
            etcd.map { "an etcd at \($0.url)" } ?? "this process (no etcd): gone when it ends"
        }

        func store(_ logger: Logger) async throws -> any ConfigurationStore {
            guard let etcd else { return shared.client() }
            return try await EtcdConfigurationStore.connect(
                EtcdConfiguration(endpoints: [etcd.url], clusterName: "dev"), logger: logger)
        }
    }

    private func source(_ directory: String) async throws -> ConfigurationSource {
        var etcd: EtcdProcess?
        if !noEtcd { etcd = try await EtcdProcess.startIfInstalled(in: "\(directory)/etcd") }
        if etcd == nil, data != nil, FileManager.default.fileExists(atPath: "\(directory)/etcd") {
            throw ServeFailure(
                "--data: the configuration of the cluster in \(directory) is in etcd, which is needed to go on with it")
        }
        if etcd == nil, data != nil, FileManager.default.fileExists(atPath: "\(directory)/dev1") {
            throw ServeFailure(
                "--data: the cluster in \(directory) kept its configuration in a process that has ended: use another directory"
            )
        }
        return ConfigurationSource(etcd: etcd, shared: InProcessConfigurationStore())
    }
}

/// Where the data of a development cluster is.
private struct WorkingDirectory {
    let path: String
    private let isTemporary: Bool

    init(_ wanted: String?) throws {
        isTemporary = wanted == nil
        path = wanted ?? FileManager.default.temporaryDirectory.path + "/kindred-dev-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    var description: String { isTemporary ? "\(path), removed at the end" : path }

    func removeIfTemporary() {
        if isTemporary { try? FileManager.default.removeItem(atPath: path) }
    }
}

/// Creates the cluster once its nodes have registered, and tells people where to turn.
private struct DevAnnouncer: Service {
    let nodes: [RunningNode]
    let partitions: UInt16
    let replicas: UInt8
    let storeName: String
    let directory: String
    let readyFile: String?

    func run() async throws {
        guard let first = nodes.first?.cluster else { return }
        let isCreated = try await first.report().isCreated
        if !isCreated { try await first.create(partitions: partitions, n: replicas, nodes: nil) }
        for node in nodes {
            while !Task.isShuttingDownGracefully, try await node.cluster?.report().local.state != "serving" {
                // The nodes are in this process and ready within moments.
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        announce()
        try? await gracefulShutdown()
        print("\nstopping")
    }

    private func announce() {
        guard let first = nodes.first else { return }
        print(
            "\nA cluster of \(nodes.count) nodes is running.  Data in \(directory).\nIts configuration is kept by \(storeName).\n"
        )
        for node in nodes {
            print("  \(node.name)   protocol buffers \(node.pbAddress)   HTTP http://\(node.httpAddress)")
        }
        print(
            """

            Try:
              kindred cluster status --node http://\(first.httpAddress)
              kindred put --server \(nodes[0].pbAddress) siblings/fruit/basket apple
              kindred get --server \(nodes[nodes.count - 1].pbAddress) siblings/fruit/basket

            Ctrl-C stops it.
            """)
        fflush(nil)
        guard let readyFile else { return }
        let entries = nodes.map { #"{"name":"\#($0.name)","pb":"\#($0.pbAddress)","http":"\#($0.httpAddress)"}"# }
        let ready =
            #"{"nodes":[\#(entries.joined(separator: ","))],"pid":\#(ProcessInfo.processInfo.processIdentifier)}"#
        do {
            try Data((ready + "\n").utf8).write(to: URL(fileURLWithPath: readyFile), options: .atomic)
        } catch {
            print("warning: cannot write \(readyFile): \(error.localizedDescription)")
        }
    }
}
