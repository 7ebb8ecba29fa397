import KindredModel
package import KindredNode
package import KindredWire
package import NIOCore

/// Serves the messages about bucket types, the properties of buckets, and where a key's replicas are.
///
/// They are rare, so they are decoded by generated code and answered from the registry. Nothing is answered here that a failed commit
/// would make untrue: the connection keeps `output` back until the tick is committed.
package enum RiakBucketRequests {
    /// Carries out a request, in this tick, and appends its answer.
    ///
    /// - Parameters:
    ///   - message: what the frame says it is.
    ///   - body: the frame's body.
    ///   - loop: the data loop, whose tick this is.
    ///   - output: gets one frame appended, unless the request fails.
    /// - Throws: `RequestFailure` if the node could not carry it out, `MalformedBytes` if the body is not what its code says.
    package static func answer(
        _ message: RiakMessageCode, _ body: UnsafeRawBufferPointer, on loop: DataLoop, into output: inout ByteBuffer
    ) throws -> Step {
        guard let request = try RiakBucketRequest(message, body) else { return .noneOfThese }
        switch try perform(request, on: loop) {
        case nil: return .parked
        case .properties(let properties): try output.appendRiakBucketProperties(properties)
        case .done(let message): output.appendRiakFrame(message)
        case .replicas(let replicas): try output.appendRiakPreferenceList(replicas)
        case .types(let types): try output.appendRiakAdministrationResponse(types)
        }
        return .answered
    }

    /// What became of a message.
    package enum Step {
        case answered
        /// The change is on its way to all nodes; the same message will be tried again.
        case parked
        /// The message is none of these; nothing has happened.
        case noneOfThese
    }

    private enum Answer {
        case properties(PropertySet)
        case done(RiakMessageCode)
        case replicas([RiakPreferenceListEntry])
        case types([BucketTypeDescription])
    }

    /// - Returns: nil if the change is on its way.
    private static func perform(
        _ request: RiakBucketRequest, on loop: DataLoop
    ) throws(RequestFailure) -> Answer? {
        switch request {
        case .properties(let type, let bucket):
            try check(bucket, ofType: type, on: loop)
            return .properties(try properties(ofBucket: bucket, inType: type, on: loop))
        case .setProperties(let properties, let type, let bucket):
            try check(bucket, ofType: type, on: loop)
            let isDone = try loop.changeBucketTypes { (types) throws(BucketTypeError) in
                try types.setProperties(properties, ofBucket: bucket, inType: type ?? BucketType.defaultName)
            }
            return isDone ? .done(.setBucketResponse) : nil
        case .resetProperties(let type, let bucket):
            try check(bucket, ofType: type, on: loop)
            let isDone = try loop.changeBucketTypes { (types) throws(BucketTypeError) in
                try types.resetProperties(ofBucket: bucket, inType: type ?? BucketType.defaultName)
            }
            return isDone ? .done(.resetBucketResponse) : nil
        case .typeProperties(let name):
            let type = try activeType(name, on: loop)
            return .properties(type.properties)
        case .setTypeProperties(let properties, let name):
            guard !name.isEmpty else { throw .empty(.type) }
            let isDone = try loop.changeBucketTypes { (types) throws(BucketTypeError) in
                try types.update(name, properties)
            }
            return isDone ? .done(.setBucketResponse) : nil
        case .preferenceList(let type, let bucket, let key):
            return .replicas(try replicas(ofKey: key, bucket: bucket, type: type, on: loop))
        case .administration(let request):
            return try administer(request, on: loop).map { types in .types(types.map { BucketTypeDescription($0) }) }
        }
    }

    // MARK: Buckets

    /// Throws where no such bucket can be.
    private static func check(_ bucket: [UInt8], ofType type: [UInt8]?, on loop: DataLoop) throws(RequestFailure) {
        let result = bucket.withUnsafeBytes { bucket in
            withUnsafeBytes(ofOptional: type) { type in
                Result { () throws(RequestFailure) in _ = try loop.bucket(bucket, ofType: type) }
            }
        }
        try result.get()
    }

    private static func properties(
        ofBucket bucket: [UInt8], inType type: [UInt8]?, on loop: DataLoop
    ) throws(RequestFailure) -> PropertySet {
        do throws(BucketTypeError) {
            return try loop.bucketTypes.properties(ofBucket: bucket, inType: type ?? BucketType.defaultName)
        } catch {
            throw .bucketType(error)
        }
    }

    private static func replicas(
        ofKey key: [UInt8], bucket: [UInt8], type: [UInt8]?, on loop: DataLoop
    ) throws(RequestFailure) -> [RiakPreferenceListEntry] {
        let result = key.withUnsafeBytes { key in
            bucket.withUnsafeBytes { bucket in
                withUnsafeBytes(ofOptional: type) { type in
                    Result { () throws(RequestFailure) in
                        try loop.preferenceList(ObjectReference(type: type, bucket: bucket, key: key))
                    }
                }
            }
        }
        let (partition, replicas) = try result.get()
        return replicas.map { RiakPreferenceListEntry(partition: partition, node: $0.node, isPrimary: $0.isPrimary) }
    }

    private static func withUnsafeBytes<Result>(
        ofOptional bytes: [UInt8]?, _ body: (UnsafeRawBufferPointer?) -> Result
    ) -> Result {
        guard let bytes else { return body(nil) }
        return bytes.withUnsafeBytes { body($0) }
    }

    // MARK: Bucket types

    private static func activeType(_ name: [UInt8], on loop: DataLoop) throws(RequestFailure) -> BucketType {
        guard !name.isEmpty else { throw .empty(.type) }
        guard let type = loop.bucketTypes.type(named: name), type.isActive else { throw .unknownType(name) }
        return type
    }

    /// - Returns: the type that was meant, as it is now, or all of them; nil if a change is on its way.
    private static func administer(
        _ request: BucketTypeRequest, on loop: DataLoop
    ) throws(RequestFailure) -> [BucketType]? {
        let name: [UInt8]
        var isDone = true
        switch request {
        case .list:
            return loop.bucketTypes.list
        case .status(let asked):
            name = asked
        case .create(let new, let properties):
            isDone = try loop.changeBucketTypes { (types) throws(BucketTypeError) in
                try types.create(new, properties)
            }
            name = new
        case .activate(let created):
            isDone = try loop.changeBucketTypes { (types) throws(BucketTypeError) in try types.activate(created) }
            name = created
        case .update(let existing, let properties):
            isDone = try loop.changeBucketTypes { (types) throws(BucketTypeError) in
                try types.update(existing, properties)
            }
            name = existing
        }
        guard isDone else { return nil }
        guard let type = loop.bucketTypes.type(named: name) else { throw .bucketType(.unknown(name)) }
        return [type]
    }
}
