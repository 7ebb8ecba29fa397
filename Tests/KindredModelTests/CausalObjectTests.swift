import KindredModel
import KindredTesting
import Testing

@Suite struct CausalObjectTests {
    private let siblings = CausalObject(
        versions: [version(2, 4, at: 9, number: 2, "b"), version(1, 3, at: 7, number: 5, "a")],
        context: CausalContext(dots: [dot(1, 1), dot(1, 2)]))

    @Test("keep versions sorted by dot and their dots in the context")
    func canonical() {
        #expect(texts(siblings.versions) == ["a", "b"])
        #expect(siblings.context == CausalContext(dots: [dot(1, 1), dot(1, 2), dot(1, 3), dot(2, 4)]))
        var built = CausalObject()
        #expect(built.isEmpty)
        built.record(dot(1, 2))
        #expect(!built.isEmpty)
        for version in siblings.versions.reversed() + siblings.versions { built.insert(version) }
        built.record(dot(1, 1))
        #expect(built == siblings)
    }

    @Test("a dot is inserted once")
    func insertTwice() {
        var object = siblings
        object.insert(version(1, 3, at: 99, "other"))
        #expect(object == siblings)
    }

    @Test("know the latest time and the highest number of their versions")
    func latest() {
        #expect(siblings.latestTimestamp == HybridTimestamp(milliseconds: 9))
        #expect(siblings.latestNumber == 5)
        #expect(CausalObject().latestTimestamp == .zero)
        #expect(CausalObject().latestNumber == 0)
    }

    @Test("discard what was seen, and remember what else was")
    func discard() {
        var object = siblings
        let removed = object.discard(CausalContext(dots: [dot(1, 3), dot(7, 9)]))
        #expect(texts(removed) == ["a"])
        #expect(texts(object.versions) == ["b"])
        #expect(object.context.contains(dot(7, 9)))
        #expect(object.context.contains(dot(1, 3)))
    }

    @Test("removed versions stay known")
    func removeVersions() {
        var object = siblings
        let removed = object.removeVersions { $0.number == 2 }
        #expect(texts(removed) == ["b"])
        #expect(object.context == siblings.context)
    }

    @Test("merge keeps what both have and what the other has not heard of")
    func merge() {
        let common = version(1, 1, "common")
        var left = CausalObject(versions: [common, version(1, 2, "left")], context: CausalContext())
        // The right side has replaced 1:3 and knows nothing of 1:2.
        let right = CausalObject(
            versions: [common, version(2, 1, "right")], context: CausalContext(dots: [dot(1, 3)]))
        left.insert(version(1, 3, "replaced"))
        var merged = left
        #expect(merged.merge(right).isEmpty)
        #expect(texts(merged.versions) == ["common", "left", "right"])
        #expect(merged.context == CausalContext(vector([1: 3, 2: 1])))
    }

    /// Local deletes are absences, so what a context has wrongly is a deletion of something nobody has seen.
    @Test("merge with an empty object that knows nothing changes nothing; with one that knows all, deletes all")
    func mergeEmpty() {
        var object = siblings
        #expect(object.merge(CausalObject()).isEmpty)
        #expect(object == siblings)
        var deleted = CausalObject()
        deleted.fill(vector([1: 3, 2: 4]))
        #expect(object.merge(deleted).isEmpty)
        #expect(object.versions.isEmpty)
    }

    @Test("stripped and filled with the same base, nothing changes")
    func stripAndFill() {
        for last in 0...4 as ClosedRange<UInt64> {
            let base = vector([1: last, 2: last])
            var filled = siblings
            filled.fill(base)
            var stored = filled
            stored.strip(base)
            #expect(stored.versions == filled.versions)
            stored.fill(base)
            #expect(stored == filled)
        }
    }

    // MARK: What a writer knows

    @Test("a writer knows what it had seen and its own write, not what it was not shown")
    func contextForWriter() {
        let known = siblings.contextForWriter(of: dot(1, 3), having: CausalContext(vector([1: 1])))
        #expect(known == CausalContext(dots: [dot(1, 1), dot(1, 3)]))
    }

