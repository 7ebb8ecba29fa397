import Foundation
import Synchronization

/// Control-C while seeds run: the first one stops the pool, so that there is a report; a second one ends the process.
final class Interruption {
    private final class Flag: Sendable {
        let isSet = Mutex(false)
    }

    private let source: any DispatchSourceSignal
    private let flag = Flag()

    init(_ pool: SeedPool) {
        // The source is told although the signal itself does nothing.
        signal(SIGINT, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler { [flag] in
            flag.isSet.withLock { $0 = true }
            signal(SIGINT, SIG_DFL)
            pool.stop()
        }
        source.resume()
    }

    /// Gives Control-C back its meaning.
    ///
    /// - Returns: whether there was one.
    func end() -> Bool {
        source.cancel()
        signal(SIGINT, SIG_DFL)
        return flag.isSet.withLock { $0 }
    }
}
