import Foundation
import KindredNode

/// Where a cluster's configuration is in etcd's key space.
///
/// ```
/// /kindred/CLUSTER/documents/NAME     a document, as it is
/// /kindred/CLUSTER/present/NAME       1 byte: length of the owner │ owner │ bytes that others read
/// ```
/// A cluster's name has no slash, so the keys of no cluster begin with the prefix of another.
struct EtcdKeys: Sendable {
    private let prefix: String

    init(clusterName: String) {
        prefix = "/kindred/\(clusterName)/"
    }

    /// The first key of the cluster. Nothing is stored there.
    var lower: Data { Data(prefix.utf8) }
    /// Behind the last key of the cluster: `0` comes after `/`.
    var upper: Data { Data(prefix.utf8.dropLast() + [UInt8(ascii: "0")]) }

    func key(of document: ConfigurationDocument) -> Data {
        Data("\(prefix)documents/\(document.rawValue)".utf8)
    }

    func key(ofPresence name: String) -> Data {
        Data("\(prefix)present/\(name)".utf8)
    }

    /// What a key of the cluster is about.
    enum Subject {
        case document(ConfigurationDocument)
        case presence(String)
        /// Written by somebody else, or by a later version.
        case other
    }

    func subject(of key: Data) -> Subject {
        guard let text = String(bytes: key, encoding: .utf8), text.hasPrefix(prefix) else { return .other }
        let parts = text.dropFirst(prefix.count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return .other }
        switch parts[0] {
        case "documents": return ConfigurationDocument(rawValue: String(parts[1])).map { .document($0) } ?? .other
        case "present": return .presence(String(parts[1]))
        default: return .other
        }
    }
}

/// The value of a presence.
struct PresenceValue: Equatable, Sendable {
    var owner: [UInt8]
    var bytes: [UInt8]

    init(owner: [UInt8], bytes: [UInt8]) {
        self.owner = owner
        self.bytes = bytes
    }

    /// Nil: this is none.
    init?(_ value: Data) {
        guard let length = value.first, value.count > Int(length),
            value.count - 1 - Int(length) <= ConfigurationLimits.presenceBytes
        else {
            return nil
        }
        owner = [UInt8](value.dropFirst().prefix(Int(length)))
        bytes = [UInt8](value.dropFirst(1 + Int(length)))
    }

    /// - Precondition: the owner is within `ConfigurationLimits.ownerBytes`.
    var encoded: Data {
        Data([UInt8(owner.count)] + owner + bytes)
    }
}
