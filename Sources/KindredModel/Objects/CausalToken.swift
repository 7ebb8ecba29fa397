/// What a client carries from a read to its next write: opaque to it, and authenticated, because a forged or mixed-up context
/// would silently replace values that nobody has seen.
///
/// ```
/// ┌─────────┬────────┬─────────┬───────────┬────────┬────────────────────────────┐
/// │ version │ key id │ context │ timestamp │ number │ authentication code        │
/// │ 1 byte  │ 1 byte │ n bytes │ 8 bytes   │ varint │ 16 bytes                   │
/// └─────────┴────────┴─────────┴───────────┴────────┴────────────────────────────┘
/// ```
/// The code is computed over everything before it *and* over the object's address (bucket type, bucket and key), so a token of another
/// key does not verify. The secret differs from cluster to cluster.
public enum CausalToken {
    /// The first byte of every token.
    public static let formatVersion: UInt8 = 1
    /// The length of the authentication code in bytes.
    public static let codeLength = 16
    /// No token is longer: 64 KiB, far above what any number of replicas that have not been closed needs.
    public static let maximumLength = 65_536

    /// Computes an authentication code (HMAC-SHA-256 cut to 128 bits in what ships) of two byte strings, one after the other.
    public typealias Authenticator = (
        _ token: UnsafeRawBufferPointer, _ address: UnsafeRawBufferPointer
    ) -> (UInt64, UInt64)

    /// Why a token was refused.
    public enum Refusal: Error, Hashable, Sendable {
        /// Not a token at all, truncated, too long, or of a newer format.
        case malformed
        /// It was altered, belongs to another key, or comes from another cluster.
        case notAuthentic
        /// It speaks of events that have not happened here.
        case fromTheFuture
    }

    /// Seals what a client is to know of the object at `address`.
    public static func seal(
        _ knowledge: Knowledge, keyID: UInt8, address: UnsafeRawBufferPointer, authenticator: Authenticator
    ) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64 + knowledge.context.vector.entries.count * 10)
        bytes.append(formatVersion)
        bytes.append(keyID)
        knowledge.context.encode(into: &bytes)
        bytes.append(bigEndian: knowledge.timestamp.rawValue)
        bytes.append(varint: knowledge.number)
        let code = bytes.withUnsafeBytes { authenticator($0, address) }
        bytes.append(bigEndian: code.0)
        bytes.append(bigEndian: code.1)
        return bytes
    }

    /// Opens a token that came back for the object at `address`.
    ///
    /// - Parameter keyID: the id of the secret that `authenticator` holds.
    public static func open(
        _ token: UnsafeRawBufferPointer, keyID: UInt8, address: UnsafeRawBufferPointer, authenticator: Authenticator
    ) throws(Refusal) -> Knowledge {
        guard token.count > codeLength + 2, token.count <= maximumLength else { throw .malformed }
        guard token[0] == formatVersion else { throw .malformed }
        let payload = UnsafeRawBufferPointer(rebasing: token[..<(token.count - codeLength)])
        var trailer = ByteReader(token, offset: payload.count)
        guard token[1] == keyID, let high = try? trailer.bigEndian(UInt64.self),
            let low = try? trailer.bigEndian(UInt64.self)
        else { throw .notAuthentic }
        let code = authenticator(payload, address)
        // Both halves are always compared, so the time taken tells nothing of where they differ.
        guard (code.0 ^ high) | (code.1 ^ low) == 0 else { throw .notAuthentic }
        var reader = ByteReader(payload, offset: 2)
        do {
            let knowledge = Knowledge(
                context: try CausalContext(from: &reader),
                timestamp: HybridTimestamp(rawValue: try reader.bigEndian(UInt64.self)),
                number: try reader.varint())
            guard reader.isAtEnd else { throw Refusal.malformed }
            return knowledge
        } catch {
            throw .malformed
        }
    }
}
