import KindredModel
import KindredReplication

/// Events that a node has staged and that may not be durable yet: if its storage loses them, they have never happened.
struct OpenEvents {
    private var entries: [(node: Int, key: Int, position: Int, partition: UInt16, dot: Dot)] = []

    mutating func add(node: Int, key: Int, position: Int, partition: UInt16, dot: Dot) {
        entries.append((node, key, position, partition, dot))
    }

    /// Everything that this node has staged is durable.
    mutating func confirm(_ node: Int) {
        entries.removeAll { $0.node == node }
    }

    /// A node has begun anew from what its storage has kept: what is not there has never happened.
    mutating func restarted(_ node: Int, _ replicas: ReplicaNode, forget: (_ key: Int, _ position: Int) -> Void) {
        for entry in entries where entry.node == node {
            let isKept = replicas.replica(of: entry.partition)?.clock.contains(entry.dot) ?? false
            if !isKept { forget(entry.key, entry.position) }
        }
        confirm(node)
    }
}

/// A client's write, as one process has minted it. It must do so once.
struct MintedRequest: Hashable {
    var node: Int
    var process: Int
    var key: Int
    var request: ClientRequestID
}

/// An incarnation of a partition's replica.
struct Incarnation: Hashable {
    var partition: UInt16
    var actor: ActorID
}

/// What a replica must refuse, as it was before the step in which it may have been told so.
struct FenceState {
    let id: UInt64
    /// What is wrong with the write.
    let reason: String

    /// Nil if the input is not a write that must be refused.
    init?(_ input: NodeInput, _ node: ReplicaNode) {
        guard case .message(.replicate(let message), _) = input, let replica = node.replica(of: message.partition)
        else {
            return nil
        }
        id = message.id
        if message.epoch < replica.view.epoch {
            reason = "under an epoch that it has left"
        } else if message.leaderEpoch > 0, message.leaderEpoch < replica.promisedLeaderEpoch {
            reason = "of a leader that has been replaced"
        } else if message.update.events.contains(where: {
            replica.view.closing.contains($0.actor) && !replica.clock.contains($0)
        }) {
            reason = "of an actor that is being closed"
        } else {
            return nil
        }
    }
}

/// What a run consisted of.
package struct SimulationCounts: Hashable, Sendable {
    package var events = 0
    package var steps = 0
    package var requests = 0
    package var reads = 0
    package var writes = 0
    package var refused = 0
    package var refusedTokens = 0
    package var unavailable = 0
    package var unsatisfied = 0
    package var unknown = 0
    package var failedCommits = 0
    package var salvaged = 0
    package var discarded = 0
    package var checks = 0
    /// The records of the conflict logs in the end.
    package var conflictRecords = 0
    /// Virtual microseconds.
    package var simulated: UInt64 = 0
    package var faults = FaultCounts()
    package var network = NetworkStatistics()

    package init() {}
}
