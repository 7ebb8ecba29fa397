import Foundation
import KindredClient
import KindredModel
import KindredWire
import Testing

@testable import KindredCommand

/// Commands against a server that answers what it is told to: what they write, and what they end with.
@Suite struct CommandTests {
    private let one: @Sendable (FakeServer.Request) -> [FakeServer.Reply] = { _ in [.object([("milk", "1.1")])] }
    private let two: @Sendable (FakeServer.Request) -> [FakeServer.Reply] = { _ in
        [.object([("milk, eggs", "1.a"), ("milk, bread", "1.b")])]
    }
    private let none: @Sendable (FakeServer.Request) -> [FakeServer.Reply] = { _ in [.frame(.getResponse)] }

    private func run(
        _ words: [String], _ respond: @escaping @Sendable (FakeServer.Request) -> [FakeServer.Reply],
        isTerminal: Bool = false, input: String = ""
    ) async throws -> (code: Int32, output: String, errors: [String], requests: [FakeServer.Request]) {
        let console = TestConsole()
        let server = try await FakeServer.start(respond)
        let code = try await console.run(words, against: server, isTerminal: isTerminal, input: input)
        try await server.stop()
        return (code, console.output, console.errors, server.requests)
    }

    // MARK: get

    @Test func aSingleValueIntoAPipeIsItsBytes() async throws {
        let result = try await run(["get", "b/k"], one)
        #expect(result.code == 0 && result.output == "milk" && result.errors.isEmpty)
    }

