import Testing

@testable import KindredLoad

@Suite struct RiakCodecTests {
    private func codec(type: String = "default", valueSize: Int = 4) -> RiakCodec {
        var options = LoadOptions()
        options.bucketType = type
        options.bucket = "b"
        options.valueSize = valueSize
        return RiakCodec(options)
    }

    private func encoded(_ codec: RiakCodec, _ encode: (UnsafeMutableRawPointer) -> Int) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: codec.largestRequest, alignment: 1) { buffer in
            guard let base = buffer.baseAddress else { return [] }
            return Array(buffer.prefix(encode(base)))
        }
    }

    private func decode(_ bytes: [UInt8], to operation: Operation) -> Reply? {
        bytes.withUnsafeBytes { codec().decodeReply($0, to: operation) }
    }

    private func frame(_ code: UInt8, _ body: [UInt8]) -> [UInt8] {
        let length = UInt32(body.count + 1)
        return withUnsafeBytes(of: length.bigEndian) { Array($0) } + [code] + body
    }

    @Test func getNamesBucketAndKeyAndLeavesTheDefaultTypeOut() {
        let codec = codec()
        let bytes = encoded(codec) { codec.encodeGet(key: 42, into: $0) }
        #expect(bytes == frame(9, [0x0A, 1, 0x62, 0x12, 16] + Array("key:000000000042".utf8)))
    }

    @Test func getNamesAnotherType() {
        let codec = codec(type: "siblings")
        let bytes = encoded(codec) { codec.encodeGet(key: 0, into: $0) }
        #expect(
            bytes
                == frame(9, [0x0A, 1, 0x62, 0x12, 16] + Array("key:000000000000".utf8) + [0x6A, 8] + "siblings".utf8))
    }

    @Test func putCarriesAStampedValueAndNoContext() {
        let codec = codec()
        let bytes = [UInt8]([9, 9, 9, 9]).withUnsafeBytes { value in
            encoded(codec) {
                codec.encodePut(
                    key: 7, value: value, context: UnsafeRawBufferPointer(start: nil, count: 0), into: $0)
            }
        }
        let contentType = [0x12, 24] + Array("application/octet-stream".utf8)
        #expect(
            bytes
                == frame(
                    11,
                    [0x0A, 1, 0x62, 0x12, 16] + Array("key:000000000007".utf8) + [0x22, 32, 0x0A, 4, 7, 0, 0, 0]
                        + contentType))
    }

    @Test func putWithTheLongestContextFitsTheLargestRequest() {
        let codec = codec(type: "siblings", valueSize: 100_000)
        let value = [UInt8](repeating: 5, count: 100_000)
        let context = [UInt8](repeating: 6, count: RequestLimits.longestContext)
        let bytes = value.withUnsafeBytes { value in
            context.withUnsafeBytes { context in
                encoded(codec) { codec.encodePut(key: 1, value: value, context: context, into: $0) }
            }
        }
        #expect(bytes.count == codec.largestRequest)
        #expect(Array(bytes[26..<29]) == [0x1A, 0xFE, 0x03])
        #expect(Array(bytes[29..<539]) == context)
        #expect(Array(bytes.suffix(11)) == [0x82, 0x01, 8] + Array("siblings".utf8))
    }

    @Test func aReplyNeedsAllItsBytes() {
        let whole = frame(10, [0x0A, 3, 0x0A, 1, 0x61, 0x12, 2, 1, 2])
        for length in 0..<whole.count {
            #expect(decode(Array(whole.prefix(length)), to: .get) == nil)
        }
        #expect(
            decode(whole + [0, 0], to: .get)
                == Reply(outcome: .success, length: whole.count, value: 9..<10, values: 1, context: 12..<14))
    }

    @Test func siblingsAreCountedAndTheFirstIsTheValue() {
        let content: [UInt8] = [0x0A, 5, 0x12, 1, 0x78, 0x0A, 0]
        let reply = decode(frame(10, content + content + [0x18, 0]), to: .get)
        #expect(reply?.outcome == .success)
        #expect(reply?.values == 2)
        #expect(reply?.value == 12..<12)
    }

    @Test func anEmptyGetReplyMeansNotFound() {
        #expect(decode(frame(10, []), to: .get) == Reply(outcome: .notFound, length: 5))
    }

    @Test func aPutReplyIsEmpty() {
        #expect(decode(frame(12, []), to: .put) == Reply(outcome: .success, length: 5))
    }

    @Test func anErrorCarriesItsText() {
        let reply = decode(frame(0, [0x0A, 7] + Array("timeout".utf8) + [0x10, 0]), to: .put)
        #expect(reply == Reply(outcome: .refused, length: 16, text: 7..<14))
    }

    @Test(
        arguments: [
            [0, 0, 0, 0, 0],  // no room for a code
            [0x7F, 0xFF, 0xFF, 0xFF, 10],  // two gigabytes
            [0, 0, 0, 1, 12],  // the reply to a put
            [0, 0, 0, 2, 10, 0x0A],  // a field without its length
            [0, 0, 0, 4, 10, 0x0A, 9, 0],  // a field longer than the message
            [0, 0, 0, 3, 10, 0x0A, 0],  // a content without a value
            [0, 0, 0, 2, 10, 0x0B],  // a group
            [0, 0, 0, 12, 10, 0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255],  // an endless number
        ] as [[UInt8]])
    func nonsenseIsMalformed(_ bytes: [UInt8]) {
        #expect(decode(bytes, to: .get)?.outcome == .malformed)
    }

    @Test func randomBytesNeverReachOutsideTheReply() {
        let seed: UInt64 = 0x5EED
        var random = SplitMix64(seed: seed)
        for round in 0..<20_000 {
            let body = (0..<Int(random.next(below: 40))).map { _ in UInt8(truncatingIfNeeded: random.next()) & 0x3F }
            let bytes = frame(random.next(below: 2) == 0 ? 10 : 0, body)
            guard let reply = decode(bytes, to: .get) else {
                Issue.record("a whole frame is a reply (seed \(seed), round \(round))")
                continue
            }
            for range in [reply.value, reply.context, reply.text] {
                #expect(range.upperBound <= bytes.count, "seed \(seed), round \(round)")
            }
        }
    }
}
