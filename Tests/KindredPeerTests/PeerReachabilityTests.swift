import KindredNode
import KindredPeer
import KindredReplication
import NIOCore
import NIOPosix
import Testing

/// When a peer is reachable, and how it is noticed that it is not.
@Suite struct PeerReachabilityTests {
    private let two = NodeID(2)

    @Test("a peer that ends is unreachable at once; restarted on its port, it is reachable again, with messages")
    func restart() async throws {
        let one = try await TestPeer.start(1, silence: .seconds(60))
        let before = try await TestPeer.start(2, generation: 1)
        try await TestPeer.connect(one, before)
        await before.network.close()
        try await eventually("it is unreachable, long before the silence") {
            one.recorder.verdicts(of: two) == [true, false]
        }
        let after = try await TestPeer.start(2, generation: 2, port: before.address.port)
        try await after.setPeers([one.node: one.address])
        try await eventually("it is reachable") { one.recorder.verdicts(of: two) == [true, false, true] }
        try await one.send([.hinted(Hinted(id: 5, refusal: nil))], to: two)
        try await eventually("a message arrives") { !after.recorder.messages(from: one.node).isEmpty }
        await TestPeer.close(one, after)
    }

    @Test("a server that welcomes and then stays silent is unreachable after the silence")
    func silence() async throws {
        let server = try await RawServer.start(answer: RawFrame.welcome(node: 2))
        let one = try await TestPeer.start(1, heartbeat: .milliseconds(200))
        let begin = ContinuousClock.now
        try await one.setPeers([two: server.address])
        try await eventually("it is unreachable") { one.recorder.verdicts(of: two) == [false] }
        let time = ContinuousClock.now - begin
        #expect(time > .milliseconds(800) && time < .seconds(5), "\(time)")
        // It was dialled by the book, and asked; and it is dialled again.
        let hello = RawFrame.hello(sender: 1, receiver: 2)
        let first = try #require(server.connections.first)
        #expect(Array(first.received.prefix(hello.count)) == hello)
        #expect(Array(first.received.dropFirst(hello.count).prefix(5)) == [0, 0, 0, 9, 5])
        try await eventually("it is dialled again") { server.connections.count > 1 }
        #expect(one.recorder.verdicts(of: two) == [false])
        await TestPeer.close(one)
        try await server.close()
    }

    @Test("a peer that answered and falls silent is unreachable, and reachable when it answers again")
    func silenceAfterAnswers() async throws {
        let server = try await RawServer.start(
            answer: RawFrame.welcome(node: 2) + RawFrame.pong(0, isAnswerable: true))
        let one = try await TestPeer.start(1, heartbeat: .milliseconds(50), silence: .milliseconds(250))
        try await one.setPeers([two: server.address])
        try await eventually("it comes and goes, as each connection answers once") {
            one.recorder.verdicts(of: two).starts(with: [true, false, true, false])
        }
        await TestPeer.close(one)
        try await server.close()
    }

    @Test("a server that accepts and does not even welcome is unreachable after the silence")
    func noWelcome() async throws {
        let server = try await RawServer.start()
        let one = try await TestPeer.start(1)
        try await one.setPeers([two: server.address])
        try await eventually("it is unreachable") { one.recorder.verdicts(of: two) == [false] }
        #expect(try await one.status(of: two)?.connection == .greeting)
        await TestPeer.close(one)
        try await server.close()
    }

    @Test("a peer that hears us but cannot answer is not reachable")
    func oneWay() async throws {
        let (one, two) = (try await TestPeer.start(1), try await TestPeer.start(2))
        // Node 2 is not told of node 1, as if it could not dial it.
        try await one.setPeers([two.node: two.address])
        try await eventually("it is unreachable, with an open connection") {
            let connection = try await one.status(of: two.node)?.connection
            return one.recorder.verdicts(of: two.node) == [false] && connection == .open
        }
        try await two.setPeers([one.node: one.address])
        try await eventually("it is reachable") { one.recorder.verdicts(of: two.node) == [false, true] }
        try await eventually("both ways") { two.recorder.verdicts(of: one.node) == [true] }
        // And back: node 2 loses its way to node 1, and says so at once.
        try await two.setPeers([:])
        try await eventually("it is unreachable, with an open connection") {
            let connection = try await one.status(of: two.node)?.connection
            return one.recorder.verdicts(of: two.node) == [false, true, false] && connection == .open
        }
        await TestPeer.close(one, two)
    }

