import KindredModel
import KindredReplication
import KindredTesting
import Testing

@Suite struct TopologyCodingTests {
    /// The example of docs/formats/topology.md.
    private func example() throws -> Topology {
        var topology = try Topology.create(
            nodes: [ClusterNode(id: NodeID(1), zone: "a"), ClusterNode(id: NodeID(2), zone: "b", weight: 300)],
            partitions: 1, n: 2)
        _ = try topology.registerStart(of: NodeID(1))
        try topology.raiseCeiling(of: ActorID(1), in: 0, to: 1_000_000)
        try topology.raiseClockFloor(in: 0, to: HybridTimestamp(rawValue: 0x019A_A00B_3C00_0007))
        let node = try #require(try topology.current(0).members.first { $0.actor == ActorID(1) }).node
        _ = try topology.renew(node, in: 0, replacing: ActorID(1))
        for member in try topology.current(0).members.prefix(1) {
            try topology.reportClosing(
                try ClosingReport(actor: ActorID(1), reporter: member.actor, base: 4, beyond: [7, 300]), in: 0,
                epoch: try topology.epoch(0))
        }
        return topology
    }

    @Test func theBytesAreThoseOfTheDocument() throws {
        let hex = try example().encoded().map { byte in
            let text = String(byte, radix: 16, uppercase: true)
            return text.count == 1 ? "0" + text : text
        }
        let expected = [
            "01 02 04 01 03",
            "02", "01 01 61 01 01 01 01", "02 01 62 AC 02 02 00 01",
            "01",
            "00 04", "02 02 03 01 00 01 02 00 00", "01 01", "00", "01 9A A0 0B 3C 00 00 07", "01 01 01 02",
            "04 02 00 04", "00", "00", "01 01 03 04 02 03 A5 02",
        ]
        #expect(hex.joined(separator: " ") == expected.joined(separator: " "))
    }

    @Test func whatIsWrittenIsRead() throws {
        let topology = try example()
        #expect(try Topology(decoding: topology.encoded()) == topology)
    }

    @Test func closingsKeepTheirNumbers() throws {
        var closed = ClosedActors()
        closed.close(ActorID(9), last: 17, voided: [3, 9])
        closed.close(ActorID(2), last: 0, voided: [])
        let view = PartitionView(partition: 3, epoch: 8, members: [], closed: closed)
        var bytes: [UInt8] = []
        view.encode(into: &bytes)
        let read = try bytes.withUnsafeBytes { buffer in
            var reader = ByteReader(buffer)
            return try PartitionView(from: &reader)
        }
        #expect(read == view)
        #expect(read.closed.closing(of: ActorID(2))?.epoch == 2)
    }

    @Test func truncatedBytesAreRefused() throws {
        let bytes = try example().encoded()
        for length in bytes.indices {
            #expect(throws: MalformedBytes.self) { try Topology(decoding: Array(bytes[..<length])) }
        }
        #expect(throws: MalformedBytes.self) { try Topology(decoding: bytes + [0]) }
    }

    @Test func anotherVersionIsRefused() throws {
        var bytes = try example().encoded()
        bytes[0] = 2
        #expect(throws: MalformedBytes("topology: unknown format version")) { try Topology(decoding: bytes) }
    }

    /// Damaged bytes are refused, or are another topology: what is read can be written and read again.
    @Test func damagedBytesNeverTrap() throws {
        let seed: UInt64 = 7_221
        var chance = SplitMix64(seed: seed)
        let bytes = try example().encoded()
        var refused = 0
        for round in 0..<20_000 {
            var damaged = bytes
            for _ in 0...chance.below(3) { damaged[chance.below(damaged.count)] = UInt8(chance.below(256)) }
            guard let topology = try? Topology(decoding: damaged) else {
                refused += 1
                continue
            }
            #expect(try Topology(decoding: topology.encoded()) == topology, "seed \(seed), round \(round)")
        }
        #expect(refused > 1_000)
    }

    @Test func manyMembersAreRefused() throws {
        var view = PartitionView(partition: 0, epoch: 1, members: [])
        for number in UInt32(1)...31 {
            view.members.append(
                ReplicaMember(node: NodeID(number), actor: ActorID(number), role: .voter, counterCeiling: 0))
        }
        func isRead(_ view: PartitionView) -> Bool {
            var bytes: [UInt8] = []
            view.encode(into: &bytes)
            return bytes.withUnsafeBytes { buffer in
                var reader = ByteReader(buffer)
                return (try? PartitionView(from: &reader)) != nil
            }
        }
        #expect(!isRead(view))
        view.members.removeLast()
        #expect(isRead(view))
    }
}
