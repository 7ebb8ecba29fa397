import KindredModel
import Testing

@testable import KindredWire

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
private let bucket = RiakHTTPBucket(form: .buckets, name: bytes("b"))

private func link(_ bucket: String, _ key: String, _ tag: String) -> ObjectContent.Link {
    ObjectContent.Link(bucket: bytes(bucket), key: bytes(key), tag: bytes(tag))
}

@Suite("HTTP links")
struct RiakHTTPLinksTests {
    @Test("Links are read in both forms, several in a line, with or without spaces")
    func parse() throws {
        let cases: [(String, [ObjectContent.Link])] = [
            ("", []), (" , ,", []), ("</buckets/b>; rel=\"up\"", []), ("</riak/b>; rel=\"up\"", []),
            ("</buckets/o/keys/k>; riaktag=\"t\"", [link("o", "k", "t")]),
            ("</riak/o/k>;riaktag=\"t\"", [link("o", "k", "t")]),
            (
                "</buckets/o/keys/k>; riaktag=\"t\", </buckets/b>; rel=\"up\" ,</buckets/p/keys/q>;riaktag=\"u\"",
                [link("o", "k", "t"), link("p", "q", "u")]
            ),
            ("</buckets/a%2Fb+c/keys/%e2%82%ac>; riaktag=\"x+y%22\"", [link("a/b c", "€", "x y\"")]),
            ("</buckets/o/keys/k>; riaktag=\"tag2!@#%^&*)\"", [link("o", "k", "tag2!@#%^&*)")]),
            ("</buckets/o/keys/k>; riaktag=\"a,b\"", [link("o", "k", "a,b")]),
            ("</buckets/o/keys/k>; title=\"x\"; riaktag=t; rel=next", [link("o", "k", "t")]),
            ("</buckets/o/keys/k>; riaktag=\"\"", [link("o", "k", "")]),
        ]
        for (line, expected) in cases {
            #expect(try RiakHTTPLinks.parse(line.utf8, in: bucket) == expected, "\(line)")
        }
    }

    @Test(
        "Everything else is refused in Riak's words",
        arguments: [
            "x", "<", "</buckets/o/keys/k>", "</buckets/o/keys/k>; riaktag=\"t", "</buckets/o/keys/k> riaktag=\"t\"",
            "</buckets/other>; rel=\"up\"", "</buckets/b>; rel=\"down\"", "</buckets/b>; riaktag=\"t\"",
            "</buckets/o/keys/k>; rel=\"up\"", "</types/t/buckets/o/keys/k>; riaktag=\"t\"",
            "<buckets/o/keys/k>; riaktag=\"t\"",
            "</buckets/o/keys/>; riaktag=\"t\"", "</buckets//keys/k>; riaktag=\"t\"",
            "</buckets/o/keyz/k>; riaktag=\"t\"",
            "</buckets/o/keys/k>; =\"t\"", "<>; riaktag=\"t\"", "</>; riaktag=\"t\"", "</riak/o/k/l>; riaktag=\"t\"",
            "</buckets/o/keys/k>; riaktag=\"t\" x",
        ])
    func malformed(_ line: String) {
        let text = "Invalid Link header. Links must be of the form\n</buckets/BUCKET/keys/KEY>; riaktag=\"TAG\"\n"
        #expect(throws: RiakHTTPRefusal(400, text)) { try RiakHTTPLinks.parse(line.utf8, in: bucket) }
    }

    @Test("The bucket itself comes first; each form writes its own paths")
    func render() {
        let links = [link("o/p", "k q", "t\""), link("x", "y", "z")]
        func text(_ form: RiakHTTPBucket.Form) -> [String] {
            RiakHTTPLinks.lines(for: links, in: RiakHTTPBucket(form: form, name: bytes("b c")))
                .map { String(decoding: $0, as: UTF8.self) }
        }
        let new =
            "</buckets/b%20c>; rel=\"up\", </buckets/o%2Fp/keys/k%20q>; riaktag=\"t%22\", </buckets/x/keys/y>; riaktag=\"z\""
        #expect(text(.buckets) == [new])
        #expect(text(.types) == [new.replacing("</buckets/b%20c>", with: "</types/default/buckets/b%20c>")])
        #expect(
            text(.riak) == [
                "</riak/b%20c>; rel=\"up\", </riak/o%2Fp/k%20q>; riaktag=\"t%22\", </riak/x/y>; riaktag=\"z\""
            ])
    }

    @Test("Three hundred links stay in one line; what no client could read as a line is divided; both come back")
    func many() throws {
        for (count, lines) in [(300, 1), (5000, 4)] {
            let links = (0..<count).map { link("other", "key\($0)", "next") }
            let rendered = RiakHTTPLinks.lines(for: links, in: bucket)
            #expect(rendered.count == lines)
            #expect(rendered.filter { $0.count > RiakHTTPLinks.maximumLineLength }.isEmpty)
            var back: [ObjectContent.Link] = []
            for line in rendered { back += try RiakHTTPLinks.parse(line, in: bucket) }
            #expect(back == links)
        }
    }

    @Test("Links of any bytes come back, and no line traps")
    func fuzz() throws {
        for seed in UInt64(1)...500 {
            var random = HTTPTestRandom(seed: seed)
            let links = (0..<3).map { _ in
                ObjectContent.Link(
                    bucket: [1] + random.bytes(upTo: 10), key: [2] + random.bytes(upTo: 10), tag: random.bytes(upTo: 10)
                )
            }
            for line in RiakHTTPLinks.lines(for: links, in: bucket) {
                #expect(try RiakHTTPLinks.parse(line, in: bucket) == links, "seed \(seed)")
            }
            let pieces = ["<", ">", ";", ",", "\"", " ", "=", "/buckets/", "/keys/", "b", "riaktag", "rel", "up", "%"]
            let noise = random.text(of: pieces, upTo: 20)
            _ = try? RiakHTTPLinks.parse(noise.utf8, in: bucket)
            _ = try? RiakHTTPLinks.parse(random.bytes(upTo: 60), in: bucket)
        }
    }
}

