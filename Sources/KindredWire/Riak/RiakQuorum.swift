/// The numbers a quorum field holds in place of a count. Absent, or `bucketDefault`: the bucket's property decides.
package enum RiakQuorum {
    /// One replica.
    package static let one: UInt32 = 4_294_967_294
    /// More than half of the replicas.
    package static let quorum: UInt32 = 4_294_967_293
    /// Every replica.
    package static let all: UInt32 = 4_294_967_292
    /// What the bucket says.
    package static let bucketDefault: UInt32 = 4_294_967_291
}
