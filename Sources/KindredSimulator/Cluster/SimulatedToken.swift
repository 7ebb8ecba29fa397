import KindredModel

/// Tokens as the server makes them, with a quick authentication code: what is checked here is the binding, not the cryptography.
enum SimulatedToken {
    static func seal(_ knowledge: Knowledge, address: [UInt8]) -> [UInt8] {
        address.withUnsafeBytes { CausalToken.seal(knowledge, keyID: 1, address: $0, authenticator: code) }
    }

    static func open(_ token: [UInt8], address: [UInt8]) -> Result<Knowledge, CausalToken.Refusal> {
        token.withUnsafeBytes { token in
            address.withUnsafeBytes { address in
                Result { () throws(CausalToken.Refusal) -> Knowledge in
                    if PlantedFault.contextOfAnotherKey.isActive {
                        return try CausalToken.open(token, keyID: 1, address: address) { _, _ in
                            (trailer(token, 16), trailer(token, 8))
                        }
                    }
                    return try CausalToken.open(token, keyID: 1, address: address, authenticator: code)
                }
            }
        }
    }

    private static func trailer(_ token: UnsafeRawBufferPointer, _ distance: Int) -> UInt64 {
        guard token.count >= distance else { return 0 }
        return UInt64(bigEndian: token.loadUnaligned(fromByteOffset: token.count - distance, as: UInt64.self))
    }

    private static func code(_ token: UnsafeRawBufferPointer, _ address: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        let address = SimulatedKey.hash(address)
        let token = SimulatedKey.hash(token)
        return (token ^ address &* 0x9E37_79B9_7F4A_7C15, address ^ token &* 0xBF58_476D_1CE4_E5B9)
    }
}
