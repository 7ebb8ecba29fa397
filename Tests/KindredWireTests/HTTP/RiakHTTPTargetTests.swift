import KindredModel
import Testing

@testable import KindredWire

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite("HTTP paths")
struct RiakHTTPRouteTests {
    private static let bucket = RiakHTTPBucket(form: .buckets, name: bytes("b"))
    private static let typed = RiakHTTPBucket(form: .types, type: bytes("t"), name: bytes("b"))
    private static let old = RiakHTTPBucket(form: .riak, name: bytes("b"))

    @Test(
        "Riak's paths lead where they should",
        arguments: [
            ("/", .root), ("/?x=1", .root), ("/ping", .ping), ("/ping/", .ping), ("/stats", .stats),
            ("/buckets", .bucketList(type: bytes("default"))),
            ("/buckets?buckets=true", .bucketList(type: bytes("default"))),
            ("/riak", .bucketList(type: bytes("default"))), ("/types/t/buckets", .bucketList(type: bytes("t"))),
            ("/types/t/props", .typeProperties(type: bytes("t"))),
            ("/buckets/b/props", .bucketProperties(bucket)), ("/types/t/buckets/b/props", .bucketProperties(typed)),
            ("/buckets/b/keys", .keyList(bucket)), ("/buckets/b/keys/", .keyList(bucket)),
            ("/types/t/buckets/b/keys?keys=true", .keyList(typed)), ("/riak/b", .bucket(old)),
            ("/buckets/b/keys/k", .object(bucket, key: bytes("k"))),
            ("/types/t/buckets/b/keys/k", .object(typed, key: bytes("k"))),
            ("/riak/b/k", .object(old, key: bytes("k"))),
            ("/buckets/b/keys/k/preflist", .preferenceList(bucket, key: bytes("k"))),
            ("/types/t/buckets/b/keys/k/preflist", .preferenceList(typed, key: bytes("k"))),
            (
                "/buckets/a+%2f%e2%82%ac/keys/%00%ff%3F",
                .object(
                    RiakHTTPBucket(form: .buckets, name: bytes("a /€")), key: [0, 0xFF, 0x3F])
            ),
            (
                "/buckets/keys/keys/props",
                .object(RiakHTTPBucket(form: .buckets, name: bytes("keys")), key: bytes("props"))
            ),
            ("/buckets/b/%6Beys/k", .unknown),
            (
                "/types/default/buckets/b/keys/k",
                .object(
                    RiakHTTPBucket(form: .types, name: bytes("b")), key: bytes("k"))
            ),
            ("/buckets/b", .unknown), ("/types", .unknown), ("/types/t", .unknown), ("/types/t/keys", .unknown),
            ("/types/t/props/x", .unknown), ("/nothing", .unknown), ("/ping/x", .unknown),
            ("/buckets/b/props/x", .unknown),
        ] as [(String, RiakHTTPRoute)])
    func routes(_ target: String, _ expected: RiakHTTPRoute) {
        #expect(RiakHTTPRoute.parse(target: target).route == expected)
    }

    @Test(
        "What Riak has and we have not is told from what nobody has",
        arguments: [
            "/buckets/b/index/f_bin/v", "/types/t/buckets/b/index/f_int/1/2", "/buckets/b/counters/k",
            "/types/t/buckets/b/datatypes/k", "/types/t/buckets/b/datatypes", "/mapred", "/riak/b/k/_,_,1",
            "/buckets/b/keys/k/b,t,_/_,_,1", "/solr/b/select", "/search/query/x", "/siblings/buckets/b/counts/2",
            "/queuename/q",
        ])
    func unsupported(_ target: String) {
        guard case .unsupported(let what) = RiakHTTPRoute.parse(target: target).route else {
            Issue.record("\(target)")
            return
        }
        #expect(!what.isEmpty)
    }

    @Test(
        "Empty names and malformed escapes are explained",
        arguments: [
            ("/buckets//keys/k", "Bucket cannot be zero-length"), ("/riak//k", "Bucket cannot be zero-length"),
            ("/buckets/b/keys//preflist", "Key cannot be zero-length"),
            ("/types//buckets/b/keys/k", "Type cannot be zero-length"),
            ("/buckets/100%/keys/k", "hexadecimal"), ("buckets/b/keys/k", "slash"), ("", "slash"), ("*", "slash"),
        ])
    func malformed(_ target: String, _ part: String) {
        guard case .malformed(let reason) = RiakHTTPRoute.parse(target: target).route else {
            Issue.record("\(RiakHTTPRoute.parse(target: target).route)")
            return
        }
        #expect(reason.contains(part))
    }

    @Test("The query is what follows the first question mark")
    func query() {
        #expect(RiakHTTPRoute.parse(target: "/buckets/b/keys/k?r=1&x=?").query == bytes("r=1&x=?"))
        #expect(RiakHTTPRoute.parse(target: "/ping").query.isEmpty)
        #expect(RiakHTTPRoute.parse(target: "/ping?").query.isEmpty)
    }

