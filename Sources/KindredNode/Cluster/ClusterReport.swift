/// How a cluster is, as one of its nodes sees it: for people and for programs.
package struct ClusterReport: Codable, Sendable {
    /// The cluster's name and id.
    package var cluster: String
    package var id: String
    /// The node that says so.
    package var answeredBy: String
    /// Whether somebody has created it; before that, its nodes wait.
    package var isCreated: Bool
    package var partitions: Int
    /// How many replicas a partition has, if there are as many nodes.
    package var replicas: Int
    package var membershipEpoch: UInt64
    /// Why the configuration service cannot be reached; nil if it can.
    package var configurationProblem: String?
    package var nodes: [NodeReport]
    /// The changes that wait for a commit.
    package var staged: [String]
    package var transfers: [TransferReport]
    package var partitionStates: [PartitionReport]
    package var local: LocalReport
    /// What a person should look at.
    package var warnings: [String]
}

/// A node of the cluster.
package struct NodeReport: Codable, Sendable {
    package var name: String
    package var id: UInt32?
    /// `waiting`, `joining`, `member`, `leaving` or `lost`.
    package var state: String
    /// Whether its lease says that it runs.
    package var isPresent: Bool
    /// Whether the node that answers can reach it; nil for itself, and if it has never tried.
    package var isReachable: Bool?
    package var roundTripMicroseconds: UInt64?
    package var zone: String
    package var weight: UInt16
    package var peer: String
    package var pb: String
    package var http: String
    /// How many partitions it replicates, and how many it leads.
    package var replicas: Int
    package var leads: Int
    package var starts: UInt64
}

/// A change of a partition's members that is under way or waiting.
package struct TransferReport: Codable, Sendable {
    package var partition: UInt16
    /// `waiting`, `adding` (new members are taking everything over), `joint` (old and new members both count) or `draining` (the others take over
    /// what those that leave still know).
    package var stage: String
    package var arriving: [String]
    package var leaving: [String]
    /// About how many bytes of it the node that answers has; nil if it has no replica. An arriving replica has as many as the others when it is
    /// done.
    package var bytesHere: UInt64?
    /// What the change waits for.
    package var awaits: [String]
}

/// A partition, as the configuration has it.
package struct PartitionReport: Codable, Sendable {
    package var partition: UInt16
    package var epoch: UInt64
    /// Name, role and incarnation of each member.
    package var members: [MemberReport]
    package var leader: String?
    /// Incarnations that are being closed.
    package var closing: Int
    package var closed: UInt64
}

package struct MemberReport: Codable, Sendable {
    package var node: String
    /// `voter`, `learner`, `incoming`, `outgoing` or `draining`.
    package var role: String
    package var actor: UInt32
}

/// The state of the node that answers.
package struct LocalReport: Codable, Sendable {
    /// `serving`, or why it is not.
    package var state: String
    package var replicas: Int
    /// Replicas that may have lost something and wait for a new incarnation, or take over what they lack.
    package var unsureReplicas: Int
    package var transfersUnderWay: Int
    /// What full transfers have brought here since the node was started, and how fast over the last seconds.
    package var transferredObjects: UInt64
    package var transferredBytes: UInt64
    package var transferBytesPerSecond: Double
    package var hints: Int
    package var waitingRequests: Int
    package var salvagedWrites: UInt64
    package var discardedVersions: UInt64
    package var alarms: UInt64
    package var lastAlarm: String?
    /// How far the wall clock is behind the cluster's hybrid time, in milliseconds: large if some clock is or was ahead.
    package var clockBehindMilliseconds: UInt64
    /// How far the other nodes' clocks are from its own.
    package var clocks = ClockReport.nothing
}

/// What a commit of the staged changes would do.
package struct PlanReport: Codable, Sendable {
    package var membershipEpoch: UInt64
    package var changes: [String]
    package var partitions: [PartitionPlanReport]
    package var movedReplicas: Int
    /// About how much has to be sent; nil if the node that answers cannot tell.
    package var movedBytes: UInt64?
    /// How many replicas each partition has afterwards, on as many nodes, and in how many zones they are.
    package var replicas: Int
    package var zones: Int
}

package struct PartitionPlanReport: Codable, Sendable {
    package var partition: UInt16
    package var old: [String]
    package var new: [String]
    package var arriving: [String]
}