    @Test func aSingleValueInATerminal() async throws {
        let result = try await run(["get", "siblings/carts/anna"], one, isTerminal: true)
        #expect(
            result.output == """
                siblings/carts/anna
                  version  1.1
                  who      actor 1, event 1
                  when     2026-11-23 14:03:12.123 UTC
                  what     text/plain, 4 bytes
                  context  AQID

                milk

                """)
        #expect(result.code == 0)
    }

    @Test func siblingsSideBySide() async throws {
        let result = try await run(["get", "siblings/carts/anna"], two)
        #expect(
            result.output == """
                siblings/carts/anna has 2 concurrent versions:
                none of their writers had seen another's.
                ┌──────────────────────────────────────┬──────────────────────────────────────┐
                │ version  1.a                         │ version  1.b                         │
                │ who      actor 1, event 10           │ who      actor 1, event 11           │
                │ when     2026-11-23 14:03:12.123 UTC │ when     2026-11-23 14:03:12.123 UTC │
                │ what     text/plain, 10 bytes        │ what     text/plain, 11 bytes        │
                ├──────────────────────────────────────┼──────────────────────────────────────┤
                │ milk, eggs                           │ milk, bread                          │
                └──────────────────────────────────────┴──────────────────────────────────────┘
                To replace them all, write the value that should be there with this context:
                  kindred put siblings/carts/anna VALUE --context AQID

                """)
        #expect(result.code == 4)
    }

    @Test func threeSiblingsInEightyColumnsTakeTwoRows() {
        let object = StoredObject(
            siblings: (1...3).map {
                Sibling(content: ObjectContent(text: "value \($0)"), version: VersionTag("1.\($0)"))
            })
        let address = ObjectAddress(bucket: Bucket("b"), key: "k")
        let narrow = ObjectRendering(address: address, object: object).sideBySide(style: Style(isOn: false), width: 80)
        #expect(narrow.filter { $0.hasPrefix("┌") }.count == 2)
        let wide = ObjectRendering(address: address, object: object).sideBySide(style: Style(isOn: false), width: 120)
        #expect(wide.filter { $0.hasPrefix("┌") }.count == 1)
        #expect((narrow.map { TextLayout.width($0) }.max() ?? 0) <= 80)
        #expect((wide.map { TextLayout.width($0) }.max() ?? 0) <= 120)
    }

    @Test func oneOfTheSiblings() async throws {
        let result = try await run(["get", "b/k", "--sibling", "1.b"], two)
        #expect(result.code == 0 && result.output == "milk, bread")
        let missing = try await run(["get", "b/k", "--sibling", "1.z"], two)
        #expect(missing.code == 2 && missing.errors == ["kindred: default/b/k does not exist in version 1.z."])
    }

    @Test func nothingThere() async throws {
        let result = try await run(["get", "b/k"], none)
        #expect(result.code == 2 && result.output.isEmpty && result.errors == ["kindred: default/b/k does not exist."])
        let json = try await run(["get", "b/k", "--json"], none)
        #expect(json.code == 2 && json.errors.isEmpty)
        #expect(try object(json.output)["found"] as? Bool == false)
    }

    @Test func getAsJSON() async throws {
        let result = try await run(["get", "siblings/carts/anna", "--json"], two)
        #expect(result.code == 4)
        let document = try object(result.output)
        #expect(document["type"] as? String == "siblings" && document["bucket"] as? String == "carts")
        #expect(document["key"] as? String == "anna" && document["context"] as? String == "AQID")
        let siblings = try #require(document["siblings"] as? [[String: Any]])
        #expect(siblings.map { $0["value"] as? String } == ["milk, eggs", "milk, bread"])
        #expect(siblings[1]["version"] as? String == "1.b" && siblings[1]["event"] as? Int == 11)
        #expect(siblings[1]["lastModified"] as? String == "2026-11-23T14:03:12.123Z")
        #expect(siblings[1]["bytes"] as? Int == 11 && siblings[1]["encoding"] == nil)
    }

    @Test func bytesThatAreNoTextAreBase64InJSON() async throws {
        let respond: @Sendable (FakeServer.Request) -> [FakeServer.Reply] = { _ in
            var message = RpbGetResp()
            var content = RpbContent()
            content.value = Data([0xFF, 0xFE])
            message.content = [content]
            return [.message(.getResponse, message)]
        }
        let result = try await run(["get", "b/k", "--json"], respond)
        let sibling = try #require((try object(result.output)["siblings"] as? [[String: Any]])?.first)
        #expect(sibling["value"] as? String == "//4=" && sibling["encoding"] as? String == "base64")
        #expect(sibling["actor"] == nil && sibling["contentType"] == nil)
    }

    // MARK: put, delete

    private static let stored: @Sendable (FakeServer.Request) -> [FakeServer.Reply] = { request in
        var message = RpbPutResp()
        var content = RpbContent.text("", tag: "1.1")
        content.value = Data()
        message.content = [content]
        message.vclock = Data([1, 2, 3])
        return [.message(.putResponse, message)]
    }

    private func sent(_ request: FakeServer.Request?) throws -> RpbPutReq {
        try #require(request).body.withUnsafeBytes { try RpbPutReq(riakBody: $0) }
    }

    @Test func put() async throws {
        let result = try await run(
            ["put", "siblings/carts/anna", "milk", "--context", "BAUG", "--meta", "by=anna"], Self.stored)
        #expect(result.code == 0 && result.output == "stored siblings/carts/anna as version 1.1\ncontext  AQID\n")
        let request = try sent(result.requests.first)
        #expect(request.content.value == Data("milk".utf8) && request.vclock == Data([4, 5, 6]))
        #expect(request.content.contentType == Data("text/plain".utf8) && request.content.charset == Data("utf-8".utf8))
        #expect(request.content.usermeta.map(\.value) == [Data("anna".utf8)])
    }

    @Test func putFromTheInputAndFromAFile() async throws {
        for words in [["put", "b/k"], ["put", "b/k", "-"], ["put", "b", "k"]] {
            let request = try sent(try await run(words, Self.stored, input: "typed\n").requests.first)
            #expect(request.content.value == Data("typed\n".utf8))
        }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("kindred-put-test-\(UUID())")
        try Data([0xFF, 0x00]).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let request = try sent(try await run(["put", "b/k", "@\(file.path)"], Self.stored).requests.first)
        #expect(request.content.value == Data([0xFF, 0x00]))
        #expect(request.content.contentType == Data("application/octet-stream".utf8) && !request.content.hasCharset)
        let missing = try await run(["put", "b/k", "@/nonexistent/file"], Self.stored)
        #expect(missing.code == 1 && missing.requests.isEmpty && missing.errors.count == 1)
    }

    @Test func putAsJSON() async throws {
        let result = try await run(["put", "b/k", "v", "--json"], Self.stored)
        let document = try object(result.output)
        #expect(document["context"] as? String == "AQID" && document["versions"] as? [String] == ["1.1"])
    }

    @Test func putThatLeavesSiblingsSaysSo() async throws {
        let result = try await run(["put", "siblings/b/k", "v"]) { _ in
            var message = RpbPutResp()
            message.content = [.text("", tag: "1.1"), .text("", tag: "1.2")]
            return [.message(.putResponse, message)]
        }
        #expect(result.code == 0)
        #expect(
            result.output == """
                stored siblings/b/k
                It has 2 concurrent versions now (1.1, 1.2): see them with 'kindred get siblings/b/k'.

                """)
    }

    @Test func putWhereTheServerMakesTheKey() async throws {
        let result = try await run(["put", "--new-key", "immutable/photos", "v"]) { _ in
            var message = RpbPutResp()
            message.key = Data("made".utf8)
            message.content = [.text("", tag: "1.1")]
            return [.message(.putResponse, message)]
        }
        #expect(result.output == "stored immutable/photos/made as version 1.1\n")
        #expect(try !sent(result.requests.first).hasKey)
    }

    @Test func delete() async throws {
        let result = try await run(["delete", "b/k"]) { _ in [.frame(.deleteResponse)] }
        #expect(result.code == 0 && result.output == "deleted default/b/k\n")
    }

    // MARK: Failures

    @Test func whatGoesWrongIsOneLineAndACode() async throws {
        let refused = try await run(["put", "b/k", "v"]) { _ in [.error("not now\nor ever")] }
        #expect(refused.code == 1 && refused.output.isEmpty && refused.errors == ["kindred: not now\\nor ever"])
        let precondition = try await run(["put", "b/k", "v", "--if-none-match"]) { _ in [.error("match_found")] }
        #expect(precondition.code == 1 && precondition.errors.first?.contains("exists already") == true)
        let unknown = try await run(["get", "t/b/k"]) { _ in [.error("No bucket-type named 't'")] }
        #expect(unknown.errors.first?.contains("kindred bucket-type list") == true)
        let exists = try await run(["put", "immutable/b/k", "v"]) { _ in
            [.error("The key exists with other content and its bucket is immutable")]
        }
        #expect(exists.code == 1 && exists.errors.first?.hasSuffix("with --new-key the node makes one.") == true)
        let http = try await run(["ping"]) { _ in [.bytes(Array("HTTP/1.1 400 Bad Request".utf8))] }
        #expect(http.code == 1 && http.errors.first?.contains("HTTP") == true)
    }

    @Test func nobodyThere() async throws {
        let server = try await FakeServer.start(one)
        try await server.stop()
        let console = TestConsole()
        #expect(try await console.run(["get", "b/k"], against: server) == 69)
        #expect(
            console.errors == [
                "kindred: cannot reach 127.0.0.1:\(server.port): connection refused. "
                    + "Start a node with 'kindred serve', or name another with --server."
            ])
    }

    // MARK: Listings

    private static let keys: @Sendable (FakeServer.Request) -> [FakeServer.Reply] = { _ in
        var message = RpbListKeysResp()
        message.keys = [Data("a".utf8), Data([0xFF])]
        message.done = true
        return [.message(.listKeysResponse, message)]
    }

    @Test func keys() async throws {
        let result = try await run(["keys", "b"], Self.keys, isTerminal: true)
        #expect(result.code == 0 && result.output == "a\n0xff\n")
    }

    @Test func keysAsJSON() async throws {
        let document = try #require(
            try json(try await run(["keys", "b", "--json"], Self.keys).output) as? [[String: String]])
        #expect(document == [["key": "a"], ["key": "/w==", "keyEncoding": "base64"]])
        let empty = try await run(["keys", "b", "--json"]) { _ in
            var message = RpbListKeysResp()
            message.done = true
            return [.message(.listKeysResponse, message)]
        }
        #expect(empty.output == "[]\n")
    }

    // MARK: Bucket types

    private static let types: @Sendable (FakeServer.Request) -> [FakeServer.Reply] = { _ in
        var answer = KindredAdministrationResp()
        for (name, strategy, isActive) in [("default", "version-vectors", true), ("mine", "immutable", false)] {
            var type = KindredBucketType()
            type.name = Data(name.utf8)
            type.active = isActive
            type.strategy = Data(strategy.utf8)
            type.props.nVal = 3
            type.props.allowMult = isActive
            answer.types.append(type)
        }
        return [.message(.administrationResponse, answer)]
    }

    @Test func bucketTypes() async throws {
        let result = try await run(["bucket-type", "list"], Self.types)
        #expect(
            result.output == """
                TYPE     STRATEGY         STATE
                default  version-vectors  active
                mine     immutable        not active yet

                """)
    }

    @Test func bucketTypesAsJSON() async throws {
        let result = try await run(["bucket-type", "list", "--json"], Self.types)
        let types = try #require(try json(result.output) as? [[String: Any]])
        #expect(types.map { $0["name"] as? String } == ["default", "mine"])
        #expect(types.map { $0["strategy"] as? String } == ["version-vectors", "immutable"])
        #expect(types.map { $0["active"] as? Bool } == [true, false])
        let properties = try #require(types[0]["props"] as? [String: Any])
        #expect(properties["n_val"] as? Int == 3 && properties["allow_mult"] as? Bool == true)
    }

    @Test func creatingAType() async throws {
        let result = try await run(
            ["bucket-type", "create", "mine", "--strategy", "immutable", "--props", #"{"n_val": 1}"#, "--activate"],
            Self.types)
        #expect(result.code == 0 && result.requests.count == 2)
        let sent = try result.requests.map { request in
            try request.body.withUnsafeBytes { try KindredAdministrationReq(riakBody: $0) }
        }
        #expect(sent.map(\.action) == [.create, .activate] && sent.allSatisfy { $0.name == Data("mine".utf8) })
        #expect(sent[0].props.nVal == 1 && sent[0].props.conflictStrategy == Data("immutable".utf8))
    }

    @Test func propertiesThatNobodyKnowsAreNotSent() async throws {
        let result = try await run(["bucket-type", "update", "mine", "--props", #"{"colour": "red"}"#], Self.types)
        #expect(result.code == 1 && result.requests.isEmpty && result.errors.first?.contains("colour") == true)
        let nothing = try await run(["bucket-type", "update", "mine"], Self.types)
        #expect(nothing.code == 64 && nothing.requests.isEmpty)
    }

    // MARK: Reading what was written

    private func json(_ text: String) throws -> Any {
        try JSONSerialization.jsonObject(with: Data(text.utf8))
    }

    private func object(_ text: String) throws -> [String: Any] {
        try #require(try json(text) as? [String: Any])
    }
}
