extension CausalGraph {
    /// The graph as a file of its own, for light and dark grounds: the oldest version on top.
    package func svg() -> String { svg(isAlone: true) }

    func svg(isAlone: Bool) -> String { CausalGraphDrawing(self).svg(isAlone: isAlone) }

    /// What the drawing shows, for those who cannot see it.
    var summary: String {
        let nodes = drawnNodes
        let parents = CausalOrder(self).parents
        let sentences = nodes.indices.prefix(60).map { index in
            let seen = parents[index].map { SafeText.shortened(nodes[$0].name, to: 40) }.joined(separator: ", ")
            let name = SafeText.shortened(nodes[index].name, to: 40)
            return "\(name) \(SafeText.shortened(nodes[index].title, to: 60)) (\(nodes[index].fate.name))"
                + (seen.isEmpty ? "." : " had seen \(seen).")
        }
        return "A graph of \(nodes.count) versions; an arrow leads from a version to one whose writer had seen it. "
            + sentences.joined(separator: " ") + (caption.isEmpty ? "" : " " + SafeText.shortened(caption, to: 400))
    }
}

/// Paints the layers: boxes for versions, arrows downwards to the versions that saw them.
private struct CausalGraphDrawing {
    private let graph: CausalGraph
    private let nodes: [CausalGraph.Node]
    private let layout: LayeredLayout
    private let boxes: [Box]
    private let height: Double
    private static let margin = 14.0
    private static let gap = 24.0
    private static let textWidth = 220.0

    init(_ graph: CausalGraph) {
        self.graph = graph
        nodes = graph.drawnNodes
        // All equally wide, which is quieter.
        let width = nodes.map { Self.width($0) }.max() ?? 0
        let widths = nodes.map { _ in width }
        let heights = nodes.map { 52.0 + Double(min($0.lines.count, CausalGraph.Limit.linesPerNode)) * 15 }
        let layout = LayeredLayout(CausalOrder(graph), widths: widths.map { $0 + Self.gap })
        self.layout = layout
        var tops: [Double] = []
        var y = Self.margin
        for layer in 0...(layout.layer.max() ?? 0) {
            tops.append(y)
            y += (nodes.indices.filter { layout.layer[$0] == layer }.map { heights[$0] }.max() ?? 0) + 40
        }
        boxes = nodes.indices.map { index in
            Box(
                x: layout.x[index] - widths[index] / 2 + Self.margin - Self.gap / 2, y: tops[layout.layer[index]],
                width: widths[index], height: heights[index])
        }
        height = nodes.isEmpty ? Self.margin : y - 40
    }

    private static func width(_ node: CausalGraph.Node) -> Double {
        let title = Typeface.mono.width(fitted(node.title), size: 13)
        let name = Typeface.mono.width(Typeface.mono.fitted(node.name, into: textWidth - 80, size: 12), size: 12)
        let head = name + 30 + Typeface.sans.width(node.fate.name, size: 11)
        let lines = lines(node).map { Typeface.sans.width($0, size: 11.5) }
        return max(120, (lines + [title, head]).max() ?? 0) + 24
    }

    private static func fitted(_ title: String) -> String { Typeface.mono.fitted(title, into: textWidth, size: 13) }

    private static func lines(_ node: CausalGraph.Node) -> [String] {
        node.lines.prefix(CausalGraph.Limit.linesPerNode).map { Typeface.sans.fitted($0, into: textWidth, size: 11.5) }
    }

    func svg(isAlone: Bool) -> String {
        var canvas = Canvas()
        let captions = captionLines
        let width = max(layout.width + 2 * Self.margin - Self.gap, 300)
        let indent = (width - layout.width - 2 * Self.margin + Self.gap) / 2
        canvas.group(indent > 0 ? ["transform": "translate(\(Figures.coordinate(indent)),0)"] : [:]) { canvas in
            for edge in layout.edges { draw(edge, in: &canvas) }
            for index in nodes.indices { draw(index, in: &canvas) }
        }
        var y = height + 16
        let present = Set(nodes.map(\.fate))
        y += canvas.legend(
            Fate.allCases.filter { present.contains($0) }, at: Point(x: Self.margin, y: y),
            width: width - 2 * Self.margin)
        canvas.text(
            "An arrow: the lower one’s writer had seen it", at: Point(x: Self.margin, y: y + 12), size: 11.5, .muted)
        y += 30
        for line in captions {
            canvas.text(line, at: Point(x: Self.margin, y: y + 4), size: 13)
            y += 18
        }
        if graph.leftOut > 0 {
            canvas.text(
                "\(Figures.grouped(graph.leftOut)) more versions are not drawn", at: Point(x: Self.margin, y: y + 4),
                .muted)
            y += 18
        }
        return canvas.svg(
            title: graph.title, description: graph.summary, view: Box(x: 0, y: 0, width: width, height: y + 6),
            isAlone: isAlone)
    }