    @Test("a writer that never reads is not told ever more: what is replaced here is forgotten, what is not is kept")
    func contextForWriterIsBounded() {
        let limit = CausalObject.answeredCloudLimit
        // The writer's own writes are the odd events, and somebody else's the even ones, which it has never been shown.
        func gaps(_ count: Int) -> CausalContext { CausalContext(dots: (1...count).map { dot(1, UInt64($0) * 2 + 1) }) }
        let last = dot(1, UInt64(limit) * 2 + 3)
        let live = [version(1, 5, "seen"), version(1, 8, "not seen"), version(1, last.counter, "own")]
        let object = CausalObject(versions: live, context: CausalContext(vector([1: last.counter])))

        let atLimit = object.contextForWriter(of: last, having: gaps(limit - 1))
        #expect(atLimit.cloud.count == limit)
        // One dot too many: the oldest goes that is replaced here. The live version 5 stays known, however old.
        let overLimit = object.contextForWriter(of: last, having: gaps(limit))
        #expect(overLimit.cloud.count == limit)
        #expect(overLimit.cloud.first == dot(1, 5) && !overLimit.contains(dot(1, 3)))
        #expect(object.contextForWriter(of: last, having: gaps(limit), cloudLimit: 1).cloud == [dot(1, 5), last])
        // A delete has no version, and its writer knows of it all the same.
        let deleted = CausalObject(versions: [], context: object.context)
        #expect(deleted.contextForWriter(of: last, having: gaps(limit), cloudLimit: 1) == CausalContext(dots: [last]))
        // What this object has not heard of may still be live elsewhere.
        var elsewhere = gaps(limit)
        elsewhere.insert(dot(9, 9))
        #expect(
            object.contextForWriter(of: last, having: elsewhere, cloudLimit: 0)
                == CausalContext(dots: [dot(1, 5), last, dot(9, 9)]))
    }

    // MARK: Coding

    private let samples: [CausalObject] = [
        CausalObject(),
        CausalObject(versions: [version(1, 1, "")], context: CausalContext()),
        CausalObject(versions: [version(1, 1, nil)], context: CausalContext(vector([4: 4]))),
        CausalObject(
            versions: [
                version(1, 3, at: 7, number: 5, "a"), version(2, 4, at: 9, String(repeating: "b", count: 300)),
                version(.max, .max, at: .max, number: .max, nil),
            ], context: CausalContext(dots: [dot(1, 1), dot(9, 70), dot(9, 72)])),
    ]

    @Test("come back from their bytes, with the contents as slices of them")
    func roundTrip() throws {
        for object in samples + [siblings] {
            let record = object.encoded()
            let decoded = try CausalObject(encoded: record)
            #expect(decoded == object)
            #expect(decoded.encoded() == record)
        }
    }

    @Test("a stripped object comes back stripped")
    func strippedRoundTrip() throws {
        var stored = siblings
        stored.strip(vector([1: 3]))
        let decoded = try CausalObject(encoded: stored.encoded())
        #expect(decoded == stored)
        #expect(!decoded.context.contains(dot(1, 3)))
    }

    @Test("every truncation and every extension is refused")
    func truncations() {
        for object in samples {
            let record = object.encoded()
            for length in 0..<record.count {
                #expect(throws: MalformedBytes.self) { try CausalObject(encoded: Array(record[..<length])) }
            }
            #expect(throws: MalformedBytes.self) { try CausalObject(encoded: record + [0]) }
        }
    }

    @Test(
        "bytes that are no object are refused",
        arguments: [
            ("another format version", [2, 0, 0, 0]),
            ("unknown flags", [1, 0, 0, 1, 4, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("a zero counter", [1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
            ("an actor over 32 bits", [1, 0, 0, 1, 1, 0x80, 0x80, 0x80, 0x80, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
            (
                "versions out of order",
                [1, 0, 0, 2, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
            ),
            (
                "a dot twice",
                [1, 0, 0, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
            ),
            ("a content over the end", [1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 5, 1]),
            ("more versions than bytes", [1, 0, 0, 9, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        ] as [(String, [UInt8])])
    func malformed(what: String, bytes: [UInt8]) {
        #expect(throws: MalformedBytes.self, "\(what)") { try CausalObject(encoded: bytes) }
    }

    @Test("such bytes are objects but for what is wrong with them")
    func wellFormed() throws {
        let object = try CausalObject(encoded: [1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0])
        #expect(object.versions == [version(1, 1, nil)])
    }

    @Test("damaged records are refused or are objects, never anything else")
    func damaged() throws {
        for seed in Seeds.upTo(2_000) {
            var random = SplitMix64(seed: seed)
            var record = samples[random.below(samples.count)].encoded()
            for _ in 0...random.below(3) where !record.isEmpty {
                record[random.below(record.count)] =
                    random.chance(50) ? UInt8(random.below(4)) : UInt8(random.below(256))
            }
            if random.chance(20) { record.removeLast(random.below(record.count)) }
            guard let object = try? CausalObject(encoded: record) else { continue }
            let again = try CausalObject(encoded: object.encoded())
            guard Issue.unless(again == object, "seed \(seed): \(record)") else { return }
        }
    }
}
