import Synchronization

/// A `StorageEngine` without a disk: for tests, for the simulator, and for nodes whose data may go with the process.
///
/// What is committed stays until the engine itself goes away: `reopen` finds all of it, `synchronize` has nothing to
/// do. A mutex guards the tables; a scan works on a snapshot and holds no lock while it calls `visit`.
package final class MemoryStorageEngine: StorageEngine {
    private struct State {
        var tables = [SortedBytesMap](repeating: SortedBytesMap(), count: Table.allCases.count)
        var isClosed = false
    }

    private let state = Mutex(State())

    package init() {}

    package func value(_ table: Table, for key: [UInt8]) throws(StorageError) -> [UInt8]? {
        try withOpenState { state in state.tables[Int(table.rawValue)].value(for: key) }
    }

    package func valueInMemory(_ table: Table, for key: [UInt8]) throws(StorageError) -> MemoryRead {
        if let value = try value(table, for: key) { .found(value) } else { .absent }
    }

    package func commit(_ batch: WriteBatch) throws(StorageError) {
        try withOpenState { state in
            for operation in batch.operations {
                switch operation {
                case .put(let table, let key, let value):
                    state.tables[Int(table.rawValue)].put(key, value)
                case .delete(let table, let key):
                    state.tables[Int(table.rawValue)].delete(key)
                case .deleteRange(let table, let lower, let upper):
                    state.tables[Int(table.rawValue)].deleteRange(from: lower, to: upper)
                }
            }
        }
    }

    package func synchronize() throws(StorageError) {
        try withOpenState { _ in }
    }

    package func scan(
        _ table: Table, from lower: [UInt8], to upper: [UInt8]?,
        _ visit: (_ key: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> ScanStep
    ) throws(StorageError) {
        let snapshot = try withOpenState { state in state.tables[Int(table.rawValue)] }
        var position = snapshot.firstPosition(notBefore: lower)
        while let (key, value) = snapshot.entry(at: &position) {
            if let upper, Bytes.compare(key, upper) >= 0 { return }
            let step = key.withUnsafeBytes { key in value.withUnsafeBytes { value in visit(key, value) } }
            switch step {
            case .next:
                position = snapshot.position(after: position)
            case .seek(let target):
                position =
                    Bytes.compare(target, key) > 0
                    ? snapshot.firstPosition(notBefore: target) : snapshot.position(after: position)
            case .stop:
                return
            }
        }
    }

    package func reopen() throws(StorageError) {
        try withOpenState { _ in }
    }

    package func close() throws(StorageError) {
        state.withLock { state in
            state.isClosed = true
            state.tables = []
        }
    }

    private func withOpenState<Result: Sendable>(
        _ body: (inout State) -> Result
    ) throws(StorageError) -> Result {
        let result: Result? = state.withLock { state in
            state.isClosed ? nil : body(&state)
        }
        guard let result else { throw .closed }
        return result
    }
}
