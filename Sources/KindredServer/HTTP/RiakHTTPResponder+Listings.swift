import Hummingbird
import KindredModel
import KindredNode
import KindredReplication
import KindredWire
import NIOCore

/// Listings of keys and buckets, whole or part by part. The disk is read on threads that may wait for it.
extension RiakHTTPResponder {
    private static let json = [RiakHTTPField("Content-Type", "application/json")]

    func listKeys(_ bucket: RiakHTTPBucket, _ parameters: RiakHTTPParameters) async throws -> Response {
        let deadline = deadline(parameters)
        guard parameters.keys != .no else { return try await bucketProperties(bucket) }
        let listing = try await loop.run { loop throws(RequestFailure) in
            try bucket.name.withBytes { name throws(RequestFailure) in
                try bucket.type.withBytes { type throws(RequestFailure) in
                    try loop.keyListing(bucket: name, ofType: type)
                }
            }
        }
        if parameters.keys == .whole {
            var keys: [[UInt8]] = []
            var rest: NameListing? = listing
            while let listing = rest {
                let (chunk, next) = try await self.next(of: listing)
                keys += chunk ?? []
                rest = chunk == nil ? nil : next
                if isPast(deadline) { throw RequestFailure.timeout }
            }
            return Response(json: RiakHTTPJSON.list("keys", of: keys))
        }
        let responder = self
        let body = ResponseBody { writer in
            var rest: NameListing? = listing
            while let listing = rest {
                do {
                    let (chunk, next) = try await responder.next(of: listing)
                    if responder.isPast(deadline) { throw RequestFailure.timeout }
                    try await writer.write(ByteBuffer(bytes: RiakHTTPJSON.list("keys", of: chunk ?? [])))
                    rest = chunk == nil ? nil : next
                } catch let failure as RequestFailure {
                    // The status has been sent: only the body can still say it.
                    let error = PropertyValue.object([Property("error", .text(RiakErrorText.text(for: failure)))])
                    try await writer.write(ByteBuffer(bytes: RiakHTTPJSON.encode(error)))
                    rest = nil
                }
            }
            try await writer.finish(nil)
        }
        return Response(status: .ok, headers: HTTPFields(Self.json), body: body)
    }

    func listBuckets(_ type: [UInt8], _ parameters: RiakHTTPParameters) async throws -> Response {
        guard parameters.buckets != .no else {
            return Response(text: "ask for ?buckets=true or ?buckets=stream\n", status: 400)
        }
        let deadline = deadline(parameters)
        let listing = try await loop.run { loop throws(RequestFailure) in
            try type.withBytes { type throws(RequestFailure) in try loop.bucketListing(ofType: type) }
        }
        let buckets = try await loop.allBuckets(of: listing)
        if isPast(deadline) { throw RequestFailure.timeout }
        var body = RiakHTTPJSON.list("buckets", of: buckets)
        if parameters.buckets == .stream { body += RiakHTTPJSON.list("buckets", of: [[UInt8]]()) }
        return Response(json: body)
    }

    private func next(of listing: NameListing) async throws(RequestFailure) -> ([[UInt8]]?, NameListing) {
        try await loop.next(of: listing, limit: Limits.keysPerChunk)
    }

    private func deadline(_ parameters: RiakHTTPParameters) -> NIODeadline? {
        guard let timeout = parameters.timeoutMilliseconds, timeout > 0 else { return nil }
        return .now() + .milliseconds(Int64(timeout))
    }

    private func isPast(_ deadline: NIODeadline?) -> Bool {
        deadline.map { NIODeadline.now() >= $0 } ?? false
    }
}
