import KindredModel
import KindredTesting
import Testing

/// Compared with what a vector stands for: the set of all events up to its counters.
@Suite struct VersionVectorTests {
    /// All vectors of three actors with counters 0 to 3, each with its set of events.
    private static let all: [(vector: VersionVector, events: Set<Dot>)] = (0..<64).map { code in
        let counters = [code % 4, code / 4 % 4, code / 16]
        let entries = counters.enumerated().map { VersionVector.Entry(ActorID(UInt32($0 + 1)), UInt64($1)) }
        let events = entries.flatMap { entry in
            entry.counter == 0 ? [] : (1...entry.counter).map { Dot(entry.actor, $0) }
        }
        return (VersionVector(entries), Set(events))
    }

    private func order(_ left: Set<Dot>, _ right: Set<Dot>) -> CausalOrder {
        switch (left.isSuperset(of: right), right.isSuperset(of: left)) {
        case (true, true): .equal
        case (true, false): .after
        case (false, true): .before
        case (false, false): .concurrent
        }
    }

    @Test("are compared like the sets of their events, all pairs")
    func orderOfAllPairs() {
        for left in Self.all {
            for right in Self.all {
                let expected = order(left.events, right.events)
                let found = left.vector.order(relativeTo: right.vector)
                guard Issue.unless(found == expected, "\(left.vector) is \(found) \(right.vector)"),
                    Issue.unless(
                        (left.vector == right.vector) == (expected == .equal), "\(left.vector) == \(right.vector)"),
                    Issue.unless(
                        left.vector.descends(from: right.vector) == left.events.isSuperset(of: right.events),
                        "\(left.vector) descends from \(right.vector)")
                else { return }
            }
        }
    }

    @Test("merge to the union of their events, all pairs")
    func mergeOfAllPairs() throws {
        let byEvents = Dictionary(uniqueKeysWithValues: Self.all.map { ($0.events, $0.vector) })
        for left in Self.all {
            for right in Self.all {
                var merged = left.vector
                merged.merge(right.vector)
                let expected = try #require(byEvents[left.events.union(right.events)])
                guard Issue.unless(merged == expected, "\(left.vector) ∪ \(right.vector) gave \(merged)") else {
                    return
                }
            }
        }
    }

    @Test("contain their events and no others")
    func contains() {
        for (vector, events) in Self.all {
            #expect(dots(ofActors: 4, upTo: 5).allSatisfy { vector.contains($0) == events.contains($0) }, "\(vector)")
            #expect(vector.isEmpty == events.isEmpty)
        }
    }

    @Test("keep only what a base does not cover, and get it back")
    func removeCovered() {
        for (vector, _) in Self.all {
            for (base, baseEvents) in Self.all {
                var stripped = vector
                stripped.removeEntries(coveredBy: base)
                let kept = vector.entries.filter { !baseEvents.contains(Dot($0.actor, $0.counter)) }
                var filled = stripped
                filled.merge(base)
                var expected = vector
                expected.merge(base)
                guard Issue.unless(stripped.entries == kept, "\(vector) stripped of \(base) is \(stripped)"),
                    Issue.unless(filled == expected, "\(vector) stripped of and filled with \(base) is \(filled)")
                else { return }
            }
        }
    }

    @Test("are equal however they were built")
    func canonical() {
        let expected = vector([1: 2, 5: 1, 9: 4])
        #expect(vector([9: 4, 5: 1, 1: 2]) == expected)
        #expect(vector([9: 4, 1: 1, 5: 1, 3: 0, 1: 2, 9: 3]) == expected)
        var included = VersionVector()
        for event in [dot(5, 1), dot(9, 4), dot(9, 2), dot(1, 2), dot(1, 0)] { included.include(through: event) }
        #expect(included == expected)
        #expect(included.hashValue == expected.hashValue)
        #expect(expected.entries.map(\.actor.rawValue) == [1, 5, 9])
    }

    @Test("find an actor among many")
    func manyActors() {
        // Every second actor up to 2 n, so that both hits and misses lie at every place of the search.
        for count in 0...40 as ClosedRange<UInt32> {
            let many = VersionVector(
                (0..<count).map { VersionVector.Entry(ActorID(($0 + 1) * 2), UInt64($0) + 7) })
            for actor in 0...(2 * count + 3) {
                let expected = actor > 0 && actor % 2 == 0 && actor <= 2 * count ? UInt64(actor / 2 - 1) + 7 : 0
                guard Issue.unless(many.counter(of: ActorID(actor)) == expected, "actor \(actor) of \(many)")
                else { return }
            }
        }
    }

    @Test("are described by actor and counter")
    func description() {
        #expect(vector([2: 1, 1: 4]).description == "{1:4, 2:1}")
        #expect(VersionVector().description == "{}")
    }

    // MARK: Coding

    private func encoded(_ vector: VersionVector) -> [UInt8] {
        var bytes: [UInt8] = []
        vector.encode(into: &bytes)
        return bytes
    }

    private func decoded(_ bytes: [UInt8]) throws(MalformedBytes) -> VersionVector {
        try decode(bytes) { reader throws(MalformedBytes) in try VersionVector(from: &reader) }
    }

    @Test("come back from their bytes")
    func roundTrip() throws {
        let extremes = vector([0: 1, 1: .max, 127: 128, 128: 1 << 32, .max: .max])
        for vector in Self.all.map(\.vector) + [extremes] {
            #expect(try decoded(encoded(vector)) == vector)
        }
    }

    @Test("every truncation is refused")
    func truncations() {
        let bytes = encoded(vector([1: 300, 2: 1, 70_000: .max]))
        for length in 0..<bytes.count {
            #expect(throws: MalformedBytes.self) { try decoded(Array(bytes[..<length])) }
        }
    }

    @Test(
        "bytes that are no vector are refused",
        arguments: [
            ("a zero counter", [1, 1, 0]),
            ("the same actor twice", [2, 1, 5, 0, 6]),
            ("more entries than bytes", [200, 1, 1, 1]),
            ("a count of 2⁶³", [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 1, 1]),
            ("an actor over 32 bits", [1, 0x80, 0x80, 0x80, 0x80, 0x10, 1]),
            ("actors that add up to over 32 bits", [2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 1, 1, 1]),
            (
                "actors that add up to over 64 bits",
                [2, 1, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 1]
            ),
            ("a counter over 64 bits", [1, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2]),
        ] as [(String, [UInt8])])
    func malformed(what: String, bytes: [UInt8]) {
        #expect(throws: MalformedBytes.self, "\(what)") { try decoded(bytes) }
    }

    @Test("garbage is refused or is a vector, never anything else")
    func garbage() throws {
        for seed in Seeds.upTo(3_000) {
            var random = SplitMix64(seed: seed)
            // Small bytes make for plausible counts and actors.
            let bytes = random.bytes(random.below(24)).map { random.chance(70) ? $0 % 6 : $0 }
            guard let vector = try? decoded(bytes) else { continue }
            let actors = vector.entries.map(\.actor)
            let again = try decoded(encoded(vector))
            guard
                Issue.unless(
                    actors == Set(actors).sorted() && vector.entries.allSatisfy { $0.counter > 0 }
                        && again == vector,
                    "seed \(seed): \(bytes) became \(vector)")
            else { return }
        }
    }
}
