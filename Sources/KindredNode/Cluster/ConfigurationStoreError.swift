/// Why a store did not do what it was asked.
package enum ConfigurationStoreError: Error, Equatable, Sendable {
    /// No answer from any of its servers. Nothing was changed.
    case unreachable(String)
    /// The request was sent and no answer came: it may have been done, or not, or be done later. Read again to find out.
    case unknownOutcome(String)
    /// So many bytes are more than `ConfigurationLimits` allows.
    case tooLarge(Int)
    /// Another owner is present under this name.
    case taken(String)
    /// The store, or a check before it, says no; trying again will not help.
    case refused(String)
    /// `close` was called.
    case closed
}

extension ConfigurationStoreError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unreachable(let reason):
            "the configuration store cannot be reached: \(reason)"
        case .unknownOutcome(let reason):
            "the configuration store did not answer, so whether the change was made is unknown: \(reason)"
        case .tooLarge(let bytes):
            "\(bytes) bytes are more than the configuration store takes: "
                + "\(ConfigurationLimits.documentBytes) for a document, \(ConfigurationLimits.presenceBytes) for a presence"
        case .taken(let name):
            "the name \(name) is taken: another process, with another data directory, is present under it"
        case .refused(let reason):
            "the configuration store refuses: \(reason)"
        case .closed:
            "the connection to the configuration store was closed"
        }
    }
}

extension ConfigurationLimits {
    /// Whether a cluster may have this name: 1 to 64 of A–Z, a–z, 0–9, `.`, `_` and `-`.
    package static func isClusterName(_ name: String) -> Bool {
        (1...clusterNameBytes).contains(name.utf8.count) && name.utf8.allSatisfy { isNameByte($0) }
    }

    /// Refuses what no store takes as a presence, before it is asked.
    package static func checkPresence(
        _ name: String, owner: [UInt8], bytes: [UInt8]
    ) throws(ConfigurationStoreError) {
        guard (1...presenceNameBytes).contains(name.utf8.count), name.utf8.allSatisfy({ isPresenceNameByte($0) }) else {
            throw .refused(
                "a presence's name is 1 to \(presenceNameBytes) of A–Z, a–z, 0–9, '.', '_', '-', ':' and '@'")
        }
        guard owner.count <= ownerBytes else {
            throw .refused("an owner of \(owner.count) bytes; \(ownerBytes) are allowed")
        }
        guard bytes.count <= presenceBytes else { throw .tooLarge(bytes.count) }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// Also what stands in `node@host:port`.
    private static func isPresenceNameByte(_ byte: UInt8) -> Bool {
        isNameByte(byte) || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "@")
    }
}
