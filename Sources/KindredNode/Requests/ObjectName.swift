/// An object's name in arrays of its own, for whoever cannot point into a buffer.
package struct ObjectName: Hashable, Sendable {
    package let type: [UInt8]
    package let bucket: [UInt8]
    package let key: [UInt8]

    package init(type: [UInt8], bucket: [UInt8], key: [UInt8]) {
        self.type = type
        self.bucket = bucket
        self.key = key
    }

    /// Calls `body` with the name as requests take it.
    package func withReference<Answer>(
        _ body: (ObjectReference) throws(RequestFailure) -> Answer
    ) throws(RequestFailure) -> Answer {
        try type.withBytes { type throws(RequestFailure) in
            try bucket.withBytes { bucket throws(RequestFailure) in
                try key.withBytes { key throws(RequestFailure) in
                    try body(ObjectReference(type: type, bucket: bucket, key: key))
                }
            }
        }
    }
}

extension Array where Element == UInt8 {
    /// `withUnsafeBytes` for a body that throws a request's failure.
    package func withBytes<Answer>(
        _ body: (UnsafeRawBufferPointer) throws(RequestFailure) -> Answer
    ) throws(RequestFailure) -> Answer {
        let result = withUnsafeBytes { bytes in
            Result { () throws(RequestFailure) -> Answer in try body(bytes) }
        }
        return try result.get()
    }
}
