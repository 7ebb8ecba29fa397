import ArgumentParser
import AsyncHTTPClient
import Foundation
import KindredNode
import NIOCore
import NIOHTTP1

/// Asks nodes for what `/kindred/v1/cluster…` has, and does there what operators do.
struct ClusterClient: Sendable {
    /// A report of a cluster with as many nodes and partitions as there can be.
    private static let answerBytes = 256 << 20
    private static let prefix = "/kindred/v1/cluster"

    /// The nodes to ask; of several, the first that answers.
    let nodes: [NodeURL]
    let timeout: Duration
    private let client: HTTPClient

    /// Opens a client for as long as `body` runs.
    static func with<Result: Sendable>(
        _ nodes: [NodeURL], timeout: Duration, _ body: (ClusterClient) async throws -> Result
    ) async throws -> Result {
        var settings = HTTPClient.Configuration()
        settings.httpVersion = .http1Only
        settings.redirectConfiguration = .disallow
        settings.timeout.connect = TimeAmount(timeout)
        // A person waits: a node that refuses connections is not there, and another may be.
        settings.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
        do {
            let result = try await body(ClusterClient(nodes: nodes, timeout: timeout, client: client))
            // It fails only if it was closed before.
            try? await client.shutdown()
            return result
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    // MARK: Questions

    /// An answer, as it came and as it is understood.
    struct Answer<Value: Sendable>: Sendable {
        var value: Value
        var text: [UInt8]
    }

    func report() async throws(CommandFailure) -> Answer<ClusterReport> { try await get("") }

    /// What one node says of the cluster and of itself.
    func report(of node: NodeURL, within limit: Duration) async throws(NodeFailure) -> ClusterReport {
        let bytes = try await send(node, .GET, "", body: nil, within: min(limit, timeout))
        return try Self.decode(bytes, from: node)
    }

    func plan() async throws(CommandFailure) -> Answer<PlanReport> { try await get("/plan") }

    private func get<Value: Decodable & Sendable>(_ path: String) async throws(CommandFailure) -> Answer<Value> {
        let (bytes, node) = try await ask(.GET, path, body: nil)
        do throws(NodeFailure) {
            return Answer(value: try Self.decode(bytes, from: node), text: bytes)
        } catch {
            throw CommandFailure(error)
        }
    }

    // MARK: Changes

    func create(partitions: UInt16, replicas: UInt8, nodes: [String]?) async throws(CommandFailure) {
        try await post("/create", Creation(partitions: partitions, replicas: replicas, nodes: nodes))
    }

    func stage(_ change: StagedChange) async throws(CommandFailure) { try await post("/staged", change) }

    func clearStaged() async throws(CommandFailure) { _ = try await ask(.DELETE, "/staged", body: nil) }

    func commit(planFor epoch: UInt64) async throws(CommandFailure) {
        try await post("/commit", Commit(membershipEpoch: epoch))
    }

    func cancel() async throws(CommandFailure) -> Answer<Cancellation> {
        let (bytes, node) = try await ask(.POST, "/cancel", body: nil)
        do throws(NodeFailure) {
            return Answer(value: try Self.decode(bytes, from: node), text: bytes)
        } catch {
            throw CommandFailure(error)
        }
    }

    func declareLost(_ name: String) async throws(CommandFailure) { try await post("/lost", Lost(node: name)) }

    /// A change of the nodes, as it is asked for.
    struct StagedChange: Encodable, Hashable, Sendable {
        var change: String
        var node: String
        var with: String?
        var weight: UInt16?
    }

    /// What came of giving a commit up.
    struct Cancellation: Codable, Hashable, Sendable {
        /// The partitions that go on, because their new members count already.
        var tooLate: [UInt16]
    }

    private struct Creation: Encodable {
        var partitions: UInt16
        var replicas: UInt8
        var nodes: [String]?
    }

    private struct Commit: Encodable {
        var membershipEpoch: UInt64
    }

    private struct Lost: Encodable {
        var node: String
    }

    private func post(_ path: String, _ body: some Encodable) async throws(CommandFailure) {
        guard let bytes = try? JSONEncoder().encode(body) else {
            throw CommandFailure(.failure, "the request cannot be written as JSON")
        }
        _ = try await ask(.POST, path, body: [UInt8](bytes))
    }

    // MARK: HTTP

    /// Asks the first node that can be reached. A change is not asked for a second time once a node may have it.
    private func ask(
        _ method: HTTPMethod, _ path: String, body: [UInt8]?
    ) async throws(CommandFailure) -> (bytes: [UInt8], node: NodeURL) {
        var last: NodeFailure?
        for node in nodes {
            do throws(NodeFailure) {
                return (try await send(node, method, path, body: body, within: timeout), node)
            } catch {
                last = error
                switch error.kind {
                case .notReached: continue
                case .noAnswer where method == .GET: continue
                case .noAnswer, .refused, .nonsense: throw CommandFailure(error)
                }
            }
        }
        throw CommandFailure(last ?? NodeFailure(.notReached, at: .usual, "there is no node to ask"))
    }

    private func send(
        _ node: NodeURL, _ method: HTTPMethod, _ path: String, body: [UInt8]?, within limit: Duration
    ) async throws(NodeFailure) -> [UInt8] {
        var request = HTTPClientRequest(url: node.text + Self.prefix + path)
        request.method = method
        if let body {
            request.headers.add(name: "Content-Type", value: "application/json")
            request.body = .bytes(ByteBuffer(bytes: body))
        }
        let status: HTTPResponseStatus
        let answer: ByteBuffer
        do {
            let response = try await client.execute(request, timeout: TimeAmount(limit))
            status = response.status
            answer = try await response.body.collect(upTo: Self.answerBytes)
        } catch {
            throw NodeFailure(error, at: node, after: limit, maybeDone: method != .GET)
        }
        let bytes = [UInt8](answer.readableBytesView)
        guard (200..<300).contains(status.code) else {
            throw NodeFailure(status: Int(status.code), bytes, at: node)
        }
        return bytes
    }

    private static func decode<Value: Decodable>(_ bytes: [UInt8], from node: NodeURL) throws(NodeFailure) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw NodeFailure(.nonsense, at: node, "its answer is not what is expected; is it of another version?")
        }
    }
}
