/// Who did what when, and who learned of it when: a lane for each replica and client, time downwards, arrows for
/// messages (Lamport, "Time, clocks, and the ordering of events in a distributed system", 1978).
///
/// The distance between two rows says nothing about how much time has passed: the axis has the times. Clocks may
/// disagree, so a message may arrive before it was sent; its arrow goes upwards then.
package struct SpaceTimeDiagram: Hashable, Sendable {
    /// A replica or a client.
    package struct Lane: Hashable, Sendable {
        /// Its name, at the head of the lane.
        package var name: String
        /// Whether it is a client; heads of clients are round.
        package var isClient: Bool

        /// Names a replica, or a client.
        package init(_ name: String, isClient: Bool = false) {
            self.name = name
            self.isClient = isClient
        }
    }

    /// Something that happened in one lane.
    package struct Event: Hashable, Sendable {
        /// The lane, by its place in the diagram's list.
        package var lane: Int
        /// When, in microseconds.
        package var time: Int
        /// What happened: `put "apple"`.
        package var label: String
        /// The name of the version that this made, or returned: `1.4`.
        package var version: String
        /// What became of it.
        package var fate: Fate
        /// What a pointer over the mark shows.
        package var tooltip: [String]
        /// What the step through the diagram says of it, if not just what the labels say.
        package var note: String

        /// Describes an event.
        package init(
            lane: Int, time: Int, label: String, version: String = "", fate: Fate = .other, tooltip: [String] = [],
            note: String = ""
        ) {
            self.lane = lane
            self.time = time
            self.label = label
            self.version = version
            self.fate = fate
            self.tooltip = tooltip
            self.note = note
        }
    }

    /// A place in a lane.
    package struct Moment: Hashable, Sendable {
        /// The lane, by its place in the diagram's list.
        package var lane: Int
        /// When, in microseconds.
        package var time: Int

        /// A place in a lane.
        package init(lane: Int, time: Int) {
            self.lane = lane
            self.time = time
        }
    }

    /// A message between two lanes.
    package struct Message: Hashable, Sendable {
        /// Where and when it was sent.
        package var from: Moment
        /// Where and when it arrived; if it was lost, where it was to arrive, and when that was noticed.
        package var to: Moment
        /// What it carried: `1.4`.
        package var label: String
        /// Whether it never arrived.
        package var isLost: Bool
        /// What the step through the diagram says of it: "neither knew of the other; both kept".
        package var note: String

        /// Describes a message.
        package init(from: Moment, to: Moment, label: String = "", isLost: Bool = false, note: String = "") {
            self.from = from
            self.to = to
            self.label = label
            self.isLost = isLost
            self.note = note
        }
    }

    /// A time in which something held: a partition, a skewed clock.
    package struct Span: Hashable, Sendable {
        /// From when to when, in microseconds.
        package var time: ClosedRange<Int>
        /// What held.
        package var label: String
        /// The lanes that it held for; all lanes from the first to the last of these are shaded. None means all.
        package var lanes: [Int]

        /// Describes a span.
        package init(time: ClosedRange<Int>, label: String, lanes: [Int] = []) {
            self.time = time
            self.label = label
            self.lanes = lanes
        }
    }

    /// What the diagram shows.
    package var title: String
    /// The lanes from left to right.
    package var lanes: [Lane]
    /// In any order.
    package var events: [Event]
    /// In any order.
    package var messages: [Message]
    /// In any order.
    package var spans: [Span]

    /// Describes a diagram. What refers to a lane that is not there is left out, as is what is beyond the limits: the
    /// drawing says how much that is.
    package init(title: String, lanes: [Lane], events: [Event], messages: [Message] = [], spans: [Span] = []) {
        self.title = title
        self.lanes = lanes
        self.events = events
        self.messages = messages
        self.spans = spans
    }

    /// The most that one drawing has; more of it nobody could read.
    enum Limit {
        static let lanes = 24
        static let events = 1_000
        static let messages = 2_000
        static let spans = 100
        /// Microseconds: some 140 years to either side.
        static let time = 1 << 52
    }

    /// The part of the diagram that can be drawn: within the limits, in order of time.
    var drawable: (diagram: SpaceTimeDiagram, leftOut: Int) {
        var result = self
        result.lanes = Array(lanes.prefix(Limit.lanes))
        let known = result.lanes.indices
        func clamped(_ time: Int) -> Int { min(max(time, -Limit.time), Limit.time) }
        result.events = Self.earliest(events, Limit.events) { known.contains($0.lane) ? clamped($0.time) : nil }
        result.messages = Self.earliest(messages, Limit.messages) {
            known.contains($0.from.lane) && known.contains($0.to.lane) ? clamped($0.to.time) : nil
        }
        result.spans = Self.earliest(spans, Limit.spans) { clamped($0.time.lowerBound) }
        for index in result.events.indices { result.events[index].time = clamped(result.events[index].time) }
        for index in result.messages.indices {
            result.messages[index].from.time = clamped(result.messages[index].from.time)
            result.messages[index].to.time = clamped(result.messages[index].to.time)
        }
        for index in result.spans.indices {
            let time = result.spans[index].time
            result.spans[index].time = clamped(time.lowerBound)...clamped(time.upperBound)
            result.spans[index].lanes.removeAll { !known.contains($0) }
        }
        let leftOut =
            lanes.count - result.lanes.count + events.count - result.events.count + messages.count
            - result.messages.count + spans.count - result.spans.count
        return (result, leftOut)
    }

    private static func earliest<Item>(_ items: [Item], _ limit: Int, time: (Item) -> Int?) -> [Item] {
        let timed = items.enumerated().compactMap { index, item in time(item).map { (time: $0, index: index) } }
        return timed.sorted { ($0.time, $0.index) < ($1.time, $1.index) }.prefix(limit).map { items[$0.index] }
    }

    /// The fates that occur, in the order of `Fate`.
    var fates: [Fate] {
        let present = Set(events.map(\.fate))
        return Fate.allCases.filter { present.contains($0) && $0 != .other }
    }
}
