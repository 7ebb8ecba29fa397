import Crypto
package import KindredModel
package import KindredReplication

/// Seals and opens causal tokens with the cluster's secret: HMAC-SHA-256, cut to 128 bits.
package struct TokenSeal: Sendable {
    private let keyed: HMAC<SHA256>
    private let keyID: UInt8 = 1

    /// - Parameter secret: 32 random bytes.
    package init(secret: [UInt8]) {
        keyed = HMAC<SHA256>(key: SymmetricKey(data: secret))
    }

    /// The token that tells its bearer's next write what the bearer knows of the object.
    package func seal(_ knowledge: Knowledge, for key: ObjectKey) -> [UInt8] {
        key.address.withUnsafeBytes { CausalToken.seal(knowledge, keyID: keyID, address: $0, authenticator: code) }
    }

    /// What the bearer of this token knows of the object.
    package func open(
        _ token: UnsafeRawBufferPointer, for key: ObjectKey
    ) throws(CausalToken.Refusal) -> Knowledge {
        let opened = key.address.withUnsafeBytes { address in
            Result { () throws(CausalToken.Refusal) -> Knowledge in
                try CausalToken.open(token, keyID: keyID, address: address, authenticator: code)
            }
        }
        return try opened.get()
    }

    private func code(_ token: UnsafeRawBufferPointer, _ address: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        // One update of both is a quarter microsecond less than one of each, on each read.
        withUnsafeTemporaryAllocation(byteCount: token.count + address.count, alignment: 1) { both in
            both.copyMemory(from: token)
            UnsafeMutableRawBufferPointer(rebasing: both[token.count...]).copyMemory(from: address)
            var mac = keyed
            mac.update(data: UnsafeRawBufferPointer(both))
            return mac.finalize().withUnsafeBytes { code in
                (
                    UInt64(bigEndian: code.loadUnaligned(as: UInt64.self)),
                    UInt64(bigEndian: code.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
                )
            }
        }
    }
}
