import KindredModel
import KindredNode
import KindredReplication
import NIOCore
import Testing

@testable import KindredPeer

/// How heartbeats measure the clocks of peers.
@Suite struct PeerClockTests {
    private let two = NodeID(2)

    private func clock(of node: NodeID, seenBy peer: TestPeer) async throws -> ClockMeasurement? {
        try await peer.network.eventLoop.submit { peer.network.clocks() }.get()[node]
    }

    @Test("two nodes find out how far their clocks are apart, within what they say that may be wrong")
    func measured() async throws {
        let lead: Int64 = 812_345
        let one = try await TestPeer.start(1, heartbeat: .milliseconds(20), wallClock: { uptime() + RawFrame.wall })
        let other = try await TestPeer.start(
            2, heartbeat: .milliseconds(20), wallClock: { uptime() + RawFrame.wall + UInt64(lead) })
        try await TestPeer.connect(one, other)
        for (peer, node, expected) in [(one, two, lead), (other, NodeID(1), -lead)] {
            try await eventually("\(peer.node) has measured it") { try await clock(of: node, seenBy: peer) != nil }
            let measurement = try #require(try await clock(of: node, seenBy: peer))
            #expect(abs(measurement.offset - expected) <= measurement.uncertainty)
            // Otherwise the test says nothing.
            #expect(measurement.uncertainty < 200_000)
        }
        await other.network.close()
        try await eventually("of one that cannot be reached nothing is said") {
            try await clock(of: two, seenBy: one) == nil
        }
        await TestPeer.close(one)
    }

    @Test("a peer that says nothing of its clock is reachable all the same, and so is one whose clock makes no sense")
    func silent() async throws {
        // The answers to heartbeats that were never sent: there is no later time than these.
        let latest = RawFrame.frame(
            6, [0, 0, 0, 0, 0, 0, 0, 1, 3] + [UInt8](repeating: 0xFF, count: 8) + [UInt8](repeating: 0xFF, count: 8))
        for pong in [RawFrame.pong(1, isAnswerable: true), latest] {
            let server = try await RawServer.start(answer: RawFrame.welcome(node: 2) + pong)
            let one = try await TestPeer.start(1)
            try await one.setPeers([two: server.address])
            try await eventually("it is reachable") { one.recorder.verdicts(of: two).first == true }
            #expect(try await clock(of: two, seenBy: one) == nil)
            await TestPeer.close(one)
            try await server.close()
        }
    }

    @Test("an answer that announces times and has none ends the connection")
    func truncated() async throws {
        for count in [0, 8, 15] {
            let times = [UInt8](repeating: 0, count: count)
            let server = try await RawServer.start(
                answer: RawFrame.welcome(node: 2) + RawFrame.frame(6, [0, 0, 0, 0, 0, 0, 0, 1, 3] + times))
            let one = try await TestPeer.start(1)
            try await one.setPeers([two: server.address])
            try await eventually("it is unreachable") { one.recorder.verdicts(of: two) == [false] }
            #expect(try await one.status(of: two)?.lastFailure == "it makes no sense: pong: truncated")
            await TestPeer.close(one)
            try await server.close()
        }
    }

    @Test(
        "pongs are read as they were written, and what follows is none of ours",
        arguments: [nil, Pong.Times(arrived: 0, left: .max), Pong.Times(arrived: RawFrame.wall, left: 7)])
    func coding(times: Pong.Times?) throws {
        let pong = Pong(echo: 0x0102, isAnswerable: true, times: times)
        var bytes = ByteBuffer()
        pong.write(into: &bytes)
        #expect(bytes.readableBytes == (times == nil ? 14 : 30))
        bytes.moveReaderIndex(forwardBy: 5)
        bytes.writeBytes([1, 2, 3])
        #expect(try Pong(body: &bytes) == pong)
        #expect(bytes.readableBytes == 3)
    }
}

