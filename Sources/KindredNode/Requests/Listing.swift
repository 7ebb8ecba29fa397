import KindredModel
import KindredReplication
import KindredStorage
import NIOCore

/// A listing of the keys of a bucket, or of the buckets of a type, page by page and partition by partition. Each page is from a snapshot of its
/// own: what is written meanwhile may or may not be there. Each name comes once, but for buckets, which come once for each partition.
///
/// A value that remembers where it is; `DataLoop.next` fetches a page.
package struct NameListing: Sendable {
    let bucketType: UInt32
    /// Whose keys; nil lists buckets.
    let bucket: [UInt8]?
    let partitions: UInt16
    var partition: UInt16 = 0
    var after: [UInt8]?

    init(bucketType: UInt32, bucket: [UInt8]?, partitions: UInt16) {
        self.bucketType = bucketType
        self.bucket = bucket
        self.partitions = partitions
    }

    /// Whether there are no more pages.
    package var isAtEnd: Bool { partition >= partitions }

    func request(limit: Int) -> ListRequest {
        ListRequest(
            id: 0, partition: partition, bucketType: bucketType, bucket: bucket, after: after, limit: UInt32(limit))
    }

    mutating func advance(past page: ListPage) {
        if page.isLast || page.names.isEmpty {
            partition += 1
            after = nil
        } else {
            after = page.names.last
        }
    }
}

/// Reads a page of names from the disk: call it on a thread that may wait.
enum NameScan {
    /// - Parameter strategy: of the bucket whose keys are listed.
    static func page(
        _ request: ListRequest, _ strategy: ConflictStrategy, in engine: any StorageEngine
    ) throws(StorageError) -> ListPage {
        if request.bucket == [] { return try ConflictScan.page(request, in: engine) }
        let limit = Int(min(request.limit, Limits.namesPerPage))
        if let bucket = request.bucket { return try keys(of: bucket, request, strategy, limit, in: engine) }
        return try buckets(request, limit, in: engine)
    }

    private static func keys(
        of bucket: [UInt8], _ request: ListRequest, _ strategy: ConflictStrategy, _ limit: Int,
        in engine: any StorageEngine
    ) throws(StorageError) -> ListPage {
        guard
            let prefix = KeyLayout.prefix(
                partition: request.partition, bucketType: request.bucketType, bucket: bucket)
        else { return ListPage(names: [], isLast: true) }
        // The least key greater than the last one.
        let lower = request.after.map { prefix + $0 + [0] } ?? prefix
        var names: [[UInt8]] = []
        var isLast = true
        var failure: MalformedBytes?
        try engine.scan(.objects, from: lower, to: KeyLayout.successor(ofPrefix: prefix)) { key, value in
            guard names.count < limit else {
                isLast = false
                return .stop
            }
            do throws(MalformedBytes) {
                let object = try CausalObject(encoded: Array(value))
                if !strategy.visibleVersions(of: object).isEmpty { names.append(Array(key.dropFirst(prefix.count))) }
            } catch {
                failure = error
                return .stop
            }
            return .next
        }
        if let failure { throw .corrupt("object in partition \(request.partition): \(failure.reason)") }
        return ListPage(names: names, isLast: isLast)
    }

    private static func buckets(
        _ request: ListRequest, _ limit: Int, in engine: any StorageEngine
    ) throws(StorageError) -> ListPage {
        let prefix = KeyLayout.prefix(partition: request.partition, bucketType: request.bucketType)
        // The bucket without a name is the conflict log's.
        var lower = prefix + [0, 1]
        if let after = request.after,
            let own = KeyLayout.prefix(partition: request.partition, bucketType: request.bucketType, bucket: after),
            let next = KeyLayout.successor(ofPrefix: own)
        {
            lower = next
        }
        var names: [[UInt8]] = []
        var isLast = true
        try engine.scan(.objects, from: lower, to: KeyLayout.successor(ofPrefix: prefix)) { key, value in
            guard let fields = ObjectKeyFields(key) else { return .next }
            let bucket = Array(fields.bucket)
            // An object without versions only remembers what has been deleted.
            guard let object = try? CausalObject(encoded: Array(value)), !object.versions.isEmpty else { return .next }
            guard names.count < limit else {
                isLast = false
                return .stop
            }
            names.append(bucket)
            guard
                let own = KeyLayout.prefix(
                    partition: request.partition, bucketType: request.bucketType, bucket: bucket),
                let next = KeyLayout.successor(ofPrefix: own)
            else { return .stop }
            return .seek(next)
        }
        return ListPage(names: names, isLast: isLast)
    }
}

extension DataLoop {
    /// A listing of the keys of a bucket.
    package func keyListing(
        bucket: UnsafeRawBufferPointer, ofType name: UnsafeRawBufferPointer?
    ) throws(RequestFailure) -> NameListing {
        try checkReadable()
        let (type, _) = try self.bucket(bucket, ofType: name)
        return NameListing(bucketType: type, bucket: Array(bucket), partitions: identity.partitions)
    }

