extension Canvas {
    /// The mark of a fate. All marks fit into a circle of the radius.
    mutating func mark(_ fate: Fate, at centre: Point, radius: Double = 6, ground: Ink = .ground) {
        let ink = fate.ink
        let (x, y, r) = (centre.x, centre.y, radius)
        switch fate {
        case .kept:
            circle(centre, radius: r, fill: ink)
        case .replaced:
            circle(centre, radius: r - 1, fill: ground, stroke: ink, strokeWidth: 2)
        case .sibling:
            circle(centre, radius: r - 0.75, fill: ground, stroke: ink, strokeWidth: 1.5)
            circle(centre, radius: r * 0.52, fill: ink)
        case .lostReported:
            polygon(
                [
                    Point(x: x, y: y - r), Point(x: x + r * 1.05, y: y + r * 0.85),
                    Point(x: x - r * 1.05, y: y + r * 0.85),
                ],
                fill: ink)
        case .lostSilently:
            cross(centre, radius: r * 0.8, ink)
        case .refused:
            let side = r * 1.7
            box(
                Box(x: x - side / 2, y: y - side / 2, width: side, height: side), fill: ground, stroke: ink,
                strokeWidth: 2)
            line(from: Point(x: x - r * 0.5, y: y), to: Point(x: x + r * 0.5, y: y), ink, width: 2)
        case .read:
            let corners = [
                Point(x: x, y: y - r), Point(x: x + r, y: y), Point(x: x, y: y + r), Point(x: x - r, y: y),
            ]
            polygon(corners, fill: ink)
            let inner = r - 2.2
            polygon(
                [
                    Point(x: x, y: y - inner), Point(x: x + inner, y: y), Point(x: x, y: y + inner),
                    Point(x: x - inner, y: y),
                ], fill: ground)
        case .other:
            circle(centre, radius: r * 0.6, fill: ink)
        }
    }

    /// A cross: the end of a message that was lost, and of a write that nobody was told about.
    mutating func cross(_ centre: Point, radius: Double, _ ink: Ink, width: Double = 2.5) {
        let (x, y, r) = (centre.x, centre.y, radius)
        line(from: Point(x: x - r, y: y - r), to: Point(x: x + r, y: y + r), ink, width: width)
        line(from: Point(x: x - r, y: y + r), to: Point(x: x + r, y: y - r), ink, width: width)
    }

    /// A triangle whose tip is at `tip`, for a line that comes from `origin`.
    mutating func arrowHead(at tip: Point, from origin: Point, _ ink: Ink, size: Double = 8) {
        let (dx, dy) = (tip.x - origin.x, tip.y - origin.y)
        let length = max((dx * dx + dy * dy).squareRoot(), 0.001)
        let (ux, uy) = (dx / length, dy / length)
        let base = Point(x: tip.x - ux * size, y: tip.y - uy * size)
        let half = size * 0.42
        polygon(
            [
                tip, Point(x: base.x - uy * half, y: base.y + ux * half),
                Point(x: base.x + uy * half, y: base.y - ux * half),
            ], fill: ink)
    }

    /// Marks and names of fates, in lines no wider than `width`. Returns how high it is.
    @discardableResult
    mutating func legend(_ fates: [Fate], at corner: Point, width: Double) -> Double {
        var (x, y) = (corner.x, corner.y + 8)
        for fate in fates {
            let taken = 16 + Typeface.sans.width(fate.name, size: 12) + 18
            if x > corner.x, x + taken - 18 > corner.x + width { (x, y) = (corner.x, y + 20) }
            mark(fate, at: Point(x: x + 6, y: y), radius: 5.5)
            text(fate.name, at: Point(x: x + 17, y: y + 4), .muted)
            x += taken
        }
        return fates.isEmpty ? 0 : y + 12 - corner.y
    }
}
