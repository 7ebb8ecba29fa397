import KindredNode
import KindredPeer
import Testing

@testable import KindredCommand

@Suite struct ServerConfigurationTests {
    private func read(
        file: String? = nil, environment: [String: String] = [:], _ flags: [ServerConfiguration.Setting: String] = [:]
    ) throws(ServerConfiguration.Invalid) -> ServerConfiguration {
        try ServerConfiguration(file: file.map { ("node.yaml", $0) }, environment: environment, flags: flags)
    }

    private func refusal(_ flags: [ServerConfiguration.Setting: String]) -> String? {
        do throws(ServerConfiguration.Invalid) {
            _ = try read(flags)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func aFlagWinsOverTheEnvironmentAndThatOverTheFile() throws {
        let file = "data: a\ncache-mib: 1\npartitions: 8"
        let configuration = try read(
            file: file, environment: ["KINDRED_CACHE_MIB": "2", "KINDRED_PARTITIONS": "16"], [.partitions: "32"])
        #expect(configuration.data == "a")
        #expect(configuration.node.cacheBytes == 2 << 20)
        #expect(configuration.node.partitions == 32)
        #expect(configuration.cluster == nil)
        #expect(!configuration.node.isClustered)
    }

    @Test func aNodeIsOfAClusterWithBothItsNameAndItsEtcd() throws {
        #expect(refusal([.cluster: "shop"])?.contains("--etcd") == true)
        #expect(refusal([.etcd: "http://127.0.0.1:2379"])?.contains("--cluster") == true)
        #expect(
            refusal([.etcd: "http://127.0.0.1:2379", .cluster: "no/name"])?.contains("--cluster: 'no/name'") == true)
        let configuration = try read([
            .etcd: "http://a:1, http://b:2", .cluster: "shop", .weight: "3", .transferMiB: "7",
        ])
        #expect(configuration.cluster?.etcd == ["http://a:1", "http://b:2"])
        #expect(configuration.cluster?.weight == 3)
        #expect(configuration.node.isClustered)
        #expect(configuration.node.transferBytesPerSecond == 7 << 20)
    }

    /// Over loopback nodes may talk in plain text; over anything else only if somebody says so.
    @Test func nodesOnSeveralMachinesSpeakTLS() throws {
        let cluster: [ServerConfiguration.Setting: String] = [.etcd: "http://127.0.0.1:2379", .cluster: "shop"]
        func with(_ more: [ServerConfiguration.Setting: String]) -> [ServerConfiguration.Setting: String] {
            cluster.merging(more) { $1 }
        }
        #expect(refusal(with([.peer: "127.0.0.1:1"])) == nil)
        #expect(refusal(with([.peer: "0.0.0.0:1"]))?.contains("TLS") == true)
        #expect(refusal(with([.peer: "127.0.0.1:1", .peerAdvertise: "10.0.0.1:1"]))?.contains("TLS") == true)
        #expect(refusal(with([.peer: "10.0.0.1:1", .peerPlaintext: "yes"])) == nil)
        #expect(refusal(with([.peer: "10.0.0.1:1", .peerPlaintext: "perhaps"]))?.contains("'yes' or 'no'") == true)
        #expect(refusal(with([.peerKey: "k.pem"]))?.contains("together") == true)
        let files = with([
            .peer: "10.0.0.1:1", .peerCertificate: "c.pem", .peerKey: "k.pem", .peerAuthority: "a.pem",
        ])
        let tls = try #require(try read(files).cluster?.tls)
        #expect((tls.certificate, tls.key, tls.authority) == ("c.pem", "k.pem", "a.pem"))
    }

    @Test func whatMakesNoSenseSaysWhereItStands() {
        #expect(refusal([.partitions: "many"])?.hasPrefix("--partitions: 'many'") == true)
        #expect(refusal([.pb: "nowhere"])?.contains("HOST:PORT") == true)
        #expect(refusal([.durability: "maybe"])?.contains("synced, relaxed") == true)
        #expect(throws: ServerConfiguration.Invalid.self) { try read(file: "colour: red") }
    }
}
