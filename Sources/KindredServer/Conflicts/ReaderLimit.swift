import NIOConcurrencyHelpers

/// How many may read the conflict log at a time: each holds a part of it in memory.
final class ReaderLimit: Sendable {
    private let readers = NIOLockedValueBox(0)
    private let most: Int

    init(_ most: Int) {
        self.most = most
    }

    /// Begins to read.
    ///
    /// - Returns: whether there was room. If so, `end` must be called once.
    func begin() -> Bool {
        readers.withLockedValue { readers in
            guard readers < most else { return false }
            readers += 1
            return true
        }
    }

    func end() {
        readers.withLockedValue { $0 -= 1 }
    }
}