    @Test("where nobody listens, the first failure says so, and dialling goes on")
    func nobody() async throws {
        let free = try await RawServer.start()
        try await free.close()
        let one = try await TestPeer.start(1, silence: .seconds(60))
        try await one.setPeers([two: free.address])
        try await eventually("it is unreachable, long before the silence") {
            one.recorder.verdicts(of: two) == [false]
        }
        #expect(try await one.status(of: two)?.lastFailure?.contains("cannot be connected to") == true)
        let late = try await TestPeer.start(2, port: free.address.port)
        try await late.setPeers([one.node: one.address])
        try await eventually("it is reachable") { one.recorder.verdicts(of: two) == [false, true] }
        await TestPeer.close(one, late)
    }

    @Test("a refusal is unreachable, with its words in log and status")
    func refused() async throws {
        let stranger = try await TestPeer.start(3)
        let one = try await TestPeer.start(1)
        try await one.setPeers([two: stranger.address])
        try await eventually("it is unreachable") { one.recorder.verdicts(of: two) == [false] }
        #expect(try await one.status(of: two)?.lastFailure == "it refuses this node: this is node n3, not n2")
        #expect(one.log.contains("this is node n3, not n2"))
        await TestPeer.close(one, stranger)
    }

    @Test(
        "a welcome of another node, in another version, or that is none, is no connection",
        arguments: [
            (RawFrame.welcome(node: 3), "somebody else is there: node n3 instead of n2"),
            (RawFrame.welcome(node: 2, version: 2), "it makes no sense: it chose version 2, which was not offered"),
            (RawFrame.pong(0, isAnswerable: true), "it makes no sense: a frame of kind pong is out of place"),
            (RawFrame.messages([[1]]), "it makes no sense: a frame of kind messages is out of place"),
            (RawFrame.length(2_000), "it makes no sense: frame: length 2000 is not between 1 and 1024"),
        ])
    func badWelcome(answer: [UInt8], failure: String) async throws {
        let server = try await RawServer.start(answer: answer)
        let one = try await TestPeer.start(1)
        try await one.setPeers([two: server.address])
        try await eventually("it is unreachable") { one.recorder.verdicts(of: two) == [false] }
        #expect(try await one.status(of: two)?.lastFailure == failure)
        await TestPeer.close(one)
        try await server.close()
    }

    @Test("an old process in the place of a newer one is not taken for the node")
    func zombie() async throws {
        let one = try await TestPeer.start(1)
        let newer = try await TestPeer.start(2, generation: 9)
        try await TestPeer.connect(one, newer)
        await newer.network.close()
        let older = try await TestPeer.start(2, generation: 8, port: newer.address.port)
        try await older.setPeers([one.node: one.address])
        try await eventually("it is refused") {
            try await older.status(of: one.node)?.lastFailure?.contains("has been replaced by generation 9") == true
        }
        try await eventually("it is not taken for the node") {
            try await one.status(of: two)?.lastFailure == "somebody else is there: an old process of n2, generation 8"
        }
        #expect(one.recorder.verdicts(of: two) == [true, false])
        await TestPeer.close(one, older)
    }

    @Test("when a later process of a peer dials, the connection with the one before is given up")
    func replacedBehindOurBack() async throws {
        let server = try await RawServer.start(
            answer: RawFrame.welcome(node: 2, generation: 4) + RawFrame.pong(0, isAnswerable: true))
        let one = try await TestPeer.start(1, heartbeat: .seconds(10), silence: .seconds(30))
        try await one.setPeers([two: server.address])
        try await eventually("it is reachable") { one.recorder.verdicts(of: two) == [true] }
        let same = try await RawConnection.dial(one.address)
        same.send(RawFrame.hello(sender: 2, receiver: 1, generation: 4))
        try await eventually("a welcome") { !same.received.isEmpty }
        #expect(one.recorder.verdicts(of: two) == [true])
        let later = try await RawConnection.dial(one.address)
        later.send(RawFrame.hello(sender: 2, receiver: 1, generation: 5))
        try await eventually("it is unreachable") { one.recorder.verdicts(of: two) == [true, false] }
        try await eventually("the old process is not believed any more") {
            try await one.status(of: two)?.lastFailure == "somebody else is there: an old process of n2, generation 4"
        }
        await TestPeer.close(one)
        try await server.close()
    }

    @Test("when a later process of a peer is found, the connection from the one before is closed")
    func replacedAtItsAddress() async throws {
        let server = try await RawServer.start(answer: RawFrame.welcome(node: 2, generation: 5))
        let one = try await TestPeer.start(1, heartbeat: .seconds(10), silence: .seconds(30))
        let old = try await RawConnection.dial(one.address)
        old.send(RawFrame.hello(sender: 2, receiver: 1, generation: 4))
        try await eventually("a welcome") { !old.received.isEmpty }
        #expect(!old.isClosed)
        try await one.setPeers([two: server.address])
        try await eventually("the old process is disconnected") { old.isClosed }
        await TestPeer.close(one)
        try await server.close()
    }

