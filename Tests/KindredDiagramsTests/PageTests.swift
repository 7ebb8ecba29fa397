import Crypto
import Foundation
import Testing

@testable import KindredDiagrams

@Suite struct ChartTests {
    @Test("bars have the value of each part written below; what is no number counts as nothing")
    func bars() {
        let markup = Markup(outcome.svg())
        #expect(markup.isWellFormed)
        #expect(markup.texts.contains("60 kept · 40 lost silently"))
        #expect(markup.texts.contains("99.5 kept"))
        let odd = Chart.stackedBars(
            title: "", parts: [.init(.kept)], bars: [.init("a", [.nan]), .init("b", [-.infinity]), .init("c", [])])
        #expect(Markup(odd.svg()).texts.count { $0 == "nothing" } == 3)
        #expect(Markup(Chart.stackedBars(title: "", parts: [], bars: []).svg()).isWellFormed)
    }

    @Test("shares are of the bar's own sum")
    func shares() {
        let chart = Chart.stackedBars(
            title: "", parts: [.init(.kept), .init(.refused)], bars: [.init("a", [1, 3])], asShares: true)
        #expect(Markup(chart.svg()).texts.contains("25% kept · 75% refused"))
    }

    @Test("lines are named at their ends, where names keep their distance")
    func lines() throws {
        let markup = Markup(latency.svg())
        #expect(markup.isWellFormed)
        #expect(markup.texts.contains("first") && markup.texts.contains("second"))
        let expression = #/y="([0-9.]+)"[^>]*>(first|second)<\/text>/#
        let heights = latency.svg().matches(of: expression).compactMap { Double($0.output.1) }
        let (first, second) = (try #require(heights.first), try #require(heights.last))
        #expect(heights.count == 2 && abs(first - second) >= 14)
        for points in [[], [(Double.nan, 1.0)], [(1, 1)], [(-1e300, 5), (1e300, 5)]] as [[(x: Double, y: Double)]] {
            let odd = Chart.lines(title: "", x: "", y: "", lines: [.init("x", points: points)])
            #expect(Markup(odd.svg()).isWellFormed)
        }
    }
}

@Suite struct HTMLPageTests {
    private let page = HTMLPage(
        title: "A report", lead: ["It begins."],
        sections: [
            .init("First", [.text("A paragraph."), .chart(outcome), .code(["a < b"])]),
            .init("Second", [.spaceTime(fruits), .spaceTime(fruits), .graph(versions)]),
            .init("Third", [.chart(latency)]),
            .init(
                "Fourth",
                [
                    .table(
                        Table(
                            caption: "Numbers", columns: [.init("Name"), .init("Count", isNumeric: true)],
                            rows: [
                                .init(["one", .init("1", note: "a cell", fate: .kept)], note: "a row"), .init(["two"]),
                            ]))
                ]),
        ], footer: "The end.")

    @Test("a page is complete, and every part of it is well-formed")
    func isComplete() throws {
        let html = page.html()
        for text in ["A report", "It begins.", "A paragraph.", "a &lt; b", "The end.", "href=\"#section-4\""] {
            #expect(html.contains(text), "\(text)")
        }
        #expect(html.contains("id=\"steps\"") && html.contains("id=\"steps2\""))
        let drawings = html.matches(of: #/<svg[^>]*>[\s\S]*?<\/svg>/#)
        #expect(drawings.count == 10)
        for drawing in drawings { #expect(Markup(String(drawing.output)).isWellFormed) }
        let ids = html.matches(of: #/ id="([^"]*)"/#).map { String($0.output.1) }
        #expect(Set(ids).count == ids.count)
        #expect(page.html() == html)
    }

    @Test("tables name their rows and columns, put numbers to the right, and have their notes")
    func table() {
        let html = page.html()
        #expect(html.contains("<th scope=\"col\" class=\"number\">Count</th>"))
        #expect(html.contains("<th scope=\"row\">one<span class=\"note\">a row</span></th>"))
        #expect(html.contains("aria-label=\"kept\""))
        #expect(html.contains("1<span class=\"note\">a cell</span></td>"))
        #expect(html.contains("<th scope=\"row\">two</th><td class=\"number\"></td>"))
    }

    @Test("the policy allows the page's own script and nothing else")
    func policy() throws {
        let html = page.html()
        let match = try #require(html.firstMatch(of: #/<script>([\s\S]*?)<\/script>/#))
        let digest = Data(SHA256.hash(data: Data(match.output.1.utf8))).base64EncodedString()
        #expect(PageScript.digest == "sha256-" + digest)
        #expect(html.contains("script-src &#39;sha256-\(digest)&#39;"))
        #expect(html.matches(of: #/<script/#).count == 1)
        #expect(!html.contains(" style=\"") && !html.contains(" onclick"))
        #expect(!html.contains("src=") && !html.replacing("http://www.w3.org/2000/svg", with: "").contains("http:"))
        #expect(!html.contains("https:"))
    }

    @Test("what others chose to write is text, never markup")
    func hostileText() {
        let html = HTMLPage(
            title: hostile, lead: [hostile],
            sections: [
                .init(
                    hostile,
                    [
                        .text(hostile), .code([hostile]),
                        .table(
                            Table(
                                caption: hostile, columns: [.init(hostile)],
                                rows: [.init([.init(hostile)], note: hostile)])),
                        .chart(
                            .stackedBars(
                                title: hostile, parts: [.init(hostile, colour: .number(0))], bars: [.init(hostile, [1])]
                            )),
                        .chart(
                            .lines(
                                title: hostile, x: hostile, y: hostile,
                                lines: [.init(hostile, points: [(0, 1), (1, 2)])])),
                    ])
            ], footer: hostile
        ).html()
        #expect(html.matches(of: #/<script/#).count == 1)
        #expect(!html.unicodeScalars.contains { $0.value == 0x202E || $0.value == 0x1B || $0.value == 0 })
        for drawing in html.matches(of: #/<svg[^>]*>[\s\S]*?<\/svg>/#) {
            #expect(Markup(String(drawing.output)).isWellFormed)
        }
    }
}
