import Foundation
import KindredNode

/// Takes the lines of a recording as they come: writes them somewhere, and counts.
actor RecordingTally {
    private(set) var writes = 0
    private(set) var reads = 0
    private(set) var refused = 0
    private(set) var overwritesUnread = 0
    private(set) var dropped: UInt64 = 0
    private(set) var nodes: Set<String> = []
    private var keys: Set<RecordingLine.Name> = []
    private(set) var builder: RecordingBuilder
    private let keepsLines: Bool
    private let write: (@Sendable ([UInt8]) throws -> Void)?

    /// So many keys are told apart; with more, "at least" so many.
    private static let mostKeys = 1_000_000

    /// - Parameters:
    ///   - keepsLines: whether the lines go into a workload.
    ///   - write: where they are written.
    init(
        keepsLines: Bool, filter: (type: String, bucket: String)? = nil,
        write: (@Sendable ([UInt8]) throws -> Void)?
    ) {
        self.keepsLines = keepsLines
        self.write = write
        builder = RecordingBuilder(filter: filter)
    }

    func take(_ line: RecordingLine) throws {
        switch line {
        case .alive: return
        case .header(let header): nodes.formUnion(header.nodes)
        case .write(let event):
            writes += 1
            if !["applied", "unchanged"].contains(event.outcome) { refused += 1 }
            if event.operation == "put", !event.hasContext, !event.found.isEmpty { overwritesUnread += 1 }
            if keys.count < Self.mostKeys { keys.insert(event.name) }
        case .read: reads += 1
        case .dropped(let count, _): dropped = max(dropped, dropped &+ count)
        case .end: break
        }
        if keepsLines { try builder.add(line) }
        guard let write else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try write([UInt8](try encoder.encode(line)) + [UInt8(ascii: "\n")])
    }

    var progress: String {
        let reading = reads > 0 ? ", \(TextLayout.count(reads, "read"))" : ""
        let lack = dropped > 0 ? "; \(TextLayout.grouped(Int(clamping: dropped))) dropped" : ""
        return "\(TextLayout.count(writes, "write"))\(reading) of \(TextLayout.count(keys.count, "key"))\(lack)"
    }

    var summary: [String] {
        var lines = ["recorded \(progress), at \(TextLayout.count(nodes.count, "node"))"]
        if writes > 0 {
            lines.append(
                "  \(TextLayout.grouped(refused)) refused; \(TextLayout.grouped(overwritesUnread)) came without "
                    + "a causal "
                    + "context to a key that had a value")
        }
        if dropped > 0 {
            lines.append(
                "  \(TextLayout.grouped(Int(clamping: dropped))) events are missing: they came faster than they were "
                    + "read")
        }
        return lines
    }
}
