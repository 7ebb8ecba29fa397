import KindredModel

/// Whose answers count for a key, before and after the change of members that is under way.
///
/// A key with fewer replicas than its partition has members is held by all of them, but only the first n voters count.
/// Otherwise r + w > n would not make a read meet the write before it.
package struct Electorate: Hashable, Sendable {
    /// Those that count by the old membership, in the order of the preference list.
    package let old: [ReplicaMember]
    /// Those that count by the new one. The same as `old` if no change is under way.
    package let new: [ReplicaMember]

    /// The first `n` voters of each side.
    package init(of view: PartitionView, n: UInt8) {
        if PlantedFault.learnerCounts.isActive {
            old = Array(view.members.prefix(Int(n)))
            new = old
            return
        }
        old = Array(view.members.lazy.filter(\.role.isOldVoter).prefix(Int(n)))
        new = Array(view.members.lazy.filter(\.role.isNewVoter).prefix(Int(n)))
    }

    /// The members that all have to agree with the leader. One that the view does not know counts too, so that nobody
    /// can be forgotten.
    package init(ledBy leadership: Leadership, in view: PartitionView) {
        old = leadership.members.map { node in
            view.member(at: node) ?? ReplicaMember(node: node, actor: .closed, role: .voter, counterCeiling: 0)
        }
        new = old
    }

    /// Everybody who counts on some side, each once.
    var everybody: [ReplicaMember] {
        old + new.filter { member in !old.contains { $0.node == member.node } }
    }

    /// How many satisfy the condition, on the side where they are fewer.
    func fewest(where condition: (NodeID) -> Bool) -> Int {
        min(old.count { condition($0.node) }, new.count { condition($0.node) })
    }
}

extension PartitionView {
    /// How many replicas a key can have: those being replaced and those replacing them share their places.
    package var places: Int {
        let old = members.count { $0.role.isOldVoter }
        let new = members.count { $0.role.isNewVoter }
        return max(old, new) + members.count { $0.role == .learner }
    }

    /// Says that the request asks for more replicas than there are; nil if it does not.
    func excess(of request: ClientRequest) -> Unavailability? {
        let quorums = request.quorums
        if Int(quorums.n) > places { return .tooManyAskedFor(n: UInt8(clamping: places)) }
        let asked: UInt8
        switch request.operation {
        case .get: asked = max(quorums.r, quorums.pr)
        case .write: asked = max(quorums.w, quorums.pw, quorums.dw)
        }
        return asked > quorums.n ? .tooManyAskedFor(n: quorums.n) : nil
    }
}
