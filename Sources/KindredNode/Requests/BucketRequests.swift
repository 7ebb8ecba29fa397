package import KindredModel
import KindredReplication

/// The operations on bucket types and on the properties of buckets.
extension DataLoop {
    /// Changes bucket types, in this tick.
    ///
    /// - Parameter change: changes the registry and answers the record to be kept.
    /// - Returns: whether it is done; in a cluster it takes its time, and the participant performs again.
    package func changeBucketTypes(
        _ change: @escaping @Sendable (inout BucketTypeRegistry) throws(BucketTypeError) -> BucketTypeRecord
    ) throws(RequestFailure) -> Bool {
        guard case .alone = role else { return try changeClusterBucketTypes(change) }
        try checkWritable()
        var changed = bucketTypes
        do throws(BucketTypeError) {
            let record = try change(&changed)
            stage(changed, record)
            return true
        } catch {
            throw .bucketType(error)
        }
    }

    /// The replicas of an object in the order in which they are asked: with one node, that node as often as the bucket wants replicas.
    package func preferenceList(
        _ object: ObjectReference
    ) throws(RequestFailure) -> (partition: UInt16, replicas: [ReplicaPlace]) {
        try checkReadable()
        let (key, properties) = try locate(object)
        if case .alone = role {
            let replica = ReplicaPlace(node: nodeName, isPrimary: true)
            return (key.partition, Array(repeating: replica, count: properties.nVal))
        }
        return (key.partition, Array(try member().preferenceList(of: key.partition).prefix(properties.nVal)))
    }
}

/// Where a replica is.
package struct ReplicaPlace: Hashable, Sendable {
    /// The node's name.
    package let node: String
    /// Whether it is one of the key's own replicas, and not one that stands in.
    package let isPrimary: Bool
}
