import KindredModel
import KindredTesting
import Testing

/// Compared with a plain set of dots.
@Suite struct CausalContextTests {
    /// Every set of these events, and the context made of it. Seven events of two actors show every kind of gap.
    private static let all: [(context: CausalContext, events: Set<Dot>)] =
        subsets(of: dots(ofActors: 2, upTo: 3) + [dot(2, 4)]).map { (CausalContext(dots: $0), $0) }

    private static let bases: [VersionVector] = (0..<25).map { vector([1: UInt64($0 % 5), 2: UInt64($0 / 5)]) }

    /// The vector holds the events without a gap, the cloud what lies beyond, sorted, each once.
    private func isNormalised(_ context: CausalContext) -> Bool {
        context.cloud == Set(context.cloud).sorted()
            && context.cloud.allSatisfy { $0.counter > context.vector.counter(of: $0.actor) + 1 }
    }

    @Test("contain their events and no others; equal sets are equal values")
    func containsExactly() {
        for (context, events) in Self.all {
            let isExact = dots(ofActors: 3, upTo: 6).allSatisfy { context.contains($0) == events.contains($0) }
            #expect(isExact, "\(context) is not \(events.sorted())")
            #expect(isNormalised(context))
            #expect(context.isEmpty == events.isEmpty)
            var inserted = CausalContext()
            for event in events.sorted().reversed() { inserted.insert(event) }
            #expect(inserted == context)
            for event in events { inserted.insert(event) }
            #expect(inserted == context)
        }
        #expect(Set(Self.all.map(\.context)).count == Self.all.count)
    }

    @Test("merge to the union, and know what covers what, all pairs")
    func allPairs() {
        for left in Self.all {
            for right in Self.all {
                var merged = left.context
                merged.merge(right.context)
                let expected = CausalContext(dots: left.events.union(right.events))
                guard Issue.unless(merged == expected, "\(left.context) ∪ \(right.context) gave \(merged)"),
                    Issue.unless(
                        left.context.isSuperset(of: right.context) == left.events.isSuperset(of: right.events),
                        "\(left.context) ⊇ \(right.context)")
                else { return }
            }
        }
    }

    @Test("merge with every event of a vector")
    func mergeVector() {
        for (context, events) in Self.all {
            for base in Self.bases {
                var merged = context
                merged.merge(base)
                let baseEvents = dots(ofActors: 2, upTo: 4).filter(base.contains)
                let expected = CausalContext(dots: events.union(baseEvents))
                guard Issue.unless(merged == expected, "\(context) ∪ \(base) gave \(merged)") else { return }
            }
        }
    }

    /// What a replica stores is stripped of its base; filled again, nothing must be missing, even if the base has grown since.
    @Test("stripped and filled again, nothing is lost")
    func stripAndFill() {
        for (context, _) in Self.all {
            for base in Self.bases {
                var stripped = context
                stripped.strip(base)
                guard
                    Issue.unless(
                        stripped.cloud.allSatisfy { !base.contains($0) }
                            && stripped.vector.entries.allSatisfy { !base.contains(Dot($0.actor, $0.counter)) },
                        "\(context) stripped of \(base) kept \(stripped)")
                else { return }
                for later in Self.bases where later.descends(from: base) {
                    var filled = stripped
                    filled.merge(later)
                    var expected = context
                    expected.merge(later)
                    guard
                        Issue.unless(
                            filled == expected, "\(context) stripped of \(base), filled with \(later): \(filled)")
                    else { return }
                }
            }
        }
    }

    @Test("random changes give the same as with a set")
    func randomChanges() {
        for seed in Seeds.upTo(400) {
            var random = SplitMix64(seed: seed)
            var context = CausalContext()
            var events: Set<Dot> = []
            for _ in 0..<40 {
                let event = dot(UInt32(1 + random.below(3)), UInt64(random.below(12)))
                if random.chance(80) {
                    context.insert(event)
                    if event.counter > 0 { events.insert(event) }
                } else {
                    let others = (0..<random.below(6)).map { _ in
                        dot(UInt32(1 + random.below(3)), UInt64(random.below(12)))
                    }
                    context.merge(CausalContext(dots: others))
                    events.formUnion(others.filter { $0.counter > 0 })
                }
                guard
                    Issue.unless(
                        context == CausalContext(dots: events) && isNormalised(context)
                            && dots(ofActors: 3, upTo: 12).allSatisfy { context.contains($0) == events.contains($0) },
                        "seed \(seed): \(context) is not \(events.sorted())")
                else { return }
            }
        }
    }

