import KindredModel
import KindredNode
import KindredReplication
import NIOCore
import Testing

@testable import KindredPeer

/// A peer that takes less than it is sent: what waits is bounded, and heartbeats do not wait with it.
@Suite struct PeerBackPressureTests {
    @Test("so much waits for a peer that does not read, and no more; when it reads, it gets that, heartbeats first")
    func slowReader() async throws {
        let server = try await RawServer.start(readsNothing: true, answer: RawFrame.welcome(node: 2))
        let one = try await TestPeer.start(1, heartbeat: .milliseconds(20), silence: .seconds(60))
        let two = NodeID(2)
        try await one.setPeers([two: server.address])
        try await eventually("it is open") { try await one.status(of: two)?.connection == .open }

        let total = (Limits.peerWaitingBytes >> 20) + 40
        for id in 1...total { try await one.send([message(ofAbout: 1 << 20, id: UInt64(id))], to: two) }
        let stuck = try #require(try await one.status(of: two))
        let waiting = total - Int(stuck.traffic.messagesOut + stuck.traffic.dropped)
        #expect(stuck.traffic.dropped > 0)
        #expect(
            waiting == (Limits.peerWaitingBytes >> 20) - 1, "as many as fit with their few bytes of address and dot")

        // Some heartbeats go by, then everything is read.
        try await eventually("heartbeats are due") { try await one.status(of: two)?.traffic == stuck.traffic }
        let connection = try #require(server.connections.first)
        try await connection.beginReading()
        let arriving = UInt64(total) - stuck.traffic.dropped
        try await eventually("what waited has left", within: .seconds(60)) {
            try await one.status(of: two)?.traffic.messagesOut == arriving
        }
        try await eventually("it arrives", within: .seconds(60)) {
            kinds(in: connection.received).count { $0 == FrameKind.messages.rawValue } == Int(arriving)
        }
        let order = kinds(in: connection.received)
        let lastMessage = try #require(order.lastIndex(of: FrameKind.messages.rawValue))
        #expect(order[..<lastMessage].contains(FrameKind.ping.rawValue))
        await TestPeer.close(one)
        try await server.close()
    }

    /// The kinds of the whole frames, in order.
    private func kinds(in bytes: [UInt8]) -> [UInt8] {
        var kinds: [UInt8] = []
        var position = 0
        while position + 5 <= bytes.count {
            let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
            guard position + 4 + length <= bytes.count else { break }
            kinds.append(bytes[position + 4])
            position += 4 + length
        }
        return kinds
    }
}
