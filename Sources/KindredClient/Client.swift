import Foundation
public import KindredModel
import KindredWire
import NIOCore

/// A connection to a Kindred node, or to any server of Riak's protocol buffers.
///
/// ```swift
/// let client = try await Client.connect(host: "127.0.0.1", port: 8087)
/// let carts = Bucket("carts", type: "siblings")
///
/// let cart = try await client.get("anna", in: carts)
/// let items = cart.siblings.compactMap { $0.content.text }   // more than one if written concurrently
/// try await client.put(
///     ObjectContent(text: (items + ["milk"]).joined(separator: ", ")), at: "anna", in: carts, context: cart.context)
///
/// await client.close()
/// ```
/// Requests may be made from many tasks at once; they share the connection and are answered in the order in which they were made.
/// A request that is not answered in time, or by something that is no answer, ends the connection: connect anew then. Dropping the
/// last reference closes it.
public final class Client: Sendable {
    /// The host it was connected to.
    public let host: String
    /// The port it was connected to.
    public let port: Int
    private let configuration: ClientConfiguration
    private let connection: ClientConnection

    private init(host: String, port: Int, configuration: ClientConfiguration, connection: ClientConnection) {
        self.host = host
        self.port = port
        self.configuration = configuration
        self.connection = connection
    }

    deinit { connection.close() }

    /// Connects to a server.
    ///
    /// - Parameters:
    ///   - host: its name or address.
    ///   - port: its port of protocol buffers.
    ///   - configuration: patience and bounds.
    public static func connect(
        host: String = "127.0.0.1", port: Int = 8087, configuration: ClientConfiguration = ClientConfiguration()
    ) async throws(ClientError) -> Client {
        let connection = try await ClientConnection.open(host: host, port: port, configuration: configuration)
        return Client(host: host, port: port, configuration: configuration, connection: connection)
    }

    /// Ends the connection. Requests that wait for their answers fail; so does every request after this.
    public func close() async {
        connection.close()
        await connection.closed()
    }

    // MARK: The server

    /// Asks for a sign of life.
    public func ping() async throws(ClientError) {
        var frame = ByteBuffer()
        frame.appendRiakFrame(.pingRequest)
        _ = try await connection.answer(to: frame, as: .pingResponse)
    }

    /// Asks who the server is.
    public func serverInfo() async throws(ClientError) -> ServerInfo {
        var frame = ByteBuffer()
        frame.appendRiakFrame(.getServerInfoRequest)
        return try await answer(to: frame, as: .getServerInfoResponse) { bytes throws(MalformedBytes) in
            let answer = try RpbGetServerInfoResp(riakBody: bytes)
            return ServerInfo(
                node: String(decoding: answer.node, as: UTF8.self),
                version: String(decoding: answer.serverVersion, as: UTF8.self))
        }
    }

    // MARK: Objects

    /// Reads a key.
    ///
    /// - Returns: the object; one without siblings if the key does not exist.
    public func get(_ key: Name, in bucket: Bucket) async throws(ClientError) -> StoredObject {
        var options = RiakGetOptions()
        options.deletedVclock = true
        let frame = try Self.frame { frame throws(MalformedBytes) in
            try frame.appendRiakGetRequest(
                bucket: bucket.name.bytes, key: key.bytes, type: bucket.wireType, options: options)
        }
        return try await self.answer(to: frame, as: .getResponse) { bytes throws(MalformedBytes) in
            StoredObject(try RiakGetResponse(bytes))
        }
    }

    /// Writes a key.
    ///
    /// - Parameters:
    ///   - content: what to store.
    ///   - key: where; nil lets the server make a key, which the result tells.
    ///   - bucket: the bucket.
    ///   - context: what the writer has seen: the write replaces exactly that. Nil: nothing, so the write is concurrent to whatever is
    ///     there, and the strategy of the bucket type decides.
    ///   - condition: what must be so for the write to happen.
    ///   - answer: how much of the object, as it is afterwards, to answer.
    @discardableResult
    public func put(
        _ content: ObjectContent, at key: Name?, in bucket: Bucket, context: Context? = nil,
        condition: WriteCondition = .none, answer: PutAnswer = .nothing
    ) async throws(ClientError) -> PutResult {
        var options = RiakPutOptions()
        switch condition {
        case .none: break
        case .absent: options.ifNoneMatch = true
        case .unchanged: options.ifNotModified = true
        }
        switch answer {
        case .nothing: break
        case .metadata: options.returnHead = true
        case .object: options.returnBody = true
        }
        let frame = try Self.frame { frame throws(MalformedBytes) in
            try frame.appendRiakPutRequest(
                bucket: bucket.name.bytes, key: key?.bytes, type: bucket.wireType, vclock: context?.bytes,
                content: content, options: options)
        }
        return try await self.answer(to: frame, as: .putResponse) { bytes throws(MalformedBytes) in
            let response = try RiakPutResponse(bytes)
            return PutResult(
                key: response.key.map { Name(bytes: $0) } ?? key,
                object: answer == .nothing ? nil : StoredObject(response))
        }
    }

