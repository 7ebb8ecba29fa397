import Testing

@testable import KindredModel

@Suite struct ObjectContentTests {
    @Test func plainContentHasTheDocumentedBytes() {
        let content = ObjectContent(value: Array("hi".utf8), contentType: Array("a/b".utf8))
        #expect(content.encoded() == [0x10, 5, 1, 3] + Array("a/b".utf8) + Array("hi".utf8))
        #expect(ObjectContent(value: []).encoded() == [0x10, 0])
    }

    @Test func everyFieldHasTheDocumentedBytes() {
        let content = ObjectContent(
            value: [0xFF], contentType: [], charset: [0x63], contentEncoding: [0x65],
            links: [.init(bucket: [0x62], key: [], tag: [0x74])],
            userMetadata: [.init(key: [0x6B], value: [0x76])],
            indexes: [.init(key: [0x69], value: [])])
        let metadata: [UInt8] = [
            1, 0, 2, 1, 0x63, 3, 1, 0x65, 4, 5, 1, 0x62, 0, 1, 0x74, 5, 4, 1, 0x6B, 1, 0x76, 6, 3, 1, 0x69, 0,
        ]
        #expect(content.encoded() == [0x10, UInt8(metadata.count)] + metadata + [0xFF])
    }

    @Test func randomContentSurvivesTheRoundTrip() throws {
        let seed: UInt64 = 0x0B1E_C7C0
        var random = SplitMix(state: seed)
        for round in 0..<2_000 {
            let content = Self.random(&random)
            let bytes = content.encoded()
            let decoded = try ObjectContent(encoded: bytes)
            #expect(decoded == Self.canonical(content), "seed \(seed), round \(round)")
            #expect(decoded.encoded() == bytes, "seed \(seed), round \(round)")
        }
    }

    @Test func theOrderAClientListsThingsInDoesNotShow() {
        let seed: UInt64 = 0x5EED_0042
        var random = SplitMix(state: seed)
        for round in 0..<500 {
            var content = Self.random(&random)
            let bytes = content.encoded()
            content.userMetadata.shuffle(using: &random)
            content.indexes += content.indexes
            content.indexes.shuffle(using: &random)
            #expect(content.encoded() == bytes, "seed \(seed), round \(round)")
        }
    }

    @Test func differentContentHasDifferentBytes() {
        let value: [UInt8] = [1, 2, 3]
        let forms: [ObjectContent] = [
            ObjectContent(value: value),
            ObjectContent(value: value + [0]),
            ObjectContent(value: value, contentType: []),
            ObjectContent(value: value, charset: []),
            ObjectContent(value: value, contentEncoding: []),
            ObjectContent(value: value, contentType: value),
            ObjectContent(value: [], contentType: value),
            ObjectContent(value: value, userMetadata: [.init(key: [1], value: [2])]),
            ObjectContent(value: value, userMetadata: [.init(key: [1, 2], value: [])]),
            ObjectContent(
                value: value, userMetadata: [.init(key: [1], value: [2]), .init(key: [1], value: [2])]),
            ObjectContent(value: value, indexes: [.init(key: [1], value: [2])]),
            ObjectContent(
                value: value,
                links: [.init(bucket: [1], key: [2], tag: [3]), .init(bucket: [3], key: [2], tag: [1])]),
            ObjectContent(
                value: value,
                links: [.init(bucket: [3], key: [2], tag: [1]), .init(bucket: [1], key: [2], tag: [3])]),
        ]
        #expect(Set(forms.map { $0.encoded() }).count == forms.count)
    }

    @Test func theFastPathGivesTheSameBytes() {
        var random = SplitMix(state: 7)
        for count in [0, 1, 100, 127, 128, 200, 16_383, 16_384, 70_000] {
            let value = random.bytes(count: count)
            let contentType = random.bytes(count: min(count, 300))
            for type in [nil, contentType] {
                for charset in [nil, contentType] {
                    let content = ObjectContent(
                        value: value, contentType: type, charset: charset, contentEncoding: charset)
                    let fast = value.withUnsafeBytes { valueBytes in
                        contentType.withUnsafeBytes { typeBytes in
                            ObjectContent.encode(
                                value: valueBytes, contentType: type == nil ? nil : typeBytes,
                                charset: charset == nil ? nil : typeBytes,
                                contentEncoding: charset == nil ? nil : typeBytes)
                        }
                    }
                    #expect(fast == content.encoded())
                }
            }
        }
    }

