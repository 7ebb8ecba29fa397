import KindredModel
import Testing

@testable import KindredWire

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite("HTTP JSON")
struct RiakHTTPJSONTests {
    @Test("Lists of names are ASCII, and a brace ends only objects")
    func lists() {
        #expect(RiakHTTPJSON.list("keys", of: []) == bytes("{\"keys\":[]}"))
        let names = [bytes("a"), bytes("b\"\\/"), bytes("}{"), bytes("é€\u{1F600}"), [0x0A, 0x7F, 0x00], bytes("a b")]
        #expect(
            RiakHTTPJSON.list("keys", of: names)
                == bytes(
                    #"{"keys":["a","b\"\\/","\u007d{","\u00e9\u20ac\ud83d\ude00","\u000a\u007f\u0000","a b"]}"#))
        #expect(RiakHTTPJSON.list("buckets", of: [[0xFF]]) == bytes(#"{"buckets":["\ufffd"]}"#))
    }

    @Test("Properties are shown in Riak's shapes")
    func properties() throws {
        let set: PropertySet = [
            "allow_mult": true, "n_val": 3, "r": "quorum", "pr": 0, "precommit": .list([]),
            "chash_keyfun": .object([Property("mod", "riak_core_util"), Property("fun", "chash_std_keyfun")]),
        ]
        let expected =
            #"{"props":{"allow_mult":true,"chash_keyfun":{"mod":"riak_core_util","fun":"chash_std_keyfun"},"#
            + #""n_val":3,"pr":0,"precommit":[],"r":"quorum"}}"#
        #expect(RiakHTTPJSON.properties(set) == bytes(expected))
        #expect(try RiakHTTPJSON.parseProperties(bytes(expected)) == set)
    }

    @Test("What every type reads can be written back through JSON")
    func writeBack() throws {
        var registry = BucketTypeRegistry()
        for type in registry.list {
            var read = type.properties
            read["name"] = "b"
            read["active"] = true
            let written = try RiakHTTPJSON.parseProperties(RiakHTTPJSON.properties(read))
            #expect(written == read)
            _ = try registry.setProperties(written, ofBucket: bytes("b"), inType: type.name)
            #expect(try registry.properties(ofBucket: bytes("b"), inType: type.name) == type.properties)
        }
    }

    @Test("What is wrong is said by name")
    func problems() throws {
        var registry = BucketTypeRegistry()
        let error = #expect(throws: BucketTypeError.self) {
            try registry.setProperties(["n_val": 0, "r": "}"], ofBucket: bytes("b"), inType: BucketType.defaultName)
        }
        guard case .invalidProperties(let invalid)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(
            RiakHTTPJSON.problems(invalid)
                == bytes(
                    #"{"n_val":"0 is not a number from 1 to 64","r":"'\u007d' is not one, quorum, all or a number from 1"}"#
                ))
    }

