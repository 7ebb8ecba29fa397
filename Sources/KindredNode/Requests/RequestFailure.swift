package import KindredModel
package import KindredReplication
package import KindredStorage

/// Why a request could not be carried out. Nothing has changed then, with one exception: after a failure of the storage other than a
/// full disk, whether a write was kept is unknown.
///
/// Each protocol says it in its own words and codes.
package enum RequestFailure: Error, Hashable, Sendable {
    /// A part of the object's name has no bytes.
    case empty(NamePart)
    /// A part of the object's name has too many bytes.
    case tooLong(NamePart, limit: Int)
    /// There is no active bucket type of this name.
    case unknownType([UInt8])
    /// A bucket type or a bucket's properties could not be read or changed.
    case bucketType(BucketTypeError)
    /// The bucket holds data types, and plain objects cannot be read or written there.
    case dataTypeBucket
    /// More replicas are asked for than the bucket has.
    case tooManyReplicasAskedFor(nVal: Int)
    /// The causal context is none of this object.
    case invalidContext(CausalToken.Refusal)
    /// The object is larger than may be stored.
    case tooLarge(Int)
    /// An entry of a secondary index has a name or a value that no index has.
    case invalidIndexEntry(String)
    /// The object has more links, user metadata and index entries than may be stored.
    case tooMuchMetadata(limit: Int)
    /// The write would add a sibling to too many; with this token, they can be replaced.
    case tooManySiblings(Int, token: [UInt8])
    /// The key is immutable and has other content.
    case exists
    /// The key is immutable and cannot be deleted.
    case immutable
    /// A precondition does not hold. `current` is what the key has now.
    case preconditionFailed(Precondition.Failure, current: [Version])
    /// The deadline of the request has passed.
    case timeout
    /// Not enough replicas could be asked. A write may have happened all the same, unless `mayHaveHappened` is false.
    case unavailable(Unavailability, mayHaveHappened: Bool)
    /// Only the leader serves the key, and this is where it is, as far as this node knows.
    case notTheLeader(leader: String?, mayHaveHappened: Bool)
    /// The node does not take part in its cluster at the moment, or the cluster's configuration cannot be changed.
    case notServing(String)
    /// The storage cannot serve it.
    case storage(StorageError)

    package enum NamePart: String, Sendable {
        case type = "Type"
        case bucket = "Bucket"
        case key = "Key"
    }
}