@Suite("HTTP entity tags")
struct RiakHTTPEntityTagsTests {
    @Test("Lists of tags, quoted or not, weak or not")
    func parse() {
        func tags(_ tags: (String, Bool)...) -> RiakHTTPEntityTags {
            .tags(tags.map { RiakHTTPEntityTags.Tag(text: $0.0, isWeak: $0.1) })
        }
        #expect(RiakHTTPEntityTags("*") == .any)
        #expect(RiakHTTPEntityTags(" * ") == .any)
        #expect(RiakHTTPEntityTags("\"a\"") == tags(("a", false)))
        #expect(RiakHTTPEntityTags("W/\"a\" , \"b,c\",,d") == tags(("a", true), ("b,c", false), ("d", false)))
        #expect(RiakHTTPEntityTags("\"\"") == tags(("", false)))
        #expect(RiakHTTPEntityTags("3.a7") == tags(("3.a7", false)))
        for bad in ["", " ", ",", "\"a", "\"a\"b", "W/\"a"] { #expect(RiakHTTPEntityTags(bad) == nil, "\(bad)") }
        #expect(RiakHTTPEntityTags.quoted("a") == "\"a\"")
        #expect(RiakHTTPEntityTags("*")?.matchesWeakly("x") == true)
        #expect(RiakHTTPEntityTags("W/\"x\"")?.matchesWeakly("x") == true)
        #expect(RiakHTTPEntityTags("\"y\"")?.matchesWeakly("x") == false)
    }
}

@Suite("HTTP request headers")
struct RiakHTTPRequestHeadersTests {
    private func headers(
        _ purpose: RiakHTTPRequestHeaders.Purpose = .store, _ lines: (String, String)...
    ) throws(RiakHTTPRefusal) -> RiakHTTPRequestHeaders {
        var headers = RiakHTTPRequestHeaders(for: purpose, in: bucket, now: 1_795_500_000)
        for (name, value) in lines { try headers.add(name, value) }
        return headers
    }

