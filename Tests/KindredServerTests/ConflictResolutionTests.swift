import Foundation
import KindredModel
import KindredNode
import KindredReplication
import KindredResolvers
import KindredStorage
import Testing

@testable import KindredServer

/// Siblings become one value in the way that somebody asks for, over a whole node.
@Suite struct ConflictResolutionTests {
    private let node: TestNode
    private let service: ConflictService

    init() throws {
        node = try TestNode()
        service = ConflictService(loop: node.loop)
    }

    private func name(_ key: String = "k", type: String = "siblings") -> ObjectName {
        ObjectName(type: Array(type.utf8), bucket: Array("b".utf8), key: Array(key.utf8))
    }

    /// Writes without having seen anything.
    private func put(_ content: ObjectContent, at name: ObjectName) async throws {
        let bytes = content.encoded()
        _ = try await node.loop.run { loop throws(RequestFailure) in
            try name.withReference { object throws(RequestFailure) in
                try loop.put(PutRequest(object: object, content: bytes, token: nil))?.isNew
            }
        }
    }

    private func versions(of name: ObjectName) async throws -> [Version] { try await read(name).versions }

    private func read(_ name: ObjectName) async throws -> ObjectAnswer {
        try await node.loop.run { loop throws(RequestFailure) -> ObjectBox? in
            try name.withReference { object throws(RequestFailure) in
                try loop.get(object).map { ObjectBox(answer: $0) }
            }
        }.answer
    }

    private func contents(of name: ObjectName) async throws -> [ObjectContent] {
        try await versions(of: name).compactMap { version in
            try version.content.map { try ObjectContent(encoded: Array($0)) }
        }
    }

    private static let apple = ObjectContent(
        value: Array("apple".utf8), contentType: Array("text/plain".utf8), contentEncoding: Array("gzip".utf8),
        links: [.init(bucket: Array("b".utf8), key: Array("l".utf8), tag: Array("t".utf8))],
        userMetadata: [.init(key: Array("colour".utf8), value: Array("red".utf8))],
        indexes: [.init(key: Array("i_bin".utf8), value: Array("1".utf8))])
    private static let pear = ObjectContent(value: Array("pear".utf8), mediaType: nil)

    /// Lets two writes meet.
    private func meet(_ key: String = "k", type: String = "siblings") async throws -> [Version] {
        try await put(Self.apple, at: name(key, type: type))
        try await put(Self.pear, at: name(key, type: type))
        let versions = try await versions(of: name(key, type: type))
        try #require(versions.count == 2)
        return versions
    }

    /// What the conflict log says of the key's resolution.
    private func resolved(_ key: String = "k") async throws -> ConflictReport {
        let report = try await service.explain(name(key))
        return try #require(report.conflicts.first { $0.kind == "resolved" })
    }

    @Test(
        "A sibling that is kept is written again with its metadata, by one write that has seen all siblings",
        arguments: ["siblings", "versioned"])
    func keeping(type: String) async throws {
        let versions = try await meet(type: type)
        let report = try await service.resolve(name(type: type), by: "dora", .keep(versions[0].dot))
        #expect(report.isNew && report.values == 1)
        let now = try await self.versions(of: name(type: type))
        #expect(now.map { ConflictReporting.text($0.dot) } == [report.dot])
        #expect(now[0].dot != versions[0].dot)
        #expect(now[0].writer.map { String(decoding: $0, as: UTF8.self) } == "dora")
        #expect(try await contents(of: name(type: type)) == [Self.apple])
    }

    @Test("A value that somebody has made takes the place of all siblings, and the log says how")
    func value() async throws {
        let versions = try await meet()
        let merged = ObjectContent(value: Array("fruit".utf8), mediaType: "text/x-fruit")
        let report = try await service.resolve(
            name(), by: nil, .value(merged), seen: Set(versions.map(\.dot)))
        #expect(report.isNew && report.values == 1 && report.dot != nil)
        #expect(try await contents(of: name()) == [merged])
        let conflict = try await resolved()
        #expect(conflict.note == "resolve by value")
        #expect(conflict.subject.dot == report.dot)
        #expect(Set(conflict.others.map(\.dot)) == Set(versions.map { ConflictReporting.text($0.dot) }))
        let texts = Set(conflict.others.map(\.value.text))
        #expect(texts == ["apple", "pear"], "the log has what was replaced")
    }

