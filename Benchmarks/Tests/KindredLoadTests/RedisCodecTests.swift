import Testing

@testable import KindredLoad

@Suite struct RedisCodecTests {
    private func codec() -> RedisCodec {
        var options = LoadOptions()
        options.valueSize = 5
        return RedisCodec(options)
    }

    private func encoded(_ encode: (UnsafeMutableRawPointer) -> Int) -> String {
        withUnsafeTemporaryAllocation(byteCount: codec().largestRequest, alignment: 1) { buffer in
            guard let base = buffer.baseAddress else { return "" }
            return String(decoding: buffer.prefix(encode(base)), as: UTF8.self)
        }
    }

    private func decode(_ text: String, to operation: Operation) -> Reply? {
        Array(text.utf8).withUnsafeBytes { codec().decodeReply($0, to: operation) }
    }

    @Test func getAndSetAreArraysOfBulkStrings() {
        #expect(encoded { codec().encodeGet(key: 12, into: $0) } == "*2\r\n$3\r\nGET\r\n$16\r\nkey:000000000012\r\n")
        let set = Array("xxxxx".utf8).withUnsafeBytes { value in
            encoded {
                codec().encodePut(
                    key: 0x7A79_7877, value: value, context: UnsafeRawBufferPointer(start: nil, count: 0), into: $0)
            }
        }
        #expect(set == "*3\r\n$3\r\nSET\r\n$16\r\nkey:002054781047\r\n$5\r\nwxyzx\r\n")
    }

    @Test func aReplyNeedsAllItsBytes() {
        let whole = "$5\r\nhello\r\n"
        for length in 0..<whole.utf8.count {
            #expect(decode(String(decoding: whole.utf8.prefix(length), as: UTF8.self), to: .get) == nil)
        }
        #expect(decode(whole + "+", to: .get) == Reply(outcome: .success, length: 11, value: 4..<9, values: 1))
    }

    @Test func theOtherReplies() {
        #expect(decode("+OK\r\n", to: .put) == Reply(outcome: .success, length: 5))
        #expect(decode("$-1\r\n", to: .get) == Reply(outcome: .notFound, length: 5))
        #expect(decode("-ERR no\r\n", to: .put) == Reply(outcome: .refused, length: 9, text: 1..<7))
        #expect(decode("$0\r\n\r\n", to: .get)?.outcome == .success)
    }

    @Test(arguments: [
        "+OK\r\n", ":1\r\n", "$\r\n", "$x\r\n", "$9999999999\r\n", "$999999999\r\n", "$1\r\nabc", "$-2\r\n", "H",
    ])
    func nonsenseIsMalformed(_ text: String) {
        let padded = text == "H" ? String(repeating: "H", count: RequestLimits.longestLine + 1) : text
        #expect(decode(padded, to: .get)?.outcome == .malformed)
    }
}
