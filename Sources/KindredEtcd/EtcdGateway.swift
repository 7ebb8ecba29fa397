import AsyncHTTPClient
import Foundation
import KindredNode
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// Calls to etcd through its JSON gateway: one POST, one answer, at whichever endpoint works.
///
/// An answer is checked against what has been seen before: one of another etcd cluster, or of an etcd that has lost a
/// part of its past, is refused. Without that, a node whose etcd was replaced by an empty one would take it for the
/// truth.
final class EtcdGateway: Sendable {
    /// What may be done when it is unknown whether a request was carried out.
    enum Effect {
        /// Ask again elsewhere: a read, or something that has the same effect twice.
        case repeatable
        /// Tell the caller.
        case once
    }

    private struct State {
        /// The endpoint that is asked first: the last one that has answered.
        var current = 0
        var token: String?
        var etcdCluster: UInt64?
        /// etcd was at this revision.
        var revision: UInt64 = 0
    }

    /// The longest answer: all documents and a thousand presences, with the third that base64 adds.
    static let answerBytes = 32 << 20
    /// Refusals and tokens.
    private static let shortAnswerBytes = 1 << 20

    let requestTimeout: Duration
    private let endpoints: [String]
    private let user: EtcdConfiguration.User?
    private let transport: EtcdTransport
    private let logger: Logger
    private let state = Mutex(State())

    init(_ configuration: EtcdConfiguration, logger: Logger) throws(ConfigurationStoreError) {
        endpoints = try configuration.checkedEndpoints()
        requestTimeout = configuration.requestTimeout
        user = configuration.user
        transport = try EtcdTransport(configuration)
        self.logger = logger
    }

    func close() async {
        await transport.close()
    }

    // MARK: Calls

    /// Asks an endpoint that works.
    func call<Answer: EtcdAnswer>(
        _ path: String, _ request: some Encodable & Sendable, _ effect: Effect, answer: Answer.Type = Answer.self
    ) async throws(ConfigurationStoreError) -> Answer {
        let body = try Self.encode(request)
        let first = state.withLock { $0.current }
        var reasons: [String] = []
        for step in endpoints.indices {
            let endpoint = (first + step) % endpoints.count
            do throws(EtcdFailure) {
                let answer: Answer = try await ask(endpoint, path, body)
                state.withLock { $0.current = endpoint }
                return answer
            } catch {
                let reason = "\(endpoints[endpoint]): \(error.reason)"
                reasons.append(reason)
                switch error.kind {
                case .closed:
                    throw .closed
                case .refused:
                    throw .refused(reason)
                case .noAnswer where effect == .once:
                    // The next request is better asked elsewhere.
                    moveOn(from: endpoint, because: reason)
                    throw .unknownOutcome(reason)
                case .noAnswer, .notSent:
                    moveOn(from: endpoint, because: reason)
                }
            }
        }
        throw .unreachable(reasons.joined(separator: "; "))
    }

    /// Asks one endpoint.
    func call<Answer: EtcdAnswer>(
        at endpoint: Int, _ path: String, _ request: some Encodable & Sendable, answer: Answer.Type = Answer.self
    ) async throws(ConfigurationStoreError) -> Answer {
        let body = try Self.encode(request)
        do throws(EtcdFailure) {
            return try await ask(endpoint, path, body)
        } catch {
            throw error.storeError(at: endpoints[endpoint])
        }
    }

    /// Opens a stream of lines at one endpoint.
    func open(
        _ path: String, _ request: some Encodable & Sendable, at endpoint: Int
    ) async throws(ConfigurationStoreError) -> HTTPClientResponse.Body {
        let body = try Self.encode(request)
        do throws(EtcdFailure) {
            return try await authenticated(at: endpoint) { token throws(EtcdFailure) in
                try await self.transport.open(self.endpoints[endpoint] + path, body, token: token)
            }
        } catch {
            throw error.storeError(at: endpoints[endpoint])
        }
    }

    /// The endpoint that has answered last.
    var current: Int { state.withLock { $0.current } }

