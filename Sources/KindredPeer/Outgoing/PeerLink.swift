import KindredNode
import KindredReplication
import Logging
import NIOCore
import NIOPosix

/// This node's way to one peer: dials it, over and over, and decides whether it is reachable.
///
///            ┌──────────────────────────── lost ◄─────────────┬─────────────────┐
///            ▼                                                │                 │
///     resting ──pause is over, or the peer dials us──► dialling ──► greeting ──► open
///
/// **Reachable** means that an answer can come: the peer answers heartbeats on this connection, and says that its own
/// connection to this node, over which its answers come, works as well. The peer is **unreachable** from the moment the
/// connection is lost or refused, or when heartbeats have not been answered for the configured silence.
///
/// Silence is counted in heartbeats of our own, not in time: if this node's loop has stood still, it has read no answers,
/// and should not blame others.
final class PeerLink {
    let node: NodeID
    private(set) var address: PeerAddress
    var traffic = PeerTraffic()

    private let network: PeerNetwork
    private var state = State.resting(nil)
    /// Tells a connection that has been asked for from one that has been given up since.
    private var attempt = 0
    /// Failures in a row.
    private var failures = 0
    private var batches = OutgoingBatches()

    // The failure detector.
    private var heartbeatsUnanswered = 0
    private var heartbeatsUndecided = 0
    private var roundTripNanoseconds: UInt64?
    private(set) var clock = ClockSamples()
    /// Whether this connection works, whatever the peer's does. The peer is told.
    private(set) var isWorking = false
    /// The last word to the observer.
    private(set) var verdict: Bool?
    private var since = NIODeadline.now()
    private var lastFailure: LinkFailure?
    private var failureLog = LogLimiter()

    private enum State {
        /// Until the pause is over; none if nobody has dialled yet.
        case resting(Scheduled<Void>?)
        case dialling
        case greeting(OutgoingHandler)
        /// With which generation of the peer.
        case open(OutgoingHandler, generation: UInt64)
        /// The peer is none any more.
        case ended
    }

    init(_ node: NodeID, at address: PeerAddress, in network: PeerNetwork) {
        self.node = node
        self.address = address
        self.network = network
    }

    // MARK: Messages

    /// Whether there is a connection that takes messages.
    var canSend: Bool {
        if case .open = state { true } else { false }
    }

    /// Whether there is something to flush.
    var hasMessages: Bool { !batches.isEmpty }

    /// - Returns: false if it has been dropped.
    func send(_ message: [UInt8]) -> Bool {
        guard canSend, batches.append(message, maximumWaiting: Limits.peerWaitingBytes) else {
            traffic.dropped += 1
            return false
        }
        return true
    }

    func countDropped() { traffic.dropped += 1 }

    /// Writes what waits, as far as the channel takes it.
    func flush() {
        guard case .open(let handler, _) = state else { return }
        while handler.isWritable, let batch = batches.next() {
            traffic.messagesOut += UInt64(batch.messages)
            traffic.bytesOut += UInt64(batch.frame.readableBytes)
            handler.send(batch.frame)
        }
    }

    func becameWritable() { flush() }

    // MARK: Dialling

    func dial() {
        guard case .resting(let pause) = state else { return }
        pause?.cancel()
        state = .dialling
        heartbeatsUnanswered = 0
        attempt += 1
        let attempt = attempt
        network.connect(to: address).assumeIsolated().whenComplete { result in
            self.dialled(result, attempt: attempt)
        }
    }

    private func dialled(_ result: Result<any Channel, any Error>, attempt: Int) {
        guard case .dialling = state, attempt == self.attempt else {
            if case .success(let channel) = result { channel.close(promise: nil) }
            return
        }
        do {
            let channel = try result.get()
            let handler = OutgoingHandler(self, network.hello(to: node))
            state = .greeting(handler)
            heartbeatsUnanswered = 0
            try network.add(handler, to: channel)
            // A channel that has been closed already tells nobody.
            if !channel.isActive { lost(.closed(nil)) }
        } catch {
            lost(.notConnected("\(error)"))
        }
    }

    /// The peer has just dialled us, so it is there: waits no longer, and does not stay with a process that has been
    /// replaced.
    func wasDialled(by generation: UInt64) {
        if case .open(_, let known) = state, known < generation {
            lost(.stranger("an old process of \(node), generation \(known)"))
        }
        if case .resting(.some) = state { dial() }
    }

