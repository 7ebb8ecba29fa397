import Foundation
import KindredDiagrams
import KindredServer

/// Conflicts in words. Names, keys and values are what clients chose: here nothing of them is left that a terminal would obey.
enum ConflictWords {
    /// Text of a client, on one line.
    static func safe(_ text: String) -> String { SafeText.visible(text) }

    /// `siblings/carts/anna`, fit for a shell where the names are.
    static func address(_ report: ConflictReport) -> String {
        "\(safe(report.type))/\(safe(report.bucket))/\(safe(report.key))"
    }

    /// Milliseconds since 1970, whatever a node may have sent.
    static func date(_ milliseconds: UInt64) -> Date {
        // The end of the year 9999; half a millisecond more, because what is shown is cut off, not rounded.
        Date(timeIntervalSince1970: (Double(min(milliseconds, 253_402_300_799_998)) + 0.5) / 1_000)
    }

    /// `2026-11-26 14:03:12.123 UTC`
    static func time(_ milliseconds: UInt64) -> String { date(milliseconds).forPeople }

    /// `2026-11-26 14:03:12`
    static func second(_ milliseconds: UInt64) -> String {
        date(milliseconds).formatted(.iso8601.year().month().day())
            + " " + date(milliseconds).formatted(.iso8601.time(includingFractionalSeconds: false))
    }

    // MARK: Values

    /// A value on one line, in at most about `columns` columns.
    static func excerpt(_ value: ValueReport, columns: Int) -> String {
        switch value.state {
        case "deleted": return "(delete)"
        case "oversized":
            let digest = value.sha256.map { ", SHA-256 \(safe(String($0.prefix(8))))…" } ?? ""
            return "(\(size(value))\(digest))"
        default: break
        }
        if let text = value.text {
            let beginning = safe(String(text.prefix(columns)))
            guard TextLayout.width(beginning) + 2 > columns || text.count > columns else { return "\"\(beginning)\"" }
            return TextLayout.cut("\"" + beginning + "\"…", to: columns)
        }
        if let base64 = value.base64 {
            let bytes = Data(base64Encoded: String(base64.prefix(64))) ?? Data()
            let count = max(4, min(12, (columns - 20) / 2))
            let digits = bytes.prefix(count).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            return "0x\(digits)\(bytes.count > count ? "…" : "") (\(size(value)))"
        }
        return ""
    }

    /// "1 byte", "70,000 bytes".
    static func size(_ value: ValueReport) -> String {
        TextLayout.count(Int(clamping: value.length ?? 0), "byte")
    }

    /// The value in lines, for a box.
    static func lines(of value: ValueReport, width: Int, limit: Int) -> [String] {
        switch value.state {
        case "deleted": return ["(deleted)"]
        case "oversized":
            let digest = value.sha256.map { ["SHA-256"] + TextLayout.broken(safe($0), width: width) } ?? []
            return ["(\(size(value)), not remembered)"] + digest
        default: break
        }
        // `TextLayout` takes long values in and makes control characters harmless, line by line.
        if let text = value.text {
            return TextLayout.lines(of: Array(text.utf8), width: width, limit: limit)
        }
        if let base64 = value.base64, let bytes = Data(base64Encoded: base64) {
            return TextLayout.lines(of: [UInt8](bytes), width: width, limit: limit)
        }
        return ["(replaced since: not known here)"]
    }

    // MARK: Parties

    /// `Anna's 1.3`, or `1.3` of a client that gives itself no name.
    static func name(_ party: PartyReport) -> String {
        let dot = party.dot.map(safe)
        guard let client = party.client.map({ TextLayout.cut(safe($0), to: 24) }) else {
            return dot ?? "a write"
        }
        return "\(client)'s \(dot ?? "write")"
    }

    private static func names(_ parties: [PartyReport], most: Int = 3) -> String {
        guard !parties.isEmpty else { return "nothing that is known" }
        let named = parties.prefix(most).map(name)
        guard parties.count <= most else {
            return named.joined(separator: ", ") + " and \(TextLayout.grouped(parties.count - most)) more"
        }
        guard named.count > 1, let last = named.last else { return named.joined() }
        return named.dropLast().joined(separator: ", ") + " and " + last
    }

    // MARK: Conflicts

    /// What was lost, or who met, in a few words for a table.
    static func summary(_ report: ConflictReport, columns: Int) -> String {
        let others = names(report.others)
        // The value is told as far as the rest leaves room.
        func value(besides rest: String) -> String {
            excerpt(report.subject.value, columns: max(12, min(60, columns - TextLayout.width(rest))))
        }
        let client = report.subject.client.map { " of \(TextLayout.cut(safe($0), to: 24))" } ?? ""
        switch report.kind {
        case "lost":
            let rest = "\(client), to \(others)"
            return value(besides: rest) + rest
        case "orphaned":
            let rest = "\(client), too late to be compared"
            return value(besides: rest) + rest
        case "refused":
            let rest = "\(client): there was \(others)"
            return value(besides: rest) + rest
        case "shadowed": return "\(name(report.subject)) is hidden by \(others)"
        case "outlived": return "\(name(report.subject)) deleted, and left \(others)"
        case "resolved": return "\(name(report.subject)) replaced \(others)"
        default: return "\(name(report.subject)) met \(others)"
        }
    }

    /// The whole story in a sentence.
    static func sentence(_ report: ConflictReport) -> String {
        let subject = name(report.subject)
        let others = names(report.others, most: 8)
        let value = excerpt(report.subject.value, columns: 40)
        let withValue = value.isEmpty ? subject : "\(subject), \(value),"
        let text: String
        switch report.kind {
        case "lost": text = "\(withValue) was lost to \(others), which had not seen it"
        case "orphaned": text = "\(withValue) turned up when its replica had been given up: too late to be compared"
        case "refused": text = "\(withValue) was refused, because the key had \(others)"
        case "shadowed": text = "\(subject) has other content than \(others): it is kept, and not shown"
        case "outlived": text = "\(subject) deleted what its writer had seen, and left \(others)"
        case "resolved":
            text = "\(subject) replaced \(others), having seen \(report.others.count == 1 ? "it" : "them")"
        case "sibling": text = "\(subject) met \(others), and neither had seen the other"
        default: text = "\(subject) met \(others) (\(safe(report.kind)))"
        }
        let state = report.state == report.kind || (report.kind == "resolved") ? "" : " Now: \(safe(report.state))."
        return text + ". Rule: \(safe(report.rule))." + state
    }
}
