/// One page that needs nothing else: no font, image, style or script from elsewhere, and its policy forbids them.
package struct HTMLPage: Hashable, Sendable {
    /// A part of the page with a heading of its own.
    package struct Section: Hashable, Sendable {
        /// The heading.
        package var heading: String
        /// What is below it.
        package var blocks: [Block]

        /// Describes a section.
        package init(_ heading: String, _ blocks: [Block]) {
            self.heading = heading
            self.blocks = blocks
        }
    }

    /// What a section consists of.
    package enum Block: Hashable, Sendable {
        /// A paragraph.
        case text(String)
        /// Lines as they are, in a font of equal width.
        case code([String])
        /// A table.
        case table(Table)
        /// A chart, below its title.
        case chart(Chart)
        /// A space-time diagram that one can step through.
        case spaceTime(SpaceTimeDiagram)
        /// A graph of versions, below its title.
        case graph(CausalGraph)
    }

    /// The title.
    package var title: String
    /// What one should know first: one or two paragraphs.
    package var lead: [String]
    /// The parts, in order. With more than three, links to them are at the top.
    package var sections: [Section]
    /// A line at the end: what made the page, from what.
    package var footer: String

    /// Describes a page.
    package init(title: String, lead: [String] = [], sections: [Section], footer: String = "") {
        self.title = title
        self.lead = lead
        self.sections = sections
        self.footer = footer
    }

    /// The page.
    package func html() -> String {
        let name = SafeText.escaped(SafeText.shortened(title, to: 200))
        var figures = 0
        let parts = sections.enumerated().map { number, section in
            let heading = SafeText.escaped(SafeText.shortened(section.heading, to: 200))
            let blocks = section.blocks.map { Self.markup($0, figures: &figures) }
            return """
                <section aria-labelledby="section-\(number + 1)">
                <h2 id="section-\(number + 1)">\(heading)</h2>
                \(blocks.joined())</section>

                """
        }
        return """
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta http-equiv="Content-Security-Policy" content="\(Self.policy)">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>\(name)</title>
            <style>
            \(PageStyle.css)
            \(Ink.style)
            </style>
            </head>
            <body>
            <a class="skip" href="#content">Skip to the content</a>
            <header>
            <h1>\(name)</h1>
            \(lead.map { "<p class=\"lead\">\(Self.paragraph($0))</p>\n" }.joined())\(contents)</header>
            <main id="content">
            \(parts.joined())</main>
            \(footer.isEmpty ? "" : "<footer><p>\(Self.paragraph(footer))</p></footer>")
            <script>\(PageScript.source)</script>
            </body>
            </html>

            """
    }

    /// Nothing is loaded from anywhere, and no script runs but the page's own.
    static let policy =
        "default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;; script-src &#39;\(PageScript.digest)&#39;; "
        + "base-uri &#39;none&#39;; form-action &#39;none&#39;"

    private var contents: String {
        guard sections.count > 3 else { return "" }
        let links = sections.enumerated().map { number, section in
            let name = SafeText.escaped(SafeText.shortened(section.heading, to: 200))
            return "<li><a href=\"#section-\(number + 1)\">\(name)</a></li>"
        }
        return "<nav aria-label=\"Sections\"><ul>\(links.joined())</ul></nav>\n"
    }

    private static func paragraph(_ text: String) -> String {
        SafeText.escaped(SafeText.shortened(text, to: 5_000))
    }

    private static func markup(_ block: Block, figures: inout Int) -> String {
        switch block {
        case .text(let text): return "<p>\(paragraph(text))</p>\n"
        case .code(let lines):
            let text = lines.prefix(2_000).map { SafeText.escaped(SafeText.shortened($0, to: 1_000)) }
            return "<pre tabindex=\"0\"><code>\(text.joined(separator: "\n"))</code></pre>\n"
        case .table(let table): return table.markup
        case .chart(let chart):
            // Two of them: one that is scaled down for a narrow screen could not be read.
            return figure(
                title: chart.title,
                "<div class=\"wide\">\(chart.svg(width: 720, isAlone: false))</div>"
                    + "<div class=\"narrow\">\(chart.svg(width: 340, isAlone: false))</div>")
        case .spaceTime(let diagram):
            figures += 1
            return diagram.figure(id: "steps\(figures == 1 ? "" : String(figures))")
        case .graph(let graph):
            return figure(title: graph.title, graph.svg(isAlone: false), scrolls: true)
        }
    }

    private static func figure(title: String, _ content: String, scrolls: Bool = false) -> String {
        let name = SafeText.escaped(SafeText.shortened(title, to: 200))
        let scroll = scrolls ? " class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"\(name)\"" : ""
        return "<figure>\n<figcaption>\(name)</figcaption>\n<div\(scroll)>\(content)</div>\n</figure>\n"
    }
}
