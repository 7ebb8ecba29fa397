import KindredModel
import KindredReplication
import Testing

@Suite struct ClosedActorsMergeTests {
    /// Actor 5 was closed first, with a voided event; then actor 6.
    private var closed: ClosedActors {
        var closed = ClosedActors()
        closed.close(ActorID(5), last: 3, voided: [2])
        closed.close(ActorID(6), last: 1, voided: [])
        return closed
    }

    private func knowing(closings: UInt64, _ others: [Dot] = []) -> CausalContext {
        var context = CausalContext(dots: others)
        context.merge(VersionVector([VersionVector.Entry(.closed, closings)]))
        return context
    }

    private func clock(_ events: [Dot]) -> ReplicaClock {
        var clock = ReplicaClock()
        for event in events { clock.insert(event) }
        return clock
    }

    @Test func aClosedEpochCoversTheKeptEventsOfItsActors() {
        let first = knowing(closings: 1, [event(9, 4)])
        #expect(closed.covers(event(9, 4), by: first))
        #expect(!closed.covers(event(9, 3), by: first))
        #expect(closed.covers(event(5, 3), by: first))
        #expect(!closed.covers(event(5, 2), by: first))
        #expect(!closed.covers(event(5, 4), by: first))
        #expect(!closed.covers(event(6, 1), by: first))
        #expect(closed.covers(event(6, 1), by: knowing(closings: 2)))
    }

    @Test func aClockCoversAnotherWithItsBaseItsGapsAndItsClosings() {
        let full = clock([event(9, 1), event(9, 2), event(9, 4)])
        #expect(closed.covers(full, by: full))
        #expect(closed.covers(clock([event(9, 1), event(9, 4)]), by: full))
        #expect(!closed.covers(full, by: clock([event(9, 1), event(9, 2)])))
        #expect(!closed.covers(full, by: clock([event(9, 1), event(9, 4)])))
        #expect(!closed.covers(clock([event(9, 67)]), by: clock([event(9, 66), event(9, 68)])))
        #expect(!closed.covers(full, by: ReplicaClock()))
        let folded = clock([Dot(.closed, 1)])
        #expect(closed.covers(clock([event(5, 1), event(5, 3)]), by: folded))
        #expect(!closed.covers(clock([event(6, 1)]), by: folded))
        #expect(!closed.covers(folded, by: clock([event(5, 1), event(5, 3)])))
    }

    @Test func aVersionThatAFoldedContextHasSeenReplacedDoesNotComeBack() {
        let folded = CausalObject(versions: [], context: knowing(closings: 1))
        let old = object([event(5, 1), event(6, 1)])
        for (one, other) in [(folded, old), (old, folded)] {
            var merged = one
            #expect(closed.merge(other, into: &merged, by: .versionVectors).isEmpty)
            #expect(merged.versions.map(\.dot) == [event(6, 1)])
            #expect(merged.context == knowing(closings: 1, [event(6, 1)]))
        }
    }

    @Test func aVersionThatBothHaveStays() {
        var merged = CausalObject(versions: object([event(5, 3)]).versions, context: knowing(closings: 2))
        #expect(closed.merge(object([event(5, 3)]), into: &merged, by: .versionVectors).isEmpty)
        #expect(merged.versions.map(\.dot) == [event(5, 3)])
        #expect(merged.context == knowing(closings: 2))
    }

    @Test func withoutClosingsItIsThePlainMerge() {
        var merged = object([event(1, 1)])
        #expect(ClosedActors().merge(object([event(2, 1)]), into: &merged, by: .versionVectors).isEmpty)
        #expect(merged == object([event(1, 1), event(2, 1)]))
    }
}
