import KindredModel
import KindredTesting
import Testing

/// A keyed code over two byte strings that any change of a bit, a length or the boundary between the two alters. Good enough for tests, and for
/// nothing else.
struct ToyAuthenticator {
    let secret: UInt64

    func code(_ token: UnsafeRawBufferPointer, _ address: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
        func lane(_ seed: UInt64) -> UInt64 {
            var hash = secret ^ seed
            func mix(_ value: UInt64) {
                hash = (hash ^ value) &* 0x0000_0100_0000_01B3
                hash ^= hash >> 29
            }
            mix(UInt64(token.count))
            for byte in token { mix(UInt64(byte)) }
            for byte in address { mix(UInt64(byte)) }
            return hash
        }
        return (lane(0xCBF2_9CE4_8422_2325), lane(0x9E37_79B9_7F4A_7C15))
    }
}

@Suite struct CausalTokenTests {
    private let authenticator = ToyAuthenticator(secret: 42)
    private let address = Array("type/bucket/key".utf8)
    private let knowledge = Knowledge(
        context: CausalContext(dots: [dot(1, 1), dot(1, 2), dot(1, 9), dot(300, 70_000)]),
        timestamp: HybridTimestamp(rawValue: 0x0123_4567_89AB_CDEF), number: 300)

    private func seal(_ knowledge: Knowledge, keyID: UInt8 = 7) -> [UInt8] {
        address.withUnsafeBytes { address in
            CausalToken.seal(knowledge, keyID: keyID, address: address, authenticator: authenticator.code)
        }
    }

    private func open(
        _ token: [UInt8], keyID: UInt8 = 7, address: [UInt8]? = nil, secret: UInt64 = 42
    ) throws(CausalToken.Refusal) -> Knowledge {
        let result = token.withUnsafeBytes { token in
            (address ?? self.address).withUnsafeBytes { address in
                Result { () throws(CausalToken.Refusal) -> Knowledge in
                    try CausalToken.open(
                        token, keyID: keyID, address: address, authenticator: ToyAuthenticator(secret: secret).code)
                }
            }
        }
        return try result.get()
    }

    /// A token whose code is right and whose payload is whatever the test wants.
    private func sealed(payload: [UInt8]) -> [UInt8] {
        var token: [UInt8] = [CausalToken.formatVersion, 7] + payload
        let code = token.withUnsafeBytes { token in
            address.withUnsafeBytes { authenticator.code(token, $0) }
        }
        token.append(bigEndian: code.0)
        token.append(bigEndian: code.1)
        return token
    }

    @Test("come back from their bytes")
    func roundTrip() throws {
        #expect(try open(seal(knowledge)) == knowledge)
        #expect(try open(seal(.nothing)) == .nothing)
        let extreme = Knowledge(
            context: CausalContext(vector([.max: .max])), timestamp: HybridTimestamp(rawValue: .max), number: .max)
        #expect(try open(seal(extreme)) == extreme)
    }

    @Test("every single altered bit is noticed")
    func bitFlips() {
        let token = seal(knowledge)
        for position in token.indices {
            for bit in 0..<8 {
                var altered = token
                altered[position] ^= 1 << UInt8(bit)
                #expect(throws: position == 0 ? CausalToken.Refusal.malformed : .notAuthentic) { try open(altered) }
            }
        }
    }

    @Test("a token of another key, cluster or secret is refused")
    func otherPlaces() {
        let token = seal(knowledge)
        #expect(throws: CausalToken.Refusal.notAuthentic) { try open(token, address: Array("type/bucket/kez".utf8)) }
        #expect(throws: CausalToken.Refusal.notAuthentic) { try open(token, address: Array("type/bucket/ke".utf8)) }
        #expect(throws: CausalToken.Refusal.notAuthentic) { try open(token, address: []) }
        #expect(throws: CausalToken.Refusal.notAuthentic) { try open(token, keyID: 8) }
        #expect(throws: CausalToken.Refusal.notAuthentic) { try open(token, secret: 43) }
    }

    @Test("truncated and extended tokens are refused")
    func lengths() {
        let token = seal(knowledge)
        for length in 0..<token.count {
            #expect(throws: CausalToken.Refusal.self) { try open(Array(token[..<length])) }
        }
        for length in 0...CausalToken.codeLength + 2 {
            #expect(throws: CausalToken.Refusal.malformed) { try open(Array(token[..<length])) }
        }
        for tail in [[0], [0, 0], Array(repeating: 0xFF, count: 100)] as [[UInt8]] {
            #expect(throws: CausalToken.Refusal.notAuthentic) { try open(token + tail) }
            #expect(throws: CausalToken.Refusal.self) { try open(tail + token) }
        }
        #expect(throws: CausalToken.Refusal.malformed) {
            try open(token + Array(repeating: 0, count: CausalToken.maximumLength))
        }
    }

    @Test(
        "authentic bytes that are no knowledge are refused",
        arguments: [
            [1, 1],
            [0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80],
        ] as [[UInt8]])
    func malformedPayload(payload: [UInt8]) {
        #expect(throws: CausalToken.Refusal.malformed) { try open(sealed(payload: payload)) }
    }

    @Test("the bytes of such tests would be accepted if they were knowledge")
    func wellFormedPayload() throws {
        #expect(try open(sealed(payload: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])) == .nothing)
    }

    @Test("garbage is never accepted")
    func garbage() {
        for seed in Seeds.upTo(500) {
            var random = SplitMix64(seed: seed)
            var token = random.bytes(random.below(64))
            if !token.isEmpty { token[0] = CausalToken.formatVersion }
            if token.count > 1 { token[1] = 7 }
            guard Issue.unless((try? open(token)) == nil, "seed \(seed): \(token)") else { return }
        }
    }
}
