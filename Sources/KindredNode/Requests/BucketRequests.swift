package import KindredModel
import KindredReplication

/// The operations on bucket types and on the properties of buckets.
extension DataLoop {
    /// Changes bucket types, in this tick.
    ///
    /// - Parameter change: changes the registry and answers the record to be kept.
    package func changeBucketTypes(
        _ change: (inout BucketTypeRegistry) throws(BucketTypeError) -> BucketTypeRecord
    ) throws(RequestFailure) {
        try checkWritable()
        var changed = bucketTypes
        do throws(BucketTypeError) {
            let record = try change(&changed)
            stage(changed, record)
        } catch {
            throw .bucketType(error)
        }
    }

    /// The replicas of an object in the order in which they are asked: with one node, that node as often as the bucket wants replicas.
    package func preferenceList(
        _ object: ObjectReference
    ) throws(RequestFailure) -> (partition: UInt16, replicas: Int) {
        try checkReadable()
        let (key, properties) = try locate(object)
        return (key.partition, properties.nVal)
    }
}
