import Testing

@testable import KindredModel

@Suite("Quorum")
struct BucketQuorumTests {
    @Test("Protocol integers, words and numbers name the same quora")
    func codes() {
        let codes: [(UInt32, Quorum, String?)] = [
            (4_294_967_294, .one, "one"), (4_294_967_293, .quorum, "quorum"), (4_294_967_292, .all, "all"),
            (4_294_967_291, .default, "default"), (0, .number(0), nil), (3, .number(3), nil),
            (4_294_967_295, .number(4_294_967_295), nil), (4_294_967_290, .number(4_294_967_290), nil),
        ]
        for (code, quorum, word) in codes {
            #expect(Quorum(code: code) == quorum)
            #expect(quorum.code == code)
            #expect(quorum.word == word)
            if let word { #expect(Quorum(word: word) == quorum) }
        }
        #expect(Quorum(word: "Quorum") == nil)
        #expect(Quorum(word: "") == nil)
    }

    @Test("The number of replicas meant, from one replica to seven")
    func replicas() {
        let majorities = [1: 1, 2: 2, 3: 2, 4: 3, 5: 3, 6: 4, 7: 4]
        for (nVal, majority) in majorities {
            #expect(Quorum.one.replicas(of: nVal) == 1)
            #expect(Quorum.quorum.replicas(of: nVal) == majority)
            #expect(Quorum.default.replicas(of: nVal) == majority)
            #expect(Quorum.all.replicas(of: nVal) == nVal)
            #expect(Quorum.number(0).replicas(of: nVal) == 0)
            #expect(Quorum.number(UInt32(nVal)).replicas(of: nVal) == nVal)
            #expect(Quorum.number(UInt32(nVal) + 1).replicas(of: nVal) == nil)
        }
        #expect(Quorum.number(.max).replicas(of: 3) == nil)
        #expect(Quorum.default.orElse(.all) == .all)
        #expect(Quorum.one.orElse(.all) == .one)
    }
}

@Suite("Property sets")
struct BucketPropertySetTests {
    private func coded(_ set: PropertySet) throws -> PropertySet {
        var bytes: [UInt8] = []
        set.encode(into: &bytes)
        return try bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer)
            let result = try PropertySet(decoding: &reader)
            #expect(reader.isAtEnd)
            return result
        }
    }

    @Test("A set is sorted by name and keeps the last value of each")
    func sorted() {
        let set: PropertySet = ["w": 1, "allow_mult": true, "w": 2, "r": "all"]
        #expect(set.entries.map(\.name) == ["allow_mult", "r", "w"])
        #expect(set["w"] == 2)
        #expect(set["n_val"] == nil)
        var changed = set
        changed["r"] = nil
        changed["missing"] = nil
        changed["n_val"] = 3
        #expect(changed == ["allow_mult": true, "n_val": 3, "w": 2])
        #expect(set.overridden(by: ["w": 5, "x": 1]) == ["allow_mult": true, "r": "all", "w": 5, "x": 1])
    }

    @Test("Every kind of value survives its coding")
    func roundTrip() throws {
        let set: PropertySet = [
            "a": true, "b": false, "c": 0, "d": -1, "e": .integer(.max), "f": .integer(.min), "g": "",
            "h": "é\u{1F600}",
            "i": .list([]), "j": .list([1, .list([true]), "x"]),
            "k": .object([Property("mod", "m"), Property("fun", .object([]))]),
        ]
        #expect(try coded(set) == set)
        #expect(try coded([:]) == [:])
    }

    @Test("The coding is the one documented, byte by byte")
    func golden() {
        var bytes: [UInt8] = []
        let set: PropertySet = ["n_val": 3, "r": "all", "w": .list([true]), "x": .object([Property("y", -1)])]
        set.encode(into: &bytes)
        let expected: [UInt8] =
            [1, 4, 5] + Array("n_val".utf8) + [2, 6, 1] + Array("r".utf8) + [3, 3] + Array("all".utf8)
            + [1] + Array("w".utf8) + [4, 1, 1, 1] + Array("x".utf8) + [5, 1, 1] + Array("y".utf8) + [2, 1]
        #expect(bytes == expected)
    }

    @Test("What is not a set is refused: every prefix, another version, disorder, depth, and text that is none")
    func malformed() throws {
        var good: [UInt8] = []
        let set: PropertySet = ["a": .list([.object([Property("x", 5)])]), "b": "text"]
        set.encode(into: &good)
        var bad = (0..<good.count).map { Array(good.prefix($0)) }
        bad.append([2] + good.dropFirst())
        bad.append([1, 2, 1, 0x62, 0, 1, 0x61, 0])
        bad.append([1, 2, 1, 0x61, 0, 1, 0x61, 0])
        bad.append([1, 1, 1, 0x61, 3, 1, 0xFF])
        bad.append([1, 1, 1, 0x61, 9])
        bad.append([1, 1, 1, 0x61, 4, 200])
        var deep: [UInt8] = [1, 1, 1, 0x61]
        for _ in 0..<5 { deep += [4, 1] }
        bad.append(deep + [0])
        for bytes in bad {
            #expect(throws: MalformedBytes.self, "\(bytes)") {
                try bytes.withUnsafeBytes { buffer in
                    var reader = ByteReader(buffer)
                    _ = try PropertySet(decoding: &reader)
                }
            }
        }
    }
}

@Suite("Name index")
struct BucketNameIndexTests {
    @Test("It answers as a dictionary does, through random insertions and removals")
    func model() {
        var state: UInt64 = 42
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        var index = NameIndex()
        var model: [[UInt8]: UInt32] = [:]
        for step in 0..<4000 {
            let name = (0..<next(4)).map { _ in UInt8(truncatingIfNeeded: next(3) * 127) }
            if next(3) == 0 {
                #expect(index.remove(name) == model.removeValue(forKey: name), "step \(step)")
            } else {
                index.set(name, to: UInt32(step))
                model[name] = UInt32(step)
            }
            #expect(index.count == model.count)
            #expect(index.number(of: name) == model[name], "step \(step)")
        }
        #expect(index.sorted.map(\.name) == model.keys.sorted { $0.lexicographicallyPrecedes($1) })
        for (name, number) in model { #expect(index.number(of: name) == number) }
        #expect(index.isEmpty == model.isEmpty)
    }
}