extension PeerClockTests {
    @Test("the example of the format's page, byte for byte")
    func example() {
        let clock: UInt64 = 1_690_000_000_000_000
        var bytes = ByteBuffer()
        Pong(echo: 77, isAnswerable: true, times: Pong.Times(arrived: clock, left: clock + 12)).write(into: &bytes)
        let page: [UInt8] = [
            0x00, 0x00, 0x00, 0x1A, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x4D, 0x03, 0x00, 0x06, 0x01, 0x0B,
            0xC9, 0xAB, 0xA0, 0x00, 0x00, 0x06, 0x01, 0x0B, 0xC9, 0xAB, 0xA0, 0x0C,
        ]
        #expect(Array(bytes.readableBytesView) == page)
    }
}

/// Microseconds of a clock that all nodes of a test share.
private func uptime() -> UInt64 { NIODeadline.now().uptimeNanoseconds / 1_000 }

/// What exchanges say about a clock. The own monotonic clock and both wall clocks begin at 0 here, but for the offset.
@Suite struct ClockSamplesTests {
    @Test("the way there and the way back are taken to be alike, and the uncertainty covers that they are not")
    func unequalWays() throws {
        for (there, back) in [(100, 100), (200, 0), (0, 200), (150, 51)] as [(UInt64, UInt64)] {
            var samples = ClockSamples()
            // The peer is 5,000 ahead, and takes 40.
            let arrived = 1_000 + there + 5_000
            samples.add(sent: 1_000, received: 1_040 + there + back, Pong.Times(arrived: arrived, left: arrived + 40))
            let measurement = try #require(samples.measurement(now: 9_000, wall: 9_000))
            #expect(abs(measurement.offset - 5_000) <= measurement.uncertainty)
            #expect(measurement.uncertainty == Int64(there + back) / 2 + 1)
            #expect(measurement.age == (9_000 - 1_040 - there - back) / 1_000)
        }
    }

    @Test("the shortest of the last eight exchanges is believed")
    func shortest() throws {
        var samples = ClockSamples()
        #expect(samples.measurement(now: 0, wall: 0) == nil)
        // Each is wrong by half of what it took.
        for (index, delay) in ([20, 400, 300, 200, 100, 500, 600, 700, 800] as [UInt64]).enumerated() {
            let sent = UInt64(index) * 10_000
            samples.add(sent: sent, received: sent + delay, Pong.Times(arrived: sent, left: sent))
            let best: Int64 = index < 8 ? 20 : 100
            let measurement = try #require(samples.measurement(now: 100_000, wall: 100_000))
            #expect(measurement.uncertainty == best / 2 + 1)
            #expect(measurement.offset == -best / 2)
        }
    }

    @Test("an own clock that is set changes what is known at once")
    func ownClockIsSet() throws {
        var samples = ClockSamples()
        samples.add(sent: 1_000, received: 1_000, Pong.Times(arrived: 1_000, left: 1_000))
        #expect(samples.measurement(now: 2_000, wall: 2_000)?.offset == 0)
        #expect(samples.measurement(now: 2_000, wall: 902_000)?.offset == -900_000)
        #expect(samples.measurement(now: 2_000, wall: 0)?.offset == 2_000)
    }

    @Test("exchanges that no clocks can have measured are left out, and no time is too large to reckon with")
    func impossible() {
        var samples = ClockSamples()
        let latest = ClockSamples.latest
        // Back before it went, answered before it came, longer at the peer than altogether, times that no clock shows.
        samples.add(sent: 2, received: 1, Pong.Times(arrived: 5, left: 5))
        samples.add(sent: 1, received: 2, Pong.Times(arrived: 6, left: 5))
        samples.add(sent: 1, received: 2, Pong.Times(arrived: 5, left: 7))
        samples.add(sent: 1, received: 2, Pong.Times(arrived: latest + 1, left: latest + 1))
        samples.add(sent: 1, received: 2, Pong.Times(arrived: .max, left: .max))
        samples.add(sent: .max, received: .max, Pong.Times(arrived: 5, left: 5))
        #expect(samples.measurement(now: 0, wall: 0) == nil)
        samples.add(sent: 0, received: 0, Pong.Times(arrived: latest, left: latest))
        #expect(samples.measurement(now: .max, wall: 0)?.offset == Int64(latest) * 2)
        samples.add(sent: latest, received: latest, Pong.Times(arrived: 0, left: 0))
        #expect(samples.measurement(now: 0, wall: .max) != nil)
    }
}
