import KindredStorage
import NIOCore

/// One operation from outside the data loop, for callers that are not connections of it: they may use `async`.
///
/// Each costs a continuation and two hops between threads, which HTTP and administration can afford.
final class TickJob<Answer: Sendable>: TickParticipant {
    private let body: @Sendable (DataLoop) throws(RequestFailure) -> Answer?
    private let continuation: CheckedContinuation<Result<Answer, RequestFailure>, Never>
    private let loop: DataLoop
    private var result: Result<Answer, RequestFailure>?
    private var after = CommitSequence.zero

    init(
        on loop: DataLoop, _ body: @escaping @Sendable (DataLoop) throws(RequestFailure) -> Answer?,
        _ continuation: CheckedContinuation<Result<Answer, RequestFailure>, Never>
    ) {
        self.loop = loop
        self.body = body
        self.continuation = continuation
    }

    func perform(on loop: DataLoop) {
        do throws(RequestFailure) {
            // Nil: an object is on its way from the disk, and the loop will let us perform again.
            result = try body(loop).map { .success($0) }
        } catch {
            result = .failure(error)
        }
    }

    func finish(_ end: TickEnd) {
        guard let result else { return }
        switch end {
        case .committed(after: nil): continuation.resume(returning: result)
        case .committed(after: let sequence?):
            after = sequence
            loop.awaitSynchronization(self)
        case .failed(let error): continuation.resume(returning: .failure(.storage(error)))
        }
    }

    func release(_ released: Result<CommitSequence, StorageError>) {
        switch released {
        case .success(let sequence) where sequence < after: loop.awaitSynchronization(self)
        case .success: continuation.resume(returning: result ?? .failure(.storage(.closed)))
        case .failure(let error): continuation.resume(returning: .failure(.storage(error)))
        }
    }
}

extension DataLoop {
    /// Runs `body` in a tick, and answers when its writes are as durable as configured.
    ///
    /// - Parameter body: runs on the event loop, as often as it answers nil because an object has to be loaded first.
    package func run<Answer: Sendable>(
        _ body: @escaping @Sendable (DataLoop) throws(RequestFailure) -> Answer?
    ) async throws(RequestFailure) -> Answer {
        let result = await withCheckedContinuation { continuation in
            eventLoop.execute { self.enqueue(TickJob(on: self, body, continuation)) }
        }
        return try result.get()
    }
}