    @Test("Preference lists and the map of resources")
    func documents() {
        let replicas = [
            RiakHTTPJSON.PreferredReplica(partition: 5, node: "riak@127.0.0.1", isPrimary: true),
            RiakHTTPJSON.PreferredReplica(partition: 6, node: "n", isPrimary: false),
        ]
        #expect(
            RiakHTTPJSON.preferenceList(replicas)
                == bytes(
                    #"{"preflist":[{"partition":5,"node":"riak@127.0.0.1","primary":true},"#
                        + #"{"partition":6,"node":"n","primary":false}]}"#))
        let names = Set(RiakHTTPJSON.resources.map(\.name))
        #expect(names.isSuperset(of: ["riak_kv_wm_buckets", "riak_kv_wm_bucket_type", "riak_kv_wm_preflist"]))
    }

    @Test(
        "Documents are read strictly",
        arguments: [
            (
                " {\"a\" : [ 1 , -2 , true , false , \"x\" , { } , [ ] ] } \n",
                .object([Property("a", .list([1, -2, true, false, "x", .object([]), .list([])]))])
            ),
            (#""\"\\\/\b\f\n\r\t\u0041\ud83d\ude00é""#, .text("\"\\/\u{8}\u{C}\n\r\tA\u{1F600}é")),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)), ("0", 0), ("-0", 0),
            ("[[[[[[[1]]]]]]]", .list([.list([.list([.list([.list([.list([.list([1])])])])])])])),
        ] as [(String, PropertyValue)])
    func read(_ text: String, _ value: PropertyValue) throws {
        #expect(try RiakHTTPJSON.decode(bytes(text)) == value)
    }

    @Test(
        "What is not JSON, or more than is needed, is refused",
        arguments: [
            "", " ", "{", "}", "[", "[1", "[1,", "[1,]", "[,1]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}",
            "{'a':1}", "{\"a\":1", "01",
            "-", "+1", "1.5", "1e3", "1E3", ".5", "NaN", "null", "[null]", "tru", "True", "truex", "\"", "\"a",
            "\"\\x\"", "\"\\u12\"",
            "\"\\u12g4\"", "\"\\ud83d\"", "\"\\ud83dx\"", "\"\\ude00\\ud83d\"", "\"\\ud83d\\u0041\"", "\"\n\"", "1 2",
            "{} x",
            "9223372036854775808", "-9223372036854775809", "[[[[[[[[1]]]]]]]]", "//", "{\"a\":1 \"b\":2}", "\u{FEFF}1",
        ])
    func refused(_ text: String) {
        #expect(throws: MalformedBytes.self) { try RiakHTTPJSON.decode(bytes(text)) }
    }

    @Test("Bytes that are not UTF-8 and documents that are too long are refused; deep ones do not exhaust the stack")
    func bounds() {
        #expect(throws: MalformedBytes.self) { try RiakHTTPJSON.decode([0x22, 0xFF, 0x22]) }
        #expect(throws: MalformedBytes.self) { try RiakHTTPJSON.decode([0x22, 0xC0, 0x80, 0x22]) }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: RiakHTTPJSON.maximumLength)
        #expect(throws: MalformedBytes.self) { try RiakHTTPJSON.decode(deep) }
        #expect(throws: MalformedBytes("longer than 65536 bytes")) { try RiakHTTPJSON.decode(deep + [0]) }
    }

    @Test(
        "A body without properties is refused in Riak's words",
        arguments: ["{}", "[]", "{\"props\":[]}", "{\"props\":1}", "x"])
    func notProperties(_ text: String) {
        let error = #expect(throws: RiakHTTPRefusal.self) { try RiakHTTPJSON.parseProperties(bytes(text)) }
        #expect(error?.status == 400)
        #expect(
            error?.text.hasSuffix(
                "bucket PUT must be a JSON object of the form:\n{\"props\":{...bucket properties...}}\n") == true)
    }

    @Test("Any value comes back, and no bytes trap")
    func fuzz() throws {
        func value(_ random: inout HTTPTestRandom, depth: Int) -> PropertyValue {
            switch random.next() % (depth < 5 ? 5 : 3) {
            case 0: return .bool(random.next() % 2 == 0)
            case 1: return .integer(Int64(bitPattern: random.next()))
            case 2: return .text(String(decoding: random.bytes(upTo: 12), as: UTF8.self))
            case 3: return .list((0..<Int(random.next() % 4)).map { _ in value(&random, depth: depth + 1) })
            default:
                return .object(
                    (0..<Int(random.next() % 4)).map {
                        Property(
                            "\($0)" + String(decoding: random.bytes(upTo: 5), as: UTF8.self),
                            value(&random, depth: depth + 1))
                    })
            }
        }
        let pieces = ["{", "}", "[", "]", "\"", ":", ",", "\\u", "d83d", "\\", "1", "-", "true", "null", " ", "props"]
        for seed in UInt64(1)...2000 {
            var random = HTTPTestRandom(seed: seed)
            let original = value(&random, depth: 0)
            #expect(try RiakHTTPJSON.decode(RiakHTTPJSON.encode(original)) == original, "seed \(seed)")
            _ = try? RiakHTTPJSON.decode(bytes(random.text(of: pieces, upTo: 20)))
            _ = try? RiakHTTPJSON.decode(random.bytes(upTo: 40))
        }
    }
}