    func objection(to welcome: Welcome, _ hello: Hello) -> LinkFailure? {
        guard hello.lowestVersion...hello.highestVersion ~= welcome.version else {
            return .malformed("it chose version \(welcome.version), which was not offered")
        }
        guard welcome.node == node else { return .stranger("node \(welcome.node) instead of \(node)") }
        guard network.generations.admit(node, welcome.generation) == nil else {
            return .stranger("an old process of \(node), generation \(welcome.generation)")
        }
        return nil
    }

    func opened(_ welcome: Welcome) {
        guard case .greeting(let handler) = state else { return }
        state = .open(handler, generation: welcome.generation)
        network.incoming.of(node)?.wasReplaced(by: welcome.generation)
        heartbeatsUnanswered = 0
        // It may be another process, with another clock.
        clock = ClockSamples()
        ping(handler)
    }

    /// The connection has ended, or never began.
    func lost(_ failure: LinkFailure) {
        disconnect()
        lastFailure = failure
        failures += 1
        let pause = network.pause(afterFailures: failures)
        state = .resting(
            network.eventLoop.assumeIsolated().scheduleTask(in: pause) {
                self.dial()
            })
        report(false)
        log(failure)
    }

    func move(to address: PeerAddress) {
        guard address != self.address else { return }
        self.address = address
        lost(.moved)
        failures = 0
        dial()
    }

    /// The peer is none any more; nobody is told that it is unreachable.
    func end() {
        disconnect()
        state = .ended
    }

    private func disconnect() {
        switch state {
        case .resting(let pause): pause?.cancel()
        case .greeting(let handler), .open(let handler, _): handler.close()
        case .dialling, .ended: break
        }
        traffic.dropped += UInt64(batches.removeAll())
        roundTripNanoseconds = nil
        setWorking(false)
    }

    // MARK: The failure detector

    /// A heartbeat interval has passed.
    func tick() {
        heartbeatsUnanswered += 1
        switch state {
        case .open(let handler, _):
            if heartbeatsUnanswered >= network.heartbeatsOfSilence { lost(.silent) } else { ping(handler) }
        case .greeting:
            if heartbeatsUnanswered >= network.heartbeatsOfHandshake { lost(.silent) }
        case .dialling, .resting, .ended: break
        }
        if verdict == nil {
            heartbeatsUndecided += 1
            if heartbeatsUndecided >= network.heartbeatsOfSilence { report(false) }
        }
    }

    private func ping(_ handler: OutgoingHandler) {
        var frame = ByteBuffer()
        Ping.write(time: NIODeadline.now().uptimeNanoseconds, into: &frame)
        handler.send(frame)
    }

    /// The peer is there.
    func answered(_ pong: Pong) {
        heartbeatsUnanswered = 0
        failures = 0
        lastFailure = nil
        measure(pong)
        setWorking(true)
        // That it cannot answer is no news before the first word, for its connection may be about to be made.
        if pong.isAnswerable || verdict != nil { report(pong.isAnswerable) }
    }

    private func measure(_ pong: Pong) {
        let now = NIODeadline.now().uptimeNanoseconds
        guard pong.echo > 0, pong.echo <= now else { return }
        if let times = pong.times { clock.add(sent: pong.echo / 1_000, received: now / 1_000, times) }
        let latest = now - pong.echo
        roundTripNanoseconds = roundTripNanoseconds.map { $0 - $0 / 8 + latest / 8 } ?? latest
    }

    private func setWorking(_ isWorking: Bool) {
        guard isWorking != self.isWorking else { return }
        self.isWorking = isWorking
        network.tell(node, isAnswerable: isWorking)
    }

    private func report(_ isReachable: Bool) {
        guard verdict != isReachable else { return }
        verdict = isReachable
        since = .now()
        network.logger.notice(
            isReachable ? "peer is reachable" : "peer is unreachable",
            metadata: ["peer": "\(node)", "address": "\(address)"])
        network.observer?.reachabilityChanged(of: node, isReachable: isReachable)
    }

    private func log(_ failure: LinkFailure) {
        guard let suppressed = failureLog.admit("\(failure)") else { return }
        network.logger.log(
            level: failure.needsAttention ? .warning : .info, "connection to peer ended",
            metadata: [
                "peer": "\(node)", "address": "\(address)", "reason": "\(failure)", "suppressed": "\(suppressed)",
            ])
    }

    // MARK: Status

    var status: PeerStatus {
        let connection: PeerStatus.Connection =
            switch state {
            case .resting, .ended: .resting
            case .dialling: .dialling
            case .greeting: .greeting
            case .open: .open
            }
        return PeerStatus(
            node: node, address: address, connection: connection, isReachable: verdict ?? false, since: since,
            roundTripMicroseconds: roundTripNanoseconds.map { $0 / 1_000 }, lastFailure: lastFailure?.description,
            traffic: traffic)
    }
}
