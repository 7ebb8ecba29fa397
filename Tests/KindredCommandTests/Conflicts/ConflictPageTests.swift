import KindredDiagrams
import KindredServer
import Testing

@testable import KindredCommand

/// Conflicts as people see them, whatever clients have written.
@Suite struct ConflictPageTests {
    private let plain = Style(isOn: false)

    private func text(_ lines: [StyledLine]) -> String { lines.map(\.plain).joined(separator: "\n") }

    @Test("A table fits into its columns, whatever is in it", arguments: [60, 80, 105, 107, 120, 200])
    func width(columns: Int) throws {
        let long = String(repeating: "漢", count: 300)
        let conflicts = try [
            ConflictFixtures.json(), ConflictFixtures.json(key: long, client: long, text: long, bucket: long),
            ConflictFixtures.json(
                key: ConflictFixtures.hostile, client: ConflictFixtures.hostile, text: ConflictFixtures.hostile,
                bucket: ConflictFixtures.hostile),
            ConflictFixtures.json(id: long, kind: long, state: long),
        ].map(ConflictFixtures.report)
        // In fewer columns there is no room for what identifies a conflict, and lines are broken by the terminal.
        for line in ConflictsPage(conflicts: conflicts).lines(width: columns) where columns >= 107 {
            #expect(TextLayout.width(line.plain) <= columns, "\(line.plain)")
        }
        let short = ConflictsPage(conflicts: Array(conflicts.prefix(3))).lines(width: columns)
        for line in short where columns >= 80 {
            #expect(TextLayout.width(line.plain) <= columns, "\(line.plain)")
        }
        #expect(short.count == (columns >= 107 ? 4 : 7))
    }

    @Test("A line says when, what, where, and what was lost to whom")
    func line() throws {
        let lines = ConflictsPage(conflicts: [try ConflictFixtures.report(ConflictFixtures.json())]).lines(width: 120)
        #expect(
            lines.last?.plain
                == "2026-11-26 14:03:12  17-3.a7-lost    lost      last-write-wins  default/carts/anna  "
                + #""milk, eggs" of Anna, to Ben's 3.a8"#)
        #expect(ConflictsPage(conflicts: []).lines(width: 80) == ["No conflicts."])
    }

    @Test("Nothing of a client is obeyed by a terminal")
    func hostile() throws {
        let evil = ConflictFixtures.hostile
        let kinds = ["lost", "orphaned", "refused", "shadowed", "outlived", "resolved", "sibling", evil]
        for kind in kinds {
            let conflict = try ConflictFixtures.report(
                ConflictFixtures.json(
                    id: evil, kind: kind, state: evil, key: evil, client: evil, text: evil, bucket: evil))
            for width in [80, 120, Int.max] {
                #expect(text(ConflictsPage(conflicts: [conflict]).lines(width: width)).obeyed.isEmpty)
            }
            let page = ConflictPageForPeople(conflict: conflict, history: nil).lines(style: plain, width: 80)
            #expect(page.joined(separator: "\n").obeyed.isEmpty)
            #expect(page.allSatisfy { !$0.contains("\n") })
        }
        let explanation = Explanation(
            report: try ConflictFixtures.explanation(key: evil, client: evil, text: evil, verdict: evil))
        let lines = explanation.lines(style: plain, width: 80, charset: .unicode)
        #expect(lines.joined(separator: "\n").obeyed.isEmpty)
        #expect(lines.allSatisfy { !$0.contains("\n") })
        for markup in [explanation.drawing.svg(), explanation.page.html()] { #expect(markup.obeyed.isEmpty) }
        let counts = CountsPage(counts: [
            try ConflictFixtures.count(type: evil, bucket: evil, strategy: evil, day: evil, kind: evil)
        ])
        #expect(text(counts.lines).obeyed.isEmpty)
    }

    @Test("A value that the key still has is shown beside the one that was lost")
    func sideBySide() throws {
        let conflict = try ConflictFixtures.report(ConflictFixtures.json())
        let history = try ConflictFixtures.explanation()
        let lines = ConflictPageForPeople(conflict: conflict, history: history).lines(style: plain, width: 80)
        let row = try #require(lines.first { $0.contains("│ milk, eggs") })
        #expect(row.contains("00 ff"))
        #expect(lines.contains("  kindred conflicts restore 17-3.a7-lost"))
        #expect(
            lines.contains { $0.contains("had seen nothing") } && lines.contains { $0.contains("had seen (not kept)") })
        let alone = ConflictPageForPeople(conflict: conflict, history: nil).lines(style: plain, width: 80)
        #expect(alone.contains { $0.contains("(replaced since: not known here)") })
    }

