import AsyncHTTPClient
import Foundation
import KindredNode
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Why one endpoint has not answered one request.
struct EtcdFailure: Error {
    enum Kind {
        /// The request did not get there: nothing was done.
        case notSent
        /// It may have got there.
        case noAnswer
        /// etcd says no.
        case refused
        case closed
    }

    var kind: Kind
    var reason: String
    var isUnauthenticated = false

    init(_ kind: Kind, _ reason: String) {
        self.kind = kind
        self.reason = reason
    }

    /// For a request that only one endpoint was asked for, and that changes nothing.
    func storeError(at endpoint: String) -> ConfigurationStoreError {
        switch kind {
        case .notSent, .noAnswer: .unreachable("\(endpoint): \(reason)")
        case .refused: .refused("\(endpoint): \(reason)")
        case .closed: .closed
        }
    }
}

/// HTTP to etcd: a client of its own, with the failures told apart.
struct EtcdTransport: Sendable {
    /// Watches hold a connection each, beside the requests.
    private static let connectionsPerEndpoint = 32
    /// Refusals that come instead of a stream.
    private static let refusalBytes = 1 << 20

    private let client: HTTPClient

    init(_ configuration: EtcdConfiguration) throws(ConfigurationStoreError) {
        var settings = HTTPClient.Configuration()
        settings.httpVersion = .http1Only
        settings.redirectConfiguration = .disallow
        settings.timeout.connect = TimeAmount(configuration.requestTimeout)
        settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = Self.connectionsPerEndpoint
        // Whoever asks knows better when to try again, and where.
        settings.connectionPool.retryConnectionEstablishment = false
        settings.tlsConfiguration = try Self.security(configuration.security)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }

    func close() async {
        // It fails only if it was closed before.
        try? await client.shutdown()
    }

    /// One request and its whole answer.
    func post(
        _ url: String, _ body: [UInt8], token: String?, timeout: Duration, limit: Int
    ) async throws(EtcdFailure) -> ByteBuffer {
        let request = Self.request(url, body, token: token)
        let status: HTTPResponseStatus
        let answer: ByteBuffer
        do {
            let response = try await client.execute(request, timeout: TimeAmount(timeout))
            status = response.status
            answer = try await response.body.collect(upTo: limit)
        } catch {
            throw Self.failure(error)
        }
        guard status == .ok else { throw Self.refusal(status, answer) }
        return answer
    }

    /// One request whose answer goes on until somebody ends it.
    func open(_ url: String, _ body: [UInt8], token: String?) async throws(EtcdFailure) -> HTTPClientResponse.Body {
        let request = Self.request(url, body, token: token)
        let status: HTTPResponseStatus
        let answer: ByteBuffer
        do {
            let response = try await client.execute(request, deadline: .distantFuture)
            guard response.status != .ok else { return response.body }
            status = response.status
            answer = try await response.body.collect(upTo: Self.refusalBytes)
        } catch {
            throw Self.failure(error)
        }
        throw Self.refusal(status, answer)
    }

    private static func request(_ url: String, _ body: [UInt8], token: String?) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        if let token { request.headers.add(name: "Authorization", value: token) }
        request.body = .bytes(ByteBuffer(bytes: body))
        return request
    }

    // MARK: Failures

    private static func failure(_ error: any Error) -> EtcdFailure {
        switch error {
        case let error as NIOConnectionError:
            let causes = error.connectionErrors.map { "\($0.error)" }
            let cause = causes.first ?? error.dnsAError.map { "\($0)" } ?? error.dnsAAAAError.map { "\($0)" }
            return EtcdFailure(.notSent, "no connection: \(cause ?? "the name \(error.host) has no address")")
        case let error as IOError:
            return failure(error)
        case let error as HTTPClientError:
            return failure(error)
        case NIOSSLError.handshakeFailed(let cause):
            return EtcdFailure(.notSent, "the TLS handshake failed: \(cause)")
        default:
            return EtcdFailure(.noAnswer, "\(error)")
        }
    }

    /// An address without a name fails like this.
    private static func failure(_ error: IOError) -> EtcdFailure {
        switch error.errnoCode {
        case ECONNREFUSED: EtcdFailure(.notSent, "no connection: refused")
        case EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN:
            EtcdFailure(.notSent, "no connection: there is no way to the host")
        case ECONNRESET, EPIPE: EtcdFailure(.noAnswer, "the connection was reset")
        default: EtcdFailure(.noAnswer, "\(error)")
        }
    }

    private static func failure(_ error: HTTPClientError) -> EtcdFailure {
        if error == .alreadyShutdown { return EtcdFailure(.closed, "closed") }
        if error == .connectTimeout { return EtcdFailure(.notSent, "no connection in time") }
        if error == .deadlineExceeded { return EtcdFailure(.noAnswer, "no answer in time") }
        if error == .remoteConnectionClosed {
            return EtcdFailure(.noAnswer, "the connection was closed before the answer came")
        }
        return EtcdFailure(.noAnswer, "\(error)")
    }

    private static func refusal(_ status: HTTPResponseStatus, _ answer: ByteBuffer) -> EtcdFailure {
        guard let refusal: EtcdRefusal = EtcdGateway.decode(answer), refusal.message != nil || refusal.error != nil
        else {
            // Not etcd's words: something else answers there, or stands in between.
            return EtcdFailure(.notSent, "it answers \(status.code), but not as etcd does")
        }
        if refusal.isPassing { return EtcdFailure(.noAnswer, refusal.text) }
        var failure = EtcdFailure(.refused, refusal.text)
        failure.isUnauthenticated = refusal.isUnauthenticated
        return failure
    }

    // MARK: TLS

    private static func security(
        _ files: EtcdConfiguration.Security
    ) throws(ConfigurationStoreError) -> TLSConfiguration {
        var settings = TLSConfiguration.makeClientConfiguration()
        if let file = files.authorityFile {
            settings.trustRoots = .certificates(try certificates(in: file))
        }
        switch (files.certificateFile, files.keyFile) {
        case (nil, nil):
            break
        case (let certificateFile?, let keyFile?):
            settings.certificateChain = try certificates(in: certificateFile).map { .certificate($0) }
            do {
                settings.privateKey = .privateKey(try NIOSSLPrivateKey(file: keyFile, format: .pem))
            } catch {
                throw .refused("the key in \(keyFile) cannot be read: \(error)")
            }
        default:
            throw .refused("a client's certificate and its key go together")
        }
        return settings
    }

    private static func certificates(in file: String) throws(ConfigurationStoreError) -> [NIOSSLCertificate] {
        do {
            return try NIOSSLCertificate.fromPEMFile(file)
        } catch {
            throw .refused("the certificates in \(file) cannot be read: \(error)")
        }
    }
}
