import KindredModel
import KindredReplication
import Testing

@Suite struct GetQuorumTests {
    private func quorum(_ quorums: RequestQuorums, _ view: PartitionView = threeVoters) -> GetQuorum {
        GetQuorum(of: view, quorums)
    }

    @Test func isSatisfiedByAsManyAnswersAsAskedFor() {
        var quorum = quorum(RequestQuorums(r: 2))
        quorum.answered(by: n(1), found: true)
        quorum.answered(by: n(1), found: true)
        #expect(quorum.answer == .undecided)
        quorum.answered(by: n(2), found: false)
        #expect(quorum.answer == .satisfied)
    }

    @Test func nothingIsNotAnAnswerOfNobody() {
        #expect(quorum(RequestQuorums(r: 0)).answer == .undecided)
    }

    @Test func anErrorIsNotAnAnswer() {
        var quorum = quorum(RequestQuorums(r: 2))
        quorum.failed(n(1))
        quorum.answered(by: n(2), found: false)
        #expect(quorum.answer == .undecided)
        quorum.failed(n(3))
        #expect(quorum.answer == .impossible(.r, required: 2, got: 1))
    }

    @Test func membersAreCountedForPrToo() {
        var quorum = quorum(RequestQuorums(r: 1, pr: 2))
        quorum.answered(by: n(1), found: true)
        #expect(quorum.answer == .undecided)
        #expect(quorum.shortage { $0 == n(1) } == .unsatisfied(.pr, required: 2, got: 1))
        #expect(quorum.shortage { $0 != n(1) } == nil)
        quorum.failed(n(2))
        quorum.failed(n(3))
        #expect(quorum.answer == .impossible(.pr, required: 2, got: 1))
    }

    @Test func notFoundCountsLastIfItIsNotAnAnswer() {
        var quorum = quorum(RequestQuorums(r: 1, notFoundOK: false))
        quorum.answered(by: n(1), found: false)
        quorum.answered(by: n(2), found: false)
        #expect(quorum.answer == .undecided)
        quorum.answered(by: n(3), found: false)
        #expect(quorum.answer == .satisfied)
    }

    @Test func aVersionCountsAtOnceIfNotFoundIsNotAnAnswer() {
        var quorum = quorum(RequestQuorums(r: 1, notFoundOK: false))
        quorum.answered(by: n(1), found: false)
        quorum.answered(by: n(2), found: true)
        #expect(quorum.answer == .satisfied)
    }

    @Test func basicQuorumEndsWithAMajorityThatHasNothing() {
        var quorum = quorum(RequestQuorums(r: 1, notFoundOK: false, basicQuorum: true))
        quorum.answered(by: n(1), found: false)
        #expect(quorum.answer == .undecided)
        quorum.answered(by: n(2), found: false)
        #expect(quorum.answer == .satisfied)
    }

    @Test func basicQuorumEndsWithAMajorityThatFailed() {
        var patient = quorum(RequestQuorums(r: 1))
        var hasty = quorum(RequestQuorums(r: 1, basicQuorum: true))
        for node: UInt32 in [1, 2] {
            patient.failed(n(node))
            hasty.failed(n(node))
        }
        #expect(patient.answer == .undecided)
        #expect(hasty.answer == .impossible(.r, required: 1, got: 0))
    }

    @Test func basicQuorumNeverSaysNotFoundWithFewerAnswersThanAskedFor() {
        var quorum = quorum(RequestQuorums(r: 2, notFoundOK: false, basicQuorum: true))
        quorum.answered(by: n(1), found: false)
        quorum.failed(n(2))
        #expect(quorum.answer == .impossible(.r, required: 2, got: 1))
    }

    @Test(arguments: [ReplicaMember.Role.learner, .draining])
    func learnersAndDrainingMembersDoNotCount(role: ReplicaMember.Role) {
        var quorum = quorum(RequestQuorums(r: 2), view([member(1), member(2), member(3, role)]))
        quorum.answered(by: n(1), found: true)
        quorum.answered(by: n(3), found: true)
        #expect(quorum.answer == .undecided)
        quorum.answered(by: n(2), found: true)
        #expect(quorum.answer == .satisfied)
    }

    @Test func aChangeOfMembersNeedsAQuorumOnBothSides() {
        let joint = view([member(1), member(2), member(3, .outgoing), member(4, .incoming)])
        var quorum = quorum(RequestQuorums(r: 2), joint)
        quorum.answered(by: n(1), found: true)
        quorum.answered(by: n(4), found: true)
        #expect(quorum.answer == .undecided)
        quorum.answered(by: n(3), found: true)
        #expect(quorum.answer == .satisfied)
    }

    @Test func onlyTheFirstReplicasOfAKeyCount() {
        var quorum = quorum(RequestQuorums(n: 1, r: 1))
        quorum.answered(by: n(2), found: true)
        #expect(quorum.answer == .undecided)
        quorum.answered(by: n(1), found: true)
        #expect(quorum.answer == .satisfied)
    }

    @Test func anotherViewKeepsTheAnswersOfTheSameIncarnations() {
        var earlier = quorum(RequestQuorums(r: 2))
        earlier.answered(by: n(1), found: true)
        earlier.failed(n(3))
        var later = quorum(RequestQuorums(r: 2), view([member(1, actor: 11), member(2), member(3)], epoch: 2))
        later.takeOver(earlier)
        later.answered(by: n(2), found: true)
        #expect(later.answer == .undecided)
        later.answered(by: n(3), found: true)
        #expect(later.answer == .satisfied)
    }
}