    @Test("Siblings can be deleted, and the log says so")
    func deleting() async throws {
        _ = try await meet()
        let report = try await service.resolve(name(), by: nil, .delete)
        #expect(report.isNew && report.values == 0 && report.dot == nil)
        #expect(try await versions(of: name()).isEmpty)
        #expect(try await resolved().note == "resolve by delete")
        let sibling = try #require(try await service.explain(name()).conflicts.first { $0.kind == "sibling" })
        #expect(sibling.state == "resolved")
    }

    @Test("The log says which sibling was kept, and which rule was followed")
    func notes() async throws {
        let kept = try await meet("kept")[1]
        _ = try await service.resolve(name("kept"), by: nil, .keep(kept.dot))
        #expect(try await resolved("kept").note == "resolve by keeping \(ConflictReporting.text(kept.dot))")
        _ = try await meet("ruled")
        _ = try await service.resolve(name("ruled"), by: nil, .rule(.longest))
        #expect(try await resolved("ruled").note == "resolve by longest")
    }

    private func refusal(_ body: () async throws -> Void) async throws -> ConflictRefusal {
        try #require(await #expect(throws: ConflictRefusal.self) { try await body() })
    }

    @Test("Siblings that are not those that were seen stay as they are, in every way, and are named")
    func seen() async throws {
        let seen = Set(try await meet().map(\.dot))
        try await put(ObjectContent(value: Array("plum".utf8)), at: name())
        let before = try await versions(of: name())
        let names = before.map { ConflictReporting.text($0.dot) }
        let ways: [Resolution] = [.rule(.latest), .keep(before[0].dot), .value(Self.pear), .delete]
        for way in ways {
            for others in [seen, [before[0].dot], Set(before.map(\.dot)).union([Dot(ActorID(7), 7)])] {
                let refusal = try await refusal {
                    _ = try await service.resolve(name(), by: nil, way, seen: others)
                }
                #expect(refusal.status == 409 && refusal.siblings == names)
                #expect(refusal.description.contains(names.joined(separator: ", ")))
            }
        }
        #expect(try await versions(of: name()).map(\.dot) == before.map(\.dot))
        let report = try await service.resolve(name(), by: nil, .keep(before[0].dot), seen: Set(before.map(\.dot)))
        #expect(report.isNew && report.values == 1)
    }

    @Test("A write that comes between the reading and the writing stays beside the result, also if it says the same")
    func between() async throws {
        let ways: [(Resolution, ObjectContent?)] = [
            (.value(Self.pear), Self.pear), (.rule(.longest), Self.apple), (.delete, nil),
        ]
        for (number, (way, result)) in ways.enumerated() {
            let key = name("between\(number)")
            _ = try await meet("between\(number)")
            let current = try await read(key)
            try await put(Self.pear, at: key)
            let between = try #require(try await versions(of: key).map(\.dot).max())
            let report = try await service.replace(current, key, by: nil, way)
            let now = try await versions(of: key)
            #expect(report.values == now.count && now.count == (result == nil ? 1 : 2))
            #expect(now.contains { $0.dot == between })
            let written = now.first { $0.dot != between }
            #expect(report.dot == written.map { ConflictReporting.text($0.dot) })
            #expect(Array(written?.content ?? []) == result?.encoded() ?? [])
        }
    }

    @Test("A sibling that is not there, or no more, cannot be kept")
    func missing() async throws {
        let before = try await meet()
        let refusal = try await refusal {
            _ = try await service.resolve(name(), by: nil, .keep(Dot(before[0].dot.actor, 99)))
        }
        #expect(refusal.status == 409 && refusal.siblings?.count == 2)
        #expect(try await versions(of: name()).map(\.dot) == before.map(\.dot))
    }

    @Test("A key without siblings has nothing to resolve, whatever is asked for")
    func nothing() async throws {
        try await put(Self.apple, at: name())
        let before = try await versions(of: name())
        let ways: [Resolution] = [.rule(.latest), .keep(Dot(ActorID(7), 7)), .value(Self.pear), .delete]
        for way in ways {
            let report = try await service.resolve(name(), by: nil, way, seen: [Dot(ActorID(7), 7)])
            #expect(!report.isNew && report.values == 1 && report.dot == nil)
            let absent = try await service.resolve(name("absent"), by: nil, way)
            #expect(!absent.isNew && absent.values == 0)
        }
        #expect(try await versions(of: name()).map(\.dot) == before.map(\.dot))
    }