    private var captionLines: [String] {
        let width = max(layout.width + 2 * Self.margin - Self.gap, 300) - 2 * Self.margin
        let columns = Int(width / 13 / 0.56)
        return TextLines.broken(SafeText.shortened(graph.caption, to: 600), columns: columns).filter { !$0.isEmpty }
    }

    private func draw(_ edge: (parent: Int, child: Int, through: [Double]), in canvas: inout Canvas) {
        let (parent, child) = (boxes[edge.parent], boxes[edge.child])
        let shift = Self.margin - Self.gap / 2
        var points = [Point(x: parent.x + parent.width / 2, y: parent.y + parent.height)]
        for (step, x) in edge.through.enumerated() {
            let layer = layout.layer[edge.parent] + 1 + step
            let inLayer = boxes.indices.filter { layout.layer[$0] == layer }
            let top = inLayer.map { boxes[$0].y }.min() ?? 0
            let bottom = inLayer.map { boxes[$0].y + boxes[$0].height }.max() ?? top
            points += [Point(x: x + shift, y: top), Point(x: x + shift, y: bottom)]
        }
        // Arrows of several parents end side by side.
        let siblings = layout.edges.filter { $0.child == edge.child }.sorted { x(before: $0) < x(before: $1) }
        let place = siblings.firstIndex { $0.parent == edge.parent } ?? 0
        let spread = (Double(place) - Double(siblings.count - 1) / 2) * 14
        let tip = Point(x: child.x + child.width / 2 + spread, y: child.y - 1)
        points.append(Point(x: tip.x, y: tip.y - 7))
        var data = "M\(text(points[0]))"
        for (start, end) in zip(points, points.dropFirst()) {
            let middle = (start.y + end.y) / 2
            data +=
                start.x == end.x
                ? "L\(text(end))"
                : "C\(text(Point(x: start.x, y: middle))) \(text(Point(x: end.x, y: middle))) \(text(end))"
        }
        canvas.path(data, stroke: .edge, width: 1.4)
        canvas.arrowHead(at: tip, from: Point(x: tip.x, y: tip.y - 10), .edge)
    }

    private func x(before edge: (parent: Int, child: Int, through: [Double])) -> Double {
        edge.through.last ?? layout.x[edge.parent]
    }

    private func text(_ point: Point) -> String { "\(Figures.coordinate(point.x)) \(Figures.coordinate(point.y))" }

    private func draw(_ index: Int, in canvas: inout Canvas) {
        let node = nodes[index]
        let box = boxes[index]
        let isCurrent = node.fate.isCurrent
        canvas.group(tooltip: tooltip(node)) { canvas in
            canvas.box(
                box, fill: .panel, stroke: isCurrent ? node.fate.ink : .rule, strokeWidth: isCurrent ? 2.5 : 1,
                radius: 5)
            let name = Typeface.mono.fitted(node.name, into: Self.textWidth - 80, size: 12)
            canvas.mark(node.fate, at: Point(x: box.x + 16, y: box.y + 16), radius: 5.5, ground: .panel)
            canvas.text(name, at: Point(x: box.x + 28, y: box.y + 20.5), .ink, face: .mono, strong: true)
            canvas.text(
                node.fate.name, at: Point(x: box.x + box.width - 11, y: box.y + 20), size: 11, .muted, anchor: .end)
            canvas.text(Self.fitted(node.title), at: Point(x: box.x + 11, y: box.y + 41), size: 13, face: .mono)
            for (number, line) in Self.lines(node).enumerated() {
                canvas.text(
                    line, at: Point(x: box.x + 11, y: box.y + 58 + Double(number) * 15), size: 11.5, .muted)
            }
        }
    }

    private func tooltip(_ node: CausalGraph.Node) -> String {
        let lines = [node.name, node.title] + node.lines.prefix(30) + ["\(node.fate.name): \(node.fate.meaning)"]
        return lines.map { SafeText.shortened($0, to: 300) }.joined(separator: "\n")
    }
}
