import ArgumentParser
import Foundation
import KindredEtcd
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
              kindred serve --node-name a --etcd http://127.0.0.1:2379 --cluster shop
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
            "Whether writes that did not know of each other are entered into the conflict log. (default: on)",
            valueName: "on|off"))
    var conflictLog: String?
    @Option(help: ArgumentHelp("How long the conflict log remembers, in days. (default: 30)", valueName: "n"))
    var conflictDays: String?
    @Option(help: ArgumentHelp("How large the node's conflict log may be, in MiB. (default: 1024)", valueName: "n"))
    var conflictMib: String?
    @Option(
        help: ArgumentHelp(
            "The least severe messages to log: trace … error, critical. (default: info)",
            valueName: "level"))
    var logLevel: String?
    @OptionGroup(title: "Cluster options")
    var cluster: ClusterOptions
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
            var store: (any ConfigurationStore)?
            if let cluster = configuration.cluster {
                let etcd = EtcdConfiguration(endpoints: cluster.etcd, clusterName: cluster.name)
                store = try EtcdConfigurationStore(etcd, logger: logger)
            }
            node = try await RunningNode.start(configuration, store: store, logger: logger) {
                announce($0, configuration)
            }
        } catch let error as StorageError {
            throw ServeFailure("\(configuration.data): \(error.explanation)")
        } catch let error as ConfigurationStoreError {
            throw ServeFailure("--etcd: \(error)")
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
        var flags: [ServerConfiguration.Setting: String?] = [
            .data: data, .pb: pb, .http: http, .nodeName: nodeName, .durability: durability, .cacheMiB: cacheMib,
            .partitions: partitions, .diskReserveMiB: diskReserveMib, .conflictLog: conflictLog,
            .conflictDays: conflictDays, .conflictMiB: conflictMib, .logLevel: logLevel,
        ]
        flags.merge(cluster.settings) { $1 }
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
            \(clusterLines(configuration))
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
        if let cluster = configuration.cluster, cluster.tls == nil, !cluster.peer.isLoopback {
            print("warning: --peer-plaintext: whoever is on the network can read and change what the nodes say.")
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

extension Serve {
    private func clusterLines(_ configuration: ServerConfiguration) -> String {
        guard let cluster = configuration.cluster else { return "" }
        return """
              cluster           \(cluster.name), peers at \((cluster.advertised ?? cluster.peer).text)\(cluster.tls == nil ? "" : ", TLS")

            See how the cluster is, and create it when its nodes run:
              kindred cluster status
              kindred cluster create

            """
    }
}

/// What makes a node one of a cluster.
struct ClusterOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Where etcd answers, which holds the cluster's configuration.", valueName: "url,…"))
    var etcd: String?
    @Option(help: ArgumentHelp("The cluster's name.", valueName: "name"))
    var cluster: String?
    @Option(
        help: ArgumentHelp("Where to listen for the other nodes. (default: 127.0.0.1:8099)", valueName: "host:port"))
    var peer: String?
    @Option(help: ArgumentHelp("Where the other nodes find this one, if not at --peer.", valueName: "host:port"))
    var peerAdvertise: String?
    @Option(help: ArgumentHelp("The local address that connections to other nodes leave from.", valueName: "address"))
    var peerSource: String?
    @Option(help: ArgumentHelp("This node's certificate, with its chain (PEM).", valueName: "file"))
    var peerCertificate: String?
    @Option(help: ArgumentHelp("The certificate's key (PEM).", valueName: "file"))
    var peerKey: String?
    @Option(help: ArgumentHelp("The authority that has signed the nodes' certificates (PEM).", valueName: "file"))
    var peerAuthority: String?
    @Option(help: ArgumentHelp("Talk without TLS over more than loopback. (default: no)", valueName: "yes|no"))
    var peerPlaintext: String?
    @Option(
        help: ArgumentHelp("What may fail as a whole together with this node: a rack, a site.", valueName: "name"))
    var zone: String?
    @Option(help: ArgumentHelp("This node's share of the replicas. (default: 1)", valueName: "n"))
    var weight: String?
    @Option(help: ArgumentHelp("What transfers may bring in, in MiB a second. (default: 64)", valueName: "n"))
    var transferMib: String?

    var settings: [ServerConfiguration.Setting: String?] {
        [
            .etcd: etcd, .cluster: cluster, .peer: peer, .peerAdvertise: peerAdvertise, .peerSource: peerSource,
            .peerCertificate: peerCertificate, .peerKey: peerKey, .peerAuthority: peerAuthority,
            .peerPlaintext: peerPlaintext, .zone: zone, .weight: weight, .transferMiB: transferMib,
        ]
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
