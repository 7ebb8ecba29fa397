/// Paints lines, each named at its end; the names keep a distance.
struct LinesDrawing {
    let title: String
    let lines: [Chart.Line]
    let xLabel: String
    let yLabel: String
    let width: Double

    private static let height = 280.0
    private static let top = 34.0
    private static let bottom = 44.0
    private static let dashes = ["", "7 3", "2 3", "10 3 2 3", "5 2", "1 4"]

    func svg(isAlone: Bool) -> String {
        var canvas = Canvas()
        let all = lines.flatMap(\.points)
        let xs = all.map(\.x)
        let ys = all.map(\.y)
        let yTicks = Ticks(min(0, ys.min() ?? 0)...max(0, ys.max() ?? 0, (ys.min() ?? 0) + 1e-6), count: 5)
        let xTicks = Ticks((xs.min() ?? 0)...max(xs.max() ?? 1, xs.min() ?? 0), count: max(2, Int(width / 110)))
        let left = (yTicks.values.map { Typeface.sans.width(yTicks.text($0), size: 11) }.max() ?? 0) + 18
        let names = lines.map { Typeface.sans.fitted($0.name, into: min(150, width * 0.3), size: 12) }
        let right = width - (names.map { Typeface.sans.width($0, size: 12) }.max() ?? 0) - 34
        let floor = Self.height - Self.bottom
        let xExtent = max((xs.max() ?? 1) - (xs.min() ?? 0), 1e-9)
        func place(_ x: Double, _ y: Double) -> Point {
            Point(
                x: left + (x - (xs.min() ?? 0)) / xExtent * (right - left),
                y: floor - (y - yTicks.first) / (yTicks.last - yTicks.first) * (floor - Self.top))
        }
        canvas.text(
            Typeface.sans.fitted(yLabel, into: width - 24, size: 11.5), at: Point(x: 12, y: 18), size: 11.5, .muted)
        for tick in yTicks.values {
            let y = place(0, tick).y
            canvas.line(from: Point(x: left, y: y), to: Point(x: right, y: y), .rule, width: tick == 0 ? 1.5 : 1)
            canvas.text(yTicks.text(tick), at: Point(x: left - 6, y: y + 4), size: 11, .muted, anchor: .end)
        }
        for tick in xTicks.values
        where tick >= (xs.min() ?? 0) - xExtent * 0.001 && tick <= (xs.max() ?? 1) + xExtent * 0.001 {
            let x = place(tick, 0).x
            canvas.line(from: Point(x: x, y: floor), to: Point(x: x, y: floor + 4), .edge)
            canvas.text(xTicks.text(tick), at: Point(x: x, y: floor + 17), size: 11, .muted, anchor: .middle)
        }
        canvas.text(
            Typeface.sans.fitted(xLabel, into: right - left, size: 11.5), at: Point(x: right, y: floor + 35),
            size: 11.5, .muted, anchor: .end)
        for (index, line) in lines.enumerated() {
            draw(line, index, in: &canvas, place: place)
        }
        drawNames(names, in: &canvas, left: right + 12, place: place)
        return canvas.svg(
            title: title, description: description, view: Box(x: 0, y: 0, width: width, height: Self.height),
            isAlone: isAlone)
    }

    private func draw(_ line: Chart.Line, _ index: Int, in canvas: inout Canvas, place: (Double, Double) -> Point) {
        let points = line.points.map { place($0.x, $0.y) }
        let ink = Chart.Colour.number(index).ink
        let data = points.enumerated().map { number, point in
            (number == 0 ? "M" : "L") + Figures.coordinate(point.x) + " " + Figures.coordinate(point.y)
        }
        guard !data.isEmpty else { return }
        canvas.group(tooltip: SafeText.shortened(line.name, to: 200)) { canvas in
            canvas.path(data.joined(), stroke: ink, width: 2, dash: Self.dashes[index % Self.dashes.count])
            // Many points would hide their line.
            if points.count <= 24 { for point in points { canvas.circle(point, radius: 3, fill: ink) } }
        }
    }

    private func drawNames(_ names: [String], in canvas: inout Canvas, left: Double, place: (Double, Double) -> Point) {
        var ends: [(index: Int, end: Point, y: Double)] = []
        for (index, line) in lines.enumerated() {
            guard let last = line.points.last else { continue }
            let end = place(last.x, last.y)
            ends.append((index, end, end.y))
        }
        ends.sort { ($0.y, $0.index) < ($1.y, $1.index) }
        // Downwards until they do not overlap, then back up if that went beyond the axis.
        for index in ends.indices.dropFirst() { ends[index].y = max(ends[index].y, ends[index - 1].y + 15) }
        var limit = Self.height - Self.bottom + 4
        for index in ends.indices.reversed() {
            ends[index].y = min(ends[index].y, limit)
            limit = ends[index].y - 15
        }
        for (index, end, y) in ends {
            let ink = Chart.Colour.number(index).ink
            canvas.line(from: Point(x: end.x + 3, y: end.y), to: Point(x: left + 4, y: y), ink)
            canvas.text(names[index], at: Point(x: left + 8, y: y + 4), halo: .ground)
        }
    }

    private var description: String {
        let sentences = lines.map { line in
            let ys = line.points.map(\.y)
            guard let first = ys.first, let last = ys.last, let least = ys.min(), let most = ys.max() else {
                return "\(SafeText.shortened(line.name, to: 60)): no points"
            }
            return "\(SafeText.shortened(line.name, to: 60)): from \(Figures.short(first)) to \(Figures.short(last)), "
                + "between \(Figures.short(least)) and \(Figures.short(most))"
        }
        return "\(SafeText.shortened(yLabel, to: 100)) over \(SafeText.shortened(xLabel, to: 100)). "
            + sentences.joined(separator: ". ")
    }
}