    /// Deletes a key. That it does not exist is no error.
    ///
    /// - Parameters:
    ///   - key: the key.
    ///   - bucket: its bucket.
    ///   - context: what the writer has seen: the delete removes exactly that, and keeps what was written since. Nil: all there is.
    public func delete(_ key: Name, in bucket: Bucket, context: Context? = nil) async throws(ClientError) {
        let frame = try Self.frame { frame throws(MalformedBytes) in
            try frame.appendRiakDeleteRequest(
                bucket: bucket.name.bytes, key: key.bytes, type: bucket.wireType, vclock: context?.bytes)
        }
        _ = try await connection.answer(to: frame, as: .deleteResponse)
    }

    // MARK: Listings

    /// The keys of a bucket.
    public func keys(in bucket: Bucket) -> NameListing {
        var request = RpbListKeysReq()
        request.bucket = .init(bucket.name.bytes)
        if let type = bucket.wireType { request.type = .init(type) }
        return listing(request, .listKeysRequest, answeredBy: .listKeysResponse)
    }

    /// The buckets of a type that hold at least one key.
    public func buckets(ofType type: Name = "default") -> NameListing {
        var request = RpbListBucketsReq()
        request.stream = true
        if let type = Bucket("", type: type).wireType { request.type = .init(type) }
        return listing(request, .listBucketsRequest, answeredBy: .listBucketsResponse)
    }

    private func listing(
        _ request: some RiakMessage, _ code: RiakMessageCode, answeredBy expected: RiakMessageCode
    ) -> NameListing {
        let frame = Result { () throws(ClientError) in
            try Self.frame { frame throws(MalformedBytes) in try frame.appendRiakFrame(code, request) }
        }
        let (host, port, configuration) = (host, port, configuration)
        return NameListing(request: frame, expected: expected) {
            do throws(ClientError) {
                return .success(
                    try await ClientConnection.open(host: host, port: port, configuration: configuration))
            } catch {
                return .failure(error)
            }
        }
    }

    // MARK: Inside

    /// Sends a request and reads the body of its answer.
    func answer<Answer>(
        to frame: ByteBuffer, as expected: RiakMessageCode,
        read: (UnsafeRawBufferPointer) throws(MalformedBytes) -> Answer
    ) async throws(ClientError) -> Answer {
        let body = try await connection.answer(to: frame, as: expected)
        let answer = body.withUnsafeReadableBytes { bytes in
            Result { () throws(MalformedBytes) in try read(bytes) }
        }
        do {
            return try answer.get()
        } catch {
            throw ClientError(.protocolViolation, "the server's answer cannot be read: \(error.reason)")
        }
    }

    private static func frame(
        _ write: (inout ByteBuffer) throws(MalformedBytes) -> Void
    ) throws(ClientError) -> ByteBuffer {
        var frame = ByteBuffer()
        do {
            try write(&frame)
        } catch {
            throw ClientError(.invalidRequest, "the request cannot be sent: \(error.reason)")
        }
        return frame
    }
}

/// Who a server is.
public struct ServerInfo: Hashable, Sendable {
    /// The node's name.
    public var node: String
    /// The version of its software.
    public var version: String

    /// Describes a server.
    public init(node: String, version: String) {
        self.node = node
        self.version = version
    }
}

/// What must be so for a write to happen.
public enum WriteCondition: Hashable, Sendable {
    /// Nothing.
    case none
    /// The key must not exist.
    case absent
    /// The key must exist, and not have changed since the context of the write.
    case unchanged
}

/// How much of an object a write answers.
public enum PutAnswer: Hashable, Sendable {
    /// Only that it is done.
    case nothing
    /// Everything but the values, which are left empty.
    case metadata
    /// The whole object.
    case object
}

/// What became of a write.
public struct PutResult: Hashable, Sendable {
    /// The key, also where the server made it; nil from a server that does not tell it.
    public var key: Name?
    /// The object as it is afterwards, other writers' siblings included, if it was asked for.
    public var object: StoredObject?

    /// Describes the result of a write.
    public init(key: Name?, object: StoredObject? = nil) {
        self.key = key
        self.object = object
    }
}
