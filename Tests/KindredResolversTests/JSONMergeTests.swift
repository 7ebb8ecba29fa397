import KindredModel
import KindredResolvers
import Testing

@Suite("The rule merge-json")
struct JSONMergeTests {
    private let careful = Resolver.mergeJSON(onConflict: .fail)
    private let latest = Resolver.mergeJSON(onConflict: .latest)
    private let largest = Resolver.mergeJSON(onConflict: .largest)

    @Test("What one sibling has changed, added or removed is taken from it")
    func changesOfOneSideWin() throws {
        let base = ancestor(#"{"name":"Ann","city":"Bonn","age":30,"old":1}"#)
        let changes = siblings(
            #"{"name":"Anna","city":"Bonn","age":30,"old":1}"#,
            #"{"name":"Ann","city":"Bonn","age":31,"old":1,"new":2}"#,
            #"{"name":"Ann","city":"Bonn","age":30}"#)
        let merged = #"{"age":31,"city":"Bonn","name":"Anna","new":2}"#
        for rule in [careful, latest, largest] { #expect(try rule.text(changes, ancestor: base) == merged) }
    }

    @Test("Objects that several have changed are merged in turn")
    func objectsAreMergedInTurn() throws {
        let base = ancestor(#"{"a":{"b":{"x":1,"y":1},"c":[1]}}"#)
        let changes = siblings(#"{"a":{"b":{"x":2,"y":1},"c":[1]}}"#, #"{"a":{"b":{"x":1},"c":[1,2]}}"#)
        #expect(try careful.text(changes, ancestor: base) == #"{"a":{"b":{"x":2},"c":[1,2]}}"#)
    }

    @Test("The same change on both sides is no conflict")
    func equalChangesAgree() throws {
        let base = ancestor(#"{"a":1,"b":1}"#)
        #expect(try careful.text(siblings(#"{"a":2}"#, #"{"a":2}"#), ancestor: base) == #"{"a":2}"#)
    }

    @Test("A conflict is decided as the name of the rule says, and noted")
    func conflictsAreDecided() throws {
        let base = ancestor(#"{"a":1,"b":1}"#)
        let changes = siblings(#"{"a":3,"b":1}"#, #"{"a":2,"b":1}"#)
        #expect(careful.refusal(changes, ancestor: base) == .conflict(path: "/a"))
        #expect(try latest.text(changes, ancestor: base) == #"{"a":2,"b":1}"#)
        #expect(try largest.text(changes, ancestor: base) == #"{"a":3,"b":1}"#)
        let result = try latest.resolve(ResolutionInput(changes, ancestor: base))
        #expect(result.notes == [.chosen(path: "/a", by: "latest")])
    }

    @Test("The latest is the latest of those that changed the field")
    func onlyWhoChangedTheFieldCounts() throws {
        let base = ancestor(#"{"a":1}"#)
        #expect(
            try latest.text(siblings(#"{"a":3}"#, #"{"a":2}"#, #"{"a":1,"b":1}"#), ancestor: base) == #"{"a":2,"b":1}"#)
    }

    @Test("Removing against changing is a conflict, too")
    func removalsConflictWithChanges() throws {
        let base = ancestor(#"{"a":1}"#)
        let changes = siblings(#"{"a":2}"#, "{}")
        #expect(careful.refusal(changes, ancestor: base) == .conflict(path: "/a"))
        #expect(try latest.text(changes, ancestor: base) == "{}")
        #expect(try largest.text(changes, ancestor: base) == #"{"a":2}"#)
    }

    @Test("Without an ancestor everything counts as added, and the result says so")
    func withoutAncestor() throws {
        let both = siblings(#"{"a":1}"#, #"{"b":2}"#)
        let result = try careful.resolve(ResolutionInput(both))
        #expect(result.content?.value == Array(#"{"a":1,"b":2}"#.utf8))
        #expect(result.notes == [.withoutAncestor])
        #expect(
            try careful.resolve(ResolutionInput(both, ancestor: ancestor(nil))).notes == [],
            "there was none, and it is known")
        #expect(try careful.resolve(ResolutionInput([both[0]])).notes == [], "one sibling needs no ancestor")
    }

    @Test("A delete of the key is a change like any other")
    func deletes() throws {
        let base = ancestor(#"{"a":1}"#)
        #expect(try careful.text(siblings(nil, #"{"a":1}"#), ancestor: base) == nil)
        #expect(careful.refusal(siblings(nil, #"{"a":2}"#), ancestor: base) == .conflict(path: ""))
        #expect(try latest.text(siblings(#"{"a":2}"#, nil), ancestor: base) == nil)
        #expect(try largest.text(siblings(#"{"a":2}"#, nil), ancestor: base) == #"{"a":2}"#)
        #expect(
            try careful.text(siblings(nil, #"{"a":2}"#)) == #"{"a":2}"#,
            "without an ancestor nobody knows what was deleted")
    }

    @Test("Documents that are no objects are changed as a whole")
    func otherDocuments() throws {
        #expect(try careful.text(siblings("[1]", "[2]"), ancestor: ancestor("[1]")) == "[2]")
        #expect(careful.refusal(siblings("[1]", "[2]")) == .conflict(path: ""))
        #expect(
            try largest.text(siblings("7", #"{"a":1}"#, #"{"b":1}"#)) == #"{"a":1,"b":1}"#, "objects are the largest")
    }

    @Test("Numbers are neither rounded nor written anew")
    func numbersAreExact() throws {
        let base = ancestor(#"{"id":9007199254740993,"price":1.10}"#)
        let changes = siblings(#"{"id":9007199254740993,"price":1.20}"#, #"{"id":9007199254740992,"price":1.10}"#)
        #expect(try careful.text(changes, ancestor: base) == #"{"id":9007199254740992,"price":1.20}"#)
    }

    @Test("What is not JSON is refused, in a sibling and in the ancestor")
    func malformedDocuments() {
        let bomb = String(repeating: "[", count: 100_000)
        #expect(careful.refusal(siblings("{}", bomb)) == .notJSON("nested more than 128 deep, at byte 128"))
        #expect(careful.refusal(siblings("{}", #"{"a":1,"a":1}"#))?.description.contains("'a' twice") == true)
        #expect(careful.refusal(siblings("{}"), ancestor: ancestor("x")) == .notJSON("no value, at byte 0"))
    }
}
