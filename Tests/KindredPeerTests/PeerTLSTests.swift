import Foundation
import KindredNode
import KindredReplication
import NIOCore
import NIOPosix
import NIOSSL
import Testing

@testable import KindredPeer

/// Real certificates on real sockets: who is believed, and how certificates are renewed.
@Suite struct PeerTLSTests {
    private let message = PeerMessage.hinted(Hinted(id: 1, refusal: nil))

    @Test("nodes with certificates of one authority talk")
    func sameAuthority() async throws {
        let directory = try TestAuthority()
        let one = try await TestPeer.start(1, tls: PeerTLS(files: try directory.issue("n1")))
        let two = try await TestPeer.start(2, tls: PeerTLS(files: try directory.issue("n2")))
        try await TestPeer.connect(one, two)
        let long = KindredPeerTests.message(ofAbout: 3 << 20)
        try await one.send([message, long], to: two.node)
        try await two.send([message], to: one.node)
        try await eventually("messages arrive") {
            two.recorder.messages(from: one.node).count == 2 && one.recorder.messages(from: two.node).count == 1
        }
        #expect(two.recorder.messages(from: one.node) == [message, long])
        await TestPeer.close(one, two)
    }

    @Test("a node with a certificate of another authority is refused, also if it believes the others")
    func otherAuthority() async throws {
        let (ours, theirs) = (try TestAuthority(), try TestAuthority())
        let one = try await TestPeer.start(1, tls: PeerTLS(files: try ours.issue("n1")))
        var files = try theirs.issue("n2")
        files.authority = ours.path("ca.pem")
        let two = try await TestPeer.start(2, tls: PeerTLS(files: files))
        try await one.setPeers([two.node: two.address])
        try await two.setPeers([one.node: one.address])
        try await eventually("they are unreachable") {
            one.recorder.verdicts(of: two.node) == [false] && two.recorder.verdicts(of: one.node) == [false]
        }
        // Whom it dials is the first to object; whom it is dialled by is told by the other's alert.
        #expect(try await one.status(of: two.node)?.lastFailure?.contains("CERTIFICATE_VERIFY_FAILED") == true)
        #expect(try await two.status(of: one.node)?.lastFailure?.contains("UNKNOWN_CA") == true)
        try await eventually("a warning") { one.log.contains("CERTIFICATE_VERIFY_FAILED") }
        await TestPeer.close(one, two)
    }

