import Foundation
import KindredModel
import KindredNode
import KindredReplication
import KindredStorage
import KindredWire

/// Turns the conflict log's values into reports.
enum ConflictReporting {
    /// The names in an object's address.
    struct Names {
        let type: UInt32
        let bucket: [UInt8]
        let key: [UInt8]

        /// Nil if the bytes are no address.
        init?(_ address: [UInt8]) {
            let names = address.withUnsafeBytes { bytes -> (UInt32, [UInt8], [UInt8])? in
                AddressFields(bytes).map { ($0.bucketType, Array($0.bucket), Array($0.key)) }
            }
            guard let names else { return nil }
            (type, bucket, key) = names
        }
    }

    static func report(_ entry: ConflictEntry, type: String, state: String) -> ConflictReport? {
        guard let names = Names(entry.address) else { return nil }
        let (bucket, key) = (text(names.bucket), text(names.key))
        let conflict = entry.conflict
        return ConflictReport(
            id: entry.id.description, kind: conflict.kind.name, state: state,
            rule: rule(conflict.kind, entry.strategy), strategy: entry.strategy.rawValue, type: type,
            bucket: bucket ?? escaped(names.bucket), key: key ?? escaped(names.key),
            bucketBase64: bucket == nil ? Base64.encode(names.bucket) : nil,
            keyBase64: key == nil ? Base64.encode(names.key) : nil, noticedMs: entry.noticed,
            records: entry.records.map(self.text), subject: report(conflict.subject),
            others: conflict.others.map(report), note: conflict.note.isEmpty ? nil : escaped(conflict.note))
    }

    static func report(_ party: ConflictParty) -> PartyReport {
        PartyReport(
            dot: party.dot.map(text), number: party.number > 0 ? party.number : nil,
            writtenMs: party.timestamp.milliseconds, client: party.writer.isEmpty ? nil : name(party.writer),
            seen: party.seen.map { "\($0)" }, parent: party.parent.map(text), value: report(party.value))
    }

    static func report(_ version: Version) -> PartyReport {
        var value = version.content.map { report(content: Array($0)) } ?? ValueReport(state: "deleted")
        if value.state != "deleted" { value.state = "stored" }
        return PartyReport(
            dot: text(version.dot), number: version.number > 0 ? version.number : nil,
            writtenMs: version.timestamp.milliseconds, client: version.writer.map { name(Array($0)) },
            parent: version.parent.map(text), value: value)
    }

    static func report(_ value: ConflictValue) -> ValueReport {
        switch value {
        case .kept: ValueReport(state: "stored")
        case .deletion: ValueReport(state: "deleted")
        case .content(let content): report(content: content)
        case .oversized(let length, let digest):
            ValueReport(state: "oversized", length: length, sha256: digest.map { String(format: "%02x", $0) }.joined())
        }
    }

    private static func report(content: [UInt8]) -> ValueReport {
        guard let content = try? ObjectContent(encoded: content) else {
            return ValueReport(state: "remembered", base64: Base64.encode(content), length: UInt64(content.count))
        }
        let text = text(content.value)
        return ValueReport(
            state: "remembered", contentType: content.contentType.map { escaped($0) }, text: text,
            base64: text == nil ? Base64.encode(content.value) : nil, length: UInt64(content.value.count))
    }

    /// A dot as every face of the database shows it, in base 36.
    static func text(_ dot: Dot) -> String {
        String(dot.actor.rawValue, radix: 36) + "." + String(dot.counter, radix: 36)
    }

    /// Reads what `text` wrote, also with the version's number in front, as clients see it: `4-3.a7`. Nil if it is no such text.
    static func dot(_ text: String) -> Dot? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard let name = parts.last, parts.count == 1 || (parts.count == 2 && UInt64(parts[0]) != nil) else {
            return nil
        }
        let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
        guard numbers.count == 2, let actor = UInt32(numbers[0], radix: 36), let counter = UInt64(numbers[1], radix: 36)
        else { return nil }
        return Dot(ActorID(actor), counter)
    }

    static func text(_ bytes: [UInt8]) -> String? { String(validating: bytes, as: UTF8.self) }

    private static func escaped(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// A client's name: text if it is, otherwise hexadecimal digits.
    private static func name(_ bytes: [UInt8]) -> String {
        if let text = text(bytes), text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) {
            return text
        }
        return "0x" + bytes.map { String(format: "%02x", $0) }.joined()
    }

    private static func rule(_ kind: Conflict.Kind, _ strategy: ConflictStrategy) -> String {
        switch kind {
        case .lost: "last write wins: the latest hybrid timestamp stays, ties go to the larger dot"
        case .orphaned: "last write wins: turned up after its replica had been given up, too late to be compared"
        case .shadowed: "immutable: the earliest content is shown, other content is kept beside it"
        case .refused: "immutable: the key had other content"
        case .sibling where strategy == .versionNumbers:
            "version numbers: the write named an older version, so both stay as siblings"
        case .sibling: "version vectors: neither had seen the other, so both stay as siblings"
        case .outlived: "a delete removes what its writer had seen, and nothing else"
        case .resolved: "the writer had seen all that it replaced"
        }
    }
}
