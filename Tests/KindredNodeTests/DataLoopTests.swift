import KindredModel
import KindredNode
import KindredReplication
import KindredStorage
import KindredTesting
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// A node on a real event loop over an engine that can be told to fail. Synchronizations are carried out when the test says so.
private final class Fixture: Sendable {
    let engine: FaultyStorageEngine
    let loop: DataLoop
    private let group: MultiThreadedEventLoopGroup

    init(
        over base: any StorageEngine = MemoryStorageEngine(), durability: Durability = .synced, holdsDisk: Bool = false,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    ) throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let held = HeldWork()
        self.group = group
        engine = FaultyStorageEngine(base)
        disk = held
        loop = try DataLoop(
            on: group.next(), engine: engine,
            configuration: NodeConfiguration(durability: durability, cacheBytes: 1 << 20, partitions: 4, name: "test"),
            environment: NodeEnvironment(
                wallClock: { 1_000_000 }, bootID: "boot",
                randomBytes: { count in (0..<count).map { UInt8(truncatingIfNeeded: $0) } },
                offload: { work in work() },
                synchronizer: { work in if holdsDisk { held.append(work) } else { work() } }),
            logger: logger)
    }

    let disk: HeldWork

    deinit {
        group.shutdownGracefully { _ in }
    }

    func put(
        _ value: String, to key: String = "k", type: String = "siblings", token: [UInt8] = []
    ) async throws -> [UInt8] {
        try await loop.run { loop throws(RequestFailure) in
            try Self.put(value, to: key, type: type, token: token, on: loop)
        }
    }

    static func put(
        _ value: String, to key: String, type: String, token: [UInt8], on loop: DataLoop
    ) throws(RequestFailure) -> [UInt8]? {
        let content = ObjectContent(value: Array(value.utf8)).encoded()
        let answer = try withReference(type, key) { object throws(RequestFailure) in
            try withBytes(token) { token throws(RequestFailure) in
                try loop.put(PutRequest(object: object, content: content, token: token))
            }
        }
        return answer.map { loop.token($0.writerKnows, for: $0.object.key) }
    }

    func get(_ key: String = "k", type: String = "siblings") async throws -> (values: [String], token: [UInt8]) {
        try await loop.run { loop throws(RequestFailure) in
            let answer = try withReference(type, key) { object throws(RequestFailure) in try loop.get(object) }
            guard let answer else { return nil }
            let values = answer.versions.compactMap { version in
                version.content.flatMap { try? ObjectContent(encoded: Array($0)) }
                    .map { String(decoding: $0.value, as: UTF8.self) }
            }
            return (values.sorted(), loop.token(answer.knowledge, for: answer.key))
        }
    }
}

/// The warnings that a logger was given.
private final class Warnings: Sendable {
    private let written = Mutex<[String]>([])

    var lines: [String] { written.withLock { $0 } }
    var logger: Logger { Logger(label: "test") { _ in Handler(warnings: self) } }

    private struct Handler: LogHandler {
        let warnings: Warnings
        var logLevel = Logger.Level.warning
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fields = (event.metadata ?? [:]).map { "\($0.key): \($0.value)" }.joined(separator: ", ")
            warnings.written.withLock { $0.append("\(event.message): \(fields)") }
        }
    }
}

/// Work that a test lets go when it likes.
private final class HeldWork: Sendable {
    private let work = Mutex<[@Sendable () -> Void]>([])

    func append(_ body: @escaping @Sendable () -> Void) {
        work.withLock { $0.append(body) }
    }

    var count: Int { work.withLock { $0.count } }

    func runOne() {
        let body = work.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        body?()
    }
}

private func withBytes<Result>(
    _ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws(RequestFailure) -> Result
) throws(RequestFailure) -> Result {
    do {
        return try bytes.withUnsafeBytes { try body($0) }
    } catch let failure as RequestFailure {
        throw failure
    } catch {
        throw .timeout
    }
}

private func withReference<Result>(
    _ type: String, _ key: String, _ body: (ObjectReference) throws(RequestFailure) -> Result
) throws(RequestFailure) -> Result {
    try withBytes(Array(type.utf8)) { type throws(RequestFailure) in
        try withBytes(Array("bucket".utf8)) { bucket throws(RequestFailure) in
            try withBytes(Array(key.utf8)) { key throws(RequestFailure) in
                try body(ObjectReference(type: type, bucket: bucket, key: key))
            }
        }
    }
}

