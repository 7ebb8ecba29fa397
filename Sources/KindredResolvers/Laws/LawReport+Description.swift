import KindredModel

extension LawReport: CustomStringConvertible {
    /// The laws and what became of them, then each counter-example.
    public var description: String {
        var lines = ["\(resolver): \(cases) cases of \(values), seed \(seed)"]
        lines += results.map { "  \($0)" }
        for violation in violations { lines += ["", violation.description] }
        return lines.joined(separator: "\n")
    }
}

extension LawResult: CustomStringConvertible {
    /// A law, and whether it holds, in one line.
    public var description: String {
        let name = law.rawValue + String(repeating: " ", count: max(0, 12 - law.rawValue.count))
        if violation != nil { return "\(name) BROKEN" }
        let refusal = firstRefusal.map { ", \(refused) refused (\($0))" } ?? ""
        return compared == 0 ? "\(name) not checked\(refusal)" : "\(name) holds: \(compared) compared\(refusal)"
    }
}

extension Violation: CustomStringConvertible {
    /// The counter-example, as a person reads it. Anything that a terminal would obey is escaped.
    public var description: String {
        var rows: [(String, String)] = []
        if let ancestor { rows.append(("ancestor", ancestor.content.shown)) }
        for sibling in siblings {
            let value = sibling.value
            rows.append((sibling.name, "\(value.content.shown)   (timestamp \(value.timestamp), version \(value.dot))"))
        }
        rows += [(left.expression, "\(left.outcome)"), (right.expression, "\(right.outcome)")]
        let width = rows.map(\.0.count).max() ?? 0
        let found =
            "case \(caseNumber) of seed \(seed), made smaller in \(tries) tries"
            + (isMinimal ? "" : ", not all there are")
        return
            (["\(law.rawValue): \(law.meaning)"]
            + rows.map { "  \($0 + String(repeating: " ", count: width - $0.count))  \($1)" } + ["  (\(found))"])
            .joined(separator: "\n")
    }
}

extension Violation.Outcome: CustomStringConvertible {
    /// The value, or why there is none.
    public var description: String {
        switch self {
        case .value(let content): Optional(content).shown
        case .deleted: "deleted"
        case .refused(let error): "refused: \(error.description.escaped)"
        }
    }
}

extension ObjectContent? {
    /// The value in quotes, or in base 16 if it is no text; the content type where there is one.
    fileprivate var shown: String {
        guard let self else { return "deleted" }
        let beginning = self.value.prefix(200)
        let rest = self.value.count > 200 ? "… (\(self.value.count) bytes)" : ""
        let value =
            if String(validating: self.value, as: UTF8.self) != nil {
                "'\(String(decoding: beginning, as: UTF8.self).escaped)'"
            } else {
                "0x" + beginning.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            }
        let type = contentType.map { " " + String(decoding: $0, as: UTF8.self).escaped } ?? ""
        return value + rest + type
    }

    private var contentType: [UInt8]? { self?.contentType }
}

extension String {
    /// The text with control characters, and what turns the direction of writing, as escapes.
    fileprivate var escaped: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .format:
                result += scalar == "\n" ? "\\n" : "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
