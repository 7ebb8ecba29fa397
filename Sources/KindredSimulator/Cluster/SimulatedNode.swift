import KindredModel
import KindredReplication
import KindredStorage

/// A machine of a simulated cluster: its disk and clock, and the process that runs on it, if one does. The process is the shell around
/// `ReplicaNode`, as small as it can be: commit, synchronize, and only then do what the node wants done.
struct SimulatedNode {
    let id: NodeID
    let disk: SimulatedDisk
    var clock: SimulatedClock
    var process: Process?
    /// Counts the processes, so that what belongs to a dead one can be told.
    var processes = 0
    /// Whether the next process may take the disk's word for the latest: the last one was killed or closed, and nobody has touched the disk.
    var isTrusted = true
    /// Whether the machine has left the cluster for good.
    var isGone = false
    /// A crash that waits for the next commit.
    var armedCrash: CrashKind?
    /// An image of the disk that may be put back.
    var snapshot: DiskSnapshot?
    /// What each replica's clock was when its storage was last synchronized. Outlives the process.
    var durableClocks: [UInt16: ReplicaClock] = [:]
    /// How long a synchronization takes, in virtual microseconds.
    let synchronizationTime: UInt64

    /// A running process.
    struct Process {
        let number: Int
        let store: ObjectStore
        var node: ReplicaNode
        /// What waits for a synchronization: the effects of each step, with the commit that must be durable first.
        var held: [(after: CommitSequence, effects: [NodeEffect])] = []
        var isSynchronizing = false
    }

    init(id: NodeID, seed: UInt64, clockOffset: Int64, synchronizationTime: UInt64) {
        self.id = id
        disk = SimulatedDisk(seed: seed)
        clock = SimulatedClock(offsetMilliseconds: clockOffset)
        self.synchronizationTime = synchronizationTime
    }

    func wall(at time: VirtualTime) -> UInt64 { clock.wallMilliseconds(at: time) }

    func monotonic(at time: VirtualTime) -> UInt64 { clock.monotonicMicroseconds(at: time) / 1_000 }
}
