import Foundation
import KindredNode
import KindredPeer
import SwiftASN1
import Testing
import X509

/// What the authority writes, and what it refuses.
@Suite struct DevelopmentCATests {
    private func certificate(_ path: String) throws -> Certificate {
        try Certificate(pemEncoded: String(contentsOfFile: path, encoding: .utf8))
    }

    private func mode(_ path: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    }

    @Test("the authority may issue certificates, for ten years; its key is its owner's only")
    func authority() throws {
        let authority = try TestAuthority()
        let certificate = try certificate(authority.path("ca.pem"))
        #expect(try certificate.extensions.basicConstraints == .isCertificateAuthority(maxPathLength: 0))
        #expect(try certificate.extensions.keyUsage == KeyUsage(keyCertSign: true, cRLSign: true))
        #expect(certificate.notValidBefore < .now)
        #expect(certificate.notValidAfter > .now + 3_649 * 86_400 && certificate.notValidAfter < .now + 3_651 * 86_400)
        #expect(try mode(authority.path("ca-key.pem")) == 0o600)
    }

    @Test("a node's certificate is for both ends, has its hosts, and ends after 825 days")
    func node() async throws {
        let authority = try TestAuthority()
        let files = try authority.issue("db-1", hosts: ["db-1.example", "10.0.0.7", "fe80::1"])
        let certificate = try certificate(files.certificate)
        #expect(try certificate.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try certificate.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth, .clientAuth]))
        let names = try #require(try certificate.extensions.subjectAlternativeNames)
        #expect(
            Array(names) == [
                .dnsName("db-1.example"), .ipAddress(ASN1OctetString(contentBytes: [10, 0, 0, 7])),
                .ipAddress(
                    ASN1OctetString(contentBytes: [0xFE, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])),
            ])
        #expect(certificate.notValidBefore < .now)
        #expect(certificate.notValidAfter > .now + 824 * 86_400 && certificate.notValidAfter < .now + 826 * 86_400)
        #expect(try mode(files.key) == 0o600)

        var verifier = Verifier(rootCertificates: CertificateStore([try self.certificate(files.authority)])) {
            RFC5280Policy()
        }
        guard case .validCertificate = await verifier.validate(leaf: certificate, intermediates: CertificateStore())
        else {
            Issue.record("the certificate is not the authority's")
            return
        }
    }

    @Test("a certificate for no host is one, too")
    func noHosts() throws {
        let files = try TestAuthority().issue("n1", hosts: [])
        #expect(files.certificate.hasSuffix("/n1.pem"))
    }

    @Test("nothing is overwritten")
    func overwriting() throws {
        let authority = try TestAuthority()
        #expect(throws: DevelopmentCAError.exists(authority.path("ca-key.pem"))) {
            try DevelopmentCA.create(in: authority.directory)
        }
        let files = try authority.issue("n1")
        let before = try Data(contentsOf: URL(fileURLWithPath: files.certificate))
        #expect(throws: DevelopmentCAError.exists(files.key)) { try authority.issue("n1") }
        // A certificate alone is not overwritten either, and no key is left without one.
        try FileManager.default.removeItem(atPath: files.key)
        #expect(throws: DevelopmentCAError.exists(files.certificate)) { try authority.issue("n1") }
        #expect(try Data(contentsOf: URL(fileURLWithPath: files.certificate)) == before)
        #expect(!FileManager.default.fileExists(atPath: files.key))
    }

    @Test(
        "a name that is no name of a file is refused",
        arguments: ["", "ca", "ca-key", "../n1", "a/b", ".n1", "n 1", "n\u{0}", String(repeating: "a", count: 65)])
    func badNames(name: String) throws {
        let authority = try TestAuthority()
        #expect(throws: DevelopmentCAError.badName(name)) { try authority.issue(name) }
    }

    @Test(
        "a host that is none is refused",
        arguments: ["", "a b", "a,b", "https://a", String(repeating: "a", count: 254)])
    func badHosts(host: String) throws {
        let authority = try TestAuthority()
        #expect(throws: DevelopmentCAError.badHost(host)) { try authority.issue("n1", hosts: [host]) }
        #expect(!FileManager.default.fileExists(atPath: authority.path("n1-key.pem")))
    }

    @Test("what is no authority is not opened")
    func noAuthority() throws {
        let (authority, other) = (try TestAuthority(), try TestAuthority())
        try FileManager.default.removeItem(atPath: authority.path("ca-key.pem"))
        #expect(throws: DevelopmentCAError.self) { try DevelopmentCA(in: authority.directory) }
        try FileManager.default.copyItem(atPath: other.path("ca-key.pem"), toPath: authority.path("ca-key.pem"))
        #expect(
            throws: DevelopmentCAError.notOpened(
                directory: authority.directory, reason: "the key is not the certificate's")
        ) { try DevelopmentCA(in: authority.directory) }
        #expect(throws: DevelopmentCAError.self) { try DevelopmentCA.create(in: authority.path("nowhere")) }
    }
}
