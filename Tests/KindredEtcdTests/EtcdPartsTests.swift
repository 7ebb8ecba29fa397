import Foundation
import KindredNode
import Logging
import NIOCore
import Testing

@testable import KindredEtcd

/// The parts of the store in etcd that need no etcd.
@Suite("The parts of the store in etcd")
struct EtcdPartsTests {
    @Test("Configurations that make no sense are refused before anything is opened")
    func configurations() {
        var configurations: [EtcdConfiguration] = []
        for endpoint in [
            "", "garbage", "127.0.0.1:2379", "ftp://a:1", "http://", "http://a:1/x", "http://a:x", "http://a b",
        ] {
            configurations.append(EtcdConfiguration(endpoints: [endpoint], clusterName: "test"))
        }
        for name in ["", "a/b", "a b", "ä", String(repeating: "a", count: 65)] {
            configurations.append(EtcdConfiguration(endpoints: ["http://a:1"], clusterName: name))
        }
        configurations.append(EtcdConfiguration(endpoints: [], clusterName: "test"))
        var configuration = EtcdConfiguration(endpoints: ["https://a:1"], clusterName: "test")
        configuration.presenceSeconds = 0
        configurations.append(configuration)
        configuration.presenceSeconds = 10
        configuration.security.authorityFile = "/nowhere/ca.pem"
        configurations.append(configuration)
        configuration.security = EtcdConfiguration.Security(certificateFile: "/nowhere/client.pem")
        configurations.append(configuration)
        for configuration in configurations {
            #expect {
                _ = try EtcdConfigurationStore(configuration)
            } throws: {
                if case .refused? = $0 as? ConfigurationStoreError { true } else { false }
            }
        }
    }

    @Test("Lines come out whole, however the stream was cut")
    func lines() throws {
        let text = "a\n\nlonger line\nb\n"
        for size in 1...text.utf8.count {
            var splitter = LineSplitter(limit: 11)
            var lines: [String] = []
            var rest = ByteBuffer(string: text)
            while rest.readableBytes > 0, let piece = rest.readSlice(length: min(size, rest.readableBytes)) {
                splitter.append(piece)
                while let line = try splitter.next() { lines.append(String(buffer: line)) }
            }
            #expect(lines == ["a", "", "longer line", "b"], "in pieces of \(size)")
        }
    }

    @Test("A line that is longer than allowed is an error, whether or not its end has come", arguments: ["", "\n"])
    func longLine(end: String) throws {
        var splitter = LineSplitter(limit: 3)
        splitter.append(ByteBuffer(string: "abc\nabc"))
        #expect(try splitter.next().map { String(buffer: $0) } == "abc")
        #expect(try splitter.next() == nil)
        splitter.append(ByteBuffer(string: "d" + end))
        #expect(throws: LineSplitter.LineTooLong.self) { try splitter.next() }
    }

    @Test("A presence is read back; cut or alien bytes are none")
    func presenceValues() {
        let value = PresenceValue(owner: [1, 2], bytes: [3])
        #expect([UInt8](value.encoded) == [2, 1, 2, 3])
        #expect(PresenceValue(value.encoded) == value)
        #expect(PresenceValue(PresenceValue(owner: [], bytes: []).encoded) == PresenceValue(owner: [], bytes: []))
        #expect(PresenceValue(Data()) == nil)
        #expect(PresenceValue(Data([3, 1, 2])) == nil)
        #expect(PresenceValue(Data([0]) + Data(count: ConfigurationLimits.presenceBytes + 1)) == nil)
    }

    @Test("A view never goes back, and says of a snapshot only what is news")
    func view() {
        let keys = EtcdKeys(clusterName: "c")
        var view = EtcdView(keys: keys)
        func pair(_ key: Data, _ revision: UInt64, _ bytes: [UInt8]) -> EtcdKeyValue {
            EtcdKeyValue(key: key, modRevision: EtcdNumber(revision), lease: nil, value: Data(bytes))
        }
        let topology = keys.key(of: .topology)
        let first = view.apply(
            snapshot: [pair(keys.key(ofPresence: "n"), 3, [0, 8]), pair(topology, 5, [1])], at: 6)
        #expect(
            first == [
                .presence(name: "n", bytes: [8]), .document(.topology, VersionedDocument(bytes: [1], revision: 5)),
                .document(.buckets, .absent),
            ])
        // A watch on a member that lags behind, or one that repeats.
        #expect(view.apply(events: [.init(type: nil, kv: pair(topology, 4, [9]))]).isEmpty)
        #expect(view.apply(events: [.init(type: nil, kv: pair(topology, 6, [9]))]).isEmpty)
        #expect(view.apply(snapshot: [], at: 5).isEmpty)
        #expect(
            view.apply(events: [.init(type: nil, kv: pair(topology, 7, [2]))])
                == [.document(.topology, VersionedDocument(bytes: [2], revision: 7))])
        #expect(view.position == 7)
        // What is known is not told again; what has gone is told once.
        #expect(view.apply(snapshot: [pair(topology, 7, [2])], at: 9) == [.presence(name: "n", bytes: nil)])
        #expect(view.apply(snapshot: [pair(topology, 7, [2])], at: 9).isEmpty)
        #expect(
            view.apply(snapshot: [], at: 11) == [.document(.topology, VersionedDocument(bytes: nil, revision: 11))])
        #expect(view.apply(snapshot: [], at: 12).isEmpty)
    }
}
