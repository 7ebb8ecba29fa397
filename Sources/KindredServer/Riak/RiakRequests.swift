import Foundation
import KindredModel
import KindredNode
import KindredReplication
import KindredStorage
import KindredWire
import NIOCore

/// Answers the messages of Riak's protocol: decodes a request, asks the data loop, encodes the answer.
///
/// Holds no state of a connection. What it leaves out is answered with an error, and the connection stays.
struct RiakRequests: Sendable {
    /// The name that clients are told.
    let nodeName: String
    /// The version that clients are told: of the Riak whose protocol this is, so that they use all of it.
    static let serverVersion = "3.2.0"

    /// What becomes of the connection after a message.
    enum Step {
        /// The answer has been appended.
        case answered
        /// An object is on its way from the disk; the same message will be tried again.
        case parked
        /// The message wants a tick in which it is the first one of its connection.
        case nextTick
        /// The answer comes in parts.
        case list(RiakListing)
        /// The answer has been appended, and the connection is to be closed.
        case close
    }

    func answer(
        _ frame: RiakFrame, _ body: UnsafeRawBufferPointer, on loop: DataLoop, clientID: inout [UInt8],
        into output: inout ByteBuffer, isFirstInTick: Bool
    ) -> Step {
        do {
            switch frame.message {
            case .getRequest: return try get(RiakGetRequest(body), on: loop, into: &output)
            case .putRequest: return try put(RiakPutRequest(body), by: clientID, on: loop, into: &output)
            case .deleteRequest: return try delete(RiakDeleteRequest(body), by: clientID, on: loop, into: &output)
            case .pingRequest:
                output.appendRiakFrame(.pingResponse)
            case .getServerInfoRequest:
                var info = RpbGetServerInfoResp()
                info.node = Data(nodeName.utf8)
                info.serverVersion = Data(Self.serverVersion.utf8)
                try output.appendRiakFrame(.getServerInfoResponse, info)
            case .getClientIDRequest:
                var answer = RpbGetClientIdResp()
                answer.clientID = Data(clientID)
                try output.appendRiakFrame(.getClientIDResponse, answer)
            case .setClientIDRequest:
                let wanted = try RpbSetClientIdReq(riakBody: body).clientID
                guard wanted.count <= Limits.keyBytes else { throw MalformedBytes("client id is too long") }
                clientID = [UInt8](wanted)
                output.appendRiakFrame(.setClientIDResponse)
            case .listKeysRequest, .listBucketsRequest:
                // A listing is answered in parts, outside of ticks: nothing of its tick may be undecided.
                guard isFirstInTick else { return .nextTick }
                return .list(try listing(frame, body, on: loop))
            case .startTLS:
                output.appendRiakError("Security not enabled; STARTTLS not allowed.")
            case .authenticationRequest:
                output.appendRiakError("Unknown message code: \(frame.code)")
            case let message?:
                switch try RiakBucketRequests.answer(message, body, on: loop, into: &output) {
                case .answered: break
                case .parked: return .parked
                case .noneOfThese: output.appendRiakError("Unknown message code: \(frame.code)")
                }
            case nil:
                output.appendRiakError("Unknown message code: \(frame.code)")
            }
            return .answered
        } catch let failure as RequestFailure {
            output.appendRiakError(RiakErrorText.text(for: failure))
            return .answered
        } catch {
            output.appendRiakError("Error processing incoming message: \(error)")
            return .close
        }
    }

    // MARK: Objects

    private func get(
        _ request: RiakGetRequest, on loop: DataLoop, into output: inout ByteBuffer
    ) throws -> Step {
        let options = request.options
        var counts = ReplicaCounts()
        counts.first = quorum(options.r)
        counts.primary = quorum(options.pr)
        counts.nodeConfirms = quorum(options.nodeConfirms)
        counts.nVal = options.n
        counts.basicQuorum = options.basicQuorum
        counts.notFoundOK = options.notFoundOK
        counts.isSloppy = options.sloppyQuorum
        counts.timeoutMilliseconds = options.timeoutMilliseconds
        let reference = ObjectReference(type: request.type, bucket: request.bucket, key: request.key)
        guard let object = try loop.get(reference, replicas: counts) else { return .parked }
        if object.versions.isEmpty {
            guard options.deletedVclock == true, !object.knowledge.context.isEmpty else {
                output.appendRiakNotFound()
                return .answered
            }
        } else if let known = request.ifModified, !known.isEmpty,
            let seen = try loop.open(known, for: object.key)?.context,
            object.versions.allSatisfy({ seen.contains($0.dot) })
        {
            output.appendRiakUnchanged()
            return .answered
        }
        try append(object, .get, head: options.head == true, on: loop, into: &output)
        return .answered
    }

