package import KindredModel

/// How the topology is kept by the configuration service, byte for byte: docs/formats/topology.md. What a reader
/// accepts, it has checked against the bounds of `Limits`; everything it allocates is in proportion to the bytes it was
/// given.
extension Topology {
    /// The first byte.
    package static let formatVersion: UInt8 = 1

    /// Appends the whole topology.
    package func encode(into bytes: inout [UInt8]) {
        bytes.append(Topology.formatVersion)
        bytes.append(n)
        bytes.append(varint: UInt64(maximumTransitions))
        bytes.append(varint: membershipEpoch)
        bytes.append(varint: UInt64(nextNode))
        bytes.append(varint: UInt64(nodes.count))
        for node in nodes { node.encode(into: &bytes) }
        bytes.append(varint: UInt64(records.count))
        for record in records { record.encode(into: &bytes) }
    }

    /// Reads what `encode` wrote.
    package init(from reader: inout ByteReader) throws(MalformedBytes) {
        guard try reader.byte() == Topology.formatVersion else {
            throw MalformedBytes("topology: unknown format version")
        }
        let n = try reader.byte()
        let maximumTransitions = try reader.integer(UInt16.self, "topology: transitions")
        let membershipEpoch = try reader.varint()
        let nextNode = try reader.integer(UInt32.self, "topology: node")
        guard n > 0, n <= Limits.replicas, maximumTransitions > 0 else {
            throw MalformedBytes("topology: out of bounds")
        }
        let nodeCount = try reader.count(ofAtLeast: 6)
        guard nodeCount > 0, nodeCount <= Limits.nodes else { throw MalformedBytes("topology: number of nodes") }
        var nodes: [ClusterNode] = []
        for _ in 0..<nodeCount {
            let node = try ClusterNode(from: &reader)
            guard node.id.rawValue > nodes.last?.id.rawValue ?? 0, node.id.rawValue < nextNode else {
                throw MalformedBytes("topology: nodes out of order")
            }
            nodes.append(node)
        }
        let partitions = try reader.count(ofAtLeast: 16)
        guard partitions > 0, partitions <= UInt16.max else { throw MalformedBytes("topology: number of partitions") }
        var records: [PartitionRecord] = []
        for partition in 0..<partitions {
            let record = try PartitionRecord(from: &reader)
            guard Int(record.view.partition) == partition else {
                throw MalformedBytes("topology: partitions out of order")
            }
            records.append(record)
        }
        self.init(
            n: n, nodes: nodes, membershipEpoch: membershipEpoch, records: records,
            maximumTransitions: maximumTransitions, nextNode: nextNode)
    }
}

extension ClusterNode {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(id.rawValue))
        bytes.append(lengthPrefixed: zone.utf8)
        bytes.append(varint: UInt64(weight))
        bytes.append(varint: UInt64(seat))
        bytes.append(varint: generation)
        bytes.append(state.rawValue)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        let id = NodeID(try reader.integer(UInt32.self, "node"))
        let range = try reader.lengthPrefixedRange()
        guard range.count <= Limits.zoneNameBytes, let zone = String(validating: reader.copy(range), as: UTF8.self)
        else {
            throw MalformedBytes("zone: too long, or no UTF-8")
        }
        let weight = try reader.integer(UInt16.self, "weight")
        let seat = try reader.integer(UInt32.self, "seat")
        let generation = try reader.varint()
        guard weight > 0, let state = State(rawValue: try reader.byte()) else {
            throw MalformedBytes("node: out of bounds")
        }
        self.init(id: id, zone: zone, weight: weight, seat: seat, generation: generation, state: state)
    }
}

extension PartitionRecord {
    /// Appends the partition's record.
    package func encode(into bytes: inout [UInt8]) {
        view.encode(into: &bytes)
        bytes.append(varint: since)
        bytes.append(varint: leadershipEpoch)
        bytes.append(varint: uncleanElections)
        bytes.append(varint: UInt64(nextActor))
        switch progress {
        case .settled: bytes.append(0)
        case .waiting(let target):
            bytes.append(1)
            bytes.append(nodes: target)
        case .changing(let transition):
            bytes.append(2 + transition.stage.rawValue)
            bytes.append(nodes: transition.target)
            bytes.append(nodes: transition.arriving)
        }
        bytes.append(varint: UInt64(received.count))
        for report in received { report.encode(into: &bytes) }
        bytes.append(varint: UInt64(closingReports.count))
        for report in closingReports { report.encode(into: &bytes) }
    }

    /// Reads what `encode` wrote.
    package init(from reader: inout ByteReader) throws(MalformedBytes) {
        let view = try PartitionView(from: &reader)
        let since = try reader.varint()
        let leadershipEpoch = try reader.varint()
        let uncleanElections = try reader.varint()
        let nextActor = try reader.integer(UInt32.self, "actor")
        self.init(view: view, since: since, nextActor: nextActor)
        self.leadershipEpoch = leadershipEpoch
        self.uncleanElections = uncleanElections
        guard since <= view.epoch, view.leadership.map({ $0.epoch == leadershipEpoch }) ?? true,
            view.members.allSatisfy({ $0.actor.rawValue < nextActor })
        else { throw MalformedBytes("partition: epochs or actors out of bounds") }
        switch try reader.byte() {
        case 0: progress = .settled
        case 1: progress = .waiting(target: try reader.nodes())
        case let stage:
            guard let stage = Stage(rawValue: stage - 2) else { throw MalformedBytes("partition: unknown stage") }
            progress = .changing(
                Transition(target: try reader.nodes(), arriving: try reader.nodes(), stage: stage))
        }
        for _ in 0..<(try reader.count(ofAtLeast: 2)) { received.append(try TransitionReport(from: &reader)) }
        for _ in 0..<(try reader.count(ofAtLeast: 4)) { closingReports.append(try ClosingReport(from: &reader)) }
    }
}

extension TransitionReport {
    func encode(into bytes: inout [UInt8]) {
        switch self {
        case .ready: bytes.append(0)
        case .acknowledged: bytes.append(1)
        case .caughtUp: bytes.append(2)
        case .pulled: bytes.append(3)
        case .led: bytes.append(4)
        }
        for actor in actors { bytes.append(varint: UInt64(actor.rawValue)) }
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        let kind = try reader.byte()
        let actor = try reader.actor()
        switch kind {
        case 0: self = .ready(actor)
        case 1: self = .acknowledged(actor)
        case 2: self = .caughtUp(actor)
        case 3: self = .pulled(from: actor, by: try reader.actor())
        case 4: self = .led(actor)
        default: throw MalformedBytes("report: unknown kind")
        }
    }
}

extension ClosingReport {
    func encode(into bytes: inout [UInt8]) {
        bytes.append(varint: UInt64(actor.rawValue))
        bytes.append(varint: UInt64(reporter.rawValue))
        bytes.append(varint: base)
        bytes.append(counters: beyond, after: base)
    }

    init(from reader: inout ByteReader) throws(MalformedBytes) {
        let actor = try reader.actor()
        let reporter = try reader.actor()
        let base = try reader.varint()
        let beyond = try reader.counters(after: base, atMost: Limits.closingReportEvents)
        do throws(TopologyRefusal) {
            try self.init(actor: actor, reporter: reporter, base: base, beyond: beyond)
        } catch {
            throw MalformedBytes("closing report: events out of bounds")
        }
    }
}
