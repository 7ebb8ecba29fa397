import KindredEtcd
import KindredNode
import Testing

/// What happens when etcd goes away and comes back.
@Suite("An outage of etcd", .serialized, .enabled(if: EtcdProcess.isInstalled, "no etcd on the PATH"))
struct OutageTests {
    @Test("A killed etcd is noticed at once, and its return; nothing that happened since is missed")
    func killedAndRestarted() async throws {
        try await EtcdProcess.with { etcd in
            try await etcd.withStore { store in
                let log = ChangeLog(store)
                let first = try #require(try await store.replace(.topology, with: [1], expecting: 0))
                try await log.wait(for: .document(.topology, VersionedDocument(bytes: [1], revision: first)))

                etcd.kill()
                // Sooner than a probe would.
                try await log.wait("the outage is told", within: .milliseconds(1_900)) { _ in
                    log.reachability == [false]
                }
                await expectUnreachable(etcd.endpoint) { _ = try await store.read(.topology) }
                // That nothing was written is certain.
                await expectUnreachable(etcd.endpoint) {
                    _ = try await store.replace(.topology, with: [9], expecting: first)
                }
                await expectUnreachable(etcd.endpoint) { try await store.announce("a", owner: [1], bytes: []) }

                // While the subscriber knows only the usual port.
                let elsewhere = try await freePort()
                try await etcd.start(port: elsewhere)
                var latest = first
                try await etcd.withStore(port: elsewhere) { other in
                    for number in UInt8(2)...5 {
                        latest = try #require(try await other.replace(.topology, with: [number], expecting: latest))
                    }
                }
                etcd.kill()
                try await etcd.start()
                try await log.wait("the return is told") { _ in log.reachability == [false, true] }
                try await log.wait(for: .document(.topology, VersionedDocument(bytes: [5], revision: latest)))
                let revisions = log.states(of: .topology).map(\.revision)
                #expect(revisions == revisions.sorted() && Set(revisions).count == revisions.count)
                #expect(log.reachability == [false, true])
            }
        }
    }

    @Test("A watch whose past was compacted reads everything anew, also what has gone")
    func compactedMeanwhile() async throws {
        try await EtcdProcess.with { etcd in
            try await etcd.withStore { store in
                let log = ChangeLog(store)
                let first = try #require(try await store.replace(.topology, with: [1], expecting: 0))
                try await log.wait(for: .document(.topology, VersionedDocument(bytes: [1], revision: first)))
                try await etcd.withStore { other in
                    try await other.announce("gone", owner: [1], bytes: [1])
                    try await log.wait(for: .presence(name: "gone", bytes: [1]))
                }
                etcd.kill()

                let elsewhere = try await freePort()
                try await etcd.start(port: elsewhere)
                var latest = first
                try await etcd.withStore(port: elsewhere) { other in
                    let presences = ChangeLog(other)
                    try await presences.wait(for: .document(.buckets, .absent))
                    try await eventually("the presence has ended") { presences.presences(of: "gone").last != [1] }
                    for number in UInt8(2)...9 {
                        latest = try #require(try await other.replace(.topology, with: [number], expecting: latest))
                    }
                }
                try await etcd.call("/v3/kv/compaction", ["revision": "\(latest)"], port: elsewhere)
                etcd.kill()

                try await etcd.start()
                try await log.wait(for: .document(.topology, VersionedDocument(bytes: [9], revision: latest)))
                try await log.wait(for: .presence(name: "gone", bytes: nil))
                #expect(log.states(of: .topology).map(\.revision).filter { $0 > 0 } == [first, latest])
                // The new watch works.
                let last = try #require(try await store.replace(.topology, with: [10], expecting: latest))
                try await log.wait(for: .document(.topology, VersionedDocument(bytes: [10], revision: last)))
            }
        }
    }

    @Test("Of more changes than a watch reads at once the last one is told")
    func muchMeanwhile() async throws {
        try await EtcdProcess.with { etcd in
            try await etcd.withStore { store in
                let log = ChangeLog(store)
                var latest = try #require(try await store.replace(.topology, with: [1], expecting: 0))
                try await log.wait(for: .document(.topology, VersionedDocument(bytes: [1], revision: latest)))
                etcd.kill()

                let elsewhere = try await freePort()
                try await etcd.start(port: elsewhere)
                var bytes = [UInt8](repeating: 0, count: ConfigurationLimits.documentBytes)
                try await etcd.withStore(port: elsewhere) { other in
                    // 12 MiB, and a third more in the watch's lines.
                    for number in UInt8(2)...13 {
                        bytes[0] = number
                        latest = try #require(try await other.replace(.topology, with: bytes, expecting: latest))
                    }
                }
                etcd.kill()
                try await etcd.start()
                try await eventually("the last change arrives") {
                    log.states(of: .topology).last == VersionedDocument(bytes: bytes, revision: latest)
                }
                #expect(log.states(of: .topology).count <= 3, "it was not too much for a watch")
            }
        }
    }

