import Foundation
import HTTPTypes
import Hummingbird
import KindredModel
import KindredNode
import KindredReplication
import KindredStorage
import KindredWire

/// Reading, storing and deleting objects.
extension RiakHTTPResponder {
    // MARK: Reading

    func get(
        _ name: ObjectName, _ bucket: RiakHTTPBucket, _ request: Request, _ parameters: RiakHTTPParameters
    ) async throws -> Response {
        let headers = try headers(of: request, for: .read, in: bucket)
        var counts = ReplicaCounts()
        counts.first = parameters.r
        counts.primary = parameters.pr
        counts.nodeConfirms = parameters.nodeConfirms
        counts.basicQuorum = parameters.basicQuorum
        counts.notFoundOK = parameters.notfoundOK
        counts.timeoutMilliseconds = parameters.timeoutMilliseconds
        let wanted = counts
        let object = try await loop.run { loop throws(RequestFailure) -> ShownObject? in
            let answer = try name.withReference { reference throws(RequestFailure) in
                try loop.get(reference, replicas: wanted)
            }
            return answer.map { ShownObject($0, on: loop) }
        }
        guard !object.versions.isEmpty else {
            let fields = object.token.map { [RiakHTTPField("X-Riak-Vclock", Base64.encode($0))] } ?? []
            return Response(text: "not found\n", status: 404, fields: fields)
        }
        if let refusal = precondition(headers, on: object) { return refusal }
        if let vtag = parameters.vtag {
            guard let version = object.versions.first(where: { $0.tag == vtag }) else {
                return Response(text: "not found\n", status: 404)
            }
            return try response(showing: object, only: version, status: 200, bucket)
        }
        return try response(showing: object, bucket, accept: headers.accept)
    }

    /// RFC 9110 §13.2.2: what a reader demands, in this order.
    private func precondition(_ headers: RiakHTTPRequestHeaders, on object: ShownObject) -> Response? {
        let fields = object.identity
        if let tags = headers.ifMatch {
            if !tags.matchesWeakly(object.tag) { return Response(bytes: [], status: 412, fields: fields) }
        } else if let moment = headers.ifUnmodifiedSince, object.lastModified > moment {
            return Response(bytes: [], status: 412, fields: fields)
        }
        if let tags = headers.ifNoneMatch {
            if tags.matchesWeakly(object.tag) { return Response(bytes: [], status: 304, fields: fields) }
        } else if let moment = headers.ifModifiedSince, object.lastModified <= moment {
            return Response(bytes: [], status: 304, fields: fields)
        }
        return nil
    }

    /// An object as it is shown: its one value, or its siblings in the form the client prefers.
    private func response(
        showing object: ShownObject, _ bucket: RiakHTTPBucket, accept: String?, status: Int = 200,
        fields: [RiakHTTPField] = []
    ) throws -> Response {
        if object.versions.count == 1, let only = object.versions.first {
            return try response(showing: object, only: only, status: status, bucket, fields: fields)
        }
        let fields = object.identity + fields
        switch RiakHTTPSiblingRepresentation(accept: accept) {
        case .multipart:
            let (boundary, body) = try stored { () throws(MalformedBytes) in
                try RiakHTTPObject.multipart(object.versions, in: bucket)
            }
            let type = RiakHTTPField("Content-Type", "multipart/mixed; boundary=\(boundary)")
            return Response(bytes: body, status: 300, fields: [type] + fields)
        case .text:
            let body = String(decoding: RiakHTTPObject.siblingsText(object.versions), as: UTF8.self)
            return Response(text: body, status: 300, fields: fields)
        case .none:
            return Response(text: "siblings are text/plain or multipart/mixed\n", status: 406, fields: fields)
        }
    }

    private func response(
        showing object: ShownObject, only version: RiakHTTPVersion, status: Int, _ bucket: RiakHTTPBucket,
        fields: [RiakHTTPField] = []
    ) throws -> Response {
        let (own, body) = try stored { () throws(MalformedBytes) in try RiakHTTPObject.single(version, in: bucket) }
        var all = own + fields
        if let token = object.token { all.append(RiakHTTPField("X-Riak-Vclock", Base64.encode(token))) }
        if let number = object.number { all.append(RiakHTTPField("X-Kindred-Version", "\(number)")) }
        return Response(bytes: body, status: status, fields: all)
    }

    private func stored<Result>(_ body: () throws(MalformedBytes) -> Result) throws(RequestFailure) -> Result {
        do throws(MalformedBytes) {
            return try body()
        } catch {
            throw .storage(.corrupt(error.reason))
        }
    }

    // MARK: Storing

