import Foundation
import NIOCore
import NIOPosix

/// An etcd of a development cluster's own.
struct EtcdProcess: Sendable {
    let url: String
    private let process: Process

    /// Starts etcd, and waits until it answers.
    ///
    /// - Returns: nil where it is not installed.
    static func startIfInstalled(in directory: String) async throws -> EtcdProcess? {
        guard let etcd = path(of: "etcd") else { return nil }
        let clientPort = try freePort()
        let client = "http://127.0.0.1:\(clientPort)"
        let peer = "http://127.0.0.1:\(try freePort())"
        let process = Process()
        let arguments = [
            "--name", "dev", "--data-dir", directory, "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "dev=\(peer)",
            "--logger", "zap", "--log-outputs", "\(directory).log",
        ]
        // Foundation makes it the leader of a process group of its own: an interrupt from the keyboard is for the nodes, which still need it
        // to end in good order.
        process.executableURL = URL(fileURLWithPath: etcd)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        let started = EtcdProcess(url: client, process: process)
        try await started.waitUntilItListens(on: clientPort)
        return started
    }

    private func waitUntilItListens(on port: Int) async throws {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        for _ in 0..<200 {
            if let channel = try? await bootstrap.connect(host: "127.0.0.1", port: port).get() {
                try? await channel.close()
                return
            }
            guard process.isRunning else { break }
            // Nothing tells when a foreign process has begun to listen.
            try await Task.sleep(for: .milliseconds(50))
        }
        await stop()
        throw ServeFailure("etcd does not start; run it by hand to see why, or use --no-etcd")
    }

    /// Asks etcd to end, and insists after a while.
    func stop() async {
        process.terminate()
        for _ in 0..<100 {
            guard process.isRunning else { return }
            // Foundation can wait for a process only by blocking a thread.
            try? await Task.sleep(for: .milliseconds(50))
        }
        kill(process.processIdentifier, SIGKILL)
    }

    private static func path(of name: String) -> String? {
        let paths = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
        return paths.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private static func freePort() throws -> Int {
        let group = MultiThreadedEventLoopGroup.singleton
        let channel = try ServerBootstrap(group: group).bind(host: "127.0.0.1", port: 0).wait()
        defer { try? channel.close().wait() }
        return channel.localAddress?.port ?? 0
    }
}
