import KindredModel
import KindredTesting
import Testing

/// Compared with a plain set of dots.
@Suite struct ReplicaClockTests {
    private func clock(_ events: some Sequence<Dot>) -> ReplicaClock {
        var clock = ReplicaClock()
        for event in events { clock.insert(event) }
        return clock
    }

    /// The events 1 to `last` of actor 1, but for some.
    private func run(to last: UInt64, without missing: Set<UInt64> = []) -> [Dot] {
        (1...last).filter { !missing.contains($0) }.map { dot(1, $0) }
    }

    @Test("contain their events and no others, in every order of arrival")
    func containsExactly() {
        for events in subsets(of: dots(ofActors: 2, upTo: 3) + [dot(2, 4)]) {
            let ascending = clock(events.sorted())
            let descending = clock(events.sorted().reversed())
            #expect(ascending == descending)
            let isExact = dots(ofActors: 3, upTo: 6).allSatisfy { ascending.contains($0) == events.contains($0) }
            #expect(isExact, "\(ascending) is not \(events.sorted())")
            #expect(!ascending.contains(dot(1, 0)))
        }
    }

    @Test("the base ends before the first gap")
    func base() {
        for events in subsets(of: dots(ofActors: 2, upTo: 4)) {
            let clock = clock(events)
            for actor in 1...2 as ClosedRange<UInt32> {
                let expected = (1...5).first { !events.contains(dot(actor, UInt64($0))) }.map { UInt64($0 - 1) }
                #expect(clock.base(of: ActorID(actor)) == expected)
                #expect(clock.base.counter(of: ActorID(actor)) == expected)
            }
            let beyond = events.contains { $0.counter > clock.base(of: $0.actor) }
            #expect(clock.hasGaps == beyond)
        }
    }

    @Test("know which causal contexts they cover, all pairs")
    func isSuperset() {
        let sets = subsets(of: dots(ofActors: 2, upTo: 3))
        for known in sets {
            let clock = clock(known)
            for asked in sets {
                guard
                    Issue.unless(
                        clock.isSuperset(of: CausalContext(dots: asked)) == known.isSuperset(of: asked),
                        "\(known.sorted()) ⊇ \(asked.sorted())")
                else { return }
            }
        }
    }

    @Test("name the events that another clock lacks, in canonical order, all pairs")
    func missingEvents() {
        let sets = subsets(of: dots(ofActors: 2, upTo: 3) + [dot(2, 4)])
        for ours in sets {
            for theirs in sets {
                let missing = clock(ours).events(missingFrom: clock(theirs), limit: .max)
                guard
                    Issue.unless(
                        missing == ours.subtracting(theirs).sorted(),
                        "\(ours.sorted()) − \(theirs.sorted()): \(missing)")
                else { return }
            }
        }
    }

    @Test("name no more missing events than asked for")
    func missingEventsLimit() {
        let clock = clock(dots(ofActors: 3, upTo: 3))
        for limit in 0...10 {
            let expected = Array(dots(ofActors: 3, upTo: 3).prefix(limit))
            #expect(clock.events(missingFrom: ReplicaClock(), limit: limit) == expected)
        }
    }

