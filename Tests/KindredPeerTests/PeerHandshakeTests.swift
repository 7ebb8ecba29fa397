import KindredNode
import KindredPeer
import KindredReplication
import NIOCore
import Testing

/// Who is let in, byte by byte; and who is not, with which words.
@Suite struct PeerHandshakeTests {
    /// A node with so few heartbeats that none of them gets between the bytes that a test expects.
    private func quietPeer(generation: UInt64 = 1) async throws -> TestPeer {
        try await TestPeer.start(1, generation: generation, heartbeat: .seconds(10), silence: .seconds(30))
    }

    /// Dials node 1, says `bytes`, and waits until the connection is closed.
    private func answer(to bytes: [UInt8], of peer: TestPeer) async throws -> [UInt8] {
        let connection = try await RawConnection.dial(peer.address)
        connection.send(bytes)
        try await eventually("\(bytes.prefix(8)) is disconnected") { connection.isClosed }
        return connection.received
    }

    @Test("a hello is welcomed, messages are taken, pings are answered")
    func welcome() async throws {
        let one = try await quietPeer(generation: 5)
        let connection = try await RawConnection.dial(one.address)
        connection.send(RawFrame.hello(sender: 2, receiver: 1))
        let welcome = RawFrame.welcome(node: 1, generation: 5)
        try await eventually("a welcome") { connection.received == welcome }
        let message = PeerMessage.hinted(Hinted(id: 300, refusal: nil))
        connection.send(RawFrame.messages([message.encoded(), message.encoded()]) + RawFrame.ping(77))
        // Node 1 does not know node 2, so it has no connection to answer over.
        try await eventually("a pong") {
            connection.received == welcome + RawFrame.answer(77, isAnswerable: false)
        }
        try await eventually("the messages") { one.recorder.messages(from: NodeID(2)) == [message, message] }
        try await connection.close()
        await TestPeer.close(one)
    }

    @Test("the answer comes even if every byte comes alone")
    func dribbling() async throws {
        let one = try await quietPeer()
        let connection = try await RawConnection.dial(one.address)
        let message = PeerMessage.hinted(Hinted(id: 300, refusal: nil))
        for byte in RawFrame.hello(sender: 2, receiver: 1) + RawFrame.messages([message.encoded()]) + RawFrame.ping(1) {
            connection.send([byte])
        }
        let answers = RawFrame.welcome(node: 1) + RawFrame.answer(1, isAnswerable: false)
        try await eventually("welcome and pong") { connection.received == answers }
        #expect(one.recorder.messages(from: NodeID(2)) == [message])
        try await connection.close()
        await TestPeer.close(one)
    }

    @Test("a later node's hello may be longer, and offer more versions: the one both know is chosen")
    func laterNode() async throws {
        let one = try await quietPeer()
        let connection = try await RawConnection.dial(one.address)
        connection.send(RawFrame.hello(versions: (1, 9), sender: 2, receiver: 1, extra: [1, 2, 3]))
        try await eventually("a welcome") { connection.received == RawFrame.welcome(node: 1, version: 1) }
        try await connection.close()
        await TestPeer.close(one)
    }

