package import Logging
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// Mutual TLS between nodes: each side shows a certificate, and accepts any that the cluster's authority has issued.
///
/// Nodes are known by their id, and may move to other addresses, so the names in a certificate are not compared with
/// anything: that the authority has issued it says that its owner belongs to the cluster. An authority that also issues
/// certificates for others is none for a cluster.
///
/// Certificates are renewed without a restart: `reload` reads the files again, for connections that are made from then
/// on. Files that make no sense change nothing.
package final class PeerTLS: Sendable {
    package let files: PeerTLSFiles
    private let current: Mutex<Contexts>
    private let isChecking = Mutex(false)

    private struct Contexts: Sendable {
        let server: NIOSSLContext
        let client: NIOSSLContext
        /// What the files looked like before they were read.
        var marks: [FileMark]
        /// The same, of files that could not be used: they are not tried again before they change.
        var failedMarks: [FileMark]?
    }

    /// Reads the files. May wait for the disk.
    package init(files: PeerTLSFiles) throws(PeerTLSError) {
        self.files = files
        let contexts = try Self.load(files)
        current = Mutex(contexts)
    }

    /// For connections that come in.
    var serverContext: NIOSSLContext { current.withLock { $0.server } }

    /// For connections that are dialled.
    var clientContext: NIOSSLContext { current.withLock { $0.client } }

    /// Reads the files again, for new connections. May wait for the disk. If it throws, everything is as before.
    package func reload() throws(PeerTLSError) {
        let contexts = try Self.load(files)
        current.withLock { $0 = contexts }
    }

    // MARK: Watching

    /// How often the files are looked at.
    private static let interval = TimeAmount.seconds(10)

    /// Reloads the files when they have changed, from now on until the task is cancelled. They are read on another thread.
    func watch(on eventLoop: any EventLoop, logger: Logger, interval: TimeAmount = interval) -> RepeatedTask {
        eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { _ in
            // A disk that hangs holds one thread, not more and more of them.
            let isFirst = self.isChecking.withLock { isChecking in
                defer { isChecking = true }
                return !isChecking
            }
            guard isFirst else { return }
            NIOThreadPool.singleton.submit { state in
                if state == .active { self.reloadIfChanged(logger: logger) }
                self.isChecking.withLock { $0 = false }
            }
        }
    }

    /// Reloads the files if they are not those that were read last. Errors are logged.
    package func reloadIfChanged(logger: Logger) {
        let marks = FileMark.of(files)
        guard current.withLock({ $0.marks != marks && $0.failedMarks != marks }) else { return }
        do throws(PeerTLSError) {
            try reload()
            logger.notice("certificates have been reloaded", metadata: ["certificate": "\(files.certificate)"])
        } catch {
            current.withLock { $0.failedMarks = marks }
            logger.error(
                "certificates cannot be reloaded: the old ones stay in use", metadata: ["error": "\(error)"])
        }
    }

    // MARK: Loading

    private static func load(_ files: PeerTLSFiles) throws(PeerTLSError) -> Contexts {
        // Taken first: what changes while it is read is read again.
        let marks = FileMark.of(files)
        let chain = try certificates(in: files.certificate)
        let authorities = try certificates(in: files.authority)
        let key = try privateKey(in: files.key)
        let source = chain.map { NIOSSLCertificateSource.certificate($0) }
        var server = TLSConfiguration.makeServerConfiguration(certificateChain: source, privateKey: .privateKey(key))
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateChain = source
        client.privateKey = .privateKey(key)
        do {
            return Contexts(
                server: try NIOSSLContext(configuration: complete(&server, authorities)),
                client: try NIOSSLContext(configuration: complete(&client, authorities)), marks: marks)
        } catch {
            throw .unusable(certificate: files.certificate, key: files.key, reason: "\(error)")
        }
    }

    /// What both sides have in common.
    private static func complete(
        _ configuration: inout TLSConfiguration, _ authorities: [NIOSSLCertificate]
    ) -> TLSConfiguration {
        configuration.minimumTLSVersion = .tlsv13
        configuration.trustRoots = .certificates(authorities)
        // Of a server this demands a certificate of its client.
        configuration.certificateVerification = .noHostnameVerification
        configuration.shutdownTimeout = .seconds(1)
        return configuration
    }

    private static func certificates(in path: String) throws(PeerTLSError) -> [NIOSSLCertificate] {
        let bytes = try SmallFile.read(path)
        do {
            let certificates = try NIOSSLCertificate.fromPEMBytes(bytes)
            guard !certificates.isEmpty else { throw PeerTLSError.noCertificate(path) }
            return certificates
        } catch {
            throw .noCertificate(path)
        }
    }

    private static func privateKey(in path: String) throws(PeerTLSError) -> NIOSSLPrivateKey {
        let bytes = try SmallFile.read(path)
        do {
            return try NIOSSLPrivateKey(bytes: bytes, format: .pem)
        } catch {
            throw .noKey(path)
        }
    }
}

/// Where a node's credentials are, as PEM.
package struct PeerTLSFiles: Hashable, Sendable {
    /// The node's certificate, followed by those between it and the authority's, if there are any.
    package var certificate: String
    /// The node's private key, not encrypted.
    package var key: String
    /// The certificates of the authorities whose nodes are accepted.
    package var authority: String

    package init(certificate: String, key: String, authority: String) {
        self.certificate = certificate
        self.key = key
        self.authority = authority
    }
}

/// Why credentials cannot be used.
package enum PeerTLSError: Error, Hashable, Sendable, CustomStringConvertible {
    case unreadable(path: String, reason: String)
    case tooLong(path: String)
    /// There is no certificate in the file, or one that makes no sense.
    case noCertificate(String)
    case noKey(String)
    /// The parts do not fit together: mostly a key that is not the certificate's.
    case unusable(certificate: String, key: String, reason: String)

    package var description: String {
        switch self {
        case .unreadable(let path, let reason): "\(path) cannot be read: \(reason)"
        case .tooLong(let path): "\(path) is too long to be what it should be"
        case .noCertificate(let path): "\(path) has no certificate in PEM that makes sense"
        case .noKey(let path): "\(path) has no unencrypted private key in PEM"
        case .unusable(let certificate, let key, let reason):
            "\(certificate) and \(key) cannot be used together: \(reason)"
        }
    }
}
