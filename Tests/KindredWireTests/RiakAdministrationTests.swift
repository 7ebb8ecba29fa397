import KindredModel
import KindredWire
import NIOCore
import Testing

@Suite struct RiakAdministrationTests {
    @Test(
        arguments: [
            (.create(name: [0x74], ["n_val": 3]), [0, 0, 0, 10, 240, 0x08, 1, 0x12, 1, 0x74, 0x1A, 2, 0x08, 3]),
            (.create(name: [0x74], [:]), [0, 0, 0, 8, 240, 0x08, 1, 0x12, 1, 0x74, 0x1A, 0]),
            (.activate(name: [0x74]), [0, 0, 0, 6, 240, 0x08, 2, 0x12, 1, 0x74]),
            (.update(name: [0x74], ["r": 1]), [0, 0, 0, 10, 240, 0x08, 3, 0x12, 1, 0x74, 0x1A, 2, 0x78, 1]),
            (.list, [0, 0, 0, 3, 240, 0x08, 4]),
            (.status(name: []), [0, 0, 0, 5, 240, 0x08, 5, 0x12, 0]),
        ] as [(BucketTypeRequest, [UInt8])])
    func requestsAndTheirBytes(_ request: BucketTypeRequest, _ bytes: [UInt8]) throws {
        var buffer = ByteBuffer()
        try buffer.appendRiakAdministrationRequest(request)
        #expect(Array(buffer.readableBytesView) == bytes)
        #expect(try decode(Array(bytes.dropFirst(RiakFrame.headerLength))) == request)
    }

    @Test(
        arguments: [
            [0x08, 1],  // creates nothing
            [0x08, 2],  // activates nothing
            [0x08, 5],  // the state of nothing
            [0x08, 6, 0x12, 1, 0x74],  // an action that there is not
            [0x12, 1, 0x74],  // no action
            [0x08, 3, 0x12, 1, 0x74, 0x1A, 4, 0xD2, 0x01, 1, 0xFF],  // properties that are not UTF-8
        ] as [[UInt8]])
    func whatIsNoRequestIsRefused(_ body: [UInt8]) {
        #expect(throws: MalformedBytes.self) { try decode(body) }
    }

    @Test func aPropertyThatThereIsNotIsNotSent() {
        var buffer = ByteBuffer()
        #expect(throws: UnsendableProperty(name: "colour", reason: "there is no such property")) {
            try buffer.appendRiakAdministrationRequest(.create(name: [0x74], ["colour": "blue"]))
        }
        #expect(buffer.readableBytes == 0)
    }

    @Test func typesComeBackAsTheyWere() throws {
        let types = BucketTypeRegistry().list.map { BucketTypeDescription($0) }
        #expect(
            types.map(\.strategy)
                == ["last-write-wins", "version-vectors", "last-write-wins", "immutable", "version-numbers"])
        #expect(try roundTrip(types) == types)
        #expect(try roundTrip([]).isEmpty)
    }

    @Test func theBytesOfAType() throws {
        let type = BucketTypeDescription(name: [0x74], isActive: true, strategy: "set", properties: ["n_val": 3])
        var buffer = ByteBuffer()
        try buffer.appendRiakAdministrationResponse([type])
        #expect(
            Array(buffer.readableBytesView)
                == [
                    0, 0, 0, 17, 241, 0x0A, 14, 0x0A, 1, 0x74, 0x10, 1, 0x1A, 3, 0x73, 0x65, 0x74, 0x22, 2, 0x08, 3,
                ])
    }

    @Test func whatIsNoAnswerIsRefused() {
        #expect(throws: MalformedBytes.self) {
            try [UInt8]([0x0A, 3, 0x0A, 1, 0x74]).withUnsafeBytes { try BucketTypeDescription.list($0) }
        }
    }

    private func roundTrip(_ types: [BucketTypeDescription]) throws -> [BucketTypeDescription] {
        var buffer = ByteBuffer()
        try buffer.appendRiakAdministrationResponse(types)
        let body = Array(buffer.readableBytesView.dropFirst(RiakFrame.headerLength))
        return try body.withUnsafeBytes { try BucketTypeDescription.list($0) }
    }

    private func decode(_ body: [UInt8]) throws -> BucketTypeRequest {
        try body.withUnsafeBytes { try BucketTypeRequest($0) }
    }
}
