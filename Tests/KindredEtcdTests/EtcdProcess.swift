import Foundation
import KindredNode
import Logging
import NIOCore
import NIOPosix
import Synchronization

@testable import KindredEtcd

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// An etcd of one member with its own directory and ports. It can be stopped and started again on the same data.
final class EtcdProcess: Sendable {
    /// Where `etcd` is; nil if it is not installed.
    static let executable = pathOfProgram("etcd")
    static var isInstalled: Bool { executable != nil }
    /// Makes certificates for the tests of TLS.
    static let certificateMaker = pathOfProgram("openssl")

    let port: Int
    /// Serves HTTP, but not the gateway.
    let peerPort: Int
    let directory: URL
    private let usesTLS: Bool
    private let process = Mutex<Process?>(nil)

    var endpoint: String { address(port) }
    /// With TLS: the certificate of the server, which is also the authority of both sides.
    var certificateFile: String { directory.appendingPathComponent("certificate.pem").path }
    var keyFile: String { directory.appendingPathComponent("key.pem").path }

    private init(usesTLS: Bool) async throws {
        self.usesTLS = usesTLS
        port = try await freePort()
        peerPort = try await freePort()
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("kindred-etcd-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    }

    /// Runs a test with an etcd that answers, and removes all of it afterwards.
    static func with(usesTLS: Bool = false, _ body: (EtcdProcess) async throws -> Void) async throws {
        let etcd = try await EtcdProcess(usesTLS: usesTLS)
        defer {
            etcd.kill()
            try? FileManager.default.removeItem(at: etcd.directory)
        }
        if usesTLS { try etcd.makeCertificate() }
        try await etcd.start()
        try await body(etcd)
    }

    private func address(_ port: Int) -> String { "\(usesTLS ? "https" : "http")://127.0.0.1:\(port)" }

    /// Starts it and waits until it answers.
    ///
    /// - Parameters:
    ///   - port: another port than usual, which those who know the usual one do not know.
    ///   - waitsForAnswers: false where it does not answer everybody.
    func start(port: Int? = nil, waitsForAnswers: Bool = true) async throws {
        let process = Process()
        process.executableURL = Self.executable
        let client = address(port ?? self.port)
        let peer = "http://127.0.0.1:\(peerPort)"
        process.arguments = [
            "--data-dir", directory.appendingPathComponent("data").path, "--name", "one",
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "one=\(peer)",
            "--heartbeat-interval", "50", "--election-timeout", "250",
        ]
        if usesTLS {
            process.arguments? += [
                "--cert-file", certificateFile, "--key-file", keyFile, "--client-cert-auth",
                "--trusted-ca-file", certificateFile,
            ]
        }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        self.process.withLock { $0 = process }
        guard waitsForAnswers else { return }
        try await eventually("etcd answers at port \(port ?? self.port)", within: .seconds(20)) {
            try await self.answers(port: port ?? self.port)
        }
    }

    /// Ends it at once, as a crash would.
    func kill() {
        guard let process = process.withLock({ $0.take() }) else { return }
        _ = process.resume()
        // The module's `kill` is hidden by this method.
        sendKillSignal(to: process.processIdentifier)
        process.waitUntilExit()
    }

    /// Stops it without ending it: connections stay open, and nothing answers.
    func freeze() { process.withLock { _ = $0?.suspend() } }

    func thaw() { process.withLock { _ = $0?.resume() } }

    /// Removes all data. It must not run.
    func erase() throws {
        try FileManager.default.removeItem(at: directory.appendingPathComponent("data"))
    }

    func configuration(_ cluster: String = "test", port: Int? = nil) -> EtcdConfiguration {
        var configuration = EtcdConfiguration(
            endpoints: [address(port ?? self.port)], clusterName: cluster)
        configuration.presenceSeconds = 2
        if usesTLS {
            configuration.security = EtcdConfiguration.Security(
                authorityFile: certificateFile, certificateFile: certificateFile, keyFile: keyFile)
        }
        return configuration
    }

    /// Runs a test with a store that is closed afterwards.
    func withStore(
        _ cluster: String = "test", port: Int? = nil, _ body: (EtcdConfigurationStore) async throws -> Void
    ) async throws {
        let store = try await EtcdConfigurationStore.connect(configuration(cluster, port: port), logger: .quiet)
        do {
            try await body(store)
        } catch {
            await store.close()
            throw error
        }
        await store.close()
    }

    /// A bare call, as an operator with `etcdctl` would make.
    func call(_ path: String, _ request: [String: String], port: Int? = nil) async throws {
        let gateway = try EtcdGateway(configuration(port: port), logger: .quiet)
        do {
            let _: EtcdEmptyAnswer = try await gateway.call(path, request, .once)
        } catch {
            await gateway.close()
            throw error
        }
        await gateway.close()
    }

    private func answers(port: Int) async throws -> Bool {
        do {
            try await EtcdConfigurationStore.connect(configuration(port: port), logger: .quiet).close()
            return true
        } catch {
            return false
        }
    }

    private func makeCertificate() throws {
        let process = Process()
        process.executableURL = Self.certificateMaker
        process.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=kindred-test", "-addext", "subjectAltName=IP:127.0.0.1",
            "-keyout", keyFile, "-out", certificateFile,
        ]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
    }
}

private func pathOfProgram(_ name: String) -> URL? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { URL(fileURLWithPath: String($0)).appendingPathComponent(name) }
        .first { FileManager.default.isExecutableFile(atPath: $0.path) }
}

extension Logger {
    /// For tests that provoke warnings.
    static var quiet: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }
}

private func sendKillSignal(to process: Int32) {
    kill(process, SIGKILL)
}

/// A port that nobody listens on.
///
/// It is below those that systems give to outgoing connections: such a connection could otherwise take the port of an
/// etcd that is down, and one to that very port would even connect to itself.
func freePort() async throws -> Int {
    while true {
        let port = Int.random(in: 12_000..<32_000)
        do {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .bind(host: "127.0.0.1", port: port).get()
            try await channel.close()
            return port
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            continue
        }
    }
}

/// A condition did not come about.
struct NeverHappened: Error, CustomStringConvertible {
    var description: String
}

/// Waits for a condition.
func eventually(
    _ what: String, within patience: Duration = .seconds(10), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + patience
    while ContinuousClock.now < deadline {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(10))
    }
    throw NeverHappened(description: "within \(patience) it did not happen that \(what)")
}
