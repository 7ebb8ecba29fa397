import ArgumentParser
import AsyncHTTPClient
import Foundation
import KindredNode
import NIOCore
import NIOHTTP1

/// Has nodes record what their clients do, and reads along.
struct RecordingClient: Sendable {
    /// What is to be recorded.
    struct Wish: Sendable {
        var type: String?
        var bucket: String?
        var hashesKeys = false
        var values = RecordingOptions.Values.sizes
        var reads = false
        /// Nil: until somebody stops it.
        var seconds: Int?

        fileprivate var query: QueryText {
            var query = QueryText()
            query.add("values", values.rawValue)
            query.add("type", type)
            query.add("bucket", bucket)
            if hashesKeys { query.add("hash-keys", "true") }
            if reads { query.add("reads", "true") }
            query.add("seconds", seconds.map(String.init))
            return query
        }
    }

    let nodes: [NodeURL]
    let wish: Wish
    /// The nodes hash with the same salt, so that a key is the same at all of them. It exists only in memory.
    private let salt: String

    /// A node says something every five seconds.
    private static let silence = TimeAmount.seconds(30)

    init(nodes: [NodeURL], wish: Wish) {
        self.nodes = nodes
        self.wish = wish
        var generator = SystemRandomNumberGenerator()
        salt = (0..<32).map { _ in
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            return (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
    }

    /// All nodes of the cluster of which one is named; or those that are named, if there are several.
    static func nodes(from named: [NodeURL], timeout: Duration) async throws -> [NodeURL] {
        guard named.count == 1 else { return named }
        return try await ClusterClient.with(named, timeout: timeout) { cluster in
            do throws(CommandFailure) {
                let report = try await cluster.report().value
                let urls = report.nodes.compactMap(\.url)
                return urls.isEmpty ? named : urls
            } catch {
                // A node that is not of a cluster says so.
                if error.code == .unreachable { throw error }
                return named
            }
        }
    }

    /// Records until the time is over, the task is cancelled, or no node is left.
    ///
    /// - Parameter take: gets each line that comes, one at a time.
    /// - Returns: why nodes have stopped before their time.
    func run(_ take: @escaping @Sendable (RecordingLine) async throws -> Void) async throws -> [NodeFailure] {
        var settings = HTTPClient.Configuration()
        settings.httpVersion = .http1Only
        settings.redirectConfiguration = .disallow
        settings.timeout.connect = .seconds(10)
        settings.timeout.read = Self.silence
        settings.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
        let result: Result<[NodeFailure], any Error>
        do {
            result = .success(
                try await withThrowingTaskGroup(of: NodeFailure?.self) { group in
                    for node in nodes { group.addTask { try await follow(node, client, take) } }
                    var failures: [NodeFailure] = []
                    for try await failure in group { if let failure { failures.append(failure) } }
                    return failures
                })
        } catch {
            result = .failure(error)
        }
        try? await client.shutdown()
        return try result.get()
    }

    private func follow(
        _ node: NodeURL, _ client: HTTPClient, _ take: @Sendable (RecordingLine) async throws -> Void
    ) async throws -> NodeFailure? {
        var request = HTTPClientRequest(url: node.text + "/kindred/v1/lab/record" + wish.query.text)
        request.headers.add(name: "X-Kindred-Recording-Salt", value: salt)
        do {
            let response = try await client.execute(request, deadline: .distantFuture)
            guard response.status == .ok else {
                let answer = try await response.body.collect(upTo: 64 << 10)
                return NodeFailure(status: Int(response.status.code), [UInt8](answer.readableBytesView), at: node)
            }
            var splitter = LineSplitter(limit: RecordingBuilder.longestLine)
            for try await piece in response.body {
                for line in try splitter.add(piece.readableBytesView) {
                    guard let line = try? JSONDecoder().decode(RecordingLine.self, from: line) else {
                        return NodeFailure(
                            .nonsense, at: node, "a line is not what is expected; is it of another version?")
                    }
                    try await take(line)
                    if case .end = line { return nil }
                }
            }
            return Task.isCancelled ? nil : NodeFailure(.noAnswer, at: node, "the recording ended before its time")
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            if Task.isCancelled { return nil }
            return NodeFailure(error, at: node, after: .seconds(30), maybeDone: false)
        }
    }
}

/// Control-C ends what is under way in good order; a second one ends the process.
enum StopSignal {
    static func cancels<Answer: Sendable>(_ body: @escaping @Sendable () async throws -> Answer) async throws -> Answer
    {
        let task = Task { try await body() }
        signal(SIGINT, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler {
            signal(SIGINT, SIG_DFL)
            // What has happened by now is still on its way.
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(400)) { task.cancel() }
        }
        source.resume()
        defer {
            source.cancel()
            signal(SIGINT, SIG_DFL)
        }
        return try await task.value
    }
}
