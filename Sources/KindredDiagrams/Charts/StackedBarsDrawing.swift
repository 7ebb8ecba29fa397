/// Paints stacked bars: above each its name, below it the value of each part, so that nothing has to be read from
/// colours.
struct StackedBarsDrawing {
    let title: String
    let parts: [Chart.Part]
    let bars: [Chart.Bar]
    let isShare: Bool
    let width: Double

    private static let margin = 12.0
    private static let thickness = 16.0

    func svg(isAlone: Bool) -> String {
        var canvas = Canvas()
        var y = Self.margin
        y += legend(in: &canvas, top: y) + 6
        let inner = width - 2 * Self.margin
        let longest = bars.map { $0.values.reduce(0, +) }.max() ?? 0
        let ticks = Ticks(0...(isShare ? 100 : max(longest, 1e-6)), count: Int(inner / 90))
        let scale = inner / ticks.last
        let top = y
        var rows = Canvas()
        for bar in bars { y += draw(bar, in: &rows, top: y, scale: scale) }
        // Grid lines are below everything.
        for tick in ticks.values {
            let x = Self.margin + tick * scale
            canvas.line(from: Point(x: x, y: top), to: Point(x: x, y: y), .rule, width: tick == 0 ? 1.5 : 1)
            let text = ticks.text(tick) + (isShare ? "%" : "")
            let anchor: Canvas.Anchor = tick == 0 ? .start : tick == ticks.last ? .end : .middle
            canvas.text(text, at: Point(x: x, y: y + 15), size: 11, .muted, anchor: anchor)
        }
        canvas.group { $0.append(rows) }
        return canvas.svg(
            title: title, description: description, view: Box(x: 0, y: 0, width: width, height: y + 26),
            isAlone: isAlone)
    }

    private func legend(in canvas: inout Canvas, top: Double) -> Double {
        var (x, y) = (Self.margin, top + 6)
        for part in parts {
            let name = Typeface.sans.fitted(part.name, into: width - 60, size: 12)
            let taken = 18 + Typeface.sans.width(name, size: 12)
            if x > Self.margin, x + taken > width - Self.margin { (x, y) = (Self.margin, y + 20) }
            if case .fate(let fate) = part.colour {
                canvas.mark(fate, at: Point(x: x + 6, y: y), radius: 5.5)
            } else {
                canvas.box(Box(x: x, y: y - 6, width: 12, height: 12), fill: part.colour.ink, radius: 2)
            }
            canvas.text(name, at: Point(x: x + 18, y: y + 4), .muted)
            x += taken + 18
        }
        return y + 14 - top
    }

    /// Returns how high the row is.
    private func draw(_ bar: Chart.Bar, in canvas: inout Canvas, top: Double, scale: Double) -> Double {
        let sum = bar.values.reduce(0, +)
        let factor = isShare ? (sum > 0 ? 100 / sum : 0) : 1
        let name = Typeface.sans.fitted(bar.name, into: width - 2 * Self.margin - 10, size: 13)
        canvas.text(name, at: Point(x: Self.margin + 5, y: top + 18), size: 13, strong: true, halo: .ground)
        var x = Self.margin
        for (part, value) in zip(parts, bar.values) where value > 0 {
            // A pixel of ground between two parts.
            let length = value * factor * scale
            let box = Box(x: x, y: top + 25, width: max(length - 1, 1), height: Self.thickness)
            let name = SafeText.shortened(part.name, to: 100)
            let tooltip = "\(SafeText.shortened(bar.name, to: 100))\n\(text(value, of: sum)) \(name)"
            canvas.group(tooltip: tooltip) {
                $0.box(box, fill: part.colour.ink)
                if case .fate(.lostSilently) = part.colour { $0.hatch(box) }
            }
            x += length
        }
        var y = top + 25 + Self.thickness + 14
        for line in values(of: bar, sum: sum) {
            canvas.text(line, at: Point(x: Self.margin + 5, y: y), size: 11.5, .muted, halo: .ground)
            y += 15
        }
        return y - top
    }

    private func text(_ value: Double, of sum: Double) -> String {
        isShare ? Figures.decimal(sum > 0 ? value / sum * 100 : 0, decimals: 1) + "%" : Figures.short(value)
    }

    private func values(of bar: Chart.Bar, sum: Double) -> [String] {
        var lines: [String] = []
        for (part, value) in zip(parts, bar.values) where value > 0 {
            let item = "\(text(value, of: sum)) \(SafeText.shortened(part.name, to: 40))"
            if let last = lines.last,
                Typeface.sans.width(last + " · " + item, size: 11.5) <= width - 2 * Self.margin - 10
            {
                lines[lines.count - 1] = last + " · " + item
            } else {
                lines.append(item)
            }
        }
        return lines.isEmpty ? ["nothing"] : lines
    }

    private var description: String {
        bars.map { bar in
            SafeText.shortened(bar.name, to: 60) + ": "
                + values(of: bar, sum: bar.values.reduce(0, +)).joined(separator: " · ")
        }.joined(separator: ". ")
    }
}

extension Canvas {
    /// Slanted lines of ground over a rectangle.
    fileprivate mutating func hatch(_ box: Box) {
        var x = box.x - box.height
        while x < box.x + box.width {
            let low = max(x, box.x)
            let high = min(x + box.height, box.x + box.width)
            if high > low {
                line(
                    from: Point(x: low, y: box.y + box.height - (low - x)),
                    to: Point(x: high, y: box.y + box.height - (high - x)), .ground, width: 1.2)
            }
            x += 7
        }
    }
}
