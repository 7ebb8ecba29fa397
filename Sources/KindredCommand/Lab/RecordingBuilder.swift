import ArgumentParser
import Foundation
import KindredModel
import KindredNode
import KindredSimulator

/// Puts a workload together from the lines of a recording, of one node or of several, in any order.
struct RecordingBuilder {
    /// More would take more memory than a machine of today has to spare.
    static let mostWrites = 5_000_000
    /// A line with the largest value, in base 16.
    static let longestLine = 128 << 20

    private(set) var headers: [RecordingLine.Header] = []
    private(set) var writeCount = 0
    private(set) var dropped: UInt64 = 0
    /// The strategies that were in force.
    private(set) var strategies: Set<String> = []
    private var nodes: [String: Int] = [:]
    private var keys: [RecordingLine.Name: [ReplayWrite]] = [:]
    private var reads = 0
    private var first = UInt64.max
    private var last: UInt64 = 0
    private var end: UInt64 = 0
    /// The only bucket that counts; nil for all.
    let filter: (type: String, bucket: String)?

    init(filter: (type: String, bucket: String)? = nil) {
        self.filter = filter
    }

    mutating func add(_ line: RecordingLine) throws(CommandFailure) {
        switch line {
        case .header(let header):
            guard header.format == RecordingLine.formatVersion else {
                throw CommandFailure(
                    .failure,
                    "the recording has format \(header.format); this version reads "
                        + "\(RecordingLine.formatVersion)")
            }
            headers.append(header)
            first = min(first, header.started)
        case .write(let write): try add(write)
        case .read(let read):
            guard admits(read.name) else { return }
            reads += 1
            last = max(last, read.at)
        case .dropped(let count, _): dropped = max(dropped, dropped &+ count)
        case .end(let moment): end = max(end, moment)
        case .alive: break
        }
    }

    private func admits(_ name: RecordingLine.Name) -> Bool {
        filter.map { $0.type == name.type && $0.bucket == name.bucket } ?? true
    }

    private mutating func add(_ line: RecordingLine.Write) throws(CommandFailure) {
        guard admits(line.name) else { return }
        guard writeCount < Self.mostWrites else {
            throw CommandFailure(
                .failure, "the recording has more than \(Self.mostWrites) writes; record for less long")
        }
        guard let seen = line.seen.context, let write = Self.write(line, seen, coordinator: node(line.node)) else {
            throw CommandFailure(
                .failure, "a write of the recording has a dot that is none, or an unknown word")
        }
        writeCount += 1
        strategies.insert(line.strategy)
        first = min(first, line.at)
        last = max(last, line.at)
        keys[line.name, default: []].append(write)
    }

    private mutating func node(_ name: String) -> Int {
        if let known = nodes[name] { return known }
        nodes[name] = nodes.count
        return nodes.count - 1
    }

    /// Nil if the line makes no sense.
    private static func write(
        _ line: RecordingLine.Write, _ seen: CausalContext, coordinator: Int
    ) -> ReplayWrite? {
        let outcome: ReplayWrite.Outcome
        switch line.outcome {
        case "applied": outcome = .applied
        case "unchanged": outcome = .unchanged
        case "precondition": outcome = .conditionFailed
        default: outcome = .refused
        }
        var conditions: Set<ReplayWrite.Condition> = []
        for word in line.conditions ?? [] {
            switch word {
            case "absent": conditions.insert(.absent)
            case "present": conditions.insert(.present)
            case "unchanged-since-seen": conditions.insert(.unchanged)
            default: conditions.insert(.other)
            }
        }
        let dot = line.dot.flatMap { Dot(recorded: $0) }
        let found = line.found.compactMap { Dot(recorded: $0) }
        let reflected = line.reflected.flatMap(\.context)
        guard (dot == nil) == (line.dot == nil), (dot == nil) == (outcome != .applied),
            found.count == line.found.count, (reflected == nil) == (line.reflected == nil),
            ["put", "delete"].contains(line.operation), ConflictStrategy(rawValue: line.strategy) != nil
        else { return nil }
        return ReplayWrite(
            at: line.at, timestamp: line.timestamp.map { HybridTimestamp(rawValue: $0) }, number: line.number,
            coordinator: coordinator, isDelete: line.operation == "delete", hasContext: line.hasContext, seen: seen,
            conditions: conditions, client: line.client, content: line.digest.map { Array($0.utf8) }, dot: dot,
            found: found, reflected: reflected, outcome: outcome)
    }

    func workload() -> RecordedWorkload {
        let manyBuckets = Set(keys.keys.map { [$0.type, $0.bucket] }).count > 1
        let recorded = keys.map { name, writes in
            RecordedKey(
                name: manyBuckets ? "\(name.type)/\(name.bucket)/\(name.key)" : name.key, writes: writes)
        }
        var names = Array(repeating: "", count: nodes.count)
        for (name, place) in nodes { names[place] = name }
        let started = first == .max ? 0 : first
        return RecordedWorkload(
            nodes: names, keys: recorded.sorted { $0.name < $1.name }, started: started,
            ended: max(last, end, started), dropped: dropped,
            reads: headers.contains { $0.reads } ? reads : nil)
    }
}

extension RecordingBuilder {
    /// Reads a file, a piece at a time.
    mutating func read(path: String) throws(CommandFailure) {
        guard let file = FileHandle(forReadingAtPath: path) else {
            throw CommandFailure(.failure, "\(path) cannot be read")
        }
        defer { try? file.close() }
        var lines = LineSplitter(limit: Self.longestLine)
        var number = 0
        do {
            while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty {
                for line in try lines.add(piece) {
                    number += 1
                    try add(Self.decode(line, number, path))
                }
            }
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(.failure, "\(path) cannot be read: \(error)")
        }
        // A recording that was killed in the middle of a line is good up to there.
        guard !headers.isEmpty else { throw CommandFailure(.failure, "\(path) is no recording: it has no header") }
    }

    private static func decode(_ line: Data, _ number: Int, _ path: String) throws(CommandFailure) -> RecordingLine {
        do {
            return try JSONDecoder().decode(RecordingLine.self, from: line)
        } catch {
            throw CommandFailure(.failure, "\(path), line \(number): this is no line of a recording")
        }
    }
}

/// Takes bytes as they come, and gives whole lines.
struct LineSplitter {
    let limit: Int
    private var rest = Data()

    init(limit: Int) {
        self.limit = limit
    }

    /// The lines that are whole now, without their ends; empty ones are left out.
    mutating func add(_ bytes: some Sequence<UInt8>) throws(CommandFailure) -> [Data] {
        var lines: [Data] = []
        rest.append(contentsOf: bytes)
        var start = rest.startIndex
        while let end = rest[start...].firstIndex(of: UInt8(ascii: "\n")) {
            if end > start { lines.append(Data(rest[start..<end])) }
            start = rest.index(after: end)
        }
        rest = Data(rest[start...])
        guard rest.count <= limit else { throw CommandFailure(.failure, "a line is longer than \(limit) bytes") }
        return lines
    }
}
