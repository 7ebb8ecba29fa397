/// A point in pixels, from the upper left corner.
struct Point: Hashable {
    var x: Double
    var y: Double
}

/// A rectangle in pixels.
struct Box {
    var x: Double
    var y: Double
    var width: Double
    var height: Double

    func intersects(_ other: Box) -> Bool {
        x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height
    }

    /// Whether the straight line passes through the rectangle (Liang and Barsky's clipping).
    func isCrossed(from start: Point, to end: Point) -> Bool {
        var (enters, leaves) = (0.0, 1.0)
        let (dx, dy) = (end.x - start.x, end.y - start.y)
        for (p, q) in [
            (-dx, start.x - x), (dx, x + width - start.x), (-dy, start.y - y), (dy, y + height - start.y),
        ] {
            if p == 0 {
                if q < 0 { return false }
            } else if p < 0 {
                enters = max(enters, q / p)
            } else {
                leaves = min(leaves, q / p)
            }
        }
        return enters < leaves
    }
}

/// Collects the elements of an SVG drawing, in the order in which they are painted.
struct Canvas {
    private(set) var markup = ""

    /// Where text stands relative to its point.
    enum Anchor: String { case start, middle, end }

    mutating func element(_ name: String, _ attributes: KeyValuePairs<String, String>) {
        markup += "<\(name)\(Self.attributes(attributes))/>\n"
    }

    /// Elements that belong together; a tooltip for all of them.
    mutating func group(
        _ attributes: KeyValuePairs<String, String> = [:], tooltip: String = "", _ content: (inout Canvas) -> Void
    ) {
        markup += "<g\(Self.attributes(attributes))>"
        if !tooltip.isEmpty { markup += "<title>\(Self.tooltip(tooltip))</title>" }
        markup += "\n"
        content(&self)
        markup += "</g>\n"
    }

    mutating func append(_ other: Canvas) {
        markup += other.markup
    }

    mutating func line(from start: Point, to end: Point, _ ink: Ink, width: Double = 1, dash: String = "") {
        markup +=
            "<line x1=\"\(Figures.coordinate(start.x))\" y1=\"\(Figures.coordinate(start.y))\" "
            + "x2=\"\(Figures.coordinate(end.x))\" y2=\"\(Figures.coordinate(end.y))\" class=\"\(ink.stroke)\""
            + Self.strokeWidth(width) + (dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"") + "/>\n"
    }

    mutating func path(_ data: String, stroke: Ink, width: Double = 1, dash: String = "") {
        markup +=
            "<path d=\"\(data)\" class=\"line \(stroke.stroke)\"\(Self.strokeWidth(width))"
            + (dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"") + "/>\n"
    }

    mutating func polygon(_ points: [Point], fill: Ink) {
        let text = points.map { "\(Figures.coordinate($0.x)),\(Figures.coordinate($0.y))" }.joined(separator: " ")
        element("polygon", ["points": text, "class": fill.fill])
    }

    mutating func box(
        _ box: Box, fill: Ink, stroke: Ink? = nil, strokeWidth: Double = 1, radius: Double = 0, dash: String = ""
    ) {
        markup +=
            "<rect x=\"\(Figures.coordinate(box.x))\" y=\"\(Figures.coordinate(box.y))\" "
            + "width=\"\(Figures.coordinate(max(0, box.width)))\" height=\"\(Figures.coordinate(max(0, box.height)))\""
            + (radius > 0 ? " rx=\"\(Figures.coordinate(radius))\"" : "")
            + " class=\"\(fill.fill)\(stroke.map { " " + $0.stroke } ?? "")\""
            + (stroke == nil ? "" : Self.strokeWidth(strokeWidth))
            + (dash.isEmpty ? "" : " stroke-dasharray=\"\(dash)\"") + "/>\n"
    }

    mutating func circle(_ centre: Point, radius: Double, fill: Ink, stroke: Ink? = nil, strokeWidth: Double = 1) {
        markup +=
            "<circle cx=\"\(Figures.coordinate(centre.x))\" cy=\"\(Figures.coordinate(centre.y))\" "
            + "r=\"\(Figures.coordinate(radius))\" class=\"\(fill.fill)\(stroke.map { " " + $0.stroke } ?? "")\""
            + (stroke == nil ? "" : Self.strokeWidth(strokeWidth)) + "/>\n"
    }

    /// Text on one line. `halo` keeps lines that pass below it at a distance.
    mutating func text(
        _ text: String, at point: Point, size: Double = 12, _ ink: Ink = .ink, face: Typeface = .sans,
        anchor: Anchor = .start, strong: Bool = false, halo: Ink? = nil
    ) {
        var classes = ink.fill
        if face == .mono { classes += " mono" }
        if strong { classes += " strong" }
        if let halo { classes += " halo " + halo.stroke }
        markup +=
            "<text x=\"\(Figures.coordinate(point.x))\" y=\"\(Figures.coordinate(point.y))\" "
            + "font-size=\"\(Figures.coordinate(size))\" class=\"\(classes)\""
            + (anchor == .start ? "" : " text-anchor=\"\(anchor.rawValue)\"") + ">\(SafeText.escaped(text))</text>\n"
    }

    private static func attributes(_ attributes: KeyValuePairs<String, String>) -> String {
        attributes.map { " \($0.key)=\"\(SafeText.escaped($0.value))\"" }.joined()
    }

    private static func strokeWidth(_ width: Double) -> String {
        width == 1 ? "" : " stroke-width=\"\(Figures.coordinate(width))\""
    }

    /// Tooltips may have several lines; what is in a line is escaped.
    private static func tooltip(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { SafeText.escaped($0) }
            .joined(separator: "\n")
    }

    /// The whole drawing: with its style and ground if it is a file of its own, without if a page has them.
    func svg(title: String, description: String, view: Box, isAlone: Bool) -> String {
        let size = "width=\"\(Figures.coordinate(view.width))\" height=\"\(Figures.coordinate(view.height))\""
        let corner = "\(Figures.coordinate(view.x)) \(Figures.coordinate(view.y))"
        let extent = "\(Figures.coordinate(view.width)) \(Figures.coordinate(view.height))"
        var head = "<svg xmlns=\"http://www.w3.org/2000/svg\" \(size) viewBox=\"\(corner) \(extent)\" role=\"img\""
        head += ">\n<title>\(SafeText.escaped(title))</title>\n<desc>\(SafeText.escaped(description))</desc>\n"
        guard isAlone else { return head + markup + "</svg>\n" }
        var ground = Canvas()
        ground.box(view, fill: .ground)
        return head + "<style>\n\(Ink.style)\n</style>\n" + ground.markup + markup + "</svg>\n"
    }
}
