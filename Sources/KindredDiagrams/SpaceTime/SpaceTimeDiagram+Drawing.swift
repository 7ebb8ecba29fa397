extension SpaceTimeDiagram {
    /// The diagram as a file of its own, for light and dark grounds.
    package func svg() -> String {
        let (diagram, leftOut) = drawable
        var drawing = SpaceTimeDrawing(SpaceTimeLayout(diagram), steps: [])
        drawing.drawHeads(top: 4)
        drawing.drawBody()
        let below = drawing.drawFooter(leftOut: leftOut)
        let layout = drawing.layout
        return drawing.canvas.svg(
            title: title, description: diagram.summary,
            view: Box(x: 0, y: 0, width: max(layout.width, 260), height: below), isAlone: true)
    }

    /// What the drawing shows, for those who cannot see it.
    var summary: String {
        let lost = messages.count { $0.isLost }
        return "A space-time diagram, time downwards, with the lanes "
            + lanes.map { SafeText.shortened($0.name, to: 40) }.joined(separator: ", ")
            + ". Events: \(events.count). Messages: \(messages.count), of which \(lost) lost. "
            + steps.prefix(60).map(\.text).joined(separator: " ")
    }
}

/// Paints a layout. With steps, each event and message is a group that a script can find.
struct SpaceTimeDrawing {
    let layout: SpaceTimeLayout
    var canvas = Canvas()
    private var diagram: SpaceTimeDiagram { layout.diagram }
    private let stepOf: [SpaceTimeStep.Subject: Int]
    private let steps: [SpaceTimeStep]

    init(_ layout: SpaceTimeLayout, steps: [SpaceTimeStep]) {
        self.layout = layout
        self.steps = steps
        stepOf = Dictionary(uniqueKeysWithValues: steps.enumerated().map { ($0.element.subject, $0.offset + 1) })
    }

    /// The names of the lanes.
    mutating func drawHeads(top: Double) {
        canvas.text(layout.unit.name, at: Point(x: layout.timeX, y: top + 19), size: 11, .muted, anchor: .end)
        for (index, lane) in diagram.lanes.enumerated() {
            let width = SpaceTimeLayout.headWidth(lane)
            let x = layout.laneX[index]
            canvas.group(tooltip: SafeText.shortened(lane.name, to: 300)) {
                $0.box(
                    Box(x: x - width / 2, y: top + 2, width: width, height: 26), fill: .panel, stroke: .edge,
                    radius: lane.isClient ? 13 : 3)
                $0.text(
                    SpaceTimeLayout.headLabel(lane), at: Point(x: x, y: top + 19.5), size: 13, anchor: .middle,
                    strong: true)
            }
        }
    }

    /// Everything between the heads and the footer.
    mutating func drawBody() {
        for index in diagram.spans.indices { canvas.box(layout.box(ofSpan: index), fill: .band, radius: 4) }
        for (index, x) in layout.laneX.enumerated() {
            canvas.line(
                from: Point(x: x, y: SpaceTimeLayout.headHeight - 12), to: Point(x: x, y: layout.height - 8), .edge,
                width: diagram.lanes[index].isClient ? 1 : 1.5, dash: diagram.lanes[index].isClient ? "1 4" : "")
        }
        for index in diagram.spans.indices { drawSpanLabel(index) }
        drawTimes()
        for index in diagram.messages.indices { drawMessage(index) }
        for index in diagram.events.indices { drawEvent(index) }
        drawMessageLabels()
    }

    /// The legend, and what was left out. Returns the height of the whole drawing.
    mutating func drawFooter(leftOut: Int) -> Double {
        var y = layout.height + 4
        let width = max(layout.width, 260) - 24
        y += canvas.legend(diagram.fates, at: Point(x: 12, y: y), width: width)
        if diagram.messages.contains(where: \.isLost) {
            canvas.line(from: Point(x: 12, y: y + 8), to: Point(x: 32, y: y + 8), .muted, width: 1.4, dash: "5 4")
            canvas.cross(Point(x: 36, y: y + 8), radius: 4.5, .muted, width: 2.2)
            canvas.text("message lost", at: Point(x: 47, y: y + 12), .muted)
            y += 20
        }
        canvas.text("Rows are in order of time, not to scale", at: Point(x: 12, y: y + 12), size: 11.5, .muted)
        y += 20
        if leftOut > 0 {
            let text = "\(Figures.grouped(leftOut)) more lanes, events or messages are not drawn"
            canvas.text(text, at: Point(x: 12, y: y + 14), .muted)
            y += 22
        }
        return y + 6
    }

