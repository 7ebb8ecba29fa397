import KindredModel

/// Counts the answers to one read.
///
/// A read is answered when `max(r, pr)` members have answered, among the old members and among the new ones while a
/// change is under way. (All answers come from members, so pr adds nothing but its number.) An error is never an
/// answer.
///
/// Unless `notFoundOK` is set, a member that has nothing does not count until everybody has answered: it may just not
/// have heard yet. With `basicQuorum`, waiting also ends when a majority has nothing or has failed. Even then nothing
/// is said with fewer than r answers; this is where Riak differs, which may say "not found" after a single one. (After
/// riak_kv's `riak_kv_get_core`.)
package struct GetQuorum: Hashable, Sendable {
    /// What can be said now.
    package enum Answer: Hashable, Sendable {
        case undecided
        case satisfied
        /// Not enough are left that could still answer.
        case impossible(Unavailability.Kind, required: UInt8, got: UInt8)
    }

    private enum Progress: Hashable, Sendable {
        case waiting
        case found
        case notFound
        case failed
    }

    private struct Slot: Hashable, Sendable {
        let member: ReplicaMember
        var progress = Progress.waiting
    }

    private let electorate: Electorate
    private let required: UInt8
    private let requiredReachable: UInt8
    private let kind: Unavailability.Kind
    private let notFoundOK: Bool
    private let basicQuorum: Bool
    private var slots: [Slot]

    /// The quorum of a read. At least one answer is always needed.
    package init(of view: PartitionView, _ quorums: RequestQuorums) {
        electorate = Electorate(of: view, n: quorums.n)
        required = max(1, quorums.r, quorums.pr)
        requiredReachable = quorums.pr
        kind = quorums.pr > quorums.r ? .pr : .r
        notFoundOK = quorums.notFoundOK
        basicQuorum = quorums.basicQuorum
        slots = electorate.everybody.map { Slot(member: $0) }
    }

    // MARK: Events

    /// The member has told what it knows.
    ///
    /// - Parameter found: whether that includes a version.
    package mutating func answered(by node: NodeID, found: Bool) {
        update(node, to: found ? .found : .notFound)
    }

    /// The member will not answer: it has refused, or cannot be reached.
    package mutating func failed(_ node: NodeID) {
        guard let index = index(of: node), slots[index].progress == .waiting else { return }
        slots[index].progress = .failed
    }

    private mutating func update(_ node: NodeID, to progress: Progress) {
        guard let index = index(of: node) else { return }
        slots[index].progress = progress
    }

    private func index(of node: NodeID) -> Int? {
        slots.firstIndex { $0.member.node == node }
    }

    /// Takes over the answers given under an earlier view by the same incarnations. Nothing else is known of anybody.
    package mutating func takeOver(_ earlier: GetQuorum) {
        for slot in earlier.slots where slot.progress == .found || slot.progress == .notFound {
            guard let index = index(of: slot.member.node), slots[index].member.actor == slot.member.actor else {
                continue
            }
            slots[index].progress = slot.progress
        }
    }

    // MARK: The answer

    private enum Verdict { case undecided, satisfied, impossible }

    /// What can be said now.
    package var answer: Answer {
        let verdicts = (verdict(of: electorate.old), verdict(of: electorate.new))
        if verdicts == (.satisfied, .satisfied) { return .satisfied }
        guard verdicts.0 == .impossible || verdicts.1 == .impossible else { return .undecided }
        let got = electorate.fewest { node in
            index(of: node).map { slots[$0].progress == .found || slots[$0].progress == .notFound } ?? false
        }
        return .impossible(kind, required: required, got: UInt8(clamping: got))
    }

    private func verdict(of side: [ReplicaMember]) -> Verdict {
        var found = 0
        var notFound = 0
        var failed = 0
        var waiting = 0
        for member in side {
            switch index(of: member.node).map({ slots[$0].progress }) {
            case .found: found += 1
            case .notFound: notFound += 1
            case .waiting: waiting += 1
            case .failed, nil: failed += 1
            }
        }
        let answers = found + notFound
        let disappointing = failed + (notFoundOK ? 0 : notFound)
        let hasEnded = waiting == 0 || (basicQuorum && disappointing > side.count / 2)
        if (notFoundOK ? answers : found) >= required { return .satisfied }
        if hasEnded { return answers >= required ? .satisfied : .impossible }
        return answers + waiting < required ? .impossible : .undecided
    }

    /// Says that fewer members than pr can be reached; nil if they are enough. So the read need not begin.
    package func shortage(isReachable: (NodeID) -> Bool) -> Unavailability? {
        let reachable = electorate.fewest(where: isReachable)
        guard reachable < requiredReachable else { return nil }
        return .unsatisfied(.pr, required: requiredReachable, got: UInt8(clamping: reachable))
    }
}