    /// Stores an object; without a key, under one that is made here.
    func put(
        _ key: [UInt8]?, _ bucket: RiakHTTPBucket, _ request: Request, _ parameters: RiakHTTPParameters
    ) async throws -> Response {
        let headers = try headers(of: request, for: .store, in: bucket)
        let tooLarge = "the object is larger than \(Limits.objectMaximumBytes) bytes\n"
        let value = try await body(of: request, limit: Limits.objectMaximumBytes, tooLarge)
        let object = try headers.content(value: value)
        guard object.links.count + object.userMetadata.count + object.indexes.count <= Limits.metadataEntries else {
            throw RequestFailure.tooMuchMetadata(limit: Limits.metadataEntries)
        }
        let content = object.encoded()
        var counts = ReplicaCounts()
        counts.first = parameters.w
        counts.primary = parameters.pw
        counts.durable = parameters.dw
        counts.nodeConfirms = parameters.nodeConfirms
        counts.timeoutMilliseconds = parameters.timeoutMilliseconds
        counts.requestID = headers.requestID.map { ClientRequestID(client: $0.client, number: $0.number) }
        let wanted = counts
        let precondition = self.precondition(headers)
        let key = key ?? loop.makeKey()
        let writer = Self.writer(request, headers)
        let name = ObjectName(bucket, key)
        let outcome = try await loop.run { loop throws(RequestFailure) -> PutOutcome? in
            try name.withReference { reference throws(RequestFailure) in
                var precondition = precondition
                if let token = headers.tokenNotModified {
                    let key = try loop.locate(reference).0
                    // A token that is none of this object's knows nothing of it, so the object is not as it was.
                    let known = token.withUnsafeBytes { try? loop.open($0, for: key) }
                    precondition.notModifiedSince = known?.context ?? CausalContext()
                }
                do throws(RequestFailure) {
                    let answer = try (headers.token ?? []).withBytes { token throws(RequestFailure) in
                        try loop.put(
                            PutRequest(
                                object: reference, content: content, token: token, precondition: precondition,
                                replicas: wanted, writer: writer))
                    }
                    return answer.map { .stored(ShownObject($0.object, on: loop), writer: Self.token($0, on: loop)) }
                } catch {
                    // What the key has now goes into the refusal, so that the client can resolve without another request.
                    guard error == .exists || error.isFailedPrecondition else { throw error }
                    return try loop.get(reference).map { .refused(error, ShownObject($0, on: loop)) }
                }
            }
        }
        switch outcome {
        case .refused(let failure, let current):
            return refusal(failure, current, hadTokenNotModified: headers.tokenNotModified != nil)
        case .stored(let object, let writer):
            let isPost = request.method == .post && request.uriNamesNoKey
            var fields: [RiakHTTPField] = []
            if isPost { fields.append(RiakHTTPField("Location", bucket.path(ofKey: key))) }
            if parameters.returnBody {
                return try response(
                    showing: object, bucket, accept: headers.accept, status: isPost ? 201 : 200, fields: fields)
            }
            fields.append(RiakHTTPField("X-Riak-Vclock", Base64.encode(writer)))
            if let number = object.number { fields.append(RiakHTTPField("X-Kindred-Version", "\(number)")) }
            return Response(bytes: [], status: isPost ? 201 : 204, fields: fields)
        }
    }

    private static func token(_ answer: PutAnswer, on loop: DataLoop) -> [UInt8] {
        loop.token(answer.writerKnows, for: answer.object.key)
    }

    private func precondition(_ headers: RiakHTTPRequestHeaders) -> Precondition {
        var precondition = Precondition()
        switch headers.ifMatch {
        case .any: precondition.mustExist = true
        case .tags(let tags): precondition.matches = tags.filter { !$0.isWeak }.map { Self.versionTag($0.text) }
        case nil: break
        }
        switch headers.ifNoneMatch {
        case .any: precondition.mustNotExist = true
        case .tags(let tags): precondition.matchesNone = tags.map { Self.versionTag($0.text) }
        case nil: break
        }
        // Whole seconds in, milliseconds stored: all of that second is "not after".
        precondition.unmodifiedSinceMilliseconds = headers.ifUnmodifiedSince.map { UInt64(max(0, $0)) * 1_000 + 999 }
        return precondition
    }

    /// An ETag of ours: `tag`, or in buckets with version numbers `number-tag`; or, typed by hand, a number.
    private static func versionTag(_ text: String) -> Precondition.VersionTag {
        if let number = UInt64(text) { return .number(number) }
        return .tag(String(text.split(separator: "-").last ?? ""))
    }

