import Testing

@testable import KindredWire

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// SplitMix64 (Steele, Lea, Flood 2014): a short, seeded generator.
struct HTTPTestRandom: RandomNumberGenerator {
    var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func bytes(upTo length: Int) -> [UInt8] {
        (0..<Int.random(in: 0...length, using: &self)).map { _ in UInt8(truncatingIfNeeded: next()) }
    }

    /// Text made of pieces that mean something to the parser under test, and of arbitrary characters between them.
    mutating func text(of pieces: [String], upTo length: Int) -> String {
        (0..<Int.random(in: 0...length, using: &self)).map { _ in
            next() % 4 == 0
                ? String(decoding: bytes(upTo: 3), as: UTF8.self) : pieces.randomElement(using: &self) ?? ""
        }.joined()
    }
}

@Suite("HTTP text")
struct RiakHTTPTextTests {
    @Test("Escapes and plus signs are decoded; malformed escapes are refused or kept")
    func decoding() {
        let good: [(String, String)] = [
            ("", ""), ("abc", "abc"), ("a+b", "a b"), ("a%2Bb", "a+b"), ("%41%62%2f", "Ab/"), ("%e2%82%ac", "€"),
            ("%25%2541", "%%41"), ("%00", "\0"),
        ]
        for (text, expected) in good {
            #expect(RiakHTTPText.percentDecoded(text.utf8, malformed: .refuse) == bytes(expected), "\(text)")
            #expect(RiakHTTPText.percentDecoded(text.utf8, malformed: .keep) == bytes(expected), "\(text)")
        }
        let bad: [(String, String)] = [
            ("%", "%"), ("a%", "a%"), ("%4", "%4"), ("%zz", "%zz"), ("%4g+", "%4g "), ("100%", "100%"), ("%%41", "%A"),
            ("%+", "% "), ("%4%41", "%4A"), ("tag2!@#%^&*)", "tag2!@#%^&*)"),
        ]
        for (text, kept) in bad {
            #expect(RiakHTTPText.percentDecoded(text.utf8, malformed: .refuse) == nil, "\(text)")
            #expect(RiakHTTPText.percentDecoded(text.utf8, malformed: .keep) == bytes(kept), "\(text)")
        }
    }

    @Test("Encoding leaves unreserved characters, and decoding undoes it for any bytes")
    func encoding() {
        #expect(RiakHTTPText.percentEncoded("aZ09-._~ /%+é".utf8) == bytes("aZ09-._~%20%2F%25%2B%C3%A9"))
        var random = HTTPTestRandom(seed: 1)
        for _ in 0..<500 {
            let original = random.bytes(upTo: 40)
            let encoded = RiakHTTPText.percentEncoded(original)
            #expect(RiakHTTPText.percentDecoded(encoded, malformed: .refuse) == original)
            _ = RiakHTTPText.percentDecoded(original, malformed: .keep)
        }
    }

    @Test("Nothing that ends a header line gets into one")
    func headerBytes() {
        #expect(
            RiakHTTPText.headerValue([0x61, 0x0D, 0x0A, 0x00, 0x09, 0x7F, 0xC3, 0xA9]) == [
                0x61, 0x20, 0x20, 0x20, 0x09, 0x20, 0xC3, 0xA9,
            ])
        #expect(RiakHTTPText.headerName("a b:é\r\n%_".utf8) == bytes("a%20b%3A%C3%A9%0D%0A%_"))
    }
}

@Suite("Base64")
struct Base64Tests {
    @Test("The vectors of RFC 4648, section 10")
    func vectors() {
        let vectors = [
            "": "", "f": "Zg==", "fo": "Zm8=", "foo": "Zm9v", "foob": "Zm9vYg==", "fooba": "Zm9vYmE=",
            "foobar": "Zm9vYmFy",
        ]
        for (plain, encoded) in vectors {
            #expect(Base64.encode(Array(plain.utf8)) == encoded)
            #expect(Base64.decode(encoded) == Array(plain.utf8))
        }
        #expect(Base64.encode([0xFB, 0xFF, 0xFE]) == "+//+")
    }

    @Test(
        "Only what the encoder writes is decoded",
        arguments: [
            "Z", "Zg", "Zg=", "Zg===", "=Zg=", "Z===", "====", "Zh==", "Zm9=", "Zm8=Zm8=", "Zm 9", "Zm9v\n", "Zm-_",
            "Zm9v=", "é===",
        ])
    func malformed(_ text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test("Any bytes survive")
    func roundTrip() {
        var random = HTTPTestRandom(seed: 2)
        for _ in 0..<500 {
            let original = random.bytes(upTo: 60)
            #expect(Base64.decode(Base64.encode(original)) == original)
            if let decoded = Base64.decode(String(decoding: original, as: UTF8.self)) {
                #expect(Base64.encode(decoded) == String(decoding: original, as: UTF8.self))
            }
        }
    }
}

@Suite("HTTP dates")
struct RiakHTTPDateTests {
    private let now: Int64 = 1_795_500_000

    @Test(
        "Dates are written as RFC 9110 shows them",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"), (253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT"),
        ] as [(Int64, String)])
    func golden(_ seconds: Int64, _ text: String) {
        #expect(RiakHTTPDate.format(seconds) == text)
        #expect(RiakHTTPDate.parse(text, now: now) == seconds)
    }

    @Test("Times that the format cannot write become the nearest that it can")
    func clamped() {
        #expect(RiakHTTPDate.format(.min) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(RiakHTTPDate.format(.max) == "Fri, 31 Dec 9999 23:59:59 GMT")
    }

    @Test("The older forms mean the same; two digits of a year mean one not far ahead")
    func olderForms() {
        #expect(RiakHTTPDate.parse("Sunday, 06-Nov-94 08:49:37 GMT", now: now) == 784_111_777)
        #expect(RiakHTTPDate.parse("Sun Nov  6 08:49:37 1994", now: now) == 784_111_777)
        #expect(RiakHTTPDate.parse("Monday, 23-Nov-26 00:00:00 GMT", now: now) == 1_795_392_000)
        #expect(RiakHTTPDate.parse("Monday, 23-Nov-26 00:00:00 GMT", now: .max) == 1_795_392_000)
        #expect(RiakHTTPDate.parse("Mon, 01 Jan 0001 00:00:00 GMT", now: now) == -62_135_596_800)
    }

    @Test(
        "What is no date is refused",
        arguments: [
            "", "yesterday", "Sun, 31 Feb 1994 08:49:37 GMT", "Sun, 29 Feb 2100 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:00:00 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 nov 1994 08:49:37 GMT", "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT", "Sun, 06 Nov 0000 08:49:37 GMT", "Sun, -6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT", "Sun, 06 Nov 1994 +8:49:37 GMT", "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Sun Nov 6 08:49:37 94", "784111777", "Sun, 06 Nov 19940000000000000 08:49:37 GMT",
        ])
    func malformed(_ text: String) {
        #expect(RiakHTTPDate.parse(text, now: now) == nil)
    }

    @Test("Every day over more than eight centuries comes back, in order")
    func everyDay() {
        for day in Int64(0)..<300_000 {
            let seconds = day * 86_400 + day % 86_400
            guard RiakHTTPDate.parse(RiakHTTPDate.format(seconds), now: now) == seconds else {
                Issue.record("day \(day)")
                return
            }
        }
    }
}
