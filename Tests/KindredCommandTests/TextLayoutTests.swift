import KindredModel
import Testing

@testable import KindredCommand

/// Text as a terminal shows it.
@Suite struct TextLayoutTests {
    @Test(arguments: [("", 0), ("abc", 3), ("äöü", 3), ("e\u{301}", 1), ("日本", 4), ("🍎x", 3), ("─│●", 3)])
    func widths(text: String, width: Int) {
        #expect(TextLayout.width(text) == width)
    }

    @Test func linesAreBrokenBetweenWords() {
        #expect(TextLayout.broken("one two three", width: 7) == ["one two", "three"])
        #expect(TextLayout.broken("incomprehensible", width: 6) == ["incomp", "rehens", "ible"])
        #expect(TextLayout.broken("a incomprehensible b", width: 6) == ["a", "incomp", "rehens", "ible b"])
        #expect(TextLayout.broken("日本語", width: 4) == ["日本", "語"])
        #expect(TextLayout.broken("", width: 5) == [""])
        #expect(TextLayout.broken("  x", width: 5) == ["  x"])
    }

    @Test func nothingThatATerminalObeysGetsThrough() {
        #expect(TextLayout.harmless("a\u{1B}[31mb\u{7}\r\n\t") == "a\\u{1b}[31mb\\u{7}\\u{d}\n\t")
        #expect(TextLayout.harmless("\u{202E}abc\u{9B}") == "\\u{202e}abc\\u{9b}")
        #expect(TextLayout.harmless("ä 日 🍎 👩‍🚀") == "ä 日 🍎 👩‍🚀")
        #expect(TextLayout.name(Array("a\nb".utf8)) == "a\\nb")
        #expect(TextLayout.name([0xFF, 0x00]) == "0xff00")
        #expect(TextLayout.name([UInt8](repeating: 0xFF, count: 40)) == "0x" + String(repeating: "ff", count: 32) + "…")
    }

    @Test func valuesAreLaidOut() {
        #expect(TextLayout.lines(of: Array("a\n\nb\n".utf8), width: 20, limit: 9) == ["a", "", "b"])
        #expect(TextLayout.lines(of: Array("a\tb".utf8), width: 20, limit: 9) == ["a    b"])
        #expect(
            TextLayout.lines(of: Array("1\n2\n3\n4".utf8), width: 20, limit: 3) == ["1", "2", "… (7 bytes in all)"])
        #expect(TextLayout.lines(of: [UInt8](), width: 20, limit: 3) == [""])
        let long = TextLayout.lines(of: [UInt8](repeating: 0x61, count: 100_000), width: 10, limit: 3)
        #expect(long == ["aaaaaaaaaa", "aaaaaaaaaa", "… (100,000 bytes in all)"])
    }

    @Test func bytesThatAreNoTextAreShownInBase16() {
        let value: [UInt8] = [0xFF, 0x41, 0x00, 0x42, 0x43]
        #expect(TextLayout.lines(of: value, width: 13, limit: 9) == ["ff 41 00 .A.", "42 43    BC"])
        #expect(
            TextLayout.lines(of: [UInt8](repeating: 0xFF, count: 9), width: 13, limit: 2)
                == ["ff ff ff ...", "… (9 bytes in all)"])
    }

    @Test func smallThings() {
        #expect(TextLayout.cut("abcdef", to: 4) == "abc…" && TextLayout.cut("abcd", to: 4) == "abcd")
        #expect(TextLayout.cut("日本語", to: 4) == "日…")
        #expect(TextLayout.padded("日", to: 4) == "日  ")
        #expect(TextLayout.count(1, "byte") == "1 byte" && TextLayout.count(1_234_567, "byte") == "1,234,567 bytes")
        #expect(TextLayout.table([["A", "B"], ["long", "x"]]) == ["A     B", "long  x"])
    }

    @Test func colours() {
        #expect(Style(isOn: true).apply(.good, "yes") == "\u{1B}[32myes\u{1B}[0m")
        #expect(Style(isOn: false).apply(.good, "yes") == "yes")
        #expect(Console.colourIsWelcome([:]) && Console.colourIsWelcome(["NO_COLOR": ""]))
        #expect(!Console.colourIsWelcome(["NO_COLOR": "1"]) && !Console.colourIsWelcome(["TERM": "dumb"]))
    }

    @Test func json() {
        let document = PropertyValue.object([
            Property("b", .bool(true)), Property("a", .list([1, "x\"\\\n\u{1}ä"])), Property("e", .list([])),
            Property("o", .object([])), Property("n", .object([Property("z", .integer(-1))])),
        ])
        #expect(
            JSONText.encode(document) == #"""
                {
                  "b": true,
                  "a": [
                    1,
                    "x\"\\\n\u0001ä"
                  ],
                  "e": [],
                  "o": {},
                  "n": {
                    "z": -1
                  }
                }
                """#)
        #expect(
            JSONText.members("k", [0xFF], marker: "kEncoding") == [
                Property("k", "/w=="), Property("kEncoding", "base64"),
            ])
    }

    @Test("Only the role of a piece of a line acts on a terminal, never its text")
    func pieces() {
        let line = StyledLine("a\u{1B}]0;x\u{7}", .bad) + StyledLine("b\n\u{202E}c")
        #expect(line.text(Style(isOn: true)) == "\u{1B}[31ma\\u{1b}]0;x\\u{7}\u{1B}[0mb\\n\\u{202e}c")
        // What stands for a character counts when columns are made.
        #expect(Page.table([["\u{1B}", "x"], ["12345678", "y"]]).map(\.plain) == ["\\u{1b}    x", "12345678  y"])
    }
}
