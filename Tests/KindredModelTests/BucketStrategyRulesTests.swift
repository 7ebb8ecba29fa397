import Testing

@testable import KindredModel

@Suite("Which bucket properties go together")
struct BucketStrategyRulesTests {
    private func create(_ properties: PropertySet) throws(BucketTypeError) -> PropertySet {
        var registry = BucketTypeRegistry()
        _ = try registry.create(Array("t".utf8), properties)
        return try registry.properties(ofType: Array("t".utf8))
    }

    private func flags(_ set: PropertySet) -> [PropertyValue?] {
        [set["conflict_strategy"], set["allow_mult"], set["last_write_wins"], set["write_once"]]
    }

    struct Accepted: CustomTestStringConvertible, Sendable {
        let given: PropertySet
        let strategy: PropertyValue
        let allowMult: PropertyValue
        let lastWriteWins: PropertyValue
        let writeOnce: PropertyValue
        var testDescription: String { "\(PropertyValue.object(given.entries))" }

        init(
            _ given: PropertySet, _ strategy: PropertyValue, _ a: PropertyValue, _ l: PropertyValue, _ o: PropertyValue
        ) {
            self.given = given
            self.strategy = strategy
            (allowMult, lastWriteWins, writeOnce) = (a, l, o)
        }
    }

    @Test(
        "Riak's flags and conflict_strategy read back as one",
        arguments: [
            Accepted([:], "version-vectors", true, false, false),
            Accepted(["allow_mult": true], "version-vectors", true, false, false),
            Accepted(["allow_mult": "TRUE"], "version-vectors", true, false, false),
            Accepted(["allow_mult": false], "last-write-wins", false, false, false),
            Accepted(["allow_mult": 0], "last-write-wins", false, false, false),
            Accepted(["last_write_wins": true], "last-write-wins", false, true, false),
            Accepted(["last_write_wins": false], "version-vectors", true, false, false),
            Accepted(["last_write_wins": true, "dvv_enabled": false], "last-write-wins", false, true, false),
            Accepted(["last_write_wins": true, "allow_mult": false], "last-write-wins", false, true, false),
            Accepted(["write_once": true], "immutable", false, false, true),
            Accepted(["write_once": true, "allow_mult": false], "immutable", false, false, true),
            Accepted(["write_once": false], "version-vectors", true, false, false),
            Accepted(["conflict_strategy": "version-vectors"], "version-vectors", true, false, false),
            Accepted(["conflict_strategy": "last-write-wins"], "last-write-wins", false, true, false),
            Accepted(
                ["conflict_strategy": "last-write-wins", "last_write_wins": false], "last-write-wins", false, false,
                false),
            Accepted(["conflict_strategy": "immutable"], "immutable", false, false, true),
            Accepted(["conflict_strategy": "version-numbers"], "version-numbers", true, false, false),
            Accepted(
                ["conflict_strategy": "version-numbers", "allow_mult": true], "version-numbers", true, false, false),
        ])
    func accepted(_ example: Accepted) throws {
        let expected = [example.strategy, example.allowMult, example.lastWriteWins, example.writeOnce]
        #expect(try flags(create(example.given)) == expected)
    }

    struct Refused: CustomTestStringConvertible, Sendable {
        let given: PropertySet
        let names: Set<String>
        var testDescription: String { "\(PropertyValue.object(given.entries))" }

        init(_ given: PropertySet, _ names: String...) {
            self.given = given
            self.names = Set(names)
        }
    }

