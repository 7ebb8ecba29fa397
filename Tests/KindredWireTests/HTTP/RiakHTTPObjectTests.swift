import KindredModel
import Testing

@testable import KindredWire

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
private let bucket = RiakHTTPBucket(form: .buckets, name: bytes("carts"))

private func version(_ tag: String, _ content: ObjectContent?, at seconds: Int64 = 784_111_777) -> RiakHTTPVersion {
    RiakHTTPVersion(tag: tag, lastModified: seconds, content: content.map { $0.encoded()[...] })
}

@Suite("HTTP objects")
struct RiakHTTPObjectTests {
    private let full = ObjectContent(
        value: bytes("{}"), contentType: bytes("application/json"), charset: bytes("utf-8"),
        contentEncoding: bytes("identity"),
        links: [ObjectContent.Link(bucket: bytes("o"), key: bytes("k"), tag: bytes("t"))],
        userMetadata: [ObjectContent.Entry(key: bytes("Colour"), value: bytes("blue"))],
        indexes: [
            ObjectContent.Entry(key: bytes("age_int"), value: bytes("7")),
            ObjectContent.Entry(key: bytes("age_int"), value: bytes("8")),
            ObjectContent.Entry(key: bytes("name_bin"), value: bytes("x")),
        ])

    @Test("One version: its header lines and its bytes")
    func single() throws {
        let shown = try RiakHTTPObject.single(version("1.a", full), in: bucket)
        #expect(shown.body == bytes("{}"))
        #expect(
            shown.fields == [
                RiakHTTPField("Content-Type", "application/json; charset=utf-8"),
                RiakHTTPField("Content-Encoding", "identity"),
                RiakHTTPField("Link", "</buckets/carts>; rel=\"up\", </buckets/o/keys/k>; riaktag=\"t\""),
                RiakHTTPField("ETag", "\"1.a\""), RiakHTTPField("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
                RiakHTTPField("X-Riak-Meta-Colour", "blue"), RiakHTTPField("X-Riak-Index-age_int", "7, 8"),
                RiakHTTPField("X-Riak-Index-name_bin", "x"),
            ])
    }

