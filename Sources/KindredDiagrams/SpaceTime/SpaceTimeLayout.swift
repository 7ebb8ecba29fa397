/// Where everything of a drawable space-time diagram is.
///
/// Each moment at which something happens gets a row. Labels of the first lane are to its left, where no arrow ever is;
/// those of all other lanes are to their right or, where there is room, to their left. There arrows may pass, so a
/// label is level with its mark, above it or below, wherever the fewest arrows cross it; that moves the rows, and so it
/// is done a few times.
struct SpaceTimeLayout {
    /// Where an event's labels are, relative to its mark.
    struct Placement: Hashable {
        enum Height: CaseIterable { case level, above, below }
        var height: Height
        var isLeft: Bool

        static let all = [false, true].flatMap { isLeft in
            Height.allCases.map { Placement(height: $0, isLeft: isLeft) }
        }

        /// How far mark and labels reach above and below the mark's centre.
        func reach(lines: Int) -> (above: Double, below: Double) {
            switch (height, lines) {
            case (_, 0): (8, 8)
            case (.level, 1): (9, 9)
            case (.level, _): (15, 16)
            case (.above, 1): (19, 7)
            case (.above, _): (33, 7)
            case (.below, 1): (7, 19)
            case (.below, _): (7, 33)
            }
        }
    }

    /// What a row is for. The order is that of rows of one time.
    enum RowKind: Hashable, Comparable {
        case spanBegins(Int)
        /// The n-th events of all lanes at this time, and the messages of it.
        case points(Int)
        case spanEnds(Int)
    }

    struct Row: Hashable, Comparable {
        let time: Int
        let kind: RowKind
        static func < (left: Row, right: Row) -> Bool { (left.time, left.kind) < (right.time, right.kind) }
    }

    static let labelSize = 12.0
    static let headHeight = 44.0
    private static let longestLabel = 170.0

    let diagram: SpaceTimeDiagram
    let unit: TimeUnit
    private(set) var rows: [Row] = []
    private(set) var rowY: [Row: Double] = [:]
    private(set) var laneX: [Double] = []
    private(set) var width = 0.0
    private(set) var height = 0.0
    private(set) var placements: [Placement] = []
    /// The lines of each event's label, fitted.
    let labels: [[String]]
    private(set) var timeX = 0.0
    private var eventRows: [Row] = []
    private var lastRank: [SpaceTimeDiagram.Moment: Int] = [:]

    /// Lays out what `SpaceTimeDiagram.drawable` has returned.
    init(_ diagram: SpaceTimeDiagram) {
        self.diagram = diagram
        unit = TimeUnit(forExtent: diagram.extent)
        labels = diagram.events.map { event in
            let first = Typeface.mono.fitted(event.label, into: Self.longestLabel, size: Self.labelSize)
            let fate = event.fate == .other || event.fate == .read ? "" : event.fate.name
            let version = Typeface.mono.fitted(event.version, into: 100, size: Self.labelSize)
            let second = [version, fate].filter { !$0.isEmpty }.joined(separator: " · ")
            return [first, second].filter { !$0.isEmpty }
        }
        placements = diagram.events.map { Placement(height: .level, isLeft: $0.lane == 0 && diagram.lanes.count > 1) }
        makeRows()
        placeLanes()
        placeRows()
        for _ in 0..<4 where improvePlacements() { placeRows() }
    }

    // MARK: Places

    func point(ofEvent index: Int) -> Point {
        Point(x: laneX[diagram.events[index].lane], y: rowY[eventRows[index]] ?? 0)
    }

    /// A message leaves after the last event of its moment, and arrives at the first.
    func ends(ofMessage index: Int) -> (start: Point, end: Point) {
        let message = diagram.messages[index]
        let departure = departureRow(message)
        return (
            Point(x: laneX[message.from.lane], y: rowY[departure] ?? 0),
            Point(x: laneX[message.to.lane], y: rowY[Row(time: message.to.time, kind: .points(0))] ?? 0)
        )
    }

    private func departureRow(_ message: SpaceTimeDiagram.Message) -> Row {
        Row(time: message.from.time, kind: .points(lastRank[message.from] ?? 0))
    }