    @Test(
        "Contradictions and impossible values are refused, by name",
        arguments: [
            Refused(["allow_mult": true, "last_write_wins": true], "last_write_wins"),
            Refused(["write_once": true, "last_write_wins": true], "last_write_wins"),
            Refused(["write_once": true, "allow_mult": true], "allow_mult"),
            Refused(
                ["write_once": true, "allow_mult": true, "last_write_wins": true], "allow_mult", "last_write_wins"),
            Refused(["conflict_strategy": "version-vectors", "allow_mult": false], "allow_mult"),
            Refused(["conflict_strategy": "version-vectors", "last_write_wins": true], "last_write_wins"),
            Refused(["conflict_strategy": "version-vectors", "write_once": true], "write_once"),
            Refused(["conflict_strategy": "last-write-wins", "allow_mult": true], "allow_mult"),
            Refused(["conflict_strategy": "last-write-wins", "write_once": true], "write_once"),
            Refused(["conflict_strategy": "immutable", "write_once": false], "write_once"),
            Refused(["conflict_strategy": "immutable", "allow_mult": true], "allow_mult"),
            Refused(["conflict_strategy": "immutable", "last_write_wins": true], "last_write_wins"),
            Refused(["conflict_strategy": "version-numbers", "allow_mult": false], "allow_mult"),
            Refused(["conflict_strategy": "version-numbers", "last_write_wins": true], "last_write_wins"),
            Refused(["conflict_strategy": "newest"], "conflict_strategy"),
            Refused(["datatype": "counter", "allow_mult": false], "allow_mult"),
            Refused(["datatype": "counter", "last_write_wins": true], "last_write_wins"),
            Refused(["datatype": "set", "write_once": true], "write_once"),
            Refused(["datatype": "map", "conflict_strategy": "version-vectors"], "conflict_strategy"),
            Refused(["datatype": "flag"], "datatype"),
            Refused(["datatype": 1], "datatype"),
            Refused(["hll_precision": 14], "hll_precision"),
            Refused(["datatype": "set", "hll_precision": 14], "hll_precision"),
            Refused(["datatype": "hll", "hll_precision": 17], "hll_precision"),
            Refused(["datatype": "hll", "hll_precision": 3], "hll_precision"),
            Refused(["consistent": true], "consistent"),
            Refused(["search": true], "search"),
            Refused(["search_index": "famous"], "search_index"),
            Refused(["n_val": 0], "n_val"),
            Refused(["n_val": 65], "n_val"),
            Refused(["n_val": -1], "n_val"),
            Refused(["n_val": "3"], "n_val"),
            Refused(["n_val": true], "n_val"),
            Refused(["r": 0], "r"),
            Refused(["w": 0], "w"),
            Refused(["rw": 0], "rw"),
            Refused(["dw": -1], "dw"),
            Refused(["r": "default"], "r"),
            Refused(["r": 4_294_967_291], "r"),
            Refused(["r": 4_294_967_296], "r"),
            Refused(["pw": "most"], "pw"),
            Refused(["pr": true], "pr"),
            Refused(["old_vclock": 0], "old_vclock"),
            Refused(["young_vclock": -1], "young_vclock"),
            Refused(["big_vclock": 4_294_967_296], "big_vclock"),
            Refused(["sync_on_write": "never"], "sync_on_write"),
            Refused(["repl": "both"], "repl"),
            Refused(["precommit": "none"], "precommit"),
            Refused(["precommit": .list([.object([Property("mod", "a"), Property("fun", "b")])])], "precommit"),
            Refused(["postcommit": .list([.object([Property("name", "f")])])], "postcommit"),
            Refused(["chash_keyfun": "chash_std_keyfun"], "chash_keyfun"),
            Refused(["chash_keyfun": .object([Property("mod", "a")])], "chash_keyfun"),
            Refused(["linkfun": .object([Property("mod", "a"), Property("fun", 1)])], "linkfun"),
            Refused(["linkfun": .object([Property("mod", "a"), Property("mod", "b")])], "linkfun"),
            Refused(["backend": .text(String(repeating: "x", count: 257))], "backend"),
            Refused(["allow_mult": "maybe"], "allow_mult"),
            Refused(["allow_mult": .list([])], "allow_mult"),
            Refused(["no_such_property": true], "no_such_property"),
            Refused(["active": true], "active"),
            Refused(
                ["n_val": 0, "r": 0, "allow_mult": true, "last_write_wins": true], "n_val", "r", "last_write_wins"),
        ])
    func refused(_ example: Refused) throws {
        let error = #expect(throws: BucketTypeError.self) { try create(example.given) }
        guard case .invalidProperties(let invalid)? = error else {
            Issue.record("refused for something else: \(String(describing: error))")
            return
        }
        #expect(Set(invalid.problems.map(\.name)) == example.names)
        #expect(invalid.problems.filter(\.reason.isEmpty).isEmpty)
    }

