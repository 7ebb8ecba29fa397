import Foundation
import KindredModel
import KindredNode
import KindredPeer
import KindredReplication
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

let testClusterID: [UInt8] = Array(1...16)

/// One node's network, and what it has told its observer.
final class TestPeer: Sendable {
    let node: NodeID
    let network: PeerNetwork
    let recorder: Recorder
    let address: PeerAddress
    let log: LogLines
    /// A thread of its own: a loop that is busy with another test's messages answers no heartbeats.
    private let group: MultiThreadedEventLoopGroup

    /// Starts a network that listens on the loopback.
    static func start(
        _ node: UInt32, generation: UInt64 = 1, port: Int = 0, clusterID: [UInt8] = testClusterID, tls: PeerTLS? = nil,
        sourceHost: String? = nil, heartbeat: TimeAmount = .milliseconds(100), silence: TimeAmount = .seconds(1),
        firstPause: TimeAmount = .milliseconds(50), longestPause: TimeAmount = .seconds(1),
        wallClock: @escaping @Sendable () -> UInt64 = { RawFrame.wall }
    ) async throws -> TestPeer {
        let log = LogLines()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let network = PeerNetwork(
            on: group.next(),
            configuration: PeerConfiguration(
                clusterID: clusterID, node: NodeID(node), generation: generation,
                listen: PeerAddress(host: "127.0.0.1", port: port), sourceHost: sourceHost, tls: tls,
                heartbeat: heartbeat, silence: silence, firstPause: firstPause, longestPause: longestPause),
            wallClock: wallClock, logger: log.logger)
        let recorder = Recorder()
        do {
            let address = try await network.start(observer: recorder)
            return TestPeer(NodeID(node), network, recorder, address, log, group)
        } catch {
            try await group.shutdownGracefully()
            throw error
        }
    }

    private init(
        _ node: NodeID, _ network: PeerNetwork, _ recorder: Recorder, _ address: PeerAddress, _ log: LogLines,
        _ group: MultiThreadedEventLoopGroup
    ) {
        self.node = node
        self.network = network
        self.recorder = recorder
        self.address = address
        self.log = log
        self.group = group
    }

    deinit { group.shutdownGracefully { _ in } }

    func setPeers(_ peers: [NodeID: PeerAddress]) async throws {
        try await network.eventLoop.submit { self.network.setPeers(peers) }.get()
    }

    /// Sends in one tick.
    func send(_ messages: [PeerMessage], to node: NodeID) async throws {
        try await network.eventLoop.submit {
            for message in messages { self.network.send(message, to: node) }
            self.network.flush()
        }.get()
    }

    func status(of node: NodeID) async throws -> PeerStatus? {
        try await network.eventLoop.submit { self.network.status() }.get().first { $0.node == node }
    }

    /// Makes both known to each other, and waits until they are reachable.
    static func connect(_ peers: TestPeer...) async throws {
        let addresses = Dictionary(uniqueKeysWithValues: peers.map { ($0.node, $0.address) })
        for peer in peers { try await peer.setPeers(addresses) }
        for peer in peers {
            for other in peers where other.node != peer.node {
                try await eventually("\(peer.node) reaches \(other.node)") {
                    peer.recorder.verdicts(of: other.node).last == true
                }
            }
        }
    }

    static func close(_ peers: TestPeer...) async {
        for peer in peers { await peer.network.close() }
    }
}

/// Writes down what a network says.
final class Recorder: PeerObserver, Sendable {
    private struct Heard {
        var reads: [(node: NodeID, messages: [PeerMessage])] = []
        var verdicts: [(node: NodeID, isReachable: Bool)] = []
    }

    private let heard = Mutex(Heard())

    func received(_ messages: [PeerMessage], from node: NodeID) {
        heard.withLock { $0.reads.append((node, messages)) }
    }

    func reachabilityChanged(of node: NodeID, isReachable: Bool) {
        heard.withLock { $0.verdicts.append((node, isReachable)) }
    }

    /// Everything from a node, in order.
    func messages(from node: NodeID) -> [PeerMessage] {
        heard.withLock { $0.reads.filter { $0.node == node }.flatMap(\.messages) }
    }

    func countOfReads(from node: NodeID) -> Int {
        heard.withLock { $0.reads.count { $0.node == node } }
    }

    func verdicts(of node: NodeID) -> [Bool] {
        heard.withLock { $0.verdicts.filter { $0.node == node }.map(\.isReachable) }
    }
}

/// What a logger was given.
final class LogLines: Sendable {
    private let lines = Mutex<[String]>([])

    func count(of text: String) -> Int {
        lines.withLock { $0.count { $0.contains(text) } }
    }

    func contains(_ text: String) -> Bool {
        lines.withLock { $0.contains { $0.contains(text) } }
    }

    var logger: Logger { Logger(label: "peer") { _ in Handler(lines: self) } }

    private struct Handler: LogHandler {
        let lines: LogLines
        var logLevel = Logger.Level.debug
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let line = "\(event.level) \(event.message) \(event.metadata ?? [:])"
            lines.lines.withLock { $0.append(line) }
        }
    }
}

struct NeverHappened: Error, CustomStringConvertible {
    let what: String
    var description: String { "never happened: \(what)" }
}

/// Waits for a condition.
func eventually(
    _ what: String, within limit: Duration = .seconds(20), _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw NeverHappened(what: what) }
        try await Task.sleep(for: .milliseconds(2))
    }
}

/// A message of this many bytes, give or take what its lengths take.
func message(ofAbout byteCount: Int, id: UInt64 = 1) -> PeerMessage {
    let version = Version(
        dot: Dot(ActorID(1), 1), timestamp: .zero, content: [UInt8](repeating: UInt8(id & 0xFF), count: byteCount)[...])
    let object = CausalObject(versions: [version], context: CausalContext())
    let update = ObjectUpdate(address: [0, 0, 0, 1, 0, 1, 0x62, 0x6B], object: object, events: [])
    return .readReply(ReadReply(id: id, result: .success(update)))
}

/// A message of exactly this many bytes.
func message(of byteCount: Int) -> PeerMessage {
    var content = byteCount - 100
    while true {
        let missing = byteCount - message(ofAbout: content).encoded().count
        if missing == 0 { return message(ofAbout: content) }
        content += missing
    }
}
