package import KindredReplication

extension Limits {
    /// How often the replication core is told that time has passed: much more often than any of its deadlines needs.
    package static let clusterTickMilliseconds: UInt64 = 50
    /// A node that has not been reached so long after the first try counts as unreachable.
    package static let firstContactMilliseconds: UInt64 = 2_000
    /// How often the peers' clocks are compared, in ticks: as often as heartbeats measure them.
    package static let ticksPerClockWatch: UInt64 = 4
    /// An exchange that is longer ago says nothing about a peer's clock: it may have been set since. Heartbeats come every 200 ms.
    package static let clockFreshMilliseconds: UInt64 = 5_000
    /// A clock that is further off than so many milliseconds, about 280 years, counts as that far off: sums of such differences must fit.
    package static let clockMilliseconds: UInt64 = 1 << 43
    /// How many names another node is asked for at a time in a listing.
    package static let namesPerPage: UInt32 = 1_024
    /// A page of a listing that does not come within this time is asked for elsewhere.
    package static let listingMilliseconds: UInt64 = 2_000
    /// How many reads of peers' connections wait for a tick: each is at most what one read of a socket brings, so some hundred MiB in the worst
    /// case, when the disk has stopped the loop.
    package static let inboxReads = 1_024
}
