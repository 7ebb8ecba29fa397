/// A chart of a few series: stacked horizontal bars, or lines.
package struct Chart: Hashable, Sendable {
    /// What a series stands for, which decides its colour.
    package enum Colour: Hashable, Sendable {
        /// A fate.
        case fate(Fate)
        /// The n-th of several things of one kind, from 0.
        case number(Int)
    }

    /// A row of stacked bars.
    package struct Bar: Hashable, Sendable {
        /// What the row is of.
        package var name: String
        /// A value for each series; negative ones and those that are no numbers count as 0.
        package var values: [Double]

        /// Describes a row.
        package init(_ name: String, _ values: [Double]) {
            self.name = name
            self.values = values
        }
    }

    /// A series of stacked bars.
    package struct Part: Hashable, Sendable {
        /// What the parts are.
        package var name: String
        /// Its colour.
        package var colour: Colour

        /// Describes a series.
        package init(_ name: String, colour: Colour) {
            self.name = name
            self.colour = colour
        }

        /// The series of a fate, by its name.
        package init(_ fate: Fate) {
            self.init(fate.name, colour: .fate(fate))
        }
    }

    /// A line.
    package struct Line: Hashable, Sendable {
        /// What the line is of.
        package var name: String
        /// Its points in the order in which they are joined. Those with what is no number are left out.
        package var points: [(x: Double, y: Double)] {
            get { zip(xs, ys).map { ($0, $1) } }
            set { (xs, ys) = (newValue.map(\.x), newValue.map(\.y)) }
        }
        private var xs: [Double]
        private var ys: [Double]

        /// Describes a line.
        package init(_ name: String, points: [(x: Double, y: Double)]) {
            self.name = name
            (xs, ys) = (points.map(\.x), points.map(\.y))
        }
    }

    enum Content: Hashable, Sendable {
        case bars(parts: [Part], bars: [Bar], isShare: Bool)
        case lines(lines: [Line], x: String, y: String)
    }

    /// What the chart shows.
    package var title: String
    let content: Content

    /// Horizontal bars, one for each of `bars`, stacked from a value for each of `parts`. Each value is written below
    /// its bar.
    ///
    /// - Parameter asShares: whether all bars are equally long, and their parts show shares.
    package static func stackedBars(title: String, parts: [Part], bars: [Bar], asShares: Bool = false) -> Chart {
        let parts = Array(parts.prefix(Limit.parts))
        let bars = bars.prefix(Limit.bars).map { bar in
            Bar(
                bar.name,
                parts.indices.map { $0 < bar.values.count ? max(0, Figures.bounded(bar.values[$0], by: 1e12)) : 0 })
        }
        return Chart(title: title, content: .bars(parts: parts, bars: bars, isShare: asShares))
    }

    /// Lines over a common axis, each named at its end. The vertical axis begins at 0 unless a value is below.
    ///
    /// - Parameters:
    ///   - x: what the horizontal axis is, with its unit: `time, s`.
    ///   - y: what the vertical axis is.
    package static func lines(title: String, x: String, y: String, lines: [Line]) -> Chart {
        let lines = lines.prefix(Limit.lines).map { line in
            let points = line.points.filter { $0.x.isFinite && $0.y.isFinite }.prefix(Limit.points)
            return Line(
                line.name, points: points.map { (Figures.bounded($0.x, by: 1e12), Figures.bounded($0.y, by: 1e12)) })
        }
        return Chart(title: title, content: .lines(lines: Array(lines), x: x, y: y))
    }

    /// The most that one chart has.
    enum Limit {
        static let parts = 8
        static let bars = 60
        static let lines = 6
        static let points = 5_000
    }

    /// The chart as a file of its own, for light and dark grounds.
    package func svg(width: Int = 680) -> String { svg(width: width, isAlone: true) }

    func svg(width: Int, isAlone: Bool) -> String {
        let width = Double(min(max(width, 280), 2_000))
        switch content {
        case .bars(let parts, let bars, let isShare):
            return StackedBarsDrawing(title: title, parts: parts, bars: bars, isShare: isShare, width: width)
                .svg(isAlone: isAlone)
        case .lines(let lines, let x, let y):
            return LinesDrawing(title: title, lines: lines, xLabel: x, yLabel: y, width: width).svg(isAlone: isAlone)
        }
    }
}

extension Chart.Colour {
    var ink: Ink {
        switch self {
        case .fate(let fate): fate.ink
        case .number(let number): Self.series[((number % Self.series.count) + Self.series.count) % Self.series.count]
        }
    }

    /// Neighbours differ in lightness, too.
    static let series: [Ink] = [.series4, .series2, .series1, .series3, .series5, .series6]
}
