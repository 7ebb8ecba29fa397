package import KindredModel
package import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

// The server's half of the messages about buckets and bucket types: decoding requests, encoding answers.

/// A request about buckets or bucket types, as plain values.
///
/// Names are as received: they may be empty or too long. A bucket's `type` is nil where none was given, which means `default`.
package enum RiakBucketRequest: Hashable, Sendable {
    /// Message 19, answered with 20.
    case properties(type: [UInt8]?, bucket: [UInt8])
    /// Message 21, answered with 22.
    case setProperties(PropertySet, type: [UInt8]?, bucket: [UInt8])
    /// Message 29, answered with 30.
    case resetProperties(type: [UInt8]?, bucket: [UInt8])
    /// Message 31, answered with 20.
    case typeProperties(type: [UInt8])
    /// Message 32, answered with 22.
    case setTypeProperties(PropertySet, type: [UInt8])
    /// Message 33, answered with 34.
    case preferenceList(type: [UInt8]?, bucket: [UInt8], key: [UInt8])
    /// Message 240, answered with 241.
    case administration(BucketTypeRequest)

    /// Decodes a message body; nil if the message is not about buckets.
    ///
    /// - Throws: `MalformedBytes` if the body is not such a message or lacks a required field.
    package init?(_ message: RiakMessageCode, _ body: UnsafeRawBufferPointer) throws(MalformedBytes) {
        switch message {
        case .getBucketRequest:
            let request = try RpbGetBucketReq(riakBody: body)
            self = .properties(type: request.hasType ? Array(request.type) : nil, bucket: Array(request.bucket))
        case .setBucketRequest:
            let request = try RpbSetBucketReq(riakBody: body)
            self = .setProperties(
                try request.props.propertySet(), type: request.hasType ? Array(request.type) : nil,
                bucket: Array(request.bucket))
        case .resetBucketRequest:
            let request = try RpbResetBucketReq(riakBody: body)
            self = .resetProperties(type: request.hasType ? Array(request.type) : nil, bucket: Array(request.bucket))
        case .getBucketTypeRequest:
            self = .typeProperties(type: Array(try RpbGetBucketTypeReq(riakBody: body).type))
        case .setBucketTypeRequest:
            let request = try RpbSetBucketTypeReq(riakBody: body)
            self = .setTypeProperties(try request.props.propertySet(), type: Array(request.type))
        case .getPreferenceListRequest:
            let request = try RpbGetBucketKeyPreflistReq(riakBody: body)
            self = .preferenceList(
                type: request.hasType ? Array(request.type) : nil, bucket: Array(request.bucket),
                key: Array(request.key))
        case .administrationRequest:
            self = .administration(try BucketTypeRequest(body))
        default:
            return nil
        }
    }
}

/// A replica of a key, as message 34 shows it.
package struct RiakPreferenceListEntry: Hashable, Sendable {
    /// The key's partition, counted from 0.
    package var partition: UInt16
    /// The name of the node that has the replica.
    package var node: String
    /// Whether the replica is where it belongs, not a stand-in.
    package var isPrimary: Bool

    /// Describes a replica.
    package init(partition: UInt16, node: String, isPrimary: Bool) {
        self.partition = partition
        self.node = node
        self.isPrimary = isPrimary
    }
}

extension ByteBuffer {
    /// Answers a request for the properties of a bucket or a bucket type (message 20).
    ///
    /// - Throws: `MalformedBytes` if the message has no field for one of the properties. Nothing is appended then.
    package mutating func appendRiakBucketProperties(_ properties: PropertySet) throws(MalformedBytes) {
        var response = RpbGetBucketResp()
        response.props = try RpbBucketProps(stored: properties)
        try appendRiakFrame(.getBucketResponse, response)
    }

    /// Answers a request for the replicas of a key (message 34).
    ///
    /// - Throws: `MalformedBytes` if the answer exceeds 2 GiB. Nothing is appended then.
    package mutating func appendRiakPreferenceList(_ replicas: [RiakPreferenceListEntry]) throws(MalformedBytes) {
        var response = RpbGetBucketKeyPreflistResp()
        response.preflist = replicas.map { replica in
            var item = RpbBucketKeyPreflistItem()
            item.partition = Int64(replica.partition)
            item.node = Data(replica.node.utf8)
            item.primary = replica.isPrimary
            return item
        }
        try appendRiakFrame(.getPreferenceListResponse, response)
    }
}

extension RpbBucketProps {
    /// A message with properties that were accepted earlier: that one of them cannot be sent is nobody's request's fault.
    init(stored properties: PropertySet) throws(MalformedBytes) {
        do throws(UnsendableProperty) {
            try self.init(properties)
        } catch {
            throw MalformedBytes("bucket property \(error)")
        }
    }
}