    @Test("dots that are no events change nothing")
    func zeroDots() {
        var context = CausalContext(dots: [dot(1, 0)])
        context.insert(dot(2, 0))
        #expect(context == CausalContext())
    }

    @Test("the largest counter has no successor")
    func largestCounter() {
        var context = CausalContext(vector([1: .max]))
        context.insert(dot(1, .max))
        context.merge(CausalContext(dots: [dot(1, .max), dot(1, .max - 1)]))
        #expect(context == CausalContext(vector([1: .max])))
        var beyond = CausalContext(dots: [dot(1, .max)])
        beyond.insert(dot(1, 1))
        #expect(beyond.cloud == [dot(1, .max)])
        #expect(beyond.vector == vector([1: 1]))
    }

    @Test("are described as a vector and a cloud")
    func description() {
        #expect(CausalContext(vector([1: 4])).description == "{1:4}")
        #expect(CausalContext(dots: [dot(2, 7), dot(1, 1), dot(2, 9)]).description == "{1:1}+[2:7, 2:9]")
    }

    // MARK: Coding

    private func encoded(_ context: CausalContext) -> [UInt8] {
        var bytes: [UInt8] = []
        context.encode(into: &bytes)
        return bytes
    }

    private func decoded(_ bytes: [UInt8]) throws(MalformedBytes) -> CausalContext {
        try decode(bytes) { reader throws(MalformedBytes) in try CausalContext(from: &reader) }
    }

    @Test("come back from their bytes")
    func roundTrip() throws {
        for (context, _) in Self.all { #expect(try decoded(encoded(context)) == context) }
        let extreme = CausalContext(dots: [dot(1, 1), dot(1, .max), dot(.max, .max), dot(.max, 7)])
        #expect(try decoded(encoded(extreme)) == extreme)
    }

    @Test("every truncation is refused")
    func truncations() {
        let bytes = encoded(CausalContext(dots: [dot(1, 1), dot(1, 300), dot(9, 2), dot(9, 70_000)]))
        for length in 0..<bytes.count {
            #expect(throws: MalformedBytes.self) { try decoded(Array(bytes[..<length])) }
        }
    }

    @Test(
        "bytes that are no context are refused",
        arguments: [
            ("no cloud", [0]),
            ("a zero counter", [0, 1, 1, 0]),
            ("more dots than bytes", [0, 3, 1, 5]),
            ("an actor over 32 bits", [0, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 5]),
            ("actors that add up to over 32 bits", [0, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 5, 1, 5]),
        ] as [(String, [UInt8])])
    func malformed(what: String, bytes: [UInt8]) {
        #expect(throws: MalformedBytes.self, "\(what)") { try decoded(bytes) }
    }

    @Test("dots in any order are accepted and put in order")
    func normalisesWhatItReads() throws {
        // {1:1}, then the dots 1:3, 1:2 and 1:9 twice.
        let context = try decoded([1, 1, 1, 4, 1, 3, 0, 2, 0, 9, 0, 9])
        #expect(context == CausalContext(dots: [dot(1, 1), dot(1, 2), dot(1, 3), dot(1, 9)]))
        #expect(context.vector == vector([1: 3]))
    }

    @Test("garbage is refused or is a context, never anything else")
    func garbage() throws {
        for seed in Seeds.upTo(3_000) {
            var random = SplitMix64(seed: seed)
            let bytes = random.bytes(random.below(24)).map { random.chance(70) ? $0 % 6 : $0 }
            guard let context = try? decoded(bytes) else { continue }
            let again = try decoded(encoded(context))
            guard
                Issue.unless(
                    isNormalised(context) && again == context,
                    "seed \(seed): \(bytes) became \(context)")
            else { return }
        }
    }

    /// As long as a token can be, made to be slow: many actors, each with a dot to take in.
    @Test("long ones are read in no time", .timeLimit(.minutes(1)))
    func longInput() throws {
        var bytes: [UInt8] = []
        let actors = 12_000
        bytes.append(varint: UInt64(actors))
        for _ in 0..<actors { bytes += [2, 1] }
        bytes.append(varint: UInt64(actors))
        for _ in 0..<actors { bytes += [1, 1] }
        let context = try decoded(bytes)
        #expect(context.vector.entries.count == 3 * actors / 2)
        #expect(context.cloud.isEmpty)
    }
}
