import Testing

@testable import KindredDiagrams

@Suite struct SpaceTimeDiagramTests {
    @Test("every lane, event, message and span is in the drawing, which says what it shows")
    func isComplete() {
        let markup = Markup(fruits.svg())
        #expect(markup.isWellFormed)
        for text in [
            "Anna", "n1", "n2", "Ben", "n3", "Carol", "put \"banana\"", "2.1 · sibling", "n3 is cut off", "8.5",
        ] {
            #expect(markup.texts.contains(text), "\(text)")
        }
        for message in fruits.messages { #expect(markup.texts.contains(message.label)) }
        #expect(markup.attributes.first?["role"] == "img")
        #expect(markup.texts.contains("Fruits"))
        #expect(markup.texts.contains { $0.contains("Messages: 3, of which 1 lost") })
        #expect(markup.texts.contains { $0.contains("by Anna") })
    }

    @Test("the same diagram gives the same bytes, in whatever order its parts come")
    func isDeterministic() {
        var other = fruits
        other.events.reverse()
        #expect(fruits.svg() == fruits.svg())
        #expect(other.svg() == fruits.svg())
    }

    @Test("steps are in order of time, and say who learned what from whom")
    func steps() {
        let steps = fruits.drawable.diagram.steps
        #expect(
            steps.map(\.text) == [
                "1 ms · n1: put \"apple\" is version 1.1 (in the end: replaced).",
                "2.5 ms · n2 receives to n2 from n1.",
                "3 ms · to n3 from n1 to n3 is lost.",
                "6 ms · Ben: reads \"apple\" returns 1.1.",
                "8 ms · n2: put \"banana\" is version 2.1 (in the end: sibling).",
                "8.5 ms · n3: put \"cherry\" is version 3.1 (in the end: sibling).",
                "14 ms · n2 receives heals from n3: neither knew of the other; both kept.",
            ])
    }

    @Test("a figure has a part to be shown for every step, and the steps in words")
    func figure() {
        let figure = fruits.figure(id: "steps")
        for step in 1...7 {
            #expect(figure.contains("data-step=\"\(step)\""))
            #expect(figure.contains("id=\"steps-\(step)\""))
        }
        #expect(figure.contains("data-step=\"2\" data-sent=\"1\""))
        #expect(figure.contains("data-steps=\"7\""))
    }

    @Test("labels overlap neither each other nor the marks of others")
    func labelsAreApart() {
        let layout = SpaceTimeLayout(crowd(events: 60).drawable.diagram)
        let boxes = layout.diagram.events.indices.map { layout.labelBox(ofEvent: $0) }
        let centres = layout.diagram.events.indices.map { layout.point(ofEvent: $0) }
        for first in boxes.indices {
            #expect(boxes[first].x >= 0 && boxes[first].x + boxes[first].width <= layout.width)
            for second in boxes.indices where second != first {
                #expect(!boxes[first].intersects(boxes[second]), "\(first) and \(second)")
                let mark = Box(x: centres[second].x - 6, y: centres[second].y - 6, width: 12, height: 12)
                #expect(!boxes[first].intersects(mark), "\(first) and the mark of \(second)")
            }
        }
    }

    @Test("later is lower, also for events of one lane at one time")
    func timeGoesDown() {
        let layout = SpaceTimeLayout(crowd(events: 60).drawable.diagram)
        let places = layout.diagram.events.indices.map { layout.point(ofEvent: $0).y }
        #expect(places == places.sorted())
        let same = SpaceTimeDiagram(
            title: "", lanes: [.init("a")], events: (0..<3).map { .init(lane: 0, time: 5, label: "\($0)") })
        let layout2 = SpaceTimeLayout(same.drawable.diagram)
        #expect(Set((0..<3).map { layout2.point(ofEvent: $0).y }).count == 3)
    }

    @Test("what refers to no lane, or is too much, is left out, and the drawing says so")
    func limits() {
        var diagram = crowd(events: SpaceTimeDiagram.Limit.events + 5)
        diagram.events.append(.init(lane: -1, time: 0, label: "nowhere"))
        diagram.messages = [.init(from: .init(lane: 0, time: 0), to: .init(lane: 99, time: 0))]
        let (drawn, leftOut) = diagram.drawable
        #expect(drawn.events.count == SpaceTimeDiagram.Limit.events)
        #expect(leftOut == 7)
        #expect(diagram.svg().contains("7 more lanes, events or messages are not drawn"))
    }

    @Test("nothing at all, one lane, extreme times and arrivals before departures can be drawn")
    func edges() {
        #expect(
            Markup(SpaceTimeDiagram(title: "", lanes: [], events: [], spans: [.init(time: 0...1, label: "x")]).svg())
                .isWellFormed)
        let extreme = SpaceTimeDiagram(
            title: "", lanes: [.init("a"), .init("b")],
            events: [.init(lane: 0, time: .min, label: "first"), .init(lane: 1, time: .max, label: "last")],
            messages: [.init(from: .init(lane: 1, time: .max), to: .init(lane: 0, time: .min), label: "back")],
            spans: [.init(time: .min ... .max, label: "always", lanes: [7])])
        #expect(Markup(extreme.svg()).isWellFormed)
        #expect(SpaceTimeLayout(extreme.drawable.diagram).point(ofEvent: 1).y > 0)
    }

    @Test("what others chose to write is text, never markup")
    func hostileText() {
        let diagram = SpaceTimeDiagram(
            title: hostile, lanes: [.init(hostile), .init(hostile)],
            events: [.init(lane: 0, time: 1, label: hostile, version: hostile, tooltip: [hostile], note: hostile)],
            messages: [
                .init(from: .init(lane: 0, time: 1), to: .init(lane: 1, time: 2), label: hostile, note: hostile)
            ],
            spans: [.init(time: 0...1, label: hostile)])
        for markup in [diagram.svg(), "<div>" + diagram.figure(id: "a").replacing(" hidden>", with: ">") + "</div>"] {
            #expect(!markup.contains("<script"))
            #expect(!markup.contains("\u{202E}") && !markup.contains("\u{1B}"))
        }
        #expect(Markup(diagram.svg()).isWellFormed)
    }

    /// Three events on each of five lanes in turn, messages between some of them.
    private func crowd(events: Int) -> SpaceTimeDiagram {
        SpaceTimeDiagram(
            title: "Crowd", lanes: (0..<5).map { .init("n\($0)") },
            events: (0..<events).map {
                .init(lane: $0 / 3 % 5, time: $0 * 100, label: "put \"value \($0)\"", version: "\($0)", fate: .sibling)
            },
            messages: (0..<30).map {
                .init(
                    from: .init(lane: $0 / 3 % 5, time: $0 * 100), to: .init(lane: $0 * 3 % 5, time: $0 * 100 + 350),
                    label: "\($0)")
            })
    }
}
