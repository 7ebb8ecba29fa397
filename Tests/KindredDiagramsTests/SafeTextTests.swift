import Foundation
import Testing

@testable import KindredDiagrams

@Suite struct SafeTextTests {
    @Test("control characters, line ends, marks of direction and noncharacters are shown, not obeyed")
    func visible() {
        #expect(SafeText.visible("a\nb\r\n\tc") == "a\\nb\\r\\n\\tc")
        #expect(SafeText.visible("\u{0}\u{1B}[31m\u{85}\u{2028}") == "\\u{0}\\u{1b}[31m\\u{85}\\u{2028}")
        #expect(
            SafeText.visible("\u{202E}\u{2066}\u{200F}\u{FEFF}\u{FFFE}")
                == "\\u{202e}\\u{2066}\\u{200f}\\u{feff}\\u{fffe}")
    }

    @Test(
        "letters of all languages and joined emoji stay what they are",
        arguments: ["žluťoučký", "カロル", "שלום", "👩‍👩‍👧‍👦"])
    func letters(text: String) {
        #expect(SafeText.visible(text) == text)
    }

    @Test("a pile of accents on one letter has an end")
    func accents() {
        let pile = "e" + String(repeating: "\u{301}", count: 10_000)
        #expect(SafeText.visible(pile).unicodeScalars.count == SafeText.scalarsPerCharacter)
    }

    @Test("long text is cut, and says how long it was; text at the limit is not")
    func shortened() {
        #expect(SafeText.shortened("12345", to: 5) == "12345")
        #expect(SafeText.shortened("123456", to: 5) == "12345… (6 characters)")
        #expect(SafeText.shortened(String(repeating: "x", count: 1_234_567), to: 3) == "xxx… (1,234,567 characters)")
    }

    @Test("what means something in markup is escaped")
    func escaped() {
        #expect(SafeText.escaped("<a href=\"x\" b='y'>&amp;") == "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;")
    }
}

@Suite struct FiguresTests {
    @Test("coordinates have at most one decimal, and are numbers whatever they are made from")
    func coordinates() {
        #expect([0, 1.04, 1.05, -0.5, 12].map(Figures.coordinate) == ["0", "1", "1.1", "-0.5", "12"])
        #expect(Figures.coordinate(.nan) == "0")
        #expect(Figures.coordinate(.infinity) == "10000000")
    }

    @Test("numbers are grouped, rounded, and have no zeros at their end")
    func decimals() {
        #expect(Figures.decimal(1_234.5, decimals: 2) == "1,234.5")
        #expect(Figures.decimal(0.05, decimals: 2) == "0.05")
        #expect(Figures.decimal(-0.001, decimals: 2) == "0")
        #expect(Figures.decimal(2.999, decimals: 2) == "3")
        #expect(Figures.grouped(.min) == "−9,223,372,036,854,775,808")
        #expect(Figures.decimal(.infinity, decimals: 6).isEmpty == false)
    }

    @Test("ticks are round and enclose the values")
    func ticks() {
        #expect(Ticks(0...97, count: 5).values == [0, 20, 40, 60, 80, 100])
        let small = Ticks(0...0.3, count: 4)
        #expect(small.values.map(small.text) == ["0", "0.1", "0.2", "0.3"])
        #expect(Ticks(-30...30, count: 4).values == [-40, -20, 0, 20, 40])
        #expect(Ticks(5...5, count: 4).values.count >= 2)
        #expect(Ticks(0...Double.infinity, count: 4).values.count < 20)
    }

    @Test(
        "a drawing has one unit of time, by its extent",
        arguments: [(9_999, "µs", "1,500"), (10_000, "ms", "1.5"), (10_000_000, "s", "0")])
    func units(extent: Int, name: String, text: String) {
        let unit = TimeUnit(forExtent: extent)
        #expect(unit.name == name)
        #expect(unit.text(1_500) == text)
    }
}

@Suite struct InkTests {
    @Test("text stands out from every ground, and marks from theirs, in light and dark")
    func contrast() throws {
        for isDark in [false, true] {
            func colour(_ ink: Ink) -> String { isDark ? ink.colours.dark : ink.colours.light }
            for ground in [Ink.ground, .panel, .band] {
                for text in [Ink.ink, .muted] {
                    #expect(try ratio(colour(text), colour(ground)) >= 4.5, "\(text) on \(ground), dark: \(isDark)")
                }
                for fate in Fate.allCases {
                    #expect(try ratio(colour(fate.ink), colour(ground)) >= 3, "\(fate) on \(ground), dark: \(isDark)")
                }
            }
        }
    }

    /// Contrast as the Web Content Accessibility Guidelines define it.
    private func ratio(_ first: String, _ second: String) throws -> Double {
        let lights = try [luminance(first), luminance(second)].sorted()
        return (lights[1] + 0.05) / (lights[0] + 0.05)
    }

    private func luminance(_ colour: String) throws -> Double {
        let value = try #require(Int(colour.dropFirst(), radix: 16))
        let parts = [value >> 16, value >> 8 & 0xFF, value & 0xFF].map { (part: Int) -> Double in
            let share = Double(part) / 255
            return share <= 0.03928 ? share / 12.92 : pow((share + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }

    @Test("no two fates have the same name or symbol")
    func fatesDiffer() {
        #expect(Set(Fate.allCases.map(\.name)).count == Fate.allCases.count)
        #expect(Set(Fate.allCases.map(\.symbol)).count == Fate.allCases.count)
    }
}
