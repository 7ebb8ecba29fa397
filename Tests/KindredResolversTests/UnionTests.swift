import KindredModel
import KindredResolvers
import Testing

@Suite("The rule union")
struct UnionTests {
    private let union = Resolver.union()

    @Test("Arrays are sets")
    func arrays() throws {
        #expect(try union.text(siblings("[3,1]", "[2, 1]", "[]")) == "[1,2,3]")
        #expect(try union.text(siblings(#"["b",{"x":[2,1]},null,"a"]"#)) == #"[null,"a","b",{"x":[2,1]}]"#)
        #expect(try union.text(siblings("[1]", "[1.0]")) == "[1,1.0]", "numbers are not rounded to find them equal")
        #expect(
            try union.text(siblings("[9007199254740993]", "[9007199254740992]"))
                == "[9007199254740992,9007199254740993]")
    }

    @Test("Objects are united member by member")
    func objects() throws {
        #expect(
            try union.text(siblings(#"{"b":[1],"a":1}"#, #"{"b":[2],"c":{"d":[]}}"#))
                == #"{"a":1,"b":[1,2],"c":{"d":[]}}"#)
    }

    @Test("Members that cannot be united are a conflict, not a choice")
    func conflicts() {
        #expect(union.refusal(siblings(#"{"a":{"x/y":1}}"#, #"{"a":{"x/y":2}}"#)) == .conflict(path: "/a/x~1y"))
        #expect(union.refusal(siblings("[1]", #"{"a":1}"#)) == .conflict(path: ""))
        #expect(union.refusal(siblings("[1]", "[")) == .notJSON("the document ends too early, at byte 1"))
        #expect(union.refusal(siblings(#"{"a":1,"a":2}"#))?.description.contains("twice") == true)
    }

    @Test("Lines are sets")
    func lines() throws {
        #expect(try union.text(siblings("milk\neggs\n", "bread\n\nmilk", type: "text/plain")) == "bread\neggs\nmilk\n")
        #expect(try union.text(siblings("[1]", "[2]", type: "text/plain;charset=utf-8")) == "[1]\n[2]\n")
        #expect(try union.text(siblings("", type: "text/csv")) == "")
        var invalid = siblings("a", type: "text/plain")
        invalid[0].content?.value = [0xFF]
        #expect(union.refusal(invalid) == .notText)
    }

    @Test("The content type tells what the elements are, and a parameter can")
    func contentTypes() throws {
        let mixed = [siblings("[1]")[0], siblings("[1]", type: "text/plain")[0]]
        #expect(
            union.refusal(mixed) == .contentType("a union is not made of application/json and text/plain"))
        #expect(union.refusal(mixed.reversed()) == union.refusal(mixed))
        #expect(try Resolver.union(of: .json).text(mixed) == "[1]")
        #expect(union.refusal(siblings("x", type: "image/png"))?.description.contains("image/png") == true)
        #expect(try union.text(siblings("[2]", "[1]", type: "Application/LD+JSON; v=1")) == "[1,2]")
        #expect(try Resolver.union(of: .lines).text(siblings("b", "a", type: "x/y")) == "a\nb\n")
    }

    @Test("Deletes count only if there is nothing else")
    func deletes() throws {
        #expect(try union.text(siblings("[1]", nil)) == "[1]")
        #expect(try union.text(siblings(nil, nil)) == nil)
    }

    @Test("What is said about the values is united, too")
    func metadata() throws {
        var both = siblings("[1]", "[2]")
        both[0].content?.userMetadata = [.init(key: [1], value: [1])]
        both[1].content?.userMetadata = [.init(key: [1], value: [2]), .init(key: [1], value: [1])]
        both[1].content?.links = [.init(bucket: [2], key: [], tag: []), .init(bucket: [1], key: [], tag: [])]
        both[1].content?.contentEncoding = Array("identity".utf8)
        let content = try #require(try union.resolve(ResolutionInput(both)).content)
        #expect(content.userMetadata == [.init(key: [1], value: [1]), .init(key: [1], value: [2])])
        #expect(content.links.map(\.bucket) == [[1], [2]])
        #expect(content.contentType == Array("application/json".utf8))
        both[1].content?.contentEncoding = Array("gzip".utf8)
        #expect(union.refusal(both) == .encoded("gzip"))
    }
}
