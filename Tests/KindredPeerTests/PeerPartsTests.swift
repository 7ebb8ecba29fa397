import KindredModel
import KindredNode
import KindredReplication
import NIOCore
import NIOPosix
import Testing

@testable import KindredPeer

/// The parts that need no socket, at their edges.
@Suite struct PeerPartsTests {
    @Test("the batch takes messages up to its bound; one alone may be longer")
    func bound() {
        var batches = OutgoingBatches()
        #expect(batches.append([UInt8](repeating: 1, count: 500), maximumWaiting: 100) == true)
        #expect(batches.append([1], maximumWaiting: 100) == false)
        #expect(batches.next()?.messages == 1)
        #expect(batches.isEmpty && batches.byteCount == 0)
        // Head 5, length 4, message 41: 50.
        #expect(batches.append([UInt8](repeating: 1, count: 41), maximumWaiting: 100) == true)
        #expect(batches.byteCount == 50)
        #expect(batches.append([UInt8](repeating: 1, count: 51), maximumWaiting: 100) == false)
        #expect(batches.append([UInt8](repeating: 1, count: 50), maximumWaiting: 100) == true)
        #expect(batches.append([1], maximumWaiting: 100) == false)
        #expect(batches.removeAll() == 2)
        #expect(batches.isEmpty && batches.next() == nil)
        #expect(
            batches.append([UInt8](repeating: 1, count: Limits.peerMessageBytes + 1), maximumWaiting: .max) == false)
        #expect(batches.isEmpty)
    }

    @Test("frames end when they are large, and are readable")
    func frames() throws {
        var batches = OutgoingBatches()
        let first = PeerMessage.hinted(Hinted(id: 1, refusal: nil))
        let large = message(ofAbout: Limits.peerBatchBytes)
        let last = PeerMessage.hinted(Hinted(id: 2, refusal: nil))
        for message in [first, large, last] {
            #expect(batches.append(message.encoded(), maximumWaiting: Limits.peerWaitingBytes) == true)
        }
        var reader = FrameReader()
        var read: [[PeerMessage]] = []
        while let batch = batches.next() {
            reader.append(batch.frame)
            let next = try reader.next(maximum: Limits.peerFrameBytes)
            var frame = try #require(next)
            #expect(frame.kind == .messages && frame.byteCount == batch.frame.readableBytes)
            var messages: [PeerMessage] = []
            try MessageBatch.decode(&frame.body, into: &messages)
            #expect(messages.count == batch.messages)
            read.append(messages)
        }
        #expect(read == [[first, large], [last]])
    }

    @Test("the example of the format's page, byte for byte")
    func example() throws {
        let hello = Hello(clusterID: Array(1...16), sender: NodeID(2), receiver: NodeID(1), generation: 3)
        let welcome = Welcome(version: 1, node: NodeID(1), generation: 7)
        var bytes = ByteBuffer()
        hello.write(into: &bytes)
        welcome.write(into: &bytes)
        let page: [UInt8] = [
            0x00, 0x00, 0x00, 0x27, 0x01, 0x4B, 0x4E, 0x44, 0x50, 0x01, 0x01, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07,
            0x08, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x00,
            0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x03, 0x00, 0x00, 0x00, 0x0E, 0x02, 0x01, 0x00, 0x00, 0x00, 0x01, 0x00,
            0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x07,
        ]
        #expect(Array(bytes.readableBytesView) == page)
        var reader = FrameReader()
        reader.append(ByteBuffer(bytes: page))
        let frames = [try reader.next(maximum: 100), try reader.next(maximum: 100)]
        var helloBody = try #require(frames[0]).body
        var welcomeBody = try #require(frames[1]).body
        #expect(try Hello(body: &helloBody) == hello)
        #expect(try Welcome(body: &welcomeBody) == welcome)
    }

    @Test("a frame that is announced too long is refused with its first four bytes")
    func tooLong() throws {
        var reader = FrameReader()
        reader.append(ByteBuffer(bytes: RawFrame.length(100)))
        #expect(try reader.next(maximum: 100) == nil)
        #expect(throws: MalformedBytes("frame: length 100 is not between 1 and 99")) { try reader.next(maximum: 99) }
    }

    @Test("frames come out whole, wherever reads cut them")
    func cuts() throws {
        let bytes = RawFrame.ping(1) + RawFrame.frame(4, [9, 9, 9]) + RawFrame.refusal("") + RawFrame.ping(2)
        for first in 0...bytes.count {
            for second in [first, (first + bytes.count) / 2] {
                var reader = FrameReader()
                var frames: [[UInt8]] = []
                for part in [bytes[..<first], bytes[first..<second], bytes[second...]] {
                    reader.append(ByteBuffer(bytes: part))
                    while let frame = try reader.next(maximum: 100) {
                        frames.append([frame.kind.rawValue] + Array(frame.body.readableBytesView))
                    }
                    reader.trim()
                }
                #expect(frames == [[5, 0, 0, 0, 0, 0, 0, 0, 1], [4, 9, 9, 9], [3], [5, 0, 0, 0, 0, 0, 0, 0, 2]])
            }
        }
    }

    @Test("as many connections as are allowed, and one node's only once")
    func connections() {
        var connections = IncomingConnections(maximum: 2)
        let network = PeerNetwork(
            on: MultiThreadedEventLoopGroup.singleton.next(),
            configuration: PeerConfiguration(
                clusterID: testClusterID, node: NodeID(1), generation: 1,
                listen: PeerAddress(host: "127.0.0.1", port: 0)),
            wallClock: { 0 }, logger: LogLines().logger)
        let handlers = (0..<3).map { _ in IncomingHandler(network) }
        #expect(connections.add(handlers[0]) && connections.add(handlers[1]) && !connections.add(handlers[2]))
        #expect(connections.setCurrent(handlers[0], of: NodeID(2)) == nil)
        #expect(connections.setCurrent(handlers[1], of: NodeID(2)) === handlers[0])
        connections.remove(handlers[0], NodeID(2))
        #expect(connections.of(NodeID(2)) === handlers[1])
        #expect(connections.add(handlers[2]) == true)
        connections.remove(handlers[1], NodeID(2))
        #expect(connections.of(NodeID(2)) == nil && connections.count == 1)
    }

    @Test("generations are remembered for so many nodes")
    func generations() {
        var generations = Generations(capacity: 2)
        #expect(generations.admit(NodeID(1), 5) == nil)
        #expect(generations.admit(NodeID(1), 4) == "generation 4 of node n1 has been replaced by generation 5")
        #expect(generations.admit(NodeID(1), 5) == nil)
        #expect(generations.admit(NodeID(2), 0) == nil)
        #expect(generations.admit(NodeID(3), 0) == "too many nodes")
        #expect(generations.admit(NodeID(2), 1) == nil)
    }

    @Test(
        "a repeated line is logged once in ten seconds, others once a second; the next one tells how many were left out"
    )
    func logLimits() {
        var limiter = LogLimiter()
        let start = NIODeadline.now()
        #expect(limiter.admit("a", now: start) == 0)
        #expect(limiter.admit("a", now: start + .seconds(9)) == nil)
        #expect(limiter.admit("a", now: start + .seconds(10)) == 1)
        #expect(limiter.admit("b", now: start + .milliseconds(10_900)) == nil)
        #expect(limiter.admit("b", now: start + .milliseconds(11_000)) == 1)
        #expect(limiter.admit("b", now: start + .milliseconds(20_999)) == nil)
    }

    @Test("addresses print as they are written")
    func addresses() {
        #expect("\(PeerAddress(host: "db-1.example", port: 7000))" == "db-1.example:7000")
        #expect("\(PeerAddress(host: "::1", port: 7000))" == "[::1]:7000")
    }
}