    @Test(
        "Values in a few columns",
        arguments: [
            (#"{"state":"deleted"}"#, "(delete)"), (#"{"state":"stored"}"#, ""),
            (#"{"state":"stored","text":""}"#, "\"\""),
            (#"{"state":"remembered","text":"milk\nand eggs"}"#, #""milk\nand eggs""#),
            (#"{"state":"remembered","text":"a long shopping list of many things"}"#, #""a long shopping list of …"#),
            (#"{"state":"remembered","base64":"AP8=","length":2}"#, "0x00ff (2 bytes)"),
            (#"{"state":"oversized","length":70000,"sha256":"abcdef012345"}"#, "(70,000 bytes, SHA-256 abcdef01…)"),
        ])
    func excerpts(json: String, expected: String) throws {
        #expect(ConflictWords.excerpt(try ConflictFixtures.value(json), columns: 26) == expected)
    }

    @Test("An explanation draws each write in a line, and what is known only by its name")
    func explanation() throws {
        let explanation = Explanation(report: try ConflictFixtures.explanation())
        let lines = explanation.lines(style: plain, width: 100, charset: .ascii)
        #expect(lines.first == "default/carts/anna  last-write-wins")
        #expect(
            lines.contains { $0.contains("3.a7") && $0.contains("Anna") && $0.hasSuffix("\"milk\"  lost, reported") })
        #expect(lines.contains { $0.contains("3.a6") && $0.contains("(its value is not kept)") })
        #expect(lines.contains { $0.contains("Carol") && $0.contains("refused") && $0.contains("70,000 bytes") })
        #expect(lines.contains("3.a8 is shown."))
        #expect(!lines.prefix(8).joined().contains("●"))
        #expect(explanation.page.html().contains("Content-Security-Policy"))
    }

    @Test("An open conflict says how to resolve it, with the siblings that the key has now")
    func advice() throws {
        let open = try ConflictFixtures.report(ConflictFixtures.json(kind: "sibling", state: "open"))
        var history = try ConflictFixtures.explanation()
        func advice(_ history: ExplainReport?) -> [String] {
            ConflictPageForPeople(conflict: open, history: history).lines(style: plain, width: 80).filter {
                $0.hasPrefix("  kindred")
            }
        }
        let command = "  kindred conflicts resolve default/carts/anna"
        #expect(advice(nil) == ["\(command) --rule latest"])
        #expect(advice(history) == ["\(command) --rule latest"], "it has no siblings any more")
        history.events[0].fate = "sibling"
        history.events[1].fate = "sibling"
        #expect(
            advice(history) == [
                "\(command) --rule latest", "\(command) --keep 3.a8 --seen 3.a7,3.a8",
                "\(command) --value TEXT --seen 3.a7,3.a8",
            ])
    }

    @Test("Counts have a column for each kind there is, and a sum")
    func counts() throws {
        let page = CountsPage(counts: [
            try ConflictFixtures.count(kind: "lost", count: 1_200),
            try ConflictFixtures.count(kind: "resolved", count: 3),
            try ConflictFixtures.count(day: "2026-11-27", kind: "lost", count: 1),
        ])
        let lines = page.lines.map(\.plain)
        #expect(lines.count == 4)
        #expect(lines[0].split(separator: " ").suffix(3) == ["LOST", "RESOLVED", "ALL"])
        #expect(lines[1].split(separator: " ").suffix(3) == ["1,200", "3", "1,203"])
        #expect(lines[3].split(separator: " ") == ["all", "1,201", "3", "1,204"])
    }
}
