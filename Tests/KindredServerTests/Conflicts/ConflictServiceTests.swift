import KindredModel
import KindredNode
import KindredReplication
import KindredStorage
import Synchronization
import Testing

@testable import KindredServer

/// Reading the conflict log of a node that is alone: pages, the feed, and what they cost.
@Suite struct ConflictServiceTests {
    private let engine = CountingEngine()
    private let node: TestNode
    private let service: ConflictService

    init() throws {
        node = try TestNode(engine: engine)
        service = ConflictService(loop: node.loop)
    }

    private func put(_ value: String, _ key: String, type: String = "last_write_wins") async throws {
        node.advance(milliseconds: 1)
        let content = ObjectContent(value: Array(value.utf8)).encoded()
        let name = ObjectName(type: Array(type.utf8), bucket: Array("b".utf8), key: Array(key.utf8))
        _ = try await node.loop.run { loop throws(RequestFailure) in
            try name.withReference { object throws(RequestFailure) in
                try loop.put(PutRequest(object: object, content: content, token: nil))?.isNew
            }
        }
    }

    /// Puts twice what nobody has read, so many times: the first value of each key is lost.
    private func lose(_ keys: Range<Int>) async throws {
        for key in keys {
            try await put("first", "k\(key)")
            try await put("second", "k\(key)")
        }
    }

    private func feed() async throws -> ConflictFeed {
        ConflictFeed(
            service, ConflictFilter(), from: ConflictCursor(partitions: try await node.loop.partitionCount()))
    }

    /// What a feed tells when all that has changed is looked through.
    private func told(by feed: inout ConflictFeed) async throws -> [ConflictReport] {
        var reports: [ConflictReport] = []
        for (partition, revision) in try await feed.changed(asksOthers: true) {
            _ = try await feed.lookThrough(partition, revision: revision) { reports.append($0) }
        }
        return reports
    }

    /// Enters a conflict once more, as another replica would that has noticed it later.
    private func notice(_ id: String, again key: String) async throws {
        let name = try #require(ConflictID(id))
        let entry = try #require(try await node.loop.conflict(name))
        let time = HybridTimestamp(milliseconds: 1_800_000_000_000)
        let dot = Dot(ActorID(99), 1)
        let record = ConflictRecord(
            address: entry.address, strategy: entry.strategy, noticed: time.milliseconds, conflicts: [entry.conflict])
        let object = CausalObject(
            versions: [Version(dot: dot, timestamp: time, content: record.encoded()[...])], context: CausalContext())
        var batch = WriteBatch()
        batch.put(
            .objects,
            key: KeyLayout.conflictKey(
                partition: entry.id.partition, timestamp: time.rawValue, actor: 99, counter: 1),
            value: object.encoded())
        try engine.commit(batch)
    }

    // MARK: Pages

    @Test("Pages go from the newest conflict to the oldest, over all partitions, and have each once")
    func pages() async throws {
        try await lose(0..<40)
        var query = ConflictService.Query()
        query.limit = 7
        var keys: [String] = []
        while true {
            let page = try await service.page(query)
            keys += page.conflicts.map(\.key)
            guard let next = page.next else { break }
            query.before = ConflictPosition(next)
            #expect(query.before != nil)
        }
        #expect(keys == (0..<40).reversed().map { "k\($0)" })
    }

    @Test("A conflict that two replicas have entered is one, with both records, and stands where the later one is")
    func noticedTwice() async throws {
        try await lose(0..<5)
        var query = ConflictService.Query()
        let oldest = try #require(try await service.page(query).conflicts.last)
        try await notice(oldest.id, again: "k0")
        let all = try await service.page(query).conflicts
        #expect(all.map(\.key) == ["k0", "k4", "k3", "k2", "k1"])
        #expect(all.first?.records.count == 2 && all.first?.noticedMs == oldest.noticedMs)
        query.limit = 1
        var keys: [String] = []
        while let next = try await { () -> String? in
            let page = try await service.page(query)
            keys += page.conflicts.map(\.key)
            return page.next
        }() {
            query.before = ConflictPosition(next)
            #expect(query.before != nil)
        }
        #expect(keys == ["k0", "k4", "k3", "k2", "k1"])
    }

    @Test("The newest page costs its size, not the log's")
    func costOfThePage() async throws {
        try await lose(0..<1_500)
        engine.reset()
        var query = ConflictService.Query()
        query.limit = 20
        let page = try await service.page(query)
        #expect(page.conflicts.map(\.key) == (1_480..<1_500).reversed().map { "k\($0)" })
        #expect((20..<500).contains(engine.visited))
    }