@Suite struct DataLoopTests {
    @Test func keepsConcurrentWritesAndReplacesWhatWasSeen() async throws {
        let node = try Fixture()
        _ = try await node.put("apple")
        _ = try await node.put("banana")
        let found = try await node.get()
        #expect(found.values == ["apple", "banana"])
        _ = try await node.put("both", token: found.token)
        #expect(try await node.get().values == ["both"])
    }

    @Test("a key that gathers siblings is named in the log once, and each of its puts is counted")
    func manySiblings() async throws {
        let log = Warnings()
        let node = try Fixture(logger: log.logger)
        for number in 1..<Limits.siblingWarning { _ = try await node.put("\(number)", to: "basket") }
        #expect(log.lines.isEmpty)
        for number in 0..<3 { _ = try await node.put("more \(number)", to: "basket") }
        #expect(log.lines.count == 1)
        for part in ["siblings: 25", "limit: 100", "type: siblings", "bucket: bucket", "key: basket"] {
            #expect(log.lines.first?.contains(part) == true, "\(part) in \(log.lines)")
        }
        let counted = try await node.loop.run { loop throws(RequestFailure) in loop.statistics.siblingWarnings }
        #expect(counted == 3)
    }

    @Test func aTokenOfAnotherKeyIsRefused() async throws {
        let node = try Fixture()
        let token = try await node.put("v", to: "one")
        await #expect(throws: RequestFailure.invalidContext(.notAuthentic)) {
            try await node.put("w", to: "two", token: token)
        }
        await #expect(throws: RequestFailure.invalidContext(.notAuthentic)) {
            try await node.put("w", to: "one", type: "versioned", token: token)
        }
    }

    @Test func aWriteIsNotAcknowledgedBeforeItIsDurable() async throws {
        let node = try Fixture(holdsDisk: true)
        let acknowledged = Mutex(false)
        async let put: Void = {
            _ = try await node.put("v")
            acknowledged.withLock { $0 = true }
        }()
        while node.disk.count == 0 { await Task.yield() }
        #expect(!acknowledged.withLock { $0 })
        node.disk.runOne()
        try await put
        #expect(acknowledged.withLock { $0 })
    }

    @Test func aReadThatShowsAnUndurableWriteWaitsForIt() async throws {
        let node = try Fixture(holdsDisk: true)
        async let put = node.put("v")
        while node.disk.count == 0 { await Task.yield() }
        let answered = Mutex(false)
        async let get: [String] = {
            let values = try await node.get().values
            answered.withLock { $0 = true }
            return values
        }()
        // The other key has nothing to wait for, and its answer proves that the loop has been through the first read.
        #expect(try await node.get("other").values.isEmpty)
        #expect(!answered.withLock { $0 })
        node.disk.runOne()
        _ = try await put
        #expect(try await get == ["v"])
    }

    @Test func relaxedWritesDoNotWait() async throws {
        let node = try Fixture(durability: .relaxed, holdsDisk: true)
        _ = try await node.put("v")
        #expect(try await node.get().values == ["v"])
        #expect(node.disk.count == 0)
    }

    @Test func aFullDiskRefusesWritesAndServesReads() async throws {
        let node = try Fixture()
        _ = try await node.put("kept")
        node.engine.fail(.commit, with: .full("1 MiB left"), effect: .refused)
        await #expect(throws: RequestFailure.storage(.full("1 MiB left"))) { try await node.put("refused") }
        #expect(try await node.get().values == ["kept"])
        // The next write finds out that there is room again, once it may try.
        let deadline = ContinuousClock.now + .seconds(300)
        var resumed = false
        while !resumed, ContinuousClock.now < deadline {
            resumed = (try? await node.put("resumed")) != nil
        }
        #expect(resumed)
        #expect(try await node.get().values == ["kept", "resumed"])
    }

    @Test(arguments: [FaultyStorageEngine.Effect.lost, .applied])
    func afterAFailedCommitTheTruthIsWhatTheEngineKept(effect: FaultyStorageEngine.Effect) async throws {
        let node = try Fixture()
        _ = try await node.put("kept")
        let seen = try await node.get().token
        node.engine.fail(.commit, with: .failed("broken"), effect: effect)
        await #expect(throws: RequestFailure.storage(.failed("broken"))) { try await node.put("unknown") }
        await #expect(throws: RequestFailure.self) { try await node.get() }
        let deadline = ContinuousClock.now + .seconds(300)
        var values: [String]?
        while values == nil, ContinuousClock.now < deadline { values = try? await node.get().values }
        #expect(values == (effect == .applied ? ["kept", "unknown"] : ["kept"]))
        // A context from before replaces what it saw, and never the write whose fate was unknown.
        _ = try await node.put("new", token: seen)
        #expect(try await node.get().values == (effect == .applied ? ["new", "unknown"] : ["new"]))
    }

    @Test func aFailedSynchronizationIsNeverASuccess() async throws {
        let node = try Fixture()
        node.engine.fail(.synchronize, with: .failed("input/output error"))
        await #expect(throws: RequestFailure.self) { try await node.put("v") }
    }

    @Test func objectsThatOnlyTheDiskHasAreLoaded() async throws {
        let base = MemoryStorageEngine()
        _ = try await Fixture(over: base).put("one")
        let node = try Fixture(over: base)
        node.engine.memoryIsEmpty = true
        _ = try await node.put("two")
        #expect(try await node.get().values == ["one", "two"])
        #expect(try await node.get("absent").values.isEmpty)
    }

    @Test func anObjectThatCannotBeReadIsAnErrorAndNotAbsent() async throws {
        let node = try Fixture()
        node.engine.memoryIsEmpty = true
        node.engine.fail(.value, with: .corrupt("checksum"), effect: .refused)
        await #expect(throws: RequestFailure.storage(.corrupt("checksum"))) { try await node.get("k") }
        node.engine.fail(.value, with: .corrupt("checksum"), effect: .refused)
        await #expect(throws: RequestFailure.storage(.corrupt("checksum"))) { try await node.put("v") }
        #expect(try await node.get("k").values.isEmpty)
    }

    @Test func bucketTypesSurviveARestart() async throws {
        let base = MemoryStorageEngine()
        let node = try Fixture(over: base)
        _ = try await node.loop.run { loop throws(RequestFailure) -> Bool? in
            _ = try loop.changeBucketTypes { types throws(BucketTypeError) in
                try types.create(Array("mine".utf8), ["conflict_strategy": "last-write-wins"])
            }
            _ = try loop.changeBucketTypes { types throws(BucketTypeError) in try types.activate(Array("mine".utf8)) }
            return true
        }
        let again = try Fixture(over: base)
        _ = try await again.put("v", type: "mine")
        #expect(try await again.get(type: "mine").values == ["v"])
    }

    @Test func aTypeWhoseRecordWasNotKeptDoesNotExist() async throws {
        let node = try Fixture()
        node.engine.fail(.commit, with: .full("no room"), effect: .refused)
        await #expect(throws: RequestFailure.self) {
            _ = try await node.loop.run { loop throws(RequestFailure) -> Bool? in
                _ = try loop.changeBucketTypes { types throws(BucketTypeError) in
                    try types.create(Array("mine".utf8), [:])
                }
                return true
            }
        }
        let exists = try await node.loop.run { loop throws(RequestFailure) -> Bool? in
            loop.bucketTypes.type(named: Array("mine".utf8)) != nil
        }
        #expect(!exists)
    }

    @Test func listingsShowEachKeyAndBucketOnce() async throws {
        let node = try Fixture()
        for index in 0..<137 { _ = try await node.put("v", to: "k\(index)") }
        _ = try await node.put("v", to: "gone")
        _ = try await node.loop.run { loop throws(RequestFailure) -> Bool? in
            let deleted = try withReference("siblings", "gone") { object throws(RequestFailure) in
                try loop.delete(object, token: nil)
            }
            return deleted.map { _ in true }
        }
        var listing = try await node.loop.run { loop throws(RequestFailure) -> NameListing? in
            try withBytes(Array("bucket".utf8)) { bucket throws(RequestFailure) in
                try withBytes(Array("siblings".utf8)) { type throws(RequestFailure) in
                    try loop.keyListing(bucket: bucket, ofType: type)
                }
            }
        }
        var keys: [String] = []
        while case (let chunk?, let rest) = try await node.loop.next(of: listing, limit: 10) {
            #expect((1...10).contains(chunk.count))
            keys += chunk.map { String(decoding: $0, as: UTF8.self) }
            listing = rest
        }
        #expect(keys.sorted() == (0..<137).map { "k\($0)" }.sorted())
        let ofType = try await node.loop.run { loop throws(RequestFailure) -> NameListing? in
            try withBytes(Array("siblings".utf8)) { name throws(RequestFailure) in try loop.bucketListing(ofType: name)
            }
        }
        let buckets = try await node.loop.allBuckets(of: ofType)
        #expect(buckets == [Array("bucket".utf8)])
    }
}
