import Foundation
import HTTPTypes
import Hummingbird
import KindredModel
import KindredNode
import KindredReplication
import KindredStorage
import KindredWire
import NIOCore

/// Riak's HTTP interface: finds out what a request is about, has it answered, and says in HTTP's words what came of it.
struct RiakHTTPResponder: Sendable {
    let loop: DataLoop
    let nodeName: String
    let cluster: ClusterHTTPResponder
    let conflicts: ConflictHTTPResponder

    func respond(to request: Request) async -> Response {
        let response = await response(to: request)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func response(to request: Request) async -> Response {
        do {
            return try await answer(request)
        } catch let refusal as RiakHTTPRefusal {
            return Response(text: refusal.text, status: refusal.status)
        } catch let failure as RequestFailure {
            return Self.response(to: failure)
        } catch {
            // The client went away, or its body did not come.
            return Response(text: "the request could not be read: \(error)\n", status: 400)
        }
    }

    private func answer(_ request: Request) async throws -> Response {
        switch request.uri.path {
        case let path where path.hasPrefix(ClusterHTTPResponder.prefix):
            return await cluster.respond(to: request, path: path)
        case let path where ConflictHTTPResponder.serves(path):
            return await conflicts.respond(to: request, path: path)
        case RecordingHTTPResponder.path: return await RecordingHTTPResponder(loop: loop).respond(to: request)
        case "/livez": return Response(text: "OK\n", status: 200)
        case "/readyz": return await cluster.ready()
        default: break
        }
        let target = RiakHTTPRoute.parse(target: request.head.path ?? "/")
        let parameters = try RiakHTTPParameters(query: target.query)
        switch (target.route, request.method) {
        case (.root, .get), (.root, .head): return root(request)
        case (.ping, .get), (.ping, .head): return Response(text: "OK", status: 200)
        case (.stats, .get), (.stats, .head): return try await statistics(request)
        case (.object(let bucket, let key), .get), (.object(let bucket, let key), .head):
            return try await get(ObjectName(bucket, key), bucket, request, parameters)
        case (.object(let bucket, let key), .put), (.object(let bucket, let key), .post):
            return try await put(key, bucket, request, parameters)
        case (.object(let bucket, let key), .delete):
            return try await delete(ObjectName(bucket, key), bucket, request, parameters)
        case (.keyList(let bucket), .post), (.bucket(let bucket), .post):
            return try await put(nil, bucket, request, parameters)
        case (.keyList(let bucket), .get), (.keyList(let bucket), .head):
            return try await listKeys(bucket, parameters)
        case (.bucket(let bucket), .get), (.bucket(let bucket), .head):
            if parameters.keys != .no { return try await listKeys(bucket, parameters) }
            return try await bucketProperties(bucket)
        case (.bucketList(let type), .get), (.bucketList(let type), .head):
            return try await listBuckets(type, parameters)
        case (.bucketProperties(let bucket), .get), (.bucketProperties(let bucket), .head):
            return try await bucketProperties(bucket)
        case (.bucketProperties(let bucket), .put), (.bucket(let bucket), .put):
            return try await setBucketProperties(bucket, request)
        case (.bucketProperties(let bucket), .delete):
            return try await resetBucketProperties(bucket)
        case (.typeProperties(let type), .get), (.typeProperties(let type), .head):
            return try await typeProperties(type)
        case (.typeProperties(let type), .put):
            return try await setTypeProperties(type, request)
        case (.preferenceList(let bucket, let key), .get), (.preferenceList(let bucket, let key), .head):
            return try await preferenceList(ObjectName(bucket, key))
        case (.unsupported(let what), _):
            return Response(text: "Kindred does not serve \(what)\n", status: 501)
        case (.unknown, _):
            return Response(text: "not found\n", status: 404)
        case (.malformed(let reason), _):
            return Response(text: reason + "\n", status: 400)
        case (let route, _):
            return Response(
                text: "method not allowed\n", status: 405, fields: [RiakHTTPField("Allow", Self.methods(of: route))])
        }
    }

    private static func methods(of route: RiakHTTPRoute) -> String {
        switch route {
        case .object: "GET, HEAD, PUT, POST, DELETE"
        case .keyList: "GET, HEAD, POST"
        case .bucket: "GET, HEAD, PUT, POST"
        case .bucketProperties: "GET, HEAD, PUT, DELETE"
        case .typeProperties: "GET, HEAD, PUT"
        default: "GET, HEAD"
        }
    }

    /// The whole body.
    ///
    /// - Throws: a refusal with status 413 as soon as it is longer than `limit`.
    func body(of request: Request, limit: Int, _ tooLong: String) async throws -> [UInt8] {
        do {
            return Array(buffer: try await request.body.collect(upTo: limit))
        } catch is NIOTooManyBytesError {
            throw RiakHTTPRefusal(413, tooLong)
        }
    }

    // MARK: Failures

    static func response(to failure: RequestFailure) -> Response {
        var fields: [RiakHTTPField] = []
        let text = RiakErrorText.text(for: failure)
        let status: Int
        switch failure {
        case .empty, .tooLong, .invalidContext, .tooMuchMetadata, .invalidIndexEntry: status = 400
        case .unknownType(let name):
            let type = String(decoding: name, as: UTF8.self)
            return Response(text: "Unknown bucket type: \(type)\n", status: 404)
        case .bucketType(.unknown(let name)):
            let type = String(decoding: name, as: UTF8.self)
            return Response(text: "Unknown bucket type: \(type)\n", status: 404)
        case .bucketType(.invalidProperties(let problems)):
            return Response(
                bytes: RiakHTTPJSON.problems(problems), status: 400,
                fields: [RiakHTTPField("Content-Type", "application/json")])
        case .bucketType: status = 400
        case .dataTypeBucket: status = 400
        case .tooManyReplicasAskedFor(let nVal):
            let reason = "Specified w/dw/pw/node_confirms values invalid for bucket n value of \(nVal)\n"
            return Response(text: reason, status: 400)
        case .tooLarge: status = 413
        case .tooManySiblings(_, let token):
            fields.append(RiakHTTPField("X-Riak-Vclock", Base64.encode(token)))
            status = 409
        case .exists: status = 409
        case .immutable: status = 403
        case .preconditionFailed: status = 412
        case .timeout: return Response(text: "request timed out\n", status: 503)
        case .unavailable(.unsatisfied(let kind, let required, let got), _):
            let name = "\(kind)".uppercased()
            return Response(text: "\(name)-value unsatisfied: \(got)/\(required)\n", status: 503)
        case .unavailable(.clockSkew, _): status = 503
        case .unavailable, .notServing:
            fields.append(RiakHTTPField("Retry-After", "1"))
            status = 503
        case .notTheLeader(let leader, _):
            if let leader { fields.append(RiakHTTPField("X-Kindred-Leader", leader)) }
            fields.append(RiakHTTPField("Retry-After", "1"))
            status = 503
        case .storage(.full):
            fields.append(RiakHTTPField("Retry-After", "10"))
            status = 503
        case .storage: status = 503
        }
        return Response(text: text + "\n", status: status, fields: fields)
    }
}

extension ObjectName {
    init(_ bucket: RiakHTTPBucket, _ key: [UInt8]) {
        self.init(type: bucket.type, bucket: bucket.name, key: key)
    }
}

extension Response {
    init(text: String, status: Int, fields: [RiakHTTPField] = []) {
        self.init(
            bytes: Array(text.utf8), status: status, fields: [RiakHTTPField("Content-Type", "text/plain")] + fields)
    }

    init(json: [UInt8]) {
        self.init(bytes: json, status: 200, fields: [RiakHTTPField("Content-Type", "application/json")])
    }

    init(bytes: [UInt8], status: Int, fields: [RiakHTTPField]) {
        self.init(
            status: HTTPResponse.Status(code: status), headers: HTTPFields(fields),
            body: bytes.isEmpty ? ResponseBody() : ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

extension HTTPFields {
    /// Fields whose names HTTP allows; what comes from stored objects has been brought into that form before.
    init(_ fields: [RiakHTTPField]) {
        self.init()
        for field in fields {
            guard let name = HTTPField.Name(field.name) else { continue }
            append(HTTPField(name: name, value: field.value))
        }
    }
}