    /// etcd was seen at a revision by other means than `call`.
    func saw(revision: UInt64) {
        state.withLock { $0.revision = max($0.revision, revision) }
    }

    // MARK: One endpoint

    private func ask<Answer: EtcdAnswer>(
        _ endpoint: Int, _ path: String, _ body: [UInt8]
    ) async throws(EtcdFailure) -> Answer {
        // What etcd answers to a request from now on must not be older than what is known now.
        let known = state.withLock { $0.revision }
        let bytes = try await authenticated(at: endpoint) { token throws(EtcdFailure) in
            try await self.transport.post(
                self.endpoints[endpoint] + path, body, token: token, timeout: self.requestTimeout,
                limit: Self.answerBytes)
        }
        guard let answer: Answer = Self.decode(bytes) else {
            throw EtcdFailure(.notSent, "it answers, but not as etcd does")
        }
        if let header = answer.linearized { try check(header, known: known) }
        return answer
    }

    private func check(_ header: EtcdHeader, known: UInt64) throws(EtcdFailure) {
        let cluster = header.clusterId?.value ?? 0
        let revision = header.revision?.value ?? 0
        let failure: EtcdFailure? = state.withLock { state in
            if let expected = state.etcdCluster, expected != cluster {
                return EtcdFailure(.refused, "it belongs to another etcd cluster than what answered before")
            }
            guard revision >= known else {
                return EtcdFailure(
                    .refused,
                    "etcd is at revision \(revision), and was at \(known) before: it has lost data, or was replaced. "
                        + "Restart the nodes if that was intended")
            }
            state.etcdCluster = cluster
            state.revision = max(state.revision, revision)
            return nil
        }
        if let failure { throw failure }
    }

    /// Runs a request with a token if there are users. One that is refused for its token is made again with a new one;
    /// nothing was done by the first.
    private func authenticated<Result: Sendable>(
        at endpoint: Int, _ request: (_ token: String?) async throws(EtcdFailure) -> Result
    ) async throws(EtcdFailure) -> Result {
        guard user != nil else { return try await request(nil) }
        if let token = state.withLock({ $0.token }) {
            do throws(EtcdFailure) {
                return try await request(token)
            } catch {
                guard error.isUnauthenticated else { throw error }
            }
        }
        return try await request(try await newToken(at: endpoint))
    }

    private func newToken(at endpoint: Int) async throws(EtcdFailure) -> String? {
        guard let user else { return nil }
        let request = EtcdAuthenticateRequest(name: user.name, password: user.password)
        guard let body = try? Self.encode(request) else { throw EtcdFailure(.refused, "a user that is no text") }
        do throws(EtcdFailure) {
            let bytes = try await transport.post(
                endpoints[endpoint] + "/v3/auth/authenticate", body, token: nil, timeout: requestTimeout,
                limit: Self.shortAnswerBytes)
            guard let answer: EtcdAuthenticateAnswer = Self.decode(bytes), let token = answer.token else {
                throw EtcdFailure(.refused, "it gives no token to the user \(user.name)")
            }
            state.withLock { $0.token = token }
            return token
        } catch {
            // Whatever became of this, the request it was for was not sent.
            throw error.kind == .noAnswer ? EtcdFailure(.notSent, error.reason) : error
        }
    }

    private func moveOn(from endpoint: Int, because reason: String) {
        let next = (endpoint + 1) % endpoints.count
        state.withLock { if $0.current == endpoint { $0.current = next } }
        if endpoints.count > 1 { logger.info("etcd at \(endpoints[next]) is asked now: \(reason)") }
    }

    // MARK: JSON

    private static func encode(_ request: some Encodable) throws(ConfigurationStoreError) -> [UInt8] {
        do { return [UInt8](try JSONEncoder().encode(request)) } catch { throw .refused("\(error)") }
    }

    /// Nil: it is not what was expected.
    static func decode<Value: Decodable>(_ bytes: ByteBuffer) -> Value? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try? decoder.decode(Value.self, from: Data(bytes.readableBytesView))
    }
}
