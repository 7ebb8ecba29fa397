package import KindredReplication

extension Limits {
    /// How often the replication core is told that time has passed: much more often than any of its deadlines needs.
    package static let clusterTickMilliseconds: UInt64 = 50
    /// A node that has not been reached so long after the first try counts as unreachable.
    package static let firstContactMilliseconds: UInt64 = 2_000
    /// How many names another node is asked for at a time in a listing.
    package static let namesPerPage: UInt32 = 1_024
    /// A page of a listing that does not come within this time is asked for elsewhere.
    package static let listingMilliseconds: UInt64 = 2_000
    /// How many partitions are asked at the same time by one listing of buckets.
    package static let listingConcurrency = 8
}
