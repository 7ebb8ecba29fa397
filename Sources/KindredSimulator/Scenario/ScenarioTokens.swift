import KindredModel
import KindredReplication

/// The contexts that clients carry, as the tokens that they would get from a node: bound to one key, and refused for
/// any other.
enum ScenarioTokens {
    private static let keyID: UInt8 = 1

    static func seal(_ knowledge: Knowledge, for key: ObjectKey) -> [UInt8] {
        key.address.withUnsafeBytes {
            CausalToken.seal(knowledge, keyID: keyID, address: $0, authenticator: code)
        }
    }

    static func open(_ token: [UInt8], for key: ObjectKey) throws(CausalToken.Refusal) -> Knowledge {
        let opened = token.withUnsafeBytes { token in
            key.address.withUnsafeBytes { address in
                Result { () throws(CausalToken.Refusal) -> Knowledge in
                    try CausalToken.open(token, keyID: keyID, address: address, authenticator: code)
                }
            }
        }
        return try opened.get()
    }

    /// A checksum with the shape of an authentication code. Nobody forges tokens here; they are only mixed up.
    private static func code(_ token: UnsafeRawBufferPointer, _ address: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        let left = ScenarioRun.hash(token)
        let right = ScenarioRun.hash(address)
        return (left &* 31 ^ right, left ^ right &* 0x9e37_79b9_7f4a_7c15)
    }
}
