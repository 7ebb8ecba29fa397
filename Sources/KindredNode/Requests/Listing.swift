package import KindredModel
import KindredReplication
package import KindredStorage
import NIOCore

/// Lists the keys of a bucket, chunk by chunk, each from a snapshot of its own: keys written meanwhile may or may not be there.
///
/// A value that remembers where it is. Every chunk may wait for the disk: ask for it on a thread that may.
package struct KeyListing: Sendable {
    private let engine: any StorageEngine
    private let partitions: UInt16
    private let prefixes: @Sendable (UInt16) -> [UInt8]?
    private let strategy: ConflictStrategy
    private var partition: UInt16 = 0
    private var lower: [UInt8]?

    package init(
        engine: any StorageEngine, partitions: UInt16, bucketType: UInt32, bucket: [UInt8], strategy: ConflictStrategy
    ) {
        self.engine = engine
        self.partitions = partitions
        self.strategy = strategy
        prefixes = { KeyLayout.prefix(partition: $0, bucketType: bucketType, bucket: bucket) }
    }

    /// The next keys, at least one and at most `limit`; nil if there are no more. Each key comes once.
    package mutating func next(limit: Int) throws(StorageError) -> [[UInt8]]? {
        var keys: [[UInt8]] = []
        while partition < partitions, keys.count < limit {
            guard let prefix = prefixes(partition) else { return nil }
            let strategy = strategy
            var last: [UInt8]?
            var failure: MalformedBytes?
            try engine.scan(.objects, from: lower ?? prefix, to: KeyLayout.successor(ofPrefix: prefix)) { key, value in
                do throws(MalformedBytes) {
                    let object = try CausalObject(encoded: Array(value))
                    if !strategy.visibleVersions(of: object).isEmpty { keys.append(Array(key.dropFirst(prefix.count))) }
                } catch {
                    failure = error
                    return .stop
                }
                guard keys.count < limit else {
                    last = Array(key)
                    return .stop
                }
                return .next
            }
            if let failure { throw .corrupt("object in partition \(partition): \(failure.reason)") }
            if let last {
                // The least key greater than the last one.
                lower = last + [0]
            } else {
                lower = nil
                partition += 1
            }
        }
        return keys.isEmpty ? nil : keys
    }
}

/// Lists the buckets of a type that hold an object, in the order of their names. May wait for the disk.
package enum BucketListing {
    /// - Throws: also if there are more buckets than `Limits.bucketsPerListing`.
    package static func buckets(
        ofType type: UInt32, in engine: any StorageEngine, partitions: UInt16
    ) throws(StorageError) -> [[UInt8]] {
        var buckets: Set<[UInt8]> = []
        for partition in 0..<partitions {
            let prefix = KeyLayout.prefix(partition: partition, bucketType: type)
            try engine.scan(.objects, from: prefix, to: KeyLayout.successor(ofPrefix: prefix)) { key, value in
                guard let fields = ObjectKeyFields(key) else { return .next }
                let bucket = Array(fields.bucket)
                if !buckets.contains(bucket) {
                    // An object without versions only remembers what has been deleted.
                    guard let object = try? CausalObject(encoded: Array(value)), !object.versions.isEmpty else {
                        return .next
                    }
                    buckets.insert(bucket)
                }
                guard buckets.count <= Limits.bucketsPerListing,
                    let own = KeyLayout.prefix(partition: partition, bucketType: type, bucket: bucket),
                    let next = KeyLayout.successor(ofPrefix: own)
                else { return .stop }
                return .seek(next)
            }
            guard buckets.count <= Limits.bucketsPerListing else {
                throw .failed("there are more than \(Limits.bucketsPerListing) buckets, too many to list")
            }
        }
        return buckets.sorted { $0.lexicographicallyPrecedes($1) }
    }
}

extension DataLoop {
    /// A listing of the keys of a bucket.
    package func keyListing(
        bucket: UnsafeRawBufferPointer, ofType name: UnsafeRawBufferPointer?
    ) throws(RequestFailure) -> KeyListing {
        try checkReadable()
        let (type, properties) = try self.bucket(bucket, ofType: name)
        return KeyListing(
            engine: store.engine, partitions: identity.partitions, bucketType: type, bucket: Array(bucket),
            strategy: properties.strategy)
    }

    /// Runs work that waits for the disk, and then `resume` on the event loop.
    package func offload<Answer: Sendable>(
        _ work: @escaping @Sendable () -> Answer, then resume: @escaping @Sendable (Answer) -> Void
    ) {
        environment.offload {
            let answer = work()
            self.eventLoop.execute { resume(answer) }
        }
    }

    /// Runs work that waits for the disk, for callers that may be suspended.
    package func offloaded<Answer: Sendable>(
        _ work: @escaping @Sendable () throws(StorageError) -> Answer
    ) async throws(RequestFailure) -> Answer {
        let result = await withCheckedContinuation {
            (continuation: CheckedContinuation<Result<Answer, StorageError>, Never>) in
            environment.offload { continuation.resume(returning: Result(catching: work)) }
        }
        switch result {
        case .success(let answer): return answer
        case .failure(let error): throw .storage(error)
        }
    }
}