    @Test("A location leads back to its object, in the form the client used")
    func locations() {
        let key: [UInt8] = bytes("a/b c%+") + [0xFF]
        for form in [RiakHTTPBucket.Form.riak, .buckets, .types] {
            let type = form == .types ? bytes("t y/p") : BucketType.defaultName
            let bucket = RiakHTTPBucket(form: form, type: type, name: bytes("b?&#"))
            #expect(RiakHTTPRoute.parse(target: bucket.path(ofKey: key)).route == .object(bucket, key: key))
        }
        #expect(Self.typed.path(ofKey: bytes("k")) == "/types/t/buckets/b/keys/k")
        #expect(Self.bucket.path(ofKey: bytes("k")) == "/buckets/b/keys/k")
        #expect(Self.old.path(ofKey: bytes("k")) == "/riak/b/k")
    }

    @Test("No target traps")
    func fuzz() {
        let pieces = [
            "/", "//", "buckets", "types", "riak", "keys", "props", "index", "?", "%", "%2F", "+", "b", "preflist",
            "mapred",
        ]
        for seed in UInt64(1)...3000 {
            var random = HTTPTestRandom(seed: seed)
            let target = random.text(of: pieces, upTo: 12)
            let parsed = RiakHTTPRoute.parse(target: target)
            _ = try? RiakHTTPParameters(query: parsed.query)
            if case .object(let bucket, let key) = parsed.route {
                #expect(!bucket.name.isEmpty && !bucket.type.isEmpty && !key.isEmpty, "seed \(seed): \(target)")
            }
        }
    }
}

@Suite("HTTP query parameters")
struct RiakHTTPParametersTests {
    private func parse(_ query: String) throws(RiakHTTPRefusal) -> RiakHTTPParameters {
        try RiakHTTPParameters(query: bytes(query))
    }

    @Test("Nothing said means that the bucket decides")
    func defaults() throws {
        for query in [
            "", "&&", "unknown=1&other", "=", "r=default&w=default&basic_quorum=default&sync_on_write=default",
        ] {
            let parameters = try parse(query)
            #expect(parameters.r == .default)
            #expect(parameters.w == .default)
            #expect(parameters.basicQuorum == nil)
            #expect(parameters.syncOnWrite == nil)
            #expect(parameters.timeoutMilliseconds == nil)
            #expect(!parameters.returnBody)
            #expect(parameters.vtag == nil)
            #expect(parameters.keys == .no)
            #expect(parameters.properties)
        }
    }

    @Test("Every parameter is read")
    func all() throws {
        let parameters = try parse(
            "r=1&w=quorum&dw=all&rw=one&pr=0&pw=2&node_confirms=3&basic_quorum=TRUE&notfound_ok=false&asis=false"
                + "&sync_on_write=All&timeout=500&returnbody=true&vtag=3.a%37&keys=stream&buckets=true&props=false")
        #expect(parameters.r == .number(1))
        #expect(parameters.w == .quorum)
        #expect(parameters.dw == .all)
        #expect(parameters.rw == .one)
        #expect(parameters.pr == .number(0))
        #expect(parameters.pw == .number(2))
        #expect(parameters.nodeConfirms == .number(3))
        #expect(parameters.basicQuorum == true)
        #expect(parameters.notfoundOK == false)
        #expect(parameters.syncOnWrite == .all)
        #expect(parameters.timeoutMilliseconds == 500)
        #expect(parameters.returnBody)
        #expect(parameters.vtag == "3.a7")
        #expect(parameters.keys == .stream)
        #expect(parameters.buckets == .whole)
        #expect(!parameters.properties)
        #expect(try parse("r=1&r=bogus").r == .number(1))
        #expect(try parse("returnbody=false").returnBody == false)
        #expect(throws: RiakHTTPRefusal.self) { try parse("returnbody=yes") }
        #expect(try parse("r=4294967294").r == .number(4_294_967_294))
    }

    @Test(
        "A value that cannot be is refused in Riak's words",
        arguments: [
            ("r=x", "r query parameter must be an integer or one of the following words: 'one', 'quorum' or 'all'\n"),
            (
                "dw=-1",
                "dw query parameter must be an integer or one of the following words: 'one', 'quorum' or 'all'\n"
            ),
            ("pw=", "pw query parameter must be an integer or one of the following words: 'one', 'quorum' or 'all'\n"),
            (
                "pr=4294967296",
                "pr query parameter must be an integer or one of the following words: 'one', 'quorum' or 'all'\n"
            ),
            ("w=1.5", "w query parameter must be an integer or one of the following words: 'one', 'quorum' or 'all'\n"),
            ("notfound_ok=maybe", "notfound_ok query parameter must be true or false\n"),
            ("basic_quorum=1", "basic_quorum query parameter must be true or false\n"),
            ("asis=x", "asis query parameter must be true or false\n"),
            ("timeout=soon", "Bad timeout value \"soon\"\n"), ("timeout=-1", "Bad timeout value \"-1\"\n"),
            ("timeout=99999999999", "Bad timeout value \"99999999999\"\n"),
            (
                "sync_on_write=no",
                "sync_on_write query parameter must be one of the following words: [default,backend,one,all]\n"
            ),
        ])
    func refused(_ query: String, _ text: String) {
        #expect(throws: RiakHTTPRefusal(400, text)) { try parse(query) }
    }
}
