import AsyncHTTPClient
import Foundation
import KindredNode
import Logging
import NIOCore

/// Follows all keys of a cluster for one subscriber.
///
/// ```
///            ┌──────────────────────── pause, up to a second ◄── no endpoint answers: reachable(false)
///            ▼                                                            ▲
///   catch up: read everything; or only ask whether etcd answers, ─────────┘
///             if the watch can go on where it was
///            │ reachable(true)
///            ▼
///   follow: watch from the position, and ask the same endpoint every 2 s whether it answers
///            │ the stream breaks, the endpoint is silent, the position was compacted, or a minute is over
///            └──► catch up
/// ```
/// A watch is renewed every minute because a connection that something in between has forgotten looks like one on which
/// nothing happens. What is between two watches is not lost: etcd sends what happened since a revision.
actor EtcdWatch {
    private static let shortestPause: Duration = .milliseconds(50)
    private static let longestPause: Duration = .seconds(1)
    /// A watch that lasted so long has worked.
    private static let steady: Duration = .seconds(2)
    /// The longest line that is read. What is longer (many versions of large documents) is not needed: all is read anew.
    private static let lineBytes = 8 << 20

    private let keys: EtcdKeys
    private let gateway: EtcdGateway
    private let mailbox: ChangeMailbox
    private let probeInterval: Duration
    private let renewal: Duration
    private let logger: Logger
    private var view: EtcdView
    private var isReachable = true
    /// The watch that is open has been confirmed by etcd.
    private var isConfirmed = false
    /// The next watch can go on at the view's position.
    private var canResume = false

    init(
        _ configuration: EtcdConfiguration, keys: EtcdKeys, gateway: EtcdGateway, mailbox: ChangeMailbox, logger: Logger
    ) {
        self.keys = keys
        self.gateway = gateway
        self.mailbox = mailbox
        probeInterval = configuration.probeInterval
        renewal = configuration.watchRenewal
        self.logger = logger
        view = EtcdView(keys: keys)
    }

    /// Runs until the task is cancelled, or the store closed.
    func run() async {
        defer { mailbox.finish() }
        var pause: Duration = .zero
        while !Task.isCancelled {
            if pause > .zero {
                // Not all nodes at once, when etcd comes back.
                do { try await Task.sleep(for: pause * Double.random(in: 0.5...1)) } catch { return }
            }
            pause = min(max(pause * 2, Self.shortestPause), Self.longestPause)
            do throws(ConfigurationStoreError) {
                try await catchUp()
            } catch {
                if Task.isCancelled || error == .closed { return }
                tell(isReachable: false, reason: "\(error)")
                continue
            }
            tell(isReachable: true, reason: nil)
            let start = ContinuousClock.now
            let isRenewal = await follow(at: gateway.current)
            if isRenewal || start.duration(to: .now) >= Self.steady { pause = .zero }
        }
    }

    private func tell(isReachable: Bool, reason: String?) {
        guard isReachable != self.isReachable else { return }
        self.isReachable = isReachable
        if isReachable { logger.info("etcd answers again") } else { logger.warning("\(reason ?? "etcd is silent")") }
        mailbox.put(.reachable(isReachable, reason: reason))
    }

    // MARK: Catching up

    private func catchUp() async throws(ConfigurationStoreError) {
        if canResume {
            let _: EtcdRangeAnswer = try await gateway.call("/v3/kv/range", probe, .repeatable)
            return
        }
        let request = EtcdRangeRequest(key: keys.lower, rangeEnd: keys.upper)
        let answer: EtcdRangeAnswer = try await gateway.call("/v3/kv/range", request, .repeatable)
        deliver(view.apply(snapshot: answer.kvs ?? [], at: answer.header.revision?.value ?? 0))
    }

    /// A key that does not exist: etcd must have a quorum to say so.
    private var probe: EtcdRangeRequest { EtcdRangeRequest(key: keys.lower) }

    private func deliver(_ changes: [ConfigurationChange]) {
        for change in changes { mailbox.put(change) }
    }

    // MARK: Following

    /// Ends when something is wrong, or when it is time for another watch.
    ///
    /// - Returns: whether nothing is wrong.
    private func follow(at endpoint: Int) async -> Bool {
        isConfirmed = false
        canResume = true
        var isRenewal = false
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                defer { group.cancelAll() }
                group.addTask { try await self.receive(at: endpoint) }
                group.addTask { try await self.keepProbing(endpoint) }
                try await group.next()
            }
            isRenewal = isConfirmed
        } catch {
            logger.debug("a watch of etcd has ended: \(error)")
        }
        // Where no watch comes about, reading everything again and again still brings the news.
        if !isConfirmed { canResume = false }
        return isRenewal
    }

    private func receive(at endpoint: Int) async throws {
        let request = EtcdWatchRequest(
            createRequest: EtcdWatchRequest.Create(
                key: keys.lower, rangeEnd: keys.upper, startRevision: EtcdNumber(view.position + 1)))
        let body = try await gateway.open("/v3/watch", request, at: endpoint)
        var lines = LineSplitter(limit: Self.lineBytes)
        do {
            for try await piece in body {
                lines.append(piece)
                while let line = try lines.next() { try take(line) }
            }
        } catch is LineSplitter.LineTooLong {
            canResume = false
            throw EtcdFailure(.noAnswer, "a line of more than \(Self.lineBytes) bytes")
        }
        throw EtcdFailure(.noAnswer, "etcd has ended the stream")
    }

    private func take(_ line: ByteBuffer) throws(EtcdFailure) {
        guard let line: EtcdWatchLine = EtcdGateway.decode(line) else {
            canResume = false
            throw EtcdFailure(.noAnswer, "a line that etcd does not write")
        }
        guard let result = line.result else {
            canResume = false
            throw EtcdFailure(.refused, line.error?.text ?? "a line that says nothing")
        }
        if result.canceled == true {
            canResume = false
            let compacted = result.compactRevision.map { "compacted up to \($0.value)" }
            throw EtcdFailure(.refused, result.cancelReason ?? compacted ?? "cancelled")
        }
        isConfirmed = true
        guard let events = result.events, !events.isEmpty else { return }
        deliver(view.apply(events: events))
        gateway.saw(revision: view.position)
    }

    /// Asks the endpoint of the watch whether it answers, as long as it does, until it is time for another watch.
    private func keepProbing(_ endpoint: Int) async throws {
        let end = ContinuousClock.now + renewal
        while ContinuousClock.now < end {
            // An etcd that has stopped keeps its connections open: only asking finds out.
            try await Task.sleep(for: probeInterval)
            let _: EtcdRangeAnswer = try await gateway.call(at: endpoint, "/v3/kv/range", probe)
            guard isConfirmed else { throw EtcdFailure(.noAnswer, "it answers, but opens no watch") }
        }
    }
}
