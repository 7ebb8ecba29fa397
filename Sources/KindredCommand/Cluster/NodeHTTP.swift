import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// What a node is asked over HTTP.
struct NodeRequest: Sendable {
    var method: HTTPMethod
    /// With the query, if there is one.
    var path: String
    var headers: [(name: String, value: String)] = []
    var body: [UInt8]?

    init(_ method: HTTPMethod, _ path: String) {
        self.method = method
        self.path = path
    }

    /// A request with a document.
    init(_ method: HTTPMethod, _ path: String, json document: some Encodable) throws(CommandFailure) {
        self.init(method, path)
        guard let bytes = try? JSONEncoder().encode(document) else {
            throw CommandFailure(.failure, "the request cannot be written as JSON")
        }
        headers = [("Content-Type", "application/json")]
        body = [UInt8](bytes)
    }

    fileprivate func made(for node: NodeURL) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: node.text + path)
        request.method = method
        for header in headers { request.headers.add(name: header.name, value: header.value) }
        if let body { request.body = .bytes(ByteBuffer(bytes: body)) }
        return request
    }
}

/// An answer, as it came and as it is understood.
struct NodeAnswer<Value: Sendable>: Sendable {
    var value: Value
    var text: [UInt8]
}

/// Asks nodes over HTTP.
struct NodeHTTP: Sendable {
    /// A report of a cluster with as many nodes and partitions as there can be.
    private static let answerBytes = 256 << 20

    /// The nodes to ask; of several, the first that answers.
    let nodes: [NodeURL]
    let timeout: Duration
    /// The command that tells whether a change has been made whose answer did not come.
    let afterDoubt: String
    private let client: HTTPClient

    /// Opens a client for as long as `body` runs.
    ///
    /// - Parameter silence: for how long a node may say nothing in the middle of an answer.
    static func with<Result: Sendable>(
        _ nodes: [NodeURL], timeout: Duration, silence: Duration? = nil, afterDoubt: String,
        _ body: (NodeHTTP) async throws -> Result
    ) async throws -> Result {
        var settings = HTTPClient.Configuration()
        settings.httpVersion = .http1Only
        settings.redirectConfiguration = .disallow
        settings.timeout.connect = TimeAmount(timeout)
        settings.timeout.read = silence.map { TimeAmount($0) }
        // A person waits: a node that refuses connections is not there, and another may be.
        settings.connectionPool.retryConnectionEstablishment = false
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
        do {
            let result = try await body(
                NodeHTTP(nodes: nodes, timeout: timeout, afterDoubt: afterDoubt, client: client))
            // It fails only if it was closed before.
            try? await client.shutdown()
            return result
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    /// Asks the first node that can be reached for a document.
    func answer<Value: Decodable & Sendable>(
        _ request: NodeRequest
    ) async throws(CommandFailure) -> NodeAnswer<Value> {
        let (bytes, node) = try await ask(request)
        do throws(NodeFailure) {
            return NodeAnswer(value: try Self.decode(bytes, from: node), text: bytes)
        } catch {
            throw CommandFailure(error, afterDoubt: afterDoubt)
        }
    }

    /// Asks the first node that can be reached. A change is not asked for a second time once a node may have it.
    func ask(_ request: NodeRequest) async throws(CommandFailure) -> (bytes: [UInt8], node: NodeURL) {
        do throws(NodeFailure) {
            return try await first(request)
        } catch {
            throw CommandFailure(error, afterDoubt: afterDoubt)
        }
    }

    private func first(_ request: NodeRequest) async throws(NodeFailure) -> (bytes: [UInt8], node: NodeURL) {
        var last: NodeFailure?
        for node in nodes {
            do throws(NodeFailure) {
                return (try await send(node, request, within: timeout), node)
            } catch {
                last = error
                switch error.kind {
                case .notReached: continue
                case .noAnswer where request.method == .GET: continue
                case .noAnswer, .refused, .nonsense: throw error
                }
            }
        }
        throw last ?? NodeFailure(.notReached, at: .usual, "there is no node to ask")
    }

    /// Asks one node.
    func send(_ node: NodeURL, _ request: NodeRequest, within limit: Duration) async throws(NodeFailure) -> [UInt8] {
        let status: HTTPResponseStatus
        let answer: ByteBuffer
        do {
            let response = try await client.execute(request.made(for: node), timeout: TimeAmount(limit))
            status = response.status
            answer = try await response.body.collect(upTo: Self.answerBytes)
        } catch {
            throw NodeFailure(error, at: node, after: limit, maybeDone: request.method != .GET)
        }
        let bytes = [UInt8](answer.readableBytesView)
        guard (200..<300).contains(status.code) else {
            throw NodeFailure(status: Int(status.code), bytes, at: node)
        }
        return bytes
    }

    /// Asks one node for an answer that goes on until somebody ends it.
    func open(_ node: NodeURL, _ request: NodeRequest) async throws(NodeFailure) -> HTTPClientResponse.Body {
        let status: HTTPResponseStatus
        let answer: ByteBuffer
        do {
            let response = try await client.execute(request.made(for: node), timeout: TimeAmount(timeout))
            guard response.status != .ok else { return response.body }
            status = response.status
            answer = try await response.body.collect(upTo: Self.answerBytes)
        } catch {
            throw NodeFailure(error, at: node, after: timeout, maybeDone: false)
        }
        throw NodeFailure(status: Int(status.code), [UInt8](answer.readableBytesView), at: node)
    }

    static func decode<Value: Decodable>(_ bytes: [UInt8], from node: NodeURL) throws(NodeFailure) -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw NodeFailure(.nonsense, at: node, "its answer is not what is expected; is it of another version?")
        }
    }
}
