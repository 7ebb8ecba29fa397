/// What a plan of faults must not do, so that what the cluster then gets wrong is its own fault.
///
/// An episode that takes from a node what it had acknowledged (`destructive`) makes the node *destroyed*. It counts as
/// one from the beginning of its episode until the episode has ended *and* the cluster then had `recovery`
/// microseconds in which it could copy to the node what it lost: a time without cuts, stopped nodes, slow or full
/// disks, and outages. Only `maximumDestroyed` nodes are destroyed at a time. Data with n replicas, acknowledged by w
/// of them, survives as long as fewer than w are.
///
/// Every value may be changed to search beyond what Kindred promises.
package struct FaultPolicy: Hashable, Sendable {
    /// How many nodes may be destroyed at a time.
    package var maximumDestroyed: Int
    /// How many nodes may be stopped at a time. All of them, unless changed: what is synchronized survives that.
    package var maximumStopped: Int
    /// How many members the cluster keeps when nodes leave.
    package var minimumMembers: Int
    /// How long a destroyed node and an undisturbed cluster need to make the node whole, in microseconds.
    package var recovery: UInt64
    /// The mean time from the beginning of one episode to that of the next, in microseconds.
    package var meanGap: UInt64
    /// How long an episode takes, in microseconds.
    package var length: ClosedRange<UInt64>
    /// How far clocks jump at most, in milliseconds.
    package var longestClockJump: Int64
    /// How much clocks drift at most, in millionths.
    package var largestClockDrift: Int
    /// The kinds of episodes that destroy a node.
    package var destructive: Set<EpisodeKind>

    /// The policy for a cluster that keeps its promises: a minority of the replicas of any key may be destroyed.
    package init(nodes: Int, replicas: Int) {
        precondition(nodes > 0 && replicas > 0, "\(nodes) nodes with \(replicas) replicas")
        maximumDestroyed = (min(nodes, replicas) - 1) / 2
        maximumStopped = nodes
        minimumMembers = min(nodes, replicas)
        recovery = 3_000_000
        meanGap = 400_000
        length = 20_000...3_000_000
        longestClockJump = 60_000
        largestClockDrift = 50_000
        destructive = [.bitFlip, .lostDisk, .rollback, .lyingDisk, .replacement, .removal]
    }
}
