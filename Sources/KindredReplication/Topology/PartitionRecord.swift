import KindredModel

/// What the configuration service holds of one partition: the view that everybody gets, and beside it how far a change
/// of the members has come.
///
/// A change of members goes through stages. Each stage is a new epoch of the view, and the next one begins when the
/// reports that it needs are there:
///
///     settled ──► adding ──────► joint ───────────► draining ──► settled
///                 new members    quorums among the   the others take
///                 are learners   old members and     over what the old
///                       ▲        among the new       members still know
///                       └─ renewal ─┘
///
/// **Why the joint stage is never skipped,** not even where members only come or only go: a coordinator that has not
/// heard of two changes would still be content with the old quorum. (One replica grows to three: it alone acknowledges
/// a write, and the two new ones alone answer the read. Three shrink to one: the two that go acknowledge, the one that
/// stays answers.) In the joint stage every old voter has said that it knows of the change before the old members stop
/// to count.
///
/// **Reports** name the epoch they were made in. They are valid if the members, their incarnations and roles have been
/// the same since then (`since`), and are dropped whenever these change.
///
/// **Lost nodes** are waited for by nobody; see `ClusterNode.State.lost`.
/// (Ongaro, Ousterhout, "In Search of an Understandable Consensus Algorithm", 2014, for joint quorums.)
package struct PartitionRecord: Hashable, Sendable {
    /// What replicas and coordinators go by.
    package internal(set) var view: PartitionView
    /// Whether, and how, members are changing.
    package internal(set) var progress: Progress = .settled
    /// The epoch since which members, incarnations and roles have been as they are.
    package internal(set) var since: UInt64
    /// The epoch of the last leadership there was, also while there is none.
    package internal(set) var leadershipEpoch: UInt64 = 0
    /// How often a leader had to be elected that may lack acknowledged versions.
    package internal(set) var uncleanElections: UInt64 = 0
    /// The id of the next incarnation. Ids are never used again.
    var nextActor: UInt32
    /// The reports that have come in since `since`, and are needed for the next stage.
    var received: [TransitionReport] = []
    /// What members have of the closing actors; at most one entry for each pair of member and closing actor.
    var closingReports: [ClosingReport] = []

    /// How a change of the members is going.
    package enum Progress: Hashable, Sendable {
        /// The members are those that the last plan wanted.
        case settled
        /// A plan wants these members, and it is not yet this partition's turn.
        case waiting(target: [NodeID])
        /// On the way.
        case changing(Transition)
    }

    /// A change of members that is under way.
    package struct Transition: Hashable, Sendable {
        /// The members when it is over, in the order of the preference list.
        package var target: [NodeID]
        /// Those of them that were none before.
        package var arriving: [NodeID]
        package var stage: Stage
    }

    package enum Stage: UInt8, Hashable, Sendable, CaseIterable {
        /// Arriving members are learners.
        case adding = 0
        /// Arriving members are incoming, leaving ones outgoing.
        case joint = 1
        /// Leaving members are draining.
        case draining = 2
    }

    /// The first view of a partition: the nodes are its voters, under the actors 1, 2, …; the first one leads.
    init(partition: UInt16, nodes: [NodeID]) {
        let members = nodes.enumerated().map { index, node in
            ReplicaMember(node: node, actor: ActorID(UInt32(index) + 1), role: .voter, counterCeiling: 0)
        }
        view = PartitionView(partition: partition, epoch: 1, members: members)
        since = 1
        nextActor = UInt32(nodes.count) + 1
        if let leader = nodes.first {
            leadershipEpoch = 1
            view.leadership = Leadership(epoch: 1, leader: leader, members: nodes)
        }
    }

    init(view: PartitionView, since: UInt64, nextActor: UInt32) {
        self.view = view
        self.since = since
        self.nextActor = nextActor
    }

    // MARK: What there is

    /// The change under way; nil if there is none.
    package var transition: Transition? {
        if case .changing(let transition) = progress { transition } else { nil }
    }

    /// The nodes of the members, in the order of the view.
    package var nodes: [NodeID] { view.members.map(\.node) }

    /// The member that is this incarnation.
    func member(_ actor: ActorID) -> ReplicaMember? {
        view.members.first { $0.actor == actor }
    }

    // MARK: Small changes

    /// A new epoch in which somebody has another role or incarnation, has come or has gone: what was reported before is
    /// void.
    mutating func membersChanged() {
        view.epoch += 1
        since = view.epoch
        received = []
        closingReports = []
    }

    /// An id for a new incarnation.
    mutating func takeActor() throws(TopologyRefusal) -> ActorID {
        guard nextActor < .max, view.closed.closings.count + view.closing.count < Limits.retiredActors else {
            throw .exhausted
        }
        defer { nextActor += 1 }
        return ActorID(nextActor)
    }

    /// Lets an incarnation mint no more. One that has never been given leave to mint has caused no event, so that
    /// nobody needs to find out what is known of it.
    mutating func retire(_ member: ReplicaMember) {
        guard member.counterCeiling > 0 else { return }
        let index = view.closing.firstIndex { $0 > member.actor } ?? view.closing.endIndex
        view.closing.insert(member.actor, at: index)
    }

    /// Refuses what was decided when the members were others.
    func check(epoch: UInt64) throws(TopologyRefusal) {
        guard epoch >= since, epoch <= view.epoch else { throw .wrongEpoch(current: view.epoch) }
    }

    // MARK: Ceilings and floors

    /// Lets an incarnation mint dots up to a counter. A lower ceiling than it has changes nothing.
    mutating func raiseCeiling(of actor: ActorID, to counter: UInt64) throws(TopologyRefusal) {
        guard let index = view.members.firstIndex(where: { $0.actor == actor }),
            view.members[index].role != .draining
        else { throw .notCurrent }
        guard counter > view.members[index].counterCeiling else { return }
        view.members[index].counterCeiling = counter
        view.epoch += 1
    }

    /// Lets incarnations that start from now on hand out only later timestamps. A lower floor than there is changes
    /// nothing.
    mutating func raiseClockFloor(to timestamp: HybridTimestamp) {
        guard timestamp > view.clockFloor else { return }
        view.clockFloor = timestamp
        view.epoch += 1
    }
}
