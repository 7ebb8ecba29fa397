import KindredSimulator

extension FaultProfile {
    /// What it does, in a line.
    var summary: String {
        switch self {
        case .calm: "nothing goes wrong: what fails here fails without any fault"
        case .network: "cuts, one-way blocks, losses, duplicates, delays, old messages and slow nodes"
        case .disk: "disks that fail to read or commit, fill up, flip bits, lie, go back in time and get lost"
        case .crash: "killed processes, power cuts of one node and of all of them"
        case .clock: "wall clocks that jump and drift"
        case .membership:
            "nodes that join, leave and are replaced, with crashes, cuts and outages of the service meanwhile"
        case .everything: "all of it at once, over a bad network"
        }
    }
}

extension FaultKind {
    /// What happens, in a line.
    var summary: String {
        switch self {
        case .processCrash: "a process is killed; what reached the kernel stays"
        case .powerCrash: "a machine loses power; what was not synchronized may be gone"
        case .restart: "a machine starts again"
        case .partition: "the network falls into two or three parts"
        case .blockOneWay: "messages pass in one direction only"
        case .heal: "all cuts end"
        case .slowNode: "all messages of a node take many times longer"
        case .nodeSpeedRestored: "the node is as fast as before"
        case .replayOldMessage: "a message that was delivered long ago arrives once more"
        case .clockJump: "a wall clock is suddenly wrong, by up to a minute"
        case .clockDrift: "a wall clock goes too fast or too slowly"
        case .clockCorrected: "a wall clock is set right"
        case .diskReadErrors: "some reads fail"
        case .diskBitFlip: "a bit of a stored object is flipped"
        case .diskScrub: "every record is read"
        case .diskFull: "a disk has no room"
        case .diskFreed: "a disk has room again"
        case .diskCommitFailure: "a commit fails, and nobody knows what of it is there"
        case .diskHealed: "reads and commits work again"
        case .diskLost: "a node comes back with an empty disk"
        case .takeSnapshot: "somebody makes a copy of a disk"
        case .diskRollback: "a node comes back with an older copy of its disk"
        case .lyingSync: "a disk says that it has synchronized, and has not"
        case .honestSync: "a disk tells the truth again"
        case .replaceNode: "a new node takes the place of an old one, alive or dead"
        case .removeNode: "a node leaves the cluster"
        case .addNode: "a node joins the cluster"
        case .serviceOutageBegins: "the configuration service is away"
        case .serviceOutageEnds: "the configuration service is back"
        }
    }
}

extension Violation.Kind {
    /// What is promised, in a line.
    var summary: String {
        switch self {
        case .lostWrite: "an acknowledged write is there until a write that had seen it, or its strategy, replaces it"
        case .wrongAnswer: "a read shows exactly the writes that nothing known to the answer has replaced"
        case .wrongReplica: "a replica holds exactly what the events it claims to know add up to"
        case .tooManySiblings: "a key has no more siblings than its limit"
        case .noConvergence: "replicas that have exchanged what they know hold the same, and come to do so"
        case .dotReused: "no two writes ever have the same name"
        case .dishonestClock: "a replica's clock names its own events without gaps, and nothing it does not have"
        case .metadata: "at rest no key keeps a context, no delete a tombstone, and no clock a closed actor"
        case .session: "a session reads its own writes and never goes back"
        case .digest: "replicas with equal clocks have equal digests"
        case .fencing: "one leader at a time; the versions of a key have rising numbers"
        case .token: "a token says what its client was shown, of one key, and nothing else"
        case .conflictLog:
            "the conflict log has every write that was lost or has siblings, and none that was replaced knowingly"
        case .timestamps: "a write's timestamp is later than those of all that its writer had seen"
        case .liveness: "without faults and writes, a cluster comes to rest in a bounded time"
        case .repeatedWrite: "a request that is sent again is written once by the node that got it"
        case .quorum: "an acknowledged write is durable at as many replicas as the acknowledgement says"
        case .staleRead: "a read of a majority shows what a majority has acknowledged"
        case .writerKnowledge: "a writer is told no more than what it was shown and what it wrote"
        case .alarm: "no node raises an alarm of a fault that did not happen"
        case .codec: "every message means the same after it was written and read"
        }
    }
}