    /// The rectangle that an event's labels take.
    func labelBox(ofEvent index: Int, _ placement: Placement? = nil) -> Box {
        let centre = point(ofEvent: index)
        let placement = placement ?? placements[index]
        let lines = labels[index]
        guard !lines.isEmpty else { return Box(x: centre.x, y: centre.y, width: 0, height: 0) }
        let width = lines.map { Typeface.mono.width($0, size: Self.labelSize) }.max() ?? 0
        let reach = placement.reach(lines: lines.count)
        let top = placement.height == .below ? centre.y + 3 : centre.y - reach.above
        let bottom = placement.height == .above ? centre.y - 3 : centre.y + reach.below
        let x = placement.isLeft ? centre.x - 13 - width : centre.x + 13
        return Box(x: x, y: top, width: width, height: bottom - top)
    }

    func labelsAreLeft(of lane: Int) -> Bool { lane == 0 && diagram.lanes.count > 1 }

    /// The shaded rectangle of a span, and the row of its label.
    func box(ofSpan index: Int) -> Box {
        let span = diagram.spans[index]
        let top = rowY[Row(time: span.time.lowerBound, kind: .spanBegins(index))] ?? 0
        let bottom = rowY[Row(time: span.time.upperBound, kind: .spanEnds(index))] ?? top
        let (first, last) = (lanes(ofSpan: index).lowerBound, lanes(ofSpan: index).upperBound)
        guard laneX.indices.contains(first), laneX.indices.contains(last) else {
            return Box(x: timeX, y: top, width: 0, height: bottom - top)
        }
        let left = first == 0 ? timeX + 10 : laneX[first] - 14
        let right = last == laneX.count - 1 ? width - 8 : laneX[last + 1] - 18
        return Box(x: left, y: top, width: right - left, height: bottom - top)
    }

    /// The lanes that a span is shaded over.
    func lanes(ofSpan index: Int) -> ClosedRange<Int> {
        let lanes = diagram.spans[index].lanes
        let first = lanes.min() ?? 0
        return first...max(first, lanes.max() ?? diagram.lanes.count - 1)
    }

    /// The column that an event's labels stand in: the n-th one is to the left of the n-th lane.
    private func column(ofEvent index: Int) -> Int {
        diagram.events[index].lane + (placements[index].isLeft ? 0 : 1)
    }

    // MARK: Rows

    private mutating func makeRows() {
        var all: Set<Row> = []
        for event in diagram.events {
            let moment = SpaceTimeDiagram.Moment(lane: event.lane, time: event.time)
            let rank = lastRank[moment].map { $0 + 1 } ?? 0
            lastRank[moment] = rank
            let row = Row(time: event.time, kind: .points(rank))
            eventRows.append(row)
            all.insert(row)
        }
        for message in diagram.messages {
            all.insert(departureRow(message))
            all.insert(Row(time: message.to.time, kind: .points(0)))
        }
        for (index, span) in diagram.spans.enumerated() {
            all.insert(Row(time: span.time.lowerBound, kind: .spanBegins(index)))
            all.insert(Row(time: span.time.upperBound, kind: .spanEnds(index)))
        }
        rows = all.sorted()
    }

    private mutating func placeRows() {
        let eventsOfRow = Dictionary(grouping: diagram.events.indices) { eventRows[$0] }
        let arrivalsOfRow = Dictionary(grouping: diagram.messages.indices) {
            Row(time: diagram.messages[$0].to.time, kind: .points(0))
        }
        // The lowest label so far in each column: the n-th one is to the left of the n-th lane.
        var bottom = [Double](repeating: Self.headHeight + 2, count: diagram.lanes.count + 1)
        var y = Self.headHeight
        var pointsY = Self.headHeight
        rowY = [:]
        for row in rows {
            switch row.kind {
            case .spanBegins(let index):
                y = max(y + 8, (bottom.max() ?? y) + 4)
                let lanes = lanes(ofSpan: index)
                for column in bottom.indices
                where column > lanes.lowerBound && column <= lanes.upperBound + 1 || lanes.lowerBound == 0 {
                    bottom[column] = y + 19
                }
            case .spanEnds:
                y = max(y + 8, (bottom.max() ?? y) + 4)
            case .points:
                var needed = max(pointsY + 22, y + 14)
                for event in eventsOfRow[row] ?? [] {
                    let reach = placements[event].reach(lines: labels[event].count)
                    needed = max(needed, bottom[column(ofEvent: event)] + reach.above + 4)
                }
                for message in arrivalsOfRow[row] ?? [] {
                    // An arrow that is too flat looks as if the message took no time.
                    if let departure = rowY[departureRow(diagram.messages[message])] {
                        needed = max(needed, departure + 30)
                    }
                }
                (y, pointsY) = (needed, needed)
                for event in eventsOfRow[row] ?? [] {
                    let reach = placements[event].reach(lines: labels[event].count)
                    bottom[column(ofEvent: event)] = y + reach.below
                }
            }
            rowY[row] = y
        }
        height = max(y, bottom.max() ?? y) + 20
    }

