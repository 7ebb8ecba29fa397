/// A node of the cluster, as the topology knows it.
package struct ClusterNode: Hashable, Sendable {
    /// Its name; never used again after it has left.
    package let id: NodeID
    /// What may fail as a whole: a rack, a room, a site. Replicas of a partition are in different zones where there are
    /// enough.
    package var zone: String
    /// Its share of the replicas, compared with the other nodes'; at least 1.
    package var weight: UInt16
    /// What placement hashes: the node's own id, or that of the node it has replaced, so that it gets exactly the same
    /// replicas.
    package var seat: UInt32
    /// How many starts of its process have been registered.
    package var generation: UInt64
    /// What part it has in the cluster.
    package var state: State

    package init(
        id: NodeID, zone: String = "", weight: UInt16 = 1, seat: UInt32? = nil, generation: UInt64 = 0,
        state: State = .joining
    ) {
        self.id = id
        self.zone = zone
        self.weight = weight
        self.seat = seat ?? id.rawValue
        self.generation = generation
        self.state = state
    }

    /// What part a node has in the cluster.
    ///
    ///     joining ──► member ◄──► leaving ──► (removed, once it has no replica)
    ///        └───────────┴───────────┴──────► lost ──► (removed, once it has no replica)
    package enum State: UInt8, Hashable, Sendable, CaseIterable {
        /// Registered; gets no replicas before a plan says so.
        case joining = 0
        /// Gets replicas.
        case member = 1
        /// Its replicas move elsewhere.
        case leaving = 2
        /// An operator has declared that it will not come back: nobody waits for it any more. If the machine does
        /// return, it joins as a new node.
        case lost = 3
    }
}