    /// A listing of the buckets of a type.
    package func bucketListing(ofType name: UnsafeRawBufferPointer?) throws(RequestFailure) -> NameListing {
        try checkReadable()
        return NameListing(bucketType: try typeID(name), bucket: nil, partitions: identity.partitions)
    }

    /// Fetches the next names, at least one and at most `limit`, and calls `resume` on the event loop; with nil if there are no more.
    package func next(
        of listing: NameListing, limit: Int,
        then resume: @escaping @Sendable (Result<[[UInt8]]?, RequestFailure>, NameListing) -> Void
    ) {
        guard !listing.isAtEnd else { return resume(.success(nil), listing) }
        fetch(listing.request(limit: limit)) { result in
            switch result {
            case .failure(let failure): resume(.failure(failure), listing)
            case .success(let page):
                var rest = listing
                rest.advance(past: page)
                if page.names.isEmpty {
                    self.next(of: rest, limit: limit, then: resume)
                } else {
                    resume(.success(page.names), rest)
                }
            }
        }
    }

    /// Gathers the names of all buckets of a listing, in their order, and calls `resume` on the event loop.
    package func allBuckets(
        of listing: NameListing, found: Set<[UInt8]> = [],
        then resume: @escaping @Sendable (Result<[[UInt8]], RequestFailure>) -> Void
    ) {
        next(of: listing, limit: Int(Limits.namesPerPage)) { result, rest in
            switch result {
            case .failure(let failure): resume(.failure(failure))
            case .success(nil): resume(.success(found.sorted { $0.lexicographicallyPrecedes($1) }))
            case .success(let names?):
                let all = found.union(names)
                guard all.count <= Limits.bucketsPerListing else {
                    let text = "there are more than \(Limits.bucketsPerListing) buckets, too many to list"
                    return resume(.failure(.storage(.failed(text))))
                }
                self.allBuckets(of: rest, found: all, then: resume)
            }
        }
    }

    /// Fetches one page: from the own disk, or in a cluster from a replica of the partition.
    func fetch(
        _ request: ListRequest, then resume: @escaping @Sendable (Result<ListPage, RequestFailure>) -> Void
    ) {
        guard case .alone = role else { return fetchFromReplica(request, then: resume) }
        scan(request) { result in resume(result.mapError { .storage($0) }) }
    }

    /// Reads a page from the own disk, on a thread that may wait.
    func scan(_ request: ListRequest, then resume: @escaping @Sendable (Result<ListPage, StorageError>) -> Void) {
        guard request.bucket == [] else { return scan(request, log: nil, then: resume) }
        scanConflicts(request, attempts: 100, then: resume)
    }

    /// What the clock says must be in what the scan finds: not before everything is committed that it speaks of.
    private func scanConflicts(
        _ request: ListRequest, attempts: Int,
        then resume: @escaping @Sendable (Result<ListPage, StorageError>) -> Void
    ) {
        eventLoop.execute {
            guard self.store.hasStagedChanges else {
                let log = self.conflictLogState(ofPartition: request.partition)
                return self.scan(request, log: log, then: resume)
            }
            guard attempts > 0 else { return resume(.failure(.failed("what is to be stored does not get there"))) }
            self.scheduleTick()
            self.eventLoop.scheduleTask(in: .milliseconds(5)) {
                self.scanConflicts(request, attempts: attempts - 1, then: resume)
            }
        }
    }

    private func scan(
        _ request: ListRequest, log: ConflictLogState?,
        then resume: @escaping @Sendable (Result<ListPage, StorageError>) -> Void
    ) {
        let engine = store.engine
        let strategy =
            request.bucket?.withUnsafeBytes { bucketTypes.resolved(type: request.bucketType, bucket: $0)?.strategy }
            ?? .versionVectors
        environment.offload {
            let result = Result { () throws(StorageError) -> ListPage in
                var page = try NameScan.page(request, strategy, in: engine)
                page.log = log
                return page
            }
            self.eventLoop.execute { resume(result) }
        }
    }
}

/// The same for callers that may be suspended.
extension DataLoop {
    /// The next names, at least one and at most `limit`; nil if there are no more.
    package func next(
        of listing: NameListing, limit: Int
    ) async throws(RequestFailure) -> (names: [[UInt8]]?, rest: NameListing) {
        let (result, rest) = await withCheckedContinuation { continuation in
            eventLoop.execute {
                self.next(of: listing, limit: limit) { result, rest in continuation.resume(returning: (result, rest)) }
            }
        }
        return (try result.get(), rest)
    }

    /// The names of all buckets of a listing, in their order.
    package func allBuckets(of listing: NameListing) async throws(RequestFailure) -> [[UInt8]] {
        let result = await withCheckedContinuation { continuation in
            eventLoop.execute { self.allBuckets(of: listing) { continuation.resume(returning: $0) } }
        }
        return try result.get()
    }
}
