import KindredModel
import Testing

@Suite struct VersionTests {
    private let versions = (1...3 as ClosedRange<UInt64>).flatMap { time in
        dots(ofActors: 3, upTo: 3).map { version($0.actor.rawValue, $0.counter, at: time, "x") }
    }

    @Test("are totally ordered by time, then by dot")
    func isLater() {
        for a in versions {
            #expect(!a.isLater(than: a))
            for b in versions {
                let isLater = a.isLater(than: b)
                guard Issue.unless(isLater == ((a.timestamp, a.dot) > (b.timestamp, b.dot)), "\(a) later than \(b)"),
                    Issue.unless(a == b || isLater != b.isLater(than: a), "\(a) and \(b)")
                else { return }
                for c in versions where isLater && b.isLater(than: c) {
                    guard Issue.unless(a.isLater(than: c), "\(a) later than \(b) later than \(c)") else { return }
                }
            }
        }
    }

    @Test("without a content are tombstones")
    func tombstones() {
        #expect(version(1, 1, nil).isTombstone)
        #expect(!version(1, 1, "").isTombstone)
    }

    @Test("have tags that name their dot and no other")
    func tags() {
        #expect(version(3, 367, "x").tag == "3.a7")
        #expect(version(.max, .max, "x").tag == "1z141z3.3w5e11264sgsf")
        // Digits of the two numbers must not run into each other.
        let tags = Set(
            (1...80 as ClosedRange<UInt32>).flatMap { actor in
                (1...80 as ClosedRange<UInt64>).map { version(actor, $0, "x").tag }
            })
        #expect(tags.count == 6_400)
    }

    @Test("have the number in front of the tag where they have one")
    func entityTags() {
        let plain = version(3, 367, "x")
        let numbered = Version(dot: plain.dot, timestamp: plain.timestamp, number: 4, content: plain.content)
        #expect(plain.entityTag == "3.a7" && numbered.entityTag == "4-3.a7")
    }
}