    @Test("An etcd that hangs is noticed, and so is its awakening; a write that it swallowed is called unknown")
    func frozen() async throws {
        try await EtcdProcess.with { etcd in
            var configuration = etcd.configuration()
            configuration.requestTimeout = .milliseconds(500)
            let store = try await EtcdConfigurationStore.connect(configuration, logger: .quiet)
            defer { Task { await store.close() } }
            let log = ChangeLog(store)
            try await log.wait(for: .document(.topology, .absent))
            etcd.freeze()
            await #expect {
                _ = try await store.replace(.topology, with: [1], expecting: 0)
            } throws: {
                if case .unknownOutcome? = $0 as? ConfigurationStoreError { true } else { false }
            }
            try await log.wait("the outage is told", within: .seconds(6)) { _ in log.reachability == [false] }
            etcd.thaw()
            try await log.wait("the return is told", within: .seconds(6)) { _ in log.reachability == [false, true] }
            let current = try await store.read(.topology)
            let revision = try #require(try await store.replace(.topology, with: [2], expecting: current.revision))
            try await log.wait(for: .document(.topology, VersionedDocument(bytes: [2], revision: revision)))
        }
    }

    @Test("A subscriber that comes during an outage is told of it, and gets everything when it is over")
    func subscribedDuringOutage() async throws {
        try await EtcdProcess.with { etcd in
            try await etcd.withStore { store in
                let revision = try #require(try await store.replace(.buckets, with: [1], expecting: 0))
                etcd.kill()
                let log = ChangeLog(store)
                try await log.wait("the outage is told") { _ in log.reachability == [false] }
                try await etcd.start()
                try await log.wait(for: .document(.buckets, VersionedDocument(bytes: [1], revision: revision)))
                try await log.wait("the return is told") { _ in log.reachability == [false, true] }
            }
        }
    }

    @Test("An etcd that has lost its data is not believed, until the node is restarted")
    func erased() async throws {
        try await EtcdProcess.with { etcd in
            try await etcd.withStore { store in
                let log = ChangeLog(store)
                let revision = try #require(try await store.replace(.topology, with: [1], expecting: 0))
                try await log.wait(for: .document(.topology, VersionedDocument(bytes: [1], revision: revision)))
                etcd.kill()
                try etcd.erase()
                try await etcd.start()
                await #expect {
                    _ = try await store.read(.topology)
                } throws: {
                    if case .refused(let reason)? = $0 as? ConfigurationStoreError {
                        reason.contains("lost data")
                    } else {
                        false
                    }
                }
                try await log.wait("the outage is told") { _ in log.reachability == [false] }
                #expect(log.states(of: .topology).last?.bytes == [1])
                try await etcd.withStore { restarted in
                    let document = try await restarted.read(.topology)
                    #expect(document == .absent)
                }
            }
        }
    }

    @Test("A presence whose lease was lost is announced again by itself")
    func leaseLost() async throws {
        try await EtcdProcess.with { etcd in
            try await etcd.withStore { store in
                try await store.announce("a", owner: [1], bytes: [1])
                etcd.kill()

                let elsewhere = try await freePort()
                try await etcd.start(port: elsewhere)
                try await etcd.withStore(port: elsewhere) { other in
                    let log = ChangeLog(other)
                    try await log.wait(for: .document(.topology, .absent))
                    try await eventually("the presence has ended") { log.presences(of: "a").last != [1] }
                }
                etcd.kill()
                try await etcd.start()
                let log = ChangeLog(store)
                try await log.wait(for: .presence(name: "a", bytes: [1]))
                // It is kept alive again.
                await store.withdraw("a")
                try await log.wait(for: .presence(name: "a", bytes: nil))
            }
        }
    }

    @Test("A presence that somebody removed by hand is announced again by itself")
    func removedByHand() async throws {
        try await EtcdProcess.with { etcd in
            try await etcd.withStore { store in
                let log = ChangeLog(store)
                try await store.announce("a", owner: [1], bytes: [1])
                try await log.wait(for: .presence(name: "a", bytes: [1]))
                try await etcd.call("/v3/kv/deleterange", ["key": base64("/kindred/test/present/a")])
                try await log.wait("it went and came back") { _ in log.presences(of: "a") == [[1], nil, [1]] }
            }
        }
    }

    @Test("Who has lost the name to another owner during an outage has it again when that one has gone")
    func takenDuringOutage() async throws {
        try await EtcdProcess.with { etcd in
            try await etcd.withStore { store in
                try await store.announce("a", owner: [1], bytes: [1])
                try await etcd.withStore { other in
                    let log = ChangeLog(other)
                    try await log.wait(for: .presence(name: "a", bytes: [1]))
                    try await etcd.call("/v3/kv/deleterange", ["key": base64("/kindred/test/present/a")])
                    try await other.announce("a", owner: [2], bytes: [2])
                    try await log.wait(for: .presence(name: "a", bytes: [2]))
                    await other.withdraw("a")
                    try await log.wait("the first owner is back") { _ in log.presences(of: "a").last == [1] }
                }
            }
        }
    }

    private func expectUnreachable(_ endpoint: String, _ body: () async throws -> Void) async {
        await #expect {
            try await body()
        } throws: {
            guard case .unreachable(let reason)? = $0 as? ConfigurationStoreError else { return false }
            return reason.contains(endpoint) && reason.contains("refused")
        }
    }
}
