package import KindredStorage
internal import Synchronization

/// An engine that works like the one it wraps, except for the failures that it was told to produce: the n-th call of
/// a kind from now on throws a chosen error. Nothing is left to chance.
///
/// After an injected failure of `commit` or `synchronize`, later ones throw the same error until `reopen`, as the
/// engine on RocksDB does, unless the fault says that the engine goes on.
package final class FaultyStorageEngine: StorageEngine {
    /// The calls that can be made to fail.
    package enum Call: Hashable, CaseIterable, Sendable {
        /// `value`.
        case value
        /// `valueInMemory`.
        case valueInMemory
        case scan
        case commit
        case synchronize
        case reopen
    }

    /// What a failing call does beside throwing.
    package enum Effect: Hashable, Sendable {
        /// The call has no effect, and the engine goes on: a refusal.
        case refused
        /// The call has no effect, and the engine wants to be reopened.
        case lost
        /// The call has its whole effect although it throws, and the engine wants to be reopened: whether a failed
        /// commit was written is something only `reopen` finds out.
        case applied
    }

    private struct Fault {
        var callsLeft: Int
        var error: StorageError
        var effect: Effect
    }

    private struct State {
        var faults: [Call: [Fault]] = [:]
        var counts: [Call: Int] = [:]
        var failure: StorageError?
        var memoryIsEmpty = false
    }

    private let base: any StorageEngine
    private let state = Mutex(State())

    /// Wraps an engine; without faults, all calls are passed on.
    package init(_ base: any StorageEngine) {
        self.base = base
    }

    // MARK: Faults

    /// Makes the `number`-th such call from now on fail; 1 is the next one.
    package func fail(
        _ call: Call, number: Int = 1, with error: StorageError, effect: Effect = .lost
    ) {
        precondition(number >= 1, "call number \(number) has been made already")
        state.withLock { $0.faults[call, default: []].append(Fault(callsLeft: number, error: error, effect: effect)) }
    }

    /// Whether `valueInMemory` answers `.needsDisk` to everything, as if nothing were in memory.
    package var memoryIsEmpty: Bool {
        get { state.withLock { $0.memoryIsEmpty } }
        set { state.withLock { $0.memoryIsEmpty = newValue } }
    }

    /// How many such calls there were, the failed ones included.
    package func count(of call: Call) -> Int {
        state.withLock { $0.counts[call, default: 0] }
    }

    // MARK: StorageEngine

    package func value(_ table: Table, for key: [UInt8]) throws(StorageError) -> [UInt8]? {
        try throwFault(.value)
        return try base.value(table, for: key)
    }

    package func valueInMemory(_ table: Table, for key: [UInt8]) throws(StorageError) -> MemoryRead {
        try throwFault(.valueInMemory)
        return memoryIsEmpty ? .needsDisk : try base.valueInMemory(table, for: key)
    }

    package func scan(
        _ table: Table, from lower: [UInt8], to upper: [UInt8]?,
        _ visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> ScanStep
    ) throws(StorageError) {
        try throwFault(.scan)
        try base.scan(table, from: lower, to: upper, visit)
    }

    package func commit(_ batch: WriteBatch) throws(StorageError) {
        try throwEarlierFailure()
        try change(.commit) { () throws(StorageError) in try base.commit(batch) }
    }

    package func synchronize() throws(StorageError) {
        try throwEarlierFailure()
        try change(.synchronize) { () throws(StorageError) in try base.synchronize() }
    }

    package func reopen() throws(StorageError) {
        try throwFault(.reopen)
        try base.reopen()
        state.withLock { $0.failure = nil }
    }

    package func close() throws(StorageError) {
        try base.close()
    }

    // MARK: Helpers

    private func change(_ call: Call, _ body: () throws(StorageError) -> Void) throws(StorageError) {
        guard let fault = dueFault(call) else { return try body() }
        if fault.effect == .applied { try body() }
        if fault.effect != .refused { state.withLock { $0.failure = fault.error } }
        throw fault.error
    }

    private func throwFault(_ call: Call) throws(StorageError) {
        if let fault = dueFault(call) { throw fault.error }
    }

    private func throwEarlierFailure() throws(StorageError) {
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    /// Counts a call, and takes out the fault whose turn it is.
    private func dueFault(_ call: Call) -> Fault? {
        state.withLock { state in
            state.counts[call, default: 0] += 1
            var faults = state.faults[call, default: []]
            for index in faults.indices { faults[index].callsLeft -= 1 }
            let due = faults.first { $0.callsLeft <= 0 }
            faults.removeAll { $0.callsLeft <= 0 }
            state.faults[call] = faults
            return due
        }
    }
}
