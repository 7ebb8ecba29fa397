package import KindredStorage

/// Somebody whose requests the data loop runs: a connection, or a queued operation.
///
///     enqueue ──► perform ──► finish ──(if it has to wait for the disk)──► release
///
/// All calls come on the data loop's event loop.
package protocol TickParticipant: AnyObject {
    /// Runs what there is to run, to completion, and keeps the answers back.
    ///
    /// A request that answers "parked" has not happened: the data loop enqueues the participant again when it can.
    func perform(on loop: DataLoop)

    /// The tick is over: its writes are committed, or none of them are.
    func finish(_ end: TickEnd)

    /// Everything up to this commit is durable; or the storage failed, and whoever still waits will wait in vain. Called once for each
    /// `awaitSynchronization`.
    func release(_ result: Result<CommitSequence, StorageError>)
}

/// How a tick ended for one participant.
package enum TickEnd: Sendable {
    /// The answers are true. If `after` is set, they must not be given before that commit is durable: call `awaitSynchronization`.
    case committed(after: CommitSequence?)
    /// The tick's writes were not committed, so the answers are void, reads included, which may have shown such writes. With
    /// `.full` nothing was written; after any other error nobody knows until the storage has been opened again.
    case failed(StorageError)
}
