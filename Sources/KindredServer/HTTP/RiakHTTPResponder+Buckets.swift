import Hummingbird
import KindredModel
import KindredNode
import KindredWire

/// The properties of buckets and bucket types, and where a key's replicas are.
extension RiakHTTPResponder {
    func bucketProperties(_ bucket: RiakHTTPBucket) async throws -> Response {
        let properties = try await registry { types throws(BucketTypeError) in
            try types.properties(ofBucket: bucket.name, inType: bucket.type)
        }
        // Riak names the bucket among its properties, and takes the name back without complaint.
        let name = PropertySet([Property("name", .text(String(decoding: bucket.name, as: UTF8.self)))])
        return Response(json: RiakHTTPJSON.properties(properties.overridden(by: name)))
    }

    func setBucketProperties(_ bucket: RiakHTTPBucket, _ request: Request) async throws -> Response {
        let properties = try await properties(in: request)
        try await change { types throws(BucketTypeError) in
            try types.setProperties(properties, ofBucket: bucket.name, inType: bucket.type)
        }
        return Response(bytes: [], status: 204, fields: [])
    }

    func resetBucketProperties(_ bucket: RiakHTTPBucket) async throws -> Response {
        try await change { types throws(BucketTypeError) in
            try types.resetProperties(ofBucket: bucket.name, inType: bucket.type)
        }
        return Response(bytes: [], status: 204, fields: [])
    }

    func typeProperties(_ type: [UInt8]) async throws -> Response {
        let nodeName = nodeName
        let properties = try await registry { types throws(BucketTypeError) in
            guard let found = types.type(named: type) else { throw .unknown(type) }
            let extra = PropertySet([
                Property("active", .bool(found.isActive)), Property("claimant", .text(nodeName)),
            ])
            return found.properties.overridden(by: extra)
        }
        return Response(json: RiakHTTPJSON.properties(properties))
    }

    func setTypeProperties(_ type: [UInt8], _ request: Request) async throws -> Response {
        let properties = try await properties(in: request)
        try await change { types throws(BucketTypeError) in try types.update(type, properties) }
        return Response(bytes: [], status: 204, fields: [])
    }

    func preferenceList(_ name: ObjectName) async throws -> Response {
        let (partition, replicas) = try await loop.run { loop throws(RequestFailure) in
            try name.withReference { reference throws(RequestFailure) in try loop.preferenceList(reference) }
        }
        return Response(
            json: RiakHTTPJSON.preferenceList(
                replicas.map { replica in
                    RiakHTTPJSON.PreferredReplica(
                        partition: Int64(partition), node: replica.node, isPrimary: replica.isPrimary)
                }))
    }

    private func properties(in request: Request) async throws -> PropertySet {
        let limit = RiakHTTPJSON.maximumLength
        let body = try await body(of: request, limit: limit, "properties are longer than \(limit) bytes\n")
        return try RiakHTTPJSON.parseProperties(body)
    }

    private func registry<Answer: Sendable>(
        _ body: @escaping @Sendable (BucketTypeRegistry) throws(BucketTypeError) -> Answer
    ) async throws(RequestFailure) -> Answer {
        try await loop.run { loop throws(RequestFailure) in
            do throws(BucketTypeError) {
                return try body(loop.bucketTypes)
            } catch {
                throw .bucketType(error)
            }
        }
    }

    private func change(
        _ body: @escaping @Sendable (inout BucketTypeRegistry) throws(BucketTypeError) -> BucketTypeRecord
    ) async throws(RequestFailure) {
        _ = try await loop.run { loop throws(RequestFailure) -> Bool? in
            try loop.changeBucketTypes(body) ? true : nil
        }
    }
}
