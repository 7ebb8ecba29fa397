import Foundation
import KindredDiagrams

#if canImport(FoundationXML)
    import FoundationXML
#endif

/// Anna puts "apple" at n1, which reaches n2; Ben reads it there and writes "banana"; Carol, cut off with n3, writes
/// "cherry".
let fruits = SpaceTimeDiagram(
    title: "Fruits",
    lanes: [
        .init("Anna", isClient: true), .init("n1"), .init("n2"), .init("Ben", isClient: true), .init("n3"),
        .init("Carol", isClient: true),
    ],
    events: [
        .init(lane: 1, time: 1_000, label: "put \"apple\"", version: "1.1", fate: .replaced, tooltip: ["by Anna"]),
        .init(lane: 3, time: 6_000, label: "reads \"apple\"", version: "1.1", fate: .read),
        .init(lane: 2, time: 8_000, label: "put \"banana\"", version: "2.1", fate: .sibling),
        .init(lane: 4, time: 8_500, label: "put \"cherry\"", version: "3.1", fate: .sibling),
    ],
    messages: [
        .init(from: .init(lane: 1, time: 1_000), to: .init(lane: 2, time: 2_500), label: "to n2"),
        .init(from: .init(lane: 1, time: 1_000), to: .init(lane: 4, time: 3_000), label: "to n3", isLost: true),
        .init(
            from: .init(lane: 4, time: 12_500), to: .init(lane: 2, time: 14_000), label: "heals",
            note: "neither knew of the other; both kept"),
    ],
    spans: [.init(time: 900...12_000, label: "n3 is cut off", lanes: [4, 5])])

/// The versions of the same history.
let versions = CausalGraph(
    title: "fruits",
    nodes: [
        .init(name: "1.1", title: "\"apple\"", lines: ["Anna at n1"], fate: .replaced),
        .init(name: "2.1", title: "\"banana\"", lines: ["Ben at n2"], fate: .sibling),
        .init(name: "3.1", title: "\"cherry\"", lines: ["Carol at n3"], fate: .sibling),
    ],
    edges: [.init("2.1", hadSeen: "1.1"), .init("3.1", hadSeen: "1.1")], caption: "Two siblings.")

/// What nobody should call a fruit.
let hostile = "</title><script>alert('1')</script>&\"\u{0}\u{1B}[31m\u{202E}\u{2066}\u{FFFE}\n]]>"

let outcome = Chart.stackedBars(
    title: "Outcome", parts: [.init(.kept), .init(.lostSilently)],
    bars: [.init("one", [60, 40]), .init("two", [99.5])])

let latency = Chart.lines(
    title: "Latency", x: "time, s", y: "ms",
    lines: [.init("first", points: [(0, 1), (10, 3)]), .init("second", points: [(0, 1), (10, 3.01)])])

/// A graph of nodes that carry only names, and edges from each to the ones it had seen.
func graph(_ seen: KeyValuePairs<String, [String]>) -> CausalGraph {
    CausalGraph(
        title: "", nodes: seen.map { .init(name: $0.key, title: "", fate: .other) },
        edges: seen.flatMap { node in node.value.map { .init(node.key, hadSeen: $0) } })
}

/// What an XML parser finds in a drawing.
final class Markup: NSObject, XMLParserDelegate {
    private(set) var names: [String] = []
    private(set) var texts: [String] = []
    private(set) var attributes: [[String: String]] = []
    private(set) var isWellFormed = false
    private var open: [String] = []

    init(_ markup: String) {
        super.init()
        let parser = XMLParser(data: Data(markup.utf8))
        parser.delegate = self
        isWellFormed = parser.parse()
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        names.append(name)
        self.attributes.append(attributes)
        open.append("")
    }

    func parser(_ parser: XMLParser, foundCharacters text: String) {
        if let last = open.popLast() { open.append(last + text) }
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        if let text = open.popLast() { texts.append(text) }
    }
}
