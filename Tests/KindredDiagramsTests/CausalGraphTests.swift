import Testing

@testable import KindredDiagrams

@Suite struct CausalGraphTests {
    @Test("edges that follow from others are not drawn")
    func transitiveReduction() {
        let order = CausalOrder(graph(["a": [], "b": ["a"], "c": ["b", "a"], "d": ["a"], "e": ["a", "b", "c", "d"]]))
        #expect(order.parents == [[], [0], [1], [0], [2, 3]])
        #expect(order.oldestFirst == [0, 1, 2, 3, 4])
    }

    @Test("a reduction reaches what all edges reach, with not one edge too many")
    func reductionOfManyGraphs() {
        var state: UInt64 = 1
        for _ in 0..<50 {
            let seen = (0..<14).map { version in
                (0..<version).filter { _ in
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return state >> 62 == 0
                }
            }
            let reduced = CausalOrder(seen: seen).parents
            #expect(reach(reduced) == reach(seen))
            for version in reduced.indices {
                for parent in reduced[version] {
                    var less = reduced
                    less[version].removeAll { $0 == parent }
                    #expect(reach(less) != reach(seen))
                }
            }
        }
    }

    private func reach(_ parents: [[Int]]) -> [Set<Int>] {
        var result: [Set<Int>] = []
        for version in parents {
            result.append(version.reduce(into: []) { $0.formUnion(result[$1].union([$1])) })
        }
        return result
    }

    @Test("circles, loops, unknown names and names given twice do no harm")
    func badGraphs() {
        let order = CausalOrder(seen: [[1], [2], [0]])
        #expect(order.oldestFirst.count == 3)
        #expect(order.parents.flatMap { $0 }.count == 2)
        let odd = graph(["a": ["a", "b", "nobody"], "b": ["a"], "a": []])
        #expect(odd.leftOut == 1)
        #expect(Markup(odd.svg()).isWellFormed)
        #expect(odd.text(width: 40).count >= 2)
        #expect(Markup(CausalGraph(title: "", nodes: [], edges: []).svg()).isWellFormed)
        #expect(CausalGraph(title: "", nodes: [], edges: []).text(width: 80).isEmpty)
    }

    @Test("every version is in the drawing, with its fate; edges lead downwards")
    func drawing() {
        let markup = Markup(versions.svg())
        #expect(markup.isWellFormed)
        for text in [
            "1.1", "2.1", "3.1", "\"apple\"", "\"cherry\"", "Ben at n2", "replaced", "sibling", "Two siblings.",
        ] {
            #expect(markup.texts.contains(text), "\(text)")
        }
        #expect(markup.names.count { $0 == "path" } == 2)
        #expect(versions.svg() == versions.svg())
    }

    @Test("versions of a layer do not overlap, and a planar graph has no crossings")
    func layers() {
        // Two chains whose ends are given in the order that crosses.
        let order = CausalOrder(graph(["a": [], "b": [], "c": ["b"], "d": ["a"], "e": ["c"], "f": ["d"]]))
        let layout = LayeredLayout(order, widths: [100, 100, 100, 100, 100, 100])
        #expect(layout.layer == [0, 0, 1, 1, 2, 2])
        #expect((layout.x[0] < layout.x[1]) == (layout.x[3] < layout.x[2]))
        #expect((layout.x[3] < layout.x[2]) == (layout.x[5] < layout.x[4]))
        for pair in [(0, 1), (2, 3), (4, 5)] { #expect(abs(layout.x[pair.0] - layout.x[pair.1]) >= 99.9) }
        #expect(layout.width >= 200)
    }

    @Test("what others chose to write is text, never markup, and nothing that a terminal obeys")
    func hostileText() {
        let graph = CausalGraph(
            title: hostile, nodes: [.init(name: hostile, title: hostile, lines: [hostile], fate: .kept)], edges: [],
            caption: hostile)
        #expect(Markup(graph.svg()).isWellFormed)
        #expect(!graph.svg().contains("<script"))
        for line in graph.text(width: 80) {
            #expect(!line.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x202E }, "\(line)")
        }
    }
}

@Suite struct CausalGraphTextTests {
    @Test("siblings stand side by side above what both had seen")
    func siblings() {
        #expect(
            versions.text(width: 60) == [
                "◉    3.1  \"cherry\"  sibling",
                "│         Carol at n3",
                "│ ◉  2.1  \"banana\"  sibling",
                "├─╯       Ben at n2",
                "○    1.1  \"apple\"  replaced",
                "          Anna at n1",
                "",
                "Two siblings.",
            ])
        #expect(
            versions.text(width: 60, charset: .ascii) == [
                "*    3.1  \"cherry\"  sibling",
                "|         Carol at n3",
                "| *  2.1  \"banana\"  sibling",
                "|/        Ben at n2",
                "*    1.1  \"apple\"  replaced",
                "          Anna at n1",
                "",
                "Two siblings.",
            ])
    }

    @Test("a merge of several versions branches off to all of them")
    func merge() {
        let merge = graph(["a": [], "b": ["a"], "c": ["a"], "d": ["a"], "m": ["b", "c", "d"]])
        #expect(
            merge.text(width: 40) == [
                "•      m",
                "├─┬─╮",
                "│ │ •  d",
                "│ • │  c",
                "│ ├─╯",
                "• │    b",
                "├─╯",
                "•      a",
            ])
        #expect(
            merge.text(width: 40, charset: .ascii) == [
                "*      m",
                "|\\",
                "|\\|_",
                "| | *  d",
                "| * |  c",
                "| |/",
                "* |    b",
                "|/",
                "*      a",
            ])
    }

    @Test("a version does not look as if it had seen what only happens to stand below it")
    func strangers() {
        #expect(graph(["a": [], "b": []]).text(width: 40) == ["•  b", "", "•  a"])
        #expect(graph(["a": [], "b": ["a"]]).text(width: 40) == ["•  b", "•  a"])
    }

    @Test("no line is wider than asked for, and the fate is always there", arguments: [20, 40, 80])
    func width(columns: Int) {
        let long = String(repeating: "ein langer Wert ", count: 50)
        let wide = CausalGraph(
            title: "", nodes: (0..<30).map { .init(name: "1.\($0)", title: long, lines: [long], fate: .kept) },
            edges: [], caption: long)
        let lines = wide.text(width: columns)
        for line in lines { #expect(line.count <= columns, "\(line)") }
        #expect(lines.count { $0.hasSuffix("  kept") } == 30)
    }

    @Test("paint dresses marks and names of fates")
    func paint() {
        let lines = versions.text(width: 60) { fate, text in fate == .sibling ? "<\(text)>" : text }
        #expect(lines.first == "<◉>    3.1  \"cherry\"  <sibling>")
        #expect(lines[4] == "○    1.1  \"apple\"  replaced")
    }
}
