import Foundation
import KindredModel
import KindredNode
import KindredReplication
import KindredResolvers

/// Why something could not be done about a conflict.
struct ConflictRefusal: Error, CustomStringConvertible {
    let description: String
    var status = 409
    /// The dots of what the key has now, if that is the reason.
    var siblings: [String]?
}

/// Writes that do something about conflicts. Each is one causal write that names what it has seen, and is entered into the conflict log with
/// the reason for it.
extension ConflictService {
    /// Writes a value that a conflict has cost as a new version, having seen what the key has now.
    ///
    /// - Parameters:
    ///   - dot: which write's value; nil if the conflict has cost one alone.
    ///   - isBeside: whether it is to stand beside what the key has now, where the strategy allows siblings.
    func restore(_ id: ConflictID, valueOf dot: Dot?, by writer: String?, isBeside: Bool) async throws
        -> ResolutionReport
    {
        guard let entry = try await loop.conflict(id) else {
            throw ConflictRefusal(description: "the conflict log has no \(id), or no more", status: 404)
        }
        let content = try Self.remembered(entry, dot)
        guard let names = ConflictReporting.Names(entry.address) else {
            throw ConflictRefusal(description: "\(id) names no key")
        }
        let note = Array("restore \(id)".utf8)
        return try await write(content, to: try await objectName(names), by: writer, note: note) { current, loop in
            isBeside ? [] : loop.token(current.knowledge, for: current.key)
        }
    }

    /// The value that a conflict has cost.
    private static func remembered(_ entry: ConflictEntry, _ dot: Dot?) throws(ConflictRefusal) -> [UInt8] {
        let (id, conflict) = (entry.id, entry.conflict)
        if conflict.kind == .refused {
            throw ConflictRefusal(
                description: "\(id) was refused because the key is immutable, and so it would be again: "
                    + "put its value under another key")
        }
        var parties = [conflict.subject] + conflict.others
        if let dot {
            parties.removeAll { $0.dot != dot }
            guard !parties.isEmpty else {
                throw ConflictRefusal(description: "\(id) has nothing to do with \(ConflictReporting.text(dot))")
            }
        }
        var found: [(dot: Dot?, content: [UInt8])] = []
        for party in parties {
            if case .content(let content) = party.value { found.append((party.dot, content)) }
        }
        if let only = found.first, found.count == 1 { return only.content }
        guard found.isEmpty else {
            let dots = found.compactMap(\.dot).map(ConflictReporting.text).joined(separator: ", ")
            throw ConflictRefusal(
                description: "\(id) has cost several values; say of which write (--value-of, or ?dot=): \(dots)")
        }
        for party in parties {
            if case .oversized(let length, _) = party.value {
                throw ConflictRefusal(
                    description: "the value had \(length) bytes, too many to be remembered: only its digest is known")
            }
        }
        throw ConflictRefusal(description: "\(id) has cost no value that the conflict log remembers")
    }

    /// Replaces the siblings of a key by one value, or by none.
    ///
    /// - Parameter seen: what the siblings have to be; nil if they may be others.
    func resolve(
        _ name: ObjectName, by writer: String?, _ resolution: Resolution, seen: Set<Dot>? = nil
    ) async throws -> ResolutionReport {
        let current = try await loop.run { loop throws(RequestFailure) -> ObjectBox? in
            try name.withReference { reference throws(RequestFailure) in
                try loop.get(reference).map { ObjectBox(answer: $0) }
            }
        }.answer
        guard current.versions.count > 1 else {
            return ResolutionReport(dot: nil, values: current.versions.count, isNew: false)
        }
        if let seen, seen != Set(current.versions.map(\.dot)) {
            throw Self.refusal("these are not the siblings that were seen", current)
        }
        return try await replace(current, name, by: writer, resolution)
    }

    /// Replaces what was read, and nothing else: a write that has come since stays beside it.
    func replace(
        _ current: ObjectAnswer, _ name: ObjectName, by writer: String?, _ resolution: Resolution
    ) async throws -> ResolutionReport {
        let content = try await content(of: current, resolution)
        let note = Array(resolution.note.utf8)
        guard let content else { return try await delete(current, name, by: writer, note: note) }
        return try await write(content, to: name, by: writer, note: note) { _, loop in
            loop.token(current.knowledge, for: current.key)
        }
    }