    @Test("a peer that dials us is dialled at once, whatever pause there is")
    func noPause() async throws {
        let free = try await RawServer.start()
        try await free.close()
        let one = try await TestPeer.start(1, firstPause: .minutes(10), longestPause: .minutes(10))
        try await one.setPeers([two: free.address])
        try await eventually("it is unreachable") { one.recorder.verdicts(of: two) == [false] }
        let late = try await TestPeer.start(2, port: free.address.port)
        try await late.setPeers([one.node: one.address])
        try await eventually("it is reachable") { one.recorder.verdicts(of: two) == [false, true] }
        await TestPeer.close(one, late)
    }

    @Test("a peer is told at once when the way back begins to work, and when it ends")
    func wayBack() async throws {
        let server = try await RawServer.start(
            answer: RawFrame.welcome(node: 2) + RawFrame.pong(0, isAnswerable: true))
        // No heartbeat takes part in this.
        let one = try await TestPeer.start(
            1, heartbeat: .seconds(60), silence: .seconds(600), firstPause: .minutes(10), longestPause: .minutes(10))
        let connection = try await RawConnection.dial(one.address)
        connection.send(RawFrame.hello(sender: 2, receiver: 1))
        let welcome = RawFrame.welcome(node: 1)
        try await eventually("a welcome") { connection.received == welcome }
        try await one.setPeers([two: server.address])
        let works = welcome + RawFrame.pong(0, isAnswerable: true)
        try await eventually("it works") { connection.received == works }
        try await server.close()
        try await eventually("it does not") {
            connection.received == works + RawFrame.pong(0, isAnswerable: false)
        }
        try await connection.close()
        await TestPeer.close(one)
    }

    @Test("in the middle of a long message, the receiver says that it is there")
    func longMessage() async throws {
        let one = try await TestPeer.start(1, heartbeat: .milliseconds(20))
        let connection = try await RawConnection.dial(one.address)
        connection.send(RawFrame.hello(sender: 2, receiver: 1) + RawFrame.length(1 << 20) + [4])
        try await eventually("it says so, several times") {
            connection.send([0])
            return connection.received.starts(
                with: RawFrame.welcome(node: 1)
                    + [[UInt8]](repeating: RawFrame.pong(0, isAnswerable: false), count: 3).flatMap { $0 })
        }
        try await connection.close()
        await TestPeer.close(one)
    }

    @Test("peers may be set before the network is running")
    func earlyPeers() async throws {
        let two = try await TestPeer.start(2)
        let network = PeerNetwork(
            on: MultiThreadedEventLoopGroup.singleton.next(),
            configuration: PeerConfiguration(
                clusterID: testClusterID, node: NodeID(1), generation: 1,
                listen: PeerAddress(host: "127.0.0.1", port: 0)),
            wallClock: { 0 }, logger: LogLines().logger)
        let recorder = Recorder()
        let address = try await network.eventLoop.flatSubmit {
            network.setPeers([two.node: two.address])
            return network.startOnLoop(observer: recorder)
        }.get()
        try await two.setPeers([NodeID(1): address])
        try await eventually("it is reachable") { recorder.verdicts(of: two.node).last == true }
        await #expect(throws: PeerNetworkError.alreadyStarted) { try await network.start(observer: recorder) }
        await network.close()
        await #expect(throws: PeerNetworkError.alreadyStarted) { try await network.start(observer: recorder) }
        await TestPeer.close(two)
    }

    @Test("peers that are gone are left without a word, others are followed to a new address")
    func changedPeers() async throws {
        let (one, here) = (try await TestPeer.start(1), try await TestPeer.start(2, generation: 1))
        try await TestPeer.connect(one, here)
        let there = try await TestPeer.start(2, generation: 2)
        try await there.setPeers([one.node: one.address])
        try await one.setPeers([two: there.address])
        try await eventually("it is reachable there") { one.recorder.verdicts(of: two) == [true, false, true] }
        try await one.send([.hinted(Hinted(id: 5, refusal: nil))], to: two)
        try await eventually("a message arrives") { !there.recorder.messages(from: one.node).isEmpty }
        #expect(here.recorder.messages(from: one.node).isEmpty)

        try await one.setPeers([:])
        #expect(try await one.status(of: two) == nil)
        try await eventually("the connection is closed") { there.recorder.verdicts(of: one.node).last == false }
        #expect(one.recorder.verdicts(of: two) == [true, false, true])
        await TestPeer.close(one, here, there)
    }

    @Test("outgoing connections leave from the address that was asked for")
    func sourceHost() async throws {
        let one = try await TestPeer.start(1, sourceHost: "127.0.0.1")
        let other = try await TestPeer.start(2, sourceHost: "127.0.0.1")
        try await TestPeer.connect(one, other)
        await TestPeer.close(one, other)
    }
}
