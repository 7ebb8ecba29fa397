package import KindredNode
package import KindredReplication
package import Logging
package import NIOCore

/// A node's connections with its peers: carries messages, and finds out who is reachable.
///
/// Each node dials each peer, and sends over the connection that it has dialled; so there are two connections between
/// two nodes, one for each direction, and nothing to negotiate. docs/formats/peer-transport.md has the bytes.
///
///     send ─► encoded into the batch of the peer's link ─► flush: one write ─► ······ ─► one read: frames ─► received
///
/// **Messages may be lost**: when there is no connection, when too much waits for a slow one, and when a connection
/// ends. They are delivered once at most, and whole. Nothing here repeats them, for whoever sends one asks again until
/// it is answered.
///
/// No message costs a task, a future, a closure or a lock. It runs until it is closed.
///
/// - Note: `@unchecked Sendable` because the callbacks of channels are handed it. All of its state belongs to the event
///   loop and is touched only there.
package final class PeerNetwork: PeerTransport, @unchecked Sendable {
    package let eventLoop: any EventLoop
    package let configuration: PeerConfiguration
    let logger: Logger
    /// Microseconds since 1970.
    let wallClock: @Sendable () -> UInt64
    private(set) weak var observer: (any PeerObserver)?

    private(set) var links: [NodeID: PeerLink] = [:]
    /// Those that were set before the network was running.
    private var firstPeers: [NodeID: PeerAddress] = [:]
    private var dirty: [PeerLink] = []
    /// What a message is encoded into, before its length is known.
    private var scratch: [UInt8] = []
    var incoming = IncomingConnections()
    var generations = Generations()
    var incomingLog = LogLimiter()
    private var tooLongLog = LogLimiter()

    private var state = State.new
    private(set) var sourceAddress: SocketAddress?

    private enum State {
        case new
        case starting
        case running(any Channel, RepeatedTask, watch: RepeatedTask?)
        case closed
    }

    /// - Parameter wallClock: microseconds since 1970. Peers are told what it shows, and nothing is decided by it here.
    package init(
        on eventLoop: any EventLoop, configuration: PeerConfiguration, wallClock: @escaping @Sendable () -> UInt64,
        logger: Logger
    ) {
        self.wallClock = wallClock
        self.eventLoop = eventLoop
        self.configuration = configuration
        self.logger = logger
        heartbeatsOfSilence = configuration.heartbeats(in: configuration.silence, atLeast: 2)
        heartbeatsOfHandshake = configuration.heartbeats(
            in: .milliseconds(Limits.peerHandshakeMilliseconds), atLeast: heartbeatsOfSilence)
    }

    // MARK: Starting and closing

    /// Listens, and takes what peers say from now on. Peers that are known already are dialled.
    ///
    /// - Parameter observer: is not kept alive.
    /// - Returns: where it listens; with the port that the system has chosen, if it was to choose.
    package func start(observer: any PeerObserver & Sendable) async throws -> PeerAddress {
        try await eventLoop.flatSubmit { self.startOnLoop(observer: observer) }.get()
    }

    /// The same, on the event loop.
    package func startOnLoop(observer: any PeerObserver) -> EventLoopFuture<PeerAddress> {
        eventLoop.preconditionInEventLoop()
        guard case .new = state else { return eventLoop.makeFailedFuture(PeerNetworkError.alreadyStarted) }
        do throws(PeerNetworkError) {
            sourceAddress = try configuration.checked()
        } catch {
            return eventLoop.makeFailedFuture(error)
        }
        self.observer = observer
        state = .starting
        return bind().flatMapThrowing { channel in
            guard case .starting = self.state else {
                channel.close(promise: nil)
                throw ChannelError.alreadyClosed
            }
            self.run(channel)
            return PeerAddress(
                host: self.configuration.listen.host,
                port: channel.localAddress?.port ?? self.configuration.listen.port)
        }.flatMapErrorThrowing { error in
            if case .starting = self.state { self.state = .new }
            throw error
        }
    }

    private func run(_ channel: any Channel) {
        let heartbeats = eventLoop.scheduleRepeatedTask(
            initialDelay: configuration.heartbeat, delay: configuration.heartbeat
        ) { _ in self.tick() }
        let watch = configuration.tls?.watch(on: eventLoop, logger: logger)
        state = .running(channel, heartbeats, watch: watch)
        logger.info(
            "listening for peers",
            metadata: [
                "node": "\(configuration.node)", "address": "\(channel.localAddress.map { "\($0)" } ?? "")",
                "tls": "\(configuration.tls != nil)",
            ])
        setPeers(firstPeers)
    }

    /// Stops to listen, and closes all connections. What waits is dropped.
    package func close() async {
        let done = eventLoop.flatSubmit { self.closeOnLoop() }
        do { try await done.get() } catch { logger.debug("closing the network", metadata: ["error": "\(error)"]) }
    }

    private func closeOnLoop() -> EventLoopFuture<Void> {
        let before = state
        state = .closed
        for link in links.values { link.end() }
        links.removeAll()
        dirty.removeAll()
        for handler in incoming.handlers { handler.close() }
        observer = nil
        guard case .running(let channel, let heartbeats, let watch) = before else {
            return eventLoop.makeSucceededVoidFuture()
        }
        heartbeats.cancel()
        watch?.cancel()
        return channel.close()
    }

    // MARK: Peers

    /// Says who the peers are. New ones are dialled; those that are gone are forgotten, without a word about their
    /// reachability; those with another address are dialled there. The own node among them is overlooked.
    package func setPeers(_ peers: [NodeID: PeerAddress]) {
        eventLoop.preconditionInEventLoop()
        guard case .running = state else {
            firstPeers = peers
            return
        }
        for (node, link) in links where peers[node] == nil {
            link.end()
            links[node] = nil
        }
        for (node, address) in peers.sorted(by: { $0.key < $1.key }) where node != configuration.node {
            if let link = links[node] {
                link.move(to: address)
            } else {
                let link = PeerLink(node, at: address, in: self)
                links[node] = link
                link.dial()
            }
        }
    }

    /// What is known of each peer, in the order of their ids.
    package func status() -> [PeerStatus] {
        eventLoop.preconditionInEventLoop()
        return links.values.map(\.status).sorted { $0.node < $1.node }
    }

    /// How far the clocks are of those that can be reached.
    package func clocks() -> [NodeID: ClockMeasurement] {
        eventLoop.preconditionInEventLoop()
        let (now, wall) = (NIODeadline.now().uptimeNanoseconds / 1_000, wallClock())
        return links.values.reduce(into: [:]) { clocks, link in
            if link.verdict == true { clocks[link.node] = link.clock.measurement(now: now, wall: wall) }
        }
    }

    // MARK: Messages

    /// Has a message sent with the next `flush`. It is dropped, and counted, if there is no connection to the node or
    /// too much waits for it.
    package func send(_ message: PeerMessage, to node: NodeID) {
        eventLoop.assertInEventLoop()
        guard let link = links[node] else { return }
        guard link.canSend else { return link.countDropped() }
        scratch.removeAll(keepingCapacity: scratch.capacity <= Limits.peerBatchBytes)
        message.encode(into: &scratch)
        if scratch.count > Limits.peerMessageBytes { logTooLong(message, to: node) }
        let hadMessages = link.hasMessages
        if link.send(scratch), !hadMessages { dirty.append(link) }
    }

    /// Writes what waits. To be called once a tick.
    package func flush() {
        eventLoop.assertInEventLoop()
        guard !dirty.isEmpty else { return }
        for link in dirty { link.flush() }
        dirty.removeAll(keepingCapacity: true)
    }

    func received(_ messages: [PeerMessage], from node: NodeID) {
        observer?.received(messages, from: node)
    }

    func count(messages: Int, bytes: Int, from node: NodeID) {
        guard let link = links[node] else { return }
        link.traffic.messagesIn += UInt64(messages)
        link.traffic.bytesIn += UInt64(bytes)
    }

    private func logTooLong(_ message: PeerMessage, to node: NodeID) {
        guard let suppressed = tooLongLog.admit("\(node)") else { return }
        logger.error(
            "a message is too long to be sent",
            metadata: [
                "peer": "\(node)", "kind": "\(message.kind)", "bytes": "\(scratch.count)",
                "maximum": "\(Limits.peerMessageBytes)", "suppressed": "\(suppressed)",
            ])
    }

    // MARK: Heartbeats

    let heartbeatsOfSilence: Int
    let heartbeatsOfHandshake: Int

    private func tick() {
        for link in Array(links.values) { link.tick() }
        for handler in incoming.handlers { handler.tick() }
    }

    /// Whether this node's own connection to the peer works, so that answers get there.
    func canAnswer(_ node: NodeID) -> Bool { links[node]?.isWorking ?? false }

    /// Tells a peer at once what it would learn with its next heartbeat.
    func tell(_ node: NodeID, isAnswerable: Bool) {
        incoming.of(node)?.pong()
    }
}