    @Test("A value nobody described, and a tombstone")
    func bare() throws {
        let shown = try RiakHTTPObject.single(version("1.b", ObjectContent(value: [0xFF])), in: bucket)
        #expect(shown.body == [0xFF])
        #expect(
            shown.fields == [
                RiakHTTPField("Content-Type", "application/octet-stream"),
                RiakHTTPField("Link", "</buckets/carts>; rel=\"up\""),
                RiakHTTPField("ETag", "\"1.b\""), RiakHTTPField("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ])
        let tombstone = try RiakHTTPObject.single(version("1.c", nil), in: bucket)
        #expect(tombstone.body.isEmpty)
        #expect(tombstone.fields.last == RiakHTTPField("X-Riak-Deleted", "true"))
    }

    @Test("Metadata that came over another protocol cannot break out of its line")
    func injection() throws {
        let nasty = ObjectContent(
            value: [], contentType: bytes("text/plain\r\nX-Evil: 1"), charset: bytes("utf-8\"; a=\r\n"),
            contentEncoding: bytes("\n"),
            userMetadata: [ObjectContent.Entry(key: bytes("a: b\r\nX-Evil"), value: bytes("1\r\n\r\n<html>"))],
            indexes: [ObjectContent.Entry(key: bytes("x\n_bin"), value: bytes("\r\nX-Evil: 1"))])
        let fields = try RiakHTTPObject.single(version("1.a", nasty), in: bucket).fields
        for field in fields {
            #expect(field.name.utf8.filter { !RiakHTTPText.isTokenByte($0) }.isEmpty, "\(field)")
            #expect(field.value.utf8.filter { $0 < 0x20 }.isEmpty, "\(field)")
        }
        let body = try RiakHTTPObject.multipart([version("1.a", nasty)], in: bucket).body
        let lines = body.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        #expect(lines.filter { $0.hasPrefix("X-Evil") || $0.hasPrefix("<html>") }.isEmpty)
    }

    @Test("Siblings as multipart/mixed, byte by byte")
    func multipart() throws {
        let shown = try RiakHTTPObject.multipart(
            [version("1.a", full), version("2.b", nil, at: 0), version("2.c", ObjectContent(value: bytes("a\r\n")))],
            in: bucket)
        #expect(shown.boundary == "kindred0siblings")
        let expected = """
            \r
            --kindred0siblings\r
            Content-Type: application/json; charset=utf-8\r
            Content-Encoding: identity\r
            Link: </buckets/carts>; rel="up", </buckets/o/keys/k>; riaktag="t"\r
            Etag: 1.a\r
            Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r
            X-Riak-Meta-Colour: blue\r
            X-Riak-Index-age_int: 7, 8\r
            X-Riak-Index-name_bin: x\r
            \r
            {}\r
            --kindred0siblings\r
            Content-Type: application/octet-stream\r
            Link: </buckets/carts>; rel="up"\r
            Etag: 2.b\r
            Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r
            X-Riak-Deleted: true\r
            \r
            \r
            --kindred0siblings\r
            Content-Type: application/octet-stream\r
            Link: </buckets/carts>; rel="up"\r
            Etag: 2.c\r
            Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r
            \r
            a\r
            \r
            --kindred0siblings--\r

            """
        #expect(String(decoding: shown.body, as: UTF8.self) == expected)
    }

    @Test("A boundary never occurs in a value, and any values come back by splitting at it")
    func boundaries() throws {
        for seed in UInt64(1)...100 {
            var random = HTTPTestRandom(seed: seed)
            let pieces = [
                "--kindred0siblings", "\r\n--kindred1siblings--\r\n", "--", "kindred2siblings", "\r\n",
                "---kindred0siblings",
            ]
            let values = (0..<4).map { _ in bytes(random.text(of: pieces, upTo: 6)) }
            let versions = values.enumerated().map { version("1.\($0)", ObjectContent(value: $1)) }
            let shown = try RiakHTTPObject.multipart(versions, in: bucket)
            let delimiter = bytes("\r\n--\(shown.boundary)")
            var parts: [[UInt8]] = [[]]
            var position = 0
            while position < shown.body.count {
                if shown.body[position...].starts(with: delimiter) {
                    parts.append([])
                    position += delimiter.count
                } else {
                    parts[parts.count - 1].append(shown.body[position])
                    position += 1
                }
            }
            #expect(parts.count == 6, "seed \(seed)")
            #expect(parts.first == [], "seed \(seed)")
            #expect(parts.last == bytes("--\r\n"), "seed \(seed)")
            for (part, value) in zip(parts.dropFirst(), values) {
                #expect(part.suffix(value.count + 4) == bytes("\r\n\r\n") + value, "seed \(seed)")
            }
        }
    }

    @Test("Siblings as text, their tag and their time")
    func text() {
        let versions = [version("2.b", nil, at: 5), version("1.a", nil, at: 9), version("1.z", nil, at: 7)]
        #expect(RiakHTTPObject.siblingsText(versions) == bytes("Siblings:\n2.b\n1.a\n1.z\n"))
        #expect(RiakHTTPObject.tag(of: versions) == "1.a+1.z+2.b")
        #expect(RiakHTTPObject.tag(of: versions.reversed()) == "1.a+1.z+2.b")
        #expect(RiakHTTPObject.lastModified(of: versions) == 9)
        #expect(RiakHTTPObject.lastModified(of: []) == 0)
    }

    @Test("Content that does not decode is an error, not an empty value")
    func damaged() {
        let damaged = RiakHTTPVersion(tag: "1.a", lastModified: 0, content: [0x99, 1, 2])
        #expect(throws: MalformedBytes.self) { try RiakHTTPObject.single(damaged, in: bucket) }
        #expect(throws: MalformedBytes.self) { try RiakHTTPObject.multipart([damaged], in: bucket) }
    }

    @Test("A slice of a larger record is read from where it begins")
    func slices() throws {
        let content = ObjectContent(value: bytes("value"), contentType: bytes("text/plain")).encoded()
        let record = [1, 2, 3] + content
        let shown = try RiakHTTPObject.single(
            RiakHTTPVersion(tag: "1.a", lastModified: 0, content: record[3...]), in: bucket)
        #expect(shown.body == bytes("value"))
    }

    @Test(
        "Which form of siblings a client gets",
        arguments: [
            (nil, .text), ("", .text), ("*/*", .text), ("text/plain", .text), ("multipart/mixed", .multipart),
            ("multipart/*", .multipart),
            ("text/*", .text), ("multipart/mixed, application/json, */*;q=0.5", .multipart),
            ("text/plain, multipart/mixed", .text),
            ("multipart/mixed, text/plain", .multipart), ("multipart/mixed;q=0.4, text/plain;q=0.5", .text),
            ("MULTIPART/Mixed ; Q=0.6 , text/plain;q=0.5", .multipart), ("*/*, multipart/mixed;q=0", .text),
            ("*/*;q=0.1, text/plain;q=0", .multipart), ("application/json", .none), ("multipart/mixed;q=0", .none),
            ("multipart/mixed;q=0.000", .none), ("multipart/mixed;q=0.001", .multipart),
            ("multipart/mixed;q=x", .multipart),
            (",,;", .none),
        ] as [(String?, RiakHTTPSiblingRepresentation)])
    func negotiation(_ accept: String?, _ expected: RiakHTTPSiblingRepresentation) {
        #expect(RiakHTTPSiblingRepresentation(accept: accept) == expected)
    }
}
