import KindredDiagrams
import KindredSimulator

/// A picture of the report as a space-time diagram and as a graph of writes.
struct LabDrawing {
    private let picture: LabReport.Picture
    private let data: LabSpaceTime

    init(_ picture: LabReport.Picture) {
        self.picture = picture
        data = picture.spaceTime
    }

    private func isShown(_ time: UInt64) -> Bool { time >= picture.from && time <= picture.to }

    private var writes: [LabSpaceTime.Write] { data.writes.filter { isShown($0.asked) } }

    private var reads: [LabSpaceTime.Read] { data.reads.filter { isShown($0.time) } }

    private var changes: [LabSpaceTime.Change] { data.changes.filter { isShown($0.time) } }

    // MARK: Space and time

    /// So many clients have a lane each beside the nodes. With more the drawing would be too wide, and what they do
    /// stands in the lanes of the nodes that they ask.
    private static let mostClients = 3

    /// Of the messages only those that have changed something are drawn, and those that the cut has swallowed right
    /// after a write.
    var spaceTime: SpaceTimeDiagram {
        let clients = Set(writes.map(\.client) + reads.map(\.client))
        let haveLanes = clients.count <= Self.mostClients
        let lines = data.lines.indices.filter {
            data.lines[$0].isNode || (haveLanes && clients.contains($0))
        }
        let lanes = Dictionary(uniqueKeysWithValues: lines.enumerated().map { ($0.element, $0.offset) })
        func lane(_ line: Int) -> Int { lanes[line] ?? 0 }
        func who(_ client: Int) -> String { haveLanes ? "" : data.lines[client].name + " " }
        var events = writes.map { write in
            SpaceTimeDiagram.Event(
                lane: lane(haveLanes ? write.client : write.node), time: Int(write.asked),
                label: who(write.client) + words(write), version: write.name, fate: Self.fate(write.fate),
                tooltip: tooltip(write))
        }
        events += reads.map { read in
            let values = read.values.isEmpty ? "nothing" : read.values.joined(separator: ", ")
            return SpaceTimeDiagram.Event(
                lane: lane(haveLanes ? read.client : read.node), time: Int(read.time),
                label: who(read.client) + "reads \(values)", fate: .read)
        }
        events += changes.compactMap { change in
            // Where the write itself stands in the lane, it says enough.
            if !haveLanes, writes.contains(where: { $0.node == change.node && $0.applied == change.time }) {
                return nil
            }
            return SpaceTimeDiagram.Event(
                lane: lane(change.node), time: Int(change.time),
                label: change.values.isEmpty ? "has nothing" : "has \(change.values.joined(separator: ", "))")
        }
        var messages: [SpaceTimeDiagram.Message] = []
        for write in writes where haveLanes {
            guard let applied = write.applied else { continue }
            messages.append(
                SpaceTimeDiagram.Message(
                    from: .init(lane: lane(write.client), time: Int(write.asked)),
                    to: .init(lane: lane(write.node), time: Int(applied)), label: write.name))
        }
        for message in data.messages where matters(message) {
            let arrived = message.arrived ?? message.sent + 10_000
            messages.append(
                SpaceTimeDiagram.Message(
                    from: .init(lane: lane(message.from), time: Int(message.sent)),
                    to: .init(lane: lane(message.to), time: Int(arrived)), isLost: message.arrived == nil))
        }
        return SpaceTimeDiagram(
            title: "\(picture.title): \(data.key)",
            lanes: lines.map { .init(data.lines[$0].name, isClient: !data.lines[$0].isNode) }, events: events,
            messages: messages, spans: spans)
    }

    private func matters(_ message: LabSpaceTime.Message) -> Bool {
        guard let arrived = message.arrived else {
            return writes.contains { $0.node == message.from && $0.applied == message.sent }
        }
        return changes.contains { $0.node == message.to && $0.time == arrived }
    }

    private var spans: [SpaceTimeDiagram.Span] {
        guard let cut = data.cut, let healed = data.healed, cut < picture.to, healed > picture.from else { return [] }
        return [
            .init(
                time: Int(max(cut, picture.from))...Int(min(healed, picture.to)), label: "the network is cut in two")
        ]
    }

    // MARK: Writes

    /// The writes that are shown, and those that their writers had seen.
    var graph: CausalGraph {
        let nodes = writes.map { write in
            CausalGraph.Node(
                name: write.name, title: write.isDelete ? "delete" : write.isBlind ? "put, blindly" : "put",
                lines: [
                    data.lines[write.client].name + " at " + data.lines[write.node].name,
                    LabFigures.seconds(VirtualTime(microseconds: write.applied ?? write.asked)),
                ], fate: Self.fate(write.fate))
        }
        let edges = writes.flatMap { write in write.shown.map { CausalGraph.Edge(write.name, hadSeen: $0) } }
        let final = data.final.isEmpty ? "nothing" : data.final.joined(separator: ", ")
        return CausalGraph(
            title: "\(data.key): who had seen what", nodes: nodes, edges: edges,
            caption: "In the end there is \(final).")
    }

    private func words(_ write: LabSpaceTime.Write) -> String {
        let what = write.isDelete ? "deletes" : write.isBlind ? "puts, blindly" : "puts"
        return write.fate == .resurrected ? "\(what); it comes back" : what
    }

    private func tooltip(_ write: LabSpaceTime.Write) -> [String] {
        let shown = write.shown.isEmpty ? "nothing" : write.shown.joined(separator: ", ")
        return [write.isBlind ? "has read nothing" : "was shown \(shown)", Self.words(write.fate)]
    }

    private static func fate(_ fate: LabFate) -> Fate {
        switch fate {
        case .kept: .kept
        case .sibling: .sibling
        case .replaced: .replaced
        case .lostAndReported: .lostReported
        case .lostSilently: .lostSilently
        case .refused: .refused
        case .resurrected, .unavailable, .deleted: .other
        }
    }

    private static func words(_ fate: LabFate) -> String {
        switch fate {
        case .resurrected: "deleted by somebody who had seen it, and back"
        case .unavailable: "never acknowledged"
        case .deleted: "acknowledged"
        case .kept, .sibling, .replaced, .lostAndReported, .lostSilently, .refused: Self.fate(fate).meaning
        }
    }
}
