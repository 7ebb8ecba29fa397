import Foundation
import KindredNode
import Logging
import Testing

@testable import KindredEtcd

/// What is etcd's own: addresses, names, users, certificates.
@Suite("The configuration store in etcd", .serialized, .enabled(if: EtcdProcess.isInstalled, "no etcd on the PATH"))
struct EtcdTests {
    @Test("Clusters see neither each other's documents nor presences, whatever their names begin with")
    func clustersAreApart() async throws {
        try await EtcdProcess.with { etcd in
            try await etcd.withStore("a") { first in
                try await etcd.withStore("a.b") { second in
                    try await etcd.withStore("a0") { third in
                        let log = ChangeLog(first)
                        _ = try await second.replace(.topology, with: [2], expecting: 0)
                        _ = try await third.replace(.topology, with: [3], expecting: 0)
                        try await second.announce("x", owner: [2], bytes: [2])
                        try await third.announce("x", owner: [3], bytes: [3])
                        let revision = try #require(try await first.replace(.topology, with: [1], expecting: 0))
                        try await log.wait(for: .document(.topology, VersionedDocument(bytes: [1], revision: revision)))
                        #expect(try await second.read(.topology).bytes == [2])
                        #expect(log.states(of: .topology).compactMap(\.bytes) == [[1]])
                        #expect(log.presences(of: "x").isEmpty)
                    }
                }
            }
        }
    }

    @Test("A presence outlives its lease's time as long as its process lives")
    func presenceIsKeptAlive() async throws {
        try await EtcdProcess.with { etcd in
            try await etcd.withStore { store in
                let log = ChangeLog(store)
                try await store.announce("a", owner: [1], bytes: [1])
                try await log.wait(for: .presence(name: "a", bytes: [1]))
                // Twice its time to live, in which nothing may happen.
                try await Task.sleep(for: .seconds(4))
                #expect(log.presences(of: "a") == [[1]])
            }
        }
    }