    /// A peer may claim anything; the answer must not take time or memory in proportion to the claim.
    @Test("clocks that are far apart are compared in no time", .timeLimit(.minutes(1)))
    func farApart() throws {
        var bytes: [UInt8] = [2, 1]
        bytes.append(varint: 1 << 62)
        bytes += [0, 1]
        bytes.append(varint: 1 << 61)
        bytes += [0]
        let far = try decoded(bytes)
        #expect(far.base(of: ActorID(1)) == 1 << 62)
        let near = clock([dot(1, 1), dot(1, 3), dot(2, 2)])
        #expect(
            far.events(missingFrom: near, limit: 4) == [dot(1, 2), dot(1, 4), dot(1, 5), dot(1, 6)])
        #expect(near.events(missingFrom: far, limit: .max).isEmpty)
    }

    @Test("random arrivals over several words of bits give the same as with a set")
    func randomArrivals() {
        for seed in Seeds.upTo(60) {
            var random = SplitMix64(seed: seed)
            var clock = ReplicaClock()
            var events: Set<Dot> = []
            let range = 3 + random.below(300)
            for _ in 0..<range {
                let event = dot(UInt32(1 + random.below(2)), UInt64(random.below(range)))
                let isNew = event.counter > 0 && events.insert(event).inserted
                guard Issue.unless(clock.insert(event) == isNew, "seed \(seed): inserting \(event)") else { return }
            }
            let all = dots(ofActors: 2, upTo: UInt64(range) + 70)
            guard
                Issue.unless(
                    all.allSatisfy { clock.contains($0) == events.contains($0) }
                        && clock.events(missingFrom: ReplicaClock(), limit: .max) == events.sorted(),
                    "seed \(seed): \(clock)")
            else { return }
            // What was missing arrives in another order, and the bits must vanish.
            for event in all.shuffled(using: &random) { clock.insert(event) }
            guard Issue.unless(!clock.hasGaps && clock.contains(dot(1, UInt64(range) + 70)), "seed \(seed): \(clock)")
            else { return }
        }
    }

    /// The run of bits that the base takes in may end anywhere in a word.
    @Test("a filled gap takes in the run behind it, whatever its length")
    func runs() {
        for length in 1...200 as ClosedRange<UInt64> {
            // Event 1 is missing, then a run, a gap, and one more event.
            var clock = clock(run(to: length + 3, without: [1, length + 2]))
            #expect(clock.base.isEmpty)
            Issue.unless(clock.insert(dot(1, 1)), "\(clock)")
            guard Issue.unless(clock.base == vector([1: length + 1]), "run of \(length): \(clock)"),
                Issue.unless(clock.contains(dot(1, length + 3)) && !clock.contains(dot(1, length + 2)), "\(clock)"),
                Issue.unless(clock == self.clock(run(to: length + 3, without: [length + 2])), "\(clock)")
            else { return }
            Issue.unless(clock.insert(dot(1, length + 2)), "\(clock)")
            guard Issue.unless(clock == self.clock(run(to: length + 3)) && !clock.hasGaps, "\(clock)") else { return }
        }
    }

    @Test("events that arrive backwards leave nothing beyond the base", .timeLimit(.minutes(1)))
    func backwards() {
        let last = ReplicaClock.maximumGap
        var clock = clock((2...last).reversed().map { dot(1, $0) })
        #expect(clock.base.isEmpty)
        Issue.unless(clock.insert(dot(1, 1)), "\(clock)")
        #expect(clock.base == vector([1: last]))
        #expect(clock.entries[0].beyond.isEmpty)
    }

    @Test("an event further beyond the base than the bound is refused and changes nothing")
    func maximumGap() {
        let bound = ReplicaClock.maximumGap
        for base in [0, 1, 1_000] as [UInt64] {
            var clock = clock(base == 0 ? [] : run(to: base))
            let before = clock
            for counter in [base + bound + 1, base + bound + 2, .max - 1, .max] {
                Issue.unless(!clock.insert(dot(1, counter)), "\(clock)")
                #expect(!clock.contains(dot(1, counter)))
            }
            #expect(clock == before)
            Issue.unless(clock.insert(dot(1, base + bound)), "\(clock)")
            Issue.unless(!clock.insert(dot(1, base + bound)), "\(clock)")
            #expect(clock.contains(dot(1, base + bound)))
            #expect(clock.entries[0].beyond.count == 1_024)
        }
    }

    @Test("dots that are no events are refused")
    func zeroDots() {
        var clock = ReplicaClock()
        Issue.unless(!clock.insert(dot(1, 0)), "\(clock)")
        #expect(clock == ReplicaClock())
    }

    @Test("are described by base and what lies beyond")
    func description() {
        #expect(clock([dot(1, 1), dot(1, 2), dot(1, 4), dot(1, 6), dot(2, 1)]).description == "{1:2+2, 2:1}")
    }

    // MARK: Coding

    private func encoded(_ clock: ReplicaClock) -> [UInt8] {
        var bytes: [UInt8] = []
        clock.encode(into: &bytes)
        return bytes
    }

    private func decoded(_ bytes: [UInt8]) throws(MalformedBytes) -> ReplicaClock {
        try decode(bytes) { reader throws(MalformedBytes) in try ReplicaClock(from: &reader) }
    }

    @Test("come back from their bytes")
    func roundTrip() throws {
        for events in subsets(of: dots(ofActors: 2, upTo: 3) + [dot(2, 4), dot(7, 70), dot(7, 140)]) {
            let clock = clock(events)
            #expect(try decoded(encoded(clock)) == clock)
        }
        let widest = clock([dot(1, ReplicaClock.maximumGap)])
        #expect(try decoded(encoded(widest)) == widest)
    }

    @Test("every truncation is refused")
    func truncations() {
        let bytes = encoded(clock(run(to: 500, without: [300]) + [dot(3, 1), dot(9, 100)]))
        for length in 0..<bytes.count {
            #expect(throws: MalformedBytes.self) { try decoded(Array(bytes[..<length])) }
        }
    }

    @Test(
        "bytes that are no clock are refused",
        arguments: [
            ("an actor without events", [1, 1, 0, 0]),
            ("the same actor twice", [2, 1, 5, 0, 0, 6, 0]),
            ("more entries than bytes", [100, 1, 1, 0]),
            ("an actor over 32 bits", [1, 0x80, 0x80, 0x80, 0x80, 0x10, 1, 0]),
            ("actors that add up to over 32 bits", [2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 0, 1, 1, 0]),
            ("a trailing zero word", [1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("more words than bytes", [1, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 1]),
            (
                "a base at the end of the numbers",
                [1, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0]
            ),
        ] as [(String, [UInt8])])
    func malformed(what: String, bytes: [UInt8]) {
        #expect(throws: MalformedBytes.self, "\(what)") { try decoded(bytes) }
    }

    @Test("bitmaps over the bound are refused")
    func longBitmap() {
        var tooManyWords: [UInt8] = [1, 1, 1]
        tooManyWords.append(varint: 1_025)
        tooManyWords += Array(repeating: 1, count: 1_025 * 8)
        #expect(throws: MalformedBytes.self) { try decoded(tooManyWords) }
        // The very last bit of the last word is one event too far.
        var oneTooFar: [UInt8] = [1, 1, 1]
        oneTooFar.append(varint: 1_024)
        oneTooFar += Array(repeating: 0, count: 1_023 * 8) + [0x80, 0, 0, 0, 0, 0, 0, 0]
        #expect(throws: MalformedBytes.self) { try decoded(oneTooFar) }
        var furthest = oneTooFar
        furthest[furthest.count - 8] = 0x40
        #expect(throws: Never.self) { try decoded(furthest) }
    }

    @Test("garbage is refused or is a clock, never anything else")
    func garbage() throws {
        for seed in Seeds.upTo(3_000) {
            var random = SplitMix64(seed: seed)
            let bytes = random.bytes(random.below(30)).map { random.chance(75) ? $0 % 4 : $0 }
            guard var clock = try? decoded(bytes) else { continue }
            let again = try decoded(encoded(clock))
            guard Issue.unless(again == clock, "seed \(seed): \(bytes) became \(clock)")
            else { return }
            // It works like any other clock.
            for entry in clock.entries {
                let next = Dot(entry.actor, entry.base + 1)
                guard Issue.unless(!clock.contains(next) && clock.insert(next) && clock.contains(next), "\(bytes)")
                else { return }
            }
        }
    }
}