    private func refusal(_ failure: RequestFailure, _ current: ShownObject, hadTokenNotModified: Bool) -> Response {
        var text = RiakErrorText.text(for: failure)
        var status = failure == .exists ? 409 : 412
        if case .preconditionFailed(let reason, _) = failure {
            if hadTokenNotModified, reason != .exists { status = 409 }
            switch reason {
            case .exists: text = "the key has a value already"
            case .missing: text = "the key has no value"
            case .modified: text = "the key has been modified"
            }
            if let number = current.number { text += "; its current version is \(number), ETag \"\(current.tag)\"" }
        }
        return Response(text: text + "\n", status: status, fields: current.identity)
    }

    // MARK: Deleting

    func delete(
        _ name: ObjectName, _ bucket: RiakHTTPBucket, _ request: Request, _ parameters: RiakHTTPParameters
    ) async throws -> Response {
        let headers = try headers(of: request, for: .delete, in: bucket)
        var counts = ReplicaCounts()
        counts.first = parameters.w.orElse(parameters.rw)
        counts.primary = parameters.pw
        counts.durable = parameters.dw
        counts.timeoutMilliseconds = parameters.timeoutMilliseconds
        counts.requestID = headers.requestID.map { ClientRequestID(client: $0.client, number: $0.number) }
        let wanted = counts
        let precondition = self.precondition(headers)
        let writer = Self.writer(request, headers)
        let deleted = try await loop.run { loop throws(RequestFailure) -> Bool? in
            let answer = try name.withReference { reference throws(RequestFailure) in
                try (headers.token ?? []).withBytes { token throws(RequestFailure) in
                    try loop.delete(
                        reference, token: token, precondition: precondition, replicas: wanted, writer: writer)
                }
            }
            return answer?.isNew
        }
        return deleted
            ? Response(bytes: [], status: 204, fields: []) : Response(text: "not found\n", status: 404)
    }

    /// The name that the client gives itself; nil if it gives none.
    private static func writer(_ request: Request, _ headers: RiakHTTPRequestHeaders) -> ArraySlice<UInt8>? {
        for name in [clientName, riakClientName] {
            if let name, let value = request.headers[name], !value.isEmpty { return Array(value.utf8)[...] }
        }
        return headers.requestID.map { Array(String($0.client).utf8)[...] }
    }

    private static let clientName = HTTPField.Name("X-Kindred-Client")
    private static let riakClientName = HTTPField.Name("X-Riak-ClientId")

    private func headers(
        of request: Request, for purpose: RiakHTTPRequestHeaders.Purpose, in bucket: RiakHTTPBucket
    ) throws -> RiakHTTPRequestHeaders {
        let now = Int64(Date().timeIntervalSince1970)
        var headers = RiakHTTPRequestHeaders(for: purpose, in: bucket, now: now)
        for field in request.headers { try headers.add(field.name.rawName, field.value) }
        return headers
    }
}

/// An object as HTTP shows it, free of the data loop.
struct ShownObject: Sendable {
    let versions: [RiakHTTPVersion]
    /// The causal token; nil if there is nothing to know.
    let token: [UInt8]?
    /// The current version's number, in buckets with version numbers.
    let number: UInt64?

    init(_ object: ObjectAnswer, on loop: DataLoop) {
        versions = object.versions.map { version in
            RiakHTTPVersion(
                tag: version.entityTag, lastModified: Int64(version.timestamp.milliseconds / 1_000),
                content: version.content)
        }
        token = object.knowledge.context.isEmpty ? nil : loop.token(object.knowledge, for: object.key)
        number = object.knowledge.number > 0 ? object.knowledge.number : nil
    }

    var tag: String { RiakHTTPObject.tag(of: versions) }
    var lastModified: Int64 { RiakHTTPObject.lastModified(of: versions) }

    /// What tells this state of the object from any other.
    var identity: [RiakHTTPField] {
        var fields: [RiakHTTPField] = []
        if !versions.isEmpty {
            fields.append(RiakHTTPField("ETag", RiakHTTPEntityTags.quoted(tag)))
            fields.append(RiakHTTPField("Last-Modified", RiakHTTPDate.format(lastModified)))
        }
        if let token { fields.append(RiakHTTPField("X-Riak-Vclock", Base64.encode(token))) }
        if let number { fields.append(RiakHTTPField("X-Kindred-Version", "\(number)")) }
        return fields
    }
}

/// What became of a put, with all that its answer may show.
private enum PutOutcome: Sendable {
    case stored(ShownObject, writer: [UInt8])
    case refused(RequestFailure, ShownObject)
}

extension RequestFailure {
    fileprivate var isFailedPrecondition: Bool {
        if case .preconditionFailed = self { return true }
        return false
    }
}

extension Request {
    /// Whether the path ends before a key, as in a POST to `…/keys`.
    fileprivate var uriNamesNoKey: Bool {
        if case .object = RiakHTTPRoute.parse(target: head.path ?? "/").route { return false }
        return true
    }
}
