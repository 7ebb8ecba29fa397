/// A cluster that the lab can run: the real core, or one of the baselines. It has no network, no time and no clients of
/// its own; these are the lab's, and the same for all.
package protocol LabCluster {
    /// What a client carries from its read to its write.
    associatedtype Context: Sendable

    /// Something happens to a node; what follows from it is appended to `effects`.
    mutating func step(
        _ node: Int, _ input: LabInput<Context>, at moment: LabMoment, into effects: inout [LabEffect<Context>])

    /// What a node's replica has of a key.
    func holding(_ key: Int, at node: Int) -> LabHolding

    /// The writes of which the system itself says, at a node, that they were dropped in ignorance of them.
    func reported(at node: Int) -> [Int]
}

/// When something happens, by several clocks.
package struct LabMoment: Hashable, Sendable {
    /// The true time, which nobody in the cluster knows.
    package var time: VirtualTime
    /// What the node's wall clock shows, in milliseconds since 1970.
    package var wall: UInt64
    /// Whether the node is on the smaller side of a cut, away from the configuration service.
    package var isCutOff: Bool

    package init(time: VirtualTime, wall: UInt64, isCutOff: Bool = false) {
        self.time = time
        self.wall = wall
        self.isCutOff = isCutOff
    }

    /// Milliseconds of a clock that never goes back.
    var monotonic: UInt64 { time.microseconds / 1_000 }
}

/// A put or a delete, as a client asks for it.
package struct LabWrite<Context: Sendable>: Sendable {
    /// The operation's place in the workload.
    package var id: Int
    package var client: Int
    package var key: Int
    package var isDelete: Bool
    /// What the client was shown; nil if it has not read.
    package var context: Context?
}

/// What can happen to a node.
package enum LabInput<Context: Sendable>: Sendable {
    case read(key: Int, token: Int)
    case write(LabWrite<Context>, token: Int)
    case message([UInt8], from: Int)
    /// The failure detector has changed its mind about another node.
    case reachable(Int, Bool)
    /// A tenth of a second has passed.
    case tick
    /// What the cluster had asked to be reminded of.
    case reminder(Int)
}

/// What follows.
package enum LabEffect<Context: Sendable>: Sendable {
    /// Send bytes to another node; they are about these keys.
    case send([UInt8], to: Int, about: [Int])
    case answer(token: Int, LabAnswer<Context>)
    /// The node has applied a client's write.
    case happened(write: Int)
    /// The replica may have something else of the key than before.
    case changed(key: Int)
    case remind(Int, to: Int, afterMicroseconds: UInt64)
}

/// What a client is answered.
package enum LabAnswer<Context: Sendable>: Sendable {
    case shown(LabShown<Context>)
    case acknowledged
    /// Nothing had to change.
    case unchanged
    /// The strategy does not allow the write.
    case refused
    /// Not enough nodes, or no time left. A write may have happened all the same.
    case unavailable
}

/// What a reader is shown.
package struct LabShown<Context: Sendable>: Sendable {
    /// The values, named by the writes that have stored them, ascending.
    package var values: [Int]
    /// The deletes that what is shown takes into account, as far as the system can tell.
    package var deletes: [Int]
    package var context: Context
    /// How many bytes of context the client carries.
    package var contextBytes: Int
}

/// What one replica has of one key.
package struct LabHolding: Hashable, Sendable {
    /// All values that are kept, shown or not, named by their writes, ascending.
    package var values: [Int] = []
    /// Deletes that are kept as tombstones.
    package var tombstones: [Int] = []
    /// How many of the values a read does not show: they are kept as evidence.
    package var hidden = 0
    /// What is stored beside the values, in bytes.
    package var metadataBytes = 0
}

/// Values of the lab: the write's place in the workload, and as much more as makes a value.
enum LabValue {
    static let length = 32

    static func bytes(_ write: Int) -> [UInt8] {
        (0..<length).map { $0 < 8 ? UInt8(truncatingIfNeeded: write >> ($0 * 8)) : 0x2E }
    }

    static func write(_ bytes: some Collection<UInt8>) -> Int? {
        guard bytes.count == length else { return nil }
        return bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
