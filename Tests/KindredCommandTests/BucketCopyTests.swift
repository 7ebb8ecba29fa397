import Foundation
import KindredClient
import KindredModel
import KindredResolvers
import Testing

@testable import KindredCommand

/// What `kindred copy` does about each key.
@Suite struct BucketCopyTests {
    private func object(_ texts: String..., deleted: Bool = false) -> StoredObject {
        StoredObject(
            siblings: texts.enumerated().map { position, text in
                Sibling(
                    content: ObjectContent(value: Array(text.utf8), contentType: Array("text/plain".utf8)),
                    version: VersionTag("1.\(position + 1)"),
                    lastModified: Date(timeIntervalSince1970: Double(position)), isDeleted: deleted)
            })
    }

    private func step(
        _ source: StoredObject, _ target: StoredObject = StoredObject(), keepsSiblings: Bool = false,
        rule: String? = nil, overwrites: Bool = false
    ) -> CopyStep {
        CopyStep(
            from: source, to: target, keepsSiblings: keepsSiblings, rule: rule.flatMap(Resolver.builtIn),
            overwrites: overwrites)
    }

    @Test("one value is written where there is nothing")
    func single() {
        #expect(step(object("a")) == .write(object("a").siblings.map(\.content)))
        #expect(step(StoredObject()) == .nothing)
        #expect(step(object("a", deleted: true)) == .nothing)
    }

    @Test("siblings stay siblings where they can, and are merged or left where they cannot")
    func siblings() {
        let two = object("a", "bb")
        #expect(step(two, keepsSiblings: true) == .write(two.siblings.map(\.content)))
        #expect(step(two) == .leave(.severalValues(2)))
        #expect(step(two, rule: "longest") == .write([two.siblings[1].content]))
        #expect(step(two, keepsSiblings: true, rule: "longest") == .write([two.siblings[1].content]))
        guard case .leave(.unmergeable) = step(two, rule: "merge-json") else {
            Issue.record("texts were merged as JSON")
            return
        }
    }

    @Test("what the target has is never replaced unasked")
    func target() {
        #expect(step(object("a"), object("a")) == .same)
        #expect(step(object("a"), object("b")) == .leave(.differs))
        #expect(step(object("a"), object("b"), overwrites: true) == .replace(object("a").siblings[0].content))
        #expect(step(object("a", "b"), object("b", "a"), keepsSiblings: true) == .same)
        #expect(step(object("a", "b"), object("c"), keepsSiblings: true, overwrites: true) == .leave(.differs))
        // A trace of a delete is nothing.
        #expect(step(object("a"), object("b", deleted: true)) == .write(object("a").siblings.map(\.content)))
    }

    @Test("siblings of which an interrupted copy has written some are completed, beside what is there")
    func interrupted() {
        let rest = [object("b").siblings[0].content, object("c").siblings[0].content]
        for overwrites in [false, true] {
            #expect(
                step(object("a", "b", "c"), object("a"), keepsSiblings: true, overwrites: overwrites) == .add(rest))
        }
        #expect(step(object("a", "b"), object("a", "c"), keepsSiblings: true) == .leave(.differs))
        #expect(step(object("a"), object("a", "b"), keepsSiblings: true) == .leave(.differs))
        #expect(step(object("a", "bb"), object("a"), rule: "longest") == .leave(.differs))
    }
}
