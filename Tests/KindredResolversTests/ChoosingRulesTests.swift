import KindredModel
import KindredResolvers
import Testing

@Suite("Rules that choose one sibling")
struct ChoosingRulesTests {
    @Test("The latest is chosen by its timestamp, then by its dot")
    func latest() throws {
        #expect(try Resolver.latest.text(siblings("new", "newer", "newest").reversed()) == "newest")
        var tied = siblings("a", "b")
        tied[0].timestamp = tied[1].timestamp
        #expect(try Resolver.latest.text(tied) == "b", "the larger dot")
        #expect(try Resolver.latest.text(siblings("a", nil)) == nil, "a delete can be the latest")
        #expect(try Resolver.latest.text(siblings(nil, "a")) == "a")
    }

    @Test(
        "The largest is chosen by number, and texts are larger than numbers",
        arguments: [
            (["9", "10"], "10"), (["-2", "-10"], "-2"), (["9007199254740992", "9007199254740993"], "9007199254740993"),
            (["1e3", "999"], "1e3"), ([" 12\n", "9"], " 12\n"), (["b", "abc"], "b"), (["10", "5x"], "5x"),
            (["10", "9", "-"], "-"),
            (["1", "1.0"], "1.0"), (["", "5"], ""),
        ])
    func largest(values: [String], expected: String) throws {
        let found = values.enumerated().map { index, text in
            SiblingValue(text, timestamp: UInt64(9 - index), dot: Dot(ActorID(1), UInt64(index + 1)))
        }
        #expect(try Resolver.largest.text(found) == expected)
        #expect(try Resolver.largest.text(found.reversed()) == expected)
    }

    @Test("A delete is the smallest and the shortest")
    func deletesAreSmall() throws {
        for rule in [Resolver.largest, .longest] {
            #expect(try rule.text(siblings("", nil)) == "")
            #expect(try rule.text(siblings(nil, nil)) == nil)
        }
    }

    @Test("The longest is chosen by bytes, and among those the largest")
    func longest() throws {
        #expect(try Resolver.longest.text(siblings("zz", "é1", "aaa")) == "é1")
        #expect(try Resolver.longest.text(siblings("ab", "b", "ba")) == "ba")
    }

    @Test("What is said about the value is chosen with it")
    func contentIsChosenAsAWhole() throws {
        var both = siblings("1", "2")
        both[1].content?.userMetadata = [.init(key: [1], value: [2])]
        both[1].content?.contentEncoding = Array("gzip".utf8)
        #expect(try Resolver.largest.resolve(ResolutionInput(both)).content == both[1].content)
    }

    @Test("A result has the name of the latest sibling it was made from")
    func resultsCarryTheLatestName() throws {
        let input = try ResolutionInput(siblings("9", "1", "2"))
        let result = input.sibling(with: try Resolver.largest.resolve(input))
        #expect(result.content?.value == Array("9".utf8))
        #expect(result.timestamp == 30)
        #expect(result.dot == Dot(ActorID(3), 1))
    }

    @Test("There is at least one sibling, and not too many")
    func siblingsAreCounted() throws {
        #expect(throws: ResolutionError.siblingCount(0)) { try ResolutionInput([]) }
        let many = [SiblingValue](repeating: siblings("a")[0], count: ResolverLimits.maximumSiblings + 1)
        #expect(throws: ResolutionError.siblingCount(1_001)) { try ResolutionInput(many) }
        _ = try ResolutionInput(Array(many.dropLast()))
    }

    @Test("An error of somebody's own closure is a refusal with its text")
    func closuresMayThrow() throws {
        struct Mine: Error, CustomStringConvertible { let description = "not on Sundays" }
        let mine = Resolver(name: "mine", version: 3) { _ in throw Mine() }
        #expect(mine.refusal(siblings("a")) == .refused("not on Sundays"))
        #expect(mine.description == "mine, version 3")
    }

    @Test("A result is bounded")
    func resultsAreBounded() throws {
        let long = Resolver(name: "long", version: 1) { _ in
            ResolvedValue(value: [UInt8](repeating: 0, count: ResolverLimits.maximumBytes + 1))
        }
        #expect(long.refusal(siblings("a")) == .tooLarge)
    }

    @Test("Rules are found by name, with their parameters")
    func rulesHaveNames() {
        #expect(Resolver.builtIn("merge-json")?.name == "merge-json:fail")
        #expect(Resolver.builtIn("nothing") == nil)
        for name in Resolver.builtInNames { #expect(Resolver.builtIn(name)?.name == name) }
        #expect(Set(Resolver.builtInNames).count == 9)
    }
}