    private mutating func drawSpanLabel(_ index: Int) {
        let box = layout.box(ofSpan: index)
        guard let lane = layout.laneX.dropFirst(layout.lanes(ofSpan: index).lowerBound).first else { return }
        canvas.text(
            SpaceTimeLayout.spanLabel(diagram.spans[index]), at: Point(x: lane + 10, y: box.y + 14), size: 11,
            .muted, halo: .band)
    }

    /// What is behind a place.
    private func ground(at point: Point) -> Ink {
        let isShaded = diagram.spans.indices.contains {
            let box = layout.box(ofSpan: $0)
            return box.intersects(Box(x: point.x, y: point.y, width: 0.1, height: 0.1))
        }
        return isShaded ? .band : .ground
    }

    private mutating func drawTimes() {
        var last = (y: -100.0, text: "")
        // Where a lost message was to arrive is not drawn.
        var drawn = Set(diagram.events.map(\.time))
        for message in diagram.messages {
            drawn.insert(message.from.time)
            if !message.isLost { drawn.insert(message.to.time) }
        }
        for row in layout.rows where drawn.contains(row.time) {
            guard case .points = row.kind, let y = layout.rowY[row] else { continue }
            let text = layout.unit.text(row.time)
            guard y - last.y >= 14, text != last.text else { continue }
            canvas.text(text, at: Point(x: layout.timeX, y: y + 4), size: 11, .muted, anchor: .end)
            last = (y, text)
        }
    }

    private func attributes(_ subject: SpaceTimeStep.Subject, part: String = "", sent: Int? = nil) -> KeyValuePairs<
        String, String
    > {
        guard let step = stepOf[subject] else { return [:] }
        guard let sent else { return ["data-step": "\(step)"] }
        return ["class": part, "data-step": "\(step)", "data-sent": "\(sent)"]
    }

    /// The number of steps after which a message is under way: those up to the last event at its departure.
    private func sentAfter(_ message: SpaceTimeDiagram.Message) -> Int {
        var sent = 0
        for (index, step) in steps.enumerated() where step.time <= message.from.time { sent = index + 1 }
        return sent
    }

    private mutating func drawEvent(_ index: Int) {
        let event = diagram.events[index]
        let centre = layout.point(ofEvent: index)
        let box = layout.labelBox(ofEvent: index)
        let lines = layout.labels[index]
        let isLeft = layout.placements[index].isLeft
        let ground = ground(at: centre)
        let ring = steps.isEmpty ? nil : Self.ring(centre)
        canvas.group(attributes(.event(index)), tooltip: tooltip(event)) { canvas in
            if let ring { canvas.element("circle", ring) }
            canvas.circle(centre, radius: 8, fill: ground)
            canvas.mark(event.fate, at: centre, ground: ground)
            for (number, line) in lines.enumerated() {
                let y = box.y + (box.height - Double(lines.count) * 14) / 2 + Double(number) * 14 + 11
                let isFirst = number == 0 && !event.label.isEmpty
                canvas.text(
                    line, at: Point(x: isLeft ? centre.x - 13 : centre.x + 13, y: y),
                    size: isFirst ? SpaceTimeLayout.labelSize : SpaceTimeLayout.labelSize - 0.5,
                    isFirst ? .ink : .muted, face: .mono, anchor: isLeft ? .end : .start, halo: ground)
            }
        }
    }

    private static func ring(_ centre: Point) -> KeyValuePairs<String, String> {
        [
            "class": "ring line \(Ink.accent.stroke)", "cx": Figures.coordinate(centre.x),
            "cy": Figures.coordinate(centre.y), "r": "10.5", "stroke-width": "2",
        ]
    }

    private func tooltip(_ event: SpaceTimeDiagram.Event) -> String {
        var lines = [SafeText.shortened(event.label, to: 300)]
        if !event.version.isEmpty { lines.append("version " + SafeText.shortened(event.version, to: 100)) }
        if event.fate != .other { lines.append("\(event.fate.name): \(event.fate.meaning)") }
        lines.append("\(layout.unit.text(event.time)) \(layout.unit.name)")
        lines += event.tooltip.prefix(20).map { SafeText.shortened($0, to: 300) }
        return lines.joined(separator: "\n")
    }

