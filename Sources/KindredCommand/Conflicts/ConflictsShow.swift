import ArgumentParser
import KindredClient
import KindredServer

/// `kindred conflicts show`
struct ConflictsShow: ConflictCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show everything that is known of a conflict.",
        discussion: """
            Who wrote what and when, what each writer had seen, and the values side by side: those that the conflict log \
            remembers, and those that the key still has. It ends with 2 if the log has no such conflict, or no more.

            EXAMPLES
              kindred conflicts show 17-3.a7-lost
              kindred conflicts show 17-3.a7-lost --json | jq -r .subject.value.text
            """)

    @Argument(help: ArgumentHelp("The conflict's name.", valueName: "id"))
    var id: String
    @OptionGroup var common: OperatorOptions

    func run(_ client: ConflictClient, _ console: Console) async throws -> ExitCode {
        let answer = try await client.conflict(id)
        if common.json {
            console.print(json: answer.text)
            return .success
        }
        // The log does not keep what the key still has; a key that cannot be read just now is no reason to show nothing.
        let conflict = answer.value
        var history: ExplainReport?
        if conflict.bucketBase64 == nil, conflict.keyBase64 == nil {
            let bucket = Bucket(Name(conflict.bucket), type: Name(conflict.type))
            history = try? await client.explain(ObjectAddress(bucket: bucket, key: Name(conflict.key))).value
        }
        let page = ConflictPageForPeople(conflict: conflict, history: history)
        for line in page.lines(style: console.style, width: console.width) { console.print(line) }
        return .success
    }
}

/// One conflict, with its values side by side.
struct ConflictPageForPeople {
    let conflict: ConflictReport
    /// What is known of its key; nil if that could not be found out.
    let history: ExplainReport?

    /// Beyond that a value is for `--json`.
    private static let linesPerValue = 40
    private static let mostBoxes = 32

    func lines(style: Style, width: Int) -> [String] {
        var lines = [style.apply(.strong, ConflictWords.safe(conflict.id))]
        lines += TextLayout.broken(ConflictWords.sentence(conflict), width: max(40, width - 2)).map { "  " + $0 }
        lines.append("")
        for (name, fact) in facts {
            lines.append("  " + style.apply(.faint, TextLayout.padded(name, to: 10)) + fact)
        }
        lines.append("")
        let parties = [conflict.subject] + conflict.others
        let boxes = parties.prefix(Self.mostBoxes).enumerated().map { index, party in
            SideBySide.Box(head: head(of: party, index)) { width in
                ConflictWords.lines(of: value(of: party), width: width, limit: Self.linesPerValue).map { (.plain, $0) }
            }
        }
        lines += SideBySide(boxes: boxes).lines(style: style, width: width)
        if parties.count > Self.mostBoxes {
            lines.append("and \(TextLayout.grouped(parties.count - Self.mostBoxes)) more: --json has them")
        }
        return lines + advice
    }

    private var facts: [(name: String, fact: String)] {
        var facts = [
            ("kind", ConflictWords.safe(conflict.kind)), ("state", ConflictWords.safe(conflict.state)),
            ("strategy", ConflictWords.safe(conflict.strategy)), ("key", ConflictWords.address(conflict)),
            ("noticed", ConflictWords.time(conflict.noticedMs)),
            ("records", conflict.records.map(ConflictWords.safe).joined(separator: ", ")),
        ]
        if conflict.bucketBase64 != nil || conflict.keyBase64 != nil {
            facts.append(("", "(the name is not text: --json has it in base 64)"))
        }
        if let note = conflict.note { facts.append(("why", ConflictWords.safe(note))) }
        return facts
    }

    private func head(of party: PartyReport, _ index: Int) -> [SideBySide.Line] {
        var facts = [(index == 0 ? "about" : "met", party.dot.map(ConflictWords.safe) ?? "(never stored)")]
        if let number = party.number { facts.append(("number", "v\(number)")) }
        facts.append(("client", party.client.map(ConflictWords.safe) ?? "(no name)"))
        facts.append(("when", ConflictWords.time(party.writtenMs)))
        if let parent = party.parent { facts.append(("replaced", ConflictWords.safe(parent))) }
        facts.append(("had seen", party.seen.map { $0 == "{}" ? "nothing" : ConflictWords.safe($0) } ?? "(not kept)"))
        let value = value(of: party)
        if let type = value.contentType { facts.append(("what", "\(ConflictWords.safe(type))")) }
        if value.length != nil { facts.append(("length", ConflictWords.size(value))) }
        return facts.enumerated().map { line, fact in
            (line == 0 ? .client(index) : .plain, TextLayout.padded(fact.0, to: 9) + fact.1)
        }
    }

    /// What the log remembers, or what the key still has under the same dot.
    private func value(of party: PartyReport) -> ValueReport {
        guard party.value.text == nil, party.value.base64 == nil, party.value.state == "stored",
            let dot = party.dot, let event = history?.events.first(where: { $0.party.dot == dot })
        else { return party.value }
        return event.party.value
    }

    /// What can be done about it.
    private var advice: [String] {
        switch conflict.state {
        case "lost":
            guard conflict.subject.value.state == "remembered" else { return [] }
            return [
                "To write its value again, having seen what the key has now:",
                "  kindred conflicts restore \(ConflictWords.safe(conflict.id))",
            ]
        case "open":
            let command = "  kindred conflicts resolve \(ConflictWords.address(conflict))"
            let byRule = ["To make one value of the siblings by a rule:", "\(command) --rule latest"]
            // Of what the key has now, which the conflict does not know.
            let siblings = (history?.events ?? []).filter { $0.fate == "sibling" }.compactMap(\.party.dot)
            guard let kept = siblings.last.map(ConflictWords.safe) else { return byRule }
            let seen = siblings.map(ConflictWords.safe).joined(separator: ",")
            return byRule + [
                "To keep one of them, or to write another value:",
                "\(command) --keep \(kept) --seen \(seen)",
                "\(command) --value TEXT --seen \(seen)",
            ]
        default: return []
        }
    }
}
