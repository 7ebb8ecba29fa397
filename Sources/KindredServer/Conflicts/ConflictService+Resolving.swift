import Foundation
import KindredModel
import KindredNode
import KindredReplication

/// Why something could not be done about a conflict.
struct ConflictRefusal: Error, CustomStringConvertible {
    let description: String
    var status = 409
}

/// Writes that do something about conflicts. Each is one causal write that names what it has seen, and is entered into the conflict log with
/// the reason for it.
extension ConflictService {
    /// Writes a value that a conflict has cost as a new version, having seen what the key has now.
    ///
    /// - Parameter isBeside: whether it is to stand beside what the key has now, where the strategy allows siblings.
    func restore(_ id: ConflictID, by writer: String?, isBeside: Bool) async throws -> ResolutionReport {
        guard let entry = try await loop.conflict(id) else {
            throw ConflictRefusal(description: "the conflict log has no \(id), or no more", status: 404)
        }
        let parties = [entry.conflict.subject] + entry.conflict.others
        let values = parties.compactMap { party -> [UInt8]? in
            if case .content(let content) = party.value { content } else { nil }
        }
        guard let content = values.first else {
            if case .oversized(let length, _) = entry.conflict.subject.value {
                throw ConflictRefusal(
                    description: "the value had \(length) bytes, too many to be remembered: only its digest is known")
            }
            throw ConflictRefusal(description: "\(id) has cost no value that the conflict log remembers")
        }
        guard let names = ConflictReporting.Names(entry.address) else {
            throw ConflictRefusal(description: "\(id) names no key")
        }
        let note = Array("restore \(id)".utf8)
        return try await write(content, to: try await objectName(names), by: writer, note: note) { current, loop in
            isBeside ? [] : loop.token(current.knowledge, for: current.key)
        }
    }

    /// Replaces the siblings of a key by one value, made from them by a rule.
    ///
    /// - Parameter rule: makes the content from the versions there are; nil deletes the key.
    func resolve(
        _ name: ObjectName, by writer: String?, rule ruleName: String,
        _ rule: @escaping @Sendable ([Version]) throws -> [UInt8]
    ) async throws -> ResolutionReport {
        let current = try await loop.run { loop throws(RequestFailure) -> ObjectBox? in
            try name.withReference { reference throws(RequestFailure) in
                try loop.get(reference).map { ObjectBox(answer: $0) }
            }
        }.answer
        guard current.versions.count > 1 else {
            return ResolutionReport(dot: nil, values: current.versions.count, isNew: false)
        }
        let content = try rule(current.versions)
        // What was read is what is replaced: a write that came between stays beside it.
        return try await write(
            content, to: name, by: writer, note: Array("resolve by \(ruleName)".utf8)
        ) { _, loop in loop.token(current.knowledge, for: current.key) }
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
                        let written = answer.object.versions.first {
                            $0.content.map { $0.elementsEqual(content) } ?? false
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
