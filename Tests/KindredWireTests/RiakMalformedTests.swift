import KindredModel
import SwiftProtobuf
import Testing

@testable import KindredWire

/// What no client should send, and somebody will.
@Suite struct RiakMalformedTests {
    /// A codec of ours, beside the generated one: decoding to the generated representation, or an error.
    struct Codec: CustomTestStringConvertible, Sendable {
        let name: String
        let lastField: UInt32
        let byHand: @Sendable (UnsafeRawBufferPointer) throws -> any SwiftProtobuf.Message
        let generated: @Sendable ([UInt8]) throws -> any SwiftProtobuf.Message
        let sample: @Sendable (inout RiakRandomMessages) throws -> [UInt8]

        var testDescription: String { name }

        func byHand(_ bytes: [UInt8]) throws -> any SwiftProtobuf.Message {
            try bytes.withUnsafeBytes { try byHand($0) }
        }

        init<Message: SwiftProtobuf.Message>(
            _ type: Message.Type, lastField: UInt32,
            byHand: @escaping @Sendable (UnsafeRawBufferPointer) throws -> Message,
            sample: @escaping @Sendable (inout RiakRandomMessages) -> Message
        ) {
            name = Message.protoMessageName
            self.lastField = lastField
            self.byHand = { try byHand($0) }
            generated = { bytes in
                var options = BinaryDecodingOptions()
                options.discardUnknownFields = true
                return try Message(serializedBytes: bytes, options: options)
            }
            self.sample = { try sample(&$0).serializedBytes() }
        }
    }

    static let codecs = [
        Codec(RpbGetReq.self, lastField: 14) {
            RpbGetReq(try RiakGetRequest($0))
        } sample: {
            $0.getRequest()
        },
        Codec(RpbPutReq.self, lastField: 17) {
            RpbPutReq(try RiakPutRequest($0))
        } sample: {
            $0.putRequest()
        },
        Codec(RpbDelReq.self, lastField: 13) {
            RpbDelReq(try RiakDeleteRequest($0))
        } sample: {
            $0.deleteRequest()
        },
        Codec(RpbContent.self, lastField: 11) {
            RpbContent(try RiakContent($0))
        } sample: {
            $0.content()
        },
        Codec(RpbGetResp.self, lastField: 3) {
            RpbGetResp(try RiakGetResponse($0))
        } sample: {
            $0.getResponse()
        },
        Codec(RpbPutResp.self, lastField: 3) {
            RpbPutResp(try RiakPutResponse($0))
        } sample: {
            $0.putResponse()
        },
        Codec(RpbErrorResp.self, lastField: 2) {
            RpbErrorResp(try RiakErrorResponse($0))
        } sample: { random in
            var message = RpbErrorResp()
            message.errmsg = random.data(upTo: 100)
            message.errcode = random.number()
            return message
        },
    ]

    @Test(arguments: codecs)
    func everyPrefixIsJudgedAsTheGeneratedCodeJudgesIt(codec: Codec) throws {
        let seed: UInt64 = 0x7C_0FFE
        var random = RiakRandomMessages(seed: seed)
        for round in 0..<40 {
            let bytes = try codec.sample(&random)
            for length in 0...bytes.count {
                let prefix = Array(bytes[..<length])
                let expected = try? codec.generated(prefix)
                let decoded = try? codec.byHand(prefix)
                #expect(
                    (expected == nil) == (decoded == nil), "seed \(seed), round \(round), length \(length)")
                if let expected, let decoded { #expect(decoded.isEqualTo(message: expected)) }
            }
        }
    }

