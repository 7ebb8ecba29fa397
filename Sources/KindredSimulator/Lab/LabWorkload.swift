import KindredTesting

/// One thing that a client sets out to do. It is drawn before anything runs, so every strategy is asked the same.
package struct LabOperation: Hashable, Sendable {
    /// What the client wants.
    package enum Kind: Hashable, Sendable {
        case read
        case put
        case delete
    }

    /// Its place in the workload. A write is known by it, and its value says it.
    package var id: Int
    package var client: Int
    /// The node that is asked, from 0.
    package var node: Int
    package var key: Int
    package var kind: Kind
    /// Whether the client reads first, and writes with what it was shown. Otherwise it knows nothing.
    package var readsFirst: Bool
    /// When it begins.
    package var time: VirtualTime
    /// How long the client thinks between reading and writing, in virtual microseconds.
    package var thought: UInt64

    package init(
        id: Int, client: Int, node: Int, key: Int, kind: Kind, readsFirst: Bool, time: VirtualTime, thought: UInt64
    ) {
        self.id = id
        self.client = client
        self.node = node
        self.key = key
        self.kind = kind
        self.readsFirst = readsFirst
        self.time = time
        self.thought = thought
    }

    /// Whether it is to change something.
    package var isWrite: Bool { kind != .read }
}

/// Who does what, when, at which node: the same for all strategies.
package enum LabWorkload {
    /// How many of 100 operations a client takes to its own node.
    private static let atHome = 80

    /// Draws a workload from the settings' seed, in the order of time.
    package static func draw(_ settings: LabSettings) -> [LabOperation] {
        let timeline = LabTimeline(settings)
        var operations: [LabOperation] = []
        for client in 0..<settings.clients {
            // Each client has chances of its own, so that one client more does not change what the others do.
            var chance = SplitMix64(seed: settings.seed ^ UInt64(client + 1) &* 0x9E37_79B9_7F4A_7C15)
            var time = timeline.starts.advanced(byMicroseconds: UInt64(chance.below(Int(settings.pause))))
            while time < timeline.ends {
                let operation = draw(settings, client: client, at: time, &chance)
                if !timeline.isRest(time) { operations.append(operation) }
                time = time.advanced(
                    byMicroseconds: settings.pause / 2 + UInt64(chance.below(Int(settings.pause))))
            }
        }
        operations.sort { ($0.time, $0.client) < ($1.time, $1.client) }
        for id in operations.indices { operations[id].id = id }
        return operations
    }

    private static func draw(
        _ settings: LabSettings, client: Int, at time: VirtualTime, _ chance: inout SplitMix64
    ) -> LabOperation {
        let home = client % settings.replicas
        let node = chance.chance(atHome) ? home : chance.below(settings.replicas)
        let isHot = chance.chance(settings.contention)
        let key = chance.below(isHot ? max(1, settings.keys / 8) : settings.keys)
        let isRead = chance.chance(settings.reads)
        let isDelete = chance.chance(settings.deletes)
        let isBlind = chance.chance(settings.blind)
        let thought = 5_000 + UInt64(chance.below(75_000))
        return LabOperation(
            id: 0, client: client, node: node, key: key, kind: isRead ? .read : isDelete ? .delete : .put,
            readsFirst: isRead || isDelete || !isBlind, time: time, thought: thought)
    }
}
