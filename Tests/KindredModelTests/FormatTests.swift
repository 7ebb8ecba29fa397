import KindredModel
import Testing

/// The exact bytes of docs/formats/causality.md. Data on disks and tokens in clients' hands are in these formats: if a test here fails, a
/// format has changed, and needs a new version number and a way to read the old one.
@Suite struct FormatTests {
    private let time: [UInt8] = [0x01, 0x9A, 0xA0, 0x0B, 0x3C, 0x00, 0x00, 0x07]
    private let timestamp = HybridTimestamp(rawValue: 0x019A_A00B_3C00_0007)

    private func encoded(_ write: (inout [UInt8]) -> Void) -> [UInt8] {
        var bytes: [UInt8] = []
        write(&bytes)
        return bytes
    }

    @Test("version vector")
    func versionVector() throws {
        let value = vector([1: 4, 3: 300])
        let bytes: [UInt8] = [
            2,  // two actors
            1, 4,  // actor 1, four events
            2, 0xAC, 0x02,  // two actors further, 300 events
        ]
        #expect(encoded(value.encode) == bytes)
        #expect(try decode(bytes) { reader throws(MalformedBytes) in try VersionVector(from: &reader) } == value)
        #expect(encoded(VersionVector().encode) == [0])
    }

    @Test("causal context")
    func causalContext() throws {
        let value = CausalContext(dots: [dot(1, 1), dot(1, 2), dot(1, 4), dot(1, 300), dot(3, 7)])
        let bytes: [UInt8] = [
            1, 1, 2,  // the vector: actor 1, two events
            3,  // three dots
            1, 4,  // actor 1, event 4
            0, 0xAC, 0x02,  // the same actor, event 300
            2, 7,  // two actors further, event 7
        ]
        #expect(encoded(value.encode) == bytes)
        #expect(try decode(bytes) { reader throws(MalformedBytes) in try CausalContext(from: &reader) } == value)
        #expect(encoded(CausalContext().encode) == [0, 0])
    }

    @Test("replica clock")
    func replicaClock() throws {
        var value = ReplicaClock()
        for event in [dot(1, 1), dot(1, 2), dot(1, 3), dot(1, 5), dot(1, 8), dot(3, 1), dot(200, 70)] {
            value.insert(event)
        }
        let bytes: [UInt8] = [
            3,  // three actors
            1, 3, 1,  // actor 1, three events without a gap, one word of bits
            0, 0, 0, 0, 0, 0, 0, 0b1001,  // event 5, and three further event 8
            2, 1, 0,  // two actors further, one event, no bits
            0xC5, 0x01, 0, 2,  // 197 actors further, no event without a gap, two words
            0, 0, 0, 0, 0, 0, 0, 0,  // events 2 to 65
            0, 0, 0, 0, 0, 0, 0, 0b1_0000,  // of 66 and following, event 70
        ]
        #expect(encoded(value.encode) == bytes)
        #expect(try decode(bytes) { reader throws(MalformedBytes) in try ReplicaClock(from: &reader) } == value)
        #expect(encoded(ReplicaClock().encode) == [0])
    }

    @Test("causal object")
    func causalObject() throws {
        var value = CausalObject(
            versions: [
                Version(dot: dot(1, 4), timestamp: timestamp, content: content("hi")),
                Version(dot: dot(3, 7), timestamp: timestamp, number: 300, content: content("")),
                Version(dot: dot(3, 9), timestamp: timestamp, number: 1, content: nil),
                Version(dot: dot(300, 1), timestamp: timestamp, content: nil),
            ], context: CausalContext(vector([1: 3])))
        value.strip(vector([1: 4, 300: 1]))
        let bytes: [UInt8] =
            [
                1,  // format version
                0,  // the context: an empty vector,
                2, 3, 7, 0, 9,  // and a cloud of 3:7 and 3:9
                4,  // four versions
                0, 1, 4,  // a value, actor 1, event 4
            ] + time + [2, 0x68, 0x69]  // two bytes: hi
            + [2, 3, 7] + time + [0xAC, 0x02, 0]  // a value with number 300, empty
            + [3, 3, 9] + time + [1]  // a tombstone with number 1
            + [1, 0xAC, 0x02, 1] + time  // a tombstone, actor 300
        #expect(value.encoded() == bytes)
        #expect(try CausalObject(encoded: bytes) == value)
        #expect(CausalObject().encoded() == [1, 0, 0, 0])
    }

    @Test("causal token")
    func causalToken() throws {
        let value = Knowledge(
            context: CausalContext(dots: [dot(1, 1), dot(1, 2), dot(1, 4)]), timestamp: timestamp, number: 300)
        let code: (UInt64, UInt64) = (0x1112_1314_1516_1718, 0x2122_2324_2526_2728)
        let bytes: [UInt8] =
            [
                1,  // format version
                7,  // key id
                1, 1, 2,  // the context: a vector of actor 1's first two events,
                1, 1, 4,  // and a cloud of 1:4
            ] + time + [0xAC, 0x02]  // number 300
            + [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28]
        let address = Array("address".utf8)
        var authenticated: [[UInt8]] = []
        let token = address.withUnsafeBytes { address in
            CausalToken.seal(value, keyID: 7, address: address) { token, address in
                authenticated = [Array(token), Array(address)]
                return code
            }
        }
        #expect(token == bytes)
        #expect(
            authenticated == [Array(bytes.dropLast(16)), address],
            "the code covers all that precedes it, and the address")
        let opened = try bytes.withUnsafeBytes { token in
            try address.withUnsafeBytes { address in
                try CausalToken.open(token, keyID: 7, address: address) { _, _ in code }
            }
        }
        #expect(opened == value)
    }

    @Test("hybrid timestamp")
    func hybridTimestamp() {
        #expect(timestamp.milliseconds == 0x019A_A00B_3C00)
        #expect(HybridTimestamp(milliseconds: 1).rawValue == 65_536)
    }
}
