import KindredNode
import KindredStorage
import KindredTesting
import Logging
import NIOCore
import NIOPosix
import Synchronization

/// A whole node without listeners: a data loop on an event loop of its own, over an engine that is memory unless another is given.
///
/// Its wall clock stands still until a test moves it, and its randomness is a sequence from a seed. The disk is as fast as a function call:
/// what would go to other threads happens at once.
final class TestNode: Sendable {
    let loop: DataLoop
    let engine: any StorageEngine
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let milliseconds: SharedNumber

    /// Takes over the data of `engine`, which no other running node may be using.
    init(
        engine: any StorageEngine = MemoryStorageEngine(), durability: Durability = .relaxed, partitions: UInt16 = 8,
        milliseconds: UInt64 = 1_700_000_000_000, seed: UInt64 = 1
    ) throws {
        let now = SharedNumber(milliseconds)
        let random = SharedRandom(seed: seed)
        self.engine = engine
        self.milliseconds = now
        loop = try DataLoop(
            on: group.next(), engine: engine,
            configuration: NodeConfiguration(
                durability: durability, cacheBytes: 8 << 20, partitions: partitions, name: "test"),
            environment: NodeEnvironment(
                wallClock: { now.value }, bootID: "test", randomBytes: { random.bytes($0) }, offload: { $0() },
                synchronizer: { $0() }),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    deinit {
        group.shutdownGracefully { _ in }
    }

    /// Moves the wall clock forward.
    func advance(milliseconds: UInt64) {
        self.milliseconds.add(milliseconds)
    }

    /// Closes the node in good order, and its engine with it. What a memory engine had is gone then: to see what a killed process would
    /// leave behind, let go of the node instead, and start another one on the same engine.
    func close() async throws {
        let loop = loop
        try await loop.eventLoop.submit { try loop.close() }.get()
    }
}

private final class SharedNumber: Sendable {
    private let state: Mutex<UInt64>

    init(_ value: UInt64) { state = Mutex(value) }

    var value: UInt64 { state.withLock { $0 } }

    func add(_ amount: UInt64) { state.withLock { $0 += amount } }
}

private final class SharedRandom: Sendable {
    private let state: Mutex<SplitMix64>

    init(seed: UInt64) { state = Mutex(SplitMix64(seed: seed)) }

    func bytes(_ count: Int) -> [UInt8] {
        state.withLock { random in (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) } }
    }
}