    /// What a client without Kindred's code would use.
    private func client(
        _ authority: TestAuthority, _ files: PeerTLSFiles?, maximum: TLSVersion? = nil
    ) throws -> @Sendable () throws -> any ChannelHandler {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(authority.path("ca.pem"))
        configuration.certificateVerification = .noHostnameVerification
        configuration.maximumTLSVersion = maximum
        if let files {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(files.certificate).map {
                .certificate($0)
            }
            configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))
        }
        let context = try NIOSSLContext(configuration: configuration)
        return { try NIOSSLClientHandler(context: context, serverHostname: nil) }
    }

    @Test("a dialler with a certificate is welcomed; without one, in plain text, or with TLS 1.2 it is not")
    func diallers() async throws {
        let authority = try TestAuthority()
        let one = try await TestPeer.start(1, tls: PeerTLS(files: try authority.issue("n1")))
        let files = try authority.issue("n2")
        let hello = RawFrame.hello(sender: 2, receiver: 1)

        let good = try await RawConnection.dial(one.address, tls: client(authority, files))
        good.send(hello)
        try await eventually("a welcome") { good.received == RawFrame.welcome(node: 1) }
        try await good.close()

        let strangers = [
            ("no certificate", try client(authority, nil)), ("TLS 1.2", try client(authority, files, maximum: .tlsv12)),
        ]
        for (name, handler) in strangers {
            let connection = try await RawConnection.dial(one.address, tls: handler)
            connection.send(hello)
            try await eventually("\(name) is disconnected") { connection.isClosed }
            #expect(connection.received.isEmpty, "\(name)")
        }
        let plain = try await RawConnection.dial(one.address)
        plain.send(hello)
        try await eventually("plain text is disconnected") { plain.isClosed }
        #expect(!contains(plain.received, RawFrame.welcome(node: 1)))
        await TestPeer.close(one)
    }

    private func contains(_ bytes: [UInt8], _ part: [UInt8]) -> Bool {
        bytes.indices.contains { bytes[$0...].starts(with: part) }
    }

    @Test("a node with TLS and one without do not reach each other")
    func mixed() async throws {
        let authority = try TestAuthority()
        let one = try await TestPeer.start(1, tls: PeerTLS(files: try authority.issue("n1")))
        let two = try await TestPeer.start(2)
        try await one.setPeers([two.node: two.address])
        try await two.setPeers([one.node: one.address])
        try await eventually("they are unreachable") {
            one.recorder.verdicts(of: two.node) == [false] && two.recorder.verdicts(of: one.node) == [false]
        }
        await TestPeer.close(one, two)
    }

    @Test("reloaded certificates hold for new connections; those that exist go on")
    func reload() async throws {
        let (before, after) = (try TestAuthority(), try TestAuthority())
        let tls = try PeerTLS(files: try before.issue("n1"))
        let one = try await TestPeer.start(1, tls: tls)
        let two = try await TestPeer.start(2, tls: PeerTLS(files: try before.issue("n2")))
        try await TestPeer.connect(one, two)

        try replace(tls.files, by: try after.issue("n1"))
        try tls.reload()

        let three = try await TestPeer.start(3, tls: PeerTLS(files: try after.issue("n3")))
        let late = try await TestPeer.start(4, tls: PeerTLS(files: try before.issue("n4")))
        let peers = [two.node: two.address, three.node: three.address, late.node: late.address]
        try await one.setPeers(peers)
        for peer in [three, late] { try await peer.setPeers([one.node: one.address]) }
        try await eventually("the new authority's node is reachable") {
            one.recorder.verdicts(of: three.node).last == true && three.recorder.verdicts(of: one.node).last == true
        }
        try await eventually("the old authority's is not, any more") {
            one.recorder.verdicts(of: late.node) == [false] && late.recorder.verdicts(of: one.node) == [false]
        }
        #expect(one.recorder.verdicts(of: two.node) == [true])
        try await one.send([message], to: two.node)
        try await eventually("a message arrives on the old connection") {
            two.recorder.messages(from: one.node) == [message]
        }
        await TestPeer.close(one, two, three, late)
    }

    @Test("files that make no sense change nothing, are logged once, and are taken when they make sense again")
    func brokenFiles() async throws {
        let authority = try TestAuthority()
        let tls = try PeerTLS(files: try authority.issue("n1"))
        let other = try authority.issue("other")
        let log = LogLines()
        let first = tls.serverContext
        tls.reloadIfChanged(logger: log.logger)
        #expect(tls.serverContext === first, "nothing has changed")

        // Half of a renewal: the key is not there yet.
        try replace(tls.files.certificate, by: other.certificate)
        tls.reloadIfChanged(logger: log.logger)
        tls.reloadIfChanged(logger: log.logger)
        #expect(tls.serverContext === first)
        #expect(log.count(of: "cannot be reloaded") == 1)
        #expect(throws: PeerTLSError.self) { try tls.reload() }
        try replace(tls.files.key, by: other.key)
        tls.reloadIfChanged(logger: log.logger)
        #expect(tls.serverContext !== first && log.contains("certificates have been reloaded"))

        let second = tls.clientContext
        for (path, bytes) in [
            (tls.files.certificate, Data("no certificate".utf8)), (tls.files.key, Data()),
            (tls.files.authority, Data(repeating: 0x20, count: Limits.peerPEMBytes + 1)),
        ] {
            let good = try Data(contentsOf: URL(fileURLWithPath: path))
            try bytes.write(to: URL(fileURLWithPath: path))
            tls.reloadIfChanged(logger: log.logger)
            #expect(throws: PeerTLSError.self, "\(path)") { try tls.reload() }
            try good.write(to: URL(fileURLWithPath: path))
        }
        #expect(tls.clientContext === second && log.count(of: "cannot be reloaded") == 4)
        try FileManager.default.removeItem(atPath: tls.files.key)
        #expect(throws: PeerTLSError.unreadable(path: tls.files.key, reason: "No such file or directory")) {
            try tls.reload()
        }
        #expect(throws: PeerTLSError.self) { try PeerTLS(files: tls.files) }
    }

    @Test("changed files are noticed")
    func watch() async throws {
        let authority = try TestAuthority()
        let tls = try PeerTLS(files: try authority.issue("n1"))
        let first = tls.serverContext
        let log = LogLines()
        let watch = tls.watch(
            on: MultiThreadedEventLoopGroup.singleton.next(), logger: log.logger, interval: .milliseconds(10))
        try replace(tls.files, by: try authority.issue("renewed"))
        try await eventually("they are reloaded") { tls.serverContext !== first }
        try await eventually("it is logged") { log.contains("certificates have been reloaded") }
        watch.cancel()
    }

    private func replace(_ files: PeerTLSFiles, by others: PeerTLSFiles) throws {
        for (old, new) in [
            (files.certificate, others.certificate), (files.key, others.key), (files.authority, others.authority),
        ] where old != new { try replace(old, by: new) }
    }

    /// As tools that renew certificates do: a new file takes the place of the old one.
    private func replace(_ old: String, by new: String) throws {
        try FileManager.default.copyItem(atPath: new, toPath: old + ".new")
        #expect(rename(old + ".new", old) == 0)
    }
}

/// An authority in a directory of its own, which goes with it.
final class TestAuthority: Sendable {
    let directory: String

    init() throws {
        let url = FileManager.default.temporaryDirectory.appending(path: "kindred-peer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        directory = url.path
        try DevelopmentCA.create(in: directory)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    func path(_ name: String) -> String { "\(directory)/\(name)" }

    func issue(_ name: String, hosts: [String] = ["localhost", "127.0.0.1", "::1"]) throws -> PeerTLSFiles {
        try DevelopmentCA(in: directory).issue(name: name, hosts: hosts, into: directory)
        // A copy of its own, as on a machine of its own.
        try FileManager.default.copyItem(atPath: path("ca.pem"), toPath: path("\(name)-ca.pem"))
        return PeerTLSFiles(
            certificate: path("\(name).pem"), key: path("\(name)-key.pem"), authority: path("\(name)-ca.pem"))
    }
}