    @Test func everyPrefixOfARequestWithoutOptionsIsRefused() throws {
        let get: [UInt8] = [0x0A, 1, 1, 0x12, 1, 2]
        let put: [UInt8] = [0x0A, 1, 1, 0x12, 1, 2, 0x1A, 1, 3, 0x22, 6, 0x12, 1, 4, 0x0A, 1, 5]
        for length in 0..<get.count {
            #expect(throws: MalformedBytes.self) {
                try Array(get[..<length]).withUnsafeBytes { _ = try RiakGetRequest($0) }
            }
            #expect(throws: MalformedBytes.self) {
                try Array(get[..<length]).withUnsafeBytes { _ = try RiakDeleteRequest($0) }
            }
        }
        for length in 0..<put.count {
            #expect(throws: MalformedBytes.self) {
                try Array(put[..<length]).withUnsafeBytes { _ = try RiakPutRequest($0) }
            }
        }
        try get.withUnsafeBytes { _ = try RiakGetRequest($0) }
        try put.withUnsafeBytes { _ = try RiakPutRequest($0) }
    }

    @Test(arguments: codecs)
    func garbageNeverTraps(codec: Codec) throws {
        let seed: UInt64 = 0x6A_4BA6E
        var random = RiakRandomMessages(seed: seed)
        for round in 0..<15_000 {
            var bytes: [UInt8]
            if round % 2 == 0 {
                bytes = random.bytes(upTo: 40)
            } else {
                bytes = try codec.sample(&random)
                for _ in 0...random.next() % 3 where !bytes.isEmpty {
                    bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
                }
            }
            // We refuse more than protobuf does (a known field of the wrong type, a second content), but what we accept means the
            // same.
            guard let decoded = try? codec.byHand(bytes), let expected = try? codec.generated(bytes) else { continue }
            #expect(decoded.isEqualTo(message: expected), "seed \(seed), round \(round): \(bytes)")
        }
    }

    @Test(arguments: codecs)
    func unknownFieldsAreSkipped(codec: Codec) throws {
        var random = RiakRandomMessages(seed: 3)
        let unknown: [[UInt8]] = [
            tag(codec.lastField + 1, 0) + [0xFF, 0xFF, 0x03],
            tag(200, 1) + [1, 2, 3, 4, 5, 6, 7, 8],
            tag(18, 2) + [3, 9, 9, 9],
            tag(536_870_911, 5) + [1, 2, 3, 4],
        ]
        for _ in 0..<50 {
            let bytes = try codec.sample(&random)
            let plain = try codec.byHand(bytes)
            for field in unknown {
                #expect(try codec.byHand(field + bytes).isEqualTo(message: plain))
                #expect(try codec.byHand(bytes + field).isEqualTo(message: plain))
                for length in 1..<field.count {
                    #expect(throws: MalformedBytes.self) { try codec.byHand(bytes + field[..<length]) }
                }
            }
        }
    }

    @Test(arguments: codecs)
    func knownFieldsOfAnotherTypeAreRefused(codec: Codec) throws {
        var random = RiakRandomMessages(seed: 4)
        let bytes = try codec.sample(&random)
        for field in 1...codec.lastField {
            for wireType: UInt32 in [1, 3, 4, 5, 6, 7] {
                let payload = [UInt8](repeating: 0, count: 8)
                #expect(throws: MalformedBytes.self, "field \(field), wire type \(wireType)") {
                    try codec.byHand(bytes + tag(field, wireType) + payload)
                }
            }
            // Each field is a number or bytes; the other one of the two must be refused.
            let accepted = [UInt32(0), 2].filter { wireType in
                (try? codec.byHand(bytes + tag(field, wireType) + [0])) != nil
            }
            #expect(accepted.count <= 1, "field \(field)")
        }
    }

    @Test(arguments: codecs)
    func hugeLengthsAreRefused(codec: Codec) throws {
        let lengths: [[UInt8]] = [
            [0x80, 0x80, 0x80, 0x80, 0x08],  // 2 GiB
            [0xFF, 0xFF, 0xFF, 0xFF, 0x0F],  // 4 GiB - 1
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],  // the largest Int
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],  // the largest UInt64
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],  // eleven bytes
        ]
        for length in lengths {
            for field: UInt32 in [1, 2, 4, 99] {
                #expect(throws: MalformedBytes.self) { try codec.byHand(tag(field, 2) + length + [1, 2, 3]) }
            }
        }
    }

    @Test func badTagsAndMissingFieldsAreRefused() {
        let gets: [[UInt8]] = [
            [0x02, 0],  // field number 0
            [0x80, 0x80, 0x80, 0x80, 0x10],  // a tag over 32 bits
            [0x0A, 1, 1],  // no key
            [0x12, 1, 1],  // no bucket
        ]
        for bytes in gets {
            #expect(throws: MalformedBytes.self) { try bytes.withUnsafeBytes { _ = try RiakGetRequest($0) } }
            #expect(throws: MalformedBytes.self) { try bytes.withUnsafeBytes { _ = try RiakDeleteRequest($0) } }
        }
        let puts: [[UInt8]] = [
            [0x0A, 1, 1],  // no content
            [0x22, 2, 0x0A, 0],  // no bucket
            [0x0A, 1, 1, 0x22, 0],  // content without a value
            [0x0A, 1, 1, 0x22, 2, 0x0A, 0, 0x22, 2, 0x0A, 0],  // two contents
            [0x0A, 1, 1, 0x22, 4, 0x0A, 0, 0x4A, 0],  // user metadata without a name
            [0x0A, 1, 1, 0x22, 6, 0x0A, 0, 0x32, 2, 0x0A, 9],  // a link cut short
        ]
        for bytes in puts {
            #expect(throws: MalformedBytes.self) { try bytes.withUnsafeBytes { _ = try RiakPutRequest($0) } }
        }
    }

    private func tag(_ field: UInt32, _ wireType: UInt32) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(varint: UInt64(field << 3 | wireType))
        return bytes
    }
}