    @Test("Filters reach back as far as they must, and no further")
    func filters() async throws {
        try await lose(0..<10)
        try await put("one", "s", type: "siblings")
        try await put("two", "s", type: "siblings")
        let middle = try await service.page(ConflictService.Query()).conflicts[5].noticedMs
        var query = ConflictService.Query()
        query.filter.since = middle
        #expect(try await service.page(query).conflicts.count == 6)
        query.filter.since = nil
        query.filter.until = middle
        #expect(try await service.page(query).conflicts.map(\.key) == ["k4", "k3", "k2", "k1", "k0"])
        query = ConflictService.Query()
        query.state = "open"
        #expect(try await service.page(query).conflicts.map(\.key) == ["s"])
        query.filter.kinds = [.lost]
        #expect(try await service.page(query).conflicts.isEmpty)
        query.state = "lost"
        query.filter.key = Array("k3".utf8)
        #expect(try await service.page(query).conflicts.map(\.key) == ["k3"])
    }

    @Test("A page of large values ends early, and says where it goes on")
    func largeValues() async throws {
        let large = String(repeating: "x", count: 60_000)
        for _ in 0..<161 { try await put(large, "k") }
        var query = ConflictService.Query()
        query.limit = 1_000
        let page = try await service.page(query)
        #expect((100..<160).contains(page.conflicts.count))
        query.before = page.next.flatMap { ConflictPosition($0) }
        #expect(query.before != nil)
        let rest = try await service.page(query)
        #expect(rest.next == nil && page.conflicts.count + rest.conflicts.count == 160)
    }

    @Test("A position comes back from its text, and other texts are refused")
    func positions() {
        let position = ConflictPosition(
            time: HybridTimestamp(rawValue: .max), partition: 4_095, dot: Dot(ActorID(77), 123_456), index: 3)
        #expect(ConflictPosition(position.text) == position)
        for text in ["", "1", "1-2-3", "1-2-1.1-x", "1-2-1.1-0-5", "-1-2-1.1-0", "1-70000-1.1-0", "1-2-1-0"] {
            #expect(ConflictPosition(text) == nil, "\(text)")
        }
    }

    // MARK: The feed

    @Test("A feed from now tells what comes, each once, and reads no more of the log than that")
    func newsOnly() async throws {
        try await lose(0..<1_000)
        var feed = try await feed()
        try await feed.skipToNow()
        #expect(try await told(by: &feed).isEmpty)
        try await lose(1_000..<1_003)
        engine.reset()
        #expect(try await told(by: &feed).map(\.key).sorted() == ["k1000", "k1001", "k1002"])
        #expect(engine.visited < 100)
        engine.reset()
        #expect(try await told(by: &feed).isEmpty)
        #expect(engine.visited == 0)
    }

    @Test("A feed goes on behind its cursor, with all that came meanwhile, whatever else is in the log")
    func cursor() async throws {
        try await lose(0..<20)
        var first = try await feed()
        #expect(try await told(by: &first).count == 20)
        try await lose(20..<50)
        let partitions = try await node.loop.partitionCount()
        let cursor = try #require(ConflictCursor(first.cursor.text, partitions: partitions))
        var second = ConflictFeed(service, ConflictFilter(), from: cursor)
        #expect(try await told(by: &second).count == 30)
        #expect(try await told(by: &first).count == 30)
        #expect(first.cursor == second.cursor)
    }

    @Test("What another replica notices later is told once")
    func toldOnce() async throws {
        var feed = try await feed()
        try await feed.skipToNow()
        try await lose(0..<1)
        let told = try await told(by: &feed)
        let id = try #require(told.first?.id)
        try await notice(id, again: "k0")
        // It comes beside something new, in every partition.
        try await lose(1..<40)
        let later = try await self.told(by: &feed)
        #expect(later.count == 39 && !later.contains { $0.key == "k0" })
    }
}

/// Memory that counts what is read backwards.
private final class CountingEngine: StorageEngine {
    private let base = MemoryStorageEngine()
    private let count = Mutex(0)

    var visited: Int { count.withLock { $0 } }

    func reset() { count.withLock { $0 = 0 } }

    func value(_ table: Table, for key: [UInt8]) throws(StorageError) -> [UInt8]? { try base.value(table, for: key) }

    func valueInMemory(_ table: Table, for key: [UInt8]) throws(StorageError) -> MemoryRead {
        try base.valueInMemory(table, for: key)
    }

    func commit(_ batch: WriteBatch) throws(StorageError) { try base.commit(batch) }
    func synchronize() throws(StorageError) { try base.synchronize() }
    func reopen() throws(StorageError) { try base.reopen() }
    func close() throws(StorageError) { try base.close() }

    func scan(
        _ table: Table, from lower: [UInt8], to upper: [UInt8]?,
        _ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> ScanStep
    ) throws(StorageError) {
        try base.scan(table, from: lower, to: upper, visit)
    }

    func scanBackwards(
        _ table: Table, from lower: [UInt8], to upper: [UInt8]?,
        _ visit: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) -> Bool
    ) throws(StorageError) {
        try base.scanBackwards(table, from: lower, to: upper) { key, value in
            count.withLock { $0 += 1 }
            return visit(key, value)
        }
    }
}