    @Test("What is said about a value is stored with it")
    func content() throws {
        let headers = try headers(
            .store, ("content-type", "text/html; charset=\"utf-8\"; level=1"), ("Content-Encoding", "gzip"),
            ("Link", "</buckets/b>; rel=\"up\", </buckets/o/keys/k>; riaktag=\"t\""),
            ("Link", "</buckets/o/keys/l>; riaktag=\"t\""), ("X-Riak-Meta-Colour", "dark blue"),
            ("x-riak-meta-", "no name"), ("X-Riak-Index-Age_int", "007, -5, 0"), ("x-riak-index-name_bin", "a,b, c"),
            ("X-Riak-Index-age_int", "+12345678901234567890123"), ("User-Agent", "x"))
        let content = try headers.content(value: [1, 2, 3])
        #expect(content.contentType == bytes("text/html; level=1"))
        #expect(content.charset == bytes("utf-8"))
        #expect(content.contentEncoding == bytes("gzip"))
        #expect(content.links == [link("o", "k", "t"), link("o", "l", "t")])
        #expect(
            content.userMetadata == [
                ObjectContent.Entry(key: bytes("Colour"), value: bytes("dark blue")),
                ObjectContent.Entry(key: [], value: bytes("no name")),
            ])
        let indexes = content.indexes.map { String(decoding: $0.key + [0x3D] + $0.value, as: UTF8.self) }
        #expect(
            indexes == [
                "age_int=7", "age_int=-5", "age_int=0", "name_bin=a,b", "name_bin=c", "age_int=12345678901234567890123",
            ])
        #expect(content.value == [1, 2, 3])
    }

    @Test("Conditions and contexts are read for every purpose; the description of a value only where one is stored")
    func conditions() throws {
        for purpose in [RiakHTTPRequestHeaders.Purpose.read, .store, .delete] {
            let headers = try headers(
                purpose, ("X-Riak-Vclock", " AQID "), ("x-riak-if-not-modified", "BAUG"), ("If-Match", "\"a\""),
                ("If-None-Match", "*"), ("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT"),
                ("If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT"), ("Accept", "text/plain"),
                ("accept", "multipart/mixed"), ("X-Kindred-Request-ID", "18446744073709551615:7"))
            #expect(headers.requestID?.client == .max)
            #expect(headers.requestID?.number == 7)
            #expect(headers.token == [1, 2, 3])
            #expect(headers.tokenNotModified == [4, 5, 6])
            #expect(headers.ifMatch == RiakHTTPEntityTags("\"a\""))
            #expect(headers.ifNoneMatch == .any)
            #expect(headers.ifModifiedSince == 784_111_777)
            #expect(headers.ifUnmodifiedSince == 0)
            #expect(headers.accept == "text/plain,multipart/mixed")
        }
        _ = try headers(.read, ("Link", "nonsense"), ("Content-Type", "x"), ("X-Riak-Index-a", "b"))
        #expect(try headers(.read, ("X-Riak-Vclock", "")).token == nil)
        #expect(try headers(.read, ("If-Modified-Since", "nonsense")).ifModifiedSince == nil)
    }

    @Test(
        "A header that matters and cannot be read is refused",
        arguments: [
            ("Content-Type", "text", 415, "\"text\" is not a valid media type for the Content-type header.\n"),
            ("Content-Type", "", 415, "\"\" is not a valid media type for the Content-type header.\n"),
            ("Content-Type", "a/b/c", 415, "\"a/b/c\" is not a valid media type for the Content-type header.\n"),
            (
                "Link", "x", 400,
                "Invalid Link header. Links must be of the form\n</buckets/BUCKET/keys/KEY>; riaktag=\"TAG\"\n"
            ),
            ("X-Riak-Index-age", "5", 400, "Unknown field type for field: 'age'.\n"),
            ("X-Riak-Index-_int", "5", 400, "Unknown field type for field: '_int'.\n"),
            ("X-Riak-Index-Age_int", "five", 400, "Could not parse field 'age_int', value 'five'.\n"),
            ("X-Riak-Index-age_int", "", 400, "Could not parse field 'age_int', value ''.\n"),
            ("X-Riak-Index-age_int", "-", 400, "Could not parse field 'age_int', value '-'.\n"),
            ("X-Riak-Index-age_int", "1.5", 400, "Could not parse field 'age_int', value '1.5'.\n"),
            ("X-Riak-Vclock", "%%%", 400, "The X-Riak-Vclock header cannot be read\n"),
            ("X-Riak-If-Not-Modified", "", 400, "The X-Riak-If-Not-Modified header cannot be read\n"),
            ("X-Kindred-Request-ID", "7", 400, "The X-Kindred-Request-ID header cannot be read\n"),
            ("X-Kindred-Request-ID", "7:-1", 400, "The X-Kindred-Request-ID header cannot be read\n"),
            ("X-Kindred-Request-ID", "1:2:3", 400, "The X-Kindred-Request-ID header cannot be read\n"),
            ("If-Match", "\"a", 400, "The If-Match header cannot be read\n"),
            ("If-None-Match", "", 400, "The If-None-Match header cannot be read\n"),
            ("If-Unmodified-Since", "yesterday", 400, "The If-Unmodified-Since header cannot be read\n"),
        ])
    func refused(_ name: String, _ value: String, _ status: Int, _ text: String) {
        #expect(throws: RiakHTTPRefusal(status, text)) { try headers(.store, (name, value)) }
    }

    @Test("A value without a media type is refused")
    func missingMediaType() throws {
        let headers = try headers(.store, ("X-Riak-Meta-a", "b"))
        #expect(throws: RiakHTTPRefusal(400, "Missing Content-Type request header\n")) {
            try headers.content(value: [])
        }
    }

    @Test("No header traps")
    func fuzz() {
        let names = [
            "content-type", "link", "x-riak-vclock", "if-match", "if-none-match", "if-unmodified-since",
            "x-riak-index-a_int",
            "x-riak-index-a_bin", "x-riak-meta-x", "accept", "if-modified-since",
        ]
        let pieces = [
            "\"", ",", ";", "=", "/", " ", "a", "W/", "*", "q=", "0.", "Sun, ", "06 Nov 1994 ", "charset", "<", ">",
            "-",
        ]
        for seed in UInt64(1)...2000 {
            var random = HTTPTestRandom(seed: seed)
            var headers = RiakHTTPRequestHeaders(for: .store, in: bucket, now: .max)
            for name in names {
                let value = random.text(of: pieces, upTo: 10)
                try? headers.add(name, value)
                _ = RiakHTTPSiblingRepresentation(accept: value)
            }
            _ = try? headers.content(value: [])
        }
    }
}
