/// One step through a diagram: an event, or the arrival (or loss) of a message.
struct SpaceTimeStep {
    enum Subject: Hashable {
        case event(Int)
        case message(Int)
    }

    let subject: Subject
    let time: Int
    /// What happened, as a sentence.
    let text: String
}

extension SpaceTimeDiagram {
    /// The steps of a drawable diagram in order of time. At one time messages arrive before anything else happens.
    var steps: [SpaceTimeStep] {
        let unit = TimeUnit(forExtent: extent)
        let arrivals = messages.indices.map { index in
            SpaceTimeStep(
                subject: .message(index), time: messages[index].to.time, text: sentence(messages[index], unit))
        }
        let others = events.indices.map { index in
            SpaceTimeStep(subject: .event(index), time: events[index].time, text: sentence(events[index], unit))
        }
        let all = arrivals + others
        return all.indices.sorted { (all[$0].time, $0) < (all[$1].time, $1) }.map { all[$0] }
    }

    /// From the first time to the last, in microseconds.
    var extent: Int {
        let times =
            events.map(\.time) + messages.flatMap { [$0.from.time, $0.to.time] }
            + spans.flatMap { [$0.time.lowerBound, $0.time.upperBound] }
        return (times.max() ?? 0) - (times.min() ?? 0)
    }

    private func name(_ lane: Int) -> String { SafeText.shortened(lanes[lane].name, to: 40) }

    private func sentence(_ event: Event, _ unit: TimeUnit) -> String {
        var text =
            "\(unit.text(event.time)) \(unit.name) · \(name(event.lane)): \(SafeText.shortened(event.label, to: 120))"
        if !event.version.isEmpty {
            text += event.fate == .read ? " returns " : " is version "
            text += SafeText.shortened(event.version, to: 60)
        }
        switch event.fate {
        case .other, .read: break
        case .refused: text += " (refused)"
        case .kept, .replaced, .lostReported, .lostSilently, .sibling: text += " (in the end: \(event.fate.name))"
        }
        return text + ending(event.note)
    }

    private func sentence(_ message: Message, _ unit: TimeUnit) -> String {
        let what = message.label.isEmpty ? "a message" : SafeText.shortened(message.label, to: 120)
        let (sender, receiver) = (name(message.from.lane), name(message.to.lane))
        let text =
            message.isLost
            ? "\(what) from \(sender) to \(receiver) is lost" : "\(receiver) receives \(what) from \(sender)"
        return "\(unit.text(message.to.time)) \(unit.name) · \(text)" + ending(message.note)
    }

    private func ending(_ note: String) -> String {
        note.isEmpty ? "." : ": " + SafeText.shortened(note, to: 300) + (note.hasSuffix(".") ? "" : ".")
    }
}