    @Test("another cluster, another node, no common version and oneself are refused with words")
    func refusals() async throws {
        let one = try await quietPeer()
        let other = [UInt8](repeating: 9, count: 16)
        #expect(
            try await answer(to: RawFrame.hello(clusterID: other, sender: 2, receiver: 1), of: one)
                == RawFrame.refusal("this is another cluster"))
        #expect(
            try await answer(to: RawFrame.hello(sender: 2, receiver: 3), of: one)
                == RawFrame.refusal("this is node n1, not n3"))
        #expect(
            try await answer(to: RawFrame.hello(versions: (2, 4), sender: 2, receiver: 1), of: one)
                == RawFrame.refusal("no common version: 2 to 4 there, 1 to 1 here"))
        #expect(
            try await answer(to: RawFrame.hello(versions: (0, 0), sender: 2, receiver: 1), of: one)
                == RawFrame.refusal("no common version: 0 to 0 there, 1 to 1 here"))
        #expect(
            try await answer(to: RawFrame.hello(sender: 1, receiver: 1), of: one)
                == RawFrame.refusal("this is node n1 itself"))
        #expect(one.log.contains("refused node n2: this is another cluster"))
        await TestPeer.close(one)
    }

    @Test("an older process of a node is refused, the same or a later one takes the place of its connection")
    func generations() async throws {
        let one = try await quietPeer()
        let first = try await RawConnection.dial(one.address)
        first.send(RawFrame.hello(sender: 2, receiver: 1, generation: 7))
        try await eventually("a welcome") { first.received == RawFrame.welcome(node: 1) }
        #expect(
            try await answer(to: RawFrame.hello(sender: 2, receiver: 1, generation: 6), of: one)
                == RawFrame.refusal("generation 6 of node n2 has been replaced by generation 7"))
        #expect(!first.isClosed)
        let second = try await RawConnection.dial(one.address)
        second.send(RawFrame.hello(sender: 2, receiver: 1, generation: 8))
        try await eventually("a welcome") { second.received == RawFrame.welcome(node: 1) }
        try await eventually("the old connection is closed") { first.isClosed }
        #expect(!second.isClosed)
        try await second.close()
        await TestPeer.close(one)
    }

    @Test(
        "garbage is disconnected without a word",
        arguments: [
            Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8),
            [0, 0, 0, 0],
            [0xFF, 0xFF, 0xFF, 0xFF],
            [0, 0, 4, 1],
            [0, 0, 0, 9, 0],
            [0, 0, 0, 9, 0xFF],
            RawFrame.hello(magic: "KNDX", sender: 2, receiver: 1),
            Array(RawFrame.frame(1, Array("KNDP".utf8) + [1, 1])),
            RawFrame.ping(1),
            RawFrame.messages([PeerMessage.hinted(Hinted(id: 1, refusal: nil)).encoded()]),
            RawFrame.welcome(node: 2),
        ])
    func garbage(bytes: [UInt8]) async throws {
        let one = try await quietPeer()
        #expect(try await answer(to: bytes, of: one) == [])
        try await eventually("a warning") { one.log.contains("incoming connection: closed") }
        await TestPeer.close(one)
    }

    @Test(
        "nonsense after the hello ends the connection, whatever came before it is kept",
        arguments: [
            RawFrame.hello(sender: 2, receiver: 1), RawFrame.welcome(node: 2), RawFrame.pong(1, isAnswerable: true),
            RawFrame.refusal("no"), RawFrame.frame(4, []), RawFrame.frame(4, [0, 0, 0]),
            RawFrame.frame(4, [0, 0, 0, 2, 1]), RawFrame.frame(4, [0xFF, 0xFF, 0xFF, 0xFF, 1]),
            RawFrame.messages([[]]), RawFrame.messages([[1, 99]]), RawFrame.frame(5, [1]), RawFrame.frame(7, []),
            RawFrame.length(Limits.peerFrameBytes + 1),
        ])
    func nonsense(bytes: [UInt8]) async throws {
        let one = try await quietPeer()
        let connection = try await RawConnection.dial(one.address)
        let message = PeerMessage.hinted(Hinted(id: 1, refusal: nil))
        connection.send(RawFrame.hello(sender: 2, receiver: 1) + RawFrame.messages([message.encoded()]))
        try await eventually("the message") { one.recorder.messages(from: NodeID(2)) == [message] }
        connection.send(bytes)
        try await eventually("the connection is closed") { connection.isClosed }
        #expect(connection.received == RawFrame.welcome(node: 1))
        #expect(one.recorder.messages(from: NodeID(2)) == [message])
        try await eventually("a warning") { one.log.contains("incoming connection: closed") }
        await TestPeer.close(one)
    }

    @Test("whoever says nothing, or never finishes its hello, is disconnected")
    func silentStranger() async throws {
        let one = try await TestPeer.start(1)
        let silent = try await RawConnection.dial(one.address)
        let slow = try await RawConnection.dial(one.address)
        slow.send(Array(RawFrame.hello(sender: 2, receiver: 1).dropLast()))
        try await eventually("both are closed") { silent.isClosed && slow.isClosed }
        #expect(one.log.contains("no hello in time"))
        await TestPeer.close(one)
    }

    @Test("a node that sends nothing any more is disconnected after five times the silence")
    func silentNode() async throws {
        let one = try await TestPeer.start(1, heartbeat: .milliseconds(50), silence: .milliseconds(200))
        let connection = try await RawConnection.dial(one.address)
        connection.send(RawFrame.hello(sender: 2, receiver: 1))
        try await eventually("it is closed") { connection.isClosed }
        #expect(connection.received.starts(with: RawFrame.welcome(node: 1)))
        await TestPeer.close(one)
    }

    @Test("a network does not start with what makes no sense")
    func badConfiguration() async throws {
        await #expect(throws: PeerNetworkError.clusterID(byteCount: 3)) {
            try await TestPeer.start(1, clusterID: [1, 2, 3])
        }
        await #expect(throws: PeerNetworkError.sourceHost("nowhere")) {
            try await TestPeer.start(1, sourceHost: "nowhere")
        }
        await #expect(throws: PeerNetworkError.duration("heartbeat")) {
            try await TestPeer.start(1, heartbeat: .zero)
        }
        await #expect(throws: PeerNetworkError.duration("silence")) {
            try await TestPeer.start(1, silence: .nanoseconds(.max))
        }
    }
}
