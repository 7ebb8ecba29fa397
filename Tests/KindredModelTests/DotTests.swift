import KindredModel
import Testing

@Suite struct DotTests {
    @Test("are ordered by actor, then by counter")
    func order() {
        let sorted = [dot(1, 1), dot(1, 2), dot(1, .max), dot(2, 1), dot(.max, 1)]
        #expect(sorted.reversed().sorted() == sorted)
        for (index, left) in sorted.enumerated() {
            for (other, right) in sorted.enumerated() {
                #expect((left < right) == (index < other))
                #expect((left == right) == (index == other))
            }
        }
    }

    @Test("are described by actor and counter")
    func description() {
        #expect(dot(3, 17).description == "3:17")
    }

    @Test("earlier assigned actors come first")
    func actors() {
        #expect(ActorID(1) < ActorID(2))
        #expect(!(ActorID(2) < ActorID(2)))
        #expect(ActorID(.max).rawValue == .max)
    }
}
