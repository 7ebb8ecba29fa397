/// Why the topology was not changed. A refused change leaves it exactly as it was.
package enum TopologyRefusal: Error, Hashable, Sendable {
    /// There is no partition of this number.
    case noSuchPartition
    /// There is no node of this name.
    case noSuchNode
    /// The node is not in a state in which this can be done.
    case wrongNodeState(ClusterNode.State)
    /// Two members would have the same seat, and so the same replicas: one has replaced the other.
    case seatTaken
    /// No node would be left to place replicas on.
    case noNodes
    /// A parameter is beyond its bound, or out of the order that it must have.
    case outOfBounds
    /// The decision was taken on a view whose members were others than now, or on one that does not exist yet.
    case wrongEpoch(current: UInt64)
    /// The actor is not, or no longer, a member that may do this.
    case notCurrent
    /// The plan was made for other nodes or members than there are now.
    case stalePlan
    /// Members are still changing as an earlier plan said.
    case changeInProgress
    /// The leadership has changed since, or there is none.
    case wrongLeadership(current: UInt64)
    /// Only a member of the last leadership may lead: nobody else is sure to have every acknowledged version.
    case notInLeadership
    /// There is a leadership; electing anew without it would lose versions for nothing.
    case leadershipExists
    /// The actor is not closing.
    case notClosing
    /// The supply of ids, or of room for retired incarnations, is used up.
    case exhausted
}