    @Test("Every property that Riak reads back by default has Riak's value")
    func defaults() throws {
        let common: [(String, PropertyValue)] = [
            ("basic_quorum", false), ("big_vclock", 50), ("dw", "quorum"), ("last_write_wins", false), ("n_val", 3),
            ("node_confirms", 0), ("notfound_ok", true), ("old_vclock", 86400), ("postcommit", .list([])), ("pr", 0),
            ("precommit", .list([])), ("pw", 0), ("r", "quorum"), ("rw", "quorum"), ("small_vclock", 50),
            ("sync_on_write", "backend"), ("w", "quorum"), ("write_once", false), ("young_vclock", 20),
            ("chash_keyfun", .object([Property("mod", "riak_core_util"), Property("fun", "chash_std_keyfun")])),
            ("linkfun", .object([Property("mod", "riak_kv_wm_link_walker"), Property("fun", "mapreduce_linkfun")])),
        ]
        let ofDefault = try BucketTypeRegistry().properties(ofType: BucketType.defaultName)
        let ofOthers = try create([:])
        for (name, value) in common {
            #expect(ofDefault[name] == value, "\(name)")
            #expect(ofOthers[name] == value, "\(name)")
        }
        #expect(ofDefault["conflict_log"] == true && ofOthers["conflict_log"] == true)
        #expect(ofDefault["allow_mult"] == false)
        #expect(ofDefault["dvv_enabled"] == false)
        #expect(ofOthers["allow_mult"] == true)
        #expect(ofOthers["dvv_enabled"] == true)
    }

    @Test("Quorum integers of the protocol become the words they stand for; functions are shown module first")
    func canonicalForms() throws {
        let set = try create([
            "r": 4_294_967_294, "w": 4_294_967_293, "dw": 4_294_967_292, "rw": 2, "pr": "all", "repl": "true",
            "linkfun": .object([Property("fun", "f"), Property("mod", "m")]), "search_index": "_dont_index_",
        ])
        #expect(set["r"] == "one")
        #expect(set["w"] == "quorum")
        #expect(set["dw"] == "all")
        #expect(set["rw"] == 2)
        #expect(set["pr"] == "all")
        #expect(set["repl"] == true)
        #expect(set["linkfun"] == .object([Property("mod", "m"), Property("fun", "f")]))
        let resolved = BucketProperties(set)
        #expect(resolved.r == .one)
        #expect(resolved.w == .quorum)
        #expect(resolved.dw == .all)
        #expect(resolved.rw == .number(2))
        #expect(resolved.pr == .all)
        #expect(resolved.pw == .number(0))
    }

    /// Where a type may go from one strategy, by which change; nil where it is refused.
    private static let moves: [(from: PropertySet, change: PropertySet, to: PropertyValue?)] = [
        (["allow_mult": true], ["allow_mult": false], "last-write-wins"),
        (["allow_mult": true], ["last_write_wins": true], "last-write-wins"),
        (["allow_mult": true], ["conflict_strategy": "last-write-wins"], "last-write-wins"),
        (["allow_mult": true], ["conflict_strategy": "immutable"], nil),
        (["allow_mult": true], ["conflict_strategy": "version-numbers"], nil),
        (["allow_mult": true], ["write_once": true], nil),
        (["allow_mult": true], ["write_once": false], "version-vectors"),
        (["allow_mult": true], ["datatype": "set"], nil),
        (["allow_mult": false], ["allow_mult": true], "version-vectors"),
        (["last_write_wins": true], ["allow_mult": true], "version-vectors"),
        (["last_write_wins": true], ["last_write_wins": false], "last-write-wins"),
        (["allow_mult": false], ["conflict_strategy": "version-vectors"], "version-vectors"),
        (["allow_mult": false], ["write_once": true], nil),
        (["write_once": true], ["write_once": true], "immutable"),
        (["write_once": true], ["write_once": false], nil),
        (["write_once": true], ["allow_mult": true], nil),
        (["write_once": true], ["last_write_wins": true], nil),
        (["write_once": true], ["conflict_strategy": "last-write-wins"], nil),
        (["write_once": true], ["n_val": 5], "immutable"),
        (["conflict_strategy": "version-numbers"], ["allow_mult": false], nil),
        (["conflict_strategy": "version-numbers"], ["allow_mult": true], "version-numbers"),
        (["conflict_strategy": "version-numbers"], ["last_write_wins": false], "version-numbers"),
        (["conflict_strategy": "version-numbers"], ["conflict_strategy": "version-vectors"], nil),
    ]

