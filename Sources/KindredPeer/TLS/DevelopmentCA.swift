import Crypto
import SwiftASN1
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// An authority that lives in two files, for clusters that have no better one: makes its own certificate, and those of nodes.
///
/// Whoever can read `ca-key.pem` can make members of the cluster. It is needed for issuing only, on no node.
package struct DevelopmentCA {
    private let certificate: Certificate
    private let key: Certificate.PrivateKey
    private let pem: String

    private static let certificateFile = "ca.pem"
    private static let keyFile = "ca-key.pem"
    private static let validity = TimeInterval(3_650 * 86_400)
    /// What platforms accept at most of a certificate that is not an authority's.
    private static let nodeValidity = TimeInterval(825 * 86_400)
    /// The clocks of nodes may be behind.
    private static let backdating = TimeInterval(3_600)

    /// Makes an authority: `ca.pem` and `ca-key.pem` in a directory that exists. Overwrites nothing.
    package static func create(in directory: String) throws(DevelopmentCAError) {
        let key = P256.Signing.PrivateKey()
        let signer = Certificate.PrivateKey(key)
        let text = try made {
            let name = try DistinguishedName {
                OrganizationName("Kindred")
                CommonName("Kindred cluster")
            }
            return try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: signer.publicKey,
                notValidBefore: Date(timeIntervalSinceNow: -backdating),
                notValidAfter: Date(timeIntervalSinceNow: validity), issuer: name, subject: name,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: signer.publicKey)
                },
                issuerPrivateKey: signer
            ).serializeAsPEM().pemString
        }
        try write(key.pemRepresentation, to: "\(directory)/\(keyFile)", text, to: "\(directory)/\(certificateFile)")
    }

    /// Opens the authority that `create` has made.
    package init(in directory: String) throws(DevelopmentCAError) {
        let path = "\(directory)/\(Self.certificateFile)"
        let keyPath = "\(directory)/\(Self.keyFile)"
        do {
            pem = String(decoding: try SmallFile.read(path), as: UTF8.self)
            certificate = try Certificate(pemEncoded: pem)
            key = try Certificate.PrivateKey(pemEncoded: String(decoding: try SmallFile.read(keyPath), as: UTF8.self))
        } catch {
            throw .notOpened(directory: directory, reason: "\(error)")
        }
        guard certificate.publicKey == key.publicKey else {
            throw .notOpened(directory: directory, reason: "the key is not the certificate's")
        }
    }

    /// Makes a node's certificate, for both ends of a connection: `NAME.pem` and `NAME-key.pem` in a directory that exists.
    /// Overwrites nothing.
    ///
    /// - Parameters:
    ///   - name: letters, digits, dots, underscores and hyphens: it is a file's name, too.
    ///   - hosts: names and addresses of the node. Peers do not compare them, other clients may.
    package func issue(name: String, hosts: [String], into directory: String) throws(DevelopmentCAError) {
        guard Self.isName(name) else { throw .badName(name) }
        for host in hosts where !Self.isHost(host) { throw .badHost(host) }
        let nodeKey = P256.Signing.PrivateKey()
        let publicKey = Certificate.PublicKey(nodeKey.publicKey)
        let text = try Self.made {
            let subject = try DistinguishedName {
                OrganizationName("Kindred")
                CommonName(name)
            }
            return try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: publicKey,
                notValidBefore: Date(timeIntervalSinceNow: -Self.backdating),
                notValidAfter: min(Date(timeIntervalSinceNow: Self.nodeValidity), certificate.notValidAfter),
                issuer: certificate.subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try extensions(of: publicKey, hosts: hosts), issuerPrivateKey: key
            ).serializeAsPEM().pemString
        }
        try Self.write(
            nodeKey.pemRepresentation, to: "\(directory)/\(name)-key.pem", text, to: "\(directory)/\(name).pem")
    }

    private func extensions(of publicKey: Certificate.PublicKey, hosts: [String]) throws -> Certificate.Extensions {
        let authority = try certificate.extensions.subjectKeyIdentifier?.keyIdentifier
        let names = hosts.map(Self.generalName)
        return try Certificate.Extensions {
            Critical(BasicConstraints.notCertificateAuthority)
            Critical(KeyUsage(digitalSignature: true))
            try ExtendedKeyUsage([.serverAuth, .clientAuth])
            SubjectKeyIdentifier(hash: publicKey)
            if let authority { AuthorityKeyIdentifier(keyIdentifier: authority) }
            if !names.isEmpty { SubjectAlternativeNames(names) }
        }
    }

    // MARK: Names

    private static func isName(_ name: String) -> Bool {
        let isPlain = name.utf8.allSatisfy { byte in
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || "._-".utf8.contains(byte)
        }
        // The authority's own files have these names, or would look like them.
        return isPlain && (1...64).contains(name.utf8.count) && !name.hasPrefix(".") && name != "ca" && name != "ca-key"
    }

    private static func isHost(_ host: String) -> Bool {
        if addressBytes(host) != nil { return true }
        return (1...253).contains(host.utf8.count)
            && host.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !",;:/\"'\\".utf8.contains($0) }
    }

    private static func generalName(_ host: String) -> GeneralName {
        addressBytes(host).map { .ipAddress(ASN1OctetString(contentBytes: $0[...])) } ?? .dnsName(host)
    }

    // MARK: Files

    private static func made(_ make: () throws -> String) throws(DevelopmentCAError) -> String {
        do { return try make() } catch { throw .notMade(reason: "\(error)") }
    }

    /// Writes both files or none.
    private static func write(
        _ key: String, to keyPath: String, _ certificate: String, to certificatePath: String
    ) throws(DevelopmentCAError) {
        try SmallFile.create(keyPath, key + "\n", isSecret: true)
        do throws(DevelopmentCAError) {
            try SmallFile.create(certificatePath, certificate + "\n", isSecret: false)
        } catch {
            SmallFile.remove(keyPath)
            throw error
        }
    }
}

/// Why a certificate was not made.
package enum DevelopmentCAError: Error, Hashable, Sendable, CustomStringConvertible {
    case exists(String)
    case notWritten(path: String, reason: String)
    case notOpened(directory: String, reason: String)
    case notMade(reason: String)
    case badName(String)
    case badHost(String)

    package var description: String {
        switch self {
        case .exists(let path): "\(path) exists, and is not overwritten"
        case .notWritten(let path, let reason): "\(path) cannot be written: \(reason)"
        case .notOpened(let directory, let reason): "\(directory) has no authority that can be used: \(reason)"
        case .notMade(let reason): "the certificate cannot be made: \(reason)"
        case .badName(let name):
            "\"\(name)\" is no name for a certificate: up to 64 letters, digits, dots, underscores and hyphens, but not \"ca\""
        case .badHost(let host): "\"\(host)\" is neither a host's name nor an address"
        }
    }
}
