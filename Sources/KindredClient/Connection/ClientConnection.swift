import Foundation
import KindredWire
import NIOCore
import NIOPosix
import Synchronization

/// One connection to a server: frames out, frames in, in the same order.
///
/// A value to hand around; what it stands for lives on the connection's event loop, in `ConnectionHandler`.
struct ClientConnection: Sendable {
    private let channel: any Channel
    private let handler: NIOLoopBound<ConnectionHandler>

    /// Connects.
    static func open(
        host: String, port: Int, configuration: ClientConfiguration
    ) async throws(ClientError) -> ClientConnection {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connectTimeout(TimeAmount(configuration.connectTimeout))
        do {
            return try await bootstrap.connect(host: host, port: port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let handler = ConnectionHandler(configuration: configuration, eventLoop: channel.eventLoop)
                    try channel.pipeline.syncOperations.addHandler(handler)
                    return ClientConnection(
                        channel: channel, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
                }
            }
        } catch {
            throw ClientError(.unreachable, "cannot reach \(host):\(port): \(Self.reason(error))")
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let failure = error.connectionErrors.last { return reason(failure.error) }
            return "no such host"
        case let error as IOError where error.errnoCode == ECONNREFUSED: return "connection refused"
        case let error as IOError where error.errnoCode == ETIMEDOUT: return "no answer"
        case let error as IOError where error.errnoCode == EHOSTUNREACH: return "no route to the host"
        case let error as IOError where error.errnoCode == ENETUNREACH: return "no route to the network"
        case ChannelError.connectTimeout: return "no answer"
        default: return "\(error)"
        }
    }

    /// Sends a request and waits for its answer.
    ///
    /// - Parameters:
    ///   - frame: the request, framed.
    ///   - expected: the code of its answer.
    /// - Returns: the body of the answer.
    func answer(to frame: ByteBuffer, as expected: RiakMessageCode) async throws(ClientError) -> ByteBuffer {
        let request = RequestHandle()
        let answer: Result<ByteBuffer, ClientError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                channel.eventLoop.execute {
                    handler.value.send(frame, PendingRequest(request, expected, .answer(continuation)))
                }
            }
        } onCancel: {
            request.cancel()
            channel.eventLoop.execute { handler.value.abandon(request) }
        }
        return try answer.get()
    }

    /// Sends a request for a listing, whose pieces go to `pieces` until it is complete.
    func list(_ frame: ByteBuffer, as expected: RiakMessageCode, into pieces: NameListing.Pieces.Source) {
        channel.eventLoop.execute {
            handler.value.send(frame, PendingRequest(RequestHandle(), expected, .listing(pieces)))
        }
    }

    /// Reads on, after a listing was asked to wait.
    func resumeReading() {
        channel.eventLoop.execute { handler.value.resumeReading() }
    }

    /// Ends the connection without waiting. Requests that wait for their answers fail.
    func close() {
        channel.eventLoop.execute { handler.value.close() }
    }

    /// Waits until the connection has ended.
    func closed() async {
        try? await channel.closeFuture.get()
    }
}

/// Names a request for the time it is under way, and says whether anybody still wants its answer.
final class RequestHandle: Sendable {
    private let cancelled = Atomic(false)

    var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    func cancel() { cancelled.store(true, ordering: .relaxed) }
}

extension TimeAmount {
    /// The duration, cut off where 64 bits of nanoseconds end.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let longest = Int64.max / 4
        guard !overflow else {
            self = seconds < 0 ? .zero : .nanoseconds(longest)
            return
        }
        self = .nanoseconds(min(nanoseconds, longest) + attoseconds / 1_000_000_000)
    }
}
