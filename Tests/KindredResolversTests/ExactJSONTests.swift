import KindredResolvers
import Testing

@Suite("JSON without loss")
struct ExactJSONTests {
    private func canonical(_ text: String) throws -> String {
        String(decoding: try ExactJSON(reading: Array(text.utf8)).canonical(), as: UTF8.self)
    }

    private func refusal(_ bytes: [UInt8]) -> String? {
        do throws(ExactJSONError) {
            _ = try ExactJSON(reading: bytes)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(
        "Numbers keep their text",
        arguments: [
            "9223372036854775807", "-9223372036854775808", "18446744073709551615", "9007199254740993", "1.10", "0.1",
            "-0", "1e400",
            "1E+2", "123456789012345678901234567890.123456789012345678901234567890",
        ])
    func numbersAreExact(text: String) throws {
        #expect(try canonical(" [\(text) ] ") == "[\(text)]")
    }

    @Test("Names are sorted by bytes, and spaces go")
    func membersAreSorted() throws {
        #expect(try canonical("{\"b\" : 1,\n\"a\":{\"é\":[ ], \"z\":{}}}") == #"{"a":{"z":{},"é":[]},"b":1}"#)
    }

    @Test("Each text has one form")
    func escapesAreCanonical() throws {
        #expect(try canonical(#""\u0041\/\u000a\u001F\ud83d\ude00\"\\\u007f""#) == "\"A/\\n\\u001f😀\\\"\\\\\u{7f}\"")
    }

    @Test("Texts that look alike are not the same")
    func textsAreBytes() throws {
        let document = try ExactJSON(reading: Array("{\"\u{e9}\":1,\"e\u{301}\":2}".utf8))
        #expect(document.members?.count == 2)
        #expect(ExactJSON.string("\u{e9}") != ExactJSON.string("e\u{301}"))
    }

    @Test(
        "What is not JSON is refused, with the place",
        arguments: [
            ("", "the document ends too early, at byte 0"),
            ("{\"a\":1,\"\\u0061\":2}", "an object has the name 'a' twice, at byte 0"),
            ("[1,]", "no value, at byte 3"), ("[1 2]", "no ',' or ']' after an element, at byte 3"),
            ("1 1", "something follows the document, at byte 2"), ("01", "something follows the document, at byte 1"),
            ("-", "no value, at byte 0"), ("1.", "no value, at byte 0"), ("1e", "no value, at byte 0"),
            ("+1", "no value, at byte 0"),
            ("NaN", "no value, at byte 0"), ("tru", "no value, at byte 0"), ("\"a", "a text without an end, at byte 2"),
            ("\"\n\"", "a control character in a text, at byte 1"), ("\"\\x\"", "an unknown escape, at byte 2"),
            ("\"\\", "an unknown escape, at byte 2"), ("\"\\ud800\"", "half a pair of surrogates, at byte 7"),
            ("\"\\ud800\\u0041\"", "half a pair of surrogates, at byte 13"),
            ("\"\\udc00\"", "half a pair of surrogates, at byte 7"),
            ("\"\\u+041\"", "no four hexadecimal digits after \\u, at byte 3"),
            ("{a:1}", "no name of a member, at byte 1"),
            ("{\"a\" 1}", "no ':' after a name, at byte 5"), ("{\"a\":1", "no ',' or '}' after a member, at byte 6"),
            ("1e9999999999", "an exponent beyond 999999999, at byte 0"), ("\u{FEFF}1", "no value, at byte 0"),
        ])
    func malformedTextIsRefused(text: String, reason: String) {
        #expect(refusal(Array(text.utf8)) == reason)
    }

    @Test("Bytes that are not UTF-8 are refused, overlong forms and surrogates too")
    func invalidUTF8IsRefused() {
        for bytes in [[0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xC3]] as [[UInt8]] {
            #expect(refusal([0x22] + bytes + [0x22]) == "not UTF-8, at byte 0")
        }
    }

    @Test("Depth is bounded")
    func depthIsBounded() throws {
        func nested(_ depth: Int) -> [UInt8] {
            [UInt8](repeating: 0x5B, count: depth) + [UInt8](repeating: 0x5D, count: depth)
        }
        #expect(refusal(nested(ResolverLimits.maximumDepth)) == nil)
        #expect(refusal(nested(ResolverLimits.maximumDepth + 1)) == "nested more than 128 deep, at byte 128")
        #expect(refusal([UInt8](repeating: 0x5B, count: 1_000_000)) == "nested more than 128 deep, at byte 128")
        let objects = Array(String(repeating: "{\"a\":", count: 1_000).utf8)
        #expect(refusal(objects)?.hasPrefix("nested more than 128 deep") == true)
    }

    @Test("The number of values is bounded")
    func valuesAreBounded() {
        // The array itself is one of them.
        func zeros(_ count: Int) -> [UInt8] {
            [0x5B] + Array(String(repeating: "0,", count: count - 1).utf8) + [0x30, 0x5D]
        }
        #expect(refusal(zeros(ResolverLimits.maximumJSONValues - 1)) == nil)
        #expect(refusal(zeros(ResolverLimits.maximumJSONValues))?.hasPrefix("more than 1000000 values") == true)
    }

    @Test("Numbers are ordered by value, exactly, and then by text")
    func numbersAreOrdered() throws {
        let ordered = [
            "-1e400", "-10", "-9.5", "-9", "-1e-400", "0", "-0", "0.0", "1e-400", "0.09", "0.1", "1", "1.0", "1e0", "9",
            "10",
            "9007199254740992", "9007199254740993", "18446744073709551616", "1e400", "1e999999999",
        ]
        let numbers = try ordered.map { try #require(JSONNumber(Array($0.utf8))) }
        for (one, first) in numbers.enumerated() {
            for (other, second) in numbers.enumerated() {
                #expect((first < second) == (one < other), "\(ordered[one]) and \(ordered[other])")
            }
        }
    }

    @Test("Kinds have an order, and values of a kind too")
    func valuesAreOrdered() throws {
        let ordered = try [
            "null", "false", "true", "-1", "2", "10", #""""#, #""a""#, #""b""#, "[]", "[1]", "[1,2]", "[2]", "{}",
            #"{"a":1}"#,
            #"{"a":1,"b":0}"#, #"{"a":2}"#, #"{"b":0}"#,
        ].map { try ExactJSON(reading: Array($0.utf8)) }
        for (one, first) in ordered.enumerated() {
            for (other, second) in ordered.enumerated() { #expect((first < second) == (one < other)) }
        }
    }
}