    @Test("Between two watches nothing is lost, told twice or told late")
    func renewal() async throws {
        try await EtcdProcess.with { etcd in
            var configuration = etcd.configuration()
            configuration.probeInterval = .milliseconds(20)
            configuration.watchRenewal = .milliseconds(40)
            let store = try await EtcdConfigurationStore.connect(configuration, logger: .quiet)
            let log = ChangeLog(store)
            try await log.wait(for: .document(.topology, .absent))
            var revisions: [UInt64] = []
            for number in UInt8(1)...100 {
                let revision = try #require(
                    try await store.replace(.topology, with: [number], expecting: revisions.last ?? 0))
                revisions.append(revision)
                try await log.wait(for: .document(.topology, VersionedDocument(bytes: [number], revision: revision)))
            }
            #expect(log.states(of: .topology).map(\.revision) == [0] + revisions)
            #expect(log.reachability.isEmpty)
            await store.close()
        }
    }

    @Test("Keys that are not ours are left alone, and a document that was removed by hand has gone")
    func otherKeys() async throws {
        try await EtcdProcess.with { etcd in
            try await etcd.withStore { store in
                let log = ChangeLog(store)
                let first = try #require(try await store.replace(.topology, with: [1], expecting: 0))
                for key in ["documents/other", "present/x/y", "present/short", "", "else", "documents/"] {
                    try await etcd.call(
                        "/v3/kv/put", ["key": base64("/kindred/test/\(key)"), "value": base64("\u{7F}")])
                }
                try await etcd.call("/v3/kv/deleterange", ["key": base64("/kindred/test/documents/topology")])
                try await eventually("the document has gone") {
                    log.states(of: .topology).last.map { $0.bytes == nil && $0.revision > first } ?? false
                }
                #expect(log.presences(of: "short").isEmpty)
                #expect(try await store.read(.topology) == .absent)
                await #expect(throws: ConfigurationStoreError.taken("short")) {
                    try await store.announce("short", owner: [1], bytes: [])
                }
                #expect(try await store.replace(.topology, with: [2], expecting: 0) != nil)
                try await eventually("the document is back") { log.states(of: .topology).last?.bytes == [2] }
            }
        }
    }

    @Test("An endpoint that does not answer is passed over")
    func secondEndpoint() async throws {
        try await EtcdProcess.with { etcd in
            let dead = try await freePort()
            var configuration = etcd.configuration()
            configuration.endpoints = [
                "http://127.0.0.1:\(dead)", "http://127.0.0.1:\(etcd.peerPort)", "\(etcd.endpoint)/",
            ]
            let store = try await EtcdConfigurationStore.connect(configuration, logger: .quiet)
            let log = ChangeLog(store)
            try await log.wait(for: .document(.topology, .absent))
            let revision = try #require(try await store.replace(.topology, with: [1], expecting: 0))
            try await log.wait(for: .document(.topology, VersionedDocument(bytes: [1], revision: revision)))
            #expect(log.reachability.isEmpty)
            await store.close()
        }
    }

    @Test("What belongs to another etcd cluster is not believed")
    func anotherEtcd() async throws {
        try await EtcdProcess.with { etcd in
            try await EtcdProcess.with { another in
                var configuration = etcd.configuration()
                configuration.endpoints.append(another.endpoint)
                let store = try await EtcdConfigurationStore.connect(configuration, logger: .quiet)
                _ = try await store.replace(.topology, with: [1], expecting: 0)
                etcd.kill()
                await #expect {
                    _ = try await store.read(.topology)
                } throws: {
                    guard case .refused(let reason)? = $0 as? ConfigurationStoreError else { return false }
                    return reason.contains(another.endpoint) && reason.contains("another etcd cluster")
                }
                await store.close()
            }
        }
    }

    @Test("Where nobody listens, or something else does, the error names the endpoint and what is wrong")
    func wrongEndpoints() async throws {
        try await EtcdProcess.with { etcd in
            let dead = "http://127.0.0.1:\(try await freePort())"
            let cases = [
                (dead, "no connection: refused"),
                ("http://127.0.0.1:\(etcd.peerPort)", "not as etcd does"),
                // As TLS fails, or as the server hangs up: whichever is seen first.
                ("https://127.0.0.1:\(etcd.port)", "127.0.0.1"),
                ("http://no-such-host.invalid:2379", "no connection"),
            ]
            for (endpoint, problem) in cases {
                await #expect {
                    let configuration = EtcdConfiguration(endpoints: [endpoint], clusterName: "test")
                    try await EtcdConfigurationStore.connect(configuration, logger: .quiet).close()
                } throws: {
                    guard case .unreachable(let reason)? = $0 as? ConfigurationStoreError else { return false }
                    return reason.contains(endpoint) && reason.contains(problem)
                }
            }
        }
    }

    @Test("A user's name and password are needed where etcd asks for them")
    func users() async throws {
        try await EtcdProcess.with { etcd in
            try await etcd.call("/v3/auth/user/add", ["name": "root", "password": "secret"])
            try await etcd.call("/v3/auth/role/add", ["name": "root"])
            try await etcd.call("/v3/auth/user/grant", ["user": "root", "role": "root"])
            try await etcd.call("/v3/auth/enable", [:])

            var configuration = etcd.configuration()
            await expectRefusal(configuration, "user name is empty")
            configuration.user = EtcdConfiguration.User(name: "root", password: "wrong")
            await expectRefusal(configuration, "invalid user ID or password")

            configuration.user = EtcdConfiguration.User(name: "root", password: "secret")
            let store = try await EtcdConfigurationStore.connect(configuration, logger: .quiet)
            let log = ChangeLog(store)
            try await log.wait(for: .document(.topology, .absent))
            // etcd forgets its tokens when it restarts.
            etcd.kill()
            try await etcd.start(waitsForAnswers: false)
            try await eventually("etcd lets the store in again") {
                do {
                    return try await store.replace(.topology, with: [1], expecting: 0) != nil
                } catch ConfigurationStoreError.unreachable {
                    return false
                }
            }
            try await eventually("the change arrives") { log.states(of: .topology).last?.bytes == [1] }
            await store.close()
        }
    }

    @Test(
        "With TLS a server is believed only if its authority is, and lets in whom it believes",
        .enabled(if: EtcdProcess.certificateMaker != nil, "no openssl on the PATH"))
    func certificates() async throws {
        try await EtcdProcess.with(usesTLS: true) { etcd in
            try await etcd.withStore { store in
                let log = ChangeLog(store)
                let revision = try #require(try await store.replace(.topology, with: [1], expecting: 0))
                try await log.wait(for: .document(.topology, VersionedDocument(bytes: [1], revision: revision)))
            }
            for withoutAuthority in [true, false] {
                var configuration = etcd.configuration()
                if withoutAuthority {
                    configuration.security.authorityFile = nil
                } else {
                    configuration.security.certificateFile = nil
                    configuration.security.keyFile = nil
                }
                await #expect {
                    try await EtcdConfigurationStore.connect(configuration, logger: .quiet).close()
                } throws: {
                    guard case .unreachable(let reason)? = $0 as? ConfigurationStoreError else { return false }
                    return reason.contains(withoutAuthority ? "CERTIFICATE_VERIFY_FAILED" : "ALERT")
                }
            }
        }
    }

    private func expectRefusal(_ configuration: EtcdConfiguration, _ problem: String) async {
        await #expect {
            try await EtcdConfigurationStore.connect(configuration, logger: .quiet).close()
        } throws: {
            guard case .refused(let reason)? = $0 as? ConfigurationStoreError else { return false }
            return reason.contains(problem)
        }
    }
}

func base64(_ text: String) -> String {
    Data(text.utf8).base64EncodedString()
}