    @Test("Only version vectors and last-write-wins turn into each other, in types and in buckets")
    func changesOfStrategy() throws {
        let (type, bucket) = (Array("t".utf8), Array("b".utf8))
        for move in Self.moves {
            var ofType = BucketTypeRegistry()
            _ = try ofType.create(type, move.from)
            _ = try ofType.activate(type)
            var ofBucket = ofType
            guard let expected = move.to else {
                let before = ofType
                #expect(throws: BucketTypeError.self, "\(move)") { try ofType.update(type, move.change) }
                #expect(throws: BucketTypeError.self, "\(move)") {
                    try ofBucket.setProperties(move.change, ofBucket: bucket, inType: type)
                }
                #expect(ofType == before)
                #expect(ofBucket == before)
                continue
            }
            _ = try ofType.update(type, move.change)
            _ = try ofBucket.setProperties(move.change, ofBucket: bucket, inType: type)
            #expect(try ofType.properties(ofType: type)["conflict_strategy"] == expected, "\(move)")
            let inBucket = try ofBucket.properties(ofBucket: bucket, inType: type)
            #expect(inBucket["conflict_strategy"] == expected, "\(move)")
            // Whatever path led here, the four properties agree: a new type accepts them together.
            _ = try create(inBucket)
        }
    }

    @Test(
        "A type that keeps one value without last_write_wins still reads it as false after its other properties changed"
    )
    func lastWriteWinsReadsBackAsSet() throws {
        let type = Array("t".utf8)
        var registry = BucketTypeRegistry()
        _ = try registry.create(type, ["last_write_wins": true])
        _ = try registry.update(type, ["allow_mult": false])
        #expect(try registry.properties(ofType: type)["last_write_wins"] == true)
        _ = try registry.update(type, ["last_write_wins": false])
        #expect(try registry.properties(ofType: type)["last_write_wins"] == false)
        _ = try registry.update(type, ["allow_mult": false])
        #expect(try registry.properties(ofType: type)["last_write_wins"] == false)
    }

    @Test("A data type keeps what it is; an hll's precision only goes down")
    func dataTypes() throws {
        var registry = BucketTypeRegistry()
        for dataType in DataType.allCases {
            let name = Array(dataType.rawValue.utf8)
            _ = try registry.create(name, ["datatype": .text(dataType.rawValue), "allow_mult": true])
            let type = try #require(registry.type(named: name))
            #expect(type.strategyName == dataType.rawValue)
            #expect(type.properties["conflict_strategy"] == nil)
            #expect(BucketProperties(type.properties).dataType == dataType)
            for change: PropertySet in [
                ["datatype": dataType == .set ? "map" : "set"], ["allow_mult": false], ["last_write_wins": true],
                ["write_once": true], ["conflict_strategy": "version-vectors"],
            ] {
                #expect(throws: BucketTypeError.self, "\(change)") { try registry.update(name, change) }
            }
            _ = try registry.update(name, ["n_val": 2, "allow_mult": true, "datatype": .text(dataType.rawValue)])
        }
        let hll = Array("hll".utf8)
        #expect(try registry.properties(ofType: hll)["hll_precision"] == 14)
        _ = try registry.update(hll, ["hll_precision": 12])
        #expect(throws: BucketTypeError.self) { try registry.update(hll, ["hll_precision": 13]) }
        #expect(try registry.properties(ofType: hll)["hll_precision"] == 12)
        #expect(try registry.properties(ofType: Array("set".utf8))["hll_precision"] == nil)
    }
}
