import KindredModel

/// Counts the acknowledgements of one write.
///
/// A write is acknowledged when `max(w, dw)` replicas have it, of which `pw` are members and not nodes that stand in
/// for one. (Every acknowledgement is a durable one, so dw adds nothing but its number.) While a change of members is
/// under way, all this must hold among the old members and among the new ones. Each member counts once, whether it
/// answers itself, through a stand-in, or both.
///
/// Silence is not failure: a member counts as possible until it has refused or has become unreachable. What ends
/// waiting for it is the client's deadline. (After riak_kv's `riak_kv_put_core`: a quorum as a value.)
package struct PutQuorum: Hashable, Sendable {
    /// What can be said now.
    package enum Answer: Hashable, Sendable {
        case undecided
        case satisfied
        /// Not enough are left that could still acknowledge.
        case impossible(Unavailability.Kind, required: UInt8, got: UInt8)
    }

    private struct Slot: Hashable, Sendable {
        let member: ReplicaMember
        var own = Progress.waiting
        var standIn = Progress.failed

        var isAcknowledged: Bool { own == .acknowledged || standIn == .acknowledged }
        var isPossible: Bool { own != .failed || standIn != .failed }
    }

    private enum Progress: Hashable, Sendable {
        case waiting
        case acknowledged
        case failed
    }

    private let electorate: Electorate
    private let required: UInt8
    private let requiredOfMembers: UInt8
    private let kind: Unavailability.Kind
    private var slots: [Slot]

    /// The quorum of an ordinary write. At least one acknowledgement is always needed.
    package init(of view: PartitionView, _ quorums: RequestQuorums) {
        electorate = Electorate(of: view, n: quorums.n)
        let asked = max(quorums.w, quorums.dw)
        required = max(1, PlantedFault.quorumOffByOne.isActive && asked > 0 ? asked - 1 : asked)
        requiredOfMembers = quorums.pw
        kind = quorums.dw > quorums.w ? .dw : .w
        slots = electorate.everybody.map { Slot(member: $0) }
    }

    /// Everyone that the leader needs.
    ///
    /// - Parameters:
    ///   - least: how many copies the request asks for. A leader with fewer members cannot give them.
    ///   - kind: what to say is lacking, if one of them cannot be had.
    package init(
        allOf leadership: Leadership, in view: PartitionView, atLeast least: UInt8 = 0, kind: Unavailability.Kind
    ) {
        electorate = Electorate(ledBy: leadership, in: view)
        let members = UInt8(clamping: leadership.members.count)
        required = PlantedFault.leaderNeedsMajorityOnly.isActive ? members / 2 + 1 : max(members, least)
        requiredOfMembers = 0
        self.kind = kind
        slots = electorate.everybody.map { Slot(member: $0) }
    }

    /// Whether the node's acknowledgement would count.
    package func counts(_ node: NodeID) -> Bool {
        slots.contains { $0.member.node == node }
    }

    /// Whether the member itself has acknowledged.
    package func hasAcknowledged(_ node: NodeID) -> Bool {
        slots.contains { $0.member.node == node && $0.own == .acknowledged }
    }

    /// Whether somebody has acknowledged, or may yet acknowledge, in the member's place.
    package func hasStandIn(for node: NodeID) -> Bool {
        slots.contains { $0.member.node == node && $0.standIn != .failed }
    }

    // MARK: Events

    /// The member has the write.
    package mutating func acknowledged(by node: NodeID) {
        update(node) { $0.own = .acknowledged }
    }

    /// The member will not acknowledge: it has refused, or cannot be reached.
    package mutating func failed(_ node: NodeID) {
        update(node) { if $0.own == .waiting { $0.own = .failed } }
    }

    /// Somebody has been asked to keep the write for the member.
    package mutating func standInAsked(for node: NodeID) {
        update(node) { if $0.standIn == .failed { $0.standIn = .waiting } }
    }

    /// Somebody keeps the write for the member.
    package mutating func standInAcknowledged(for node: NodeID) {
        update(node) { $0.standIn = .acknowledged }
    }

    /// Nobody is left who could keep the write for the member.
    package mutating func standInFailed(for node: NodeID) {
        update(node) { if $0.standIn == .waiting { $0.standIn = .failed } }
    }

    private mutating func update(_ node: NodeID, _ change: (inout Slot) -> Void) {
        guard let index = slots.firstIndex(where: { $0.member.node == node }) else { return }
        change(&slots[index])
    }

    /// Takes over what has been acknowledged under an earlier view: by the same incarnation of a member, or in its
    /// place. A new incarnation has lost what the earlier one acknowledged. Nothing else is known of anybody.
    package mutating func takeOver(_ earlier: PutQuorum) {
        for slot in earlier.slots {
            guard let index = slots.firstIndex(where: { $0.member.node == slot.member.node }) else { continue }
            if slot.own == .acknowledged, slots[index].member.actor == slot.member.actor {
                slots[index].own = .acknowledged
            }
            if slot.standIn == .acknowledged { slots[index].standIn = .acknowledged }
        }
    }

    // MARK: The answer

    /// What can be said now.
    package var answer: Answer {
        let acknowledged = fewest(where: \.isAcknowledged)
        let ofMembers = fewest { $0.own == .acknowledged }
        if acknowledged >= required, ofMembers >= requiredOfMembers { return .satisfied }
        if fewest(where: { $0.own != .failed }) < requiredOfMembers {
            return .impossible(.pw, required: requiredOfMembers, got: UInt8(clamping: ofMembers))
        }
        if fewest(where: \.isPossible) < required {
            return .impossible(kind, required: required, got: UInt8(clamping: acknowledged))
        }
        return .undecided
    }

    private func fewest(where condition: (Slot) -> Bool) -> Int {
        electorate.fewest { node in slots.contains { $0.member.node == node && condition($0) } }
    }

    /// Whether it can be worth beginning: says what is lacking if the members that can be reached, and those who would
    /// stand in for the others, are too few. So a write that cannot be acknowledged is not begun.
    ///
    /// - Parameter standIns: how many nodes could stand in.
    package func shortage(standIns: Int, isReachable: (NodeID) -> Bool) -> Unavailability? {
        let reachable = electorate.fewest(where: isReachable)
        if reachable < requiredOfMembers {
            return .unsatisfied(.pw, required: requiredOfMembers, got: UInt8(clamping: reachable))
        }
        let possible = [electorate.old, electorate.new].reduce(Int.max) { least, side in
            let reachable = side.count { isReachable($0.node) }
            return min(least, reachable + min(standIns, side.count - reachable))
        }
        return possible < required ? .unsatisfied(kind, required: required, got: UInt8(clamping: possible)) : nil
    }
}