    private func put(
        _ request: RiakPutRequest, by clientID: [UInt8], on loop: DataLoop, into output: inout ByteBuffer
    ) throws -> Step {
        let options = request.options
        var counts = ReplicaCounts()
        counts.first = quorum(options.w)
        counts.primary = quorum(options.pw)
        counts.durable = quorum(options.dw)
        counts.nodeConfirms = quorum(options.nodeConfirms)
        counts.nVal = options.n
        counts.isSloppy = options.sloppyQuorum
        counts.timeoutMilliseconds = options.timeoutMilliseconds
        var precondition = Precondition()
        precondition.mustNotExist = options.ifNoneMatch == true
        let content = request.content
        guard content.linkCount + content.userMetadataCount + content.indexCount <= Limits.metadataEntries else {
            throw RequestFailure.tooMuchMetadata(limit: Limits.metadataEntries)
        }
        let bytes = try encoded(content)
        guard let key = request.key else {
            let made = loop.makeKeyForRequest()
            let answer = try made.withUnsafeBytes { key in
                try loop.put(
                    PutRequest(
                        object: ObjectReference(type: request.type, bucket: request.bucket, key: key),
                        content: bytes, token: request.vclock, precondition: precondition,
                        ifNotModified: options.ifNotModified == true, replicas: counts, writer: Self.writer(clientID)))
            }
            guard let answer else { return .parked }
            try appendPut(answer, key: made, options, on: loop, into: &output)
            return .answered
        }
        let answer = try loop.put(
            PutRequest(
                object: ObjectReference(type: request.type, bucket: request.bucket, key: key),
                content: bytes, token: request.vclock, precondition: precondition,
                ifNotModified: options.ifNotModified == true, replicas: counts, writer: Self.writer(clientID)))
        guard let answer else { return .parked }
        try appendPut(answer, key: nil, options, on: loop, into: &output)
        return .answered
    }

    /// The content as it is stored. Entries of indexes are checked and brought into their one form, as over HTTP.
    private func encoded(_ content: RiakContent) throws(RequestFailure) -> [UInt8] {
        guard content.indexCount > 0 else { return content.encodedObjectContent() }
        var object = content.objectContent()
        do throws(RiakIndexEntry.Failure) {
            object.indexes = try object.indexes.map { entry throws(RiakIndexEntry.Failure) in
                try RiakIndexEntry.checked(name: entry.key, value: entry.value)
            }
        } catch {
            throw .invalidIndexEntry(error.description)
        }
        return object.encoded()
    }

    private func appendPut(
        _ answer: PutAnswer, key: [UInt8]?, _ options: RiakPutOptions, on loop: DataLoop, into output: inout ByteBuffer
    ) throws {
        let head = options.returnHead == true
        if head || options.returnBody == true {
            try append(answer.object, .put(key: key), head: head, on: loop, into: &output)
        } else if let key {
            try key.withUnsafeBytes { try output.appendRiakPutResponse(key: $0) }
        } else {
            try output.appendRiakPutResponse()
        }
    }

    private func delete(
        _ request: RiakDeleteRequest, by clientID: [UInt8], on loop: DataLoop, into output: inout ByteBuffer
    ) throws -> Step {
        let options = request.options
        var counts = ReplicaCounts()
        counts.first = quorum(options.w ?? options.rw)
        counts.primary = quorum(options.pw)
        counts.durable = quorum(options.dw)
        counts.nVal = options.n
        counts.isSloppy = options.sloppyQuorum
        counts.timeoutMilliseconds = options.timeoutMilliseconds
        let reference = ObjectReference(type: request.type, bucket: request.bucket, key: request.key)
        let writer = Self.writer(clientID)
        guard try loop.delete(reference, token: request.vclock, replicas: counts, writer: writer) != nil else {
            return .parked
        }
        output.appendRiakDeleteResponse()
        return .answered
    }