    private mutating func drawMessage(_ index: Int) {
        let message = diagram.messages[index]
        let line = visibleLine(index)
        let name = message.label.isEmpty ? "message" : SafeText.shortened(message.label, to: 300)
        let from = SafeText.shortened(diagram.lanes[message.from.lane].name, to: 40)
        let to = SafeText.shortened(diagram.lanes[message.to.lane].name, to: 40)
        let tooltip = "\(name)\nfrom \(from) to \(to)\(message.isLost ? ", lost" : "")"
        canvas.group(attributes(.message(index), part: "arrow", sent: sentAfter(message)), tooltip: tooltip) { canvas in
            if message.isLost {
                canvas.line(from: line.start, to: line.end, .muted, width: 1.4, dash: "5 4")
                canvas.group(["class": "end"]) { $0.cross(line.end, radius: 4.5, .muted, width: 2.2) }
            } else {
                canvas.line(from: line.start, to: line.end, .edge, width: 1.4)
                canvas.group(["class": "end"]) { $0.arrowHead(at: line.end, from: line.start, .edge) }
            }
        }
    }

    /// A message's line without what the marks at its ends cover. That of a lost one ends on the way.
    private func visibleLine(_ index: Int) -> (start: Point, end: Point) {
        let (start, end) = layout.ends(ofMessage: index)
        let (dx, dy) = (end.x - start.x, end.y - start.y)
        let length = max((dx * dx + dy * dy).squareRoot(), 1)
        let isMarked = diagram.events.indices.contains { layout.point(ofEvent: $0) == end }
        let cut = diagram.messages[index].isLost ? length * 0.34 : isMarked ? 9 : 1
        return (start, Point(x: end.x - dx / length * cut, y: end.y - dy / length * cut))
    }

    /// Labels stand on their arrows, at the place nearest to the middle where nothing else is. Where there is none, the
    /// tooltip has it.
    private mutating func drawMessageLabels() {
        var taken = diagram.events.indices.map { layout.labelBox(ofEvent: $0) }
        taken += diagram.events.indices.map {
            let centre = layout.point(ofEvent: $0)
            return Box(x: centre.x - 9, y: centre.y - 9, width: 18, height: 18)
        }
        taken += diagram.spans.indices.map {
            let box = layout.box(ofSpan: $0)
            let width = Typeface.sans.width(SpaceTimeLayout.spanLabel(diagram.spans[$0]), size: 11)
            return Box(x: box.x, y: box.y, width: width + 30, height: 18)
        }
        taken += layout.laneX.map { Box(x: $0 - 1, y: 0, width: 2, height: layout.height) }
        let lines = diagram.messages.indices.map { visibleLine($0) }
        for (index, message) in diagram.messages.enumerated() where !message.label.isEmpty {
            let label = Typeface.mono.fitted(message.label, into: 110, size: 11)
            let width = Typeface.mono.width(label, size: 11)
            let (start, end) = lines[index]
            var best: (box: Box, crossings: Int)?
            for fraction in [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82] {
                let x = start.x + (end.x - start.x) * fraction
                let y = start.y + (end.y - start.y) * fraction
                let box = Box(x: x - width / 2 - 3, y: y - 7, width: width + 6, height: 14)
                if taken.contains(where: { $0.intersects(box) }) { continue }
                let crossings = lines.indices.count {
                    $0 != index && box.isCrossed(from: lines[$0].start, to: lines[$0].end)
                }
                if crossings < best?.crossings ?? .max { best = (box, crossings) }
            }
            guard let box = best?.box else { continue }
            taken.append(box)
            let ground = ground(at: Point(x: box.x + box.width / 2, y: box.y + 7))
            canvas.group(attributes(.message(index), part: "label", sent: sentAfter(message))) { canvas in
                canvas.box(box, fill: ground)
                canvas.text(
                    label, at: Point(x: box.x + box.width / 2, y: box.y + 11), size: 11, .ink, face: .mono,
                    anchor: .middle)
            }
        }
    }
}