    /// What is to be in the siblings' place, encoded; nil if nothing is.
    private func content(of current: ObjectAnswer, _ resolution: Resolution) async throws -> [UInt8]? {
        switch resolution {
        case .rule(let rule):
            let ancestor = try await ancestor(of: current)
            do throws(ResolutionError) {
                let siblings = current.versions.map(Self.sibling)
                return try rule.resolve(try ResolutionInput(siblings, ancestor: ancestor)).content?.encoded()
            } catch {
                throw ConflictRefusal(
                    description: "\(rule.name) cannot merge them, and they stay as they are: \(error)")
            }
        case .keep(let dot):
            guard let kept = current.versions.first(where: { $0.dot == dot }) else {
                throw Self.refusal("\(ConflictReporting.text(dot)) is none of the siblings", current)
            }
            return kept.content.map { Array($0) }
        case .value(let content): return content.encoded()
        case .delete: return nil
        }
    }

    /// That the siblings are not what somebody took them for.
    private static func refusal(_ reason: String, _ current: ObjectAnswer) -> ConflictRefusal {
        let siblings = current.versions.map { ConflictReporting.text($0.dot) }
        return ConflictRefusal(
            description: "\(reason): the key has \(siblings.joined(separator: ", ")) now. Nothing was written.",
            siblings: siblings)
    }

    private static func sibling(_ version: Version) -> SiblingValue {
        SiblingValue(
            content: version.content.flatMap { try? ObjectContent(encoded: Array($0)) },
            timestamp: version.timestamp.milliseconds, dot: version.dot)
    }

    /// The version that all siblings have replaced, if there is one and the conflict log remembers what it was.
    private func ancestor(of current: ObjectAnswer) async throws -> SiblingValue? {
        guard let parent = current.versions.first?.parent, current.versions.allSatisfy({ $0.parent == parent }),
            let names = ConflictReporting.Names(Array(current.key.address))
        else { return nil }
        var filter = ConflictFilter()
        (filter.type, filter.bucket, filter.key) = (names.type, names.bucket, names.key)
        for entry in try await loop.conflicts(inPartition: current.key.partition, filter) {
            for party in [entry.conflict.subject] + entry.conflict.others where party.dot == parent {
                guard case .content(let bytes) = party.value, let content = try? ObjectContent(encoded: bytes) else {
                    continue
                }
                return SiblingValue(content: content, timestamp: party.timestamp.milliseconds, dot: parent)
            }
        }
        return nil
    }

    private func delete(
        _ current: ObjectAnswer, _ name: ObjectName, by writer: String?, note: [UInt8]
    ) async throws -> ResolutionReport {
        let client = writer.map { Array($0.utf8)[...] }
        return try await loop.run { loop throws(RequestFailure) -> ResolutionReport? in
            try name.withReference { reference throws(RequestFailure) -> ResolutionReport? in
                let seen = loop.token(current.knowledge, for: current.key)
                return try seen.withBytes { token throws(RequestFailure) in
                    try loop.delete(reference, token: token, writer: client, note: note).map { answer in
                        ResolutionReport(dot: nil, values: answer.object.versions.count, isNew: answer.isNew)
                    }
                }
            }
        }
    }

    private func write(
        _ content: [UInt8], to name: ObjectName, by writer: String?, note: [UInt8],
        seen: @escaping @Sendable (ObjectAnswer, DataLoop) -> [UInt8]
    ) async throws -> ResolutionReport {
        let client = writer.map { Array($0.utf8)[...] }
        return try await loop.run { loop throws(RequestFailure) -> ResolutionReport? in
            try name.withReference { reference throws(RequestFailure) -> ResolutionReport? in
                guard let current = try loop.get(reference) else { return nil }
                return try seen(current, loop).withBytes { token throws(RequestFailure) in
                    let request = PutRequest(
                        object: reference, content: content, token: token, writer: client, note: note)
                    return try loop.put(request).map { answer in
                        // Somebody else may have written the same; of that the writer knows nothing.
                        let written = answer.object.versions.first { version in
                            answer.writerKnows.context.contains(version.dot)
                                && version.content.map { $0.elementsEqual(content) } ?? false
                        }
                        return ResolutionReport(
                            dot: written.map { ConflictReporting.text($0.dot) }, values: answer.object.versions.count,
                            isNew: answer.isNew)
                    }
                }
            }
        }
    }
}