    @Test func aViewShowsTheFieldsInPlace() throws {
        let content = ObjectContent(
            value: Array("value".utf8), contentType: Array("text/plain".utf8),
            userMetadata: [.init(key: [1], value: [2, 3])])
        let bytes = content.encoded()
        try bytes.withUnsafeBytes { buffer in
            let view = try ObjectContentView(buffer)
            #expect(Array(view.value) == content.value)
            #expect(try view.contentType().map { Array($0) } == content.contentType)
            #expect(view.value.baseAddress == buffer.baseAddress.map { $0 + (bytes.count - 5) })
            #expect(try ObjectContent(view) == content)
        }
        #expect(try ObjectContent(ObjectContentView.empty) == ObjectContent(value: []))
        #expect(try ObjectContentView.empty.contentType() == nil)
    }

    @Test(arguments: [
        [] as [UInt8],  // nothing at all
        [0x20, 0],  // another version
        [0x11, 0],  // spare bits in use
        [0x10],  // no metadata length
        [0x10, 1],  // metadata longer than the bytes
        [0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 1, 0],  // far longer
        [0x10, 1, 1],  // a tag without a length
        [0x10, 2, 1, 1],  // a field longer than the metadata
        [0x10, 2, 7, 0],  // an unknown tag
        [0x10, 4, 4, 2, 0, 0],  // a link of two parts
        [0x10, 6, 4, 4, 0, 0, 0, 0],  // a link of four parts
        [0x10, 3, 5, 1, 0],  // an entry of one part
        [0x10, 5, 6, 3, 0, 0, 0],  // an entry of three parts
        [0x10, 4, 2, 0, 1, 0],  // fields out of order
        [0x10, 4, 1, 0, 1, 0],  // a field given twice
        [0x10, 8, 6, 2, 0, 0, 6, 2, 0, 0],  // an index entry given twice
        [0x10, 9, 5, 3, 1, 1, 0, 5, 2, 0, 0],  // user metadata not sorted
        [0x10, 0x82, 0, 1, 0],  // a length in more bytes than it needs
    ])
    func otherBytesAreRefused(bytes: [UInt8]) {
        #expect(throws: MalformedBytes.self) { try ObjectContent(encoded: bytes) }
    }

    @Test func cutAndGarbledBytesNeverTrap() {
        let seed: UInt64 = 0xBAD_C0DE
        var random = SplitMix(state: seed)
        for _ in 0..<300 {
            let content = Self.random(&random)
            var bytes = content.encoded()
            let metadataEnd = bytes.count - content.value.count
            for length in 0..<metadataEnd {
                #expect(throws: MalformedBytes.self) { try ObjectContent(encoded: Array(bytes[..<length])) }
            }
            for _ in 0..<20 {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
                if let decoded = try? ObjectContent(encoded: bytes) {
                    #expect(decoded.encoded() == bytes, "seed \(seed)")
                }
            }
        }
    }

    private static func random(_ random: inout SplitMix) -> ObjectContent {
        func entries(_ random: inout SplitMix) -> [ObjectContent.Entry] {
            (0..<Int.random(in: 0...4, using: &random)).map { _ in
                ObjectContent.Entry(key: random.bytes(upTo: 2), value: random.bytes(upTo: 3))
            }
        }
        return ObjectContent(
            value: random.bytes(upTo: 300),
            contentType: Bool.random(using: &random) ? random.bytes(upTo: 30) : nil,
            charset: Bool.random(using: &random) ? random.bytes(upTo: 5) : nil,
            contentEncoding: Bool.random(using: &random) ? random.bytes(upTo: 5) : nil,
            links: (0..<Int.random(in: 0...3, using: &random)).map { _ in
                ObjectContent.Link(
                    bucket: random.bytes(upTo: 9), key: random.bytes(upTo: 9), tag: random.bytes(upTo: 200))
            },
            userMetadata: entries(&random), indexes: entries(&random))
    }

    private static func canonical(_ content: ObjectContent) -> ObjectContent {
        var content = content
        content.userMetadata.sort()
        content.indexes = Set(content.indexes).sorted()
        return content
    }
}

private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func bytes(count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }

    mutating func bytes(upTo limit: Int) -> [UInt8] {
        bytes(count: Int.random(in: 0...limit, using: &self))
    }
}