    /// The client's name; nil as long as it has given none.
    private static func writer(_ clientID: [UInt8]) -> ArraySlice<UInt8>? {
        clientID.allSatisfy { $0 == 0 } ? nil : clientID[...]
    }

    private func quorum(_ code: UInt32?) -> Quorum {
        code.map(Quorum.init(code:)) ?? .default
    }

    // MARK: Encoding objects

    private enum Answer {
        case get
        case put(key: [UInt8]?)
    }

    private func append(
        _ object: ObjectAnswer, _ answer: Answer, head: Bool, on loop: DataLoop, into output: inout ByteBuffer
    ) throws {
        let token = loop.token(object.knowledge, for: object.key)
        try token.withUnsafeBytes { token in
            if object.versions.count == 1, let only = object.versions.first, let content = only.content,
                case .get = answer
            {
                try content.withUnsafeBytes { content in
                    var tag = only.entityTag
                    let view = try ObjectContentView(content)
                    try tag.withUTF8 { tag in
                        try output.appendRiakGetResponse(
                            sibling(only, view, UnsafeRawBufferPointer(tag)), vclock: token, head: head)
                    }
                }
                return
            }
            try withSiblings(object.versions) { siblings in
                switch answer {
                case .get: try output.appendRiakGetResponse(siblings, vclock: token, head: head)
                case .put(let key):
                    try (key ?? []).withUnsafeBytes { bytes in
                        try output.appendRiakPutResponse(
                            siblings, vclock: token, key: key == nil ? nil : bytes, head: head)
                    }
                }
            }
        }
    }

    /// Several versions lie in several arrays, none of which can be pointed into for long: copies them into one.
    private func withSiblings(
        _ versions: [Version], _ body: (UnsafeBufferPointer<RiakSibling>) throws -> Void
    ) throws {
        var bytes: [UInt8] = []
        var ranges: [(content: Range<Int>, tag: Range<Int>)] = []
        for version in versions {
            guard let content = version.content else { continue }
            let contentStart = bytes.count
            bytes += content
            let tagStart = bytes.count
            bytes += version.entityTag.utf8
            ranges.append((contentStart..<tagStart, tagStart..<bytes.count))
        }
        try bytes.withUnsafeBytes { bytes in
            var siblings: [RiakSibling] = []
            for (version, range) in zip(versions.filter { $0.content != nil }, ranges) {
                let view = try ObjectContentView(UnsafeRawBufferPointer(rebasing: bytes[range.content]))
                siblings.append(sibling(version, view, UnsafeRawBufferPointer(rebasing: bytes[range.tag])))
            }
            try siblings.withUnsafeBufferPointer(body)
        }
    }

    private func sibling(
        _ version: Version, _ content: ObjectContentView, _ tag: UnsafeRawBufferPointer
    ) -> RiakSibling {
        let milliseconds = version.timestamp.milliseconds
        return RiakSibling(
            content: content, vtag: tag, lastModified: UInt32(truncatingIfNeeded: milliseconds / 1_000),
            lastModifiedMicroseconds: UInt32(truncatingIfNeeded: milliseconds % 1_000 * 1_000))
    }

    // MARK: Listings

    private func listing(
        _ frame: RiakFrame, _ body: UnsafeRawBufferPointer, on loop: DataLoop
    ) throws -> RiakListing {
        let received = NIODeadline.now()
        if frame.message == .listKeysRequest {
            let request = try RpbListKeysReq(riakBody: body)
            let bucket = [UInt8](request.bucket)
            let keys = try bucket.withUnsafeBytes { bucket in
                try withType(request.hasType ? request.type : nil) { try loop.keyListing(bucket: bucket, ofType: $0) }
            }
            return RiakListing(
                .keys(keys), timeoutMilliseconds: request.hasTimeout ? request.timeout : nil, received: received)
        }
        let request = try RpbListBucketsReq(riakBody: body)
        let buckets = try withType(request.hasType ? request.type : nil) { try loop.bucketListing(ofType: $0) }
        return RiakListing(
            .buckets(buckets, streaming: request.stream),
            timeoutMilliseconds: request.hasTimeout ? request.timeout : nil, received: received)
    }

    private func withType<Result>(
        _ type: Data?, _ body: (UnsafeRawBufferPointer?) throws -> Result
    ) throws -> Result {
        guard let type else { return try body(nil) }
        return try [UInt8](type).withUnsafeBytes { try body($0) }
    }
}
