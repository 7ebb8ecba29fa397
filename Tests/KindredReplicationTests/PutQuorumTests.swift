import KindredModel
import KindredReplication
import Testing

@Suite struct PutQuorumTests {
    private func quorum(_ view: PartitionView, _ quorums: RequestQuorums) -> PutQuorum { PutQuorum(of: view, quorums) }

    @Test func isSatisfiedByAsManyAcknowledgementsAsAskedFor() {
        var quorum = quorum(threeVoters, RequestQuorums(w: 2))
        quorum.acknowledged(by: n(1))
        quorum.acknowledged(by: n(1))
        #expect(quorum.answer == .undecided)
        quorum.acknowledged(by: n(3))
        #expect(quorum.answer == .satisfied)
    }

    @Test func needsAtLeastOneAcknowledgement() {
        var quorum = quorum(threeVoters, RequestQuorums(w: 0))
        #expect(quorum.answer == .undecided)
        quorum.acknowledged(by: n(2))
        #expect(quorum.answer == .satisfied)
    }

    @Test func durableAcknowledgementsAreCountedWithTheOthers() {
        var quorum = quorum(threeVoters, RequestQuorums(w: 1, dw: 3))
        quorum.acknowledged(by: n(1))
        quorum.acknowledged(by: n(2))
        #expect(quorum.answer == .undecided)
        quorum.failed(n(3))
        #expect(quorum.answer == .impossible(.dw, required: 3, got: 2))
    }

    @Test func isImpossibleOnceTooFewAreLeft() {
        var quorum = quorum(threeVoters, RequestQuorums(w: 2))
        quorum.acknowledged(by: n(1))
        quorum.failed(n(2))
        #expect(quorum.answer == .undecided)
        quorum.failed(n(3))
        #expect(quorum.answer == .impossible(.w, required: 2, got: 1))
    }

    @Test func anAcknowledgementAfterAFailureCounts() {
        var quorum = quorum(threeVoters, RequestQuorums(w: 2))
        quorum.failed(n(2))
        quorum.acknowledged(by: n(2))
        quorum.failed(n(2))
        quorum.acknowledged(by: n(3))
        #expect(quorum.answer == .satisfied)
    }

    @Test func aStandInCountsForAnyAndNotForMembers() {
        var quorum = quorum(threeVoters, RequestQuorums(w: 2, pw: 1))
        for node: UInt32 in [2, 3] {
            quorum.failed(n(node))
            quorum.standInAsked(for: n(node))
            quorum.standInAcknowledged(for: n(node))
        }
        #expect(quorum.answer == .undecided)
        quorum.failed(n(1))
        #expect(quorum.answer == .impossible(.pw, required: 1, got: 0))
        quorum.acknowledged(by: n(1))
        #expect(quorum.answer == .satisfied)
    }

    @Test func aMemberAndItsStandInAreOne() {
        var quorum = quorum(threeVoters, RequestQuorums(w: 2))
        quorum.standInAsked(for: n(2))
        quorum.standInAcknowledged(for: n(2))
        quorum.acknowledged(by: n(2))
        #expect(quorum.answer == .undecided)
    }

    @Test func aStandInThatIsAskedKeepsTheWritePossible() {
        var quorum = quorum(threeVoters, RequestQuorums(w: 3))
        quorum.failed(n(3))
        #expect(quorum.answer == .impossible(.w, required: 3, got: 0))
        quorum.standInAsked(for: n(3))
        #expect(quorum.answer == .undecided)
        quorum.standInFailed(for: n(3))
        #expect(quorum.answer == .impossible(.w, required: 3, got: 0))
    }

    @Test(arguments: [ReplicaMember.Role.learner, .draining])
    func learnersAndDrainingMembersDoNotCount(role: ReplicaMember.Role) {
        var quorum = quorum(view([member(1), member(2), member(3, role)]), RequestQuorums(w: 2))
        quorum.acknowledged(by: n(1))
        quorum.acknowledged(by: n(3))
        #expect(quorum.answer == .undecided)
        quorum.acknowledged(by: n(2))
        #expect(quorum.answer == .satisfied)
    }

    @Test func aChangeOfMembersNeedsAQuorumOnBothSides() {
        let joint = view([member(1), member(2), member(3, .outgoing), member(4, .incoming)])
        var old = quorum(joint, RequestQuorums(w: 2))
        old.acknowledged(by: n(1))
        old.acknowledged(by: n(3))
        #expect(old.answer == .undecided)
        old.acknowledged(by: n(4))
        #expect(old.answer == .satisfied)

        var lacking = quorum(joint, RequestQuorums(w: 3))
        lacking.failed(n(4))
        #expect(lacking.answer == .impossible(.w, required: 3, got: 0))
    }

    @Test func onlyTheFirstReplicasOfAKeyCount() {
        var quorum = quorum(threeVoters, RequestQuorums(n: 1, w: 1))
        quorum.acknowledged(by: n(2))
        quorum.acknowledged(by: n(3))
        #expect(quorum.answer == .undecided)
        quorum.acknowledged(by: n(1))
        #expect(quorum.answer == .satisfied)
    }

    @Test func anotherViewKeepsWhatTheSameIncarnationsAcknowledged() {
        var earlier = quorum(threeVoters, RequestQuorums(w: 3))
        for node: UInt32 in [1, 2, 3] { earlier.acknowledged(by: n(node)) }
        var later = quorum(view([member(1), member(2, actor: 21), member(3)], epoch: 2), RequestQuorums(w: 3))
        later.takeOver(earlier)
        #expect(later.answer == .undecided)
        #expect(later.hasAcknowledged(n(1)))
        #expect(!later.hasAcknowledged(n(2)))
        later.acknowledged(by: n(2))
        #expect(later.answer == .satisfied)
    }

    @Test func aLeaderNeedsAll() {
        let leadership = Leadership(epoch: 1, leader: n(1), members: [n(1), n(2), n(9)])
        var quorum = PutQuorum(allOf: leadership, in: threeVoters, kind: .w)
        quorum.acknowledged(by: n(1))
        quorum.acknowledged(by: n(2))
        quorum.acknowledged(by: n(3))
        #expect(quorum.answer == .undecided)
        quorum.acknowledged(by: n(9))
        #expect(quorum.answer == .satisfied)
    }

    @Test func saysBeforehandWhatIsLacking() {
        let quorum = quorum(threeVoters, RequestQuorums(w: 2, pw: 1))
        #expect(quorum.shortage(standIns: 0) { $0 != n(3) } == nil)
        #expect(quorum.shortage(standIns: 0) { $0 == n(1) } == .unsatisfied(.w, required: 2, got: 1))
        #expect(quorum.shortage(standIns: 1) { $0 == n(1) } == nil)
        #expect(quorum.shortage(standIns: 3) { _ in false } == .unsatisfied(.pw, required: 1, got: 0))
    }
}
