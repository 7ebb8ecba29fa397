import KindredModel
package import KindredReplication

/// What the nodes of a cluster agree on, as one value: who they are and where, who replicates what, and what an operator has prepared.
///
/// It lives in a `ConfigurationStore` as the document `topology`, and is changed there by compare and swap: every change is a function of
/// the value, so that it is decided on what is there.
package struct ClusterConfiguration: Sendable, Equatable {
    /// Distinguishes this cluster from every other: 16 random bytes.
    package let clusterID: [UInt8]
    /// The secret that authenticates causal tokens at every node: 32 random bytes.
    package let tokenSecret: [UInt8]
    /// The nodes that have ever registered and not left, in the order of their names.
    package internal(set) var nodes: [RegisteredNode] = []
    /// Who replicates what; nil until somebody has created the cluster.
    package internal(set) var topology: Topology?
    /// What an operator has asked for and not yet committed.
    package internal(set) var staged: [MembershipChange] = []

    package init(clusterID: [UInt8], tokenSecret: [UInt8]) {
        self.clusterID = clusterID
        self.tokenSecret = tokenSecret
    }

    /// The node of this name.
    package func node(named name: String) -> RegisteredNode? {
        nodes.first { $0.name == name }
    }

    /// The node with this id.
    package func node(_ id: NodeID) -> RegisteredNode? {
        nodes.first { $0.id == id }
    }

    /// A node's name, for people.
    package func name(of id: NodeID) -> String {
        node(id)?.name ?? "node \(id.rawValue)"
    }
}

/// A node as it has introduced itself.
package struct RegisteredNode: Sendable, Hashable {
    /// What people call it; given in its configuration, and kept when its machine is replaced by another one under the same name.
    package let name: String
    /// What the topology calls it; nil until there is one.
    package var id: NodeID?
    /// Where the other nodes find it.
    package var peer: PeerAddress
    /// Where clients find it, as it has been told to say: protocol buffers, and HTTP.
    package var pb: String
    package var http: String
    /// What may fail as a whole together with it.
    package var zone: String
    /// Its share of the replicas, at least 1.
    package var weight: UInt16
    /// Tells one start of its process from another: random. A start that registers twice counts once.
    package var start: UInt64

    package init(
        name: String, id: NodeID? = nil, peer: PeerAddress, pb: String, http: String, zone: String = "",
        weight: UInt16 = 1, start: UInt64 = 0
    ) {
        self.start = start
        self.name = name
        self.id = id
        self.peer = peer
        self.pb = pb
        self.http = http
        self.zone = zone
        self.weight = weight
    }
}

/// Why an operator's change was refused, in words for people.
package struct ClusterRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
