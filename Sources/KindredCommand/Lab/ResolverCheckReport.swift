import ArgumentParser
import KindredModel
import KindredResolvers

/// What `kindred lab check-resolver` says in the end.
struct ResolverCheckReport {
    /// One for each kind of values.
    var checks: [LawReport] = []
    /// What went wrong with the program, if it was one.
    var failures: ResolverProgram.Failures?

    /// What the command ends with.
    var exitCode: ExitCode {
        if checks.contains(where: { !$0.violations.isEmpty }) || hasFailed { return .failure }
        return checks.contains { !$0.unchecked.isEmpty } ? .nothingCompared : .success
    }

    private var hasFailed: Bool { (failures?.count ?? 0) > 0 }

    // MARK: For people

    func lines(_ style: Style) -> [String] {
        var lines: [String] = []
        for check in checks {
            if !lines.isEmpty { lines.append("") }
            lines.append(
                style.apply(.strong, TextLayout.harmless(check.resolver))
                    + TextLayout.harmless(
                        ": \(TextLayout.count(check.cases, "case")) of \(check.values), seed \(check.seed)"))
            lines += TextLayout.table(check.results.map { Self.row($0, style) })
            for violation in check.violations {
                lines += ["", style.apply(.bad, "BROKEN  ") + TextLayout.harmless(violation.description)]
            }
        }
        if let failures, failures.count > 0 {
            lines += ["", style.apply(.bad, "The program has failed \(TextLayout.count(failures.count, "time")).")]
            if let first = failures.first {
                lines.append("  the first time: \(TextLayout.harmless(first.reason))")
                lines.append("  it was asked:   \(TextLayout.cut(TextLayout.name(first.question), to: 1_000))")
            }
            if failures.isGivenUp { lines.append("  It was not asked any more after that.") }
        }
        lines += ["", summary(style)]
        return lines
    }

    private func summary(_ style: Style) -> String {
        let broken = checks.reduce(0) { $0 + $1.violations.count }
        if broken > 0 { return style.apply(.bad, "\(TextLayout.count(broken, "law")) broken.") }
        let unchecked = checks.reduce(0) { $0 + $1.unchecked.count }
        if unchecked > 0 {
            return style.apply(
                .bad, "Nothing is known of \(TextLayout.count(unchecked, "law")): everything was refused.")
        }
        if hasFailed { return style.apply(.bad, "No law was broken where the program answered.") }
        return style.apply(.good, "No counter-example was found.")
    }

    private static func row(_ result: LawResult, _ style: Style) -> [String] {
        let verdict =
            switch (result.violation, result.compared) {
            case (.some, _): style.apply(.bad, "BROKEN     ")
            case (nil, 0): style.apply(.bad, "not checked")
            case (nil, _): style.apply(.good, "holds      ")
            }
        var counts = "\(TextLayout.grouped(result.compared)) compared"
        if let refusal = result.firstRefusal {
            let why = TextLayout.cut(TextLayout.harmless(refusal.description), to: 60)
            counts += ", \(TextLayout.grouped(result.refused)) refused (\(why))"
        }
        return ["  \(result.law.rawValue)", verdict, counts]
    }

    // MARK: For programs

    /// `passed`, `reports` with `laws`, and `program` if one was checked.
    var json: PropertyValue {
        var members = [
            Property("passed", .bool(exitCode == .success)),
            Property("reports", .list(checks.map(Self.json))),
        ]
        if let failures {
            var program = [Property("failures", .integer(Int64(failures.count)))]
            if let first = failures.first {
                program += [
                    Property("firstFailure", .text(first.reason)),
                    Property("question", .text(String(decoding: first.question, as: UTF8.self))),
                ]
            }
            program.append(Property("givenUp", .bool(failures.isGivenUp)))
            members.append(Property("program", .object(program)))
        }
        return .object(members)
    }

    private static func json(_ report: LawReport) -> PropertyValue {
        .object([
            Property("resolver", .text(report.resolver)), Property("values", .text(report.values)),
            Property("seed", .text(String(report.seed))), Property("cases", .integer(Int64(report.cases))),
            Property("laws", .list(report.results.map(json))),
        ])
    }

    private static func json(_ result: LawResult) -> PropertyValue {
        let verdict = result.violation != nil ? "broken" : result.compared == 0 ? "unchecked" : "holds"
        var members = [
            Property("law", .text(result.law.rawValue)), Property("meaning", .text(result.law.meaning)),
            Property("verdict", .text(verdict)), Property("compared", .integer(Int64(result.compared))),
            Property("refused", .integer(Int64(result.refused))),
        ]
        if let refusal = result.firstRefusal { members.append(Property("firstRefusal", .text(refusal.description))) }
        if let violation = result.violation { members.append(Property("counterExample", json(violation))) }
        return .object(members)
    }

    private static func json(_ violation: Violation) -> PropertyValue {
        var members = [
            Property(
                "siblings",
                .list(
                    violation.siblings.map { sibling in
                        .object(
                            [Property("name", .text(sibling.name))] + json(sibling.value.content) + [
                                Property("timestamp", .text(String(sibling.value.timestamp))),
                                Property("version", .text(sibling.value.dot.description)),
                            ])
                    }))
        ]
        if let ancestor = violation.ancestor { members.append(Property("ancestor", .object(json(ancestor.content)))) }
        members += [
            Property("left", json(violation.left)), Property("right", json(violation.right)),
            Property("case", .integer(Int64(violation.caseNumber))),
            Property("tries", .integer(Int64(violation.tries))),
            Property("minimal", .bool(violation.isMinimal)),
        ]
        return .object(members)
    }

    private static func json(_ side: Violation.Side) -> PropertyValue {
        let outcome =
            switch side.outcome {
            case .value(let content): json(content)
            case .deleted: json(nil)
            case .refused(let error): [Property("refused", .text(error.description))]
            }
        return .object([Property("expression", .text(side.expression))] + outcome)
    }

    private static func json(_ content: ObjectContent?) -> [Property] {
        guard let content else { return [Property("deleted", true)] }
        var members = JSONText.members("value", content.value, marker: "encoding")
        if let type = content.contentType {
            members.append(Property("contentType", .text(String(decoding: type, as: UTF8.self))))
        }
        return members
    }
}

extension ExitCode {
    /// A resolver refused everything it was asked, so no law is known to hold.
    static let nothingCompared = ExitCode(2)
}
