import Foundation
import KindredSimulator
import Synchronization

/// Runs seeds side by side, each from its beginning to its end in one thread.
///
/// Seeds are begun in ascending order, and every seed that was begun is finished. So once the pool has stopped at a
/// violation, all smaller seeds have been run, too: the smallest seed that breaks a promise does not depend on how many
/// threads there are, or how fast each is.
final class SeedPool: Sendable {
    private struct State {
        /// The next seed to begin; nil if none is to be begun any more.
        var next: UInt64?
        var threads = 0
        /// What the caller has not been given yet.
        var outcomes: [SeedOutcome] = []
    }

    /// How often the caller gets to say how far it is, in milliseconds.
    private static let pace = 100
    /// Messages cause messages, and a step is deep: far more than a seed needs.
    private static let stackBytes = 16 << 20

    private let seeds: ClosedRange<UInt64>
    private let stopsAtViolation: Bool
    private let state: Mutex<State>
    private let hasNews = DispatchSemaphore(value: 0)

    init(seeds: ClosedRange<UInt64>, stopsAtViolation: Bool) {
        self.seeds = seeds
        self.stopsAtViolation = stopsAtViolation
        state = Mutex(State(next: seeds.lowerBound))
    }

    /// Begins no further seed.
    func stop() {
        state.withLock { $0.next = nil }
    }

    /// Runs the seeds, and returns when all that were begun have ended.
    ///
    /// - Parameters:
    ///   - jobs: how many run at a time.
    ///   - run: runs one seed; called in several threads.
    ///   - each: takes an outcome; called in the caller's thread, in the order in which seeds end.
    ///   - pulse: called in the caller's thread, some times a second.
    func run(
        jobs: Int, run: @escaping @Sendable (UInt64) -> SeedOutcome, each: (SeedOutcome) -> Void,
        pulse: () -> Void = {}
    ) {
        let threads = min(jobs, Int(clamping: seeds.upperBound - seeds.lowerBound + 1))
        state.withLock { $0.threads = threads }
        for _ in 0..<threads {
            let thread = Thread { self.work(run) }
            thread.stackSize = Self.stackBytes
            thread.start()
        }
        var isRunning = true
        while isRunning {
            _ = hasNews.wait(timeout: .now() + .milliseconds(Self.pace))
            let outcomes = state.withLock { state in
                isRunning = state.threads > 0
                defer { state.outcomes = [] }
                return state.outcomes
            }
            for outcome in outcomes { each(outcome) }
            pulse()
        }
    }

    private func work(_ run: (UInt64) -> SeedOutcome) {
        while let seed = takeSeed() {
            let outcome = run(seed)
            state.withLock { state in
                state.outcomes.append(outcome)
                if stopsAtViolation, outcome.violation != nil { state.next = nil }
            }
            hasNews.signal()
        }
        state.withLock { $0.threads -= 1 }
        hasNews.signal()
    }

    private func takeSeed() -> UInt64? {
        state.withLock { state in
            guard let seed = state.next else { return nil }
            state.next = seed < seeds.upperBound ? seed + 1 : nil
            return seed
        }
    }
}