    // MARK: Columns

    private mutating func placeLanes() {
        let timeWidth = rows.map { Typeface.sans.width(unit.text($0.time), size: 11) }.max() ?? 0
        timeX = max(timeWidth, Typeface.sans.width(unit.name, size: 11)) + 10
        var widths = diagram.lanes.map { _ in 0.0 }
        for (index, event) in diagram.events.enumerated() {
            for line in labels[index] {
                widths[event.lane] = max(widths[event.lane], Typeface.mono.width(line, size: Self.labelSize))
            }
        }
        let heads = diagram.lanes.map { Self.headWidth($0) }
        var x = timeX + 16
        for lane in diagram.lanes.indices {
            if lane == 0 {
                let left = labelsAreLeft(of: 0) ? widths[0] + 16 : 0
                x += max(left, heads[0] / 2)
            } else {
                // For the labels of either lane: those of the left one to its right, or those of the right one to its
                // left.
                let room = max(100, labelsAreLeft(of: lane - 1) ? 0 : widths[lane - 1] + 38, widths[lane] + 30)
                x += max(room, (heads[lane - 1] + heads[lane]) / 2 + 14)
            }
            laneX.append(x)
        }
        let last = diagram.lanes.count - 1
        let labels = last < 0 || labelsAreLeft(of: last) ? 0 : widths[last] + 16
        width = x + max(labels, (heads.last ?? 0) / 2) + 20
        for index in diagram.spans.indices where !laneX.isEmpty {
            let label = Typeface.sans.width(Self.spanLabel(diagram.spans[index]), size: 11)
            width = max(width, laneX[lanes(ofSpan: index).lowerBound] + label + 30)
        }
    }

    static func headLabel(_ lane: SpaceTimeDiagram.Lane) -> String {
        Typeface.sans.fitted(lane.name, into: 150, size: 13)
    }
    static func headWidth(_ lane: SpaceTimeDiagram.Lane) -> Double {
        max(44, Typeface.sans.width(headLabel(lane), size: 13) * 1.06 + 22)
    }
    static func spanLabel(_ span: SpaceTimeDiagram.Span) -> String {
        Typeface.sans.fitted(span.label, into: 320, size: 11)
    }

    // MARK: Placements

    /// Gives each label the place where the fewest arrows cross it. Returns whether one has moved.
    private mutating func improvePlacements() -> Bool {
        let arrows = diagram.messages.indices.map { ends(ofMessage: $0) }
        var hasMoved = false
        for event in diagram.events.indices where !labelsAreLeft(of: diagram.events[event].lane) {
            func crossings(_ placement: Placement) -> Int {
                let box = labelBox(ofEvent: event, placement)
                return arrows.count { box.isCrossed(from: $0.start, to: $0.end) }
            }
            let now = placements[event]
            var best = (placement: now, crossings: crossings(now))
            for placement in Placement.all where placement != now && hasRoom(placement, event) {
                let count = crossings(placement)
                if count < best.crossings { best = (placement, count) }
            }
            if best.placement != now {
                placements[event] = best.placement
                hasMoved = true
            }
        }
        return hasMoved
    }

    /// To the left there is room only up to the neighbouring lane, with its mark.
    private func hasRoom(_ placement: Placement, _ event: Int) -> Bool {
        let lane = diagram.events[event].lane
        guard placement.isLeft else { return true }
        return lane > 0 && labelBox(ofEvent: event, placement).x > laneX[lane - 1] + 12
    }
}
