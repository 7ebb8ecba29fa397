import KindredModel
import KindredReplication
import KindredStorage
import Logging
import NIOCore
import NIOPosix
import Testing

@testable import KindredNode

/// How a node that is alone keeps its conflict log small while it is being written to.
@Suite struct ConflictRetentionTests {
    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let engine = MemoryStorageEngine()

    /// A node over the engine. Each of its partitions keeps a mebibyte of the log: that is the least.
    private func node() throws -> DataLoop {
        var configuration = NodeConfiguration(
            durability: .relaxed, cacheBytes: 8 << 20, partitions: 2, name: "test",
            conflictLogLimits: ConflictLogLimits(milliseconds: 1_000_000, bytes: 1))
        configuration.keepsConflictLog = true
        let time = 1_700_000_000_000 as UInt64
        return try DataLoop(
            on: group.next(), engine: engine, configuration: configuration,
            environment: NodeEnvironment(
                wallClock: { time }, bootID: "boot",
                randomBytes: { count in (0..<count).map { UInt8(truncatingIfNeeded: $0) } }, offload: { $0() },
                synchronizer: { $0() }),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    }

    private func overwrite(_ times: Int, on loop: DataLoop) async throws {
        let content = ObjectContent(value: Array(repeating: 7, count: 8_000)).encoded()
        for number in 0..<times {
            let name = ObjectName(
                type: Array("last_write_wins".utf8), bucket: Array("b".utf8), key: Array("k\(number % 8)".utf8))
            _ = try await loop.run { loop throws(RequestFailure) in
                try name.withReference { object throws(RequestFailure) in
                    try loop.put(PutRequest(object: object, content: content, token: nil))?.isNew
                }
            }
        }
    }

    /// How many bytes the log has on the disk.
    private func size() throws -> Int {
        var bytes = 0
        for partition in 0..<UInt16(2) {
            let prefix = KeyLayout.conflictPrefix(partition: partition)
            try engine.scan(.objects, from: prefix, to: KeyLayout.successor(ofPrefix: prefix)) { key, value in
                bytes += key.count + value.count
                return .next
            }
        }
        return bytes
    }

    private func tidy(_ loop: DataLoop) async throws {
        try await loop.eventLoop.submit { loop.tidyConflicts() }.get()
        _ = try await loop.run { loop throws(RequestFailure) -> Int? in 0 }
    }

    @Test("The log stays within its size while it is written to, from the start on and after a restart with a full log")
    func underLoad() async throws {
        let first = try node()
        for _ in 0..<6 {
            try await overwrite(200, on: first)
            try await tidy(first)
            #expect(try size() <= 2 << 20)
        }
        // A killed process leaves what it has committed, and this one finds more than it may keep.
        try await overwrite(400, on: first)
        #expect(try size() > 3 << 20)
        let second = try node()
        for _ in 0..<3 {
            try await overwrite(100, on: second)
            try await tidy(second)
        }
        #expect(try size() <= 2 << 20)
        #expect(try size() > 1 << 20)
        try await group.shutdownGracefully()
    }
}
