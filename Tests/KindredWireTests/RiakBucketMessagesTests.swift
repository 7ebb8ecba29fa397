import KindredModel
import KindredWire
import NIOCore
import Testing

@Suite struct RiakBucketMessagesTests {
    // MARK: Requests

    /// A bucket is "b", a type "t", a key "k"; the properties are `n_val=3`.
    @Test func requests() throws {
        let b: [UInt8] = [0x62]
        let t: [UInt8] = [0x74]
        let examples: [(RiakMessageCode, [UInt8], RiakBucketRequest)] = [
            (.getBucketRequest, [0x0A, 1, 0x62], .properties(type: nil, bucket: b)),
            (.getBucketRequest, [0x0A, 1, 0x62, 0x12, 1, 0x74], .properties(type: t, bucket: b)),
            (.getBucketRequest, [0x0A, 0, 0x12, 0], .properties(type: [], bucket: [])),
            (
                .setBucketRequest, [0x0A, 1, 0x62, 0x12, 2, 0x08, 3],
                .setProperties(["n_val": 3], type: nil, bucket: b)
            ),
            (
                .setBucketRequest, [0x0A, 1, 0x62, 0x12, 2, 0x08, 3, 0x1A, 1, 0x74],
                .setProperties(["n_val": 3], type: t, bucket: b)
            ),
            (.resetBucketRequest, [0x0A, 1, 0x62], .resetProperties(type: nil, bucket: b)),
            (.resetBucketRequest, [0x0A, 1, 0x62, 0x12, 1, 0x74], .resetProperties(type: t, bucket: b)),
            (.getBucketTypeRequest, [0x0A, 1, 0x74], .typeProperties(type: t)),
            (.setBucketTypeRequest, [0x0A, 1, 0x74, 0x12, 2, 0x08, 3], .setTypeProperties(["n_val": 3], type: t)),
            (
                .getPreferenceListRequest, [0x0A, 1, 0x62, 0x12, 1, 0x6B],
                .preferenceList(type: nil, bucket: b, key: [0x6B])
            ),
            (
                .getPreferenceListRequest, [0x0A, 1, 0x62, 0x12, 1, 0x6B, 0x1A, 1, 0x74],
                .preferenceList(type: t, bucket: b, key: [0x6B])
            ),
            (.administrationRequest, [0x08, 4], .administration(.list)),
        ]
        for (message, body, request) in examples {
            #expect(try decode(message, body) == request)
        }
    }

    @Test(
        arguments: [
            (.getBucketRequest, []),
            (.setBucketRequest, [0x0A, 1, 0x62]),
            (.setBucketRequest, [0x0A, 1, 0x62, 0x12, 5, 0x08, 3]),
            (.resetBucketRequest, [0x12, 1, 0x74]),
            (.getBucketTypeRequest, []),
            (.setBucketTypeRequest, [0x12, 2, 0x08, 3]),
            (.getPreferenceListRequest, [0x0A, 1, 0x62]),
            (.administrationRequest, []),
        ] as [(RiakMessageCode, [UInt8])])
    func whatLacksARequiredFieldIsRefused(_ message: RiakMessageCode, _ body: [UInt8]) {
        #expect(throws: MalformedBytes.self) { try decode(message, body) }
    }

    @Test func otherMessagesAreNone() throws {
        #expect(try decode(.getRequest, [0x0A, 1, 0x62, 0x12, 1, 0x6B]) == nil)
        #expect(try decode(.getBucketResponse, [0x0A, 0]) == nil)
    }

    // MARK: Answers

    @Test func propertiesOfABucket() throws {
        var buffer = ByteBuffer()
        try buffer.appendRiakBucketProperties(["n_val": 3])
        #expect(Array(buffer.readableBytesView) == [0, 0, 0, 5, 20, 0x0A, 2, 0x08, 3])
    }

    @Test func propertiesThatHaveNoFieldAreNotLeftOut() {
        var buffer = ByteBuffer()
        #expect(throws: MalformedBytes.self) { try buffer.appendRiakBucketProperties(["colour": "blue", "n_val": 3]) }
        #expect(buffer.readableBytes == 0)
    }

    @Test func replicasOfAKey() throws {
        var buffer = ByteBuffer()
        try buffer.appendRiakPreferenceList([
            RiakPreferenceListEntry(partition: 63, node: "n1", isPrimary: true),
            RiakPreferenceListEntry(partition: 0, node: "n2", isPrimary: false),
        ])
        let expected: [UInt8] = [
            0, 0, 0, 21, 34,
            0x0A, 8, 0x08, 63, 0x12, 2, 0x6E, 0x31, 0x18, 1,
            0x0A, 8, 0x08, 0, 0x12, 2, 0x6E, 0x32, 0x18, 0,
        ]
        #expect(Array(buffer.readableBytesView) == expected)
    }

    private func decode(_ message: RiakMessageCode, _ body: [UInt8]) throws -> RiakBucketRequest? {
        try body.withUnsafeBytes { try RiakBucketRequest(message, $0) }
    }
}