    @Test("A value that no put may have is refused, and the siblings stay")
    func tooLarge() async throws {
        let before = try await meet()
        let large = ObjectContent(value: [UInt8](repeating: 0, count: Limits.objectMaximumBytes + 1))
        await #expect(throws: RequestFailure.self) {
            _ = try await service.resolve(name(), by: nil, .value(large))
        }
        #expect(try await versions(of: name()).map(\.dot) == before.map(\.dot))
    }
}

/// What may be asked of `/kindred/v1/resolve`.
@Suite struct ResolutionWishTests {
    private func wish(_ members: String) throws -> ResolutionWish {
        let json = #"{"bucket":"b","key":"k"\#(members.isEmpty ? "" : ",")\#(members)}"#
        return try JSONDecoder().decode(ResolutionWish.self, from: Data(json.utf8))
    }

    @Test(
        "Each way is understood",
        arguments: [
            (#""rule":"latest""#, "resolve by latest"), (#""keep":"3.a7""#, "resolve by keeping 3.a7"),
            (#""keep":"4-3.a7","value":null,"delete":false"#, "resolve by keeping 3.a7"),
            (#""value":"""#, "resolve by value"), (#""value_base64":"""#, "resolve by value"),
            (#""delete":true,"seen":["3.a7","4-3.a8"]"#, "resolve by delete"),
        ])
    func ways(members: String, note: String) throws {
        let wish = try wish(members)
        #expect(try wish.resolution().note == note)
        #expect(try wish.seenDots() == (note.hasSuffix("delete") ? [Dot(ActorID(3), 367), Dot(ActorID(3), 368)] : nil))
        #expect(wish.name.type == Array("default".utf8))
    }

    @Test("A value is text if it is UTF-8, and whatever its sender says")
    func contents() throws {
        let cases = [
            (#""value":"é""#, Array("é".utf8), "text/plain", "utf-8"),
            (#""value_base64":"w6k=""#, Array("é".utf8), "text/plain", "utf-8"),
            (#""value_base64":"/w==""#, [0xFF], "application/octet-stream", nil),
            (#""value":"{}","content_type":"application/json""#, Array("{}".utf8), "application/json", nil),
        ]
        for (members, value, type, charset) in cases {
            guard case .value(let content) = try wish(members).resolution() else {
                Issue.record("\(members) is no value")
                continue
            }
            #expect(content.value == value && content.contentType == Array(type.utf8))
            #expect(content.charset == charset.map { Array($0.utf8) })
        }
    }

    @Test(
        "What makes no sense is refused, and the reason names it",
        arguments: [
            ("", "none is given"), (#""delete":false"#, "none is given"),
            (#""rule":"latest","keep":"1.2""#, "2 are given"),
            (#""value":"a","value_base64":"YQ==","delete":true"#, "3 are given"),
            (#""rule":"seance""#, "no rule 'seance'; there are: union"), (#""keep":"1""#, "keep: '1'"),
            (#""keep":"""#, "keep"),
            (#""keep":"x-1.2""#, "keep"), (#""keep":"1.2.3""#, "keep"), (#""value_base64":"YQ""#, "value_base64"),
            (#""rule":"latest","content_type":"a/b""#, "content_type"),
            (#""delete":true,"content_type":"a/b""#, "content_type"),
            (#""delete":true,"seen":[]"#, "seen"), (#""delete":true,"seen":["1.2","1,3"]"#, "seen: '1,3'"),
        ])
    func refusals(members: String, reason: String) throws {
        let wish = try wish(members)
        let refusal = #expect(throws: ConflictRefusal.self) {
            _ = try wish.resolution()
            _ = try wish.seenDots()
        }
        #expect(refusal?.status == 400)
        #expect(refusal?.description.contains(reason) == true, "\(refusal?.description ?? "")")
    }

    @Test("The largest value fits into a body in base 64")
    func longest() {
        #expect(ResolutionWish.longestBody > Limits.objectMaximumBytes / 3 * 4 + 2 * 4_096 * 6)
        #expect(ResolutionWish.longestBody < 2 * Limits.objectMaximumBytes)
    }
}
