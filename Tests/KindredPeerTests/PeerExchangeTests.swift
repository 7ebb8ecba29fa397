import KindredModel
import KindredNode
import KindredPeer
import KindredReplication
import KindredTesting
import NIOCore
import Testing

/// Two nodes on the loopback: what one sends, the other gets.
@Suite struct PeerExchangeTests {
    @Test("every kind of message arrives as it was sent, in order, both ways")
    func everyKind() async throws {
        let (one, two) = (try await TestPeer.start(1), try await TestPeer.start(2))
        try await TestPeer.connect(one, two)
        var random = SplitMix64(seed: 7)
        let there = PeerMessage.Kind.allCases.map { PeerMessage.random($0, using: &random) }
        let back = PeerMessage.Kind.allCases.reversed().map { PeerMessage.random($0, using: &random) }
        try await one.send(there, to: two.node)
        try await two.send(back, to: one.node)
        try await eventually("all messages arrive") {
            two.recorder.messages(from: one.node).count >= there.count
                && one.recorder.messages(from: two.node).count >= back.count
        }
        #expect(two.recorder.messages(from: one.node) == there)
        #expect(one.recorder.messages(from: two.node) == back)
        await TestPeer.close(one, two)
    }

    @Test("the messages of one tick are one frame and one read; the status counts them")
    func batches() async throws {
        let (one, two) = (try await TestPeer.start(1), try await TestPeer.start(2))
        try await TestPeer.connect(one, two)
        let messages = (1...500).map { PeerMessage.hinted(Hinted(id: UInt64($0), refusal: nil)) }
        try await one.send(messages, to: two.node)
        try await eventually("all messages arrive") { two.recorder.messages(from: one.node).count >= 500 }
        #expect(two.recorder.messages(from: one.node) == messages)
        #expect(two.recorder.countOfReads(from: one.node) == 1)
        let sent = try #require(try await one.status(of: two.node))
        let bytes = UInt64(messages.reduce(5) { $0 + 4 + $1.encoded().count })
        #expect(sent.traffic == PeerTraffic(messagesOut: 500, bytesOut: bytes))
        #expect(sent.isReachable && sent.connection == .open && sent.lastFailure == nil)
        #expect(try #require(sent.roundTripMicroseconds) < 5_000_000)
        let got = try #require(try await two.status(of: one.node))
        #expect(got.traffic == PeerTraffic(messagesIn: 500, bytesIn: bytes))
        await TestPeer.close(one, two)
    }

    @Test("the longest message arrives; one that is a byte longer is dropped, and the connection lives on")
    func longestMessage() async throws {
        // The receiver's thread is busy for a while with a message of this size, without optimization above all.
        let one = try await TestPeer.start(1, silence: .seconds(10))
        let two = try await TestPeer.start(2, silence: .seconds(10))
        try await TestPeer.connect(one, two)
        let longest = message(of: Limits.peerMessageBytes)
        try await one.send([longest], to: two.node)
        try await eventually("it arrives", within: .seconds(120)) { !two.recorder.messages(from: one.node).isEmpty }
        #expect(two.recorder.messages(from: one.node) == [longest])

        let last = PeerMessage.hinted(Hinted(id: 9, refusal: nil))
        try await one.send([message(of: Limits.peerMessageBytes + 1), last], to: two.node)
        try await eventually("what comes after it arrives") { two.recorder.messages(from: one.node).count >= 2 }
        #expect(two.recorder.messages(from: one.node).dropFirst() == [last])
        #expect(try await one.status(of: two.node)?.traffic.dropped == 1)
        #expect(one.log.contains("too long"))
        #expect(one.recorder.verdicts(of: two.node) == [true], "a long message is no silence")
        await TestPeer.close(one, two)
    }

    @Test("many long messages arrive in order while heartbeats go on")
    func longMessages() async throws {
        // The receiver's thread is busy for a while with a message of this size, without optimization above all.
        let one = try await TestPeer.start(1, silence: .seconds(10))
        let two = try await TestPeer.start(2, silence: .seconds(10))
        try await TestPeer.connect(one, two)
        let messages = (1...30).map { message(ofAbout: 1 << 20, id: $0) }
        try await one.send(messages, to: two.node)
        try await eventually("all messages arrive", within: .seconds(120)) {
            two.recorder.messages(from: one.node).count >= 30
        }
        #expect(two.recorder.messages(from: one.node) == messages)
        #expect(one.recorder.verdicts(of: two.node) == [true])
        await TestPeer.close(one, two)
    }

    @Test("three nodes, each talks with each")
    func threeNodes() async throws {
        let peers = [try await TestPeer.start(1), try await TestPeer.start(2), try await TestPeer.start(3)]
        try await TestPeer.connect(peers[0], peers[1], peers[2])
        for peer in peers {
            for other in peers where other.node != peer.node {
                let id = UInt64(peer.node.rawValue * 10 + other.node.rawValue)
                try await peer.send([.hinted(Hinted(id: id, refusal: nil))], to: other.node)
            }
        }
        for peer in peers {
            for other in peers where other.node != peer.node {
                let id = UInt64(other.node.rawValue * 10 + peer.node.rawValue)
                try await eventually("\(id) arrives") {
                    peer.recorder.messages(from: other.node) == [.hinted(Hinted(id: id, refusal: nil))]
                }
            }
        }
        await TestPeer.close(peers[0], peers[1], peers[2])
    }

    @Test("what is sent to nobody, or without a connection, is dropped; and counted, if the peer is known")
    func noConnection() async throws {
        let one = try await TestPeer.start(1)
        let message = PeerMessage.hinted(Hinted(id: 1, refusal: nil))
        try await one.send([message], to: NodeID(2))
        #expect(try await one.status(of: NodeID(2)) == nil)
        // Nobody listens there: the port was free a moment ago.
        let gone = try await RawServer.start()
        try await gone.close()
        try await one.setPeers([NodeID(2): gone.address, one.node: one.address])
        try await one.send([message, message], to: NodeID(2))
        let status = try #require(try await one.status(of: NodeID(2)))
        #expect(status.traffic == PeerTraffic(dropped: 2))
        #expect(try await one.status(of: one.node) == nil, "a node is no peer of its own")
        await TestPeer.close(one)
    }
}
