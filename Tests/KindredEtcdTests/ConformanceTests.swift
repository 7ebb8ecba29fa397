import KindredEtcd
import KindredNode
import Logging
import Testing

/// What every configuration store promises, held against each of them.
@Suite("Every configuration store", .serialized)
struct ConformanceTests {
    /// The stores that can be tested here.
    static let kinds: [StoreKind] = EtcdProcess.isInstalled ? [.inProcess, .etcd] : [.inProcess]

    @Test("A document is created once, replaced by who has seen it, and by nobody else", arguments: kinds)
    func replacing(kind: StoreKind) async throws {
        try await kind.withClients(1) { clients in
            let store = clients[0]
            #expect(try await store.read(.topology) == .absent)
            #expect(try await store.replace(.topology, with: [9], expecting: 77) == nil)
            let first = try #require(try await store.replace(.topology, with: [1], expecting: 0))
            #expect(first > 0)
            #expect(try await store.replace(.topology, with: [9], expecting: 0) == nil)
            #expect(try await store.read(.topology) == VersionedDocument(bytes: [1], revision: first))
            let second = try #require(try await store.replace(.topology, with: [], expecting: first))
            #expect(second > first)
            #expect(try await store.replace(.topology, with: [9], expecting: first) == nil)
            #expect(try await store.read(.topology) == VersionedDocument(bytes: [], revision: second))
            #expect(try await store.read(.buckets) == .absent)
        }
    }

    @Test("Of increments by many writers at the same time none is lost", arguments: kinds)
    func concurrentWriters(kind: StoreKind) async throws {
        let writers = 4
        let increments = 50
        try await kind.withClients(writers) { clients in
            let conflicts = try await withThrowingTaskGroup(of: Int.self) { group in
                for client in clients {
                    group.addTask {
                        var conflicts = 0
                        for _ in 0..<increments { conflicts += try await increment(.topology, in: client) }
                        return conflicts
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(count(in: try await clients[0].read(.topology)) == writers * increments)
            if kind == .etcd { #expect(conflicts > 0, "the writers never met, so this has shown nothing") }
        }
    }

    @Test("A subscriber is told the newest states first, and then what changes, in order", arguments: kinds)
    func changesInOrder(kind: StoreKind) async throws {
        try await kind.withClients(2) { clients in
            let revision = try #require(try await clients[0].replace(.topology, with: [0], expecting: 0))
            try await clients[0].announce("a", owner: [1], bytes: [10])
            let log = ChangeLog(clients[1])
            try await log.wait(for: .document(.topology, VersionedDocument(bytes: [0], revision: revision)))
            try await log.wait(for: .document(.buckets, .absent))
            try await log.wait(for: .presence(name: "a", bytes: [10]))

            var latest = revision
            for number in UInt8(1)...100 {
                latest = try #require(try await clients[0].replace(.topology, with: [number], expecting: latest))
            }
            try await log.wait(for: .document(.topology, VersionedDocument(bytes: [100], revision: latest)))
            let states = log.states(of: .topology)
            #expect(states.map(\.revision) == states.map(\.revision).sorted())
            #expect(Set(states.map(\.revision)).count == states.count, "a state was told twice")
            #expect(states.compactMap(\.bytes?.first) == states.compactMap(\.bytes?.first).sorted())
            #expect(log.states(of: .buckets) == [.absent])
            #expect(log.reachability.isEmpty)
        }
    }

    @Test("A presence is seen as long as it is announced, with what it says", arguments: kinds)
    func presence(kind: StoreKind) async throws {
        try await kind.withClients(2) { clients in
            let log = ChangeLog(clients[1])
            try await clients[0].announce("node-1@10.0.0.1:8099", owner: [1], bytes: [1, 2, 3])
            try await log.wait(for: .presence(name: "node-1@10.0.0.1:8099", bytes: [1, 2, 3]))
            try await clients[0].announce("node-1@10.0.0.1:8099", owner: [1], bytes: [4])
            try await log.wait(for: .presence(name: "node-1@10.0.0.1:8099", bytes: [4]))
            await clients[0].withdraw("node-1@10.0.0.1:8099")
            try await log.wait(for: .presence(name: "node-1@10.0.0.1:8099", bytes: nil))
            #expect(log.presences(of: "node-1@10.0.0.1:8099") == [[1, 2, 3], [4], nil])
            await clients[0].withdraw("node-1@10.0.0.1:8099")
            await clients[0].withdraw("somebody else")
        }
    }

    @Test("The same owner takes its name over at once; another owner is refused", arguments: kinds)
    func takingOver(kind: StoreKind) async throws {
        try await kind.withClients(3) { clients in
            let log = ChangeLog(clients[2])
            try await clients[0].announce("a", owner: [1, 2], bytes: [1])
            try await log.wait(for: .presence(name: "a", bytes: [1]))
            await #expect(throws: ConfigurationStoreError.taken("a")) {
                try await clients[1].announce("a", owner: [1, 3], bytes: [9])
            }
            try await clients[1].announce("a", owner: [1, 2], bytes: [2])
            try await log.wait(for: .presence(name: "a", bytes: [2]))
            // Who was taken over neither takes it back nor ends it.
            await clients[0].withdraw("a")
            try await clients[0].announce("b", owner: [1, 2], bytes: [])
            try await log.wait(for: .presence(name: "b", bytes: []))
            #expect(log.presences(of: "a") == [[1], [2]])
            await clients[1].withdraw("a")
            try await log.wait(for: .presence(name: "a", bytes: nil))
            try await clients[0].announce("a", owner: [7], bytes: [7])
            try await log.wait(for: .presence(name: "a", bytes: [7]))
        }
    }

    @Test("The presence of a process that goes without a word ends by itself", arguments: kinds)
    func vanishing(kind: StoreKind) async throws {
        try await kind.withClients(2) { clients in
            let log = ChangeLog(clients[1])
            try await clients[0].announce("a", owner: [1], bytes: [1])
            try await log.wait(for: .presence(name: "a", bytes: [1]))
            await clients[0].close()
            try await log.wait(for: .presence(name: "a", bytes: nil), within: .seconds(10))
            try await clients[1].announce("a", owner: [2], bytes: [2])
            try await log.wait(for: .presence(name: "a", bytes: [2]))
        }
    }

    @Test("What is too large is refused, at the byte", arguments: kinds)
    func bounds(kind: StoreKind) async throws {
        try await kind.withClients(1) { clients in
            let store = clients[0]
            let largest = [UInt8](repeating: 7, count: ConfigurationLimits.documentBytes)
            await #expect(throws: ConfigurationStoreError.tooLarge(largest.count + 1)) {
                _ = try await store.replace(.buckets, with: largest + [7], expecting: 0)
            }
            let log = ChangeLog(store)
            let revision = try #require(try await store.replace(.buckets, with: largest, expecting: 0))
            #expect(try await store.read(.buckets) == VersionedDocument(bytes: largest, revision: revision))
            try await eventually("the largest document arrives") {
                log.states(of: .buckets).last == VersionedDocument(bytes: largest, revision: revision)
            }

            let says = [UInt8](repeating: 7, count: ConfigurationLimits.presenceBytes)
            let owner = [UInt8](repeating: 1, count: ConfigurationLimits.ownerBytes)
            let name = String(repeating: "n", count: ConfigurationLimits.presenceNameBytes)
            try await store.announce(name, owner: owner, bytes: says)
            try await eventually("the largest presence arrives") { log.presences(of: name) == [says] }
            await #expect(throws: ConfigurationStoreError.tooLarge(says.count + 1)) {
                try await store.announce("a", owner: owner, bytes: says + [7])
            }
            for (name, owner) in [(name + "n", owner), ("a", owner + [1]), ("", owner), ("a/b", owner)] {
                await #expect {
                    try await store.announce(name, owner: owner, bytes: [])
                } throws: {
                    if case .refused? = $0 as? ConfigurationStoreError { true } else { false }
                }
            }
        }
    }

