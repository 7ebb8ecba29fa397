package import KindredModel

/// How views travel, and lie in the topology: docs/formats/topology.md.
extension PartitionView {
    /// Appends the view.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(partition))
        bytes.append(varint: epoch)
        bytes.append(varint: UInt64(members.count))
        for member in members {
            bytes.append(varint: UInt64(member.node.rawValue))
            bytes.append(varint: UInt64(member.actor.rawValue))
            bytes.append(member.role.rawValue | (member.isLost ? 0x80 : 0))
            bytes.append(varint: member.counterCeiling)
        }
        bytes.append(varint: UInt64(closing.count))
        for actor in closing { bytes.append(varint: UInt64(actor.rawValue)) }
        closed.encode(into: &bytes)
        bytes.append(bigEndian: clockFloor.rawValue)
        guard let leadership else {
            bytes.append(varint: 0)
            return
        }
        bytes.append(nodes: leadership.members)
        bytes.append(varint: UInt64(leadership.leader.rawValue))
        bytes.append(varint: leadership.epoch)
    }

    /// Reads what `encode` wrote.
    package init(from reader: inout ByteReader) throws(MalformedBytes) {
        let partition = try reader.integer(UInt16.self, "partition")
        let epoch = try reader.varint()
        let members = try PartitionView.members(from: &reader)
        var closing: [ActorID] = []
        for _ in 0..<(try reader.count(atMost: Limits.retiredActors)) {
            let actor = try reader.actor()
            guard closing.last.map({ $0 < actor }) ?? true else {
                throw MalformedBytes("view: closing actors out of order")
            }
            closing.append(actor)
        }
        let closed = try ClosedActors(from: &reader)
        let clockFloor = HybridTimestamp(rawValue: try reader.bigEndian(UInt64.self))
        var leadership: Leadership?
        let leading = try reader.nodes()
        if !leading.isEmpty {
            let leader = NodeID(try reader.integer(UInt32.self, "node"))
            guard leading.contains(leader) else { throw MalformedBytes("view: the leader is no member") }
            leadership = Leadership(epoch: try reader.varint(), leader: leader, members: leading)
        }
        self.init(
            partition: partition, epoch: epoch, members: members, closed: closed, closing: closing,
            clockFloor: clockFloor, leadership: leadership)
    }

    private static func members(from reader: inout ByteReader) throws(MalformedBytes) -> [ReplicaMember] {
        var members: [ReplicaMember] = []
        for _ in 0..<(try reader.count(ofAtLeast: 4, atMost: ByteReader.memberLimit)) {
            let node = NodeID(try reader.integer(UInt32.self, "node"))
            let actor = try reader.actor()
            let code = try reader.byte()
            guard let role = ReplicaMember.Role(rawValue: code & 0x7F) else {
                throw MalformedBytes("view: unknown role")
            }
            guard !members.contains(where: { $0.node == node || $0.actor == actor }) else {
                throw MalformedBytes("view: a member twice")
            }
            let ceiling = try reader.varint()
            members.append(
                ReplicaMember(
                    node: node, actor: actor, role: role, counterCeiling: ceiling, isLost: code & 0x80 != 0))
        }
        return members
    }
}

extension ClosedActors {
    /// Appends the closings in their order.
    func encode(into bytes: inout [UInt8]) {
        let closings = closings.sorted { $0.epoch < $1.epoch }
        bytes.append(varint: UInt64(closings.count))
        for closing in closings {
            bytes.append(varint: UInt64(closing.actor.rawValue))
            bytes.append(varint: closing.last)
            bytes.append(counters: closing.voided, after: 0)
        }
    }

    /// Reads what `encode` wrote.
    init(from reader: inout ByteReader) throws(MalformedBytes) {
        self.init()
        for _ in 0..<(try reader.count(ofAtLeast: 3, atMost: Limits.retiredActors)) {
            let actor = try reader.actor()
            let last = try reader.varint()
            let voided = try reader.counters(after: 0, atMost: Int(ReplicaClock.maximumGap))
            guard voided.last ?? 0 <= last, closing(of: actor) == nil else {
                throw MalformedBytes("view: an actor closed twice, or voided beyond its end")
            }
            close(actor, last: last, voided: voided)
        }
    }
}

// MARK: - Primitives

extension Array where Element == UInt8 {
    /// A varint count, then the nodes.
    mutating func append(nodes: [NodeID]) {
        append(varint: UInt64(nodes.count))
        for node in nodes { append(varint: UInt64(node.rawValue)) }
    }

    /// A varint count, then the ascending counters, each as the difference from the one before; the first from `start`.
    mutating func append(counters: [UInt64], after start: UInt64) {
        append(varint: UInt64(counters.count))
        var previous = start
        for counter in counters {
            append(varint: counter - previous)
            previous = counter
        }
    }
}

extension ByteReader {
    /// The most members of a view: all replicas old, and all new.
    static let memberLimit = 2 * Int(Limits.replicas)

    /// A varint that fits a narrower type.
    mutating func integer<Number: FixedWidthInteger>(
        _ type: Number.Type, _ what: String
    ) throws(MalformedBytes) -> Number {
        guard let number = Number(exactly: try varint()) else { throw MalformedBytes("\(what): too large") }
        return number
    }

    /// A number of things, bounded by the bytes that are left and by a limit of ours.
    mutating func count(ofAtLeast size: Int = 1, atMost limit: Int) throws(MalformedBytes) -> Int {
        let count = try count(ofAtLeast: size)
        guard count <= limit else { throw MalformedBytes("more than \(limit)") }
        return count
    }

    /// The id of an incarnation, which is not 0.
    mutating func actor() throws(MalformedBytes) -> ActorID {
        let actor = ActorID(try integer(UInt32.self, "actor"))
        guard actor != .closed else { throw MalformedBytes("actor: 0 is reserved") }
        return actor
    }

    /// Distinct nodes, no more than a view may have.
    mutating func nodes() throws(MalformedBytes) -> [NodeID] {
        var nodes: [NodeID] = []
        for _ in 0..<(try count(atMost: ByteReader.memberLimit)) {
            let node = NodeID(try integer(UInt32.self, "node"))
            guard !nodes.contains(node) else { throw MalformedBytes("nodes: one twice") }
            nodes.append(node)
        }
        return nodes
    }

    /// Ascending counters above `start`.
    mutating func counters(after start: UInt64, atMost limit: Int) throws(MalformedBytes) -> [UInt64] {
        let count = try count(atMost: limit)
        var counters: [UInt64] = []
        counters.reserveCapacity(count)
        var previous = start
        for _ in 0..<count {
            let step = try varint()
            let (counter, overflow) = previous.addingReportingOverflow(step)
            guard step > 0, !overflow else { throw MalformedBytes("counters: out of order") }
            counters.append(counter)
            previous = counter
        }
        return counters
    }
}
