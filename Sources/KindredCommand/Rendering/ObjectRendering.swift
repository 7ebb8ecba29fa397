import Foundation
import KindredClient
import KindredModel

/// An object as `kindred get` shows it, to people and to programs.
struct ObjectRendering {
    let address: ObjectAddress
    let object: StoredObject

    // MARK: For programs

    /// `type`, `bucket`, `key`, `found`, `context`, `siblings`.
    var json: PropertyValue {
        var members = address.members
        members.append(Property("found", .bool(object.exists)))
        if let context = object.context { members.append(Property("context", .text(context.base64))) }
        members.append(Property("siblings", .list(object.siblings.map { .object($0.members) })))
        return .object(members)
    }

    // MARK: For people

    /// The only value, below what is known about it.
    func single(_ sibling: Sibling, style: Style, width: Int) -> [String] {
        var lines = [style.apply(.strong, address.description)]
        lines += facts(of: sibling).map { name, fact in
            "  " + style.apply(.faint, TextLayout.padded(name, to: 9)) + fact
        }
        if let context = object.context {
            lines.append("  " + style.apply(.faint, "context  ") + context.base64)
        }
        return lines + [""] + TextLayout.lines(of: sibling.content.value, width: width, limit: 1_000)
    }

    /// Several values, side by side, and how to make one of them.
    func sideBySide(style: Style, width: Int) -> [String] {
        let siblings = object.siblings
        var lines = [
            style.apply(.strong, address.description) + " has \(siblings.count) concurrent versions:",
            "none of their writers had seen another's.",
        ]
        let boxes = siblings.enumerated().map { index, sibling in
            SideBySide.Box(
                head: facts(of: sibling).map { name, fact in
                    (name == "version" ? .client(index) : .plain, TextLayout.padded(name, to: 9) + fact)
                }
            ) { width in
                if sibling.isDeleted { return [(.bad, "(deleted)")] }
                return TextLayout.lines(of: sibling.content.value, width: width, limit: 16).map { (.plain, $0) }
            }
        }
        lines += SideBySide(boxes: boxes).lines(style: style, width: width)
        if let context = object.context {
            lines += [
                "To replace them all, write the value that should be there with this context:",
                "  kindred put \(address.description) VALUE --context \(context.base64)",
            ]
        }
        return lines
    }

    private func facts(of sibling: Sibling) -> [(name: String, fact: String)] {
        var facts = [("version", TextLayout.name(Array(sibling.version.description.utf8)))]
        if let number = sibling.version.number { facts.append(("number", "v\(number)")) }
        if let actor = sibling.version.actor, let event = sibling.version.event {
            facts.append(("who", "actor \(actor), event \(event)"))
        }
        if let time = sibling.lastModified { facts.append(("when", time.forPeople)) }
        var kind = TextLayout.name(sibling.content.contentType ?? Array("no type".utf8))
        // What nearly all text is need not be said.
        if let charset = sibling.content.charset, String(decoding: charset, as: UTF8.self).lowercased() != "utf-8" {
            kind += "; charset=\(TextLayout.name(charset))"
        }
        if let encoding = sibling.content.contentEncoding { kind += ", \(TextLayout.name(encoding))" }
        facts.append(("what", "\(kind), \(TextLayout.count(sibling.content.value.count, "byte"))"))
        for entry in sibling.content.userMetadata {
            facts.append(("meta", "\(TextLayout.name(entry.key)) = \(TextLayout.name(entry.value))"))
        }
        for entry in sibling.content.indexes {
            facts.append(("index", "\(TextLayout.name(entry.key)) = \(TextLayout.name(entry.value))"))
        }
        for link in sibling.content.links {
            let target = "\(TextLayout.name(link.bucket))/\(TextLayout.name(link.key))"
            facts.append(("link", "\(TextLayout.name(link.tag)) → \(target)"))
        }
        return facts
    }
}

extension ObjectAddress {
    /// `type`, `bucket`, `key`.
    var members: [Property] {
        bucket.members + JSONText.members("key", key.bytes, marker: "keyEncoding")
    }
}

extension Bucket {
    /// `type`, `bucket`.
    var members: [Property] {
        JSONText.members("type", type.bytes, marker: "typeEncoding")
            + JSONText.members("bucket", name.bytes, marker: "bucketEncoding")
    }
}

extension Sibling {
    fileprivate var members: [Property] {
        var members = JSONText.members("value", content.value, marker: "encoding")
        func append(_ name: String, _ text: [UInt8]?) {
            if let text { members.append(Property(name, .text(String(decoding: text, as: UTF8.self)))) }
        }
        members.append(Property("bytes", .integer(Int64(content.value.count))))
        append("contentType", content.contentType)
        append("charset", content.charset)
        append("contentEncoding", content.contentEncoding)
        members += version.members
        if let lastModified { members.append(Property("lastModified", .text(lastModified.forPrograms))) }
        if isDeleted { members.append(Property("deleted", true)) }
        for (name, entries) in [("meta", content.userMetadata), ("indexes", content.indexes)] where !entries.isEmpty {
            let pairs = entries.map { entry in
                PropertyValue.object([
                    Property("name", .text(String(decoding: entry.key, as: UTF8.self))),
                    Property("value", .text(String(decoding: entry.value, as: UTF8.self))),
                ])
            }
            members.append(Property(name, .list(pairs)))
        }
        return members
    }
}

extension VersionTag {
    /// `version`, and `number`, `actor` and `event` where the tag tells them.
    var members: [Property] {
        var members = [Property("version", .text(description))]
        if let number = number.flatMap({ Int64(exactly: $0) }) { members.append(Property("number", .integer(number))) }
        if let actor = actor.flatMap({ Int64(exactly: $0) }), let event = event.flatMap({ Int64(exactly: $0) }) {
            members += [Property("actor", .integer(actor)), Property("event", .integer(event))]
        }
        return members
    }
}

extension Date {
    /// `2026-11-23 14:03:12.123 UTC`
    var forPeople: String {
        let day = formatted(.iso8601.year().month().day())
        let time = formatted(.iso8601.time(includingFractionalSeconds: true))
        return "\(day) \(time) UTC"
    }

    /// `2026-11-23T14:03:12.123Z` (RFC 3339)
    var forPrograms: String {
        formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }
}