    @Test(
        "A stream ends when its task is cancelled, and when the store is closed; then nothing is answered",
        arguments: kinds)
    func ending(kind: StoreKind) async throws {
        try await kind.withClients(1) { clients in
            let store = clients[0]
            let cancelled = ChangeLog(store)
            let open = ChangeLog(store)
            try await cancelled.wait(for: .document(.topology, .absent))
            cancelled.cancel()
            try await cancelled.waitUntilEnded()
            try await open.wait(for: .document(.topology, .absent))
            await store.close()
            try await open.waitUntilEnded()
            await store.close()
            try await ChangeLog(store).waitUntilEnded()
            await #expect(throws: ConfigurationStoreError.closed) { _ = try await store.read(.topology) }
            await #expect(throws: ConfigurationStoreError.closed) {
                _ = try await store.replace(.topology, with: [], expecting: 0)
            }
            await #expect(throws: ConfigurationStoreError.closed) {
                try await store.announce("a", owner: [], bytes: [])
            }
            await store.withdraw("a")
        }
    }
}

/// The stores that the conformance tests run against.
enum StoreKind: CustomTestStringConvertible, Sendable {
    case inProcess
    case etcd

    var testDescription: String {
        switch self {
        case .inProcess: "in process"
        case .etcd: "etcd"
        }
    }

    /// Runs a test with some clients of one store of its own.
    func withClients(_ count: Int, _ body: ([any ConfigurationStore]) async throws -> Void) async throws {
        switch self {
        case .inProcess:
            let store = InProcessConfigurationStore()
            var clients: [any ConfigurationStore] = []
            for _ in 0..<count { clients.append(store.client()) }
            try await body(clients)
        case .etcd:
            try await EtcdProcess.with { etcd in
                var clients: [any ConfigurationStore] = []
                for _ in 0..<count {
                    clients.append(try await EtcdConfigurationStore.connect(etcd.configuration(), logger: .quiet))
                }
                defer { for client in clients { Task { await client.close() } } }
                try await body(clients)
            }
        }
    }
}

/// Counts up a document until it is done.
///
/// - Returns: how often somebody else was faster.
func increment(_ document: ConfigurationDocument, in store: any ConfigurationStore) async throws -> Int {
    var conflicts = 0
    while true {
        let current = try await store.read(document)
        let next = Array("\(count(in: current) + 1)".utf8)
        if try await store.replace(document, with: next, expecting: current.revision) != nil { return conflicts }
        conflicts += 1
    }
}

/// What was counted in a document.
func count(in document: VersionedDocument) -> Int {
    Int(String(decoding: document.bytes ?? [], as: UTF8.self)) ?? 0
}
